"""Somebody who wishes to be forgotten is: no byte of what is personal stays, and hours, chain and numbers do."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from kiosk import audit, forgetting, segments, store
from kiosk.campaign_files import bundle, parse
from kiosk.durable import write_durably
from kiosk.errors import KioskError, NotPossible, NotSaved
from kiosk.records import OBJECTS, Draft
from kiosk.station import Station
from tests import factories, plain
from tests.conftest import FakeClock, FullDisk, Run, seeded
from tests.district import HOMES, District
from tests.ledger import Ledger
from tests.test_recovery import arrive

if TYPE_CHECKING:
    from kiosk.campaign import Campaign

NAME, OTHER = "江晚舟", "林小满"
PHONE = "19912345678"
HERE, THERE = HOMES


@pytest.fixture
def few_to_a_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the log has several segments."""
    monkeypatch.setattr(store, "SEGMENT_SIZE", 6)


@pytest.fixture
def busy(station: Station, campaign: Campaign, clock: FakeClock, few_to_a_segment: None) -> tuple[str, str]:
    """Two people over two days; the number of the one who will ask to be forgotten, and the other's."""
    first = arrive(station, campaign, name=NAME, phone=PHONE, id_number=factories.id_number()).volunteer or ""
    other = arrive(station, campaign, 1, name=OTHER).volunteer or ""
    for who in (first, other):
        station.start_duty(who, "order")
    clock.advance(minutes=90)
    for who in (first, other):
        station.check_out(who)
    clock.advance(days=1)
    station.check_in_again(first, factories.answers(campaign, station.today()))
    clock.advance(minutes=30)
    station.check_out(first)
    return first, other


def traces(folder: Path, *marks: str) -> list[str]:
    """Files that hold one of the texts, as it is or as JSON may write it."""
    wanted = [form for mark in marks for form in (mark.encode(), json.dumps(mark)[1:-1].encode())]
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and any(form in path.read_bytes() for form in wanted):
            found.append(str(path.relative_to(folder)))
    return found


def secrets_of(folder: Path, volunteer: str) -> list[str]:
    """What is in the objects about somebody, and must not be found afterwards."""
    found = []
    for document in plain.log(folder):
        if document["volunteer"] == volunteer:
            for part in ("personal", "health"):
                about = document.get(part) or {}
                found += [about[name] for name in ("name", "phone_masked", "sealed", "person", "salt") if name in about]
    return list(dict.fromkeys(found))


def served(station: Station, volunteer: str) -> list[int | None]:
    return [
        entry.minutes
        for day in (date(2021, 12, 6), date(2021, 12, 7))
        for entry in station.roster(day)
        if entry.volunteer == volunteer
    ]


# --- one person -----------------------------------------------------------------------------------------------------


def test_no_byte_stays_and_hours_and_chain_do(station: Station, busy: tuple[str, str], clock: FakeClock) -> None:
    number, other = busy
    station.examine(after=0, pause=0)
    marks, before, hours = secrets_of(station.folder, number), plain.log(station.folder), served(station, number)
    assert len(marks) > 5
    assert traces(station.folder, *marks)
    names = {path.name for path in (station.folder / "records" / "sealed").iterdir()}
    assert station.forget(number, "本人要求") == number

    assert traces(station.folder, *marks) == []
    assert not forgetting.is_begun(station.folder)
    assert served(station, number) == hours == [90, 30]
    assert station.person(number).name == ""
    assert station.person(other).name == OTHER
    assert names <= {path.name for path in (station.folder / "records" / "sealed").iterdir()}
    after = plain.log(station.folder)
    kept = [{k: v for k, v in d.items() if k not in OBJECTS} for d in before]
    assert [{k: v for k, v in d.items() if k not in OBJECTS} for d in after[:-1]] == kept
    untouched = [d for d in before if d["volunteer"] != number]
    assert [d for d in after[:-1] if d["volunteer"] != number] == untouched
    assert (after[-1]["type"], after[-1]["objects"]) == ("forgotten", ["personal", "health"])
    assert after[-1]["reason"] == "本人要求"
    assert audit.verify(station.folder) == []
    station.close()
    again = Station(station.folder, clock=clock)
    assert served(again, number) == hours
    assert again.person(number).name == ""
    assert again.find(NAME, PHONE).refused == "not_known"
    again.close()
    assert traces(station.folder, *marks) == []


