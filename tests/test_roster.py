"""The fold and its views: visits, minutes, states, flags, posts filled, and who is the same person."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kiosk.records import ZEROS, Draft, Record, seal_record
from kiosk.roster import Entry, History, Row, counts, roster
from kiosk.visits import STATUSES, minutes
from tests.factories import (
    COMMUNITY,
    DAY,
    EPOCH,
    NAMES,
    STATION,
    STREET,
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

WHO = volunteer_number(1)
OTHER = volunteer_number(2)
TOMORROW = DAY + timedelta(days=1)
YESTERDAY = DAY - timedelta(days=1)


def told(*drafts: Draft) -> History:
    return folded(chain(drafts))


def minutes_of(history: History, visit: Draft, clock: str = "20:00", day: date = DAY) -> int | None:
    assert visit.volunteer
    return minutes(history.visits_of(visit.volunteer), at(clock, day))[visit.id]


def the_entry(history: History, clock: str = "20:00", day: date = DAY, on: date = DAY) -> Entry:
    (entry,) = roster(history, on, at(clock, day))
    return entry


# --- minutes --------------------------------------------------------------------------------------------------------


def test_the_clock_runs_from_check_in_to_check_out():
    visit = checked_in(WHO, at("08:00"))
    history = told(visit, checked_out(visit, at("11:30")))
    assert minutes_of(history, visit) == 210
    assert (the_entry(history).status, the_entry(history).minutes) == ("checked_out", 210)


def test_a_break_does_not_count_and_a_change_of_duty_does():
    visit = checked_in(WHO, at("08:00"))
    first = duty_started(visit, at("08:10"))
    second = duty_started(visit, at("09:00"), "policy")
    third = duty_started(visit, at("10:45"), "statistics")
    history = told(
        visit,
        first,
        duty_ended(visit, first, at("09:00")),
        second,
        duty_ended(visit, second, at("10:00")),
        third,
        duty_ended(visit, third, at("11:00")),
        checked_out(visit, at("12:00")),
    )
    assert minutes_of(history, visit) == 120 + 15
    found = history.visit(visit.id)
    assert found.running == ((at("08:00"), at("10:00")), (at("10:45"), at("11:00")))
    assert [(stint.duty, stint.started, stint.ended) for stint in found.stints] == [
        ("order", at("08:10"), at("09:00")),
        ("policy", at("09:00"), at("10:00")),
        ("statistics", at("10:45"), at("11:00")),
    ]


def test_a_duty_without_end_ends_with_the_next_and_with_the_visit():
    visit = checked_in(WHO, at("08:00"))
    first, second = duty_started(visit, at("08:30")), duty_started(visit, at("09:30"), "policy")
    history = told(visit, first, second, checked_out(visit, at("10:00")))
    assert minutes_of(history, visit) == 120
    assert [stint.ended for stint in history.visit(visit.id).stints] == [at("09:30"), at("10:00")]


def test_the_end_of_another_duty_ends_nothing():
    visit = checked_in(WHO, at("08:00"))
    first, second = duty_started(visit, at("08:30")), duty_started(visit, at("09:00"), "policy")
    history = told(visit, first, second, duty_ended(visit, first, at("09:10")))
    stint = history.visit(visit.id).stint
    assert stint is not None
    assert (stint.duty, stint.ended) == ("policy", None)
    assert minutes_of(history, visit, "10:00") == 120


def test_an_open_visit_counts_up_to_now():
    visit = checked_in(WHO, at("08:00"))
    history = told(visit)
    assert [minutes_of(history, visit, clock) for clock in ("07:00", "08:00", "08:01", "09:30")] == [0, 0, 1, 90]


def test_minutes_are_whole_and_never_rounded_up():
    visit = checked_in(WHO, at("08:00"))
    assert minutes_of(told(visit, checked_out(visit, at("08:01:59.999"))), visit) == 1
    assert minutes_of(told(visit, checked_out(visit, at("08:00:59"))), visit) == 0


@pytest.mark.parametrize("out", ["09:00", "12:00"])
def test_what_comes_after_signing_out_changes_nothing(out):
    visit = checked_in(WHO, at("08:00"))
    late = duty_started(visit, at("12:10"))
    history = told(visit, checked_out(visit, at(out)), late, checked_out(visit, at("13:00")))
    assert minutes_of(history, visit) == (60 if out == "09:00" else 240)
    assert history.visit(visit.id).checked_out == at(out)
    assert history.visit(visit.id).stints == ()


def test_no_moment_counts_twice_over_two_visits():
    first, second = checked_in(WHO, at("08:00")), checked_in(WHO, at("09:00"))
    third = checked_in(WHO, at("08:30"))
    history = told(
        first,
        checked_out(first, at("10:00")),
        second,
        checked_out(second, at("11:00")),
        third,
        checked_out(third, at("09:30")),
    )
    assert [minutes_of(history, visit) for visit in (first, third, second)] == [120, 0, 60]
    assert the_entry(history).minutes == 180


def test_the_evening_before_is_not_counted_again_the_next_morning():
    night, morning = checked_in(WHO, at("22:00", YESTERDAY)), checked_in(WHO, at("05:00"))
    history = told(night, checked_out(night, at("06:00")), morning, checked_out(morning, at("07:00")))
    assert the_entry(history, on=YESTERDAY).minutes == 480
    assert the_entry(history).minutes == 60


def test_a_visit_over_midnight_belongs_to_the_day_of_its_check_in():
    visit = checked_in(WHO, at("22:00", YESTERDAY))
    history = told(visit, checked_out(visit, at("02:00")))
    assert history.visit(visit.id).day == YESTERDAY
    assert history.visits_on(DAY) == []
    assert the_entry(history, on=YESTERDAY).minutes == 240


# --- a clock that ran backwards -------------------------------------------------------------------------------------


def test_a_clock_that_ran_backwards_gives_no_minutes_and_takes_none():
    visit = checked_in(WHO, at("08:00"))
    start = duty_started(visit, at("07:00"))
    history = told(visit, start, duty_ended(visit, start, at("07:30")), checked_out(visit, at("06:00")))
    found = history.visit(visit.id)
    assert minutes_of(history, visit) == 0
    assert (found.checked_in, found.checked_out) == (at("08:00"), at("08:00"))
    assert found.clock
    assert "clock" in the_entry(history).flags


def test_it_is_set_right_again():
    visit = checked_in(WHO, at("08:00"))
    start = duty_started(visit, at("07:00"))
    history = told(visit, start, checked_out(visit, at("09:00")))
    assert minutes_of(history, visit) == 60
    assert history.visit(visit.id).clock


# --- 待补签 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrived", "pending"),
    [("08:00", at("00:00", TOMORROW)), ("12:00", at("00:00", TOMORROW)), ("22:00", at("10:00", TOMORROW))],
)
def test_a_missing_sign_out_is_pending_after_the_day_and_twelve_hours(arrived, pending):
    visit = checked_in(WHO, at(arrived))
    history = told(visit)
    found = history.visit(visit.id)
    before = pending - timedelta(milliseconds=1)
    assert found.pending_from == pending
    assert (found.status(before), found.status(pending)) == ("checked_in", "pending_check_out")
    assert found.present(before)
    assert not found.present(pending)
    assert minutes([found], before)[visit.id] == int((before - at(arrived)).total_seconds() // 60)
    assert minutes([found], pending)[visit.id] is None
    assert history.pending(WHO, pending) == [found]
    assert history.pending(WHO, before) == []


def test_pending_is_neither_zero_nor_full_on_the_roster():
    first, second = checked_in(WHO, at("08:00")), checked_in(WHO, at("13:00"))
    history = told(first, checked_out(first, at("10:00")), second)
    assert the_entry(history, "12:00", TOMORROW).minutes is None
    assert the_entry(history, "12:00", TOMORROW).status == "pending_check_out"
    assert the_entry(history, "12:00", TOMORROW).since == at("13:00")


def test_a_late_sign_out_ends_it_and_is_flagged():
    visit = checked_in(WHO, at("08:00"))
    history = told(visit, checked_out(visit, at("10:00"), late=True))
    entry = the_entry(history, "12:00", TOMORROW)
    assert (entry.status, entry.minutes, entry.flags) == ("checked_out", 120, ("late_sign_out",))


# --- corrections ----------------------------------------------------------------------------------------------------


def test_a_correction_changes_the_time_and_is_flagged():
    visit = checked_in(WHO, at("08:00"))
    out = checked_out(visit, at("10:00"))
    history = told(visit, out, corrected(visit, out, at("09:00"), now=at("11:00")))
    assert minutes_of(history, visit) == 60
    assert the_entry(history).flags == ("corrected",)
    again = told(
        visit,
        out,
        corrected(visit, out, at("09:00"), now=at("11:00")),
        corrected(visit, visit, at("07:30"), now=at("11:05")),
        corrected(visit, out, at("09:30"), now=at("11:10")),
    )
    assert minutes_of(again, visit) == 120  # the last word counts
    assert the_entry(again).checked_in_at == at("07:30")


def test_a_corrected_arrival_may_move_the_visit_to_another_day():
    visit = checked_in(WHO, at("00:30"))
    history = told(visit, corrected(visit, visit, at("23:30", YESTERDAY), now=at("01:00")))
    assert [found.id for found in history.visits_on(YESTERDAY)] == [visit.id]
    assert history.visits_on(DAY) == []


def test_a_voided_visit_is_gone_from_every_view():
    visit = checked_in(WHO, at("08:00"))
    history = told(visit, assigned(visit, post="gate"), voided(visit, visit, now=at("08:05")))
    assert history.visits_of(WHO) == []
    assert history.visits_on(DAY) == []
    assert history.present(WHO, at("08:10")) is None
    assert roster(history, DAY, at("08:10")) == []
    assert history.filled(at("08:10")) == {}
    assert history.visit(visit.id).voided
    assert minutes([history.visit(visit.id)], at("09:00")) == {}
    assert not history.visit(visit.id).overlaps(at("08:00"), at("09:00"))


def test_a_voided_sign_out_opens_the_visit_again():
    visit = checked_in(WHO, at("08:00"))
    out = checked_out(visit, at("09:00"))
    history = told(visit, out, voided(visit, out, now=at("09:05")))
    assert the_entry(history, "10:00").status == "checked_in"
    assert minutes_of(history, visit, "10:00") == 120
    assert "corrected" in the_entry(history, "10:00").flags


@pytest.mark.parametrize("change", [[], ["x"], ["x", "soon"], ["x", "2026-11-23T09:00:00"], ["x", 5], "soon", None])
def test_a_correction_that_cannot_be_read_changes_no_time(change):
    visit = checked_in(WHO, at("08:00"))
    out = checked_out(visit, at("10:00"))
    *records, last = chain([visit, out, corrected(visit, out, at("09:00"), now=at("11:00"))])
    history = folded([*records, foreign(last, changes={"occurred": change})])
    assert minutes_of(history, visit) == 120
    assert the_entry(history).flags == ("corrected",)


# --- states and the roster ------------------------------------------------------------------------------------------


def test_states_of_a_day():
    visit = checked_in(WHO, at("08:00"))
    start = duty_started(visit, at("08:10"), "policy", post="gate")
    drafts = [
        registered(WHO, at("08:00")),
        visit,
        assigned(visit),
        start,
        duty_ended(visit, start, at("09:00")),
        checked_out(visit, at("10:00")),
    ]
    seen = []
    for length, clock in ((3, "08:05"), (4, "08:30"), (5, "09:30"), (6, "10:30")):
        entry = the_entry(told(*drafts[:length]), clock)
        seen.append((entry.status, entry.duty, entry.since, entry.minutes))
    assert seen == [
        ("checked_in", None, at("08:00"), 5),
        ("on_duty", "policy", at("08:10"), 30),
        ("checked_in", None, at("09:00"), 60),
        ("checked_out", None, at("10:00"), 60),
    ]
    assert {status for status, *_ in seen} < set(STATUSES)


def test_an_entry_says_who_and_where():
    visit = checked_in(WHO, at("08:00"))
    history = told(registered(WHO, at("08:00"), name=NAMES[2]), visit, assigned(visit, post="gate"))
    entry = the_entry(history, "09:00")
    assert (entry.volunteer, entry.name, entry.phone_masked) == (WHO, NAMES[2], "199****0000")
    assert (entry.street, entry.community, entry.post) == (STREET, COMMUNITY, "gate")
    assert (entry.checked_in_at, entry.checked_out_at, entry.flags) == (at("08:00"), None, ())


def test_somebody_forgotten_keeps_place_and_minutes():
    visit = checked_in(WHO, at("08:00"))
    first, *rest = chain([registered(WHO, at("08:00")), visit, checked_out(visit, at("09:00"))])
    without = {k: v for k, v in first.document.items() if k not in ("personal", "health")}
    history = folded([Record.from_json(without), *rest])
    entry = the_entry(history)
    assert (entry.name, entry.phone_masked, entry.minutes) == ("", "", 60)


def test_one_entry_a_person_in_order_of_arrival():
    late, early, again = checked_in(WHO, at("09:00")), checked_in(OTHER, at("08:00")), checked_in(OTHER, at("13:00"))
    history = told(
        late,
        early,
        checked_out(early, at("10:00")),
        checked_out(late, at("10:00")),
        again,
        duty_started(again, at("13:05")),
    )
    first, second = roster(history, DAY, at("14:00"))
    assert (first.volunteer, second.volunteer) == (OTHER, WHO)
    assert (first.status, first.minutes, first.checked_in_at, first.checked_out_at) == (
        "on_duty",
        180,
        at("08:00"),
        None,
    )
    assert counts([first, second]) == {"on_duty": 1, "checked_in": 0, "checked_out": 1, "pending_check_out": 0}


def test_the_last_assignment_counts():
    visit = checked_in(WHO, at("08:00"))
    history = told(
        visit, assigned(visit, post="gate"), assigned(visit, at("09:00"), community="330102001051", why="lead")
    )
    found = history.visit(visit.id)
    assert (found.street, found.community, found.post, found.why) == ("330102001", "330102001051", None, "lead")


def test_filled_counts_those_who_are_there():
    visits = [checked_in(volunteer_number(seed), at("08:00")) for seed in range(4)]
    drafts = [*visits, *(assigned(visit, post="gate" if place else "yard") for place, visit in enumerate(visits))]
    drafts += [checked_out(visits[1], at("09:00"))]
    history = told(*drafts)
    assert history.filled(at("09:30")) == {"yard": 1, "gate": 2}
    assert history.filled(at("09:30", TOMORROW)) == {}
    assert history.filled(at("00:00", TOMORROW)) == {}


def test_present_and_overlapping():
    visit = checked_in(WHO, at("08:00"))
    history = told(visit, checked_out(visit, at("10:00")))
    found = history.visit(visit.id)
    assert history.present(WHO, at("09:00")) is None
    assert found.overlaps(at("09:59"), None)
    assert found.overlaps(at("07:00"), at("08:01"))
    assert not found.overlaps(at("10:00"), None)
    assert not found.overlaps(at("07:00"), at("08:00"))
    still_here = told(visit).visit(visit.id)
    assert still_here.overlaps(at("23:00"), None)
    assert not still_here.overlaps(at("00:00", TOMORROW), None)
    there = told(visit).present(WHO, at("09:00"))
    assert there is not None
    assert there.id == visit.id


def test_refusals_are_counted_by_day():
    refused = [
        Draft("refused", at(clock), "volunteer", data={"reasons": ["age_under"]}) for clock in ("08:00", "09:00")
    ]
    history = told(*refused, Draft("refused", at("08:00", TOMORROW), "volunteer", data={"reasons": ["age_over"]}))
    assert history.refused == {DAY: 2, TOMORROW: 1}
    assert roster(history, DAY, at("12:00")) == []


def test_badges():
    issued = Draft(
        "badge_issued", at("08:00"), "volunteer", WHO, data={"code": "A", "serial": 1, "expires": "2027-05-22"}
    )
    revoked = Draft("badge_revoked", at("09:00"), "lead", WHO, data={"serial": 1, "reason": "遗失"})
    again = Draft("badge_issued", at("10:00"), "lead", WHO, data={"code": "B", "serial": 2, "expires": "2027-05-22"})
    assert told(issued, revoked).badge(WHO) is None
    history = told(issued, revoked, again)
    badge = history.badge(WHO)
    assert badge is not None
    assert badge["code"] == "B"
    assert history.revoked == {WHO: 1}


# --- what a log may hold besides ------------------------------------------------------------------------------------


def test_a_record_seen_before_changes_nothing():
    visit = checked_in(WHO, at("08:00"))
    refused = Draft("refused", at("08:30"), "volunteer", data={"reasons": ["age_under"]})
    records = chain([visit, refused, checked_out(visit, at("09:00"))])
    history = folded([*records, *records, records[0]])
    assert history.refused == {DAY: 1}
    assert the_entry(history).minutes == 60
    assert len(history.visits_of(WHO)) == 1


def test_the_same_fact_under_two_numbers_counts_once():
    """A record that was not acknowledged but is there, and its retry: the same id, the next number."""
    visit = checked_in(WHO, at("08:00"))
    out = checked_out(visit, at("09:00"))
    history = told(visit, out, visit, out)
    assert [found.id for found in history.visits_of(WHO)] == [visit.id]
    assert the_entry(history).minutes == 60


def test_two_epochs_count_apart():
    first, second = checked_in(WHO, at("08:00")), checked_in(OTHER, at("09:00"))
    history = folded([*chain([first], epoch="a"), *chain([second], epoch="b")])
    assert len(roster(history, DAY, at("10:00"))) == 2


@pytest.mark.parametrize("fields", [{}, {"visit": None}, {"visit": ["list"]}, {"visit": {}}, {"visit": 5}])
def test_types_of_a_newer_version_change_nothing(fields: dict[str, Any]):
    visit = checked_in(WHO, at("08:00"))
    *records, last = chain([visit, checked_out(visit, at("09:00"))])
    document = {k: v for k, v in last.document.items() if k not in ("late", "reason", "visit")}
    newer = Record.from_json({**document, "type": "thanked", **fields})
    history = folded([*records, newer])
    assert the_entry(history, "10:00").minutes == 120
    if not fields:
        tied = Record.from_json({**document, "type": "thanked", "visit": visit.id})
        assert the_entry(folded([*records, tied]), "10:00").minutes == 120


def test_records_of_a_visit_that_is_not_there_are_passed_over():
    visit = checked_in(WHO, at("08:00"))
    start = duty_started(visit, at("08:10"))
    history = told(start, duty_ended(visit, start, at("09:00")), assigned(visit), voided(visit, visit, now=at("09:00")))
    assert roster(history, DAY, at("10:00")) == []
    with pytest.raises(KeyError):
        history.visit(visit.id)


# --- imported rows --------------------------------------------------------------------------------------------------


def imported(draft: Draft, row_key: str | None = None) -> Draft:
    return Draft(
        draft.type, draft.occurred, "import", draft.volunteer, draft.data, draft.personal, draft.health, row_key
    )


def test_the_records_of_a_row_are_known_by_its_key():
    visit = checked_in(WHO, at("08:00"))
    first, second = imported(registered(WHO, at("08:00")), "row-1"), imported(visit)
    third = imported(checked_in(OTHER, at("08:00")), "row-2")
    history = told(first, second, third)
    assert history.rows == {"row-1": Row((first.id, second.id), WHO), "row-2": Row((third.id,), OTHER)}


def test_what_follows_a_row_is_not_taken_for_it():
    first = imported(registered(WHO, at("08:00")), "row-1")
    by_hand = checked_in(WHO, at("08:00"))
    after = imported(checked_in(WHO, at("08:00")))
    assert told(first, by_hand, after).rows == {"row-1": Row((first.id,), WHO)}
    other = imported(checked_in(OTHER, at("08:00")))
    assert told(first, other).rows == {"row-1": Row((first.id,), WHO)}


# --- the same person ------------------------------------------------------------------------------------------------


def known_as(*people: tuple[str, str, str | None]) -> History:
    """People (number, name, key of the ID number), all with the same masked phone."""
    return told(
        *(registered(who, at("08:00"), name=name, **({"person": key} if key else {})) for who, name, key in people)
    )


@pytest.mark.parametrize(
    ("people", "name", "key", "found"),
    [
        ([(WHO, "林", "k1")], "林", "k1", WHO),
        ([(WHO, "林", "k1")], "改名", "k1", WHO),  # the ID number decides
        ([(WHO, "林", "k1")], "林", "k2", None),  # two people
        ([(WHO, "林", "k1")], "林", None, WHO),
        ([(WHO, "林", None)], "林", "k1", WHO),
        ([(WHO, "林", None)], "林", None, WHO),
        ([(WHO, "林", None)], "宋", None, None),
        ([(WHO, "林", "k1"), (OTHER, "林", "k2")], "林", None, None),  # it cannot be told which
        ([(WHO, "林", "k1"), (OTHER, "林", "k2")], "林", "k2", OTHER),
        ([(WHO, "林", "k1"), (OTHER, "林", "k2")], "林", "k3", None),
        ([], "林", "k1", None),
    ],
)
def test_who_is_the_same_person(people, name, key, found):
    assert known_as(*people).same_person(name, "199****0000", key) == found


def test_another_phone_is_somebody_else():
    assert known_as((WHO, "林", None)).same_person("林", "199****0001", None) is None


@pytest.mark.parametrize(
    ("people", "flagged"),
    [
        ([(WHO, "林", "k1"), (OTHER, "林", "k2")], False),
        ([(WHO, "林", "k1"), (OTHER, "林", None)], True),
        ([(WHO, "林", None), (OTHER, "林", None)], True),
        ([(WHO, "林", None), (OTHER, "宋", None)], False),
        ([(WHO, "林", None), (WHO, "林", "k1")], False),
    ],
)
def test_two_numbers_for_one_person_are_flagged(people, flagged):
    history = known_as(*people)
    assert history.maybe_same_person(WHO) is flagged
    assert not history.maybe_same_person(volunteer_number(9))
    visit = checked_in(WHO, at("09:00"))
    for record in chain([visit], start=chain([registered(person[0], at("08:00")) for person in people])):
        history.add(record)
    assert ("same_person" in the_entry(history, "10:00").flags) is flagged


def test_whoever_has_left_is_flagged_once_another_number_has_their_name():
    visit = checked_in(WHO, at("09:00"))
    before = chain([registered(WHO, at("08:00")), visit, checked_out(visit, at("10:00"))])
    history = folded(before)
    assert the_entry(history).flags == ()
    for record in chain([registered(OTHER, at("11:00"))], start=before):
        history.add(record)
    assert the_entry(history).flags == ("same_person",)


def test_whoever_has_left_is_told_anew_whatever_number_a_record_of_the_visit_names():
    visit = checked_in(WHO, at("09:00"))
    before = chain([visit, out := checked_out(visit, at("10:00"))])
    history = folded(before)
    assert the_entry(history).minutes == 60
    for record in chain([replace(corrected(visit, out, at("11:00"), now=at("12:00")), volunteer=OTHER)], start=before):
        history.add(record)
    assert (the_entry(history).minutes, the_entry(history).flags) == (120, ("corrected",))


def test_whoever_has_left_is_no_more_flagged_once_the_other_number_is_somebody_else():
    visit = checked_in(WHO, at("09:00"))
    known = registered(WHO, at("08:00"), person="k1")
    before = chain([known, registered(OTHER, at("08:30")), visit, checked_out(visit, at("10:00"))])
    history = folded(before)
    assert the_entry(history).flags == ("same_person",)
    again = registered(OTHER, at("11:00"), person="k2", phone_masked="199****1111")
    for record in chain([again], start=before):
        history.add(record)
    assert the_entry(history).flags == the_entry(folded([*before, *chain([again], start=before)])).flags == ()


def test_whoever_is_to_leave_later_serves_until_then():
    """A sheet may say in the morning when somebody is going to leave."""
    visit = checked_in(WHO, at("09:00"))
    out = seal_record(
        checked_out(visit, at("12:00")),
        station=STATION,
        epoch=EPOCH,
        seq=2,
        prev=ZEROS,
        at=at("09:30"),
        campaign=("SC2021", 1),
    )
    history = folded([*chain([visit]), out])
    assert [the_entry(history, clock).minutes for clock in ("10:00", "11:00", "13:00")] == [60, 120, 180]


def test_whoever_was_here_since_the_evening_before_is_counted_anew_as_time_goes_on():
    night, day = checked_in(WHO, at("23:00", YESTERDAY)), checked_in(WHO, at("01:00"))
    history = told(night, day, checked_out(day, at("02:00")))
    for clock in ("01:30", "03:00", "11:00", "13:00"):
        alone = told(night, day, checked_out(day, at("02:00")))
        assert the_entry(history, clock) == the_entry(alone, clock)
    assert the_entry(history, "03:00").minutes != the_entry(history, "13:00").minutes


def test_a_newer_registration_replaces_the_older():
    history = told(
        registered(WHO, at("08:00"), name="林", ages_out="2027-01-01"),
        registered(WHO, at("09:00", TOMORROW), name="林小满", phone_masked="199****0001"),
    )
    person = history.people[WHO]
    assert (person.name, person.phone_masked, person.ages_out) == ("林小满", "199****0001", None)
    assert person.registered == TOMORROW
    assert set(person.known) == {"age", "district", "vaccinated"}
    assert person.agreed == {("notice", 1), ("health", 1)}
    assert told(registered(WHO, at("08:00"), ages_out="2027-01-01")).people[WHO].ages_out == date(2027, 1, 1)
