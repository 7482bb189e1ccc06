"""The station's log: all or nothing, sealed when it should be, one writer, and no fault of the disk counts twice."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tinydb import TinyDB

from kiosk import segments
from kiosk import store as store_module
from kiosk.durable import move_durably
from kiosk.errors import NotSaved, RecordError, StoreBusy
from kiosk.records import SHANGHAI, ZEROS, Draft, Record, record_hash
from kiosk.store import SEGMENT_SIZE, DurableStorage, Store
from tests import plain

NOW = datetime(2021, 12, 6, 8, 0, tzinfo=SHANGHAI)
CAMPAIGN = ("SC2021", 1)
EPOCH = "00000000000000ab"


def notes(count: int, *, at: datetime = NOW) -> list[Draft]:
    return [Draft("station_noted", at, "station", data={"note": "test", "details": {"n": n}}) for n in range(count)]


def read_by(store: Store) -> list[Record]:
    """Every record that could be read when the log was opened, in order."""
    return [record for segment in store.take_segments() for record in segment.records]


class Log:
    """A store on a folder that can be opened again and again, as a station would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.epoch = EPOCH
        self.saved: list[str] = []
        self.segment = 0
        self.store: Store | None = None

    def open(self) -> Store:
        self.close()
        self.store = Store(
            self.folder,
            station="S1",
            epoch=self.epoch,
            save_epoch=self.save,
            segment=self.segment,
            save_segment=self.save_segment,
            entropy=os.urandom,
        )
        return self.store

    def save(self, epoch: str) -> None:
        self.epoch = epoch
        self.segment = 0
        self.saved.append(epoch)

    def save_segment(self, number: int) -> None:
        self.segment = number

    def close(self) -> None:
        if self.store is not None:
            self.store.close()
            self.store = None

    def append(self, drafts: list[Draft], at: datetime = NOW) -> list[Record]:
        assert self.store is not None
        return self.store.append(drafts, at=at, campaign=CAMPAIGN)

    def problems(self) -> list[segments.Finding]:
        return segments.verify(self.folder, "S1")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = Log(tmp_path / "log")
    made.open()
    yield made
    made.close()


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# --- writing --------------------------------------------------------------------------------------------------------


def test_what_was_appended_is_read_back(log: Log) -> None:
    drafts = notes(5)
    written = [*log.append(drafts[:2]), *log.append(drafts[2:])]
    assert [record.id for record in written] == [draft.id for draft in drafts]
    assert [record.seq for record in written] == [1, 2, 3, 4, 5]
    assert plain.log(log.folder) == [dict(record.document) for record in written]
    assert [record.document for record in read_by(log.open())] == [record.document for record in written]
    assert log.problems() == []


def test_the_same_drafts_are_written_once(log: Log) -> None:
    drafts = notes(3)
    first = log.append(drafts)
    before = plain.fingerprint(log.folder)
    assert log.append(drafts) == first
    assert plain.fingerprint(log.folder) == before
    more = notes(1)
    assert log.append([*drafts, *more])[:3] == first
    assert plain.ids(log.folder) == [draft.id for draft in (*drafts, *more)]


def test_one_bad_draft_keeps_all_out(log: Log) -> None:
    log.append(notes(1))
    before = plain.fingerprint(log.folder)
    bad = Draft("station_noted", NOW, "station", data={"note": "test", "details": {"n": float("nan")}})
    with pytest.raises(RecordError):
        log.append([*notes(2), bad])
    assert plain.fingerprint(log.folder) == before
    assert [record.seq for record in log.append(notes(1))] == [2]
    assert log.problems() == []


@pytest.mark.parametrize("value", [0.5, 2**53, "\ud83d", {"a": float("inf")}])
def test_what_could_not_be_read_back_is_not_written(log: Log, value: object) -> None:
    bad = Draft("station_noted", NOW, "station", data={"note": "test", "details": {"n": value}})
    before = plain.fingerprint(log.folder)
    with pytest.raises(RecordError):
        log.append([bad])
    assert set(plain.fingerprint(log.folder)) <= {*before, "records/open.json"}
    log.append(notes(1))
    assert log.problems() == []


