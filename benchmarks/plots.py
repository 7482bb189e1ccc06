"""How cost grows with records, days and stations: `python -m benchmarks.plots [--quick]` measures it and draws it.

The pictures go to `docs/performance/`, as SVG written by hand: both axes are logarithmic, so that what grows as fast as
its cause is a line at 45 degrees, and what does not grow is level.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from benchmarks import collect, writing
from benchmarks.first_paint import MARK
from benchmarks.history import START, add_days, make_station
from benchmarks.measuring import Samples, in_turn, milliseconds, shown
from benchmarks.painting import first_frame
from benchmarks.stations import RECORDS_A_DAY, SIZES, Yard
from kiosk.hq.database import Database
from kiosk.station import Station
from tests.plain import ROOT
from tests.terminal import kiosk

FOLDER: Final = ROOT / "docs" / "performance"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 680, 340, 64, 190, 40, 48
COLOURS: Final = ("#1b6ca8", "#b3541e", "#3d7a3d", "#7a3d7a", "#8a6d00")
Line = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture.

    Attributes:
        title: what it shows.
        across: what the horizontal axis counts.
        up: the unit of the vertical one.
        lines: points by what they are of.
    """

    title: str
    across: str
    up: str
    lines: Mapping[str, Line]

    def svg(self) -> str:
        """The picture."""
        points = [point for line in self.lines.values() for point in line]
        (low_x, high_x), (low_y, high_y) = (_decades([point[axis] for point in points]) for axis in (0, 1))
        inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

        def x(value: float) -> float:
            return LEFT + inner_width * (math.log10(value) - low_x) / (high_x - low_x)

        def y(value: float) -> float:
            return HEIGHT - BOTTOM - inner_height * (math.log10(value) - low_y) / (high_y - low_y)

        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            f'font-size="12"><title>{escape(self.title)}</title>',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="22" font-size="14" fill="#202020">{escape(self.title)}</text>',
            f'<text x="{LEFT + inner_width / 2}" y="{HEIGHT - 10}" text-anchor="middle" fill="#404040">'
            f"{escape(self.across)}</text>",
            f'<text x="16" y="{TOP - 4}" fill="#404040">{escape(self.up)}</text>',
        ]
        for power in range(low_x, high_x + 1):
            at = x(10**power)
            parts.append(_stroke(at, TOP, at, HEIGHT - BOTTOM))
            parts.append(_label(at, HEIGHT - BOTTOM + 16, f"{10**power:,}", "middle"))
        for power in range(low_y, high_y + 1):
            at = y(10**power)
            parts.append(_stroke(LEFT, at, WIDTH - RIGHT, at))
            parts.append(_label(LEFT - 6, at + 4, f"{10**power:,}" if power >= 0 else f"{10.0**power:g}", "end"))
        heights: list[float] = []
        for (name, line), colour in zip(self.lines.items(), COLOURS, strict=False):
            path = " ".join(f"{x(across):.1f},{y(up):.1f}" for across, up in line)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            for across, up in line:
                told = f"{name}: {shown(up)} {self.up} at {across:,.0f}"
                parts.append(
                    f'<circle cx="{x(across):.1f}" cy="{y(up):.1f}" r="3.5" fill="{colour}">'
                    f"<title>{escape(told)}</title></circle>"
                )
            height = y(line[-1][1]) + 4
            while any(abs(height - other) < 14 for other in heights):
                height += 2
            heights.append(height)
            parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{height:.1f}" fill="{colour}">{escape(name)}</text>')
        return "\n".join([*parts, "</svg>", ""])


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around some values."""
    low = math.floor(math.log10(min(values)))
    return low, max(math.ceil(math.log10(max(values))), low + 1)


def _stroke(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#404040">{text}</text>'


# --- what is drawn --------------------------------------------------------------------------------------------------


def by_records(folder: Path, counts: Sequence[int], runs: int, stock: int) -> Plot:
    """A durable record, by those that are there."""
    yard = Yard(folder, replace(SIZES["tiny"], days=0))
    lines: dict[str, list[tuple[float, float]]] = {"kiosk": [], "SQLite, as safe": [], "TinyDB as it comes": []}
    with ExitStack() as opened:
        bare = opened.enter_context(closing(writing.Bare(folder / "bare")))
        for count in counts:
            store, index = writing.open_store(writing.station_of(yard, count))
            opened.enter_context(closing(index))
            opened.enter_context(closing(store))
            sqlite = opened.enter_context(closing(writing.Sqlite(folder / f"{count}.sqlite", count)))
            found = in_turn(
                {
                    "kiosk": partial(milliseconds, partial(writing.append, store)),
                    "SQLite, as safe": partial(milliseconds, sqlite.insert),
                    "append and fdatasync": partial(milliseconds, bare.insert),
                },
                runs,
            )
            if count <= stock:
                peer = opened.enter_context(closing(writing.Stock(folder / f"{count}.json", count)))
                rounds = 3 if count > 10_000 else 15
                found |= in_turn({"TinyDB as it comes": partial(milliseconds, peer.insert)}, rounds)
            for name, samples in found.items():
                lines.setdefault(name, []).append((count, samples.median))
    return Plot("A durable record, by the records of the station", "records", "ms", lines)


def by_days(folder: Path, counts: Sequence[int], runs: int) -> Plot:
    """A start, by the days of 1,000 records before it; and what it costs to make the index from all of them, once."""
    lines: dict[str, list[tuple[float, float]]] = {"index made anew": [], "first paint": [], "station opened": []}
    for days in counts:
        station = folder / f"days-{days}"
        make_station(station)
        add_days(station, days)
        now = START + timedelta(days=days)
        anew = milliseconds(lambda: Station(station, clock=lambda: now).close())  # noqa: B023 - called at once
        found = in_turn(
            {
                "first paint": lambda: first_frame(kiosk(station), MARK),  # noqa: B023
                "station opened": lambda: milliseconds(lambda: Station(station, clock=lambda: now).close()),  # noqa: B023
            },
            runs,
        ) | {"index made anew": Samples([anew])}
        for name, samples in found.items():
            lines[name].append((days, samples.median))
    return Plot(f"A start, by the days before it ({RECORDS_A_DAY:,} records each)", "days", "ms", lines)


def by_stations(folder: Path, counts: Sequence[int], records: int) -> Plot:
    """A collection, by the stations that have handed over so many records each."""
    lines: dict[str, list[tuple[float, float]]] = {"all collected": [], "nothing new": [], "a station's day": []}
    for stations in counts:
        place = folder / f"stations-{stations}"
        keys, box = collect.make(place, stations * records, stations)
        with closing(Database(None, place / "hq")) as database:
            rate = collect.collected(database, keys, box, stations * records)
            again = Samples([collect.nothing_new(database, keys, box) for _ in range(3)])
            day = collect.days_folded(database, stations // 2)
        lines["all collected"].append((stations, 1000 * stations * records / rate))
        lines["nothing new"].append((stations, again.median))
        lines["a station's day"].append((stations, day.median))
    return Plot(f"A collection into SQLite, by stations ({records} records each)", "stations", "ms", lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and draws."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plots", description="Measures growth and draws it.")
    parser.add_argument("--quick", action="store_true", help="small; whether it runs")
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder for the pictures; docs/performance")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    quick = options.quick
    with tempfile.TemporaryDirectory(prefix="kiosk-plots-") as name:
        folder = Path(name)
        plots = {
            "records": by_records(folder, (10, 100) if quick else (100, 1_000, 10_000, 30_000), 20 if quick else 205,
                                  100 if quick else 10_000),
            "days": by_days(folder, (1, 2) if quick else (1, 10, 30), 1 if quick else 3),
            "stations": by_stations(folder, (1, 2) if quick else (1, 10, 50), 20 if quick else 400),
        }  # fmt: skip
    for name, plot in plots.items():
        path = options.out / f"{name}.svg"
        path.write_text(plot.svg(), "utf-8")
        print(f"{path}:")
        for what, line in plot.lines.items():
            print(f"  {what}: {', '.join(f'{shown(up)} {plot.up} at {across:,.0f}' for across, up in line)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
