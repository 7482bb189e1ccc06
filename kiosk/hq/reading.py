"""What the records that count say: the log of a station, its days, the report. Nothing is kept that was computed.

It only asks the database; what is made of records is the business of `roster`, as at the stations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from kiosk.campaign import Campaign, Campaigns
from kiosk.hq.database import CLOCK, counting, records, segments, stations
from kiosk.hq.rows import who_in
from kiosk.records import TYPES, Record
from kiosk.roster import Entry, History, roster
from kiosk.segments import by_age

_LATEST: Final = 2
"""A visit ends on the next day at the latest, or by a record that the column `visit` names."""


Elsewhere = Mapping[tuple[int, str], int]
"""By station, as a number, and visit, how many of its minutes count at another station."""


class Where(Struct, frozen=True):
    """A station: its number in the database, its id, and where it is, as codes; None while nothing has said so."""

    id: int
    station: str
    name: str | None
    street: str | None
    community: str | None


def all_stations(connection: sa.Connection, *, station: str | None = None, community: str | None = None) -> list[Where]:
    """The stations of which there are records.

    Args:
        connection: to the database.
        station: only the one with this id.
        community: only those of this community.
    """
    columns = stations.c
    wanted = sa.select(columns.id, columns.station, columns.name, columns.street, columns.community)
    if station is not None:
        wanted = wanted.where(columns.station == station)
    if community is not None:
        wanted = wanted.where(columns.community == community)
    return [Where(*row) for row in connection.execute(wanted.order_by(columns.station))]


# --- logs -----------------------------------------------------------------------------------------------------------


def log_of(connection: sa.Connection, where: Where) -> Iterator[Record]:
    """The records of a station that count, in the order of its log."""
    return _in_order(connection, records.c.station == where.id)


def history_of(connection: sa.Connection, where: Where) -> History:
    """What the whole log of a station says."""
    history = History()
    for record in log_of(connection, where):
        history.add(record)
    return history


_VISIT: Final = re.compile(r'"visit":"([^"]*)"')
"""The visit that a record belongs to, before its JSON is read: most of what lies around a day is not of it."""


def history_of_day(connection: sa.Connection, where: Where, day: date) -> History:
    """What the log of a station says about the visits of a day, read without the rest of the log."""
    today = _number(day)
    first, last = (_number(day + timedelta(days=days)) for days in (-_LATEST, _LATEST))
    on = {"station": where.id, "day": today}
    around = connection.execute(_AROUND, {**on, "name": where.station, "first": first, "last": last}).all()
    here = [(epoch, _record(document)) for day_, epoch, document in around if day_ == today]
    visits = {record.id for _epoch, record in here if record.type == "checked_in"}
    # Somebody who came the evening before: what was served then and now must not count twice.
    others = {str(of) for _epoch, record in here if (of := record.get("visit")) and of not in visits}
    if any(record.type == "corrected" and record["visit"] in others for _epoch, record in here):
        return history_of(connection, where)  # a visit that was moved here from another day, which is rare
    mine = visits | others

    def belongs(document: str) -> bool:
        found = _VISIT.search(document)
        if found is not None:
            return found[1] in mine
        return bool(others) and any(visit in document for visit in others)  # where it began

    near = [(epoch, _record(document)) for day_, epoch, document in around if day_ != today and belongs(document)]
    people = {record.volunteer for _epoch, record in here if record.type == "checked_in"}
    late = connection.execute(_LATE, {**on, "visits": [*visits, CLOCK]}).all()
    known = connection.execute(_KNOWN, {**on, "people": [*people]}).all()
    registered = [(epoch, _record(document)) for epoch, document in known]
    names = {who_in(record.personal) for _epoch, record in (*here, *registered) if record.type == "registered"}
    alike = connection.execute(_ALIKE, {**on, "names": [name for name in names if name]}).all()
    told = (*registered, *((epoch, _record(document)) for epoch, document in (*late, *alike)))
    everything = {(epoch, record.seq): record for epoch, record in (*here, *near, *told)}
    epochs: dict[str, list[Record]] = {}
    for (epoch, _seq), record in sorted(everything.items()):
        epochs.setdefault(epoch, []).append(record)
    return _folded(epochs)


def _record(document: str) -> Record:
    return Record.from_checked(msgspec.json.decode(document))


_OF_NO_VISIT: Final = tuple(
    type_ for type_, fields in TYPES.items() if type_ != "checked_in" and not {"visit", "target"} & {*fields}
)
"""Types of records that belong to no visit, and of another day are not even looked at."""

_HERE: Final = records.c.station == sa.bindparam("station")
_ELSEWHERE: Final = counting(segments.c.epoch, records.c.document).where(_HERE, records.c.day != sa.bindparam("day"))
_LATE: Final = _ELSEWHERE.where(records.c.visit.in_(sa.bindparam("visits", expanding=True)))
_KNOWN: Final = _ELSEWHERE.where(
    records.c.type == "registered", records.c.about.in_(sa.bindparam("people", expanding=True))
)
_ALIKE: Final = _ELSEWHERE.where(records.c.who.in_(sa.bindparam("names", expanding=True)))
_AROUND: Final = counting(records.c.day, segments.c.epoch, records.c.document).where(
    _HERE,
    # It says nothing new, but of so many records PostgreSQL would read all segments there are. SQLite, where few are
    # asked for, would read all of the station's.
    segments.c.station == sa.bindparam("name"),
    records.c.day.between(sa.bindparam("first"), sa.bindparam("last")),
    (records.c.day == sa.bindparam("day")) | records.c.type.not_in(_OF_NO_VISIT),
)


def _folded(epochs: Mapping[str, list[Record]]) -> History:
    history = History()
    for told in _in_turn(epochs):
        for record in told:
            history.add(record)
    return history


def _number(day: date) -> int:
    return day.year * 10000 + day.month * 100 + day.day


def _in_order(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Iterator[Record]:
    """Records of one station that count, epoch after epoch."""
    wanted = counting(segments.c.epoch, records.c.document).where(which).order_by(segments.c.first_seq, records.c.seq)
    epochs: dict[str, list[Record]] = {}
    for epoch, document in connection.execute(wanted):
        epochs.setdefault(epoch, []).append(_record(document))
    for told in _in_turn(epochs):
        yield from told


def _in_turn(epochs: Mapping[str, list[Record]]) -> Iterator[list[Record]]:
    return (epochs[epoch] for epoch in by_age({epoch: told[0] for epoch, told in epochs.items()}))


# --- the report -----------------------------------------------------------------------------------------------------


class Day(Struct, frozen=True):
    """One station's day; the fields are the keys of `kiosk hq report --format json`.

    Attributes:
        day: the service day.
        street, community: codes of where the station is.
        station: its id.
        people: how many came.
        check_ins: how many visits there were; somebody may come twice.
        minutes: served by all of them, as far as their visits have an end or go on, and do not count elsewhere.
        refused: how many did not meet the clauses.
        pending_check_out: visits that lack their sign-out.
        duplicates: people of whom somebody has to say whether they are counted twice.
    """

    day: date
    street: str | None
    community: str | None
    station: str
    people: int
    check_ins: int
    minutes: int
    refused: int
    pending_check_out: int
    duplicates: int


def report(
    connection: sa.Connection,
    now: datetime,
    doubtful: Iterable[str],
    elsewhere: Elsewhere,
    *,
    day: date | None = None,
    station: str | None = None,
    community: str | None = None,
) -> Iterator[Day]:
    """The days of stations, by day and then by station.

    Args:
        connection: to the database.
        now: the time (aware): whoever has not left serves until now.
        doubtful: numbers of volunteers who may be counted twice.
        elsewhere: by station and visit, the minutes of it that count at another station.
        day: only this day.
        station: only this station.
        community: only stations of this community.
    """
    alike = frozenset(doubtful)
    found: list[Day] = []
    for where in all_stations(connection, station=station, community=community):
        history = history_of(connection, where) if day is None else history_of_day(connection, where, day)
        days = history.days() if day is None else history.days() & {day}
        found += (_day(history, where, each, now, alike, elsewhere) for each in days)
    return iter(sorted(found, key=lambda row: (row.day, row.street or "", row.community or "", row.station)))


def _day(
    history: History,
    where: Where,
    day: date,
    now: datetime,
    doubtful: frozenset[str],
    elsewhere: Elsewhere,
) -> Day:
    entries = roster(history, day, now)
    visits = history.visits_on(day)
    counting = {entry.volunteer for entry in entries if entry.minutes is not None}
    there = sum(elsewhere.get((where.id, visit.id), 0) for visit in visits if visit.volunteer in counting)
    return Day(
        day=day,
        street=where.street,
        community=where.community,
        station=where.station,
        people=len(entries),
        check_ins=len(visits),
        minutes=max(0, sum(entry.minutes or 0 for entry in entries) - there),
        refused=history.refused.get(day, 0),
        pending_check_out=sum(visit.status(now) == "pending_check_out" for visit in visits),
        duplicates=sum(entry.volunteer in doubtful for entry in entries),
    )


def roster_of(
    connection: sa.Connection, now: datetime, day: date, *, station: str | None = None, community: str | None = None
) -> Iterator[tuple[Where, Entry]]:
    """The people of a day, station by station."""
    for where in all_stations(connection, station=station, community=community):
        for entry in roster(history_of_day(connection, where, day), day, now):
            yield where, entry


# --- needs ----------------------------------------------------------------------------------------------------------


class Need(Struct, frozen=True):
    """What a post wanted on a day and who came; the fields are the keys of `kiosk hq report --needs --format json`.

    Attributes:
        day: the service day.
        post: its id.
        duty: in Chinese, as programs know it.
        community: its name.
        place: where exactly.
        wanted, arrived, missing: people.
    """

    day: date
    post: str
    duty: str
    community: str
    place: str
    wanted: int
    arrived: int
    missing: int


def needs(
    connection: sa.Connection,
    campaigns: Iterable[Campaign],
    day: date,
    *,
    station: str | None = None,
    community: str | None = None,
) -> list[Need]:
    """What the posts of a day wanted, and how many people were sent there by the stations.

    Args:
        connection: to the database.
        campaigns: those that were published, of which the one that counts on that day is asked.
        day: the service day.
        station: only who came at this station.
        community: only posts of this community.
    """
    known = tuple(campaigns)
    if not known or not (campaign := Campaigns(known).on(day)).in_force(day):
        return []
    arrived: dict[str, set[str]] = {}
    for where in all_stations(connection, station=station):
        for visit in history_of_day(connection, where, day).visits_on(day):
            if visit.post:
                arrived.setdefault(visit.post, set()).add(visit.volunteer)
    found = []
    for post in campaign.posts:
        if community in (None, post.community):
            duty, came = campaign.duty(post.duty), len(arrived.get(post.id, ()))
            found.append(
                Need(
                    day,
                    post.id,
                    duty.text.zh if duty else post.duty,
                    campaign.name_of(post.community),
                    post.place.zh,
                    post.wanted,
                    came,
                    max(post.wanted - came, 0),
                )
            )
    return found