def test_the_station_goes_on_afterwards(
    station: Station, busy: tuple[str, str], campaign: Campaign, clock: FakeClock
) -> None:
    number, other = busy
    station.forget(number, "本人要求")
    code = station.badge_code(number)
    found = station.recognise(code or "")
    assert (found.refused, found.renewal) == (None, True), "who comes again is asked as somebody new"
    fresh = arrive(station, campaign, name=NAME, phone=PHONE, id_number=factories.id_number())
    assert fresh.outcome == "admitted"
    assert fresh.volunteer not in (None, number)
    assert station.find(NAME, PHONE).person is not None
    station.check_in_again(other, factories.answers(campaign, station.today()))
    assert audit.verify(station.folder) == []
    # The new registration is not covered by the old wish.
    station.forget(other, "本人要求")
    assert station.person(fresh.volunteer or "").name == NAME


def test_what_is_registered_later_under_the_same_number_stays(
    station: Station, busy: tuple[str, str], clock: FakeClock
) -> None:
    number, _ = busy
    station.forget(number, "本人要求")
    station._write([factories.registered(number, clock.now, name="顾清和")], clock.now)
    station._store.seal()
    station.forget(busy[1], "本人要求")
    assert station.person(number).name == "顾清和"
    assert traces(station.folder, "顾清和")


def test_the_index_overwrites_what_it_drops(station: Station, busy: tuple[str, str]) -> None:
    assert station._index._ask("PRAGMA secure_delete") == [(1,)]


def test_nobody_is_forgotten_who_never_came(station: Station, busy: tuple[str, str]) -> None:
    before = len(plain.log(station.folder))
    with pytest.raises(NotPossible):
        station.forget(factories.volunteer_number(99), "")
    assert len(plain.log(station.folder)) == before
    assert not forgetting.is_begun(station.folder)


def test_the_fuzzers_ledger_takes_forgetting_and_nothing_else(station: Station, busy: tuple[str, str]) -> None:
    ledger = Ledger(station.folder)
    station.forget(busy[0], "本人要求")
    assert ledger.broken() == []
    path = next(p for p in (station.folder / "records" / "sealed").iterdir() if OTHER in p.read_text("utf-8"))
    content = path.read_text("utf-8")
    tables = json.loads(content)
    place = next(n for n, d in tables["records"].items() if (d.get("personal") or {}).get("name") == OTHER)
    for change in ({"personal": None}, {"personal": {"name": "x"}}, {"by": "lead"}):
        document = {**tables["records"][place], **change}
        if document["personal"] is None:
            del document["personal"]
        changed = {**tables, "records": {**tables["records"], place: document}}
        path.write_text(json.dumps(changed, ensure_ascii=False), "utf-8")
        assert ledger.broken() == [document["id"]], change
    path.write_text(content, "utf-8")
    assert ledger.broken() == []


# --- kills and failing disks ----------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed_at(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Ends the process at the n-th call that changes something on the disk, before it is made."""
    calls: list[str] = []

    def count(name: str) -> None:
        calls.append(name)
        if len(calls) > number:
            raise Killed

    real = {"replace": Path.replace, "rename": Path.rename, "unlink": Path.unlink, "fsync": os.fsync, "open": os.open}

    def patched(name: str, call: Any) -> Any:
        def instead(*args: Any, **kwargs: Any) -> Any:
            if name != "open" or args[1] & os.O_CREAT:
                count(name)
            return call(*args, **kwargs)

        return instead

    with monkeypatch.context() as patch:
        for name in ("replace", "rename", "unlink"):
            patch.setattr(Path, name, patched(name, real[name]))
        patch.setattr(os, "fsync", patched("fsync", os.fsync))
        patch.setattr(os, "open", patched("open", os.open))
        yield calls


