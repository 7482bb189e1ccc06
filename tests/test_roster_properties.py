"""The fold against any log: it never fails, nothing counts twice, and a day in order gives what a plain clock gives."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.records import Draft, Record, service_day, timestamp
from kiosk.roster import History, counts, roster
from kiosk.visits import STATUSES, Visit, minutes
from tests.factories import (
    DAY,
    assigned,
    at,
    chain,
    checked_in,
    checked_out,
    corrected,
    duty_ended,
    duty_started,
    folded,
    foreign,
    registered,
    voided,
    volunteer_number,
)

PEOPLE = [volunteer_number(seed) for seed in range(3)]
START = at("06:00")
times = st.integers(0, 60 * 60 * 40).map(lambda seconds: START + timedelta(seconds=seconds))
ACTS = ("arrive", "register", "start", "end", "leave", "late", "place", "correct", "void", "strange", "again")


@st.composite
def any_log(draw: st.DrawFn) -> list[Record]:
    """Records of several visits of few people: in any order, at any time, some twice, some of unknown type."""
    drafts: list[Draft] = []
    visits: list[Draft] = []
    started: list[Draft] = []
    for _ in range(draw(st.integers(1, 18))):
        act = draw(st.sampled_from(ACTS))
        when = draw(times)
        if act == "arrive" or not visits:
            made = checked_in(draw(st.sampled_from(PEOPLE)), when)
            visits.append(made)
        elif act == "again":
            made = draw(st.sampled_from(drafts))
        elif act == "register":
            made = registered(draw(st.sampled_from(PEOPLE)), when)
        else:
            made = _of_a_visit(draw, act, draw(st.sampled_from(visits)), when, drafts, started)
        drafts.append(made)
    records = chain(drafts)
    kept = draw(st.lists(st.booleans(), min_size=len(records), max_size=len(records)))
    # what is marked loses its place, or comes from a newer version
    strange = draw(st.sampled_from(["gone", "newer"]))
    told = []
    for record, keep in zip(records, kept, strict=True):
        if keep or draw(st.integers(0, 4)):
            told.append(record)
        elif strange == "newer":
            told.append(foreign(record, type="thanked", more={"visit": [1]}))
    return told


def _of_a_visit(
    draw: st.DrawFn, act: str, visit: Draft, when: datetime, drafts: list[Draft], started: list[Draft]
) -> Draft:
    if act == "start":
        started.append(duty_started(visit, when, draw(st.sampled_from(["order", "policy"]))))
        return started[-1]
    if act == "end":
        return duty_ended(visit, draw(st.sampled_from(started or [visit])), when)
    if act in ("leave", "late"):
        return checked_out(visit, when, late=act == "late")
    if act == "place":
        return assigned(visit, when, post=draw(st.sampled_from([None, "gate"])))
    target = draw(st.sampled_from(drafts))
    if act == "correct":
        return corrected(visit, target, draw(times), now=when)
    if act == "void":
        return voided(visit, target, now=when)
    note = draw(st.sampled_from(["clock", "clock_changed"]))
    return Draft("station_noted", when, "station", data={"note": note, "details": {"expected": timestamp(draw(times))}})


def stays(visits: list[Visit], now: datetime) -> timedelta:
    """The length of the union of the stays, by the second: every second that somebody was there, once."""
    seconds: set[int] = set()
    for visit in visits:
        end = visit.checked_out or max(now, visit.last)  # asked by a clock that runs behind the log
        seconds.update(range(round((visit.checked_in - START).total_seconds()), round((end - START).total_seconds())))
    return timedelta(seconds=len(seconds))


@settings(max_examples=250)
@given(any_log(), times | st.just(START + timedelta(days=3)))
def test_no_log_makes_the_fold_fail_or_count_twice(records, now):
    history = folded(records)
    for volunteer in PEOPLE:
        visits = history.visits_of(volunteer)
        counted = minutes(visits, now)
        assert set(counted) == {visit.id for visit in visits}
        for visit in visits:
            pending = visit.status(now) == "pending_check_out"
            assert (counted[visit.id] is None) is pending
            assert visit.checked_out is None or visit.checked_out >= visit.checked_in
        whole = [value for value in counted.values() if value is not None]
        assert all(value >= 0 for value in whole)
        there = [visit for visit in visits if counted[visit.id] is not None]
        assert timedelta(minutes=sum(whole)) <= stays(there, now)
    for day in (DAY - timedelta(days=1), DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)):
        entries = roster(history, day, now)
        assert len({entry.volunteer for entry in entries}) == len(entries)
        assert all(entry.status in STATUSES for entry in entries)
        assert all(entry.minutes is None or entry.minutes >= 0 for entry in entries)
        assert sum(counts(entries).values()) == len(entries)
        assert sum(history.filled(now).values()) <= len(history.visits_on(service_day(now)))


@given(any_log())
def test_every_visit_is_on_the_roster_of_one_day(records):
    history = folded(records)
    days = [DAY + timedelta(days=offset) for offset in range(-1, 4)]
    by_day = [visit.id for day in days for visit in history.visits_on(day)]
    by_person = [visit.id for who in PEOPLE for visit in history.visits_of(who)]
    assert sorted(by_day) == sorted(by_person)


@given(any_log())
def test_the_newest_visit_is_the_one_that_began_last(records):
    history = folded(records)
    for who in PEOPLE:
        assert history.newest_visit(who) == max(history.visits_of(who), key=lambda v: v.checked_in, default=None)


@settings(max_examples=250)
@given(any_log(), times, times)
def test_looking_changes_nothing_and_a_replay_adds_nothing(records, now, before):
    looked_at = History()
    for record in records:
        looked_at.add(record)
        for day in (DAY, DAY + timedelta(days=1)):
            roster(looked_at, day, before)
        for who in PEOPLE:
            looked_at.present(who, now)
    at_once = folded([*records, *records])
    for day in (DAY, DAY + timedelta(days=1)):
        assert roster(looked_at, day, now) == roster(at_once, day, now)


@given(any_log(), times)
def test_what_is_pending_is_what_a_look_at_every_visit_finds(records, now):
    history = folded(records)
    everything = [visit for who in PEOPLE for visit in history.pending(who, now)]
    found = history.all_pending(now)
    assert sorted(visit.id for visit in found) == sorted(visit.id for visit in everything)
    assert [visit.checked_in for visit in found] == sorted((v.checked_in for v in found), reverse=True)


@given(any_log(), times)
def test_the_rosters_minutes_are_those_of_all_visits_together(records, now):
    history = folded(records)
    for day in (DAY, DAY + timedelta(days=1)):
        for entry in roster(history, day, now):
            near = [v for v in history.visits_of(entry.volunteer) if v.day in (day, day - timedelta(days=1))]
            counted = minutes(near, now)
            mine = [counted[visit.id] for visit in near if visit.day == day]
            assert entry.minutes == (None if None in mine else sum(value for value in mine if value is not None))


@given(any_log())
def test_every_record_about_somebody_is_told_once(records):
    history = folded(records)
    about = [record for who in PEOPLE for record in history.records_about(who)]
    assert {record.id for record in about} == {record.id for record in records if record.volunteer}
    assert all(record.volunteer == who for who in PEOPLE for record in history.records_about(who))


@st.composite
def a_day_in_order(draw: st.DrawFn) -> tuple[Draft, list[Draft], int, bool]:
    """One visit as it should be, the seconds that a plain clock has counted, and whether it has ended.

    The clock runs from check-in; going off duty stops it, going on duty starts it, checking out ends it.
    """
    now = START + timedelta(minutes=draw(st.integers(0, 300)))
    visit = checked_in(PEOPLE[0], now)
    drafts = [visit]
    running, seconds, on = True, 0, None
    for _ in range(draw(st.integers(0, 8))):
        gap = draw(st.integers(0, 3600))
        now += timedelta(seconds=gap)
        seconds += gap if running else 0
        if on is None:
            on = duty_started(visit, now, draw(st.sampled_from(["order", "policy"])))
            drafts.append(on)
            running = True
        else:
            drafts.append(duty_ended(visit, on, now))
            on, running = None, False
            if draw(st.booleans()):  # a change of duty: both in one moment
                on = duty_started(visit, now, "statistics")
                drafts.append(on)
                running = True
    gap = draw(st.integers(0, 3600))
    now += timedelta(seconds=gap)
    seconds += gap if running else 0
    ended = draw(st.booleans())
    if ended:
        if on is not None:
            drafts.append(duty_ended(visit, on, now))
        drafts.append(checked_out(visit, now))
    else:
        drafts.append(Draft("station_noted", now, "station", data={"note": "now", "details": {}}))
    return visit, drafts, seconds, ended


@settings(max_examples=200)
@given(a_day_in_order(), st.integers(0, 3600))
def test_a_day_in_order_gives_what_a_plain_clock_gives(day, later):
    visit, drafts, seconds, ended = day
    history = folded(chain(drafts))
    now = drafts[-1].occurred + timedelta(seconds=later if ended else 0)
    found = history.visit(visit.id)
    assert found.status(now) == ("checked_out" if ended else "on_duty" if found.stint else "checked_in")
    assert minutes([found], now) == {visit.id: seconds // 60}
    assert not (found.clock or found.late or found.corrected or found.voided)
    assert [stint.id for stint in found.stints] == [draft.id for draft in drafts if draft.type == "duty_started"]
    (entry,) = roster(history, DAY, now)
    assert entry.minutes == seconds // 60
