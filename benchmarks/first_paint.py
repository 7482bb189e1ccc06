"""From the start of the process to the welcome page as it is seen: `python -m benchmarks.first_paint [DAYS]`.

Over a pty, a new station and one with a history of so many days (by default 300, of 1,000 records each) in turn.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.history import START, add_days, make_station
from kiosk.clock import system_clock
from kiosk.station import Station
from tests.terminal import kiosk, terminal

ROUNDS = 15
SEEN = "第一次来"


def once(folder: Path) -> float:
    """Milliseconds of one start."""
    began = time.monotonic()
    with terminal(kiosk(folder)) as screen:
        screen.wait_for(SEEN)
        return (time.monotonic() - began) * 1000


def main(days: int) -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory(prefix="kiosk-paint-") as name:
        new, old = Path(name) / "new", Path(name) / "old"
        make_station(new)
        make_station(old)
        add_days(old, days)
        for folder in (new, old):
            Station(folder, clock=lambda: max(system_clock(), START + timedelta(days=days))).close()  # makes the index
        taken: dict[Path, list[float]] = {new: [], old: []}
        for _round in range(ROUNDS):
            for folder, times in taken.items():
                times.append(once(folder))
        middle = {folder: statistics.median(times) for folder, times in taken.items()}
        ratio = middle[old] / middle[new]
        print(f"new {middle[new]:.0f} ms, after {days * 1000:,} records {middle[old]:.0f} ms: {ratio:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
