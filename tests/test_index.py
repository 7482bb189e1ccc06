"""What is kept of the sealed log answers as the log itself, whatever happens to it, and spares the reading."""

from __future__ import annotations

import gc
import json
import os
import random
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk import audit, segments, store
from kiosk import index as index_module
from kiosk.campaign import Campaign
from kiosk.errors import StoreBusy
from kiosk.index import FILE, Index
from kiosk.records import Draft, Record, segment_hash, timestamp
from kiosk.roster import History, roster
from kiosk.rules import Application
from kiosk.segments import Segment, Unreadable, read_segment, sealed_name
from kiosk.station import Station, read_history
from kiosk.telling import tell
from kiosk.visits import visit_from
from tests import plain
from tests.conftest import STATION, FakeClock, Template
from tests.factories import (
    DAY,
    applicant,
    at,
    chain,
    checked_in,
    checked_out,
    folded,
    id_number,
)
from tests.test_roster_properties import PEOPLE, START, any_log, times

TODAY = {"health_code": "green", "travel_code": "green"}
DAYS = [DAY + timedelta(days=days) for days in range(-1, 3)]


def said(history: History, now: datetime, campaign: Any, people: Sequence[str], days: Sequence[date]) -> dict[str, Any]:
    """Everything that anybody may ask, answered."""
    known = [who for who in people if who in history.people]
    return {
        "rosters": [roster(history, day, now) for day in days],
        "refused": [history.refused.get(day, 0) for day in days],
        "filled": [history.filled(now - timedelta(hours=hours)) for hours in range(0, 30, 3)],
        "pending": history.all_pending(now),
        "present": sorted(visit.id for visit in history.all_present(now)),
        "people": {who: history.people[who] for who in known},
        "same": [
            history.same_person(history.people[who].name, history.people[who].phone_masked, None) for who in known
        ],
        "keys": [history.same_person("", "", history.people[who].key) for who in known],
        "visits": [history.visits_of(who) for who in people],
        "theirs": [(history.present(who, now), history.pending(who, now)) for who in people],
        "about": [[record.document for record in history.records_about(who)] for who in people],
        "records": [[r.id for r in history.records_of(v.id)] for who in people for v in history.visits_of(who)],
        "told": [tell(history, who, campaign, now) for who in people],
        "badges": [history.badge(who) for who in people],
        "notes": list(history.notes.values()),
    }


def seal(folder: Path, number: int, records: Sequence[Record]) -> Segment:
    """Writes the records as the sealed segment of that number."""
    first = records[-1].seq - len(records) + 1
    header = {"format": 1, "station": STATION, "epoch": records[0].epoch, "first_seq": first, "prev": "0" * 64}
    name = sealed_name(number, segment_hash([record.hash for record in records], header))
    path = folder / "records" / "sealed" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = {"segment": {"1": header}, "records": {str(n): r.document for n, r in enumerate(records, start=1)}}
    path.write_text(json.dumps(tables), "utf-8")
    return read_segment(path)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_log(), times, st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=12))
def test_it_answers_as_the_log_does(tmp_path_factory, campaign, records, now, chunks):
    """However the log is cut into segments, and whether or not the index is opened anew in between."""
    folder = tmp_path_factory.mktemp("folder")
    index = Index(folder)
    index.read(folder)
    history = History(index.known)
    rest = list(records)
    for number, (size, anew) in enumerate(chunks, start=1):
        chunk, rest = rest[:size], rest[size:]
        if not chunk:
            break
        for record in chunk:
            history.add(record)
        assert index.take(history.news(), [seal(folder, number, chunk)])
        history.stand_on_past(START.date())
        if anew:
            index.close()
            index = Index(folder)
            assert index.read(folder).segments == []
            history = History(index.known)
    for record in rest:
        history.add(record)
    assert said(history, now, campaign, PEOPLE, DAYS) == said(folded(records), now, campaign, PEOPLE, DAYS)
    index.close()


