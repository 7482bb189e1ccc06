"""Two threads act on one station, and calls fail or the process is killed: nothing is lost, nothing is there twice."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import nullcontext
from itertools import cycle
from typing import Any

import pytest

from kiosk.station import Station
from tests.faults import together
from tests.faults.calls import SPANS, Break, Kill
from tests.faults.script import Broken, small_and_quick

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]

Count = Callable[[str, object], None]
CALLS = 300
"""About so many calls the two make."""


def test_calls_fail_while_two_act(record_property: Count) -> None:
    ways = cycle((number, span) for span in SPANS for number in (errno.EIO, errno.ENOSPC))
    faults = [
        Break(at, number, kind, span)
        for at, (number, span) in zip(range(1, CALLS, 2), ways, strict=False)
        for kind in ("error", "error though done")
    ]
    with small_and_quick() as folder:
        hit = together.fail_together(folder, faults)
    record_property("faults", hit)
    assert hit > 150


def test_a_process_in_which_two_act_is_killed(record_property: Count) -> None:
    with small_and_quick() as folder:
        count = together.kill_together(folder, [Kill(at, "after") for at in range(1, CALLS, 3)])
    record_property("faults", count)
    assert count > 80


class Unlocked(Station):
    """Whoever comes writes, whether somebody else does or not."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._writing = nullcontext()  # type: ignore[assignment]


def test_a_station_with_more_than_one_writer_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "Station", Unlocked)
    with small_and_quick() as folder, pytest.raises(Broken):
        together.fail_together(folder, [Break(10**6) for _ in range(20)])
