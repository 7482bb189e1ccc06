"""From the last byte of a badge to the name on the screen, and from the choice of a duty to the durable record.

`python -m benchmarks.scan`. A scan writes nothing: it brings up the volunteer's page, and the key there makes the
record, which is told only when it is durable. What a volunteer waits for is both. Over a pty, with the history and the
day of `stations.Yard.year`; in turn with a bare app that appends a line durably and paints that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.bare import DONE, STILL
from benchmarks.measuring import Goal, Result, Samples
from benchmarks.painting import painted, rest, shows, watched
from benchmarks.stations import Yard
from tests.terminal import kiosk

BETWEEN: Final = 0.002
"""Seconds between two characters of the scanner."""
READING: Final = 0.4
"""Seconds until somebody presses Enter on a page that they have seen."""
WELCOME: Final = "第一次来"
LIMIT: Final = "one fsynced append and one paint"


def results(yard: Yard) -> Iterator[Result]:
    """The rows of the table."""
    folder = yard.year
    ours = watched(kiosk(folder))
    bare = watched([sys.executable, "-m", "benchmarks.bare", "append", str(yard.folder / "appended")])
    scanned, chosen, limit = list[float](), list[float](), list[float]()
    try:
        painted(ours, "", WELCOME, quiet=1.5)  # so that what is loaded after the first paint is there
        painted(bare, "", STILL, quiet=0.5)
        for number in range(yard.size.scans):
            guest = yard.guests[number % len(yard.guests)]
            ours.send(guest.code, gap=BETWEEN)
            scanned.append(shows(ours, "\r", guest.name))
            rest(ours, READING)
            chosen.append(shows(ours, str(1 + number // len(yard.guests) % 7), f"谢谢您，{guest.name}"))
            rest(ours, READING)
            shows(ours, "\r", WELCOME)
            bare.send(guest.code, gap=BETWEEN)
            limit.append(shows(bare, "\r", f"{DONE}{number + 1}."))
            rest(ours, 0.1)
    finally:
        ours.close()
        bare.close()
    both = Samples([first + second for first, second in zip(scanned, chosen, strict=True)])
    floor = Samples(limit).percentile(95)
    after = f"{yard.size.today:,} records that day, {yard.size.days * 1_000:,} before"
    yield Result(
        "scan to result, p95",
        both.percentile(95),
        "ms",
        limit=floor,
        limit_name=LIMIT,
        goal=Goal("p95 at most 4 x", "limit", 4),
        spread=both.spread,
        note=f"{after}; the sum of the next two",
    )
    for name, samples in (
        ("scan to the painted name, p95", Samples(scanned)),
        ("choice to the durable record and its paint, p95", Samples(chosen)),
    ):
        yield Result(name, samples.percentile(95), "ms", limit=floor, limit_name=LIMIT, spread=samples.spread)


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main([Path(__file__).stem, *sys.argv[1:]]))
