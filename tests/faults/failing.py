"""Lets every call that the store makes fail, once and for good, and checks the log each time."""

from __future__ import annotations

import errno
import random
import shutil
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from kiosk.errors import NotSaved
from kiosk.settings import SettingsError
from tests.faults.calls import CHANGING, KINDS, READING, SPANS, Break, watched
from tests.faults.killing import trace
from tests.faults.script import Broken, Station, Step, check

FAILING = {
    errno.EIO: (*CHANGING, *READING),
    errno.ENOSPC: ("open", "write", "fsync", "replace", "rename", "unlink", "mkdir"),
    errno.EMFILE: ("read",),
}
"""Which calls fail with which error."""


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def breaks(names: Sequence[str]) -> Iterator[Break]:
    """Every fault there is at every one of these calls."""
    for (at, name), (number, failing), kind, span in product(enumerate(names, start=1), FAILING.items(), KINDS, SPANS):
        makes_sense = {
            # A file that cannot be read for good is damage, which has tests of its own.
            "error": name != "read" or number == errno.EMFILE or span == "once",
            "error after half": name == "write",
            "error though done": name in ("fsync", "replace", "rename", "unlink") and number == errno.EIO,
            "short": name == "write" and number == errno.EIO and span != "everything",
        }
        if name in failing and makes_sense[kind]:
            yield Break(at, number, kind, span)


def survive(folder: Path, steps: Sequence[Step], fault: Break, *, at_once: bool) -> int:
    """Does the steps with a fault, has it repaired, tries again what failed, and checks; returns the faults that hit.

    Args:
        folder: a new data folder.
        steps: what is done.
        fault: what fails.
        at_once: whether what failed is tried again before the next step; otherwise when all is over.

    Raises:
        Broken: if a promise does not hold.
    """
    station = Station(folder)
    station.set_up()
    acknowledged, owed = list[Step](), list[Step]()
    descriptors = _open_files()

    def attempt(step: Step) -> None:
        if step.act == "reopen":
            owed.clear()  # who pressed the button is gone with the process
        try:
            station.do(step)
        except (NotSaved, OSError, SettingsError) as error:
            if not isinstance(error, NotSaved) and station.store is not None:
                raise Broken(f"the store raised {error!r} instead of NotSaved") from error
            if step.act == "append":
                owed.append(step)
            return
        if step.act == "append":
            acknowledged.append(step)

    def try_again() -> None:
        fault.repaired = True
        again = owed[:]
        owed.clear()
        for step in again:
            attempt(step)
        if owed:
            raise Broken("the disk is repaired, and the store still does not write")

    with watched(fault):
        for step in steps:
            attempt(step)
            if owed and at_once:
                try_again()
        try_again()
        station.close()
    if _open_files() != descriptors:
        raise Broken("a file was left open")
    check(folder, steps, acknowledged)
    return fault.injected


def fail_everywhere(
    folder: Path, steps: Sequence[Step], *, at_most: int | None = None, chance: random.Random | None = None
) -> int:
    """Injects every fault at every call of the steps, and returns how many runs had one.

    Args:
        folder: where the data folders are made, and removed again.
        steps: what is done.
        at_most: the number of faults after which that is enough.
        chance: picks them; by default they come in order.

    Raises:
        Broken: if a promise does not hold.
    """
    names = trace(folder / "whole", steps)
    faults = [(fault, at_once) for fault in breaks(names) for at_once in (False, True)]
    if chance is not None:
        chance.shuffle(faults)
    hit = 0
    for count, (fault, at_once) in enumerate(faults[:at_most]):
        data = folder / str(count)
        try:
            hit += survive(data, steps, fault, at_once=at_once) > 0
        except Broken as broken:
            where = f"{fault}, {names[fault.at - 1]}, tried again {'at once' if at_once else 'at the end'}"
            raise Broken(f"{where}: {broken}") from broken
        shutil.rmtree(data)
    return hit
