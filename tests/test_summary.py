"""A day in numbers: what adds up must add up, whatever the log says."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings

from kiosk.records import Draft, timestamp
from kiosk.roster import roster
from kiosk.summary import Served, Summary, summarise
from tests.factories import (
    DAY,
    at,
    chain,
    checked_in,
    checked_out,
    duty_ended,
    duty_started,
    folded,
    foreign,
    volunteer_number,
)
from tests.test_roster_properties import any_log, times

ONE, TWO = volunteer_number(1), volunteer_number(2)


def summed(*drafts: Draft, clock: str = "20:00") -> Summary:
    return summarise(folded(chain(drafts)), DAY, at(clock))


def test_minutes_go_to_the_duty_they_were_served_on() -> None:
    came = checked_in(ONE, at("08:00"))
    first, second = duty_started(came, at("08:10"), "order"), duty_started(came, at("10:00"), "policy")
    found = summed(
        came,
        first,
        duty_ended(came, first, at("10:00")),
        second,
        duty_ended(came, second, at("11:00")),
        checked_out(came, at("12:00")),  # an hour's break before it
    )
    assert found.by_duty == (Served("order", 1, 110), Served("policy", 1, 60), Served(None, 1, 10))
    assert (found.people, found.check_ins, found.minutes) == (1, 1, 180)
    assert found.by_hour == {8: 1, 9: 1, 10: 1, 11: 1}


def test_seconds_of_several_duties_make_no_extra_minute_and_lose_none() -> None:
    came = checked_in(ONE, at("08:00"))
    drafts = [came]
    now = at("08:00")
    for duty in ("order", "policy", "order", "statistics"):
        start = duty_started(came, now, duty)
        now += timedelta(seconds=45)
        drafts += [start, duty_ended(came, start, now)]
    found = summed(*drafts, checked_out(came, now))
    assert found.minutes == 3
    assert sum(item.minutes for item in found.by_duty) == 3


def test_who_did_not_sign_out_counts_as_a_person_and_with_no_minutes() -> None:
    open_visit, other = checked_in(ONE, at("08:00")), checked_in(TWO, at("09:00"))
    drafts = [open_visit, other, duty_started(open_visit, at("09:30")), checked_out(other, at("10:00"))]
    found = summarise(folded(chain(drafts)), DAY, at("20:00") + timedelta(days=1))
    assert (found.people, found.minutes) == (2, 60)
    assert found.by_status["pending_check_out"] == 1
    assert found.by_duty == (Served(None, 1, 60),)
    assert found.by_hour == {8: 1, 9: 2}, "of the open visit only what is known"


def test_a_night_shift_is_here_after_midnight_too() -> None:
    came = checked_in(ONE, at("22:00") - timedelta(days=1))
    found = summed(came, checked_out(came, at("02:00")))
    assert (found.people, dict(found.by_hour)) == (0, {0: 1, 1: 1})


def test_nobody_is_here_at_an_hour_that_has_not_come() -> None:
    came = checked_in(ONE, at("08:00"))
    records = chain([came, checked_out(came, at("18:00"))])
    sheet = foreign(records[1], at=timestamp(at("12:00")))
    found = summarise(folded([records[0], sheet]), DAY, at("12:00"))
    assert (found.minutes, dict(found.by_hour)) == (240, dict.fromkeys(range(8, 12), 1))


def test_a_day_of_nobody() -> None:
    found = summed(Draft("refused", at("08:00"), "volunteer", data={"reasons": ["age_over"]}))
    assert (found.people, found.refused, found.minutes, found.by_duty, found.by_hour) == (0, 1, 0, (), {})


@settings(max_examples=200)
@given(any_log(), times)
def test_duties_add_up_to_the_roster(records, now):
    history = folded(records)
    for day in (DAY, DAY + timedelta(days=1)):
        found = summarise(history, day, now)
        entries = roster(history, day, now)
        assert found.minutes == sum(entry.minutes or 0 for entry in entries)
        assert sum(item.minutes for item in found.by_duty) == found.minutes
        assert all(item.minutes >= 0 and 1 <= item.people <= len(entries) for item in found.by_duty)
        assert sum(found.by_status.values()) == found.people == len(entries) <= found.check_ins
        assert all(0 <= hour <= 23 for hour in found.by_hour)
        everybody = {v.volunteer for d in (day - timedelta(days=1), day) for v in history.visits_on(d)}
        assert all(0 <= people <= len(everybody) for people in found.by_hour.values())
        if found.by_hour:
            assert list(found.by_hour) == list(range(min(found.by_hour), max(found.by_hour) + 1))
            assert found.by_hour[min(found.by_hour)] and found.by_hour[max(found.by_hour)]
