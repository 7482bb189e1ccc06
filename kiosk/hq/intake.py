"""Takes checked segments into the database, and decides which of them count. Taking one in twice changes nothing.

It knows of no place, no envelope and no private key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from kiosk.canonical import canonical
from kiosk.hq.database import (
    FORGETTING,
    Database,
    ends,
    forgotten,
    records,
    resolutions,
    segments,
    shown_keys,
    station_keys,
    stations,
)
from kiosk.hq.opening import Opened, Row, who
from kiosk.published import End, Head
from kiosk.records import ZEROS, timestamp

COUNTS: Final = "counts"
SAME: Final = "same"
FORK: Final = "fork"
UNTRUSTED: Final = "untrusted"


# --- forgetting -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What a `forgotten` record that counts says of the records before it."""

    station: str
    epoch: str
    seq: int
    at: str
    volunteer: str | None
    object: str
    campaign: str | None

    def covers(self, document: Mapping[str, Any]) -> bool:
        """Whether the object of that record has to go."""
        if self.object not in document:
            return False
        if self.volunteer is not None and document["volunteer"] != self.volunteer:
            return False
        if self.volunteer is None and document["station"] != self.station:
            return False
        if self.campaign is not None and document["campaign"] != self.campaign:
            return False
        if (document["station"], document["epoch"]) == (self.station, self.epoch):
            return bool(document["seq"] < self.seq)
        return bool(document["at"] <= self.at)


def forgettings_in(document: Mapping[str, Any]) -> Iterable[Forgetting]:
    """What a `forgotten` record says."""
    ended = document.get("ended")
    campaigns = [name for name in ended if isinstance(name, str)] if isinstance(ended, list) else [None]
    where = (document["station"], document["epoch"], document["seq"], document["at"], document["volunteer"])
    return (Forgetting(*where, part, name) for part in document["objects"] for name in campaigns)


class _Forgotten:
    """All that is forgotten, at hand."""

    def __init__(self, connection: sa.Connection) -> None:
        columns = [forgotten.c[name] for name in Forgetting.__slots__]
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
    named = who(document.get("personal")) if row[5] else None
    return (*row[:5], named, canonical(document).decode())


# --- taking in ------------------------------------------------------------------------------------------------------


def take(connection: sa.Connection, opened: Sequence[Opened], url: str, now: datetime) -> set[str]:
    """Takes segments in, in one transaction with whatever else the caller does.

    Args:
        connection: in a transaction.
        opened: the segments.
        url: where they came from.
        now: the time (aware).

    Returns:
        The stations of which something is new; they have to be settled.
    """
    if not opened:
        return set()
    out = _Forgotten(connection)
    _note_keys(connection, {(each.station, each.key): None for each in opened if each.key is not None}, now)
    places = _places(connection, opened)
    known = _known(connection, opened)
    new: dict[tuple[str, str, int, str], Opened] = {}
    changed: set[str] = set()
    for each in opened:
        before = known.get(_identity(each))
        if before is None:
            new.setdefault(_identity(each), each)
        elif _is_better(connection, each, before.key) or (before.number is None and each.number is not None):
            better = {"key": each.key or before.key, "number": each.number or before.number}
            connection.execute(segments.update().where(segments.c.id == before.id).values(better))
            changed.add(each.station)
    changed |= {each.station for each in new.values()}
    if new:
        rows = [_segment_row(each, url, now) for each in new.values()]
        ids = connection.scalars(segments.insert().returning(segments.c.id, sort_by_parameter_order=True), rows)
        taken = zip(ids, new.values(), strict=True)
        Database.insert_many(
            connection,
            records,
            [
                (id_, record[0], places[each.station], *record[1:])
                for id_, each in taken
                for record in (map(out.without, each.rows) if out.known else each.rows)
            ],
        )
    if changed:
        seen = stations.update().where(stations.c.station.in_(changed))
        connection.execute(seen.values(last_seen=timestamp(now)))
    return changed


def _identity(each: Opened) -> tuple[str, str, int, str]:
    return (each.station, each.epoch, each.first_seq, each.hash)


def _segment_row(each: Opened, url: str, now: datetime) -> dict[str, Any]:
    return {
        "station": each.station,
        "epoch": each.epoch,
        "number": each.number,
        "hash": each.hash,
        "first_seq": each.first_seq,
        "records": len(each.rows),
        "prev": each.prev,
        "header": each.header,
        "hashes": each.hashes,
        "key": each.key,
        "url": url,
        "received": timestamp(now),
        "standing": UNTRUSTED,
    }


def _known(connection: sa.Connection, opened: Sequence[Opened]) -> Mapping[tuple[str, str, int, str], Any]:
    """Those of the segments that are here already."""
    columns = segments.c
    wanted = sa.select(
        columns.station, columns.epoch, columns.first_seq, columns.hash, columns.id, columns.key, columns.number
    ).where(columns.hash.in_([each.hash for each in opened]))
    return {(row[0], row[1], row[2], row[3]): row for row in connection.execute(wanted)}


