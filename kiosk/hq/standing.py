"""Which segments of a station count: whose signature is trusted, and of a log that goes on twice, which branch.

It looks at segments, never into records.
"""

from __future__ import annotations

import json
from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from msgspec import Struct

from kiosk.hq.database import (
    COUNTS,
    FORK,
    REVOKING,
    answered_for,
    counting,
    ends,
    heads,
    pieces,
    records,
    resolutions,
    revoked_badges,
    segments,
    shown_keys,
    station_keys,
    stations,
)
from kiosk.hq.forgetting import follow
from kiosk.records import ZEROS

SAME: Final = "same"
UNTRUSTED: Final = "untrusted"


Keys = Mapping[bytes, str | None]
"""The keys whose signatures count for a station, and since when they do not any more, if so."""


def trusted_keys(connection: sa.Connection, names: Sequence[str]) -> dict[str, Keys]:
    """By station the keys that somebody has answered for; until then the first that the station has shown."""
    found: dict[str, dict[bytes, str | None]] = {station: {} for station in names}
    accepted = sa.select(station_keys.c.station, station_keys.c.key, station_keys.c.withdrawn)
    for station, key, withdrawn in connection.execute(accepted.where(station_keys.c.station.in_(names))):
        found[station][bytes(key)] = withdrawn
    columns = shown_keys.c
    unknown = [station for station in names if not found[station]]
    of_another = (station_keys.c.key == columns.key) & (station_keys.c.station != columns.station)
    shown = sa.select(columns.station, columns.key).where(
        columns.station.in_(unknown), ~sa.exists(sa.select(station_keys.c.place).where(of_another))
    )
    for station, key in connection.execute(shown.order_by(columns.place)):
        if not found[station]:
            found[station][bytes(key)] = None
    return dict(found)


class _Stretch(Struct):
    """A segment as far as it matters for what counts."""

    id: int
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


def settle(connection: sa.Connection, names: Sequence[str]) -> None:
    """Decides which segments of stations count, and follows what the records that count say is forgotten."""
    keys, chosen = trusted_keys(connection, names), _chosen(connection, names)
    epochs: dict[tuple[str, str], list[_Stretch]] = {}
    before: dict[int, str] = {}
    signed: set[str] = set()
    wanted = sa.select(segments).where(segments.c.station.in_(names)).order_by(segments.c.id)
    for row in connection.execute(wanted):
        before[row.id] = row.standing
        trusted = row.key is None or counted_when(row.received, bytes(row.key), keys[row.station])
        stretch = _Stretch(
            row.id,
            row.number,
            row.hash,
            row.first_seq,
            row.records,
            row.prev,
            bytes(row.hashes),
            row.key is not None,
            COUNTS if trusted else UNTRUSTED,
        )
        if trusted and stretch.signed:
            signed.add(row.station)
        epochs.setdefault((row.station, row.epoch), []).append(stretch)
    changed: set[str] = set()
    now: dict[str, list[int]] = {}
    for (station, _epoch), stretches in epochs.items():
        _judge([each for each in stretches if each.standing == COUNTS], chosen)
        for each in stretches:
            if before[each.id] != each.standing:
                changed.add(station)
            if each.standing == SAME and not each.signed:
                now.setdefault("", []).append(each.id)
            elif before[each.id] != each.standing:
                now.setdefault(each.standing, []).append(each.id)
    _write(connection, now)
    for station in names:  # what was said under a key that does not count any more
        valid = [key for key, withdrawn in keys[station].items() if withdrawn is None]
        connection.execute(ends.delete().where(ends.c.station == station, ends.c.key.not_in(valid)))
    if changed:  # those stations have to be told anew how much is held
        connection.execute(heads.delete().where(heads.c.station.in_(changed)))
    follow(connection, sorted(signed))
    _take_revoked(connection, sorted(signed))


def _take_revoked(connection: sa.Connection, names: Sequence[str]) -> None:
    """Takes in whose badges were revoked by stations that somebody has answered for: they count nowhere any more."""
    told = (
        counting(records.c.document)
        .join(stations, stations.c.id == records.c.station)
        .where(stations.c.station.in_(names), stations.c.station.in_(answered_for()), records.c.visit == REVOKING)
        .where(segments.c.key.is_not(None))
    )
    found: dict[str, int] = {}
    for document in map(json.loads, connection.scalars(told)):
        found[document["volunteer"]] = max(document["serial"], found.get(document["volunteer"], 0))
    revoke(connection, found)