def test_the_chain_is_what_the_format_says(log: Log) -> None:
    log.append([Draft("station_noted", NOW, "station", data={"note": "test", "details": {"name": "小满"}})])
    log.append([Draft("refused", NOW, "volunteer", data={"reasons": []}, personal={"a": 1}, health={"b": "met"})])
    first, second = plain.log(log.folder)
    assert first["prev"] == ZEROS
    assert second["prev"] == first["hash"]
    for document in (first, second):
        hashed = {key: value for key, value in document.items() if key not in ("hash", "personal", "health")}
        assert document["hash"] == hashlib.sha256(canonical(hashed)).hexdigest()
        assert document["at"] == "2021-12-06T08:00:00.000+08:00"
    for part in ("personal", "health"):
        assert second[f"{part}_hash"] == hashlib.sha256(canonical(second[part])).hexdigest()
        assert len(second[part]["salt"]) == 32


def test_folders_and_files_are_private(log: Log) -> None:
    log.append(notes(1))
    assert log.store is not None
    log.store.seal()
    log.append(notes(1))
    for path in (log.folder, *log.folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


# --- sealing --------------------------------------------------------------------------------------------------------


def check_segments(log: Log, sizes: list[int]) -> None:
    """All segments have these sizes, and names, headers and hashes as the format says."""
    files = plain.segment_files(log.folder)
    assert [len(plain.documents(path)) for path in files] == sizes
    prev, seq = ZEROS, 1
    for number, path in enumerate(files, start=1):
        (header,) = plain.documents(path, "segment")
        assert header == {"format": 1, "station": "S1", "epoch": EPOCH, "first_seq": seq, "prev": prev}
        hashes = [document["hash"] for document in plain.documents(path)]
        prev = hashlib.sha256(canonical([hashes, header])).hexdigest()
        seq += len(hashes)
        if path.name != "open.json":
            assert path.name == f"{number:06d}-{prev}.json"
    assert log.problems() == []


def test_sealed_when_full(log: Log) -> None:
    for _ in range(SEGMENT_SIZE // 50):
        log.append(notes(50))
    check_segments(log, [SEGMENT_SIZE])
    assert plain.segment_files(log.folder)[0].name == "open.json"
    log.append(notes(1))
    check_segments(log, [SEGMENT_SIZE, 1])


def test_what_belongs_together_is_never_split(log: Log) -> None:
    log.append(notes(SEGMENT_SIZE - 2))
    log.append(notes(3))
    check_segments(log, [SEGMENT_SIZE - 2, 3])


def test_sealed_at_the_change_of_day(log: Log) -> None:
    log.append(notes(2), datetime.fromisoformat("2021-12-06T23:59:59.999+08:00"))
    log.append(notes(1), datetime.fromisoformat("2021-12-06T15:59:59+00:00"))
    check_segments(log, [3])
    log.append(notes(1), datetime.fromisoformat("2021-12-06T16:00:00+00:00"))
    check_segments(log, [3, 1])


def test_sealed_on_demand(log: Log) -> None:
    assert log.store is not None
    log.store.seal()
    assert plain.segment_files(log.folder) == []
    log.append(notes(2))
    log.store.seal()
    log.store.seal()
    check_segments(log, [2])
    assert [path.name for path in (log.folder / "records").iterdir()] == ["sealed"]
    log.open()
    log.append(notes(2))
    check_segments(log, [2, 2])


def test_reopened_after_each_write(log: Log) -> None:
    for day in range(3):
        for _ in range(2):
            log.open()
            log.append(notes(2), NOW + timedelta(days=day))
    check_segments(log, [4, 4, 4])


# --- one writer -----------------------------------------------------------------------------------------------------


def test_a_second_writer_is_refused(log: Log) -> None:
    with pytest.raises(StoreBusy):
        Store(log.folder, station="S1", epoch=EPOCH, save_epoch=log.save)
    script = (
        "import sys, pathlib; from kiosk.store import Store; from kiosk.errors import StoreBusy\n"
        "try: Store(pathlib.Path(sys.argv[1]), station='S1', epoch='x', save_epoch=print)\n"
        "except StoreBusy: sys.exit(77)\n"
    )
    command = [sys.executable, "-c", script, str(log.folder)]
    assert subprocess.run(command, cwd=plain.ROOT, check=False).returncode == 77
    log.close()
    assert subprocess.run(command, cwd=plain.ROOT, check=False).returncode == 0


READER = """
import json, pathlib, sys
path, stop = map(pathlib.Path, sys.argv[1:])
print("ready", flush=True)
reads = longest = broken = 0
while not stop.exists():
    try:
        records = len(json.loads(path.read_bytes()).get("records", {}))
        broken += records < longest
        longest = max(longest, records)
    except ValueError:
        broken += 1
    reads += 1
print(reads, broken, longest)
"""


def test_readers_see_whole_files_only(log: Log, tmp_path: Path) -> None:
    """Somebody without the lock reads as fast as they can; what they see, a crash at that moment would leave."""
    log.append(notes(20))
    path, stop = log.folder / "records" / "open.json", tmp_path / "stop"
    command = [sys.executable, "-c", READER, str(path), str(stop)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for _ in range(170):
            log.append(notes(1))
        stop.touch()
        reads, broken, longest = map(int, reader.stdout.read().split())
    assert broken == 0
    assert reads > 10
    assert 20 < longest <= 190


def test_what_a_crash_left_in_tmp_is_no_problem(log: Log) -> None:
    log.append(notes(2))
    log.close()
    (log.folder / "tmp" / "open.json.4711").write_bytes(b'{"records": {"1": {"id"')
    assert log.problems() == []
    log.open()
    log.append(notes(1))
    check_segments(log, [3])
    assert list((log.folder / "tmp").iterdir()) == []


# --- faults of the disk ---------------------------------------------------------------------------------------------


class Disk:
    """Makes one kind of call fail: the `first`-th one, and with `for_good` all after it, until it is repaired."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._left = 0
        self._for_good = False
        self.failed = 0
        for owner, name in ((os, "fsync"), (os, "write"), (Path, "replace"), (Path, "rename")):
            self._wrap(owner, name)

    def _wrap(self, owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def call(*arguments: Any) -> Any:
            if self._fails(name):
                if name == "write":  # a full disk takes what still fits
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                raise OSError(errno.EIO, "injected")
            return real(*arguments)

        self._monkeypatch.setattr(owner, name, call)

    def _fails(self, name: str) -> bool:
        if name != self._name or self._left <= 0:
            return False
        self._left -= 1
        if self._left:
            return False
        self._left = 1 if self._for_good else 0
        self.failed += 1
        return True

    _name = ""

    def breaks(self, name: str, first: int, *, for_good: bool) -> None:
        self._name, self._left, self._for_good, self.failed = name, first, for_good, 0

    def repair(self) -> None:
        self._left = 0


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


FAULTS = [("fsync", 6), ("write", 2), ("replace", 2), ("rename", 1)]
"""What an append that seals and begins a segment calls, and how often at least."""


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize(("call", "least"), FAULTS)
def test_a_retry_leaves_each_record_there_once(
    tmp_path: Path, disk: Disk, call: str, least: int, for_good: bool
) -> None:
    """The append under test seals a segment, begins the next, and writes: every call in it fails in turn."""
    for nth in range(1, 50):
        log = Log(tmp_path / str(nth))
        log.open()
        before = log.append(notes(3))
        drafts = notes(2)
        disk.breaks(call, nth, for_good=for_good)
        tomorrow = NOW + timedelta(days=1)
        if nth > least:
            log.append(drafts, tomorrow)  # nothing fails any more but the note of what is newest, which may lag behind
            if not disk.failed:
                log.close()
                break
        else:
            with pytest.raises(NotSaved) as failure:
                log.append(drafts, tomorrow)
            assert failure.value.drafts == tuple(drafts)
            if for_good:
                with pytest.raises(NotSaved):
                    log.append(drafts, tomorrow)
        disk.repair()
        written = log.append(drafts, tomorrow)
        later = log.append(notes(1), tomorrow)
        everything = [record.id for record in (*before, *written, *later)]
        assert plain.ids(log.folder) == everything
        assert log.problems() == []
        assert [record.id for record in read_by(log.open())] == everything
        assert log.epoch == EPOCH
        log.close()
    else:
        pytest.fail("the append calls this more than 50 times")


@pytest.mark.parametrize(("call", "least"), FAULTS)
def test_what_was_not_retried_is_wholly_there_or_not_at_all(tmp_path: Path, disk: Disk, call: str, least: int) -> None:
    for nth in range(1, least + 1):
        log = Log(tmp_path / str(nth))
        store = log.open()
        before = [record.id for record in log.append(notes(3))]
        drafts = notes(2)
        disk.breaks(call, nth, for_good=False)
        with pytest.raises(NotSaved):
            log.append(drafts, NOW + timedelta(days=1))
        settled = [record.id for record in store.settle()]
        assert settled in ([], [draft.id for draft in drafts])
        assert store.settle() == []
        assert plain.ids(log.folder) == before + settled
        assert log.problems() == []
        log.close()


def test_the_sync_of_the_folder_fails(log: Log, disk: Disk) -> None:
    """The file is renamed already, so the records are there although nobody was told so."""
    log.append(notes(1))
    drafts = notes(2)
    disk.breaks("fsync", 2, for_good=False)
    with pytest.raises(NotSaved):
        log.append(drafts)
    assert plain.ids(log.folder)[1:] == [draft.id for draft in drafts]
    assert log.store is not None
    assert [record.id for record in log.store.settle()] == [draft.id for draft in drafts]


def test_a_retry_that_comes_after_the_segment_was_sealed(log: Log, disk: Disk) -> None:
    """Others went on, and a new day began, before somebody pressed the button again."""
    drafts = notes(2)
    log.append(notes(1))
    disk.breaks("fsync", 2, for_good=False)
    with pytest.raises(NotSaved):
        log.append(drafts)
    log.append(notes(1), NOW + timedelta(days=1))
    again = log.append(drafts, NOW + timedelta(days=1))
    assert [record.id for record in again] == [draft.id for draft in drafts]
    assert len(plain.ids(log.folder)) == len(set(plain.ids(log.folder))) == 4
    assert log.problems() == []


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_sealing_fails(log: Log, disk: Disk, call: str) -> None:
    assert log.store is not None
    written = log.append(notes(2))
    disk.breaks(call, 1, for_good=False)
    with pytest.raises(NotSaved):
        log.store.seal()
    log.store.seal()
    written += log.append(notes(1))
    assert plain.ids(log.folder) == [record.id for record in written]
    check_segments(log, [2, 1])


def test_a_storage_that_fails_reads_what_the_file_holds(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "file.json"
    db = TinyDB(path, storage=DurableStorage)
    db.insert({"n": 1})
    disk.breaks("write", 1, for_good=False)
    with pytest.raises(OSError, match="injected"):
        db.insert({"n": 2})
    assert [dict(document) for document in db.all()] == [{"n": 1}]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file.json"]
    path.write_bytes(b"")
    with pytest.raises(json.JSONDecodeError):
        TinyDB(path, storage=DurableStorage).all()


# --- what cannot be read --------------------------------------------------------------------------------------------

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "a changed byte": lambda content: content.replace(b'"note":"test"', b'"note":"tesT"', 1),
    "a changed header": lambda content: content.replace(b'"first_seq":4', b'"first_seq":5'),
    "a changed table": lambda content: content.replace(b'"records":', b'"recordz":'),
    "a changed document number": lambda content: content.replace(b'"2":{"id"', b'"x":{"id"'),
    "of another station": lambda content: content.replace(b'"station":"S1"', b'"station":"S2"'),
    "of a newer version": lambda content: content.replace(b'"format":1', b'"format":2'),
    "of another epoch": lambda content: content.replace(EPOCH.encode(), b"00000000000000cd"),
    "no number": lambda content: content.replace(b'{"n":0}', b'{"n":NaN}'),
    "no end": lambda content: content.replace(b'{"n":0}', b'{"n":1e999}'),
    "a fraction": lambda content: content.replace(b'{"n":0}', b'{"n":0.5}'),
    "a huge number": lambda content: content.replace(b'{"n":0}', b'{"n":' + b"9" * 5000 + b"}"),
    "half a character": lambda content: content.replace(b'{"n":0}', rb'{"n":"\ud83d"}'),
    "a key twice": lambda content: content.replace(b'{"n":0}', b'{"n":0,"n":0}'),
    "nested": lambda content: content.replace(b'{"n":0}', b'{"n":' * 450 + b"0" + b"}" * 450),
    "nested too deeply": lambda content: content.replace(b'{"n":0}', b'{"n":' * 50_000 + b"0" + b"}" * 50_000),
    "no log": lambda content: b"[1, 2]",
    "no text": lambda content: b"\xff\xfe\x00" + content,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_open_segment_is_set_aside(log: Log, damage: Callable[[bytes], bytes]) -> None:
    assert log.store is not None
    sealed = log.append(notes(3))
    log.store.seal()
    log.append(notes(3))
    log.close()
    path = log.folder / "records" / "open.json"
    content = damage(path.read_bytes())
    assert content != path.read_bytes()
    path.write_bytes(content)
    assert log.problems()

    store = log.open()
    assert store.set_aside == ["open.json"]
    assert store.epoch == log.epoch != EPOCH
    assert log.saved == [log.epoch]
    lost = store.lost_epoch()
    assert lost is not None
    assert lost[0] == EPOCH
    assert lost[1] in (3, 6)  # what is known of it: sealed, and what the damage left readable
    assert [record.id for record in read_by(store)][:3] == [record.id for record in sealed]
    (aside,) = (log.folder / "set-aside").iterdir()
    assert aside.read_bytes() == content
    written = log.append(notes(2))
    assert [(record.seq, record.epoch) for record in written] == [(1, log.epoch), (2, log.epoch)]
    assert store.lost_epoch() is None
    assert [finding.file for finding in log.problems()] == [f"set-aside/{aside.name}"]
    assert log.open().set_aside == []
    assert log.saved == [log.epoch]


def test_an_older_copy_of_a_sealed_segment_stands_in_the_way(log: Log) -> None:
    """A copy of the folder that was made while the station ran holds a segment twice: still open, and sealed."""
    assert log.store is not None
    log.append(notes(2))
    older = (log.folder / "records" / "open.json").read_bytes()
    written = log.append(notes(2))
    log.store.seal()
    log.close()
    (log.folder / "records" / "open.json").write_bytes(older)
    assert [finding.file for finding in log.problems()] == ["records/open.json"]
    store = log.open()
    assert [record.seq for record in read_by(store)] == [1, 2, 3, 4]
    log.append(notes(1))
    assert [finding.file.split("/")[0] for finding in log.problems()] == ["set-aside"]
    sealed = plain.documents(plain.segment_files(log.folder)[0])
    assert [document["id"] for document in sealed][2:] == [record.id for record in written]
    assert plain.ids(log.folder)[:4] == [document["id"] for document in sealed]


def test_a_damaged_sealed_segment_takes_no_other_with_it(log: Log) -> None:
    """The open segment is whole, so what it says of today goes on counting."""
    assert log.store is not None
    for _ in range(3):
        log.append(notes(2))
        log.store.seal()
    today = log.append(notes(2))
    log.close()
    plain.segment_files(log.folder)[1].write_bytes(b"{")
    store = log.open()
    assert len(store.set_aside) == 1
    assert log.epoch != EPOCH
    assert [record.id for record in read_by(store)][-2:] == [record.id for record in today]
    log.append(notes(1))
    assert [path.name[:6] for path in plain.segment_files(log.folder)] == ["000001", "000003", "000004", "open.j"]


@pytest.mark.parametrize("damage", ["unreadable", "gone"])
@pytest.mark.parametrize("sealed", [1, 2])
def test_a_damaged_segment_of_yesterday_does_not_take_today_with_it(log: Log, sealed: int, damage: str) -> None:
    """The one that the open segment follows on: whoever is here today is still here."""
    assert log.store is not None
    for _ in range(sealed):
        log.append(notes(2))
        log.store.seal()
    today = log.append(notes(2))
    log.close()
    path = plain.segment_files(log.folder)[sealed - 1]
    path.write_bytes(b"{") if damage == "unreadable" else path.unlink()
    store = log.open()
    assert store.set_aside == ([path.name] if damage == "unreadable" else [])
    assert [record.id for record in read_by(store)][-2:] == [record.id for record in today]
    written = log.append(notes(1))
    assert [(record.epoch, record.seq) for record in written] == [(log.epoch, 1)]
    names = [path.name[:6] for path in plain.segment_files(log.folder)]
    assert names == [*(f"{number:06d}" for number in range(1, sealed)), f"{sealed + 1:06d}", "open.j"]
    assert log.problems()


def test_an_epoch_that_could_not_be_saved_is_not_begun(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.append(notes(4))
    log.close()
    path = log.folder / "records" / "open.json"
    path.write_bytes(path.read_bytes().replace(b"tes", b"tez", 1))
    with monkeypatch.context() as patched:
        patched.setattr(log, "save", lambda epoch: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        with pytest.raises(OSError, match="full"):
            log.open()
    assert path.exists()
    store = log.open()  # the lock was given back
    assert store.lost_epoch() == (EPOCH, 4)


@pytest.mark.parametrize("which", [0, 1], ids=["sealed", "open"])
def test_nothing_is_moved_before_the_new_epoch_is_durable(
    log: Log, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    """Else a crash in between would leave a log that looks whole, and its numbers would be given again."""
    assert log.store is not None
    log.append(notes(3))
    log.store.seal()
    log.append(notes(1))
    log.close()
    path = plain.segment_files(log.folder)[which]
    path.write_bytes(b"{")
    before = plain.fingerprint(log.folder)
    with monkeypatch.context() as patched:
        patched.setattr(log, "save", lambda epoch: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        with pytest.raises(OSError, match="full"):
            log.open()
    assert plain.fingerprint(log.folder) == before
    assert log.epoch == EPOCH
    store = log.open()
    assert store.set_aside == [path.name]
    assert log.append(notes(1))[0].epoch == log.epoch != EPOCH


@pytest.mark.parametrize("moves", range(3))
def test_a_crash_while_files_are_set_aside(log: Log, monkeypatch: pytest.MonkeyPatch, moves: int) -> None:
    """After none, one or both of two unreadable files were moved: no epoch is ever continued without them."""
    assert log.store is not None
    for _ in range(2):
        log.append(notes(2))
        log.store.seal()
    log.append(notes(1))
    log.close()
    for path in plain.segment_files(log.folder)[1:]:
        path.write_bytes(b"{")
    real = move_durably
    left = [moves]

    def move(source: Path, target: Path) -> None:
        if not left[0]:
            raise OSError(errno.EIO, "power")
        left[0] -= 1
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(store_module, "move_durably", move)
        if moves < 2:
            with pytest.raises(OSError, match="power"):
                log.open()
        else:
            log.open()
    assert log.epoch != EPOCH
    store = log.open()
    assert store.lost_epoch() == (EPOCH, 2)
    assert len(list((log.folder / "set-aside").iterdir())) == 2
    assert [record.seq for record in log.append(notes(2))] == [1, 2]
    assert len(used(log)) == 4


def test_an_open_segment_that_does_not_follow_on_the_last_record_is_set_aside(log: Log) -> None:
    """Its own document names the sealed one rightly, and its hashes hold; only its first record names another."""
    assert log.store is not None
    log.append(notes(2))
    log.store.seal()
    log.append(notes(2))
    log.close()
    path = log.folder / "records" / "open.json"
    tables = json.loads(path.read_bytes())
    prev = "f" * 64
    for document in tables["records"].values():
        document["prev"] = prev
        prev = document["hash"] = record_hash(document)
    path.write_text(json.dumps(tables), encoding="utf-8")
    assert [(finding.file, finding.seq) for finding in log.problems()] == [("records/open.json", 3)]
    store = log.open()
    assert (store.set_aside, log.epoch != EPOCH) == (["open.json"], True)


def test_a_crash_before_the_new_epoch_has_a_record(log: Log) -> None:
    """The next start still knows what epoch went before."""
    assert log.store is not None
    log.append(notes(3))
    log.store.seal()
    log.append(notes(1))
    log.close()
    (log.folder / "records" / "open.json").write_bytes(b"")
    log.open()
    store = log.open()
    assert store.lost_epoch() == (EPOCH, 3)
    assert not store.is_new


def test_damage_that_shows_after_a_failed_write(log: Log, disk: Disk) -> None:
    log.append(notes(2))
    disk.breaks("write", 1, for_good=False)
    drafts = notes(1)
    with pytest.raises(NotSaved):
        log.append(drafts)
    (log.folder / "records" / "open.json").write_bytes(b"{")
    assert log.store is not None
    assert log.store.settle() == []
    lost = log.store.lost_epoch()
    assert lost is not None
    assert lost[0] == EPOCH
    (record,) = log.append(drafts)
    assert (record.epoch, record.seq) == (log.epoch, 1)


# --- what is gone ---------------------------------------------------------------------------------------------------


def used(log: Log) -> list[tuple[str, int]]:
    """Epoch and seq of all records; none may be there twice."""
    pairs = [(record["epoch"], record["seq"]) for record in plain.log(log.folder)]
    assert len(pairs) == len(set(pairs))
    return pairs


@pytest.mark.parametrize("sealed", [0, 1, 2])
def test_an_open_segment_that_is_gone_ends_the_epoch(log: Log, sealed: int) -> None:
    """Its numbers were given and perhaps seen elsewhere: they must not be given to other records."""
    assert log.store is not None
    for _ in range(sealed):
        log.append(notes(2))
        log.store.seal()
    log.append(notes(3))
    log.close()
    (log.folder / "records" / "open.json").unlink()
    store = log.open()
    assert (store.lost_epoch(), store.missing) == ((EPOCH, 2 * sealed), sealed + 1)
    assert (store.is_new, store.set_aside) == (False, [])
    assert log.saved == [log.epoch]
    assert [(record.epoch, record.seq) for record in log.append(notes(2))] == [(log.epoch, 1), (log.epoch, 2)]
    assert len(used(log)) == 2 * sealed + 2
    assert log.open().missing is None
    assert log.saved == [log.epoch]


def test_a_sealed_segment_that_is_gone_ends_the_epoch(log: Log) -> None:
    """The last one, with nothing after it that could tell."""
    assert log.store is not None
    for _ in range(2):
        log.append(notes(2))
        log.store.seal()
    log.close()
    plain.segment_files(log.folder)[1].unlink()
    store = log.open()
    assert (store.lost_epoch(), store.missing) == ((EPOCH, 2), 2)
    log.append(notes(2))
    assert len(used(log)) == 4


def test_all_records_are_gone(log: Log) -> None:
    log.append(notes(5))
    log.close()
    shutil.rmtree(log.folder / "records")
    store = log.open()
    assert (store.lost_epoch(), store.missing, store.is_new) == ((EPOCH, 0), 1, False)
    (record,) = log.append(notes(1))
    assert record.epoch != EPOCH


def test_the_records_of_the_open_segment_are_gone(log: Log) -> None:
    log.append(notes(5))
    log.close()
    path = log.folder / "records" / "open.json"
    path.write_text(json.dumps({"segment": json.loads(path.read_bytes())["segment"]}), encoding="utf-8")
    assert log.open().missing == 1
    assert log.append(notes(1))[0].epoch != EPOCH


def test_a_damaged_segment_is_not_called_gone(log: Log) -> None:
    log.append(notes(5))
    log.close()
    (log.folder / "records" / "open.json").write_bytes(b"{")
    store = log.open()
    assert (store.missing, store.set_aside) == (None, ["open.json"])


def test_what_is_gone_while_the_station_runs(log: Log, disk: Disk) -> None:
    log.append(notes(2))
    disk.breaks("write", 1, for_good=False)
    drafts = notes(1)
    with pytest.raises(NotSaved):
        log.append(drafts)
    (log.folder / "records" / "open.json").unlink()
    (record,) = log.append(drafts)
    assert (record.epoch != EPOCH, record.seq) == (True, 1)
    assert log.store is not None
    assert log.store.missing == 1


def test_nothing_is_gone_where_nothing_ever_was(log: Log, disk: Disk) -> None:
    """Just after sealing; after a crash between a segment's own document and its first record; and before all."""
    assert log.store is not None
    assert log.open().is_new
    log.append(notes(2))
    log.store.seal()
    log.open()
    disk.breaks("write", 2, for_good=False)
    with pytest.raises(NotSaved):
        log.append(notes(1))
    assert plain.documents(log.folder / "records" / "open.json") == []
    log.open()
    assert [record.seq for record in log.append(notes(1))] == [3]
    assert (log.saved, log.segment, log.problems()) == ([], 2, [])


def test_a_folder_that_was_written_before_segments_were_noted(log: Log) -> None:
    log.append(notes(2))
    log.segment = 0
    log.open()
    log.append(notes(1))
    assert (log.segment, log.saved) == (1, [])
    check_segments(log, [3])


def test_a_segment_that_could_not_be_noted_is_noted_with_the_next_write(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written is acknowledged: it is durable."""
    log.close()
    with monkeypatch.context() as patched:
        patched.setattr(log, "save_segment", lambda number: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        log.open()
        assert [record.seq for record in log.append(notes(2))] == [1, 2]
    assert log.segment == 0
    log.open()
    log.append(notes(1))
    assert log.segment == 1


@pytest.mark.parametrize(("number", "times"), [(errno.EIO, 1), (errno.EMFILE, 9)])
def test_a_file_that_cannot_be_read_for_a_moment_is_not_set_aside(
    log: Log, monkeypatch: pytest.MonkeyPatch, number: int, times: int
) -> None:
    """Once, or for as long as the process has too many files open: nothing is wrong with the file."""
    drafts = notes(2)
    log.append(drafts)
    log.close()
    left, real = [times], Path.read_bytes

    def read(path: Path) -> bytes:
        if path.name == "open.json" and left[0]:
            left[0] -= 1
            raise OSError(number, "injected")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    if number == errno.EMFILE:
        with pytest.raises(OSError, match="injected"):
            log.open()
        left[0] = 0
    store = log.open()
    assert (store.set_aside, store.epoch) == ([], EPOCH)
    assert [record.id for record in read_by(store)] == [draft.id for draft in drafts]


def test_a_lock_that_fails_is_not_told_as_a_running_kiosk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "injected")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="injected"):
        Log(tmp_path / "log").open()


def test_the_note_of_what_is_newest_is_written_over_the_one_before_and_holds_nothing_of_it(log: Log) -> None:
    path = log.folder / segments.NEWEST
    log.open()
    log.append(notes(1))
    longer = b'{"epoch":"' + b"f" * 100 + b'","seq":123456}'
    path.write_bytes(longer)
    inode = path.stat().st_ino
    (record,) = log.append(notes(1))
    assert segments._last_acknowledged(log.folder) == (EPOCH, record.seq)
    assert len(path.read_bytes()) < len(longer)
    for _ in range(10):  # a seq of one digit, then of two
        (record,) = log.append(notes(1))
        assert segments._last_acknowledged(log.folder) == (EPOCH, record.seq)
    assert path.stat().st_ino == inode
