"""What a station does to its log in a run of the fault suite, and what must hold of the log whatever happened."""

from __future__ import annotations

import errno
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from kiosk import segments
from kiosk import store as store_module
from kiosk.durable import make_folder
from kiosk.records import SHANGHAI, Draft
from kiosk.settings import Settings, read_settings
from kiosk.store import Store
from tests import plain

STATION = "S1"
EPOCH = "00000000000000ab"
SMALL = 4
"""Records in a full segment, so that a short script seals some."""
_START = datetime(2021, 12, 6, 8, 0, tzinfo=SHANGHAI)


class Broken(AssertionError):
    """A promise of the log does not hold."""


@dataclass(frozen=True)
class Step:
    """One thing that a station does: `append` its drafts, `seal`, or close and open again (`reopen`)."""

    act: str
    at: datetime
    drafts: tuple[Draft, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(draft.id for draft in self.drafts)


def notes(count: int, at: datetime) -> tuple[Draft, ...]:
    return tuple(Draft("station_noted", at, "station", data={"note": "test", "details": {}}) for _ in range(count))


def usual() -> list[Step]:
    """A first segment, one that is full, one that is sealed by hand, a new start and a new day."""
    steps = [("append", 0, 1), ("append", 0, 2), ("append", 0, 2), ("reopen", 0, 0)]
    steps += [("append", 0, 1), ("seal", 0, 0), ("append", 1, 2), ("append", 2, 1)]
    return [Step(act, _START + timedelta(days=day), notes(count, _START)) for act, day, count in steps]


def drawn(chance: random.Random, length: int = 6) -> list[Step]:
    """A script by chance; its first step writes."""
    at, steps = _START, list[Step]()
    for _ in range(length):
        act = chance.choice(("append", "append", "append", "append", "seal", "reopen")) if steps else "append"
        at += timedelta(hours=chance.choice((0, 0, 1, 20)))
        steps.append(Step(act, at, notes(chance.randint(1, SMALL), at) if act == "append" else ()))
    return steps


@contextmanager
def small_and_quick() -> Iterator[Path]:
    """Small segments in a folder in memory, where there is one, and no waiting for the disk.

    What was written outlives a process without being synced; only a power cut takes it. That has tests of its own.
    """
    memory = Path("/dev/shm")
    with (
        pytest.MonkeyPatch.context() as patched,
        tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder,
    ):
        patched.setattr(store_module, "SEGMENT_SIZE", SMALL)
        patched.setattr(os, "fsync", os.fstat)
        yield Path(folder)


class Station:
    """A store with the settings that it needs, in a folder, opened as often as one likes."""

    def __init__(self, folder: Path, *, notes_segments: bool = True) -> None:
        self.folder, self._notes_segments = folder, notes_segments
        self.store: Store | None = None

    def set_up(self) -> None:
        make_folder(self.folder)
        (self.folder / "tmp").mkdir(exist_ok=True)  # whoever needs it makes it anew
        Settings(STATION, "330102016", "330102016001", "test", "zh", EPOCH).save(self.folder)

    def open(self) -> Store:
        self.close()
        self._settings = read_settings(self.folder)
        self.store = Store(
            self.folder,
            station=STATION,
            epoch=self._settings.epoch,
            save_epoch=lambda epoch: self._save(self._settings.with_epoch(epoch)),
            segment=self._settings.segment,
            save_segment=self._save_segment,
        )
        return self.store

    def _save_segment(self, number: int) -> None:
        if not self._notes_segments:
            raise OSError(errno.ENOSPC, "injected")
        self._save(replace(self._settings, segment=number))

    def _save(self, settings: Settings) -> None:
        settings.save(self.folder)
        self._settings = settings

    def close(self) -> None:
        store, self.store = self.store, None
        if store is not None:
            store.close()

    def do(self, step: Step) -> None:
        """Does one step.

        Raises:
            NotSaved: if it could not be made durable.
            OSError, SettingsError: if the log could not be opened.
            Broken: if what is acknowledged is not what was asked for.
        """
        store = self.open() if self.store is None or step.act == "reopen" else self.store
        if step.act == "seal":
            store.seal()
        elif step.act == "append":
            written = store.append(step.drafts, at=step.at, campaign=("SC2021", 1))
            if tuple(record.id for record in written) != step.ids:
                raise Broken("other records were acknowledged than were asked for")


def run(folder: Path, steps: Sequence[Step], acknowledge: Callable[[Step], object]) -> None:
    """Does all steps on a log that was set up, and tells of each append that returned."""
    station = Station(folder)
    for step in steps:
        station.do(step)
        if step.act == "append":
            acknowledge(step)
    station.close()


def _check(holds: bool, promise: str) -> None:
    if not holds:
        raise Broken(promise)


def _written(folder: Path) -> Counter[str]:
    """How often each id is there, read with plain TinyDB."""
    if not (folder / "records" / "sealed").is_dir():
        return Counter()
    files = {path.read_bytes(): path for path in reversed(plain.segment_files(folder))}
    # A power cut between the two syncs of a sealing leaves one content under two names, which counts once (format.md).
    return Counter(document["id"] for path in files.values() for document in plain.documents(path))


def check(folder: Path, steps: Sequence[Step], acknowledged: Sequence[Step], *, retry: Sequence[Step] = ()) -> None:
    """Whether the log holds what was promised, is whole, and can be gone on with.

    Args:
        folder: the data folder, which nobody has open.
        steps: what may have been tried.
        acknowledged: what was acknowledged.
        retry: what is tried again after the log was opened anew.

    Raises:
        Broken: if a promise does not hold.
    """
    try:
        there = _written(folder)
    except (ValueError, KeyError, OSError) as error:
        raise Broken(f"plain TinyDB cannot read the log: {error!r}") from error
    for step in acknowledged:
        _check(all(there[id_] == 1 for id_ in step.ids), f"acknowledged, and not there once: {step}")
    _check(all(count == 1 for count in there.values()), "a record is there twice")
    for step in steps:
        _check(len({there[id_] for id_ in step.ids}) <= 1, f"half of what belongs together is there: {step}")
    _check(set(there) <= {id_ for step in steps for id_ in step.ids}, "a record is there that nobody wrote")
    found = segments.verify(folder, STATION)
    _check(found == [], f"verify: {found}")

    station = Station(folder)
    store = station.open()
    try:
        _check((store.set_aside, store.missing, store.epoch) == ([], None, EPOCH), "the log was not gone on with")
        for step in (*retry, Step("append", steps[-1].at, notes(1, steps[-1].at))):
            station.do(step)
            there |= Counter(step.ids)
    finally:
        station.close()
    _check(Counter(plain.ids(folder)) == there, "after a retry and the next write other records are there")
    found = segments.verify(folder, STATION)
    _check(found == [], f"verify after the next write: {found}")