def revoke(connection: sa.Connection, told: Mapping[str, int]) -> None:
    """Notes up to which serial badges of volunteers were revoked; what was noted before is never taken back."""
    for volunteer, serial in told.items():
        same = revoked_badges.c.volunteer == volunteer
        before = connection.scalar(sa.select(revoked_badges.c.serial).where(same))
        if before is None:
            connection.execute(revoked_badges.insert(), {"volunteer": volunteer, "serial": serial})
        elif serial > before:
            connection.execute(revoked_badges.update().where(same).values(serial=serial))


def _write(connection: sa.Connection, now: Mapping[str, Sequence[int]]) -> None:
    """Writes standings; what has none any more is taken out.

    That is a file that was not sealed yet: every record of it is here in the one that took its place.
    """
    for standing, ids in now.items():
        for some in pieces(ids):
            if standing:
                connection.execute(segments.update().where(segments.c.id.in_(some)).values(standing=standing))
            else:
                connection.execute(records.delete().where(records.c.segment.in_(some)))
                connection.execute(segments.delete().where(segments.c.id.in_(some)))


def counted_when(received: str, key: bytes, keys: Keys) -> bool:
    """Whether a key counted when something that it has signed was received."""
    withdrawn = keys.get(key)
    return key in keys and (withdrawn is None or received < withdrawn)


def _chosen(connection: sa.Connection, names: Sequence[str]) -> Mapping[str, int]:
    """The hashes of segments that somebody has chosen among forks, the latest decision highest."""
    wanted = sa.select(resolutions.c.decision).where(resolutions.c.station.in_(names), resolutions.c.kind == FORK)
    decisions = connection.scalars(wanted.order_by(resolutions.c.place))
    return {hash_: place for place, hash_ in enumerate(decisions, start=1)}


def _judge(stretches: list[_Stretch], chosen: Mapping[str, int]) -> None:
    """Sets the standing of the segments of one epoch: each record counts once, and of a fork one branch only.

    What is signed goes before what is not, and parents before their children. Of two that begin with the same record
    the one that somebody has chosen goes first, then of what is not signed the longer one, then what came first.
    """
    stretches.sort(
        key=lambda each: (
            not each.signed,
            each.first_seq,
            -chosen.get(each.hash, 0),
            0 if each.signed else -each.count,
            each.id,
        )
    )
    by_hash = {each.hash: each for each in stretches}
    counted = _Counted()
    for each in stretches:
        parent = by_hash.get(each.prev)
        over = counted.over(each)
        if any(other.holds(each) for other in over):
            each.standing = SAME
        elif parent is not None and parent.standing == FORK:
            each.standing = FORK
        elif over and all(not other.signed and each.holds(other) for other in over):
            for other in over:  # a file that was not sealed yet, and is now
                other.standing = SAME
                counted.remove(other)
            counted.add(each)
        elif over or counted.has_no_place_for(each):
            each.standing = FORK
        else:
            counted.add(each)


class _Counted:
    """The segments of an epoch that count so far, in the order of their records, which are apart from each other."""

    def __init__(self) -> None:
        self._here: list[_Stretch] = []
        self._by_number: dict[int, _Stretch] = {}

    def over(self, each: _Stretch) -> list[_Stretch]:
        """Those that hold a record in a place where this one has one, too."""
        start = max(bisect_right(self._here, each.first_seq, key=_begins) - 1, 0)
        found = []
        for other in self._here[start:]:
            if other.first_seq >= each.next_seq:
                break
            if other.next_seq > each.first_seq:
                found.append(other)
        return found

    def add(self, each: _Stretch) -> None:
        insort(self._here, each, key=_begins)
        if each.number is not None:
            self._by_number[each.number] = each

    def remove(self, each: _Stretch) -> None:
        self._here.remove(each)

    def has_no_place_for(self, each: _Stretch) -> bool:
        """Whether it follows on another segment than the one that counts before it: a branch whose root is missing."""
        if each.prev == ZEROS or each.number is None:
            return False
        before = self._by_number.get(each.number - 1)
        return before is not None and before.next_seq == each.first_seq and before.hash != each.prev


def _begins(each: _Stretch) -> int:
    return each.first_seq