@pytest.mark.parametrize("anew", [False, True])
def test_a_visit_saved_late_is_flagged_by_a_jump_of_the_clock_in_an_older_segment(tmp_path, campaign, anew):
    who = PEOPLE[0]
    details = {"expected": timestamp(at("09:30")), "shown": timestamp(at("10:00"))}
    jump = Draft("station_noted", at("10:00"), "station", data={"note": "clock_changed", "details": details})
    visit = checked_in(who, at("09:00"))
    index = Index(tmp_path)
    index.read(tmp_path)
    history = History(index.known)
    records = chain([jump, visit, checked_out(visit, at("11:00"))])
    for number, record in enumerate(records, start=1):
        history.add(record)
        assert index.take(history.news(), [seal(tmp_path, number, [record])])
        history.stand_on_past(DAY)
        if anew:
            index.close()
            index = Index(tmp_path)
            assert index.read(tmp_path).segments == []
            history = History(index.known)
    (found,) = history.visits_of(who)
    assert found.clock
    assert said(history, at("12:00"), campaign, PEOPLE, DAYS) == said(
        folded(records), at("12:00"), campaign, PEOPLE, DAYS
    )
    index.close()


# --- a station ------------------------------------------------------------------------------------------------------


class Busy:
    """A station where people come and go, with segments of a few records."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.folder, self.clock = folder, clock
        self.people: list[str] = []

    def open(self) -> Station:
        """Opens it."""
        return Station(self.folder, clock=self.clock)

    def day(self, station: Station, newcomers: int = 3) -> None:
        """Newcomers and everybody who was here before come; some stay on duty, some forget to sign out."""
        for _ in range(newcomers):
            application = self._application(len(self.people))
            admission = station.check_in(application)
            assert admission.volunteer
            self.people.append(admission.volunteer)
            self.clock.advance(minutes=1)
        for place, who in enumerate(self.people):
            if station.visit(who) is None:
                station.check_in_again(who, TODAY)
            station.start_duty(who, "order")
            self.clock.advance(minutes=1)
            if place % 3:
                station.check_out(who)
            self.clock.advance(minutes=1)
        self.clock.set(str(station.today() + timedelta(days=1)) + " 08:00")

    def _application(self, number: int) -> Application:
        given = {"district": "lives", "vaccinated": "yes", "pledge": "yes", **TODAY}
        return Application(applicant(number, id_number=id_number(order=number)), given, True)

    def answers(self, station: Station, campaign: Any) -> dict[str, Any]:
        """All that the station says."""
        return said(station.history, self.clock.now, campaign, self.people, self.days(station))

    def truth_of(self, station: Station, campaign: Any) -> dict[str, Any]:
        """All that the whole log says, read without any index, now."""
        return said(read_history(self.folder), self.clock.now, campaign, self.people, self.days(station))

    def truth(self, campaign: Any) -> dict[str, Any]:
        """All that the whole log says, read without any index."""
        station = self.open()
        days = self.days(station)
        station.close()
        return said(read_history(self.folder), self.clock.now, campaign, self.people, days)

    @staticmethod
    def days(station: Station) -> list[date]:
        """The days that there were."""
        return [station.today() - timedelta(days=days) for days in range(6)]


@pytest.fixture(scope="module")
def three_days(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Busy:
    """A station whose log has many sealed segments, closed, to be copied."""
    folder = tmp_path_factory.mktemp("busy") / "data"
    found = Busy(Path(shutil.copytree(template.folder, folder)), FakeClock())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "SEGMENT_SIZE", 12)
        station = found.open()
        for _ in range(3):
            found.day(station)
        station.close()
    assert len(sealed(folder)) >= 8
    return found


@pytest.fixture
def busy(three_days: Busy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Busy:
    """A copy of it, whose index fits."""
    monkeypatch.setattr(store, "SEGMENT_SIZE", 12)
    found = Busy(Path(shutil.copytree(three_days.folder, tmp_path / "data")), FakeClock(three_days.clock.now))
    found.people = list(three_days.people)
    found.open().close()
    return found


def sealed(folder: Path) -> list[Path]:
    """The sealed segments."""
    return sorted((folder / "records" / "sealed").iterdir())


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the segments that are read from now on."""
    names: list[str] = []
    whole = segments.read_segment

    def watched(path: Path) -> Segment:
        found = whole(path)  # a file that is not there is not read
        names.append(path.name)
        return found

    monkeypatch.setattr(segments, "read_segment", watched)
    monkeypatch.setattr(index_module, "read_segment", watched)
    return names


