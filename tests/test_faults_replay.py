"""Every prefix of what the store does to a disk, with what was not synced there or not; and without each fsync."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from kiosk.settings import read_settings
from tests import plain
from tests.faults.disk import PAGE, Disk, File, Folder
from tests.faults.script import EPOCH, Broken, Station, Step, notes, small_and_quick, usual
from tests.faults.tracing import left_at_the_end, record, recorded, replay_everywhere, sites
from tests.power import restore

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

Count = Callable[[str, object], None]
_LEFT: Final = "data/records: sync_folder < move_durably < _seal"
"""A segment that is still in the folder that it has left counts once. What is set aside needs that line of the code."""
SEED: Final = 11


def states(disk: Disk) -> set[frozenset[tuple[str, bytes]]]:
    return {frozenset(state.items()) for state in disk.left(random.Random(SEED))}


def test_ours_survives_every_power_cut_at_every_call(record_property: Count) -> None:
    steps = usual()
    with small_and_quick() as folder:
        (folder / "disk").mkdir()
        cuts = replay_everywhere(folder, record(folder / "disk", steps), steps, SEED)
    record_property("faults", cuts)
    assert cuts > 150


@pytest.mark.parametrize("part", range(4))
def test_a_process_that_dies_after_a_rename_leaves_nothing_to_the_next_power_cut(
    part: int, record_property: Count
) -> None:
    """The next process goes on from names that nobody has synced."""
    steps, cuts = usual(), 0
    with small_and_quick() as folder:
        (folder / "disk").mkdir()
        renames = sum(event.act == "rename" for event in record(folder / "disk", steps))
        for place in range(2 + part, renames + 1, 4):  # the first one belongs to the set-up
            (disk := folder / f"{place}").mkdir()
            cuts += replay_everywhere(folder, record(disk, steps, dies_after=place), steps, SEED)
    record_property("faults", cuts)
    assert renames > 15
    assert cuts > 500


RUNS: Final[Sequence[Mapping[str, Any]]] = (
    {},
    {"notes_segments": False},
    *({"dies_after": rename} for rename in (3, 6, 9)),
)
"""How a script is run: plainly, with settings that cannot be written, and by a process that dies after a rename."""


def _fails(folder: Path, site: str) -> bool:
    """Whether a promise breaks without a sync."""
    steps = usual()
    for number, how in enumerate(RUNS):
        (disk := folder / f"{number}").mkdir()
        try:
            replay_everywhere(folder, record(disk, steps, **how), steps, SEED, without={site})
        except Broken:
            return True
    return False


def test_without_any_one_of_its_syncs_the_store_breaks_a_promise() -> None:
    with small_and_quick() as folder:
        (folder / "disk").mkdir()
        known = sites(record(folder / "disk", usual()))
    assert len(known) > 9
    needed = [site for site in known if not site.startswith(_LEFT)]
    assert len(known) - len(needed) == 2
    for site in needed:
        with small_and_quick() as folder:
            assert _fails(folder, site), f"nothing hangs on {site}"


def test_ours_survives_where_the_segment_cannot_be_noted(record_property: Count) -> None:
    steps = usual()
    with small_and_quick() as folder:
        (folder / "disk").mkdir()
        cuts = replay_everywhere(folder, record(folder / "disk", steps, notes_segments=False), steps, SEED)
    record_property("faults", cuts)
    assert cuts > 100


def test_what_was_set_aside_stays_aside_after_a_power_cut() -> None:
    """Without the one sync it is gone; without the other it is back where it was, and ends the next epoch, too."""
    steps = usual()
    with small_and_quick() as folder:
        (disk := folder / "disk").mkdir()
        station = Station(disk / "data")

        def act() -> None:
            station.set_up()
            for step in (*steps, Step("seal", steps[-1].at)):
                station.do(step)
            station.close()
            damaged = plain.segment_files(disk / "data")[0]
            descriptor = os.open(damaged, os.O_WRONLY | os.O_TRUNC)
            os.fsync(descriptor)
            os.close(descriptor)
            assert station.open().set_aside == [damaged.name]
            station.do(Step("append", steps[-1].at, notes(1, steps[-1].at)))
            station.close()

        events = recorded(disk, act)
        epoch = read_settings(disk / "data").epoch
        assert epoch != EPOCH

        def goes_on(without: Collection[str] = ()) -> bool:
            found = set[bool]()
            for state in left_at_the_end(events, SEED, without=without):
                again = Station(restore(state, folder / "left") / "data")
                kept = list((again.folder / "set-aside").iterdir())
                found.add((again.open().set_aside, len(kept), again.store and again.store.epoch) == ([], 1, epoch))
                again.close()
                shutil.rmtree(folder / "left")
            return found == {True}

        assert goes_on()
        moves = [site for site in sites(events) if "move_durably < _set_aside" in site]
        assert len(moves) == 2
        for site in moves:
            assert not goes_on({site}), f"nothing hangs on {site}"


# --- the disk itself ------------------------------------------------------------------------------------------------


def test_a_file_without_sync_is_whole_half_empty_or_not_there() -> None:
    disk = Disk()
    file = disk.make("a", File())
    disk.write(file, 0, b"12345678")
    assert states(disk) == {
        frozenset(),
        *(frozenset({("a", content)}) for content in (b"12345678", b"1234", b"", bytes(8))),
    }
    disk.sync(file)
    assert states(disk) == {frozenset(), frozenset({("a", b"12345678")})}
    disk.sync(Disk.ROOT)
    assert states(disk) == {frozenset({("a", b"12345678")})}


def test_pages_come_in_any_order() -> None:
    disk = Disk()
    file = disk.make("a", File())
    disk.write(file, 0, b"x" * PAGE + b"y" * PAGE)
    disk.sync(Disk.ROOT)
    contents = {content for state in states(disk) for _path, content in state}
    assert {bytes(PAGE) + b"y" * PAGE, b"x" * PAGE + bytes(PAGE)} <= contents


def test_a_file_that_was_emptied_is_the_old_one_the_new_one_or_empty() -> None:
    disk = Disk()
    disk.write(file := disk.make("a", File()), 0, b"1")
    disk.sync(file)
    disk.sync(Disk.ROOT)
    disk.truncate(file, 0)
    disk.write(file, 0, b"2")
    assert {b"1", b"2", b""} <= {dict(state)["a"] for state in states(disk)}


def test_a_file_that_moves_is_never_nowhere() -> None:
    disk = Disk()
    for folder in ("from", "to"):
        disk.make(folder, Folder())
    disk.sync(disk.make("from/a", File()))
    for path in ("", "from"):
        disk.sync(disk.find(path))
    disk.rename("from/a", "to/b")
    names = {tuple(sorted(path for path, _ in state if not path.endswith("/"))) for state in states(disk)}
    assert names == {("from/a",), ("to/b",), ("from/a", "to/b")}


def test_a_name_that_is_replaced_is_the_old_one_or_the_new_one() -> None:
    disk = Disk()
    for name, content in (("old", b"1"), ("new", b"2")):
        disk.write(file := disk.make(name, File()), 0, content)
        disk.sync(file)
    disk.sync(Disk.ROOT)
    disk.rename("new", "old")
    found = {dict(state)["old"] for state in states(disk)}
    assert found == {b"1", b"2"}
