"""How long the lead waits for a day of 10,000 people: `python -m benchmarks.roster [PEOPLE]` prints medians.

The figures are for a person to read, and for comparing before with after; no test depends on them.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

from kiosk import demo
from kiosk.app import KioskApp
from kiosk.records import SHANGHAI, Draft, Record, seal_record
from kiosk.roster import History, roster
from kiosk.screens.roster import RosterPage, View
from kiosk.station import Station
from kiosk.widgets.rows import RowList

DAY = date(2021, 12, 6)
DUTIES = ("temperature", "scan_guiding", "order", "policy")


def a_day(people: int) -> list[Record]:
    """The log of a day: everybody arrives, most take up a duty, half of them leave."""
    start = datetime(2021, 12, 6, 7, 0, tzinfo=SHANGHAI)
    records: list[Record] = []

    def add(draft: Draft) -> Draft:
        records.append(
            seal_record(
                draft,
                station="S016001",
                epoch="00000000000000ab",
                seq=len(records) + 1,
                prev="0" * 64,
                at=draft.occurred,
                campaign=("SC2021", 1),
            )
        )
        return draft

    for number in range(people):
        when = start + timedelta(seconds=number)
        who = f"{number:010d}"
        about = {"name": f"\u738b{number}", "phone_masked": f"199****{number % 10000:04d}"}
        add(Draft("registered", when, "volunteer", who, {"answers": {}, "agreed": []}, about))
        visit = add(Draft("checked_in", when, "volunteer", who, {"answers": {}, "agreed": []}))
        place = {"street": "330102016", "community": "330102016001", "post": None, "why": "station", "reason": None}
        add(Draft("assigned", when, "volunteer", who, {"visit": visit.id, **place}))
        if number % 5:
            duty = {"visit": visit.id, "duty": DUTIES[number % 4], "post": None}
            stint = add(Draft("duty_started", when + timedelta(minutes=4), "volunteer", who, duty))
            if number % 2:
                left = when + timedelta(hours=2)
                add(Draft("duty_ended", left, "volunteer", who, {"visit": visit.id, "start": stint.id}))
                out = {"visit": visit.id, "late": False, "reason": None}
                add(Draft("checked_out", left, "volunteer", who, out))
    return records


def milliseconds(what: Callable[[], object], times: int = 9) -> float:
    """The median of several runs, of processor time: other programs do not count."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        what()
        taken.append((time.process_time() - start) * 1000)
    return statistics.median(taken)


def main(people: int) -> None:
    """Prints the figures."""
    records = a_day(people)
    now = datetime(2021, 12, 6, 12, 0, tzinfo=SHANGHAI)

    def folded() -> History:
        history = History()
        for record in records:
            history.add(record)
        return history

    print(f"{people} people, {len(records)} records")
    print(f"read the log        {milliseconds(folded, 3):9.1f} ms")
    history = folded()
    start = time.process_time()
    roster(history, DAY, now)
    print(f"roster, first time  {(time.process_time() - start) * 1000:9.1f} ms")
    print(f"roster, again       {milliseconds(lambda: roster(history, DAY, now)):9.1f} ms")
    asyncio.run(the_page(history, now))


async def the_page(history: History, now: datetime) -> None:
    """Prints what the lead's page costs on such a day, in the app itself at 80x24."""
    with tempfile.TemporaryDirectory() as folder:
        demo.make(Path(folder) / "data", lambda: now)
        station = Station(Path(folder) / "data", clock=lambda: now)
        station.history = history
        app = KioskApp(station.folder, station, clock=lambda: now)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            page = RosterPage(station, View(DAY))
            start = time.process_time()
            await app.push_screen(page)
            await pilot.pause()
            print(f"page, opened        {(time.process_time() - start) * 1000:9.1f} ms")
            for typed in ("1", "99", "123", "9999", "\u738b77"):
                page.view.search = typed
                print(f"filter, {typed:8}    {milliseconds(page._list):9.1f} ms")
            page.view.search = ""
            print(f"filter, nothing     {milliseconds(page._list):9.1f} ms")
            rows = page.query_one("#roster", RowList)
            print(f"one screen drawn    {milliseconds(lambda: [rows.render_line(y) for y in range(17)]):9.1f} ms")
        station.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
