"""What headquarters does not keep any more, since a station says so: taken out of what is here and of what comes later.

It knows nothing of keys; whoever calls `follow` has decided what counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import asdict

from kiosk.canonical import canonical
from kiosk.hq.database import FORGETTING, answered_for, counting, forgotten, records, segments, station_keys, stations
from kiosk.hq.rows import Row, who_in


class Forgetting(Struct, frozen=True):
    """What a `forgotten` record that counts says of the records before it."""

    station: str
    epoch: str
    seq: int
    at: str
    volunteer: str | None
    object: str
    campaign: str | None
    everywhere: bool

    def covers(self, document: Mapping[str, Any]) -> bool:
        """Whether the object of that record has to go."""
        if self.object not in document:
            return False
        if self.volunteer is not None and document["volunteer"] != self.volunteer:
            return False
        if document["station"] != self.station and not (self.volunteer and self.everywhere):
            return False
        if self.campaign is not None and document["campaign"] != self.campaign:
            return False
        if (document["station"], document["epoch"]) == (self.station, self.epoch):
            return bool(document["seq"] < self.seq)
        return bool(document["at"] <= self.at)


def forgettings_in(document: Mapping[str, Any], received: str, *, everywhere: bool) -> Iterable[Forgetting]:
    """What a `forgotten` record says.

    Args:
        document: the record.
        received: when it came, ISO 8601: of what comes later it says nothing, whatever its own clock showed.
        everywhere: whether it counts for the records of other stations.
    """
    ended = document.get("ended")
    campaigns = [name for name in ended if isinstance(name, str)] if isinstance(ended, list) else [None]
    at = min(document["at"], received)
    where = (document["station"], document["epoch"], document["seq"], at, document["volunteer"])
    return (Forgetting(*where, part, name, everywhere) for part in document["objects"] for name in campaigns)


class Forgotten:
    """All that is forgotten, at hand."""

    def __init__(self, connection: sa.Connection) -> None:
        columns = [forgotten.c[name] for name in Forgetting.__struct_fields__]
        self.known = {Forgetting(*row) for row in connection.execute(sa.select(*columns))}
        self._about = {each.volunteer for each in self.known}

    def without(self, row: Row) -> Row:
        """The record without what is forgotten of it."""
        if not self.known or (row[3] not in self._about and None not in self._about):
            return row
        document = json.loads(row[6])
        gone = {each.object for each in self.known if each.covers(document)}
        return _stripped(row, document, gone) if gone else row


def _stripped(row: Row, document: dict[str, Any], gone: Iterable[str]) -> Row:
    for name in gone:
        document.pop(name, None)
    named = who_in(document.get("personal")) if row[5] else None
    return (*row[:5], named, canonical(document).decode())


def follow(connection: sa.Connection, names: Sequence[str]) -> None:
    """Takes out what `forgotten` records say that count and are signed; what nobody has signed takes nothing.

    Args:
        connection: in a transaction.
        names: the stations.
    """
    told = connection.execute(
        counting(stations.c.id, stations.c.station, segments.c.received, records.c.document)
        .join(stations, stations.c.id == records.c.station)
        .where(stations.c.station.in_(names), records.c.visit == FORGETTING)
        .where(segments.c.key.is_not(None))
        .order_by(records.c.segment, records.c.seq)
    ).all()
    if not told:
        return
    known = Forgotten(connection).known
    accepted = set(connection.scalars(answered_for().where(station_keys.c.station.in_(names))))
    for row in told:
        document = json.loads(row.document)
        for each in forgettings_in(document, row.received, everywhere=row.station in accepted):
            if each not in known:
                known.add(each)
                connection.execute(forgotten.insert(), asdict(each))
                _take_out(connection, each, row.id)


def _take_out(connection: sa.Connection, each: Forgetting, place: int) -> None:
    which = records.c.about == each.volunteer if each.volunteer else records.c.station == place
    for row in connection.execute(sa.select(records).where(which, records.c.about.is_not(None))).all():
        document = json.loads(row.document)
        if each.covers(document):
            stripped = _stripped(tuple(row[1:2] + row[3:]), document, [each.object])
            this = (records.c.segment == row.segment, records.c.seq == row.seq)
            connection.execute(records.update().where(*this).values(who=stripped[5], document=stripped[6]))
