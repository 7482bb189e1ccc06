"""What a write costs at a new station, and after 10,000 and 1,000,000 records: `python -m benchmarks.writing [DAYS]`.

Three stations, of which two have a history of 10 and of so many days (by default 1,000, of 1,000 records each), start
and end the duty of somebody in turn, through some whole segments: a write costs more the fuller its segment is. Medians
and the slowest twentieth are printed, of all writes in one run.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from datetime import timedelta
from functools import partial
from pathlib import Path

from benchmarks.history import BORN, GIVEN, START, add_days, make_station, milliseconds
from kiosk.rules import Applicant, Application
from kiosk.station import Station

WRITES = 600
"""Acts at each station: each writes one record."""


def main(days: int) -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory(prefix="kiosk-writing-") as name:
        now = START + timedelta(days=days)
        stations: dict[int, Station] = {}
        who: dict[int, str] = {}
        for history in (0, 10, days):
            folder = Path(name) / str(history)
            make_station(folder)
            if history:
                add_days(folder, history)
            stations[history] = station = Station(folder, clock=lambda: now)
            somebody = Applicant("\u8d3a\u77e5\u884c", "19900000002", "resident_id", "", BORN, "330102016", None)
            who[history] = station.check_in(Application(somebody, GIVEN, True)).volunteer or ""
        taken: dict[int, list[float]] = {history: [] for history in stations}
        for number in range(WRITES):
            for history, station in stations.items():
                volunteer = who[history]
                act = (
                    partial(station.end_duty, volunteer)
                    if number % 2
                    else partial(station.start_duty, volunteer, "order")
                )
                taken[history].append(milliseconds(act))
        for history, times in taken.items():
            slow = statistics.quantiles(times, n=20)[-1]
            middle = statistics.median(times)
            print(f"after {history * 1000:9,} records: median {middle:.2f} ms, slowest 5% {slow:.2f} ms")
            stations[history].close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
