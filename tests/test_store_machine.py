"""The log against a plain list, through whatever may happen to a station: faults, crashes, a clock that is lost."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from kiosk import segments
from kiosk.errors import NotSaved
from kiosk.records import SHANGHAI
from tests import plain
from tests.faults.calls import KINDS, SPANS, Break, Call, watched
from tests.faults.script import EPOCH, SMALL, STATION, Station, Step, notes, small_and_quick

COUNTS = st.integers(1, SMALL)
CALLS = st.integers(1, 30)
CLOCKS = [
    datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
    for text in ("2021-12-06T08:00", "2021-12-06T23:59", "2021-12-07T00:00", "1970-01-01T00:00", "2038-01-19T11:14")
]


class Crash(BaseException):
    """The process is gone: nothing catches it, and nothing is done after it."""


class Machine(RuleBasedStateMachine):
    """`model` is what was acknowledged, in order; `doubtful` what was once not, and may be there all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.surroundings = ExitStack()
        self.station = Station(self.surroundings.enter_context(small_and_quick()) / "data")
        self.station.set_up()
        self.station.open()
        self.now = CLOCKS[0]
        self.model: list[str] = []
        self.owed: list[Step] = []
        self.tried: list[Step] = []
        self.doubtful: set[str] = set()

    def _write(self, step: Step) -> None:
        try:
            self.station.do(step)
        except NotSaved:
            self.doubtful |= set(step.ids)
            self.owed.append(step)
        else:
            self.model += step.ids

    def _new(self, count: int) -> Step:
        step = Step("append", self.now, notes(count, self.now))
        self.tried.append(step)
        return step

    @rule(count=COUNTS)
    def write(self, count: int) -> None:
        step = self._new(count)
        self._write(step)
        assert step not in self.owed

    @rule(count=COUNTS, at=CALLS, kind=st.sampled_from(KINDS[:3]), span=st.sampled_from(SPANS))
    def write_on_a_failing_disk(self, count: int, at: int, kind: str, span: str) -> None:
        fault = Break(at, kind=kind, span=span)
        with watched(lambda call: call.do() if call.name == "read" else fault(call)):
            self._write(self._new(count))

    @rule()
    def retry(self) -> None:
        owed, self.owed = self.owed, []
        for step in owed:
            self._write(Step("append", self.now, step.drafts))
        assert not self.owed

    @rule(at=CALLS, count=COUNTS)
    def crash(self, at: int, count: int) -> None:
        def on_call(call: Call) -> Any:
            if call.number >= at:
                raise Crash
            return call.do()

        step = self._new(count)
        try:
            with watched(on_call):
                self._write(step)
        except Crash:
            self.doubtful |= set(step.ids)
        self.owed.clear()  # it was in the memory of the process only
        self.reopen()

    @rule()
    def reopen(self) -> None:
        self.owed.clear()
        store = self.station.open()
        assert (store.epoch, store.set_aside, store.missing) == (EPOCH, [], None)

    @rule()
    def seal(self) -> None:
        self.station.do(Step("seal", self.now))

    @rule(now=st.sampled_from(CLOCKS))
    def lose_the_clock(self, now: datetime) -> None:
        self.now = now

    @invariant()
    def what_was_acknowledged_is_there_once_and_in_order(self) -> None:
        there = plain.ids(self.station.folder)
        sure = [id_ for id_ in self.model if id_ not in self.doubtful]
        assert [id_ for id_ in there if id_ not in self.doubtful] == sure
        counts = Counter(there)
        assert set(counts.values()) <= {1}
        assert set(self.model) <= set(there) <= set(self.model) | self.doubtful
        assert all(len({counts[id_] for id_ in step.ids}) == 1 for step in self.tried)

    @invariant()
    def it_verifies(self) -> None:
        assert segments.verify(self.station.folder, STATION) == []

    def teardown(self) -> None:
        self.station.close()
        self.surroundings.close()


@pytest.mark.parametrize("examples", [20, pytest.param(400, marks=[pytest.mark.faults, pytest.mark.timeout(600)])])
def test_the_log_is_as_a_plain_list(examples: int) -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            derandomize=examples < 100,
            suppress_health_check=list(HealthCheck),
        ),
    )
