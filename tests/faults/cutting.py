"""Cuts the power before and after every fsync of a script, by the model in `tests.power`, and checks what is left."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.script import Broken, Station, Step, check, run
from tests.power import CRUELTIES, State, power, restore


def cut_everywhere(folder: Path, steps: Sequence[Step], *, prepare: Callable[[], None] = lambda: None) -> int:
    """Checks what each power cut leaves of the log, and returns how many different ones there were.

    Args:
        folder: where the data folders are made.
        steps: what is done.
        prepare: called before it begins, to leave something out of the store.

    Raises:
        Broken: if a promise does not hold.
    """
    appends = [step for step in steps if step.act == "append"]
    acknowledged = list[Step]()
    cuts: dict[tuple[int, frozenset[tuple[str, bytes]]], State] = {}
    disk = folder / "disk"
    disk.mkdir()
    with power(disk) as watched:
        data = disk / "data"
        Station(data).set_up()
        prepare()

        def cut() -> None:
            for cruelty in CRUELTIES:
                state = watched.cut(cruelty)
                cuts[len(acknowledged), frozenset(state.items())] = state

        watched.before_sync = cut
        run(data, steps, acknowledged.append)
        cut()
        watched.before_sync = lambda: None
    for (known, _state), state in cuts.items():
        left = folder / "left"
        data = restore(state, left) / "data"
        try:
            check(data, steps, appends[:known], retry=appends[known : known + 1])
        except Broken as broken:
            raise Broken(f"the power went after {known} acknowledged appends: {broken}") from broken
        shutil.rmtree(left)
    shutil.rmtree(disk)
    return len(cuts)
