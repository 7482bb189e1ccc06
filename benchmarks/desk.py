"""The lead's roster of a day with 10,000 people, beside a plain DataTable with all rows.

`python -m benchmarks.desk`. Over two ptys in turn: from the key that opens the list until it is painted, and from each
key typed into its search until the list that matches is. `benchmarks.roster` has what it costs inside.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.bare import STILL
from benchmarks.history import PIN, days_of, extend, make_station
from benchmarks.measuring import Goal, Result, Samples
from benchmarks.painting import painted, rest, watched, which
from benchmarks.stations import Yard, midnight
from kiosk.clock import system_clock
from kiosk.records import new_volunteer_number
from kiosk.station import Station
from tests.terminal import kiosk

FRAMES: Final = 32.0
"""Milliseconds of two frames."""
PEER: Final = "DataTable with all rows"
QUIET: Final = 0.3
SUMMARY: Final = "签到次数"
"""Stands on the summary of the day only."""


def crowded(yard: Yard) -> Path:
    """A station at which so many people have come today."""
    folder = yard.folder / "crowded"
    today = midnight()
    make_station(folder, before=today - (system_clock() - today))
    people = [new_volunteer_number() for _ in range(yard.size.people)]
    so_far = system_clock() - today
    every = so_far / (2 * len(people))
    extend(folder, days_of(folder, 1, people, start=today, visits=len(people), every=every, stay=so_far / 2))
    Station(folder).close()
    return folder


def results(yard: Yard) -> Iterator[Result]:
    """The rows of the table."""
    people = yard.size.people
    ours = watched(kiosk(crowded(yard)))
    peer = watched([sys.executable, "-m", "benchmarks.bare", "table", str(people)])
    opened: dict[str, list[float]] = {"ours": [], "peer": []}
    typed: dict[str, list[float]] = {"ours": [], "peer": []}
    try:
        painted(ours, "", "English", quiet=1.5)
        painted(ours, "\x1b[20~", "PIN", quiet=QUIET)
        for digit in PIN:
            ours.send(digit)
            rest(ours, 0.1)
        everybody = f"共 {people} 人"
        if not which(ours, "\r", everybody, quiet=1.5):  # whoever has not signed out the day before comes first
            painted(ours, "\x1b[27u", everybody, quiet=QUIET)
        painted(peer, "", STILL, quiet=QUIET)
        for _ in range(max(2, yard.size.searches // 4)):
            painted(ours, "\x1b[19~", SUMMARY, quiet=QUIET)  # F8; an Esc before it is up is nobody's
            opened["ours"].append(painted(ours, "\x1b[27u", everybody, quiet=QUIET))
            opened["peer"].append(painted(peer, "\r", "王0", quiet=QUIET))
            rest(peer, 0.4)
            painted(peer, "\x1b[27u", STILL, quiet=QUIET)
        painted(peer, "\r", "王0", quiet=QUIET)
        wanted = ""
        for number in range(yard.size.searches):
            if len(wanted) == 3:
                while wanted:
                    wanted = wanted[:-1]
                    ours.send("\x7f")
                    painted(peer, "\x7f", f"<{wanted}>", quiet=QUIET)
                rest(ours, QUIET)
            key = str(2 + (number * 5) % 7)  # a 1 and a 9 are in every phone number
            wanted += key
            typed["ours"].append(painted(ours, key, "找到", quiet=QUIET))
            typed["peer"].append(painted(peer, key, f"<{wanted}>", quiet=QUIET))
    finally:
        ours.close()
        peer.close()
    mine, other = Samples(opened["ours"]), Samples(opened["peer"])
    goal = Goal("5 x faster to open", "peer", 0.2)
    yield Result(f"roster of {people:,}, opened", mine.median, "ms", other.median, PEER, goal=goal, spread=mine.spread)
    mine, other = Samples(typed["ours"]), Samples(typed["peer"])
    yield Result(
        f"roster of {people:,}, a key of a search",
        *(mine.median, "ms", other.median, PEER, FRAMES, "two frames of 16 ms"),
        Goal("under two frames", "limit", 1),
        spread=mine.spread,
    )


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main([Path(__file__).stem, *sys.argv[1:]]))
