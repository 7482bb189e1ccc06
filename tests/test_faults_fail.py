"""Every call that writes the log fails, with EIO and with ENOSPC, once and for good, and is repaired again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.failing import fail_everywhere
from tests.faults.script import small_and_quick, usual

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


def test_every_call_fails(record_property: Callable[[str, object], None]) -> None:
    """Once, all of its kind, and everything from there on; tried again at once, and when all is over."""
    with small_and_quick() as folder:
        faults = fail_everywhere(folder, usual())
    record_property("faults", faults)
    assert faults > 500
