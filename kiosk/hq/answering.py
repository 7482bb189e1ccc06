"""What headquarters lays where stations hand over: receipts, the directory, campaigns; again only what has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace

from kiosk.canonical import canonical
from kiosk.hq import campaigns, enrolment
from kiosk.hq.database import Database, answers
from kiosk.hq.gaps import held
from kiosk.hq.keys import HqKeys
from kiosk.published import CAMPAIGNS, DIRECTORY, Receipt, receipt_name
from kiosk.records import timestamp
from kiosk.remote import Missing, Place, RemoteError

_WRITERS: Final = 4
"""What takes time is the disk, or the way to a server."""


class _Answer(Struct, frozen=True):
    """A file for a place: its name, what it says, and what makes it with a number higher than any before."""

    name: str
    said: bytes
    make: Callable[[int], bytes]

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.said).digest()


class Answering:
    """One place, to be answered at. `problems` holds what went wrong there, each in a sentence."""

    def __init__(self, database: Database, keys: HqKeys, url: str, place: Place, now: datetime) -> None:
        """Names the place; nothing is written yet."""
        self._database, self._keys, self._url, self._place, self._now = database, keys, url, place, now
        self.problems: list[str] = []

    def receipts(self, seen: Mapping[str, bytes]) -> set[str]:
        """Lays receipts there: what is held, and which head was seen.

        Args:
            seen: by station the head as it lies there, or nothing.

        Returns:
            The stations whose receipt lies there.
        """
        told: list[_Answer] = []
        with self._database.begin() as connection:
            here = held(connection, list(seen))
            for station, content in seen.items():
                reached = here[station]
                head = hashlib.sha256(content).hexdigest() if content else ""
                said = canonical({"held": dict(reached), "head": head})
                receipt = Receipt(station, 0, timestamp(self._now), reached, head)
                told.append(_Answer(receipt_name(station), said, partial(self._signed, receipt)))
        there = self._lay(told)
        return {station for station in seen if receipt_name(station) in there}

    def _signed(self, receipt: Receipt, number: int) -> bytes:
        return replace(receipt, number=number).sign(self._keys.sign)

    def to_all(self) -> None:
        """Lays there what all stations are told. Where nothing of it lies any more, nothing else does, either."""
        try:
            self._place.read(DIRECTORY)
        except Missing:
            with self._database.begin() as connection:
                connection.execute(answers.delete().where(answers.c.url == self._url, answers.c.name == DIRECTORY))
                connection.execute(answers.delete().where(answers.c.url == self._url, answers.c.name == CAMPAIGNS))
        except RemoteError as error:
            self.problems.append(str(error))
            return
        directory = enrolment.directory(self._database, self._keys.sign, self._now)
        told = [_Answer(DIRECTORY, directory, lambda _number: directory)]
        published = campaigns.document(self._database, self._keys.sign)
        if published is not None:
            known = published
            told.append(_Answer(CAMPAIGNS, known, lambda _number: known))
        self._lay(told)

    def _lay(self, told: Sequence[_Answer]) -> set[str]:
        """Writes answers unless the same were laid there before; returns the names of those that lie there."""
        url = answers.c.url == self._url
        names = [each.name for each in told]
        with self._database.begin() as connection:
            before = sa.select(answers.c.name, answers.c.digest).where(url, answers.c.name.in_(names))
            lies = {row.name: bytes(row.digest) for row in connection.execute(before)}
            highest = sa.select(answers.c.name, sa.func.max(answers.c.number).label("number"))
            highest = highest.where(answers.c.name.in_(names)).group_by(answers.c.name)
            last = {row.name: row.number for row in connection.execute(highest)}
            new = [each for each in told if lies.get(each.name) != each.digest]
            if not new:
                return set(names)
            now = int(self._now.timestamp() * 1000)
            numbers = {each.name: max(now, last.get(each.name, 0) + 1) for each in new}
            # Before they are out, so that no number is ever given twice.
            connection.execute(answers.delete().where(url, answers.c.name.in_(list(numbers))))
            connection.execute(
                answers.insert(),
                [{"url": self._url, "name": name, "digest": b"", "number": number} for name, number in numbers.items()],
            )
        with ThreadPoolExecutor(_WRITERS) as pool:
            done = list(pool.map(lambda each: self._write(each.name, each.make(numbers[each.name])), new))
        there = {each.name: each.digest for each, lies_there in zip(new, done, strict=True) if lies_there}
        if there:
            change = (
                answers.update().where(url, answers.c.name == sa.bindparam("which")).values(digest=sa.bindparam("d"))
            )
            with self._database.begin() as connection:
                connection.execute(change, [{"which": name, "d": digest} for name, digest in there.items()])
        return set(names) - {each.name for each in new} | there.keys()

    def _write(self, name: str, content: bytes) -> bool:
        try:
            self._place.write(name, content)
        except RemoteError as error:
            if str(error) not in self.problems:
                self.problems.append(str(error))
            return False
        return True
