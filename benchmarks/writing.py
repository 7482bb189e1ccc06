"""What one durable record costs, by the records of the station: beside SQLite, TinyDB's storage and a bare file.

`python -m benchmarks.writing`. Peers are as safe as they can be made: SQLite with WAL and synchronous=FULL; TinyDB's
JSONStorage syncs by itself. All write the same records in turn, on one disk. "An act" is a duty begun or ended at a
station: the log, what is decided upon it, and the index beside it.
"""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from tinydb import TinyDB
from tinydb.storages import JSONStorage

from benchmarks.history import add_days, make_station
from benchmarks.measuring import Goal, Result, Samples, in_turn, milliseconds
from benchmarks.stations import RECORDS_A_DAY, Yard, come
from kiosk.clock import system_clock
from kiosk.index import Index
from kiosk.records import Draft, new_id, timestamp
from kiosk.settings import read_settings
from kiosk.station import Station
from kiosk.store import Store

SQLITE: Final = "SQLite, WAL and synchronous=FULL"
STOCK: Final = "TinyDB's JSONStorage"
APPENDED: Final = "append and fdatasync"
FEW: Final = 3
"""Inserts into a large file of TinyDB: each rewrites all of it."""


def a_document(seq: int) -> dict[str, Any]:
    """A record of the usual size, as a peer stores it."""
    now = timestamp(system_clock())
    return {
        "id": new_id(),
        "station": "S016001",
        "epoch": "9f3c000000000000",
        "seq": seq,
        "type": "duty_started",
        "volunteer": "7K2MQ-4RXWC",
        "at": now,
        "occurred": now,
        "by": "volunteer",
        "visit": new_id(),
        "duty": "order",
        "post": None,
        "campaign": ["SC2021", 1],
        "prev": "0" * 64,
        "hash": f"{seq:064x}",
    }


class Sqlite:
    """One table, as safe as SQLite can be."""

    def __init__(self, path: Path, count: int) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE records (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, document TEXT)")
        self.seq = 0
        self.insert(count)

    def insert(self, count: int = 1) -> None:
        """So many records in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        for _ in range(count):
            self.seq += 1
            document = a_document(self.seq)
            values = (self.seq, document["id"], json.dumps(document, ensure_ascii=False))
            self._connection.execute("INSERT INTO records VALUES (?, ?, ?)", values)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Gives the file back."""
        self._connection.close()


class Stock:
    """TinyDB as it comes."""

    def __init__(self, path: Path, count: int) -> None:
        documents = {str(seq): a_document(seq) for seq in range(1, count + 1)}
        path.write_text(json.dumps({"_default": documents}), "utf-8")
        self._db = TinyDB(path, storage=JSONStorage)
        self._seq = count
        self.insert()  # it reads the file for the number of the next

    def insert(self) -> None:
        """One record."""
        self._seq += 1
        self._db.insert(a_document(self._seq))

    def close(self) -> None:
        """Gives the file back."""
        self._db.close()


