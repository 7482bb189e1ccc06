"""Kills a process at every call that it makes to the operating system while it writes the log."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.faults.apart import apart, was_killed
from tests.faults.calls import CHANGING, Kill, watched
from tests.faults.script import Broken, Station, Step, check, run


def trace(folder: Path, steps: Sequence[Step]) -> list[str]:
    """The names of all calls that the steps make, in order."""
    Station(folder).set_up()
    with watched(lambda call: call.do()) as calls:
        run(folder, steps, lambda step: None)
    return calls.names


def moments(names: Sequence[str]) -> Iterator[Kill]:
    """A kill before the first call, after each that changes something, and in the middle of each write."""
    yield Kill(1, "before")
    for number, name in enumerate(names, start=1):
        if name == "write":
            yield Kill(number, "half")
        if name in (*CHANGING, "truncate"):
            yield Kill(number, "after")


def acknowledged_until(kill: Kill, folder: Path, steps: Sequence[Step], prepare: Callable[[], None]) -> int:
    """How many appends a process that is killed has acknowledged; it tells each over a pipe, as a screen would.

    Raises:
        Broken: if the process ended in another way.
    """

    def act(tell: Callable[[bytes], object]) -> None:
        prepare()
        with watched(kill):
            run(folder, steps, lambda step: tell(b"."))

    told, status = apart(act)
    if not was_killed(status):
        raise Broken(f"the process was to be killed ({kill}), and ended with {status}")
    return len(told)


def kill_everywhere(
    folder: Path, steps: Sequence[Step], *, prepare: Callable[[], None] = lambda: None, at_most: int | None = None
) -> int:
    """Kills a process at each moment of the steps, checks the log each time, and returns how often.

    Args:
        folder: where the data folders are made, and removed again.
        steps: what the process does.
        prepare: called in the process before it begins, to leave something out of the store.
        at_most: the number of kills after which that is enough.

    Raises:
        Broken: if a promise does not hold.
    """
    appends = [step for step in steps if step.act == "append"]

    def act(tell: Callable[[bytes], object]) -> None:
        prepare()  # what is left out changes the calls, and must not be left out here
        tell(" ".join(trace(folder / "whole", steps)).encode())

    told, status = apart(act)
    if status:
        raise RuntimeError("the steps do not even work where nothing fails")
    names = told.decode().split()
    count = 0
    for kill in list(moments(names))[:at_most]:
        data = folder / f"{kill.at}-{kill.when}"
        Station(data).set_up()
        known = acknowledged_until(kill, data, steps, prepare)
        try:
            check(data, steps, appends[:known], retry=appends[known : known + 1])
        except Broken as broken:
            raise Broken(f"killed {kill.when} call {kill.at} ({names[kill.at - 1]}): {broken}") from broken
        shutil.rmtree(data)
        count += 1
    return count
