"""The clock: backwards, forwards, lost at a start; what the log, the roster, the volunteer and the lead are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kiosk import setup
from kiosk.campaign_files import shipped
from kiosk.clock import Jump, StationClock, since_boot, system_clock
from kiosk.errors import NotSaved, WrongUsage
from kiosk.records import SHANGHAI
from kiosk.segments import Finding, verify
from kiosk.settings import read_settings
from kiosk.station import Station, read_history
from tests import factories, plain, test_station
from tests.conftest import PIN, FullDisk, seeded
from tests.test_station import application
from tests.walking import walking

if TYPE_CHECKING:
    from kiosk.campaign import Campaign
    from kiosk.roster import Entry
    from tests.conftest import FakeClock

LOST = datetime(1970, 1, 1, 8, 0, tzinfo=SHANGHAI)


class Passing:
    """Time that passes, and a clock that shows it until somebody sets the clock."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.seconds = clock, 0.0

    def __call__(self) -> float:
        return self.seconds

    def pass_(self, **by: float) -> None:
        self.seconds += timedelta(**by).total_seconds()
        self.clock.advance(**by)


@pytest.fixture
def passing(clock: FakeClock) -> Passing:
    return Passing(clock)


@pytest.fixture
def opened(station_folder: Path, clock: FakeClock, passing: Passing) -> Any:
    """Opens the station, as often as it is asked; the one before is closed."""
    stations: list[Station] = []

    def again() -> Station:
        for station in stations:
            station.close()
        stations.append(Station(station_folder, clock=clock, elapsed=passing, entropy=seeded(len(stations))))
        return stations[-1]

    yield again
    stations[-1].close()


Opened = Callable[[], Station]


def arrive(station: Station, campaign: Campaign, number: int = 0) -> str:
    """Somebody checks in and is admitted; their number."""
    return test_station.arrive(station, campaign, number).volunteer or ""


def entry(station: Station, volunteer: str) -> Entry:
    return next(found for found in station.roster() if found.volunteer == volunteer)


def jumps(folder: Path) -> list[tuple[str, str]]:
    noted = [document["details"] for document in plain.log(folder) if document.get("note") == "clock_changed"]
    return [(details["expected"][:16], details["shown"][:16]) for details in noted]


# --- the clock alone ------------------------------------------------------------------------------------------------


def test_the_clock_follows_the_machine_and_tells_of_a_jump_once(clock: FakeClock, passing: Passing) -> None:
    watched = StationClock(clock, passing)
    began = watched()
    for _hour in range(30):
        passing.pass_(hours=1)
        clock.advance(seconds=20)  # a clock that is slowly put right
        assert watched() == clock.now
    assert watched.take_jumps() == []
    for by in (timedelta(hours=3), timedelta(days=-400)):
        passing.pass_(minutes=7)
        expected = clock.now
        clock.now += by
        assert watched() == clock.now == expected + by
        assert watched.take_jumps() == [Jump(expected, clock.now)]
        assert watched.take_jumps() == []
    assert began == began.astimezone(SHANGHAI)


def test_a_clock_that_lost_the_time_goes_on_from_the_newest_record_until_it_is_set(
    clock: FakeClock, passing: Passing
) -> None:
    newest = clock.now
    clock.now = LOST
    watched = StationClock(clock, passing)
    watched.start_after(newest)
    behind = watched.is_behind
    assert behind
    assert watched.take_jumps() == [Jump(newest, LOST)]
    passing.pass_(minutes=90)
    assert watched() == newest + timedelta(minutes=90)
    clock.now = set_right = newest + timedelta(hours=14)
    assert watched() == set_right
    assert not watched.is_behind
    assert watched.take_jumps() == [Jump(newest + timedelta(minutes=90), set_right)]


def test_seconds_before_the_newest_record_are_no_jump(clock: FakeClock, passing: Passing) -> None:
    watched = StationClock(clock, passing)
    watched.start_after(clock.now + timedelta(seconds=40))
    assert watched() == clock.now
    assert not watched.is_behind
    assert watched.take_jumps() == []


def test_a_record_of_the_future_does_not_hold_a_clock_that_is_right(clock: FakeClock, passing: Passing) -> None:
    watched = StationClock(clock, passing)
    future = clock.now + timedelta(days=400)
    watched.start_after(future)
    assert watched() == clock.now
    assert not watched.is_behind
    assert watched.take_jumps() == [Jump(future, clock.now)]


def test_a_clock_that_is_set_while_the_log_is_read_has_lost_nothing(clock: FakeClock, passing: Passing) -> None:
    right, clock.now = clock.now, LOST
    watched = StationClock(clock, passing)
    clock.now = right
    watched.start_after(right - timedelta(hours=1))
    assert watched() == right
    assert watched.take_jumps() == []


