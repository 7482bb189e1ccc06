"""Stations, servers and headquarters are killed at random; nothing is missing and nothing is there twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from kiosk import sync
from kiosk.hq import collecting
from kiosk.hq.rows import Opened
from kiosk.segments import Sealed
from tests.faults.end_to_end import Broken, run, told

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


def test_two_hundred_kills_and_nothing_is_missing_or_there_twice(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    faults = run(tmp_path, 200, 26)
    record_property("faults", sum(count for what, count in faults.items() if what != "records"))
    print(told(faults))
    assert faults["kills of a station"] >= 100
    assert faults["kills of headquarters"] >= 20
    assert faults["kills of servers"] >= 10
    assert faults["replayed objects"] > 0
    assert faults["records"] > 1000


def _forgets_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A headquarters that takes something for done that a crash has kept from being written."""
    real = collecting._Collecting._take

    def take(self: Any, batch: Sequence[Opened]) -> None:
        if random.random() < 0.5:
            real(self, batch)

    monkeypatch.setattr(collecting._Collecting, "_take", take)


def _names_what_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A station that believes that it has handed over what it has not."""

    def publish(self: Any, wanted: Sequence[Sealed]) -> set[Path]:
        return set()

    monkeypatch.setattr(sync._Exchange, "_publish", publish)


@pytest.mark.parametrize("sabotage", [_forgets_a_batch, _names_what_is_not_there])
def test_a_control_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sabotage: Callable[..., None]) -> None:
    sabotage(monkeypatch)
    with pytest.raises(Broken):
        run(tmp_path, 12, 3)
