"""Takes checked segments into the database. Taking one in twice changes nothing; `standing` decides what counts.

It knows of no place, no envelope and no private key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from kiosk.hq.database import (
    Database,
    ends,
    records,
    segments,
    shown_keys,
    stations,
)
from kiosk.hq.forgetting import Forgotten
from kiosk.hq.rows import Opened
from kiosk.hq.standing import UNTRUSTED, counted_when, trusted_keys
from kiosk.published import Head
from kiosk.records import timestamp


class Taken(Struct, frozen=True):
    """What was new: of which stations something, and how many segments and records."""

    stations: frozenset[str] = frozenset()
    segments: int = 0
    records: int = 0


def take(
    connection: sa.Connection,
    opened: Sequence[Opened],
    url: str,
    now: datetime,
    first: Mapping[str, bytes] | None = None,
) -> Taken:
    """Takes segments in, in one transaction with whatever else the caller does.

    Args:
        connection: in a transaction.
        opened: the segments.
        url: where they came from.
        now: the time (aware).
        first: by station the key that its head is signed with: of several that are new it was shown first.

    Returns:
        What was new; the stations have to be settled.
    """
    if not opened:
        return Taken()
    out = Forgotten(connection)
    shown = {(each.station, each.key): None for each in opened if each.key is not None}
    foremost = {each: None for each in (first or {}).items() if each in shown}
    _note_keys(connection, {**foremost, **shown}, now)
    places = _places(connection, opened)
    known = _known(connection, opened)
    new: dict[tuple[str, str, int, str], Opened] = {}
    changed: set[str] = set()
    for each in opened:
        before = known.get(_identity(each))
        if before is None:
            new.setdefault(_identity(each), each)
            continue
        better: dict[str, Any] = {}
        if _is_better(connection, each, before):
            better["key"] = each.key
        if before.number is None and each.number is not None:
            better["number"] = each.number
        if better:
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
    return Taken(frozenset(changed), len(new), sum(len(each.rows) for each in new.values()))


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
        columns.station,
        columns.epoch,
        columns.first_seq,
        columns.hash,
        columns.id,
        columns.key,
        columns.number,
        columns.received,
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


def _is_better(connection: sa.Connection, each: Opened, before: Any) -> bool:
    """Whether this signature counts, and the one that is known does not, or nobody has signed what is known."""
    if each.key is None or each.key == before.key:
        return False
    keys = trusted_keys(connection, [each.station])[each.station]
    counted = before.key is not None and counted_when(before.received, bytes(before.key), keys)
    return not counted and keys.get(each.key, "") is None


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


def take_heads(connection: sa.Connection, heads: Sequence[Head], now: datetime) -> None:
    """Takes in what heads say, whose keys count: where stations are, and how far their epochs reach."""
    names = [head.station for head in heads]
    known = set(connection.scalars(sa.select(stations.c.station).where(stations.c.station.in_(names))))
    told = [
        {"name": head.name, "street": head.street, "community": head.community, "last_seen": timestamp(now)}
        for head in heads
    ]
    new = [{"station": name, **row} for name, row in zip(names, told, strict=True) if name not in known]
    changed = [{"which": name, **row} for name, row in zip(names, told, strict=True) if name in known]
    if new:
        connection.execute(stations.insert(), new)
    if changed:
        connection.execute(stations.update().where(stations.c.station == sa.bindparam("which")), changed)
    _reach(connection, heads)


def _reach(connection: sa.Connection, heads: Sequence[Head]) -> None:
    """Notes how far the stations say that they have sealed. What they named before and is here needs no note."""
    names = [head.station for head in heads]
    told = {
        (head.station, end.epoch, end.hash): {"seq": end.seq, "key": head.key} for head in heads for end in head.ends
    }
    known = connection.execute(sa.select(ends.c.station, ends.c.epoch, ends.c.hash).where(ends.c.station.in_(names)))
    before = {tuple(row) for row in known}
    rows = [
        {"station": station, "epoch": epoch, "hash": hash_, **end}
        for (station, epoch, hash_), end in told.items()
        if (station, epoch, hash_) not in before
    ]
    if not rows:
        return
    connection.execute(ends.insert(), rows)
    newest = sa.select(sa.func.max(ends.c.seq)).where(
        ends.c.station == sa.bindparam("which"), ends.c.epoch == sa.bindparam("of")
    )
    for station, epoch in dict.fromkeys((row["station"], row["epoch"]) for row in rows):
        last = connection.scalar(newest, {"which": station, "of": epoch})
        here = sa.select(segments.c.hash).where(segments.c.station == station, segments.c.epoch == epoch)
        same = (ends.c.station == station, ends.c.epoch == epoch)
        connection.execute(ends.delete().where(*same, ends.c.seq < last, ends.c.hash.in_(here)))