def test_the_newest_record_is_the_newest_that_can_be_read(busy: Busy) -> None:
    index = Index(busy.folder)
    index.read(busy.folder)
    *_, before, newest = sealed(busy.folder)
    newest.write_bytes(b"{")  # since the index has learned it
    assert index.last is not None
    assert index.last.document == read_segment(before).records[-1].document
    index.close()


def test_a_start_reads_the_open_segment_only(busy: Busy, read: list[str], campaign: Campaign) -> None:
    station = busy.open()
    station.start_duty(str(station.check_in_again(busy.people[0], TODAY).volunteer), "order")  # yesterday is sealed
    station.close()
    truth = busy.truth(campaign)
    read.clear()
    station = busy.open()
    assert read == ["open.json"]
    assert len(station.pending()) == 1 + 2 + 3
    for who in busy.people:  # whoever returns is known, and their state
        assert station.recognise(who).person is not None
    assert read == ["open.json"]
    assert busy.answers(station, campaign) == truth
    station.close()


def test_memory_holds_what_is_new_only(busy: Busy) -> None:
    """However long the station has been running: of older days nothing but what has no end."""
    station = busy.open()
    for _ in range(10):
        busy.day(station, newcomers=0)
        history = station.history
        held = [sum(map(len, filed.values())) for filed in (history._records, history._about)]
        assert max(*held, len(history.people.maps[0])) < 2 * 12
        assert {visit_from(records).day for records in history._older.values()} <= {
            station.today() - timedelta(days=days) for days in (1, 2)
        }
        days = {visit.day for visit in history._folded.values() if visit.checked_out is not None}
        assert days <= {station.today() - timedelta(days=days) for days in (1, 2)}
        assert len(days) == 2
        for who in busy.people:  # who asks when they were here last asks for that visit, and not for all of a year
            station.last_seen(who)
        assert {visit.day for visit in history._folded.values() if visit.checked_out is not None} == days
    station.close()


def test_of_what_somebody_looked_at_no_segment_stays_in_memory(busy: Busy) -> None:
    def kept() -> int:
        gc.collect()
        return sum(isinstance(thing, Segment) for thing in gc.get_objects())

    before = kept()
    station = busy.open()
    assert kept() == before
    for who in busy.people:  # their records are in all segments
        station.tell(who)
    assert 5 < kept() - before <= 16
    station.check_in_again(busy.people[0], TODAY)
    assert kept() == before
    station.close()


def test_a_start_reads_once_what_the_days_records_go_back_to(busy: Busy, read: list[str]) -> None:
    station = busy.open()
    for who in busy.people:
        station.check_in_again(who, TODAY)
    for duty in station.campaign.duties[:2]:
        for who in busy.people:
            station.start_duty(who, duty.id)
    for who in busy.people[:5]:
        station.check_out(who)
    station.close()
    read.clear()
    station = busy.open()
    assert len(read) > 2  # the open segment, and those where the visits begin
    assert len(read) == len(set(read))
    read.clear()
    busy.clock.advance(minutes=-90)  # everybody who is here is flagged
    station.watch_clock()
    assert len(station.history.all_present(busy.clock.now)) > 3
    assert len(read) == len(set(read))
    station.close()


