"""Every prefix of what the store does to a disk, with what was not synced there or not; and without each fsync."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

import pytest

from tests.faults.disk import PAGE, Disk, File, Folder
from tests.faults.script import Broken, small_and_quick, usual
from tests.faults.tracing import record, replay_everywhere, sites

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

Count = Callable[[str, object], None]
_OPENING: Final = "sync_folder < _find_end < __init__"
_FOLDERS: Final = "sync_folder < make_folder < _find_end < __init__"
BACKED: Final = {_FOLDERS: {_OPENING}}
"""Syncs that do what another does again: at an opening the folders are synced, whoever has made the names in them."""
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


def _fails(folder: Path, without: Collection[str]) -> bool:
    """Whether a promise breaks without these syncs: in a plain run, or in one whose process dies after a rename."""
    steps = usual()
    for dies_after in (None, 3, 6, 9):
        (disk := folder / f"{dies_after}").mkdir(exist_ok=True)
        try:
            replay_everywhere(folder, record(disk, steps, dies_after=dies_after), steps, SEED, without=without)
        except Broken:
            return True
    return False


def test_without_any_one_of_its_syncs_the_store_breaks_a_promise() -> None:
    with small_and_quick() as folder:
        (folder / "disk").mkdir()
        known = sites(record(folder / "disk", usual()))
    assert len(known) > 9
    assert set(BACKED) < set(known)
    for site in known:
        with small_and_quick() as folder:
            assert _fails(folder, {site, *BACKED.get(site, ())}), f"nothing hangs on {site}"


def test_what_is_backed_needs_what_backs_it() -> None:
    for site in BACKED:
        with small_and_quick() as folder:
            assert not _fails(folder, {site}), f"{site} is backed by nothing: take it off the list"


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
