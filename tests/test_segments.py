"""`verify` finds whatever was changed, removed, moved or added, says where, and changes nothing itself."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kiosk.records import Draft, digest, record_hash
from kiosk.roster import History
from kiosk.segments import Finding, read_all, sealed_name, verify
from kiosk.store import Store
from tests import factories, plain

STATION = "S1"
VOLUNTEERS = [factories.volunteer_number(seed) for seed in range(4)]


def drafts_of(volunteer: str) -> list[Draft]:
    visit = factories.checked_in(volunteer, factories.at("08:00"))
    registered = factories.registered(volunteer, visit.occurred, name=f"沈听澜{volunteer[0]}")
    return [registered, visit, factories.checked_out(visit, factories.at("09:00"))]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of three sealed segments and an open one, of three records each."""
    folder = tmp_path_factory.mktemp("segments") / "log"
    store = Store(folder, station=STATION, epoch="ab" * 8, save_epoch=pytest.fail, entropy=random.Random(7).randbytes)
    for volunteer in VOLUNTEERS:
        store.seal()
        store.append(drafts_of(volunteer), at=factories.at("10:00"), campaign=("SC2021", 1))
    store.close()
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "log"))


def files(folder: Path) -> list[Path]:
    return plain.segment_files(folder)


def name(folder: Path, path: Path) -> str:
    return str(path.relative_to(folder))


def looked_at(folder: Path) -> list[Finding]:
    """What `verify` finds; it is also held to changing nothing."""
    before = plain.fingerprint(folder)
    found = verify(folder, STATION)
    assert plain.fingerprint(folder) == before
    return found


