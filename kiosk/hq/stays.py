"""Visits of a volunteer at several stations: each station counts for itself, and knows nothing of the others.

Of time that two stations have counted of one number, the visit that began first keeps it, among those of stations that
somebody has answered for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from kiosk.hq.database import answered_for, counting, pieces, records
from kiosk.hq.reading import Elsewhere, Where, all_stations, history_of_day
from kiosk.visits import Visit, counted, whole_minutes

Stretch = tuple[datetime, datetime]


class Stay(Struct, frozen=True):
    """A visit beside which there is one at another station.

    Attributes:
        where: the station.
        visit: the visit.
        here: all visits of the volunteer that were read with it.
    """

    where: Where
    visit: Visit
    here: Sequence[Visit]


class _Came(Struct, frozen=True):
    """That somebody has checked in, and the days that the visit can reach, after corrections and late sign-outs."""

    volunteer: str
    visit: str
    place: int
    day: date
    first: date
    last: date

    def meets(self, other: _Came) -> bool:
        return self.place != other.place and self.first <= other.last and other.first <= self.last


def at_several_stations(connection: sa.Connection) -> set[str]:
    """The numbers that have checked in at more than one station."""
    columns = records.c
    several = (
        sa.select(columns.about)
        .where(columns.type == "checked_in", columns.about.is_not(None))
        .group_by(columns.about)
        .having(sa.func.count(sa.distinct(columns.station)) > 1)
    )
    return set(connection.scalars(several))


def stays(
    connection: sa.Connection, groups: Iterable[tuple[str, ...]], *, day: date | None = None
) -> dict[tuple[str, ...], list[Stay]]:
    """The visits of each group of numbers that may share time with one of the same group at another station.

    Args:
        connection: to the database.
        groups: numbers of one person each.
        day: only what may share time with a visit that reaches this day.
    """
    wanted = sorted(groups)
    came: dict[str, list[_Came]] = {}
    for each in _came(connection, sorted({number for group in wanted for number in group})):
        came.setdefault(each.volunteer, []).append(each)
    near: dict[tuple[int, date], dict[str, list[tuple[str, ...]]]] = {}
    for group in wanted:
        here = [each for number in group for each in came.get(number, ())]
        if day is not None and not any(each.first <= day <= each.last for each in here):
            continue
        for one in here:
            if any(one.meets(other) for other in here):
                near.setdefault((one.place, one.day), {}).setdefault(one.visit, []).append(group)
    by_id = {where.id: where for where in all_stations(connection)} if near else {}
    found: dict[tuple[str, ...], list[Stay]] = {}
    for (place, when), visits in sorted(near.items()):
        history = history_of_day(connection, by_id[place], when)
        for visit_id, theirs in visits.items():
            visit = history.visit(visit_id)
            stay = Stay(by_id[place], visit, history.visits_of(visit.volunteer))
            for group in theirs:
                found.setdefault(group, []).append(stay)
    return found


class _Named(Struct):
    id: str


def _came(connection: sa.Connection, numbers: Sequence[str]) -> Iterator[_Came]:
    columns = records.c
    told: dict[int, dict[str, tuple[str, date]]] = {}
    read = msgspec.json.Decoder(_Named).decode
    for some in pieces(numbers):
        wanted = counting(columns.about, columns.station, columns.day, columns.document)
        for row in connection.execute(wanted.where(columns.type == "checked_in", columns.about.in_(some))):
            told.setdefault(row.station, {})[read(row.document).id] = (row.about, _date(row.day))
    for place, visits in told.items():
        days = {visit: [day, day + timedelta(days=1)] for visit, (_volunteer, day) in visits.items()}
        for some in pieces(sorted(visits)):
            later = counting(columns.visit, columns.day).where(columns.station == place, columns.visit.in_(some))
            for row in connection.execute(later):
                days[row.visit].append(_date(row.day))
        for visit, (volunteer, day) in visits.items():
            yield _Came(volunteer, visit, place, day, min(days[visit]), max(days[visit]))


def _date(day: int) -> date:
    return date(day // 10000, day // 100 % 100, day % 100)


# --- minutes --------------------------------------------------------------------------------------------------------


def counted_before(connection: sa.Connection, now: datetime, *, day: date | None = None) -> Elsewhere:
    """By station, as a number, and visit, how many of its minutes count at another station.

    That is where the visit began first. A station that nobody has answered for takes nothing from one that somebody
    has: whoever can lay a file at a shared place could take hours away otherwise.

    Args:
        connection: to the database.
        now: the time (aware).
        day: only what concerns the visits of this day.
    """
    lost: dict[tuple[int, str], int] = {}
    accepted = set(connection.scalars(answered_for()))

    def first(stay: Stay) -> tuple[bool, datetime, str, str]:
        return stay.where.station not in accepted, stay.visit.checked_in, stay.where.station, stay.visit.id

    for theirs in stays(connection, ((number,) for number in at_several_stations(connection)), day=day).values():
        taken: list[Stretch] = []
        for stay in sorted(theirs, key=first):
            own = counted(stay.here, now).get(stay.visit.id) or []
            left = [piece for stretch in own for piece in _without(stretch, taken)]
            if less := _minutes(own) - _minutes(left):
                lost[stay.where.id, stay.visit.id] = less
            taken += own
    return lost


def _minutes(stretches: Iterable[Stretch]) -> int:
    return whole_minutes(sum((end - start for start, end in stretches), timedelta()))


def _without(stretch: Stretch, taken: Iterable[Stretch]) -> Iterator[Stretch]:
    """What is left of a stretch."""
    start, end = stretch
    for begun, over in sorted(taken):
        if begun < end and over > start:
            if begun > start:
                yield start, begun
            start = over
    if start < end:
        yield start, end
