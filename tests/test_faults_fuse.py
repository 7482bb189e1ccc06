"""The store on a file system of its own that forgets what was not synced when the power goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from kiosk.errors import KioskError
from tests.faults.forgetful import Power, missing, mounted
from tests.faults.script import Broken, Station, Step, check, usual
from tests.test_faults_controls import as_before, in_place, stock, without_sync_of_files, without_sync_of_folders

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(missing()), reason=f"no file system of our own: {missing()}"),
]

Count = Callable[[str, object], None]


@pytest.fixture
def power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Power]:
    from kiosk import store as store_module
    from tests.faults.script import SMALL

    monkeypatch.setattr(store_module, "SEGMENT_SIZE", SMALL)
    (folder := tmp_path / "disk").mkdir()
    with mounted(folder) as switch:
        yield switch


def survive(power: Power, after: int, seed: int, prepare: Callable[[], None]) -> bool:
    """Takes the power after so many changes, gives it back and checks; False where the script was over before.

    Raises:
        Broken: if a promise does not hold.
    """
    power.reset()
    steps, acknowledged = usual(), list[Step]()
    station = Station(power.root / "data")
    station.set_up()
    begun, gone = power.changes, False
    power.cut(after, seed)
    with as_before():
        prepare()
        try:
            for step in steps:
                station.do(step)
                acknowledged += [step] if step.act == "append" else []
        except (OSError, KioskError):
            gone = True
        with suppress(OSError, KioskError):
            station.close()
    if not gone and power.changes - begun < after:
        return False
    power.on()
    known = len(acknowledged)
    owed = [step for step in steps if step.act == "append"][known : known + 1]
    try:
        check(station.folder, steps, acknowledged, retry=owed)
    except (Broken, KioskError) as broken:
        raise Broken(f"the power went after {known} acknowledged appends: {broken}") from broken
    return True


def everywhere(power: Power, seeds: int, prepare: Callable[[], None] = lambda: None) -> int:
    """Power cuts after each change of the usual script, so many times; returns how many there were."""
    cuts = 0
    for seed in range(seeds):
        after = 1
        while survive(power, after, seed * 1000 + after, prepare):
            after += 1
        cuts += after - 1
    return cuts


def test_ours_survives_every_power_cut(power: Power, record_property: Count) -> None:
    cuts = everywhere(power, seeds=4)
    record_property("faults", cuts)
    assert cuts > 300


@pytest.mark.parametrize("control", [without_sync_of_files, without_sync_of_folders, in_place, stock])
def test_a_control_fails(power: Power, control: Callable[[], None]) -> None:
    with pytest.raises(
        Broken, match=r"the power went after \d+ acknowledged appends: (acknowledged|plain|verify|half|the log)"
    ):
        everywhere(power, seeds=20, prepare=control)
