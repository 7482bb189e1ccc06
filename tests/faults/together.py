"""Two threads act on one station, while calls fail or the process is killed; and what must hold of its log then.

Each thread serves a person of its own, both serve one that they share, and one of them seals. A station has one writer:
whatever the order in which they come, nothing is lost, and nothing is there twice.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from kiosk import audit, demo
from kiosk.arriving import Admission
from kiosk.errors import KioskError, NotPossible, NotSaved
from kiosk.records import SHANGHAI
from kiosk.rules import Application
from kiosk.station import Station
from tests import factories, plain
from tests.faults.apart import apart, was_killed
from tests.faults.calls import CHANGING, Break, Call, Kill, watched
from tests.faults.script import Broken

_NOW: Final = datetime(2021, 12, 6, 11, 0, tzinfo=SHANGHAI)
_SHARED: Final = 60
_OWN: Final = (61, 62)


def make(folder: Path) -> Path:
    """The data folder of a station with some people, to be copied."""
    demo.make(folder / "made", lambda: _NOW - timedelta(hours=1))
    return folder / "made"


@dataclass(frozen=True)
class Act:
    """One thing that is done at the station.

    Attributes:
        do: does it.
        then: is given what that has returned.
        is_retried: whether what could not be saved is written again as it was decided; otherwise all is done anew, as
            for somebody who has left and comes again.
    """

    do: Callable[[], Any]
    then: Callable[[Any], object] = lambda outcome: None
    is_retried: bool = True


@dataclass
class Thread:
    """What one of the two does, in order.

    Attributes:
        own: the number of the person that is this thread's alone.
        done: is told of each record that was acknowledged.
        owed: what could not be done yet.
        unexpected: what was raised that no screen can tell.
    """

    station: Station
    own: int
    done: Callable[[str], object]
    owed: list[Act] = field(default_factory=list)
    unexpected: list[BaseException] = field(default_factory=list)
    _who: str = ""

    def acts(self) -> list[Act]:
        seal = [Act(self.station.seal, is_retried=False)] if self.own == _OWN[0] else []
        order, temperature = (self._serve("start_duty", "duty_started", duty) for duty in ("order", "temperature"))
        leave = self._serve("check_out", "checked_out")
        return [self._admit(self.own), order, *seal, self._admit(_SHARED), temperature, leave]

    def _admit(self, number: int) -> Act:
        given = factories.answers(self.station.campaign, self.station.today())
        who = Application(factories.applicant(number), given, True)

        def admitted(admission: Admission) -> None:
            if admission.volunteer is None:
                raise Broken(f"somebody who may serve was turned away: {admission}")
            if number == self.own:
                self._who = admission.volunteer
            self.done(f"checked_in {admission.volunteer}")

        return Act(lambda: self.station.check_in(who), admitted, is_retried=number == self.own)

    def _serve(self, name: str, record: str, *duty: str) -> Act:
        def serve() -> None:
            if not self._who:
                raise NotPossible("nobody asks for it who is not registered yet")
            getattr(self.station, name)(self._who, *duty)

        return Act(serve, lambda _outcome: self.done(" ".join((record, self._who, *duty))))

    def run(self, acts: Iterable[Act]) -> None:
        """Does the acts; those that could not be are owed."""
        for act in acts:
            try:
                act.then(act.do())
            except NotSaved as failure:
                self.owed.append(Act(partial(self.station.retry, failure), act.then) if act.is_retried else act)
            except KioskError:  # nothing was written, such as for somebody who is not registered yet
                self.owed.append(act)
            except BaseException as error:
                self.unexpected.append(error)


@contextmanager
def _taking_turns() -> Iterator[None]:
    """Threads change places as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def act_together(folder: Path, on_call: Callable[[Call], object], done: Callable[[str], object]) -> list[str]:
    """Has two threads act on a station and then, when the disk is repaired, do what they owe; returns their calls.

    Args:
        folder: the data folder.
        on_call: is given each call, and lets it happen or not.
        done: is told of each record that was acknowledged.

    Raises:
        Broken: if something was raised that no screen can tell, or something is still owed at the end.
    """
    station = Station(folder, clock=lambda: _NOW)
    try:
        both = [Thread(station, own, done) for own in _OWN]
        begin = threading.Barrier(len(both))

        def go(thread: Thread) -> None:
            begin.wait()
            thread.run(thread.acts())

        with watched(on_call, every_thread=True) as calls, _taking_turns():
            running = [threading.Thread(target=go, args=(thread,)) for thread in both]
            for each in running:
                each.start()
            for each in running:
                each.join()
        for thread in both:
            owed, thread.owed = thread.owed, []
            thread.run(owed)
            if thread.unexpected or thread.owed:
                raise Broken(f"not done: {thread.unexpected} {thread.owed}")
    finally:
        station.close()
    return calls.names


