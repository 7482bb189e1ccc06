"""The lead's word on times: whatever is accepted, nothing is negative, in the future, or counted twice."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk import serving
from kiosk.campaign import Campaign, Campaigns
from kiosk.campaign_files import shipped
from kiosk.desk import Desk
from kiosk.errors import InvalidInput, KioskError, NotPossible
from kiosk.keys import Keys
from kiosk.records import Draft, Record
from kiosk.roster import History
from kiosk.visits import minutes
from tests.factories import COMMUNITY, STATION, at, chain, checked_in, checked_out, duty_ended, duty_started, folded
from tests.factories import volunteer_number as number

WHO = number(1)
NOW = at("20:00")


class Log:
    """A log in memory, on which decisions are made and to which they are written."""

    def __init__(self, campaign: Campaign, *drafts: Draft) -> None:
        self.records: list[Record] = chain(drafts)
        self.campaign = campaign

    @property
    def history(self) -> History:
        return folded(self.records)

    def act(self, decide: Callable[..., Any], *arguments: Any, now: datetime = NOW) -> list[Draft]:
        keys = Keys.__new__(Keys)  # what the lead says about times needs none
        desk = Desk(
            STATION, COMMUNITY, Campaigns((self.campaign,)), self.campaign, keys, secrets.token_bytes, self.history
        )
        drafts: list[Draft] = decide(desk, *arguments, now)[0]
        self.records += chain(drafts, start=self.records)
        return drafts


def a_day(campaign: Campaign) -> tuple[Log, Draft, list[Draft]]:
    """08:01:02 arrival, 08:05 a duty, 10:00 another, 12:00 home."""
    came = checked_in(WHO, at("08:01") + timedelta(seconds=2))
    first, second = duty_started(came, at("08:05"), "order"), duty_started(came, at("10:00"), "policy")
    ended, last = duty_ended(came, first, at("10:00")), duty_ended(came, second, at("12:00"))
    drafts = [came, first, ended, second, last, checked_out(came, at("12:00"))]
    return Log(campaign, *drafts), came, drafts


def test_a_sign_out_moves_with_the_duty_that_it_ended(campaign: Campaign) -> None:
    for clock, served in (("12:30", 268), ("11:00", 178)):
        log, came, drafts = a_day(campaign)
        log.act(serving.correct, came.id, drafts[-1].id, at(clock), "记错")
        visit = log.history.visit(came.id)
        assert visit.checked_out == visit.stints[-1].ended == at(clock)
        assert minutes([visit], NOW) == {came.id: served}
        assert not visit.clock


def test_a_change_of_duty_moves_as_one(campaign: Campaign) -> None:
    log, came, drafts = a_day(campaign)
    moved = log.act(serving.correct, came.id, drafts[3].id, at("09:00"), "记错")
    assert [draft.data["target"] for draft in moved] == [drafts[2].id, drafts[3].id]
    visit = log.history.visit(came.id)
    assert visit.stints[0].ended == visit.stints[1].started == at("09:00")
    assert minutes([visit], NOW) == {came.id: 238}, "a change of duty interrupts nothing"


def test_a_minute_that_is_shown_may_be_typed(campaign: Campaign) -> None:
    """08:01 stands on the screen for 08:01:02; a duty that began then did not begin before the arrival."""
    log, came, drafts = a_day(campaign)
    log.act(serving.correct, came.id, drafts[1].id, at("08:01"), "来了就上岗")
    assert log.history.visit(came.id).stints[0].started == at("08:01") + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("place", "clock"), [(0, "08:06"), (1, "08:00"), (1, "10:01"), (3, "12:01"), (5, "09:59"), (5, "20:01")]
)
def test_events_stay_in_order_and_in_the_past(campaign: Campaign, place: int, clock: str) -> None:
    log, came, drafts = a_day(campaign)
    before = list(log.records)
    with pytest.raises(InvalidInput) as error:
        log.act(serving.correct, came.id, drafts[place].id, at(clock), "记错")
    assert error.value.code == "time_invalid"
    assert log.records == before


def test_no_visit_is_corrected_into_another(campaign: Campaign) -> None:
    first, second = checked_in(WHO, at("08:00")), checked_in(WHO, at("13:00"))
    out = checked_out(first, at("12:00"))
    log = Log(campaign, first, out, second)
    for visit, record, clock in ((first, out, "13:01"), (second, second, "11:59")):
        with pytest.raises(InvalidInput):
            log.act(serving.correct, visit.id, record.id, at(clock), "记错")
    log.act(serving.correct, first.id, out.id, at("13:00"), "一直在")
    log.act(serving.correct, second.id, second.id, at("13:30"), "记错")


def test_a_late_sign_out_can_be_corrected_too(campaign: Campaign) -> None:
    came = checked_in(WHO, at("08:00") - timedelta(days=1))
    log = Log(campaign, came)
    (out,) = log.act(serving.sign_out_late, came.id, at("11:00") - timedelta(days=1), "忘记签退")
    log.act(serving.correct, came.id, out.id, at("10:00") - timedelta(days=1), "问过本人")
    visit = log.history.visit(came.id)
    assert (visit.late, visit.corrected, minutes([visit], NOW)) == (True, True, {came.id: 120})


def test_what_is_no_correction(campaign: Campaign) -> None:
    log, came, drafts = a_day(campaign)
    moved = log.act(serving.correct, came.id, drafts[-1].id, at("12:10"), "记错")
    for record, clock, reason in (
        (drafts[-1].id, "12:10", "一样的时间"),
        (moved[0].id, "12:20", "更正不能再更正"),
        ("no such record", "12:20", "没有"),
        (drafts[-1].id, "12:20", "  "),
    ):
        with pytest.raises(NotPossible):
            log.act(serving.correct, came.id, record, at(clock), reason)


def test_a_void_visit_is_left_alone(campaign: Campaign) -> None:
    log, came, drafts = a_day(campaign)
    log.act(serving.void, came.id, "登记错人")
    for decide, arguments in (
        (serving.void, (came.id, "再来")),
        (serving.correct, (came.id, drafts[-1].id, at("12:10"), "记错")),
        (serving.reassign, (came.id, COMMUNITY, "缺人")),
        (serving.sign_out_late, (came.id, at("13:00"), "忘记签退")),
    ):
        with pytest.raises(NotPossible):
            log.act(decide, *arguments)


def test_nobody_is_sent_to_where_they_are(campaign: Campaign) -> None:
    log, came, _drafts = a_day(campaign)
    log.act(serving.reassign, came.id, COMMUNITY, "缺人")
    with pytest.raises(NotPossible):
        log.act(serving.reassign, came.id, COMMUNITY, "缺人")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_series_of_corrections_counts_a_moment_twice(data: st.DataObject) -> None:
    """Two visits of one person, and whatever a lead tries: what is accepted leaves two visits side by side."""
    first, second = checked_in(WHO, at("08:00")), checked_in(WHO, at("13:00"))
    start = duty_started(first, at("08:30"))
    drafts = [first, start, duty_ended(first, start, at("12:00")), checked_out(first, at("12:00")), second]
    log = Log(shipped(), *drafts)
    for _ in range(data.draw(st.integers(1, 6))):
        target = data.draw(st.sampled_from(drafts))
        visit = second if target is second else first
        when = at("00:00") + timedelta(minutes=data.draw(st.integers(-120, 1380)))
        try:
            log.act(serving.correct, visit.id, target.id, when, "记错")
        except KioskError:
            continue
        one, two = log.history.visit(first.id), log.history.visit(second.id)
        assert not (one.clock or two.clock)
        assert one.checked_out is not None
        assert one.checked_in <= one.stints[0].started <= one.checked_out
        assert one.checked_out <= two.checked_in <= NOW or two.last <= one.checked_in
        alone = sum(minutes([each], NOW)[each.id] or 0 for each in (one, two))
        together = sum(value or 0 for value in minutes([one, two], NOW).values())
        assert alone == together >= 0