def test_a_day_goes_on_where_it_stopped(busy: Busy, campaign: Campaign) -> None:
    station = busy.open()
    busy.day(station)
    assert busy.answers(station, campaign) == busy.truth_of(station, campaign)
    station.close()
    station = busy.open()
    assert busy.answers(station, campaign) == busy.truth_of(station, campaign)
    station.close()


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files change as a disk decays: nobody wrote them, and no time of theirs tells it."""
    monkeypatch.setattr(index_module, "_mark", lambda _path: [0, 0, 0])


def holding(folder: Path, visit_id: str) -> Path:
    """The sealed segment in which a visit begins."""
    return next(path for path in sealed(folder) if f'"id":"{visit_id}"' in path.read_text("utf-8"))


def decay(path: Path) -> None:
    """Half of the file is lost."""
    path.write_bytes(path.read_bytes()[:1000])


def newest(folder: Path) -> list[dict[str, Any]]:
    """The records of the open segment."""
    path = folder / "records" / "open.json"
    return plain.documents(path) if path.exists() else []


@pytest.mark.usefixtures("unseen")
def test_an_act_that_goes_back_to_what_has_decayed_is_refused_and_the_rest_goes_on(
    busy: Busy, campaign: Campaign
) -> None:
    station = busy.open()
    busy.day(station)
    *_, visit = station.pending()
    path = holding(busy.folder, visit.id)
    whole = path.read_bytes()
    decay(path)
    before = newest(busy.folder)
    for _again in range(2):
        with pytest.raises(Unreadable, match=path.name[:7]):
            station.sign_out_late(visit.id, visit.checked_in + timedelta(minutes=30), "走时没签")
    assert newest(busy.folder) == before
    assert [finding.file for finding in station.damage] == [f"records/sealed/{path.name}"]
    busy.day(station, newcomers=0)  # nobody who is in it is forgotten
    assert visit in station.pending()
    path.write_bytes(whole)  # it was the disk's mood
    assert busy.answers(station, campaign) == busy.truth_of(station, campaign)
    assert station.sign_out_late(visit.id, visit.checked_in + timedelta(minutes=30), "走时没签").visit.late
    station.close()


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize("learned", [True, False], ids=["it was known", "what follows was not known yet"])
def test_a_start_sets_aside_what_has_decayed_when_the_newest_records_go_back_to_it(
    busy: Busy, campaign: Campaign, learned: bool
) -> None:
    station = busy.open()
    busy.day(station)
    *_, visit = station.pending()
    station.close()
    kept = {path.name: path.read_bytes() for path in (busy.folder / "cache").iterdir()}
    station = busy.open()
    station.sign_out_late(visit.id, visit.checked_in + timedelta(minutes=30), "走时没签")
    if not learned:
        station._store.seal()
    station.close()
    assert newest(busy.folder)[-1]["visit"] == visit.id if learned else not newest(busy.folder)
    if not learned:  # a power cut has taken what the index last learned
        for name, content in kept.items():
            (busy.folder / "cache" / name).write_bytes(content)
    path = holding(busy.folder, visit.id)
    decay(path)
    station = busy.open()
    assert [finding.file for finding in station.damage] == [path.name]
    assert busy.answers(station, campaign) == busy.truth_of(station, campaign)
    busy.people = [who for who in busy.people if station.knows(who)]
    assert len(busy.people) > 3
    busy.day(station, newcomers=0)
    assert busy.answers(station, campaign) == busy.truth_of(station, campaign)
    station.close()


@pytest.mark.usefixtures("unseen")
def test_what_was_read_of_a_visit_that_goes_on_need_not_be_readable_when_it_ends(busy: Busy) -> None:
    station = busy.open()
    who, other = busy.people[:2]
    station.check_in_again(who, TODAY)
    visit = station.start_duty(who, "order")
    # Its segment is sealed, and the next one has no room for two records more.
    while visit.id in json.dumps(newest(busy.folder)) or len(newest(busy.folder)) < 11:
        if station.visit(other):
            station.check_out(other)
        else:
            station.check_in_again(other, TODAY)
    decay(holding(busy.folder, visit.id))
    out = station.check_out(who)
    assert out.visit.id == visit.id
    assert [record["type"] for record in newest(busy.folder)] == ["duty_ended", "checked_out"]
    station.close()


def harm(path: Path, damage: str) -> None:
    """Does that to the index's file."""
    content = path.read_bytes()
    if damage in ("gone", "a folder", "another's"):
        path.unlink()
    if damage == "a folder":
        path.mkdir()
        (path / "x").write_bytes(b"")
    elif damage in ("another's", "a newer one"):
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE known (a)" if damage == "another's" else "PRAGMA user_version = 99")
        db.commit()
        db.close()
    elif damage != "gone":
        changed = {
            "empty": b"",
            "cut off": content[: len(content) // 2],
            "text": b"nothing of the kind" * 1000,
            "zeros": bytes(len(content)),
        }
        path.write_bytes(changed[damage])


@pytest.mark.parametrize(
    "damage", ["gone", "empty", "cut off", "text", "zeros", "another's", "a newer one", "a folder"]
)
def test_a_damaged_index_is_no_loss(damage: str, busy: Busy, campaign: Campaign) -> None:
    truth = busy.truth(campaign)
    harm(busy.folder / FILE, damage)
    for _ in range(2):
        station = busy.open()
        assert busy.answers(station, campaign) == truth
        assert station.damage == []
        station.close()
    assert audit.verify(busy.folder) == []


def test_any_byte_of_it_may_change(busy: Busy, campaign: Campaign) -> None:
    """What it looks through in peace it also learns again; nothing false is said after that."""
    truth = busy.truth(campaign)
    whole = (busy.folder / FILE).read_bytes()
    chance = random.Random(7)
    for place in [27216, *(chance.randrange(len(whole)) for _ in range(40))]:
        changed = bytearray(whole)
        changed[place] ^= 1 << chance.randrange(8)
        (busy.folder / FILE).write_bytes(changed)
        station = busy.open()
        station.examine(after=0, pause=0)
        assert busy.answers(station, campaign) == truth, place
        station.close()


def test_a_row_that_is_gone_is_missed(busy: Busy, campaign: Campaign) -> None:
    truth = busy.truth(campaign)
    db = sqlite3.connect(busy.folder / FILE)
    assert db.execute("DELETE FROM known WHERE kind = 'person' AND key = ?", (busy.people[1],)).rowcount == 1
    db.commit()
    db.close()
    station = busy.open()
    station.examine(after=0, pause=0)
    assert busy.answers(station, campaign) == truth
    station.close()


def test_a_changed_row_is_not_believed(busy: Busy, campaign: Campaign) -> None:
    """Not even before anybody has looked through it."""
    truth = busy.truth(campaign)
    db = sqlite3.connect(busy.folder / FILE)
    value = db.execute("SELECT value FROM known WHERE kind = 'person' AND key = ?", (busy.people[0],)).fetchone()[0]
    forged = (value.replace("林小满", "林大满"), busy.people[0])
    assert db.execute("UPDATE known SET value = ? WHERE kind = 'person' AND key = ?", forged).rowcount == 1
    db.commit()
    db.close()
    station = busy.open()
    assert station.person(busy.people[0]).name == "林小满"
    assert busy.answers(station, campaign) == truth
    station.close()


def test_an_older_index_reads_what_came_since(busy: Busy, read: list[str], campaign: Campaign) -> None:
    shutil.copytree(busy.folder / "cache", busy.folder.parent / "older")
    before = [path.name for path in sealed(busy.folder)]
    station = busy.open()
    busy.day(station)
    station.close()
    truth = busy.truth(campaign)
    shutil.rmtree(busy.folder / "cache")
    shutil.copytree(busy.folder.parent / "older", busy.folder / "cache")
    read.clear()
    station = busy.open()
    # A visit may reach from the last of those into the next.
    assert set(before[:4]).isdisjoint(read)
    assert set(read) >= {path.name for path in sealed(busy.folder)} - set(before)
    assert busy.answers(station, campaign) == truth
    station.close()


def test_segments_from_a_backup_make_it_read_all(busy: Busy, campaign: Campaign) -> None:
    shutil.copytree(busy.folder / "records", busy.folder.parent / "backup")
    truth = busy.truth(campaign)
    people = list(busy.people)
    station = busy.open()
    busy.day(station)
    station.close()
    shutil.rmtree(busy.folder / "records")
    shutil.copytree(busy.folder.parent / "backup", busy.folder / "records")
    busy.people, busy.clock.now = people, busy.clock.now - timedelta(days=1)
    station = busy.open()
    answers = busy.answers(station, campaign)
    assert {**answers, "notes": []} == {**truth, "notes": []}
    assert [finding.file for finding in station.damage] == ["records"]  # the later segments are missed
    station.close()


def test_a_changed_segment_is_read_again(busy: Busy, campaign: Campaign) -> None:
    """The index is of the segment as it was: it must not hide that the file cannot be read any more."""
    victim = sealed(busy.folder)[2]
    mark = victim.stat()
    victim.write_bytes(victim.read_bytes()[:-1])
    with suppress(OSError):
        os.utime(victim, ns=(mark.st_atime_ns, mark.st_mtime_ns))
    station = busy.open()
    assert station.set_aside == [victim.name]
    station.close()


def test_decay_is_found_while_the_kiosk_runs(busy: Busy) -> None:
    """One letter of a name, in a segment that no start reads."""
    station = busy.open()
    victim = sealed(busy.folder)[1]
    victim.write_bytes(victim.read_bytes().replace(b"199****", b"198****", 1))
    station.examine(after=0, pause=0)
    assert [finding.file for finding in station.damage] == [f"records/sealed/{victim.name}"]
    station.close()


def test_it_fails_while_the_kiosk_runs(busy: Busy, campaign: Campaign) -> None:
    truth = busy.truth(campaign)
    station = busy.open()
    assert station._index._db is not None
    station._index._db.close()  # as every question fails when the disk does
    assert busy.answers(station, campaign) == truth
    busy.day(station)
    assert busy.answers(station, campaign) == busy.truth_of(station, campaign)
    station.close()
    assert busy.truth(campaign)["rosters"] == busy.truth_of(station, campaign)["rosters"]


def test_a_disk_that_cannot_be_read_is_asked_again(
    busy: Busy, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing can be read nobody is told that they are unknown; then all is known as before."""
    truth = busy.truth(campaign)
    station = busy.open()
    assert station._index._db is not None
    station._index._db.close()
    with monkeypatch.context() as patch:
        patch.setattr(index_module, "read_all", lambda folder: (_ for _ in ()).throw(OSError(24, "no room")))
        for _ in range(2):
            with pytest.raises(Unreadable):
                station.recognise(busy.people[0])
    assert busy.answers(station, campaign) == truth
    station.close()


def test_a_full_disk_keeps_the_news_in_memory(busy: Busy, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    station = busy.open()
    with monkeypatch.context() as patch:
        patch.setattr(index_module, "_mark", lambda path: (_ for _ in ()).throw(OSError("disk full")))
        busy.day(station)
        assert station._store.sealed
        assert busy.answers(station, campaign) == busy.truth_of(station, campaign)
    busy.day(station)
    assert station._store.sealed == []
    assert busy.answers(station, campaign) == busy.truth_of(station, campaign)
    station.close()
    station = busy.open()
    assert busy.answers(station, campaign) == busy.truth_of(station, campaign)
    station.close()


def test_it_is_for_the_owner_alone(busy: Busy) -> None:
    found = list((busy.folder / "cache").rglob("*"))
    assert found
    assert {path.stat().st_mode & 0o777 for path in found} == {0o600}
    assert (busy.folder / "cache").stat().st_mode & 0o777 == 0o700


def test_whoever_lacks_the_lock_leaves_it_alone(busy: Busy) -> None:
    station = busy.open()
    before = (busy.folder / FILE).read_bytes()
    with pytest.raises(StoreBusy):
        busy.open()
    assert (busy.folder / FILE).read_bytes() == before
    station.close()