def check(folder: Path, acknowledged: Sequence[str], *, whole: bool) -> None:
    """Whether what was acknowledged is there, nothing is there twice, and somebody else can come.

    Args:
        folder: the data folder, which nobody has open.
        acknowledged: records as `Thread` tells of them.
        whole: whether all was done in the end.

    Raises:
        Broken: if a promise does not hold.
    """
    if found := audit.verify(folder):
        raise Broken(f"verify: {found}")
    documents = plain.log(folder)
    told = ((d["type"], d["volunteer"], d.get("duty")) for d in documents)
    there = Counter(" ".join(filter(None, parts)) for parts in told)
    names = Counter(d["personal"]["name"] for d in documents if d["type"] == "registered")
    for number in (*_OWN, _SHARED):
        name = factories.applicant(number).name
        if names[name] > 1 or (whole and not names[name]):
            raise Broken(f"person {number} is registered {names[name]} times")
    for record in acknowledged:
        if there[record] != 1:
            raise Broken(f"acknowledged, and {there[record]} times there: {record}")
    if whole and len(set(acknowledged)) != 4 * len(_OWN) + 1:
        raise Broken(f"not all was done: {acknowledged}")
    again = Station(folder, clock=lambda: _NOW)
    try:
        if again.damage:
            raise Broken(f"damage: {again.damage}")
        given = factories.answers(again.campaign, again.today())
        if again.check_in(Application(factories.applicant(63), given, True)).outcome != "admitted":
            raise Broken("the next one is turned away")
    finally:
        again.close()
    if found := audit.verify(folder):
        raise Broken(f"verify after the next write: {found}")


def fail_together(folder: Path, faults: Sequence[Break]) -> int:
    """Lets calls of the two fail, and returns in how many runs one did."""
    made, hit = make(folder), 0
    for number, fault in enumerate(faults):
        data = Path(shutil.copytree(made, folder / str(number)))
        told: list[str] = []
        try:
            act_together(data, partial(_changing, fault), told.append)
            check(data, told, whole=True)
        except Broken as broken:
            raise Broken(f"{fault}: {broken}") from broken
        shutil.rmtree(data)
        hit += fault.injected > 0
    return hit


def _changing(fault: Break, call: Call) -> Any:
    """A file that cannot be read for good is damage, which has tests of its own."""
    return fault(call) if call.name in CHANGING else call.do()


def kill_together(folder: Path, kills: Sequence[Kill]) -> int:
    """Kills the process in which the two act, and returns how often that was."""
    made, count = make(folder), 0
    for number, kill in enumerate(kills):
        data = Path(shutil.copytree(made, folder / str(number)))
        told, killed = _until_killed(data, kill)
        try:
            check(data, told, whole=not killed)
        except Broken as broken:
            raise Broken(f"{kill}: {broken}") from broken
        shutil.rmtree(data)
        count += killed
    return count


def _until_killed(data: Path, kill: Kill) -> tuple[list[str], bool]:
    """What a process has acknowledged until it was killed, and whether it was: the order of its calls is not given."""
    told, status = apart(lambda tell: act_together(data, kill, lambda text: tell(f"{text}\n".encode())))
    if status and not was_killed(status):
        raise Broken(f"the process ended with {status}")
    return told.decode().splitlines(), was_killed(status)
