"""What all benchmarks share: runs in turn, medians, the results as a table and as JSON.

It knows nothing of the kiosk. Nothing here fails because something is slow: a goal is met or it is not, and both are
told.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

KEYS: Final = (
    *("name", "ours", "peer", "peer_name", "limit", "limit_name", "unit"),
    *("ratio_to_peer", "ratio_to_limit", "goal", "met"),
)
"""What each entry of `results.json` has, in this order."""
_SIGNIFICANT: Final = 4


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on the ratio of ours to the peer, or to the limit.

    Attributes:
        text: as the results say it.
        to: what ours is held against.
        bound: the ratio.
        at_least: whether a larger ratio is better, as for rates.
    """

    text: str
    to: Literal["peer", "limit"]
    bound: float
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Samples:
    """What was measured of one thing, run after run."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    def percentile(self, which: int) -> float:
        """The value that so many of a hundred do not exceed."""
        if len(self.values) < 2:
            return self.values[0]
        return statistics.quantiles(self.values, n=100, method="inclusive")[which - 1]

    @property
    def spread(self) -> str:
        """Where the middle half lies; of fewer than four, the smallest and the largest."""
        if len(self.values) < 4:
            return f"{shown(min(self.values))}-{shown(max(self.values))}"
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return f"{shown(low)}-{shown(high)}"


@dataclass(frozen=True, slots=True)
class Result:
    """One thing that was measured, beside what a user would pick instead and what nobody can do better.

    Attributes:
        name: what was measured; no two results have the same.
        ours: the kiosk's figure.
        unit: of all three figures.
        peer: the peer's.
        peer_name: who the peer is.
        limit: what the machine allows.
        limit_name: by doing what.
        goal: what is wanted, if anything.
        spread: of ours, for people; not in the JSON.
        note: what a reader should know besides; not in the JSON.
    """

    name: str
    ours: float
    unit: str
    peer: float | None = None
    peer_name: str | None = None
    limit: float | None = None
    limit_name: str | None = None
    goal: Goal | None = None
    spread: str = field(default="", compare=False)
    note: str = field(default="", compare=False)

    @property
    def ratio_to_peer(self) -> float | None:
        """Ours as a multiple of the peer's, or None where there is no peer."""
        return self.ours / self.peer if self.peer else None

    @property
    def ratio_to_limit(self) -> float | None:
        """Ours as a multiple of the limit, or None where there is none."""
        return self.ours / self.limit if self.limit else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none, or what it is held against was not measured."""
        if self.goal is None:
            return None
        ratio = self.ratio_to_peer if self.goal.to == "peer" else self.ratio_to_limit
        if ratio is None:
            return None
        return ratio >= self.goal.bound if self.goal.at_least else ratio <= self.goal.bound

    def as_json(self) -> dict[str, Any]:
        """The entry of `results.json`; figures have four digits that count."""
        found = {key: getattr(self, key) for key in KEYS if key != "goal"}
        found["goal"] = self.goal.text if self.goal else None
        return {key: _rounded(found[key]) for key in KEYS}


def _rounded(value: Any) -> Any:
    if type(value) is not float:
        return value
    rounded = float(f"{value:.{_SIGNIFICANT}g}")
    return int(rounded) if rounded.is_integer() else rounded


def shown(value: float) -> str:
    """A figure for people: three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


# --- measuring ------------------------------------------------------------------------------------------------------


def milliseconds(what: Callable[[], object]) -> float:
    """How long it takes, once."""
    began = time.perf_counter()
    what()
    return (time.perf_counter() - began) * 1000


def in_turn(what: Mapping[str, Callable[[], float]], rounds: int, *, seed: int = 1) -> dict[str, Samples]:
    """Measures several things in turn, so that whatever else the machine does hits all of them alike.

    Args:
        what: by name, a function that does it once and returns the figure.
        rounds: how often each is done.
        seed: of the order within each round.
    """
    chance = random.Random(seed)  # noqa: S311
    names = list(what)
    found: dict[str, list[float]] = {name: [] for name in names}
    for _round in range(rounds):
        chance.shuffle(names)
        for name in names:
            found[name].append(what[name]())
    return {name: Samples(values) for name, values in found.items()}


# --- telling --------------------------------------------------------------------------------------------------------


def write(results: Iterable[Result], path: Path) -> None:
    """Writes `results.json`."""
    entries = [result.as_json() for result in results]
    path.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", "utf-8")


HEADS: Final = ("what", "ours", "middle half", "peer", "limit", "x peer", "x limit", "goal", "met")


def row(result: Result) -> tuple[str, ...]:
    """One line of the table, under `HEADS`."""

    def beside(value: float | None, name: str | None) -> str:
        return "" if value is None else f"{shown(value)} {name}"

    def ratio(value: float | None) -> str:
        return "" if value is None else f"{value:.2f}"

    return (
        result.name,
        f"{shown(result.ours)} {result.unit}",
        result.spread,
        beside(result.peer, result.peer_name),
        beside(result.limit, result.limit_name),
        ratio(result.ratio_to_peer),
        ratio(result.ratio_to_limit),
        result.goal.text if result.goal else "",
        {True: "yes", False: "no", None: "" if result.goal is None else "not measured"}[result.met],
    )


def show(results: Sequence[Result]) -> None:
    """Prints the table, and what a reader should know besides."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    table = Table()
    for place, head in enumerate(HEADS):
        table.add_column(head, justify="right" if place in (5, 6) else "left", overflow="fold")
    for result in results:
        colour = {True: "green", False: "red", None: ""}[result.met]
        table.add_row(*(Text(cell, style=colour if place == 8 else "") for place, cell in enumerate(row(result))))
    console.print(table)
    for result in results:
        if result.note:
            console.print(Text(f"{result.name}: {result.note}"))


def markdown(results: Sequence[Result]) -> str:
    """The same table for the documentation."""
    lines = [HEADS, tuple("---" for _ in HEADS), *map(row, results)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
