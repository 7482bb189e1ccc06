"""What was refused at one place: kept as it came, told, tried again at each visit, and forgotten once it is right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from msgspec import Struct

from kiosk.hq.database import Database, pieces, quarantine
from kiosk.hq.problems import Problem, about_object, decided_about
from kiosk.records import timestamp

_KEPT: Final = 2**20
"""Bytes of something refused that are kept for whoever looks into it."""


class Bad(Struct, frozen=True):
    """What could not be accepted: its name, one of the kinds of problems, why, and the bytes."""

    name: str
    kind: str
    detail: str
    content: bytes


class Quarantine:
    """What was refused at one place."""

    def __init__(self, database: Database, url: str, now: datetime) -> None:
        """Of the place with this URL, at this time (aware)."""
        self._database, self._url, self._now = database, url, now

    def keep(self, station: str, problems: Sequence[Bad]) -> list[str]:
        """Keeps what was refused.

        Args:
            station: whose it is, as far as that is known.
            problems: what was refused.

        Returns:
            Sentences about what nobody has decided about yet.
        """
        told = []
        with self._database.begin() as connection:
            decided = decided_about(connection)
            for bad in problems:
                name, digest = plain_text(bad.name), hashlib.sha256(bad.content).digest()
                problem = Problem(station, bad.kind, bad.detail, about_object(name, digest))
                if problem.name not in decided:
                    told.append(f"{name}: {bad.detail}")
                same = (quarantine.c.url == self._url, quarantine.c.name == name)
                since = connection.scalar(sa.select(quarantine.c.since).where(*same))
                connection.execute(quarantine.delete().where(*same))
                row = {
                    "url": self._url,
                    "name": name,
                    "station": station,
                    "kind": bad.kind,
                    "detail": bad.detail,
                    "digest": digest,
                    "content": bad.content[:_KEPT],
                    "since": since or timestamp(self._now),
                }
                connection.execute(quarantine.insert(), row)
        return told

    def release(self, connection: sa.Connection, stations: Sequence[str]) -> None:
        """What was wrong of these stations is right now."""
        connection.execute(quarantine.delete().where(quarantine.c.url == self._url, quarantine.c.station.in_(stations)))

    def release_files(self, connection: sa.Connection, names: Sequence[str]) -> None:
        """What was wrong with these files is right now."""
        connection.execute(quarantine.delete().where(quarantine.c.url == self._url, quarantine.c.name.in_(names)))

    def forget_gone(self, there: Iterable[str]) -> None:
        """What does not lie at the place any more is no problem of it; `there` are its folders and files."""
        names = {plain_text(name) for name in there}
        kept = sa.select(quarantine.c.id, quarantine.c.name).where(quarantine.c.url == self._url)
        with self._database.begin() as connection:
            gone = [row.id for row in connection.execute(kept) if row.name.partition("/")[0] not in names]
            for some in pieces(gone):
                connection.execute(quarantine.delete().where(quarantine.c.id.in_(some)))


def plain_text(name: str) -> str:
    """A file's name as it can be shown and kept: what is no UTF-8, or no letter, is replaced."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