def change(path: Path, what: Callable[[dict[str, Any]], None]) -> None:
    tables = json.loads(path.read_bytes())
    what(tables)
    path.write_text(json.dumps(tables, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def places(found: list[Finding]) -> set[tuple[str, int | None]]:
    return {(finding.file, finding.seq) for finding in found}


def test_a_log_in_order(folder: Path) -> None:
    assert looked_at(folder) == []
    assert [len(plain.documents(path)) for path in files(folder)] == [3, 3, 3, 3]
    assert looked_at(folder.parent / "nothing there") == []


@pytest.mark.parametrize("which", [0, 1, 3], ids=["first", "middle", "open"])
def test_any_changed_byte_is_found(folder: Path, which: int) -> None:
    """Seven hundred bytes, one at a time, are replaced by another; the file is named each time."""
    path = files(folder)[which]
    content = path.read_bytes()
    chance = random.Random(which)
    for place in sorted(chance.sample(range(len(content)), 700)):
        byte = chance.choice([value for value in b'0a9fZ"x-}:, ' if value != content[place]])
        path.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
        found = verify(folder, STATION)
        around = content[max(0, place - 20) : place + 20]
        assert name(folder, path) in {finding.file for finding in found}, (place, chr(byte), around)


@pytest.mark.parametrize("which", range(4))
def test_a_changed_record_is_named(folder: Path, which: int) -> None:
    """One letter within a record, with the JSON still whole: the finding says which record."""
    path = files(folder)[which]
    content = path.read_bytes()
    starts = [match.start() for match in re.finditer(rb'"\d":\{"id"', content)]
    for place, start in enumerate(starts):
        for field in (b'"by":"', b'"at":"2', b'"prev":"', b'"hash":"', b'"campaign":"'):
            at = content.index(field, start) + len(field)
            other = b"0" if content[at : at + 1] != b"0" else b"1"
            path.write_bytes(content[:at] + other + content[at + 1 :])
            assert (name(folder, path), which * 3 + place + 1) in places(looked_at(folder)), field


@pytest.mark.parametrize("part", ["personal", "health"])
def test_a_changed_object_is_named(folder: Path, part: str) -> None:
    path = files(folder)[1]
    change(path, lambda tables: tables["records"]["1"][part].update(salt="00" * 16))
    assert places(looked_at(folder)) == {(name(folder, path), 4)}


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize(
    ("field", "value"),
    [("format", 0), ("format", 2), ("station", "S2"), ("epoch", "cd" * 8), ("first_seq", 2), ("prev", "f" * 64)],
)
def test_a_changed_header_is_found(folder: Path, which: int, field: str, value: object) -> None:
    path = files(folder)[which]
    change(path, lambda tables: tables["segment"]["1"].update({field: value}))
    assert name(folder, path) in {finding.file for finding in looked_at(folder)}


def test_a_record_that_was_made_to_fit_is_found(folder: Path) -> None:
    """Its own hash is right again: then the chain or the name of the file is not."""
    for path in files(folder):
        content = path.read_bytes()
        for number in "12":

            def forge(tables: dict[str, Any], number: str = number) -> None:
                document = tables["records"][number]
                document["occurred"] = document["occurred"].replace("T0", "T1")
                document["hash"] = record_hash(document)

            change(path, forge)
            assert name(folder, path) in {finding.file for finding in looked_at(folder)}
            path.write_bytes(content)


def test_a_record_of_another_station_is_found(folder: Path) -> None:
    """The last of the open segment, made to fit: nothing follows on it, but it says where it comes from."""
    path = files(folder)[3]
    for field, value in (("station", "S2"), ("epoch", "cd" * 8)):

        def forge(tables: dict[str, Any], field: str = field, value: str = value) -> None:
            document = tables["records"]["3"] | {"station": STATION, "epoch": "ab" * 8} | {field: value}
            tables["records"]["3"] = document | {"hash": record_hash(document)}

        change(path, forge)
        assert places(looked_at(folder)) == {(name(folder, path), 12)}


def test_a_segment_that_begins_elsewhere_is_found(folder: Path) -> None:
    """It holds no record yet that could tell."""
    path = files(folder)[3]

    def skip(tables: dict[str, Any]) -> None:
        del tables["records"]
        tables["segment"]["1"]["first_seq"] += 1

    change(path, skip)
    assert places(looked_at(folder)) == {(name(folder, path), None)}


def test_an_id_that_stands_twice_is_found(folder: Path) -> None:
    store = Store(folder, station=STATION, epoch="ab" * 8, save_epoch=pytest.fail)
    again = replace(drafts_of(VOLUNTEERS[0])[0], id=plain.ids(folder)[1])
    store.append([again], at=factories.at("10:00"), campaign=("SC2021", 1))
    store.close()
    assert places(looked_at(folder)) == {("records/open.json", 13)}


def test_a_whole_file_that_was_made_to_fit_is_found(folder: Path) -> None:
    """Somebody computes all hashes of a sealed file anew, and its name: the next one does not follow on it."""
    path, following = files(folder)[1:3]

    def forge(tables: dict[str, Any]) -> None:
        prev = tables["records"]["1"]["prev"]
        for document in tables["records"].values():
            document |= {"by": "lead", "prev": prev}
            prev = document["hash"] = record_hash(document)

    change(path, forge)
    hashes = [document["hash"] for document in plain.documents(path)]
    path.rename(path.with_name(sealed_name(2, digest([hashes, plain.documents(path, "segment")[0]]))))
    assert name(folder, following) in {finding.file for finding in looked_at(folder)}


@pytest.mark.parametrize("which", range(3))
def test_a_deleted_segment_is_found(folder: Path, which: int) -> None:
    path, following = files(folder)[which : which + 2]
    path.unlink()
    assert {finding.file for finding in looked_at(folder)} == {name(folder, following)}


def test_a_deleted_record_is_found(folder: Path) -> None:
    for path in files(folder)[:3]:
        for number in "123":
            content = path.read_bytes()
            change(path, lambda tables, number=number: tables["records"].pop(number))  # type: ignore[misc]
            assert name(folder, path) in {finding.file for finding in looked_at(folder)}
            path.write_bytes(content)


def test_swapped_files_are_found(folder: Path) -> None:
    one, two = files(folder)[:2]
    contents = one.read_bytes(), two.read_bytes()
    one.write_bytes(contents[1])
    two.write_bytes(contents[0])
    assert {name(folder, one), name(folder, two)} <= {finding.file for finding in looked_at(folder)}


def test_swapped_records_are_found(folder: Path) -> None:
    path = files(folder)[1]

    def swap(tables: dict[str, Any]) -> None:
        records = tables["records"]
        records["1"], records["2"] = records["2"], records["1"]

    change(path, swap)
    assert places(looked_at(folder)) >= {(name(folder, path), 5), (name(folder, path), 4)}


@pytest.mark.parametrize(
    "renamed",
    ["000002-{hash}.json", "000009-{hash}.json", "000001-{zeros}.json", "1-{hash}.json", "000001-{hash}.json.bak"],
)
def test_a_renamed_segment_is_found(folder: Path, renamed: str) -> None:
    path = files(folder)[0]
    target = path.with_name(renamed.format(hash=path.stem.split("-")[1], zeros="0" * 64))
    path.rename(target)
    assert name(folder, target) in {finding.file for finding in looked_at(folder)}


def test_a_renamed_open_segment_is_found(folder: Path) -> None:
    path = files(folder)[3]
    path.rename(path.with_name("open (1).json"))
    assert {finding.file for finding in looked_at(folder)} == {"records/open (1).json"}


def test_a_doubled_segment_is_found(folder: Path) -> None:
    path = files(folder)[0]
    copy = path.with_name(path.name.replace("000001", "000004"))
    shutil.copy(path, copy)
    assert name(folder, copy) in {finding.file for finding in looked_at(folder)}


@pytest.mark.parametrize("content", [b"", b"{", b"null", b'{"records":{}}', b"\xff", b"[" * 100_000])
def test_what_cannot_be_read_is_found(folder: Path, content: bytes) -> None:
    for path in (files(folder)[1], files(folder)[3]):
        path.write_bytes(content)
    assert {"records/open.json", name(folder, files(folder)[1])} <= {finding.file for finding in looked_at(folder)}


@pytest.mark.parametrize(
    "value",
    [b"NaN", b"-Infinity", b"1e999", b"0.5", b"9" * 5000, b"9007199254740992", rb'"\udc00"', b'{"a":1,"a":1}']
    + [b"[" * deep + b"]" * deep for deep in (100, 480, 900, 100_000)],
    ids=lambda value: value[:12].decode(),
)
@pytest.mark.parametrize("which", [1, 3], ids=["sealed", "open"])
def test_a_value_that_json_or_the_format_has_no_place_for_is_found(folder: Path, which: int, value: bytes) -> None:
    """In a record, and in the segment's own document; whoever reads the rest goes on."""
    path = files(folder)[which]
    content = path.read_bytes()
    # Only the name of a sealed file tells of what was added to its own document; but what has no hash is no document.
    in_order = which == 3 and value.startswith(b"[") and len(value) < 2000
    for place in (b'"by":"volunteer"',) if in_order else (b'"by":"volunteer"', b'"format":1'):
        path.write_bytes(content.replace(place, place + b',"x":' + value, 1))
        assert name(folder, path) in {finding.file for finding in looked_at(folder)}
        assert len(read_all(folder)[0]) >= 3


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("personal", "ages_out", "soon"),
        ("personal", "ages_out", 5),
        ("personal", "name", None),
        ("personal", "person", ["a"]),
        ("personal", "street", 3),
        ("health", "answers", "met"),
        (None, "agreed", [{"text": "notice"}]),
        (None, "agreed", ["notice"]),
    ],
)
def test_what_nobody_could_make_sense_of_is_found(folder: Path, part: str | None, field: str, value: object) -> None:
    """Whoever folds the log relies on the form of what stands within a record, also in a sealed file."""
    path = files(folder)[1]

    def spoil(tables: dict[str, Any]) -> None:
        document = tables["records"]["1"]
        (document[part] if part else document)[field] = value

    change(path, spoil)
    assert places(looked_at(folder)) >= {(name(folder, path), None)}
    history = History()
    for segment in read_all(folder)[0]:
        for record in segment.records:
            history.add(record)
    assert len(history.people) == 3