def _note_keys(connection: sa.Connection, shown: Mapping[tuple[str, bytes], None], now: datetime) -> None:
    columns = shown_keys.c
    wanted = sa.select(columns.station, columns.key).where(columns.station.in_({station for station, _key in shown}))
    known = {(station, bytes(key)) for station, key in connection.execute(wanted)}
    rows = [
        {"station": station, "key": key, "first_seen": timestamp(now)}
        for station, key in shown
        if (station, key) not in known
    ]
    if rows:
        connection.execute(shown_keys.insert(), rows)


def _is_better(connection: sa.Connection, each: Opened, before: bytes | None) -> bool:
    """Whether this signature counts, and the one that is known does not."""
    if each.key is None or each.key == before:
        return False
    trusted = trusted_keys(connection, each.station)
    return before is None or (before not in trusted and each.key in trusted)


def _places(connection: sa.Connection, opened: Sequence[Opened]) -> Mapping[str, int]:
    """The numbers of the stations in the database; those that are new are put there."""
    told = {each.station: each.place for each in opened if each.place is not None}
    named = {each.station for each in opened}
    known = {row.station: row for row in connection.execute(sa.select(stations).where(stations.c.station.in_(named)))}
    rows = [
        dict(zip(("station", "street", "community"), (name, *(told.get(name) or (None, None))), strict=True))
        for name in sorted(named - known.keys())
    ]
    if rows:
        connection.execute(stations.insert(), rows)
    for name in told.keys() & known.keys():
        if known[name].community is None:
            change = dict(zip(("street", "community"), told[name], strict=True))
            connection.execute(stations.update().where(stations.c.station == name).values(change))
    wanted = sa.select(stations.c.station, stations.c.id).where(stations.c.station.in_(named))
    return {row.station: row.id for row in connection.execute(wanted)}


def take_head(connection: sa.Connection, head: Head, now: datetime) -> None:
    """Takes in what a head says, whose key counts: where the station is, and how far its epochs reach."""
    row = {"name": head.name, "street": head.street, "community": head.community, "last_seen": timestamp(now)}
    known = connection.scalar(sa.select(stations.c.id).where(stations.c.station == head.station))
    if known is None:
        connection.execute(stations.insert(), {"station": head.station, **row})
    else:
        connection.execute(stations.update().where(stations.c.id == known).values(row))
    for end in head.ends:
        _reach(connection, head.station, end)


def _reach(connection: sa.Connection, station: str, end: End) -> None:
    same = (ends.c.station == station, ends.c.epoch == end.epoch)
    before = connection.scalar(sa.select(ends.c.seq).where(*same))
    if before is None:
        connection.execute(ends.insert(), {"station": station, "epoch": end.epoch, "seq": end.seq})
    elif before < end.seq:  # an older head, from a stick that was long on its way, takes nothing back
        connection.execute(ends.update().where(*same).values(seq=end.seq))


# --- what counts ----------------------------------------------------------------------------------------------------


def trusted_keys(connection: sa.Connection, station: str) -> Mapping[bytes, str | None]:
    """The keys whose signatures count for a station, and since when they do not any more, if so.

    Those that somebody has answered for; until then the first that the station has shown.
    """
    wanted = sa.select(station_keys.c.key, station_keys.c.withdrawn).where(station_keys.c.station == station)
    accepted = {bytes(row.key): row.withdrawn for row in connection.execute(wanted)}
    if accepted:
        return accepted
    columns = shown_keys.c
    others = sa.select(station_keys.c.key).where(station_keys.c.station != station)
    first = sa.select(columns.key).where(columns.station == station, columns.key.not_in(others))
    found = connection.scalar(first.order_by(columns.place).limit(1))
    return {} if found is None else {bytes(found): None}


@dataclass(slots=True)
class _Stretch:
    """A segment as far as it matters for what counts."""

    id: int
    epoch: str
    number: int | None
    hash: str
    first_seq: int
    count: int
    prev: str
    hashes: bytes
    signed: bool
    standing: str

    @property
    def next_seq(self) -> int:
        return self.first_seq + self.count

    def holds(self, other: _Stretch) -> bool:
        """Whether all records of the other are records of this one, in their places."""
        start = (other.first_seq - self.first_seq) * 32
        return start >= 0 and self.hashes[start : start + len(other.hashes)] == other.hashes


def settle(connection: sa.Connection, station: str) -> None:
    """Decides which segments of a station count, and follows what the records that count say is forgotten."""
    keys = trusted_keys(connection, station)
    wanted = sa.select(segments).where(segments.c.station == station).order_by(segments.c.id)
    by_epoch: dict[str, list[_Stretch]] = {}
    before: dict[int, str] = {}
    signed = 0
    for row in connection.execute(wanted):
        before[row.id] = row.standing
        trusted = row.key is None or _counted_when(row.received, bytes(row.key), keys)
        stretch = _Stretch(
            row.id,
            row.epoch,
            row.number,
            row.hash,
            row.first_seq,
            row.records,
            row.prev,
            bytes(row.hashes),
            row.key is not None,
            COUNTS if trusted else UNTRUSTED,
        )
        signed += trusted and row.key is not None
        by_epoch.setdefault(row.epoch, []).append(stretch)
    chosen = _chosen(connection, station)
    for stretches in by_epoch.values():
        _judge([each for each in stretches if each.standing == COUNTS], chosen)
    for stretch in (each for stretches in by_epoch.values() for each in stretches):
        if stretch.standing == SAME and not stretch.signed:
            # A file that was not sealed yet: every record of it is here in the one that took its place.
            connection.execute(records.delete().where(records.c.segment == stretch.id))
            connection.execute(segments.delete().where(segments.c.id == stretch.id))
        elif before[stretch.id] != stretch.standing:
            change = segments.update().where(segments.c.id == stretch.id).values(standing=stretch.standing)
            connection.execute(change)
    if signed:
        _follow_forgetting(connection, station)