def test_the_machines_own_clock_is_watched_and_another_is_believed(clock: FakeClock) -> None:
    assert abs(StationClock(system_clock)() - datetime.now(SHANGHAI)) < timedelta(minutes=1)
    assert since_boot() <= since_boot()
    believed = StationClock(clock)
    clock.advance(days=3)
    assert believed() == clock.now
    assert believed.take_jumps() == []


# --- a station ------------------------------------------------------------------------------------------------------


def test_after_a_power_cut_with_the_time_lost_the_day_goes_on(
    opened: Opened, campaign: Campaign, clock: FakeClock, passing: Passing, station_folder: Path
) -> None:
    station = opened()
    there = arrive(station, campaign)
    station.start_duty(there, "order")
    passing.pass_(hours=2)
    gone = arrive(station, campaign, 1)
    station.check_out(gone)
    clock.now = LOST
    station = opened()
    assert jumps(station_folder) == [("2021-12-06T10:00", "1970-01-01T08:00")]
    assert station.jump == Jump(datetime(2021, 12, 6, 10, 0, tzinfo=SHANGHAI), LOST)
    passing.pass_(hours=1)
    new = arrive(station, campaign, 2)  # nobody is too young because it is 1970
    assert (entry(station, there).status, entry(station, there).flags) == ("on_duty", ("clock",))
    station.check_out(there)
    assert (entry(station, there).minutes, entry(station, there).flags) == (180, ("clock",))
    assert [entry(station, who).flags for who in (gone, new)] == [(), ()]
    documents = plain.log(station_folder)
    assert [document["seq"] for document in documents] == list(range(1, len(documents) + 1))
    assert [document["at"] for document in documents] == sorted(document["at"] for document in documents)
    assert verify(station_folder, read_settings(station_folder).station) == []


@pytest.mark.parametrize(("by", "minutes"), [({"hours": 5}, 7 * 60), ({"hours": -5}, 0), ({"days": -19000}, 0)])
def test_minutes_across_a_jump_are_flagged_and_never_negative(
    opened: Opened,
    campaign: Campaign,
    clock: FakeClock,
    passing: Passing,
    station_folder: Path,
    by: dict[str, float],
    minutes: int,
) -> None:
    station = opened()
    across, before = arrive(station, campaign), arrive(station, campaign, 1)
    day = station.today()
    passing.pass_(hours=1)
    station.check_out(before)
    expected = clock.now
    clock.advance(**by)
    station.watch_clock()
    assert station.jump == Jump(expected, clock.now)
    assert len(jumps(station_folder)) == 1
    passing.pass_(hours=1)
    station.check_out(across)
    told = {found.volunteer: found for found in station.roster(day)}
    assert (told[across].minutes, told[across].flags) == (minutes, ("clock",))
    assert (told[before].minutes, told[before].flags) == (60, ())
    if clock.now.year > 2000:  # the rules do not admit anybody in the year in which they were born
        after = arrive(station, campaign, 2)
        assert entry(station, after).flags == ()


def test_a_jump_is_noted_by_the_next_act_and_stands_before_it(
    opened: Opened, campaign: Campaign, clock: FakeClock, station_folder: Path
) -> None:
    station = opened()
    there = arrive(station, campaign)
    clock.advance(hours=2)
    station.check_out(there)
    assert [document["type"] for document in plain.log(station_folder)][-2:] == ["station_noted", "checked_out"]
    assert entry(station, there).flags == ("clock",)


def test_the_flag_is_there_after_a_start_and_once_the_segment_is_sealed(
    opened: Opened, campaign: Campaign, clock: FakeClock, passing: Passing, station_folder: Path
) -> None:
    station = opened()
    there = arrive(station, campaign)
    clock.advance(hours=2)
    station.watch_clock()
    passing.pass_(days=2)
    other = arrive(station, campaign, 1)  # seals the first day's segment
    station = opened()
    (visit,) = station.visits_of(there, datetime(2021, 12, 6, tzinfo=SHANGHAI).date())
    assert visit.clock
    assert entry(station, other).flags == ()
    assert [v.clock for v in read_history(station_folder).visits_of(there)] == [True]


def test_who_is_missing_a_sign_out_for_long_is_not_flagged(
    opened: Opened, campaign: Campaign, clock: FakeClock, passing: Passing
) -> None:
    station = opened()
    there = arrive(station, campaign)
    passing.pass_(days=1)
    clock.advance(hours=2)
    station.watch_clock()
    assert [visit.clock for visit in station.pending()] == [False]
    assert station.pending()[0].volunteer == there


def test_the_same_person_again_is_told_of_their_own_records_only(
    opened: Opened, campaign: Campaign, clock: FakeClock, station_folder: Path
) -> None:
    station = opened()
    there = arrive(station, campaign)
    clock.advance(hours=2)
    station.watch_clock()
    twice = station.check_in(application(campaign))
    assert twice.outcome == "duplicate"
    mine = [document["id"] for document in plain.log(station_folder) if document["volunteer"] == there]
    assert set(twice.ids) <= set(mine)


