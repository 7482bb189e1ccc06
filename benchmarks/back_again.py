"""From the key at which the kiosk fails inside to the welcome page as it is seen: `python -m benchmarks.back_again`.

Over a pty, with a method that is made to raise. The key itself waits 50 ms, since it may begin a scan. The figures are
for a person to read; no test depends on them.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.tent import Tent, pitch, standing

TIMES = 3
"""Failures of one process: more in a few seconds slow the restart down on purpose."""
BACK = "请重新开始"
BROKEN = ("kiosk.screens.consent:ConsentPage.take", "kiosk.station:Station.decline")


def once(tent: Tent, folder: Path, method: str) -> list[float]:
    """Milliseconds of each of some failures of one process."""
    taken = []
    with standing(tent, folder, **{"break": f"{method}=broken"}) as visitor:
        for _ in range(TIMES):
            visitor.press("\r")
            visitor.sees("ConsentPage")
            visitor.terminal.settle(0.3)
            start = time.monotonic()
            visitor.terminal.send("0")
            visitor.terminal.wait_for(BACK)
            taken.append((time.monotonic() - start) * 1000)
            visitor.sees("WelcomePage")
    return taken


def main(rounds: int) -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tent = pitch(folder / "data")
        for method in BROKEN:
            taken = [one for _ in range(rounds) for one in once(tent, folder, method)]
            print(f"{method}: median {statistics.median(taken):.0f} ms, longest {max(taken):.0f} ms of {len(taken)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