def _counted_when(received: str, key: bytes, keys: Mapping[bytes, str | None]) -> bool:
    """Whether a key counted when something that it has signed was received."""
    withdrawn = keys.get(key)
    return key in keys and (withdrawn is None or received < withdrawn)


def _chosen(connection: sa.Connection, station: str) -> Mapping[str, int]:
    """The hashes of segments that somebody has chosen among forks, the latest decision highest."""
    wanted = sa.select(resolutions.c.decision).where(resolutions.c.station == station, resolutions.c.kind == FORK)
    decisions = connection.scalars(wanted.order_by(resolutions.c.place))
    return {hash_: place for place, hash_ in enumerate(decisions, start=1)}


def _judge(stretches: list[_Stretch], chosen: Mapping[str, int]) -> None:
    """Sets the standing of the segments of one epoch: each record counts once, and of a fork one branch only.

    Parents come before their children. Of two that begin with the same record the one that somebody has chosen goes
    first, then what is signed, then of what is not the longer one, then what came first.
    """
    stretches.sort(
        key=lambda each: (
            each.first_seq,
            -chosen.get(each.hash, 0),
            not each.signed,
            0 if each.signed else -each.count,
            each.id,
        )
    )
    by_hash = {each.hash: each for each in stretches}
    counted: list[_Stretch] = []
    for each in stretches:
        parent = by_hash.get(each.prev)
        over = [other for other in counted if other.next_seq > each.first_seq and other.first_seq < each.next_seq]
        if any(other.holds(each) for other in over):
            each.standing = SAME
        elif parent is not None and parent.standing == FORK:
            each.standing = FORK
        elif over and all(not other.signed and each.holds(other) for other in over):
            for other in over:  # a file that was not sealed yet, and is now
                other.standing = SAME
                counted.remove(other)
            counted.append(each)
        elif over or _is_orphan(each, counted):
            each.standing = FORK
        else:
            counted.append(each)


def _is_orphan(each: _Stretch, counted: Sequence[_Stretch]) -> bool:
    """Whether it follows on another segment than the one that counts before it: a branch whose root is missing."""
    if each.prev == ZEROS or each.number is None:
        return False
    before = [other for other in counted if other.number is not None and other.number == each.number - 1]
    return any(other.next_seq == each.first_seq and other.hash != each.prev for other in before)


def _follow_forgetting(connection: sa.Connection, station: str) -> None:
    """Takes out what `forgotten` records say that count and are signed; a file that nobody has signed takes nothing."""
    place = connection.scalar(sa.select(stations.c.id).where(stations.c.station == station))
    told = connection.scalars(
        sa.select(records.c.document)
        .join(segments, segments.c.id == records.c.segment)
        .where(records.c.station == place, records.c.visit == FORGETTING)
        .where(segments.c.standing == COUNTS, segments.c.key.is_not(None))
    ).all()
    if not told:
        return
    known = _Forgotten(connection).known
    for each in (each for document in told for each in forgettings_in(json.loads(document))):
        if each not in known:
            known.add(each)
            connection.execute(forgotten.insert(), {name: getattr(each, name) for name in Forgetting.__slots__})
            _take_out(connection, each, place)


def _take_out(connection: sa.Connection, each: Forgetting, place: int | None) -> None:
    which = records.c.about == each.volunteer if each.volunteer else records.c.station == place
    for row in connection.execute(sa.select(records).where(which, records.c.about.is_not(None))).all():
        document = json.loads(row.document)
        if each.covers(document):
            stripped = _stripped(tuple(row[1:2] + row[3:]), document, [each.object])
            this = (records.c.segment == row.segment, records.c.seq == row.seq)
            connection.execute(records.update().where(*this).values(who=stripped[5], document=stripped[6]))


# --- up to where ----------------------------------------------------------------------------------------------------


def held(connection: sa.Connection, station: str) -> Mapping[str, int]:
    """By epoch the seq up to which every record of a station is here and counts."""
    found: dict[str, int] = {}
    columns = segments.c
    wanted = sa.select(columns.epoch, columns.first_seq, columns.records)
    wanted = wanted.where(columns.station == station, columns.standing == COUNTS)
    for epoch, first_seq, count in connection.execute(wanted.order_by(columns.epoch, columns.first_seq)):
        reached = found.get(epoch, 0)
        if first_seq <= reached + 1:
            found[epoch] = max(reached, first_seq + count - 1)
    return found
