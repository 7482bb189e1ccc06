"""A badge in the wrong hands: whoever looks sees whose it is and when it was last seen, and no minute counts twice."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.badge import Badge, issue
from kiosk.errors import KioskError
from kiosk.records import moment
from kiosk.station import Station
from kiosk.visits import counted
from tests import factories, plain
from tests.conftest import PIN, FakeClock, Template, seeded
from tests.elsewhere import Elsewhere
from tests.test_recovery import arrive
from tests.walking import walking

if TYPE_CHECKING:
    from kiosk.campaign import Campaign

OTHER_HOME = "330102016003"


def come(station: Station, campaign: Campaign, number: int = 0, **changes: Any) -> tuple[str, str]:
    done = arrive(station, campaign, number, **changes)
    assert done.volunteer is not None
    assert done.code is not None
    return done.volunteer, done.code


def show(station: Station, scanned: str) -> int | None:
    """Somebody shows a badge and is served; seconds since it was shown before."""
    found = station.recognise(scanned)
    station.note_shown(found)
    return found.seconds


# --- shown twice ----------------------------------------------------------------------------------------------------


def test_a_badge_that_is_shown_again_within_a_minute_is_known(
    station: Station, campaign: Campaign, clock: FakeClock
) -> None:
    (number, code), (other, _) = come(station, campaign), come(station, campaign, 1)
    assert show(station, code) is None
    clock.advance(seconds=20)
    assert show(station, other) is None
    assert show(station, number) == 20  # the number is as good as the code
    clock.advance(seconds=59)
    assert show(station, code) == 59
    clock.advance(seconds=60)
    assert show(station, code) is None


def test_what_is_no_badge_is_not_remembered(station: Station, campaign: Campaign, clock: FakeClock) -> None:
    number, code = come(station, campaign)
    forged = code[:-1] + ("A" if code[-1] != "A" else "Q")
    from_nowhere = issue(Badge("S777", number, campaign.id, station.today()), station.keys.sign)
    for wrong in (forged, code[:40], from_nowhere):
        found = station.recognise(wrong)
        station.note_shown(found)
        assert found.refused is not None
    assert show(station, code) is None


def test_a_clock_that_was_set_back_says_nothing(station: Station, campaign: Campaign, clock: FakeClock) -> None:
    _, code = come(station, campaign)
    show(station, code)
    clock.now -= timedelta(seconds=30)
    assert show(station, code) is None


def test_thousands_of_badges_are_not_kept(station: Station, campaign: Campaign, clock: FakeClock) -> None:
    for number in range(30):
        come(station, campaign, number)
        clock.advance(seconds=5)
    for who in station.history.people:
        show(station, who)
        clock.advance(seconds=5)
    assert len(station._shown) <= 12


async def test_what_the_kiosk_or_the_lead_asked_for_is_no_doubt(
    station: Station, campaign: Campaign, clock: FakeClock
) -> None:
    """A scan on somebody's form is asked for again; the lead looks people up."""
    _, code = come(station, campaign)
    async with walking(station) as walker:
        await walker.consent()
        await walker.type(code)
        await walker.press("enter")
        await walker.until(lambda: "请先完成本页" in walker.said())
        await walker.press("escape")
        await walker.arrive("ConsentPage")
        await walker.press("escape", "escape")
        await walker.arrive("WelcomePage")
        await walker.lead(PIN)
        await walker.type(code)
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.press("escape")
        await walker.arrive("RosterPage")
        await walker.press("escape")
        await walker.scan(code)
        await walker.arrive("DutyPage")
        assert "秒前" not in walker.text()


async def test_who_stands_there_reads_that_the_badge_was_just_shown(
    station: Station, campaign: Campaign, clock: FakeClock
) -> None:
    number, code = come(station, campaign)
    station.start_duty(number, "order")
    before = len(plain.log(station.folder))
    async with walking(station) as walker:
        await walker.scan(code)
        await walker.arrive("DutyPage")
        assert "秒前" not in walker.text()
        await walker.press("escape")
        await walker.arrive("WelcomePage")
        clock.advance(seconds=25)
        await walker.scan(code)
        await walker.shows("25 秒前")
        await walker.shows("请叫站点负责人")
    assert len(plain.log(station.folder)) == before  # to look writes nothing


# --- checked out, elsewhere, revoked --------------------------------------------------------------------------------


async def test_a_badge_of_somebody_who_has_left_says_when_and_where(
    station: Station, campaign: Campaign, clock: FakeClock
) -> None:
    number, code = come(station, campaign)
    clock.advance(minutes=95)
    station.check_out(number)
    clock.advance(minutes=30)
    async with walking(station) as walker:
        await walker.scan(code)
        await walker.arrive("DailyPage")
        await walker.shows("上次出现：12月6日 周一 09:35，已签退，笕桥街道 笕桥社区")


async def test_whoever_comes_back_another_day_is_not_told_of_the_last(
    station: Station, campaign: Campaign, clock: FakeClock
) -> None:
    number, code = come(station, campaign)
    station.check_out(number)
    clock.advance(days=1)
    async with walking(station) as walker:
        await walker.scan(code)
        await walker.arrive("DailyPage")
        assert "上次出现" not in walker.text()


