"""Which stations count: somebody answers for a station's public key, and withdraws one that was stolen.

What comes of it is the directory, signed, by which every station knows the badges of all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from kiosk.audit import notes, public_keys
from kiosk.errors import KioskError
from kiosk.hq.database import (
    COUNTS,
    Database,
    answered_for,
    directories,
    ends,
    revoked_badges,
    segments,
    shown_keys,
    station_keys,
    stations,
)
from kiosk.hq.gaps import missing
from kiosk.hq.standing import revoke, settle
from kiosk.i18n import _
from kiosk.records import timestamp
from kiosk.segments import Segment, Unreadable, check_within, read_all, read_segment
from kiosk.trust import Directory, fingerprint
from kiosk.wording import cause


class StationKey(Struct, frozen=True):
    """A public key of a station that somebody has answered for."""

    station: str
    key: bytes
    accepted: str
    withdrawn: str | None

    @property
    def fingerprint(self) -> str:
        """What people compare over the telephone."""
        return fingerprint(self.key)


class Handed(Struct, frozen=True):
    """What a station's files say that other stations have to know.

    Attributes:
        keys: its public keys, the newest last.
        revoked: by volunteer number, the serial up to which it has revoked badges.
    """

    keys: tuple[bytes, ...]
    revoked: Mapping[str, int]


def handed_in(path: Path, station: str) -> Handed:
    """The public keys that a station's own files name, and the badges that it has revoked.

    Args:
        path: its data folder, a folder with its TinyDB files, or one of them.
        station: its id.

    Raises:
        KioskError: if no file there is the station's, one is damaged or cannot be read, or none names a key.
    """
    try:
        own = [segment for segment in _segments(path) if segment.header["station"] == station]
    except OSError as error:
        sentence = _("The file {file} cannot be read: {error}.")
        raise KioskError(sentence.format(file=path, error=cause(error))) from error
    for segment in own:
        for finding in check_within(segment, station):
            raise KioskError(f"{segment.path}: {finding.problem}")
    found = public_keys(notes(own))
    if not found:
        sentence = _("Nothing in {path} says which key station {station} has.")
        raise KioskError(sentence.format(path=path, station=station))
    revoked: dict[str, int] = {}
    for record in (record for segment in own for record in segment.records if record.type == "badge_revoked"):
        revoked[str(record.volunteer)] = max(record["serial"], revoked.get(str(record.volunteer), 0))
    return Handed(found, revoked)


def _segments(path: Path) -> Sequence[Segment]:
    if (path / "records").is_dir():
        return read_all(path)[0]
    paths = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    found = []
    for each in paths:
        try:
            found.append(read_segment(each))
        except Unreadable as error:  # a stick holds other files, too; one that was named has to be good
            if each == path:
                raise KioskError(f"{path}: {error}") from error
    return sorted(found, key=lambda segment: (segment.number or 0, segment.header["first_seq"]))


def accept(database: Database, station: str, handed: Handed, now: datetime) -> Sequence[StationKey]:
    """Answers for keys of a station, and takes in whose badges it has revoked; what was accepted before stays.

    Returns:
        All keys of the station.

    Raises:
        KioskError: if all were withdrawn, or one is another station's.
    """
    with database.begin() as connection:
        usable = 0
        for key in handed.keys:
            known = connection.execute(sa.select(station_keys).where(station_keys.c.key == key)).first()
            if known is not None and known.station != station:
                sentence = _("The key {key} is that of station {station}.")
                raise KioskError(sentence.format(key=fingerprint(key), station=known.station))
            if known is None:
                row = {"station": station, "key": key, "accepted": timestamp(now)}
                connection.execute(station_keys.insert(), row)
            usable += known is None or known.withdrawn is None
        if not usable:
            sentence = _("The key {key} was withdrawn and never counts again. The station has to make another.")
            raise KioskError(sentence.format(key=fingerprint(handed.keys[-1])))
        revoke(connection, handed.revoked)
        settle(connection, [station])
        return [key for key in _all(connection) if key.station == station]


def shown(database: Database, station: str) -> Handed:
    """The key that a station has shown when its segments were collected.

    Raises:
        KioskError: if nothing of it was collected, or it has shown several keys: then somebody has to say which.
    """
    with database.begin() as connection:
        columns = shown_keys.c
        found = [bytes(key) for key in connection.scalars(sa.select(columns.key).where(columns.station == station))]
        if not found:
            raise KioskError(_("Nothing of station {station} was collected yet.").format(station=station))
        known = {key.key for key in _all(connection) if key.station == station}
        new = [key for key in found if key not in known]
        again = tuple(key for key in found if key in known)
        # Whoever may write there can show a key for any station: another one is never taken without its name.
        if not again and (known or len(new) > 1):
            several = _("Station {station} has shown several keys. Please say which one, with --key: {keys}")
            another = _("Station {station} has shown another key than was accepted. Please say so with --key: {keys}")
            sentence = another if known else several
            raise KioskError(sentence.format(station=station, keys=", ".join(map(fingerprint, new))))
    return Handed(again or tuple(new), {})


def key_shown(database: Database, station: str, named: str) -> bytes | None:
    """The key that a station has shown, by its fingerprint; None if there is none."""
    wanted = "".join(named.split()).replace("-", "").upper()
    with database.begin() as connection:
        shown_ = connection.scalars(sa.select(shown_keys.c.key).where(shown_keys.c.station == station))
        return next((bytes(key) for key in shown_ if fingerprint(bytes(key)).replace("-", "") == wanted), None)


def enrolled(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    """Every epoch of every station, with the keys of `kiosk hq stations --format json`.

    `missing` counts records; `last_seen` is when something new came last; `enrolled` says whether somebody has answered
    for the station.
    """
    accepted = set(connection.scalars(answered_for()))
    gone: dict[tuple[str, str], int] = {}
    for name, epoch, first, last in missing(connection):
        gone[name, epoch] = gone.get((name, epoch), 0) + last - first + 1
    reached: dict[tuple[str, str], int] = {}
    columns = segments.c
    held = sa.select(columns.station, columns.epoch, sa.func.max(columns.first_seq + columns.records - 1).label("seq"))
    held = held.where(columns.standing == COUNTS).group_by(columns.station, columns.epoch)
    told = sa.select(ends.c.station, ends.c.epoch, ends.c.seq)
    for row in (*connection.execute(held), *connection.execute(told)):
        reached[row.station, row.epoch] = max(row.seq, reached.get((row.station, row.epoch), 0))
    seen = {
        row.station: row.last_seen for row in connection.execute(sa.select(stations.c.station, stations.c.last_seen))
    }
    for (name, epoch), last in sorted(reached.items()):
        yield {
            "station": name,
            "epoch": epoch,
            "last_seq": last,
            "missing": gone.get((name, epoch), 0),
            "last_seen": seen.get(name),
            "enrolled": name in accepted,
        }


def _revoked(connection: sa.Connection) -> dict[str, int]:
    return {row.volunteer: row.serial for row in connection.execute(sa.select(revoked_badges))}


def withdraw(database: Database, station: str, named: str, reason: str, now: datetime) -> Sequence[StationKey]:
    """Lets a key count nowhere any more, from the next directory on; the station makes another.

    Args:
        database: headquarters'.
        station: its id.
        named: the key, in hex or by its fingerprint.
        reason: why, for those who ask later.
        now: the time (aware).

    Returns:
        All keys of the station.

    Raises:
        KioskError: if the station has no such key.
    """
    wanted = "".join(named.split()).replace("-", "").upper()
    with database.begin() as connection:
        own = [key for key in _all(connection) if key.station == station]
        found = [key for key in own if wanted in (key.key.hex().upper(), key.fingerprint.replace("-", ""))]
        if not found:
            sentence = _("Station {station} has no key {key}.")
            raise KioskError(sentence.format(station=station, key=named))
        change = {"withdrawn": timestamp(now), "reason": reason.strip()}
        still = station_keys.c.withdrawn.is_(None)
        connection.execute(station_keys.update().where(station_keys.c.key == found[0].key, still).values(change))
        settle(connection, [station])
        return [key for key in _all(connection) if key.station == station]


def _all(connection: sa.Connection) -> Iterable[StationKey]:
    columns = station_keys.c
    wanted = sa.select(columns.station, columns.key, columns.accepted, columns.withdrawn).order_by(columns.place)
    return [StationKey(*row) for row in connection.execute(wanted)]


def directory(database: Database, sign: Callable[[bytes], bytes], now: datetime) -> bytes:
    """The directory of all stations, signed: the same file as long as nothing changes.

    Args:
        database: headquarters'.
        sign: gives headquarters' signature.
        now: the time (aware), for its number.
    """
    with database.begin() as connection:
        stations: dict[str, tuple[bytes, ...]] = {}
        withdrawn = set()
        for key in _all(connection):
            stations[key.station] = (*stations.get(key.station, ()), key.key)
            if key.withdrawn is not None:
                withdrawn.add(key.key)
        revoked = _revoked(connection)
        newest = sa.select(directories).order_by(directories.c.number.desc()).limit(1)
        before = connection.execute(newest).first()
        # By the clock, so that a database that was lost and made anew goes on from where it was.
        number = max(int(now.timestamp()), before.number + 1 if before else 1)
        if before is not None:
            same = Directory(before.number, stations, frozenset(withdrawn), revoked).sign(sign)
            if same == before.document:
                return same
        document = Directory(number, stations, frozenset(withdrawn), revoked).sign(sign)
        connection.execute(directories.insert(), {"number": number, "document": document})
        return document
