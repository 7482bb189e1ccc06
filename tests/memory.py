"""How much memory visits leave in a kiosk that runs on: what the log itself needs, and what the screens forget to free.

`python -m tests.memory --visits 10000` prints figures. The app runs without a terminal, driven by keys; the log is a
real one in a folder of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import os
import sys
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from textual.dom import DOMNode

from kiosk import demo
from kiosk.records import SHANGHAI
from kiosk.rules import Application
from kiosk.station import Station
from tests import factories
from tests.walking import Walker, walking

WARM = 20
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


def alive() -> Counter[str]:
    """Everything that the garbage collector knows of and nobody has let go, by class."""
    gc.collect()
    return Counter(type(thing).__name__ for thing in gc.get_objects())


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


async def _measure(folder: Path, visits: int, warm: int) -> dict[str, Any]:
    clock = _Clock()
    demo.make(folder, clock)
    clock.now += timedelta(hours=26)
    station = Station(folder, clock=clock)
    try:
        codes = itertools.cycle([str(badge["code"]) for badge in station.history.badges.values()])
        async with walking(station, alone=True) as walker:
            for _ in range(warm):
                await _visit(walker, clock, next(codes))
            before, widgets = alive(), nodes()
            sizes = {0: resident()}
            for visit in range(1, visits + 1):
                await _visit(walker, clock, next(codes))
                if visit % max(1, visits // 20) == 0:
                    sizes[visit] = resident()
                    print(f"{visit} visits: {sizes[visit] / 1e6:.1f} MB", file=sys.stderr, flush=True)
            after, left = alive(), nodes() - widgets
        records = sum(station.history._seen.values())
    finally:
        station.close()
    return {
        "visits": visits,
        "records": records,
        "resident MB after so many visits": {visit: round(size / 1e6, 1) for visit, size in sizes.items()},
        "objects a visit": round((after.total() - before.total()) / visits, 1),
        "widgets left": dict(left),
        "most": [f"{number / visits:.1f} {name}" for name, number in (after - before).most_common(8)],
    }


def measure(visits: int, warm: int = WARM) -> dict[str, Any]:
    """Runs so many visits after the first `warm`, by which caches and pools have filled; returns the figures."""
    with tempfile.TemporaryDirectory(prefix="kiosk-memory-") as name:
        return asyncio.run(_measure(Path(name) / "data", visits, warm))


def without_screens(visits: int, warm: int = 0) -> dict[str, Any]:
    """What so many visits after the first `warm` leave in a station that nobody looks at; 200 a day."""
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
        for visit in range(warm + visits + 1):
            if visit >= warm and (visit - warm) % max(1, visits // 10) == 0:
                gc.collect()
                found[visit - warm] = round(resident() / 1e6, 1)
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
    parser.add_argument("--warm", type=int, help=f"visits before the first figure; {WARM}, without screens 0")
    asked = parser.parse_args()
    if asked.without_screens:
        found = without_screens(asked.visits, asked.warm or 0)
    else:
        found = measure(asked.visits, WARM if asked.warm is None else asked.warm)
    print(json.dumps(found, indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
