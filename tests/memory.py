"""How much memory visits leave in a kiosk that runs on: what the log itself needs, and what the screens forget to free.

`python -m tests.memory --visits 10000` prints figures. The app runs without a terminal, driven by keys; the log is a
real one in a folder of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
import tracemalloc
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from textual.dom import DOMNode

from kiosk import demo
from kiosk.records import SHANGHAI
from kiosk.roster import History
from kiosk.rules import Application
from kiosk.station import Station, read_history
from tests import factories
from tests.walking import Walker, walking

_FRAMES = 8
_PEOPLE = 300
"""Who come in turn to a station that nobody looks at."""


class _Clock:
    def __init__(self) -> None:
        self.now = datetime(2021, 12, 6, 6, 0, tzinfo=SHANGHAI)

    def __call__(self) -> datetime:
        return self.now


def resident() -> int:
    """Bytes that the process holds in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def nodes() -> Counter[str]:
    """The screens and widgets that are alive, by class."""
    gc.collect()
    return Counter(type(thing).__name__ for thing in gc.get_objects() if isinstance(thing, DOMNode))


async def _visit(walker: Walker, clock: _Clock, code: str) -> None:
    """A scan, the questions of the day, a duty; later the same day a scan and home."""
    await walker.scan(code)
    await walker.arrive("DailyPage")
    await walker.press("1", "1")
    await walker.arrive("AssignmentPage")
    await walker.press("enter")
    await walker.arrive("DutyPage")
    await walker.press("1")
    await walker.arrive("DonePage")
    await walker.press("enter")
    clock.now += timedelta(minutes=20)
    await walker.scan(code)
    await walker.arrive("DutyPage")
    await walker.press("0", "0")
    await walker.arrive("DonePage")
    await walker.press("enter")
    await walker.arrive("WelcomePage")
    clock.now += timedelta(minutes=1)


def _folded_size(folder: Path) -> tuple[int, int]:
    """Bytes that the log's records need in memory when nothing else does, and their number."""
    gc.collect()
    tracemalloc.start()
    history: History = read_history(folder)
    gc.collect()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return size, sum(history._seen.values())


async def _measure(folder: Path, visits: int, traced: int) -> dict[str, Any]:
    clock = _Clock()
    demo.make(folder, clock)
    clock.now += timedelta(hours=26)
    warm = max(10, visits // 10)
    station = Station(folder, clock=clock)
    try:
        codes = [str(badge["code"]) for badge in station.history.badges.values()]
        async with walking(station) as walker:
            for place in range(warm):
                await _visit(walker, clock, codes[place % len(codes)])
            before, began = nodes(), resident()
            for place in range(visits):
                await _visit(walker, clock, codes[place % len(codes)])
            after, ended = nodes(), resident()
            tracemalloc.start(_FRAMES)
            for place in range(traced):
                if place == traced // 3:
                    gc.collect()
                    early = tracemalloc.take_snapshot()
                await _visit(walker, clock, codes[place % len(codes)])
            gc.collect()
            late = tracemalloc.take_snapshot()
            tracemalloc.stop()
    finally:
        station.close()
    log = ("kiosk/records.py", "kiosk/roster.py", "kiosk/store.py", "kiosk/arriving.py", "kiosk/serving.py", "json/")
    grown = [stat for stat in late.compare_to(early, "traceback") if stat.size_diff > 0]
    mine, rest = 0, []
    for stat in grown:
        if any(part in frame.filename for frame in stat.traceback for part in log):
            mine += stat.size_diff
        else:
            rest.append(stat)
    counted = traced - traced // 3
    size, records = _folded_size(folder)
    left = after - before
    return {
        "visits": visits,
        "records": records,
        "resident MB before and after": [round(began / 1e6, 1), round(ended / 1e6, 1)],
        "bytes a visit in the log": mine // counted,
        "bytes a visit besides the log": sum(stat.size_diff for stat in rest) // counted,
        "bytes a record when only the log is read": size // records,
        "nodes left": sum(left.values()),
        "which": dict(left),
        "most besides the log": [f"{stat.size_diff // counted} B {stat.traceback[-1]}" for stat in rest[:8]],
        "most in the log": [
            f"{stat.size_diff // counted} B {stat.traceback[-1]}" for stat in grown if stat not in rest
        ][:8],
    }


def measure(visits: int, traced: int = 30) -> dict[str, Any]:
    """Runs so many visits, then some under `tracemalloc`, which slows everything down; returns the figures."""
    with tempfile.TemporaryDirectory(prefix="kiosk-memory-") as name:
        return asyncio.run(_measure(Path(name) / "data", visits, traced))


def without_screens(visits: int) -> dict[str, Any]:
    """What so many visits leave in a station that nobody looks at; 200 a day."""
    with tempfile.TemporaryDirectory(prefix="kiosk-memory-") as name:
        clock = _Clock()
        demo.make(Path(name) / "data", clock)
        station = Station(Path(name) / "data", clock=clock)
        answers = factories.answers(station.campaign, station.today())
        people = []
        for number in range(_PEOPLE):
            admission = station.check_in(Application(factories.applicant(100 + number), answers, True))
            assert admission.volunteer is not None
            people.append(admission.volunteer)
            station.check_out(admission.volunteer)
            clock.now += timedelta(seconds=30)
        found: dict[int, float] = {}
        for visit in range(visits + 1):
            if visit % max(1, visits // 10) == 0:
                gc.collect()
                found[visit] = round(resident() / 1e6, 1)
            if visit % 200 == 0:
                clock.now = clock.now.replace(hour=6, minute=0) + timedelta(days=1)
            who = people[visit % len(people)]
            station.check_in_again(who, {"health_code": "green", "travel_code": "green"})
            station.start_duty(who, "order")
            clock.now += timedelta(minutes=1)
            station.check_out(who)
            station.on_duty()
            clock.now += timedelta(minutes=2)
        records = sum(station.history._seen.values())
        station.close()
    return {"records": records, "resident MB after so many visits": found}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--visits", type=int, default=10_000)
    parser.add_argument("--without-screens", action="store_true", help="only what the station itself keeps")
    asked = parser.parse_args()
    found = without_screens(asked.visits) if asked.without_screens else measure(asked.visits)
    print(json.dumps(found, indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
