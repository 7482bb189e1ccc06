"""From the start of the process to the whole first screen, beside a bare Textual app and a well-known one.

`python -m benchmarks.first_paint`. Over a pty, a new station and one with a year of history, all in turn.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.bare import STILL
from benchmarks.measuring import Goal, Result, in_turn
from benchmarks.painting import first_frame
from benchmarks.stations import Yard
from tests.plain import ROOT
from tests.terminal import kiosk

MARK = "English"
"""At the end of the last line of the welcome page."""
PEER, PEER_MARK = ROOT / ".venv-peers" / "bin" / "harlequin", "Format Query"
GOAL = Goal("at most 1.3 x a bare app", "limit", 1.3)


def results(yard: Yard) -> Iterator[Result]:
    """The rows of the table."""
    with tempfile.TemporaryDirectory(prefix="kiosk-home-") as home:
        programs: dict[str, Callable[[], float]] = {
            "bare": partial(first_frame, [sys.executable, "-m", "benchmarks.bare", "still"], STILL),
            "new": partial(first_frame, kiosk(yard.new), MARK),
            "year": partial(first_frame, kiosk(yard.year), MARK),
        }
        if PEER.exists():
            programs["harlequin"] = partial(first_frame, [str(PEER)], PEER_MARK, HOME=home)
        for once in programs.values():
            once()  # what only the first start costs: files that are not in memory yet
        found = in_turn(programs, yard.size.starts)
    peer = found["harlequin"].median if "harlequin" in found else None
    for which, name in (("new", "an empty station"), ("year", f"{yard.size.days} days of history")):
        yield Result(
            f"first paint, {name}",
            found[which].median,
            "ms",
            peer,
            "harlequin" if peer else None,
            found["bare"].median,
            "bare Textual app",
            GOAL,
            spread=found[which].spread,
        )


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main([Path(__file__).stem, *sys.argv[1:]]))
