"""What a visit costs whose records are one write, beside the same records in one transaction of SQLite.

`python -m benchmarks.visit`. Once the log alone: what a visit consists of, as back-entry writes it. And once all that a
volunteer waits for who comes for the first time: the clauses, the assignment, the badge's signature, what is personal
sealed with age to the lead, then the write.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.history import BORN, GIVEN, make_station
from benchmarks.measuring import Goal, Result, in_turn, milliseconds
from benchmarks.stations import Yard
from benchmarks.writing import APPENDED, SQLITE, Bare, Sqlite, open_store
from kiosk.clock import system_clock
from kiosk.records import Draft
from kiosk.rules import Applicant, Application
from kiosk.station import Station
from kiosk.store import Store

RECORDS: Final = 5
FIRST: Final = 4
"""Records at the first coming: registered, checked in, assigned, badge issued."""
GOAL: Final = Goal("at most 2 x SQLite", "peer", 2)


def a_visit() -> list[Draft]:
    """The records of a visit, from coming to leaving."""
    now = system_clock()
    who = "7K2MQ-4RXWC"
    came = Draft("checked_in", now, "volunteer", who, {"answers": {}, "agreed": []})
    of = {"visit": came.id}
    place = {"street": "330102016", "community": "330102016001", "post": None, "why": "own", "reason": None}
    start = Draft("duty_started", now, "volunteer", who, {**of, "duty": "order", "post": None})
    return [
        came,
        Draft("assigned", now, "volunteer", who, {**of, **place}),
        start,
        Draft("duty_ended", now, "volunteer", who, {**of, "start": start.id}),
        Draft("checked_out", now, "volunteer", who, {**of, "late": False, "reason": None}),
    ]


def write(store: Store) -> None:
    """The whole visit, in one write."""
    store.append(a_visit(), at=system_clock(), campaign=("SC2021", 1))


def results(yard: Yard) -> Iterator[Result]:
    """The rows of the table."""
    scratch = yard.folder / "visits"
    scratch.mkdir()
    for name in ("log", "station"):
        make_station(scratch / name)
    store, index = open_store(scratch / "log")
    station = Station(scratch / "station")
    sqlite, bare = Sqlite(scratch / "sqlite", 2_000), Bare(scratch / "bare")
    numbers = itertools.count(1)

    def come() -> None:
        number = next(numbers)
        person = Applicant(f"贺知行{number}", f"199{number:08d}", "resident_id", "", BORN, "330102016", None)
        assert station.check_in(Application(person, GIVEN, True)).volunteer is not None

    come()  # what only the first has to load
    try:
        found = in_turn(
            {
                "log": partial(milliseconds, partial(write, store)),
                "sqlite": partial(milliseconds, partial(sqlite.insert, RECORDS)),
                "bare": partial(milliseconds, partial(bare.insert, RECORDS)),
                "station": partial(milliseconds, come),
                "sqlite of the first": partial(milliseconds, partial(sqlite.insert, FIRST)),
                "bare of the first": partial(milliseconds, partial(bare.insert, FIRST)),
            },
            min(yard.size.writes, 200),
        )
    finally:
        for opened in (store, index, station, sqlite, bare):
            opened.close()
    for name, ours, peer, limit in (
        ("a whole visit, its records in one write", "log", "sqlite", "bare"),
        ("a newcomer checked in, sealed and signed", "station", "sqlite of the first", "bare of the first"),
    ):
        yield Result(
            name,
            found[ours].median,
            "ms",
            found[peer].median,
            f"{SQLITE}, one transaction",
            found[limit].median,
            APPENDED,
            GOAL,
            spread=found[ours].spread,
        )


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main([Path(__file__).stem, *sys.argv[1:]]))