def test_a_kill_at_any_moment_is_finished_at_the_next_start(
    station: Station, busy: tuple[str, str], clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each call that changes the disk: before the record nothing is gone, after it everything is, a start later."""
    number, other = busy
    marks, hours = secrets_of(station.folder, number), served(station, number)
    station.close()
    records = len(plain.log(station.folder))
    done, moments, recorded = False, 0, 0
    while not done:
        folder = tmp_path / f"killed-{moments}"
        shutil.copytree(station.folder, folder)
        victim = Station(folder, clock=clock, entropy=seeded(3))
        try:
            with killed_at(moments, monkeypatch):
                victim.forget(number, "本人要求")
            done = True
        except Killed:
            pass
        victim._store._lock.release()  # the system does so
        victim._index.close()
        again = Station(folder, clock=clock, entropy=seeded(4))
        log = plain.log(folder)
        if any(document["type"] == "forgotten" for document in log):
            recorded += 1
            assert traces(folder, *marks) == [], moments
            assert again.person(number).name == ""
        else:
            assert len(log) == records
            assert again.person(number).name == NAME
        assert again.person(other).name == OTHER
        assert served(again, number) == hours
        assert audit.verify(folder) == []
        assert not forgetting.is_begun(folder) or len(log) == records
        again.close()
        shutil.rmtree(folder)
        moments += 1
    assert moments > 25
    assert 10 < recorded < moments


def test_a_disk_that_fails_in_the_middle_is_said_and_finished_later(
    station: Station, busy: tuple[str, str], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, _ = busy
    marks = secrets_of(station.folder, number)

    def fails(path: Path, content: bytes, temporary: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(forgetting, "write_durably", fails)
    with pytest.raises(NotSaved):
        station.forget(number, "")  # not even the mark could be made
    assert traces(station.folder, *marks)

    def only_the_mark(path: Path, content: bytes, temporary: Path) -> None:
        if path.name != forgetting.MARK:
            raise OSError(28, "No space left on device")
        write_durably(path, content, temporary)

    monkeypatch.setattr(forgetting, "write_durably", only_the_mark)
    with pytest.raises(KioskError) as caught:
        station.forget(number, "")
    assert "启动" in str(caught.value)
    monkeypatch.undo()
    station.close()
    again = Station(station.folder, clock=clock)
    assert traces(station.folder, *marks) == []
    assert again.person(number).name == ""
    again.close()


def test_a_retry_after_a_full_disk_forgets_whole(
    station: Station, busy: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the lead's second Enter does: the sentence that it is done must be true."""
    number, _ = busy
    marks = secrets_of(station.folder, number)

    def full(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    for place in ("kiosk.store.write_durably", "kiosk.forgetting.write_durably"):
        with monkeypatch.context() as patch:
            patch.setattr(place, full)
            with pytest.raises(NotSaved) as caught:
                station.forget(number, "本人要求")
        assert traces(station.folder, *marks)
        if place.startswith("kiosk.store"):
            assert station.retry(caught.value) == number
            assert traces(station.folder, *marks) == []
            assert not forgetting.is_begun(station.folder)
            number = busy[1]
            marks = secrets_of(station.folder, number)
    assert station.retry(caught.value) == number
    assert traces(station.folder, *marks) == []
    assert [d["type"] for d in plain.log(station.folder)].count("forgotten") == 2


def test_a_second_wish_finishes_what_the_first_has_left(
    station: Station, busy: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files were rewritten, and then the index could not be: it must not keep what they no longer hold."""
    number, _ = busy
    marks = secrets_of(station.folder, number)
    with monkeypatch.context() as patch:

        def fails(*_args: Any) -> Any:
            raise OSError(5, "Input/output error")

        patch.setattr("kiosk.index.Index.learn_again", fails)
        with pytest.raises(KioskError):
            station.forget(number, "")
    station.forget(number, "")
    assert traces(station.folder, *marks) == []
    assert station.person(number).name == ""


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_segment_is_told_and_tried_again(
    station: Station, busy: tuple[str, str], clock: FakeClock, damage: str
) -> None:
    number, _ = busy
    station._store.seal()
    sealed = sorted((station.folder / "records" / "sealed").iterdir())
    path = next(each for each in sealed if NAME in each.read_text("utf-8"))
    content = path.read_bytes()
    changed = content.replace(b'"campaign_version":1', b'"campaign_version":3', 1)
    path.write_bytes(content[: len(content) // 2] if damage == "cut" else changed)
    with pytest.raises(KioskError) as caught:
        station.forget(number, "本人要求")
    assert path.name in str(caught.value)
    assert forgetting.is_begun(station.folder)
    assert any(path.name in finding.file for finding in station.damage)
    if damage == "changed":
        assert NAME not in path.read_text("utf-8"), "what can be read is cleaned all the same"
    path.write_bytes(content)  # it was the disk's mood
    station.close()
    again = Station(station.folder, clock=clock)
    assert traces(station.folder, NAME) == []
    assert not forgetting.is_begun(station.folder)
    again.close()


def test_somebody_is_forgotten_beside_a_visit_that_goes_on_and_has_decayed(
    station: Station, busy: tuple[str, str], clock: FakeClock
) -> None:
    number, other = busy
    today = factories.answers(station.campaign, station.today())
    clock.advance(minutes=30)
    station.check_in_again(other, today)
    station._store.seal()
    station.check_in_again(number, today)
    path = sorted((station.folder / "records" / "sealed").iterdir())[-1]
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(KioskError) as caught:
        station.forget(number, "本人要求")
    assert path.name in str(caught.value)
    assert station.visit(other) is None  # until they check in once more
    station.check_in_again(other, today)
    assert traces(station.folder / "records", NAME) == []


def test_a_file_that_was_set_aside_is_named(
    run: Run, station: Station, busy: tuple[str, str], clock: FakeClock
) -> None:
    number, other = busy
    station.close()
    aside = station.folder / "set-aside" / "0000-open.json"
    aside.write_bytes(b"{" + number.encode())
    done = run("forget", number)
    assert done.code == 1
    assert aside.name in done.err
    aside.unlink()
    assert run("forget", other, "--format", "json").err == ""
    (station.folder / "exports").mkdir()
    (station.folder / "exports" / "kiosk-2021-12-06.xlsx").write_bytes(b"PK")
    exported = run("forget", other)
    assert exported.code == 1
    assert "exports/kiosk-2021-12-06.xlsx" in exported.err


# --- a copy from a backup ------------------------------------------------------------------------------------------


def test_a_segment_from_before_is_cleaned_by_the_next_forgetting(
    station: Station, busy: tuple[str, str], clock: FakeClock
) -> None:
    number, other = busy
    marks = secrets_of(station.folder, number)
    station._store.seal()
    path = next(p for p in (station.folder / "records" / "sealed").iterdir() if NAME in p.read_text("utf-8"))
    before = path.read_bytes()
    station.forget(number, "本人要求")
    path.write_bytes(before)
    assert traces(station.folder, *marks)
    assert {finding.file for finding in audit.verify(station.folder)} == {f"records/sealed/{path.name}"}
    station.forget(other, "本人要求")
    assert traces(station.folder, *marks) == []


# --- purge ----------------------------------------------------------------------------------------------------------


def ended(station: Station, last: date | None) -> None:
    """Another version of the station's campaign says that it ends on that day, or goes on."""
    version = len(station.campaigns.known) + 1
    source = factories.campaign_source()
    source["campaign"] |= {"version": version, "until": last and last.isoformat()}
    (station.folder / "campaign" / f"SC2021-{version}.json").write_bytes(bundle(parse(source)))
    station.take_campaigns()


def test_purge_takes_the_health_answers_of_what_has_ended(station: Station, busy: tuple[str, str]) -> None:
    number, other = busy
    before = plain.log(station.folder)
    assert any(document.get("health") for document in before)
    assert station.purge() == []
    assert plain.log(station.folder) == before
    ended(station, date(2021, 12, 6))
    assert station.purge("活动结束") == ["SC2021"]
    log = plain.log(station.folder)
    assert not any(document.get("health") for document in log)
    assert [d["personal"] for d in log if d.get("personal")] == [d["personal"] for d in before if d.get("personal")]
    assert (log[-1]["type"], log[-1]["volunteer"], log[-1]["ended"]) == ("forgotten", None, ["SC2021"])
    assert audit.verify(station.folder) == []
    assert (station.person(number).name, station.person(other).name) == (NAME, OTHER)


def test_purge_waits_for_the_last_version(station: Station, busy: tuple[str, str]) -> None:
    before = plain.log(station.folder)
    ended(station, date(2021, 12, 8))
    assert station.purge() == [], "it ends tomorrow"
    ended(station, date(2021, 12, 7))
    assert station.purge() == [], "it ends today"
    ended(station, date(2021, 12, 6))
    ended(station, None)
    assert station.purge() == [], "the newest version goes on, whatever those before have said"
    assert plain.log(station.folder) == before


def test_purge_takes_a_campaign_that_headquarters_has_ended(district: District) -> None:
    """The shipped campaign has no end: a version with one, published, has to reach purge at every station."""
    district.handed(HERE, (0,), (1,))
    assert district.at(HERE, "purge", "--format", "json").out == ""
    district.clock.advance(days=2)
    district.end_campaign(date(2021, 12, 7), HERE)
    assert any(document.get("health") for document in plain.log(district.folder / HERE))
    done = district.at(HERE, "purge", "--format", "json")
    assert (done.code, done.err, done.rows) == (0, "", [{"campaign": "SC2021", "purged": True}])
    assert not any(document.get("health") for document in plain.log(district.folder / HERE))
    assert district.at(HERE, "verify").code == 0


def test_purge_leaves_a_campaign_that_goes_on(station: Station, busy: tuple[str, str], clock: FakeClock) -> None:
    """A wish says of which campaigns; what is gone of another is a finding."""
    forgotten = segments.Forgotten()
    data = {"objects": ["health"], "reason": "", "ended": ["X"]}
    draft = Draft("forgotten", clock.now, "lead", None, data=data)
    (record,) = factories.chain([draft])
    forgotten.take(record)
    registered = next(r for r in station.history.records_about(busy[0]) if r.type == "registered")
    assert not forgotten.covers(registered, "health")
    assert forgotten.covers(replace(registered, document={**registered.document, "campaign": "X"}), "health")
    assert not forgotten.covers(replace(registered, document={**registered.document, "campaign": "X"}), "personal")


# --- commands -------------------------------------------------------------------------------------------------------


def test_the_commands(run: Run, station: Station, busy: tuple[str, str]) -> None:
    number, _ = busy
    marks = secrets_of(station.folder, number)
    busy_now = run("forget", number)
    assert (busy_now.code, busy_now.out) == (2, "")
    station.close()
    assert run("forget", "nonsense").code == 2
    unknown = run("forget", factories.volunteer_number(99))
    assert (unknown.code, unknown.out) == (1, "")
    done = run("forget", number.lower().replace("-", ""), "--reason", "本人要求", "--format", "json")
    assert (done.code, done.err, done.rows) == (0, "", [{"volunteer": number, "forgotten": True}])
    assert traces(station.folder, *marks) == []
    assert run("verify").code == 0
    nothing = run("purge", "--format", "json")
    assert (nothing.code, nothing.out) == (0, "")
    assert nothing.err.strip()
    roster = run("roster", "--day", "2021-12-06", "--format", "json")
    assert {row["name"] for row in roster.rows} == {"", OTHER}


# --- what comes back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", ["known", "gone"])
def test_a_segment_from_a_backup_undoes_no_forgetting(
    station: Station, busy: tuple[str, str], clock: FakeClock, index: str
) -> None:
    number, _ = busy
    station.seal()
    marks, folder = secrets_of(station.folder, number), station.folder
    backup = {path: path.read_bytes() for path in (folder / "records" / "sealed").iterdir()}
    station.forget(number, "本人要求")
    station.close()
    changed = [path for path, content in backup.items() if path.read_bytes() != content]
    assert changed
    for path in changed:
        path.write_bytes(backup[path])
    if index == "gone":
        (folder / "cache" / "known.sqlite").unlink()
    again = Station(folder, clock=clock)
    again.examine(after=0, pause=0)
    try:
        assert {finding.file for finding in again.damage} == {f"records/sealed/{path.name}" for path in changed}
        assert again.person(number).name == ""
        assert traces(folder, *marks) == []
        assert audit.verify(folder) == []
        assert not forgetting.is_begun(folder)
    finally:
        again.close()
    last = Station(folder, clock=clock)
    last.examine(after=0, pause=0)
    assert last.damage == []
    assert last.person(number).name == ""
    last.close()


def test_a_disk_that_is_full_when_something_is_back(
    station: Station, busy: tuple[str, str], clock: FakeClock, full_disk: FullDisk
) -> None:
    """It is told, and the next start finishes it."""
    number, _ = busy
    station.seal()
    folder = station.folder
    backup = {path: path.read_bytes() for path in (folder / "records" / "sealed").iterdir()}
    station.forget(number, "本人要求")
    station.close()
    for path, content in backup.items():
        path.write_bytes(content)
    again = Station(folder, clock=clock)
    full_disk.full = True
    again.examine(after=0, pause=0)
    assert {finding.file for finding in again.damage} >= {finding.file for finding in audit.verify(folder)} != set()
    full_disk.full = False
    again.close()
    last = Station(folder, clock=clock)
    last.examine(after=0, pause=0)
    assert last.person(number).name == ""
    assert audit.verify(folder) == []
    last.close()


@pytest.mark.parametrize("where", ["sealed", "open"])
def test_what_is_gone_and_nobody_has_forgotten_is_told_on_the_screen(
    station: Station, busy: tuple[str, str], clock: FakeClock, campaign: Campaign, where: str
) -> None:
    arrive(station, campaign, 2)
    station.close()
    files = plain.segment_files(station.folder)
    path = files[-1] if where == "open" else files[0]
    tables = json.loads(path.read_bytes())
    next(document for document in tables["records"].values() if "personal" in document).pop("personal")
    path.write_text(json.dumps(tables, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    found = audit.verify(station.folder)
    assert [finding.file for finding in found] == [str(path.relative_to(station.folder))]
    again = Station(station.folder, clock=clock)
    again.examine(after=0, pause=0)
    assert again.damage == found
    again.close()
