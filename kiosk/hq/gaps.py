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
    told = sa.select(ends.c.station, ends.c.epoch, ends.c.seq, _is_here().label("here"))
    if names is not None:
        wanted, told = wanted.where(columns.station.in_(names)), told.where(ends.c.station.in_(names))
    reached: dict[tuple[str, str], int] = {}
    for name, epoch, first, count in connection.execute(wanted):
        before = reached.get((name, epoch), 0)
        if first > before + 1:
            yield name, epoch, before + 1, first - 1
        reached[name, epoch] = max(before, first + count - 1)
    for name, epoch, last, here in connection.execute(told.order_by(ends.c.station, ends.c.epoch, ends.c.seq)):
        before = reached.get((name, epoch), 0)
        if last > before:
            yield name, epoch, before + 1, last
        elif not here:  # there is another one in its place
            yield name, epoch, last, last


def _is_here() -> sa.ColumnElement[bool]:
    """Whether the segment that an end names is here, whatever its standing."""
    same = (segments.c.hash == ends.c.hash, segments.c.station == ends.c.station, segments.c.epoch == ends.c.epoch)
    return sa.exists(sa.select(segments.c.id).where(*same))


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
    # Where the segment that an end names is not here, whatever is here in its place is not the station's word.
    lacking = sa.select(ends.c.station, ends.c.epoch).where(ends.c.station.in_(names), ~_is_here())
    for station, epoch in connection.execute(lacking):
        found[station].pop(epoch, None)
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
