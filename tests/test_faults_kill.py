"""A process that writes the log is killed at every call that it makes: whatever it had acknowledged is there."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.faults.killing import kill_everywhere
from tests.faults.script import drawn, small_and_quick, usual

pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")]


def test_killed_at_every_call(record_property: Callable[[str, object], None]) -> None:
    with small_and_quick() as folder:
        kills = kill_everywhere(folder, usual())
    record_property("faults", kills)
    assert kills > 100


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_every_call_of_a_script_by_chance(seed: int, record_property: Callable[[str, object], None]) -> None:
    with small_and_quick() as folder:
        kills = kill_everywhere(folder, drawn(random.Random(seed)))
    record_property("faults", kills)
    assert kills > 50