def test_a_file_that_was_set_aside_is_reported(folder: Path) -> None:
    (folder / "set-aside" / "x-open.json").write_bytes(b"{")
    assert places(looked_at(folder)) == {("set-aside/x-open.json", None)}


def test_a_log_of_another_station_is_found(folder: Path) -> None:
    found = verify(folder, "S2")
    assert {finding.file for finding in found} == {name(folder, path) for path in files(folder)}


# --- forgetting -----------------------------------------------------------------------------------------------------


def forget(folder: Path, draft: Draft) -> None:
    store = Store(folder, station=STATION, epoch="ab" * 8, save_epoch=pytest.fail)
    store.append([draft], at=factories.at("10:00"), campaign=("SC2021", 1))
    store.close()


def forgotten(volunteer: str | None, *objects: str) -> Draft:
    data = {"objects": list(objects), "reason": "本人要求"}
    return Draft("forgotten", factories.at("10:00"), "lead", volunteer, data=data)


@pytest.mark.parametrize("part", ["personal", "health"])
def test_an_object_that_is_gone_must_be_explained(folder: Path, part: str) -> None:
    path = files(folder)[1]
    change(path, lambda tables: tables["records"]["1"].pop(part))
    place = (name(folder, path), 4)

    def unexplained() -> set[tuple[str, int | None]]:
        # Of these wishes nothing was taken out, which is another finding.
        return places([finding for finding in looked_at(folder) if "还在" not in finding.problem])

    assert unexplained() == {place}
    forget(folder, forgotten(VOLUNTEERS[0], part))  # somebody else
    assert unexplained() == {place}
    forget(folder, forgotten(VOLUNTEERS[1], "health" if part == "personal" else "personal"))  # the other object
    assert unexplained() == {place}
    forget(folder, forgotten(VOLUNTEERS[1], part))
    assert unexplained() == set()


