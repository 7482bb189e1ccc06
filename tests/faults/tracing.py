"""Records what a script does to its folder, call by call, and checks what a power cut after each call may leave of it.

The recorded calls are done again on a `Disk`. Every prefix of them is looked at, and of each the states in which names
and pages that were not synced have reached the disk or not. Left out of the trace are the calls of one fsync, as if the
code had none there: then a promise has to break.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import kiosk
from kiosk.errors import KioskError
from tests.faults.calls import Call, watched
from tests.faults.disk import Disk, File, Folder
from tests.faults.script import Broken, Station, Step, check
from tests.power import State, restore

_KIOSK: Final = str(Path(kiosk.__file__).parent)


@dataclass(frozen=True)
class Event:
    """One call, as a method of `Disk` and what it is given.

    `set up` when there is a station, `step` when a step is over, `ack` when it was an append.

    Attributes:
        site: of a sync, what is synced and the functions that asked for it, the innermost first.
    """

    act: str
    given: tuple[Any, ...] = ()
    site: str = ""

    def on(self, disk: Disk) -> None:
        if self.act == "make file":
            disk.make(self.given[0], File())
        elif self.act == "make folder":
            disk.make(self.given[0], Folder())
        elif self.act not in ("set up", "ack", "step"):
            getattr(disk, self.act)(*self.given)


class Recorder:
    """Takes down the calls that concern a folder."""

    def __init__(self, root: Path) -> None:
        self.events: list[Event] = []
        self._root, self._disk = root, Disk()
        self._open: dict[int, int] = {}
        self._paths: dict[int, str] = {}
        self._at: dict[int, int] = {}

    def note(self, act: str, *given: Any, site: str = "") -> None:
        event = Event(act, given, site)
        event.on(self._disk)
        self.events.append(event)

    def _inside(self, path: Any) -> str | None:
        path = Path(path)
        return str(path.relative_to(self._root)) if path.is_relative_to(self._root) else None

    def __call__(self, call: Call) -> Any:
        done = call.do()
        given = call.arguments
        if call.name == "open" and (path := self._inside(given[0])) is not None:
            self._opened(done, path, given[1])
        elif call.name == "close":
            self._open.pop(given[0], None)
        elif call.name == "write" and given[0] in self._open:
            descriptor, content = given
            self.note("write", self._open[descriptor], self._at[descriptor], bytes(content)[:done])
            self._at[descriptor] += done
        elif call.name == "fsync" and given[0] in self._open:
            self.note("sync", self._open[given[0]], site=f"{self._paths[given[0]]}: {_site()}")
        elif call.name in ("rename", "replace"):
            self.note("rename", *map(self._inside, given))
        elif call.name == "unlink":
            self.note("remove", self._inside(given[0]))
        elif call.name == "mkdir" and (path := self._inside(given[0])) is not None:
            self.note("make folder", path)
        return done

    def _opened(self, descriptor: int, path: str, flags: int) -> None:
        try:
            inode = self._disk.find(path if path != "." else "")
        except KeyError:
            self.note("make file", path)
            inode = self._disk.find(path)
        if flags & os.O_TRUNC:
            self.note("truncate", inode, 0)
        self._open[descriptor], self._at[descriptor] = inode, 0
        self._paths[descriptor] = path.removesuffix(f".{os.getpid()}")


def _site() -> str:
    frame: FrameType | None = sys._getframe(1)
    names: list[str] = []
    while frame is not None and len(names) < 4:
        if frame.f_code.co_filename.startswith(_KIOSK):
            names.append(frame.f_code.co_name)
        frame = frame.f_back
    return " < ".join(names)


class _Dead(BaseException):
    """The process is gone: whatever it would still do does not happen."""


def record(
    folder: Path, steps: Sequence[Step], *, dies_after: int | None = None, notes_segments: bool = True
) -> list[Event]:
    """Does the steps in a new folder, from the set-up on, and returns what was done to it.

    Args:
        folder: an empty folder.
        steps: what is done.
        dies_after: the number, from 1, of the rename after which the process dies; another one goes on from there.
        notes_segments: whether the station's settings can be written after the set-up, as they cannot on a full disk.
    """
    recorder = Recorder(folder)
    data, renames, dead = folder / "data", 0, False
    station = Station(data, notes_segments=notes_segments)

    def on_call(call: Call) -> Any:
        nonlocal renames, dead
        if dead:
            raise _Dead
        done = recorder(call)
        renames += call.name in ("rename", "replace")
        if renames == dies_after:
            dead = True
            raise _Dead
        return done

    with watched(on_call), suppress(_Dead):
        station.set_up()
        recorder.note("set up")
        _go_on(station, steps, recorder)
    station.close()  # the lock is given back when a process dies
    if dead:
        again = Station(data)
        done = sum(event.act == "step" for event in recorder.events)
        with watched(recorder):
            _go_on(again, steps[done:], recorder)
    return recorder.events


def _go_on(station: Station, steps: Sequence[Step], recorder: Recorder) -> None:
    for step in steps:
        station.do(step)
        recorder.note("step")
        if step.act == "append":
            recorder.note("ack")
    station.close()


def recorded(folder: Path, act: Callable[[], object]) -> list[Event]:
    """What somebody does to an empty folder."""
    recorder = Recorder(folder)
    with watched(recorder):
        act()
    return recorder.events


def left_at_the_end(events: Sequence[Event], seed: int, *, without: Collection[str] = ()) -> Iterator[State]:
    """What a power cut leaves when all is over; the arguments are those of `replay_everywhere`."""
    disk = Disk()
    for event in events:
        if event.act != "sync" or event.site not in without:
            event.on(disk)
    yield from disk.left(random.Random(seed))


def sites(events: Sequence[Event]) -> list[str]:
    """Where the code syncs, as far as it was recorded."""
    return list(dict.fromkeys(event.site for event in events if event.act == "sync"))


def cuts(
    events: Sequence[Event], chance: random.Random, *, without: Collection[str] = ()
) -> Iterator[tuple[int, State]]:
    """What power cuts leave: how many appends had returned, or -1 before there was a station, and the state; each once.

    Args:
        events: what was recorded.
        chance: picks among too many states.
        without: the sites of syncs that are left out.
    """
    disk, known, seen = Disk(), -1, set()
    for event in events:
        if event.act != "sync" or event.site not in without:
            event.on(disk)
        known += event.act in ("set up", "ack")
        for state in disk.left(chance):
            key = (known, hash(frozenset(state.items())))
            if key not in seen:
                seen.add(key)
                yield known, state


def replay_everywhere(
    folder: Path, events: Sequence[Event], steps: Sequence[Step], seed: int, *, without: Collection[str] = ()
) -> int:
    """Checks what each power cut leaves of the log, and returns how many different ones there were.

    Args:
        folder: where what is left is laid out.
        events: the recorded script.
        steps: the script.
        seed: of the sample where there are too many states.
        without: the sites of syncs that are left out.

    Raises:
        Broken: if a promise does not hold.
    """
    appends = [step for step in steps if step.act == "append"]
    count = 0
    for known, state in cuts(events, random.Random(seed), without=without):
        if known < 0 and "data/station.json" not in state:
            continue  # the set-up was not finished
        known = max(known, 0)
        left = folder / "left"
        data = restore(state, left) / "data"
        try:
            check(data, steps, appends[:known], retry=appends[known : known + 1])
        except (Broken, KioskError) as broken:
            raise Broken(f"the power went after {known} acknowledged appends: {broken}") from broken
        finally:
            shutil.rmtree(left, ignore_errors=True)
        count += 1
    return count