class Bare:
    """A file that lines are appended to."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._seq = 0

    def insert(self, count: int = 1) -> None:
        """So many records, and one fdatasync."""
        lines = [json.dumps(a_document(self._seq + n), ensure_ascii=False) for n in range(count)]
        self._seq += count
        os.write(self._file, "\n".join([*lines, ""]).encode())
        os.fdatasync(self._file)

    def close(self) -> None:
        """Gives the file back."""
        os.close(self._file)


def open_store(folder: Path) -> tuple[Store, Index]:
    """The log of a station, and what is known of it without reading it all."""
    settings = read_settings(folder)
    index = Index(folder)
    store = Store(
        folder,
        station=settings.station,
        epoch=settings.epoch,
        save_epoch=lambda epoch: None,
        segment=settings.segment,
        save_segment=lambda number: None,
        read=index.read,
    )
    store.take_segments()
    return store, index


def a_draft(now: datetime) -> Draft:
    """A record of the usual size, as the kiosk stores it."""
    return Draft("duty_started", now, "volunteer", "7K2MQ-4RXWC", {"visit": new_id(), "duty": "order", "post": None})


def append(store: Store) -> None:
    """One record."""
    now = system_clock()
    store.append([a_draft(now)], at=now, campaign=("SC2021", 1))


def station_of(yard: Yard, records: int) -> Path:
    """A station with so many records, its index made; the shared one where it has about as many."""
    if records > RECORDS_A_DAY * yard.size.days // 2 and records < RECORDS_A_DAY * yard.size.days * 2:
        return yard.year
    folder = yard.folder / f"records-{records}"
    if not folder.exists():
        make_station(folder)
        if days := records // RECORDS_A_DAY:
            add_days(folder, days)
        Station(folder).close()
    return folder


def results(yard: Yard) -> Iterator[Result]:
    """The rows of the table."""
    scratch = yard.folder / "written"
    scratch.mkdir()
    bare = Bare(scratch / "bare")
    stores, peers, stocks = dict[int, Store](), dict[int, Sqlite](), dict[int, Stock]()
    indexes: list[Index] = []
    things: dict[str, Callable[[], float]] = {"bare": partial(milliseconds, bare.insert)}
    for count in yard.size.logs:
        stores[count], index = open_store(station_of(yard, count))
        indexes.append(index)
        for _ in range(max(0, count % RECORDS_A_DAY - 10)):
            append(stores[count])
        peers[count] = Sqlite(scratch / f"{count}.sqlite", count)
        things[f"ours {count}"] = partial(milliseconds, partial(append, stores[count]))
        things[f"sqlite {count}"] = partial(milliseconds, peers[count].insert)
    try:
        found = in_turn(things, yard.size.writes)
        stock: dict[int, Samples] = {}
        for count in [count for count in yard.size.logs if count <= yard.size.stock]:
            stocks[count] = Stock(scratch / f"{count}.json", count)
            runs = min(yard.size.writes, FEW if count > 10_000 else 25)
            stock[count] = in_turn({"stock": partial(milliseconds, stocks[count].insert)}, runs)["stock"]
    finally:
        for opened in (*stores.values(), *indexes, *peers.values(), *stocks.values(), bare):
            opened.close()
    floor = found["bare"].median
    for count in yard.size.logs:
        mine = found[f"ours {count}"]
        yield Result(
            f"a durable record at {count:,}",
            mine.median,
            "ms",
            found[f"sqlite {count}"].median,
            SQLITE,
            floor,
            APPENDED,
            Goal("at most 2 x SQLite", "peer", 2),
            spread=mine.spread,
        )
    for count, samples in stock.items():
        goal = Goal("10 x faster than stock", "peer", 0.1) if count == 2_000 else None
        mine = found[f"ours {count}"]
        yield Result(
            f"a durable record at {count:,}, beside stock TinyDB",
            *(mine.median, "ms", samples.median, STOCK, floor, APPENDED, goal),
            spread=mine.spread,
        )
    few, many = yard.size.logs[0], yard.size.logs[-1]
    yield Result(
        f"a durable record at {many:,}, beside one at {few:,}",
        found[f"ours {many}"].median,
        "ms",
        found[f"ours {few}"].median,
        f"the same at {few:,}",
        goal=Goal("flat: at most 1.25 x", "peer", 1.25),
        spread=found[f"ours {many}"].spread,
    )
    yield from _acts(yard, station_of(yard, few), station_of(yard, many))


def _acts(yard: Yard, few: Path, many: Path) -> Iterator[Result]:
    """A duty begun and ended in turn, by way of the station."""
    stations = {"few": Station(few)} | ({"many": Station(many)} if many != few else {})
    turns = {name: itertools.cycle((True, False)) for name in stations}
    who = {name: come(station, 7_000).number for name, station in stations.items()}

    def act(name: str) -> float:
        station, volunteer = stations[name], who[name]
        if next(turns[name]):
            return milliseconds(lambda: station.start_duty(volunteer, "order"))
        return milliseconds(lambda: station.end_duty(volunteer))

    try:
        found = in_turn({name: partial(act, name) for name in stations}, yard.size.writes)
    finally:
        for station in stations.values():
            station.close()
    mine = found.get("many", found["few"])
    yield Result(
        f"an act at a station of {yard.size.logs[-1]:,}",
        *(mine.median, "ms", found["few"].median, f"the same at {yard.size.logs[0]:,}"),
        spread=mine.spread,
    )


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main([Path(__file__).stem, *sys.argv[1:]]))