def test_an_object_that_should_be_gone_is_found(folder: Path) -> None:
    """As in a segment that was put back from a backup."""
    assert looked_at(folder) == []
    forget(folder, forgotten(None, "health"))
    there = {finding.problem for finding in looked_at(folder)}
    assert len(there) == 1

    def less(document: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in document.items() if key != "health"}

    for path in files(folder):
        change(path, lambda tables: tables["records"].update({n: less(d) for n, d in tables["records"].items()}))
    assert looked_at(folder) == []


def test_everybody_can_be_forgotten(folder: Path) -> None:
    forget(folder, forgotten(None, "personal", "health"))
    for path in files(folder):

        def remove(tables: dict[str, Any]) -> None:
            for document in tables["records"].values():
                document.pop("personal", None)
                document.pop("health", None)

        change(path, remove)
    assert looked_at(folder) == []


def test_an_object_that_was_taken_out_with_its_hash_is_found(folder: Path) -> None:
    path = files(folder)[1]

    def remove(tables: dict[str, Any]) -> None:
        for field in ("personal", "personal_hash"):
            del tables["records"]["1"][field]

    change(path, remove)
    assert (name(folder, path), 4) in places(looked_at(folder))


# --- reading beside a writer ----------------------------------------------------------------------------------------


def test_a_segment_that_is_sealed_while_it_is_read_counts_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader has read the open segment; then the writer seals it and begins another."""
    store = Store(folder, station=STATION, epoch="ab" * 8, save_epoch=pytest.fail)
    real = Path.glob
    done: list[bool] = []

    def glob(self: Path, pattern: str) -> Any:
        if not done:
            done.append(True)
            store.seal()
            store.append(drafts_of(factories.volunteer_number(9)), at=factories.at("11:00"), campaign=("SC2021", 1))
        return real(self, pattern)

    monkeypatch.setattr(Path, "glob", glob)
    segments, found = read_all(folder)
    store.close()
    assert done
    assert found == []
    seqs = [record.seq for segment in segments for record in segment.records]
    assert seqs == list(range(1, 13))
