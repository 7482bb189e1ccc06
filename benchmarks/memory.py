"""How much memory visits leave in a kiosk that runs on: `python -m benchmarks.memory`.

In processes of their own (`tests.memory`): with all screens, driven by keys without a terminal; and a station that
nobody looks at, for ten times as many visits in the same time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.measuring import Goal, Result
from benchmarks.stations import Yard
from tests.plain import ROOT

SIZES: Final = "resident MB after so many visits"
FIRST: Final = 10
"""Visits by which caches and pools have filled."""


def told(*arguments: str) -> dict[int, float]:
    """Megabytes by visits, as `tests.memory` says."""
    command = [sys.executable, "-m", "tests.memory", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return {int(visits): float(size) for visits, size in found[SIZES].items()}


def results(yard: Yard) -> Iterator[Result]:
    """The rows of the table."""
    for name, visits, arguments in (
        ("one running kiosk", yard.size.visits, ["--warm", str(FIRST)]),
        ("a station without a screen", yard.size.unseen, ["--without-screens", "--warm", str(FIRST)]),
    ):
        sizes = told("--visits", str(visits), *arguments)
        yield Result(
            f"memory of {name}, {max(sizes):,} visits on",
            sizes[max(sizes)],
            "MB",
            sizes[min(sizes)],
            f"after {FIRST} visits",
            goal=Goal("less than 5 % more", "peer", 1.05),
            spread=f"{min(sizes.values())}-{max(sizes.values())}",
        )


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main([Path(__file__).stem, *sys.argv[1:]]))
