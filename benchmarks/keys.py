"""From a key in the identity form to its character on the screen, beside the same Input in a bare app.

`python -m benchmarks.keys`. Over two ptys, a key here and a key there in turn, at a person's pace.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.bare import STILL
from benchmarks.measuring import Goal, Result, Samples
from benchmarks.painting import painted, rest, shows, watched
from benchmarks.stations import Yard
from tests.terminal import Terminal, kiosk

LINE: Final = 30
"""Characters until the line is emptied: it would scroll, and be painted whole."""
PACE: Final = 0.1
"""Seconds from key to key; a scanner's are at most 0.05 apart."""
GOAL = "at most 1.5 x a bare app"


def to_identity(screen: Terminal) -> None:
    """From the welcome page to the form that asks for name and phone."""
    for sent, mark in (("", "English"), ("\r", "1"), ("1", ""), ("1", "姓名")):
        painted(screen, sent, mark, quiet=0.5)


def results(yard: Yard) -> Iterator[Result]:
    """The rows of the table."""
    ours, bare = watched(kiosk(yard.new)), watched([sys.executable, "-m", "benchmarks.bare", "input"])
    taken: dict[str, list[float]] = {"ours": [], "bare": []}
    try:
        to_identity(ours)
        painted(bare, "", STILL, quiet=0.5)
        for number in range(yard.size.keys):
            for name, screen in (("ours", ours), ("bare", bare)):
                if number % LINE == 0:
                    screen.send("\x15")
                    rest(screen, 0.5)
                taken[name].append(shows(screen, letter := chr(0x4E10 + number % LINE), letter))
                rest(screen, PACE / 2)
    finally:
        ours.close()
        bare.close()
    mine, peer = Samples(taken["ours"]), Samples(taken["bare"])
    for what, share in (("median", 50), ("p99", 99)):
        yield Result(
            f"key to paint, {what}",
            mine.percentile(share),
            "ms",
            peer.percentile(share),
            "Input in a bare app",
            goal=Goal(GOAL, "peer", 1.5),
            spread=mine.spread,
        )


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main([Path(__file__).stem, *sys.argv[1:]]))