def test_the_history_of_a_visit_tells_of_the_jump(opened: Opened, campaign: Campaign, clock: FakeClock) -> None:
    station = opened()
    there = arrive(station, campaign)
    clock.advance(hours=2)
    station.watch_clock()
    told = [line.text for chapter in station.tell(there) if chapter.visit for line in chapter.lines]
    assert told[1:] == ["时钟从 2021-12-06 08:00 变成了 2021-12-06 10:00。 这次的时长可能不准。"]


@pytest.mark.parametrize(
    "told",
    [b"", b"{", b"[]", b'{"notes": "1"}', b'{"notes": 2, "last": ""}', b'{"notes": 999, "last": ""}', None],
    ids=str,
)
def test_a_jump_is_told_until_the_lead_has_come_in_whatever_becomes_of_what_they_know(
    opened: Opened, clock: FakeClock, station_folder: Path, told: bytes | None
) -> None:
    station = opened()
    clock.advance(hours=2)
    station.watch_clock()
    jump = station.jump
    assert jump is not None
    assert opened().jump == jump
    station = opened()
    station.lead_was_told()
    assert station.jump is None
    assert opened().jump is None
    if told is not None:
        (station_folder / "cache" / "told.json").write_bytes(told)
    assert opened().jump == (None if told is None else jump)


def test_no_station_is_set_up_by_a_clock_that_has_lost_the_time(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="1970-01-01 08:00"):
        setup.prepare(tmp_path / "data", shipped(), station="S1", community="330102016001", clock=lambda: LOST)
    assert not (tmp_path / "data").exists()


def test_a_check_in_that_is_saved_after_a_jump_is_flagged(
    opened: Opened, campaign: Campaign, clock: FakeClock, passing: Passing, full_disk: FullDisk
) -> None:
    station = opened()
    full_disk.full = True
    with pytest.raises(NotSaved) as failed:
        station.check_in(application(campaign))
    full_disk.full = False
    clock.advance(hours=5)
    station.watch_clock()
    there = station.retry(failed.value).volunteer
    passing.pass_(minutes=10)
    station.check_out(there)
    assert entry(station, there).flags == ("clock",)


def test_a_new_epoch_begins_with_its_note_also_when_the_clock_has_jumped(
    opened: Opened, campaign: Campaign, clock: FakeClock, station_folder: Path, full_disk: FullDisk
) -> None:
    station = opened()
    arrive(station, campaign)
    full_disk.full = True
    with pytest.raises(NotSaved):
        station.check_in(application(campaign, factories.applicant(1)))
    full_disk.full = False
    (station_folder / "records" / "open.json").unlink()
    clock.advance(hours=2)
    station.watch_clock()
    assert [document["note"] for document in plain.log(station_folder)] == ["new_epoch", "clock_changed"]
    assert verify(station_folder, read_settings(station_folder).station) != []


# --- on the screen --------------------------------------------------------------------------------------------------


async def test_the_lead_is_told_of_a_jump_until_they_have_come_in(opened: Opened, clock: FakeClock) -> None:
    station = opened()
    async with walking(station) as walker:
        clock.advance(hours=2)
        walker.app.watch_clock()
        await walker.shows("时钟从 2021-12-06 08:00 变成了 2021-12-06 10:00。")
        await walker.press("f9")
        await walker.arrive("LeadPinPage")
        await walker.type(PIN)
        await walker.press("enter")
        await walker.arrive("RosterPage")
        await walker.press("escape")
        await walker.arrive("WelcomePage")
        await walker.until(lambda: "时钟" not in walker.text())


async def test_a_clock_that_has_lost_the_time_is_told_of_until_it_is_set(
    opened: Opened, campaign: Campaign, clock: FakeClock, passing: Passing
) -> None:
    arrive(opened(), campaign)
    right = clock.now
    clock.now = LOST
    station = opened()
    async with walking(station) as walker:
        await walker.shows("时钟不准（1970-01-01 08:00），从 2021-12-06 08:00 接着算。请负责人校准。")
        await walker.app.action_switch_language()
        await walker.shows("Site lead, please have it set.")
        board, notice = (walker.page.query_one(name).region for name in ("#board", "#notice"))
        assert board.bottom <= notice.y
        assert notice.height == 2
        await walker.app.action_switch_language()
        station._decayed.append(Finding("records/sealed/000001.json", 3, "x"))
        walker.app.watch_clock()
        await walker.shows("000001.json: x 时钟不准")
        station._decayed.clear()
        station.lead_was_told()
        walker.app.watch_clock()
        await walker.shows("时钟不准")
        passing.pass_(minutes=5)
        clock.now = right + timedelta(minutes=30)
        walker.app.watch_clock()
        await walker.shows("时钟从 2021-12-06 08:05 变成了 2021-12-06 08:30。")
