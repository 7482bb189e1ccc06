"""The checks of the fault suite can tell: a storage that lacks something fails them. One that passes fails here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tinydb.storages import JSONStorage

from kiosk import durable
from kiosk import store as store_module
from tests.faults.cutting import cut_everywhere
from tests.faults.failing import fail_everywhere
from tests.faults.killing import kill_everywhere
from tests.faults.script import Broken, small_and_quick, usual

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]

Count = Callable[[str, object], None]


class Stock(JSONStorage):
    """TinyDB's own storage, under the arguments of ours."""

    def __init__(self, path: Path, temporary: Path) -> None:
        super().__init__(str(path), encoding="utf-8")


def stock() -> None:
    store_module.DurableStorage = Stock  # type: ignore[misc, assignment]


def in_place() -> None:
    """No temporary file and no rename."""

    def write(path: Path, content: bytes, temporary: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        durable.sync_folder(path.parent)

    vars(store_module)["write_durably"] = write


def without_sync_of_files() -> None:
    real = os.fsync
    setattr(os, "fsync", lambda fd: real(fd) if Path(f"/proc/self/fd/{fd}").is_dir() else None)  # noqa: B010


def without_sync_of_folders() -> None:
    durable.sync_folder = lambda path: None
    vars(store_module)["sync_folder"] = lambda path: None


@contextmanager
def as_before() -> Iterator[None]:
    """What a control leaves out meanwhile is there again afterwards."""
    with pytest.MonkeyPatch.context() as patched:
        for owner, name in (
            (store_module, "DurableStorage"),
            (store_module, "write_durably"),
            (store_module, "sync_folder"),
            (durable, "sync_folder"),
            (os, "fsync"),
        ):
            patched.setattr(owner, name, getattr(owner, name))
        yield


@pytest.fixture
def restored() -> Iterator[None]:
    with as_before():
        yield


def test_ours_survives_every_power_cut(record_property: Count) -> None:
    with small_and_quick() as folder:
        cuts = cut_everywhere(folder, usual())
    record_property("faults", cuts)
    assert cuts > 50


@pytest.mark.parametrize("control", [without_sync_of_files, without_sync_of_folders, in_place, stock])
@pytest.mark.usefixtures("restored")
def test_a_control_fails_under_power_cuts(control: Callable[[], None]) -> None:
    with small_and_quick() as folder, pytest.raises(Broken, match="the power went after"):
        cut_everywhere(folder, usual(), prepare=control)


@pytest.mark.parametrize("control", [in_place, stock])
@pytest.mark.usefixtures("restored")
def test_a_control_fails_when_it_is_killed(control: Callable[[], None]) -> None:
    with small_and_quick() as folder, pytest.raises(Broken, match="killed"):
        kill_everywhere(folder, usual(), prepare=control)


@pytest.mark.parametrize("control", [in_place, stock])
@pytest.mark.usefixtures("restored")
def test_a_control_fails_when_calls_fail(control: Callable[[], None]) -> None:
    control()
    with small_and_quick() as folder, pytest.raises(Broken, match=re.escape("tried again")):
        fail_everywhere(folder, usual())