async def test_a_badge_that_is_on_duty_somewhere_else_says_where(station: Station, campaign: Campaign) -> None:
    number, code = come(station, campaign)
    visit = station.visit(number)
    assert visit is not None
    station.start_duty(number, "order")
    station.reassign(visit.id, OTHER_HOME, "那边缺人")
    async with walking(station) as walker:
        await walker.scan(code)
        await walker.arrive("DutyPage")
        await walker.shows("在岗：秩序维护")
        await walker.shows(campaign.name_of(OTHER_HOME))


async def test_the_lead_sees_whose_a_revoked_badge_is_and_nobody_else_does(
    station: Station, campaign: Campaign, clock: FakeClock
) -> None:
    number, code = come(station, campaign)
    station.start_duty(number, "order")
    clock.advance(minutes=10)
    station.revoke_badge(number, "遗失")
    async with walking(station) as walker:
        await walker.scan(code)
        await walker.until(lambda: "作废" in walker.said())
        assert factories.NAMES[0] not in walker.text()
        await walker.lead(PIN)
        await walker.type(code)
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.shows(factories.NAMES[0])
        await walker.shows("上次出现：12月6日 周一 08:00，在岗 秩序维护，笕桥街道 笕桥社区")
        assert "作废" in walker.said()


async def test_a_badge_of_another_station_that_was_never_here_is_named_as_such(
    station: Station, clock: FakeClock
) -> None:
    elsewhere = Elsewhere.known_to(station.folder)
    code = elsewhere.badge(factories.volunteer_number(11), station)
    show(station, code)
    clock.advance(seconds=20)
    async with walking(station) as walker:
        await walker.scan(code)
        await walker.arrive("LeadPinPage")
        await walker.press("escape")  # the lead was not there: that is no showing
        await walker.arrive("WelcomePage")
        clock.advance(seconds=10)
        await walker.scan(code)
        await walker.pin(PIN, "ConsentPage")
        await walker.press("1", "1")
        await walker.arrive("VisitorPage")
        await walker.shows("本站以前没有见过")
        await walker.shows("30 秒前")


def test_somebody_who_never_came_was_not_seen(station: Station, campaign: Campaign) -> None:
    number, _ = come(station, campaign)
    assert station.last_seen(factories.volunteer_number(3)) == ""
    visit = station.visit(number)
    assert visit is not None
    station.void(visit.id, "弄错了")
    assert station.last_seen(number) == ""


# --- hours ----------------------------------------------------------------------------------------------------------

ACTS = ("again", "start", "switch", "break", "out", "late", "correct", "lost", "night")


def _do(station: Station, act: str, number: str, campaign: Campaign, clock: FakeClock) -> None:
    """What somebody with the badge does, or with a photograph of it; or the lead."""
    recognised = station.recognise(station.badge_code(number) or number)
    assert recognised.person is not None
    match act:
        case "again":
            station.check_in_again(number, factories.answers(campaign, station.today()))
        case "start":
            station.start_duty(number, "order")
        case "switch":
            station.start_duty(number, "policy")
        case "break":
            station.end_duty(number)
        case "out":
            station.check_out(number)
        case "late":
            for visit in station.pending_of(number):
                station.sign_out_late(visit.id, visit.last + timedelta(hours=9), "忘了")
        case "correct":
            for visit in station.history.visits_of(number):
                record = station.records_of(visit.id)[-1]
                station.correct(visit.id, record.id, record.occurred - timedelta(minutes=7), "记错了")
        case "lost":
            come(station, campaign)  # with another badge, or as new: the same person all the same
        case "night":
            clock.advance(hours=14)


@pytest.mark.parametrize("seed", range(2))
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 150)), min_size=3, max_size=14))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_minute_of_anybody_counts_twice(
    template: Template, campaign: Campaign, seed: int, acts: list[tuple[str, int]]
) -> None:
    """Two people use one badge in turn, as fast and as often as they like."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(template.folder, Path(place) / "data"))
        clock = FakeClock()
        station = Station(folder, clock=clock, entropy=seeded(seed))
        try:
            number, _ = come(station, campaign)
            for act, minutes in acts:
                with suppress(KioskError):
                    _do(station, act, number, campaign, clock)
                clock.advance(minutes=minutes)
            history, now = station.history, clock.now
            assert list(history.people) == [number]
            stretches = [
                stretch for found in counted(history.visits_of(number), now).values() for stretch in found or ()
            ]
        finally:
            station.close()
        _are_apart(stretches)
        ins = [moment(d["occurred"]) for d in plain.log(folder) if d["type"] == "checked_in"]
        whole = sum((end - start for start, end in stretches), timedelta())
        assert whole <= now - min(ins) + timedelta(minutes=7)  # an arrival may have been corrected by that much


def _are_apart(stretches: list[tuple[Any, Any]]) -> None:
    ordered = sorted(stretches)
    for (_, end), (start, _) in pairwise(ordered):
        assert end <= start
