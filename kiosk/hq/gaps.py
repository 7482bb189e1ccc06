"""How far headquarters has the records of a station, and which of them it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from kiosk.hq.database import COUNTS, FORK, ends, resolutions, segments


def missing(connection: sa.Connection, names: Sequence[str] | None = None) -> Iterator[tuple[str, str, int, int]]:
    """Stretches of records that a station has sealed and that are not here: station, epoch, first and last seq."""
    columns = segments.c
    wanted = sa.select(columns.station, columns.epoch, columns.first_seq, columns.records)
    wanted = wanted.where(columns.standing == COUNTS).order_by(columns.station, columns.epoch, columns.first_seq)
    told = sa.select(ends.c.station, ends.c.epoch, ends.c.seq)
    if names is not None:
        wanted, told = wanted.where(columns.station.in_(names)), told.where(ends.c.station.in_(names))
    reached: dict[tuple[str, str], int] = {}
    for name, epoch, first, count in connection.execute(wanted):
        before = reached.get((name, epoch), 0)
        if first > before + 1:
            yield name, epoch, before + 1, first - 1
        reached[name, epoch] = max(before, first + count - 1)
    for name, epoch, last in connection.execute(told.order_by(ends.c.station, ends.c.epoch)):
        before = reached.get((name, epoch), 0)
        if last > before:
            yield name, epoch, before + 1, last


def held(connection: sa.Connection, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """By station and epoch the seq up to which every record is here and counts."""
    found: dict[str, dict[str, int]] = {station: {} for station in names}
    columns = segments.c
    wanted = sa.select(columns.station, columns.epoch, columns.first_seq, columns.records)
    wanted = wanted.where(columns.station.in_(names), columns.standing == COUNTS)
    for station, epoch, first_seq, count in connection.execute(wanted.order_by(columns.epoch, columns.first_seq)):
        reached = found[station].get(epoch, 0)
        if first_seq <= reached + 1:
            found[station][epoch] = max(reached, first_seq + count - 1)
    # While nobody has decided which of two logs counts, nothing after their parting is confirmed to either.
    forks = sa.select(columns.station, columns.epoch, columns.first_seq, columns.hash, columns.prev)
    apart = connection.execute(forks.where(columns.station.in_(names), columns.standing == FORK)).all()
    branches, decided = {row.hash for row in apart}, set(_decided(connection) if apart else ())
    for row in apart:
        if row.prev not in branches and row.hash not in decided:
            found[row.station][row.epoch] = min(found[row.station].get(row.epoch, 0), row.first_seq - 1)
    return found


def _decided(connection: sa.Connection) -> list[str]:
    """Hashes of segments whose branch somebody has decided against."""
    over = connection.scalars(sa.select(resolutions.c.over).where(resolutions.c.kind == FORK))
    return [hash_ for hashes in over for hash_ in hashes.split()]
