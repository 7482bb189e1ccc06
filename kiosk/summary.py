"""The summary of a day: who came, how many minutes were served on which duty, and how full the hours were.

Pure: history, day and moment in; numbers out. It must not know of screens or files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct

from kiosk.records import SHANGHAI
from kiosk.roster import History, counts, roster
from kiosk.visits import Visit, counted


class Served(Struct, frozen=True):
    """What was done on one duty (None: at the station, on no duty): people, and whole minutes."""

    duty: str | None
    people: int
    minutes: int


class Summary(Struct, frozen=True):
    """A day in numbers.

    Attributes:
        people: who came; check_ins may be more.
        refused: how often somebody was not admitted.
        by_status: people by one of `STATUSES`.
        minutes: of everybody whose minutes are known; those of 待补签 are missing until the lead's word.
        by_duty: the minutes again, by duty, the most first; their sum is `minutes`.
        by_hour: from the first hour of the day with anybody here to the last, how many people were here.
    """

    people: int
    check_ins: int
    refused: int
    by_status: Mapping[str, int]
    minutes: int
    by_duty: tuple[Served, ...]
    by_hour: Mapping[int, int]


def summarise(history: History, day: date, now: datetime) -> Summary:
    """The numbers of a service day, as of `now`.

    Args:
        history: the log so far.
        day: the service day (Asia/Shanghai).
        now: the moment of asking (aware).
    """
    entries = roster(history, day, now)
    visits = history.visits_on(day)
    of_person: dict[str, list[Visit]] = {}
    for visit in visits:
        of_person.setdefault(visit.volunteer, []).append(visit)
    total: dict[str | None, int] = {}
    who: dict[str | None, set[str]] = {}
    for entry in entries:
        if entry.minutes is None:
            continue
        for duty, minutes in _by_duty(history, of_person[entry.volunteer], now).items():
            total[duty] = total.get(duty, 0) + minutes
            who.setdefault(duty, set()).add(entry.volunteer)
    served = [Served(duty, len(who[duty]), total[duty]) for duty in total]
    return Summary(
        people=len(entries),
        check_ins=len(visits),
        refused=history.refused.get(day, 0),
        by_status=counts(entries),
        minutes=sum(entry.minutes or 0 for entry in entries),
        by_duty=tuple(sorted(served, key=lambda item: (-item.minutes, -item.people, item.duty or ""))),
        by_hour=_by_hour([*history.visits_on(day - timedelta(days=1)), *visits], day, now),
    )


def _by_duty(history: History, visits: Sequence[Visit], now: datetime) -> Mapping[str | None, int]:
    """One person's whole minutes of a day by duty; they add up to those of the roster."""
    evening = history.visits_of(visits[0].volunteer, {visits[0].day - timedelta(days=1)})
    stretches = counted([*evening, *visits], now)
    found: dict[str | None, int] = {}
    for visit in visits:
        passed = timedelta()
        for duty, start, end in _pieces(visit, stretches[visit.id] or [], now):
            # Minutes are whole for the visit, not for each piece of it: a piece gets those that end in it.
            minutes = (passed + (end - start)) // _MINUTE - passed // _MINUTE
            passed += end - start
            found[duty] = found.get(duty, 0) + minutes
    return found


_MINUTE = timedelta(minutes=1)


def _pieces(
    visit: Visit, stretches: Sequence[tuple[datetime, datetime]], now: datetime
) -> list[tuple[str | None, datetime, datetime]]:
    """The stretches that count, cut where a duty begins or ends."""
    pieces: list[tuple[str | None, datetime, datetime]] = []
    for start, end in stretches:
        at = start
        for stint in visit.stints:
            begin, finish = max(stint.started, at), min(stint.ended or now, end)
            if finish <= begin:
                continue
            if begin > at:
                pieces.append((None, at, begin))
            pieces.append((stint.duty, begin, finish))
            at = finish
        if end > at:
            pieces.append((None, at, end))
    return pieces


def _by_hour(visits: Sequence[Visit], day: date, now: datetime) -> Mapping[int, int]:
    midnight = datetime.combine(day, datetime.min.time(), SHANGHAI)
    here: dict[int, set[str]] = {}
    for visit in visits:
        # Of a visit without sign-out it is only known that somebody was here until its last event.
        end = visit.checked_out or (now if visit.present(now) else visit.last)
        end = min(end, now) if visit.ahead else end  # a sheet may say when somebody is going to leave
        first = max(0, (visit.checked_in - midnight) // _HOUR)
        last = min(23, (end - midnight - timedelta(microseconds=1)) // _HOUR if end > visit.checked_in else first)
        for hour in range(first, last + 1):
            here.setdefault(hour, set()).add(visit.volunteer)
    if not here:
        return {}
    return {hour: len(here.get(hour, ())) for hour in range(min(here), max(here) + 1)}


_HOUR = timedelta(hours=1)
