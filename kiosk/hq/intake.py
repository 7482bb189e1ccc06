"""Takes checked segments into the database. Taking one in twice changes nothing; `standing` decides what counts.

It knows of no place, no envelope and no private key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from kiosk.hq.database import (
    Database,
    ends,
    records,
    revoked_badges,
    segments,
    shown_keys,
    station_keys,
    stations,
)
from kiosk.hq.forgetting import Forgotten
from kiosk.hq.opening import Opened
from kiosk.hq.standing import UNTRUSTED, trusted_keys
from kiosk.published import Head
from kiosk.records import timestamp


def take(
    connection: sa.Connection,
    opened: Sequence[Opened],
    url: str,
    now: datetime,
    first: Mapping[str, bytes] | None = None,
) -> set[str]:
    """Takes segments in, in one transaction with whatever else the caller does.

    Args:
        connection: in a transaction.
        opened: the segments.
        url: where they came from.
        now: the time (aware).
        first: by station the key that its head is signed with: of several that are new it was shown first.

    Returns:
        The stations of which something is new; they have to be settled.
    """
    if not opened:
        return set()
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
        if _is_better(connection, each, before.key):
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
    _take_revoked(connection, new.values())
    if changed:
        seen = stations.update().where(stations.c.station.in_(changed))
        connection.execute(seen.values(last_seen=timestamp(now)))
    return changed


def _take_revoked(connection: sa.Connection, taken: Iterable[Opened]) -> None:
    """Takes in whose badges a station has revoked that somebody has answered for: they count nowhere from then on."""
    told: dict[str, int] = {}
    for each in taken:
        revoking = [row for row in each.rows if row[2] == "badge_revoked"]
        wanted = (
            station_keys.c.station == each.station,
            station_keys.c.key == each.key,
            station_keys.c.withdrawn.is_(None),
        )
        if revoking and connection.scalar(sa.select(station_keys.c.key).where(*wanted)) is not None:
            for document in (json.loads(row[6]) for row in revoking):
                told[document["volunteer"]] = max(document["serial"], told.get(document["volunteer"], 0))
    revoke(connection, told)


def revoke(connection: sa.Connection, told: Mapping[str, int]) -> None:
    """Notes up to which serial badges of volunteers were revoked; what was noted before is never taken back."""
    for volunteer, serial in told.items():
        same = revoked_badges.c.volunteer == volunteer
        before = connection.scalar(sa.select(revoked_badges.c.serial).where(same))
        if before is None:
            connection.execute(revoked_badges.insert(), {"volunteer": volunteer, "serial": serial})
        elif serial > before:
            connection.execute(revoked_badges.update().where(same).values(serial=serial))


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
    trusted = trusted_keys(connection, [each.station])[each.station]
    return each.key in trusted and before not in trusted


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
    names = [head.station for head in heads]
    before = connection.execute(sa.select(ends).where(ends.c.station.in_(names)))
    reached = {(row.station, row.epoch): row.seq for row in before}
    further: dict[tuple[str, str], tuple[int, bytes]] = {}
    for head in heads:
        for end in head.ends:
            where = (head.station, end.epoch)
            # An older head, from a stick that was long on its way, takes nothing back.
            if end.seq > max(reached.get(where, -1), further.get(where, (-1, b""))[0]):
                further[where] = (end.seq, head.key)
    for station, epoch in further.keys() & reached.keys():
        connection.execute(ends.delete().where(ends.c.station == station, ends.c.epoch == epoch))
    rows = [
        {"station": station, "epoch": epoch, "seq": seq, "key": key} for (station, epoch), (seq, key) in further.items()
    ]
    if rows:
        connection.execute(ends.insert(), rows)
