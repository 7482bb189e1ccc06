"""Collects what stations have handed over, wherever it lies, and answers with receipts, directory and campaigns.

Whatever is taken in was checked; whatever is not is kept as it came and told. A kill at any point loses nothing: the
next call goes on, and doing all of it again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from msgspec import Struct, field

from kiosk.hq.answering import Answering
from kiosk.hq.database import FORK, Database, heads, segments, stations
from kiosk.hq.gaps import missing
from kiosk.hq.intake import take, take_heads
from kiosk.hq.keys import HqKeys
from kiosk.hq.objects import Objects
from kiosk.hq.opening import is_segment_name
from kiosk.hq.quarantine import Bad, Quarantine, plain_text
from kiosk.hq.rows import Opened
from kiosk.hq.standing import UNTRUSTED, Keys, settle, trusted_keys
from kiosk.i18n import _
from kiosk.published import (
    OBJECT,
    STATION,
    Head,
    Refused,
    head_name,
    segment_name,
)
from kiosk.records import ZEROS
from kiosk.remote import Credentials, Missing, Place, RemoteError, Unusable, place_at

_FILES: Final = 100
"""Plain files that are taken in at once."""
_AHEAD: Final = 256
"""Objects, or a few more, that are opened while those before them are taken in."""
_STATIONS: Final = 50
"""Stations that are asked about at once."""
_BATCH: Final = 10_000
"""Records in one transaction, or a few more."""


class Collected(Struct):
    """What one place has brought.

    Attributes:
        url: the place.
        stations: how many stations there was something new of.
        segments, records: how many were new.
        refused: what could not be accepted, each in a sentence.
        forks: stations of which two branches are known since now.
        unsigned: stations of which something new is from plain files that nobody has signed.
        problems: what else went wrong, each in a sentence.
    """

    url: str
    stations: int = 0
    segments: int = 0
    records: int = 0
    refused: list[str] = field(default_factory=list)
    forks: list[str] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def collect(database: Database, keys: HqKeys, url: str, credentials: Credentials, now: datetime) -> Collected:
    """Takes in what is new at one place, and answers there.

    Args:
        database: headquarters'.
        keys: headquarters'.
        url: the place: what stations have handed over, or plain TinyDB files.
        credentials: for servers.
        now: the time (aware).

    Raises:
        RemoteError: if the place cannot be read at all.
    """
    alone = "://" not in url and Path(url).is_file()
    place = _File(Path(url)) if alone else place_at(url, credentials, make=False)
    collecting = _Collecting(database, keys, url, place, credentials, now)
    try:
        with database.alone():
            return collecting.take_files([Path(url).name]) if alone else collecting.run()
    finally:
        collecting.close()
        place.close()


class _File(Place):
    """One file by itself."""

    def __init__(self, path: Path) -> None:
        self.shown, self._path = str(path), path

    def read(self, name: str) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise RemoteError(_("The file {file} cannot be read.").format(file=self._path)) from error

    def _put(self, name: str, content: bytes) -> None:
        raise NotImplementedError

    def top(self) -> tuple[list[str], list[str]]:
        return [], []

    def files(self, folder: str) -> list[str]:
        return []


class _Task(Struct):
    """What is to be done about one station.

    Attributes:
        station: its id.
        content: its head as it lies there, or empty.
        head: the same, read, if its key counts.
        wanted: names of objects that are to be read.
    """

    station: str
    content: bytes
    head: Head | None
    wanted: list[str] = field(default_factory=list)


class _Collecting:
    def __init__(
        self, database: Database, keys: HqKeys, url: str, place: Place, credentials: Credentials, now: datetime
    ) -> None:
        self._database, self._url, self._place = database, url, place
        self._now = now
        self._found = Collected(url)
        self._objects = Objects(place, keys, again=None if isinstance(place, _File) else (url, credentials))
        self._quarantine = Quarantine(database, url, now)
        self._answering = Answering(database, keys, url, place, now)
        self._untrusted_before: dict[str, int] = {}

    def run(self) -> Collected:
        folders, files = self._place.top()
        named = [name for name in folders if name != "hq"]
        with self._database.begin() as connection:
            known = set(connection.scalars(sa.select(stations.c.station)))
            wanted = sa.select(heads.c.station, heads.c.digest).where(heads.c.url == self._url)
            seen = {row.station: bytes(row.digest) for row in connection.execute(wanted)}
        candidates = sorted({name for name in named if STATION.fullmatch(name)} | known)
        headless = []
        changed: list[tuple[str, bytes]] = []
        for station, content in self._heads(candidates):
            if content is None:
                if station in named:  # handed over for the first time, and cut off; or a folder with plain files
                    headless.append(station)
                    changed.append((station, b""))
            elif seen.get(station) != hashlib.sha256(content).digest():
                changed.append((station, content))
        plain = [*headless, *(name for name in named if not STATION.fullmatch(name))]
        self._take_stations(changed)
        # TinyDB files as stations keep them, at the top or in folders that no station has published into.
        # Not from servers, where whoever may write could lay one for any station.
        if self._place.is_folder:
            names = [*files, *(name for folder in plain for name in self._place.files(folder))]
            self.take_files([name for name in names if _may_be_segment(name)])
        self._quarantine.forget_gone({*named, *files})
        if any(content for _station, content in changed) or seen:  # not on a stick with plain files
            self._answering.to_all()
        elif not self._found.records and not named:
            sentence = _("Nothing that a station has handed over lies at {place}.")
            self._found.problems.append(sentence.format(place=self._place.shown))
        self._found.problems += self._answering.problems
        return self._found

    def _heads(self, candidates: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        def read(station: str) -> bytes | None:
            try:
                return self._place.read(head_name(station))
            except Missing:
                return None
            except Unusable as error:
                self._found.refused.append(f"{head_name(station)}: {error}")
                return b""

        return zip(candidates, self._objects.read(candidates, read), strict=True)

    def close(self) -> None:
        """Ends what opens objects."""
        self._objects.close()

    # --- what was published -----------------------------------------------------------------------------------------

    def _take_stations(self, changed: Sequence[tuple[str, bytes]]) -> None:
        """Takes in what is new of these stations: while one batch goes into the database, the next one is opened."""
        before: tuple[list[_Task], list[str], Iterator[Opened | Bad | None]] | None = None
        for tasks in self._batches(changed):
            wanted = [name for task in tasks for name in task.wanted]
            ahead = (tasks, wanted, self._objects.opened(wanted, plain=False))
            if before is not None:
                self._take_batch(*before)
            before = ahead
        if before is not None:
            self._take_batch(*before)

    def _batches(self, changed: Sequence[tuple[str, bytes]]) -> Iterator[list[_Task]]:
        """What is to be done, for some stations at a time: as many as have some hundred objects together."""
        batch: list[_Task] = []
        for start in range(0, len(changed), _STATIONS):
            some = changed[start : start + _STATIONS]
            names = [station for station, _content in some]
            with self._database.begin() as connection:
                trusted = trusted_keys(connection, names)
                known = _known_names(connection, names)
                self._untrusted_before |= _standing(connection, names, UNTRUSTED)
            for station, content in some:
                task = self._planned(station, content, trusted[station], known[station])
                if task.wanted or content:
                    batch.append(task)
                if sum(len(each.wanted) for each in batch) >= _AHEAD:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def _planned(self, station: str, content: bytes, trusted: Keys, known: _Names) -> _Task:
        """Which objects of a station are to be read: those that its head names and those that are seen there."""
        task = _Task(station, content, None)
        try:
            head = Head.read(content) if content else None
            if head is not None and head.station != station:
                raise Refused("foreign", _("It was signed by station {station}.").format(station=head.station))
            if head is not None and trusted and trusted.get(head.key, "") is not None:
                raise Refused("bad_signature", _("It is signed with a key that nobody has accepted."))
            task.head = head
        except Refused as error:
            self._found.refused += self._quarantine.keep(
                station, [Bad(head_name(station), error.kind, str(error), content)]
            )
        seen = {name for name in self._place.files(station) if is_segment_name(name)}
        if task.head is not None:
            told = (*task.head.ends, *task.head.others)
            seen |= {segment_name(station, end.epoch, end.number, end.hash) for end in told}
        task.wanted = sorted((seen | known.parents) - known.here)
        return task

    def _take_batch(self, tasks: Sequence[_Task], wanted: Sequence[str], opened: Iterator[Opened | Bad | None]) -> None:
        """Takes in the objects of some stations, walking back to those that nothing has named."""
        asked: set[str] = set()
        clean = {task.station: True for task in tasks}
        first = {task.station: task.head.key for task in tasks if task.head is not None}
        while wanted:
            asked.update(wanted)
            before: dict[str, None] = {}
            batch: list[Opened] = []
            many = 0
            bad: dict[str, list[Bad]] = {}
            for name, told in zip(wanted, opened, strict=True):
                station = name.partition("/")[0]
                if isinstance(told, Opened):
                    batch.append(told)
                    many += len(told.rows)
                    if told.number is not None and told.number > 1 and told.prev != ZEROS:
                        before[segment_name(station, told.epoch, told.number - 1, told.prev)] = None
                else:
                    clean[station] = False
                    if isinstance(told, Bad):
                        bad.setdefault(station, []).append(told)
                if many >= _BATCH:
                    self._take(batch, first)
                    batch, many = [], 0
            self._take(batch, first)
            for station, problems in bad.items():
                self._found.refused += self._quarantine.keep(station, problems)
            wanted = [name for name in before if name not in asked]
            if wanted:
                with self._database.begin() as connection:
                    known = _known_names(connection, sorted({name.partition("/")[0] for name in wanted}))
                wanted = [name for name in wanted if name not in known[name.partition("/")[0]].here]
                opened = self._objects.opened(wanted, plain=False)
        self._finish(tasks, clean)

    def _take(self, batch: Sequence[Opened], first: Mapping[str, bytes] | None = None) -> frozenset[str]:
        """Takes segments in; returns the stations of which something is new."""
        if not batch:
            return frozenset()
        with self._database.begin() as connection:
            taken = take(connection, batch, self._url, self._now, first)
        self._found.segments += taken.segments
        self._found.records += taken.records
        return taken.stations

    def _finish(self, tasks: Sequence[_Task], clean: dict[str, bool]) -> None:
        """Decides what counts now, and answers; then what is dealt with wholly is left until its head changes."""
        with self._database.begin() as connection:
            names = [task.station for task in tasks]
            keys = trusted_keys(connection, names)
            # Only now is it known whose word counts of a station that is seen for the first time.
            believed = [task.head for task in tasks if task.head and keys[task.station].get(task.head.key, "") is None]
            take_heads(connection, believed, self._now)
            self._settle(connection, names)
            lacking = {station for station, _epoch, _first, _last in missing(connection, names)}
            lacking |= {*names} - {head.station for head in believed}
            clean = {station: is_clean and station not in lacking for station, is_clean in clean.items()}
            self._quarantine.release(connection, [task.station for task in tasks if clean[task.station]])
        answered = self._answering.receipts({task.station: task.content for task in tasks})
        done = [task for task in tasks if task.station in answered and clean[task.station]]
        if done:
            rows = [
                {"url": self._url, "station": task.station, "digest": hashlib.sha256(task.content).digest()}
                for task in done
            ]
            before = heads.delete().where(
                heads.c.url == self._url, heads.c.station.in_([row["station"] for row in rows])
            )
            with self._database.begin() as connection:
                connection.execute(before)
                connection.execute(heads.insert(), rows)
        self._found.stations += len(tasks)

    # --- plain files ------------------------------------------------------------------------------------------------

    def take_files(self, names: Sequence[str]) -> Collected:
        """Takes in plain TinyDB files by their names."""
        unsigned: set[str] = set()
        for start in range(0, len(names), _FILES):
            some = names[start : start + _FILES]
            good: dict[str, Opened] = {}
            for name, told in zip(some, self._objects.opened(some, plain=True), strict=True):
                if isinstance(told, Opened):
                    good[plain_text(name)] = told
                elif isinstance(told, Bad):
                    self._found.refused += self._quarantine.keep("", [told])
            unsigned |= self._take([*good.values()])
            with self._database.begin() as connection:
                self._quarantine.release_files(connection, [*good])
                # Also those of which nothing is new: a kill may have come between the two the last time.
                self._settle(connection, sorted({each.station for each in good.values()}))
        self._found.unsigned = sorted(unsigned)
        self._found.stations += len(unsigned)
        return self._found

    def _settle(self, connection: sa.Connection, names: Sequence[str]) -> None:
        forks, untrusted = (_standing(connection, names, each) for each in (FORK, UNTRUSTED))
        settle(connection, names)
        after = _standing(connection, names, FORK)
        self._found.forks += [station for station in names if after.get(station, 0) > forks.get(station, 0)]
        # What was just taken in is not settled yet, and counted among those before.
        left = _standing(connection, names, UNTRUSTED)
        sentence = _("Station {station}: {count} segments are signed with a key that does not count.")
        for station in names:
            if left.get(station, 0) and untrusted.get(station, 0) > self._untrusted_before.get(station, 0):
                self._found.refused.append(sentence.format(station=station, count=left[station]))


class _Names(Struct, frozen=True):
    """Names of the objects of a station whose segments are here, signed, and of those that they follow on."""

    here: set[str] = field(default_factory=set)
    parents: set[str] = field(default_factory=set)


def _known_names(connection: sa.Connection, names: Sequence[str]) -> dict[str, _Names]:
    found = {station: _Names() for station in names}
    columns = segments.c
    wanted = sa.select(columns.station, columns.epoch, columns.number, columns.hash, columns.prev)
    # One whose signature does not count is asked for again: by now the station's own may lie there.
    counting = (columns.key.is_not(None), columns.number.is_not(None), columns.standing != UNTRUSTED)
    wanted = wanted.where(columns.station.in_(names), *counting)
    for station, epoch, number, hash_, prev in connection.execute(wanted):
        found[station].here.add(segment_name(station, epoch, number, hash_))
        if number > 1 and prev != ZEROS:
            found[station].parents.add(segment_name(station, epoch, number - 1, prev))
    return found


def _standing(connection: sa.Connection, names: Sequence[str], standing: str) -> dict[str, int]:
    """How many segments of stations have this standing."""
    columns = segments.c
    wanted = sa.select(columns.station, sa.func.count().label("many")).group_by(columns.station)
    wanted = wanted.where(columns.station.in_(names), columns.standing == standing)
    return {row.station: row.many for row in connection.execute(wanted)}


def _may_be_segment(name: str) -> bool:
    """Whether a file is to be taken for a station's log: other files lie on a stick, too."""
    *folders, last = name.split("/")
    named = last == "open.json" or OBJECT.fullmatch(last.removesuffix(".json")) is not None
    return last.endswith(".json") and ("records" in folders or named)
