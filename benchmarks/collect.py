"""Collecting a million records of a thousand stations, beside a bare insert of the same rows in the same run.

`python -m benchmarks.collect`, with `--full` as many as that. Verification, decryption and receipts are included. The
peer gets its rows ready made, in transactions of 10,000, and has to be as safe as ours: executemany into SQLite with a
write-ahead log and synchronous=FULL, COPY and upsert into PostgreSQL. The limit has what else we found out, too: larger
pages and cache in SQLite; in PostgreSQL COPY alone, which fails where something comes twice.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from benchmarks.measuring import Goal, Result, Samples, milliseconds
from benchmarks.stations import Yard
from kiosk.hq.collecting import collect
from kiosk.hq.database import Database, metadata, records, segments, stations
from kiosk.hq.keys import HqKeys
from kiosk.hq.reading import all_stations, history_of_day
from kiosk.published import End, Envelope, Head, enclose, head_name
from kiosk.records import SHANGHAI, timestamp
from kiosk.remote import Credentials
from tests.servers import CannotStart, NotHere, Postgres

SEGMENT = 200
START = datetime(2021, 12, 6, 8, 0, tzinfo=SHANGHAI)


def publish(folder: Path, station: int, count: int, post: str) -> None:
    """One station's records as it would have handed them over, some 200 a day."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from pyrage import encrypt, x25519

    from kiosk.records import Draft, seal_record, segment_hash

    name = f"S{station:06d}"
    key = Ed25519PrivateKey.from_private_bytes(station.to_bytes(32, "big"))
    public = key.public_key().public_bytes_raw()
    epoch, prev, prev_segment, seq, number = f"{station:016x}", "0" * 64, "0" * 64, 1, 1
    recipient = x25519.Recipient.from_str(post)
    place = {"street": "330102016", "community": f"33010201{station % 9000:04d}"}
    while seq <= count:
        header = {"format": 1, "station": name, "epoch": epoch, "first_seq": seq, "prev": prev_segment}
        documents: dict[str, dict[str, Any]] = {}
        for place_ in range(min(SEGMENT, count - seq + 1)):
            when = START + timedelta(days=(number - 1), minutes=2 * place_)
            draft = _draft(Draft, seq, station, when, place)
            record = seal_record(draft, station=name, epoch=epoch, seq=seq, prev=prev, at=when, campaign=("SC2021", 1))
            documents[str(place_ + 1)] = dict(record.document)
            prev, seq = record.hash, seq + 1
        hash_ = segment_hash([document["hash"] for document in documents.values()], header)
        import json

        tables = {"segment": {"1": header}, "records": documents}
        body = json.dumps(tables, ensure_ascii=False, separators=(",", ":")).encode()
        envelope = Envelope(name, epoch, number, hash_, public, encrypt(body, [recipient]), encrypted=True)
        path = folder / envelope.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(enclose(envelope, key.sign))
        prev_segment, number = hash_, number + 1
    head = Head(
        name, name, place["street"], place["community"], timestamp(START), (End(epoch, number - 1, hash_, count),)
    )
    (folder / head_name(name)).write_bytes(head.sign(public, key.sign))


_VISIT = "01a00000-0000-7000-8000-{:012x}"


def _draft(draft: Any, seq: int, station: int, when: datetime, place: dict[str, str]) -> Any:
    """What a busy station writes: of six records two are about somebody new."""
    who = f"{station:05d}-{seq // 6:05d}"
    visit = _VISIT.format(station * 10**6 + seq // 6)
    kind = seq % 6
    if seq == 1:
        return draft("station_noted", when, "station", data={"note": "set_up", "details": place})
    if kind == 0:
        sealed = "YWdlLWVuY3J5cHRpb24" * 28
        about = {"name": f"志愿者{seq}", "phone_masked": "199****0001", "sealed": sealed}
        agreed = [{"text": "notice", "version": 1, "hash": "0" * 64}]
        data = {"answers": {"district": "lives"}, "agreed": agreed}
        return draft("registered", when, "volunteer", who, data, about, {"answers": {"vaccinated": "met"}})
    if kind == 1:
        health = {"answers": {"health_code": "met", "travel_code": "met"}}
        data = {"answers": {}, "agreed": []}
        return draft("checked_in", when, "volunteer", who, data, None, health, id=visit)
    if kind == 2:
        data = {"visit": visit, "why": "home", "post": None, "reason": None, **place}
        return draft("assigned", when, "station", who, data)
    if kind == 3:
        return draft("duty_started", when, "volunteer", who, {"visit": visit, "duty": "order", "post": None})
    if kind == 4:
        return draft("duty_ended", when, "volunteer", who, {"visit": visit, "start": visit})
    return draft("checked_out", when, "volunteer", who, {"visit": visit, "late": False, "reason": None})


def everything(source: Database) -> tuple[list[tuple[Any, ...]], list[dict[str, Any]]]:
    """All rows of records and of segments that were taken in."""
    with source.begin() as connection:
        rows = [tuple(row) for row in connection.execute(sa.select(records))]
        return rows, [dict(row._mapping) for row in connection.execute(sa.select(segments))]


def bare(url: str, content: tuple[list[tuple[Any, ...]], list[dict[str, Any]]], *, fast: bool = False) -> float:
    """The rate at which the same rows go into the same tables by themselves.

    Into SQLite by executemany, as safely as ours; `fast` gives it the same pages and cache, too. Into PostgreSQL by
    COPY and upsert; `fast` by COPY alone.
    """
    rows, held = content
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        from kiosk.hq.database import FAST, SAFE, use_pragmas

        sa.event.listen(engine, "connect", use_pragmas(*(FAST if fast else ()), *SAFE))
    metadata.drop_all(engine)
    metadata.create_all(engine)
    began = time.perf_counter()
    with engine.begin() as connection:
        connection.execute(segments.insert(), held)
    for start in range(0, len(rows), 10_000):
        with engine.begin() as connection:
            some = rows[start : start + 10_000]
            if engine.dialect.name == "postgresql" and not fast:
                _copy_and_upsert(connection, some)
            else:
                Database.insert_many(connection, records, some)
    took = time.perf_counter() - began
    engine.dispose()
    return len(rows) / took


def _copy_and_upsert(connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """What came before is left as it is: COPY by itself would fail on it."""
    connection.exec_driver_sql("CREATE TEMPORARY TABLE IF NOT EXISTS new (LIKE records) ON COMMIT DELETE ROWS")
    Database.insert_many(
        connection, sa.Table("new", sa.MetaData(), *(sa.Column(each.name, each.type) for each in records.c)), rows
    )
    connection.exec_driver_sql("INSERT INTO records SELECT * FROM new ON CONFLICT DO NOTHING")


def make(folder: Path, count: int, stations: int) -> tuple[HqKeys, Path]:
    """Headquarters' keys, and the box with what so many stations have handed over for it."""
    from kiosk.trust import read_hq_keys

    keys = HqKeys.create(folder / "keys")
    post = read_hq_keys(folder / "keys" / "hq.json")["post"]
    box = folder / "box"
    with ProcessPoolExecutor() as pool:
        each = count // stations
        list(pool.map(publish, [box] * stations, range(1, stations + 1), [each] * stations, [post] * stations))
    return keys, box


def collected(database: Database, keys: HqKeys, box: Path, expected: int) -> float:
    """The rate in records a second at which all of the box is verified and taken in."""
    began = time.perf_counter()
    found = collect(database, keys, str(box), Credentials(), START)
    took = time.perf_counter() - began
    assert found.records == expected and not found.refused, found
    return found.records / took


def nothing_new(database: Database, keys: HqKeys, box: Path) -> float:
    """Milliseconds of a collection that finds what is there already."""
    return milliseconds(lambda: collect(database, keys, str(box), Credentials(), START))


TIMES: Final = 4


def multiply(database: Database) -> None:
    """Puts the records there are into the database three times more, as those of other stations."""
    with database.begin() as connection:
        places = connection.scalar(sa.select(sa.func.max(stations.c.id))) or 0
        parts = connection.scalar(sa.select(sa.func.max(segments.c.id))) or 0
        for turn in range(1, TIMES):
            name = f"T{turn}"
            place, part = turn * places, turn * parts
            copies: dict[sa.Table, tuple[Any, dict[str, Any]]] = {
                stations: (
                    stations.c.id <= places,
                    {"id": stations.c.id + place, "station": name + stations.c.station},
                ),
                segments: (segments.c.id <= parts, {"id": segments.c.id + part, "station": name + segments.c.station}),
                records: (
                    records.c.segment <= parts,
                    {"segment": records.c.segment + part, "station": records.c.station + place},
                ),
            }
            for table, (first, changed) in copies.items():
                columns = {column.name: changed.get(column.name, column) for column in table.columns}
                connection.execute(table.insert().from_select([*columns], sa.select(*columns.values()).where(first)))


def days_folded(database: Database, station: int) -> Samples:
    """Milliseconds in which one station's day is read and folded."""
    with database.begin() as connection:
        where = all_stations(connection)[station]
        day = START.date() + timedelta(days=1)
        return Samples([milliseconds(lambda: history_of_day(connection, where, day)) for _turn in range(50)])


def results(yard: Yard) -> Iterator[Result]:
    """The rows of the table."""
    folder = yard.folder / "collect"
    count, stations = yard.size.collected, yard.size.senders
    keys, box = make(folder, count, stations)
    yield from _beside(folder, "SQLite", "bare executemany", keys, box, yard, lambda name: f"sqlite:///{folder / name}")
    try:
        with Postgres() as server:
            yield from _beside(
                folder, "PostgreSQL", "bare COPY and upsert", keys, box, yard, lambda _name: server.fresh()
            )
    except (NotHere, CannotStart, ImportError) as error:
        print(f"PostgreSQL is left out: {error}", file=sys.stderr)
    yield from _idle(yard)


def _beside(
    folder: Path, name: str, peer: str, keys: HqKeys, box: Path, yard: Yard, url: Callable[[str], str]
) -> Iterator[Result]:
    count = yard.size.collected // yard.size.senders * yard.size.senders
    ours, theirs, least, numbers = list[float](), list[float](), list[float](), itertools.count()
    for turn in range(yard.size.collections):
        database = Database(url(f"ours-{next(numbers)}.sqlite"), folder)
        ours.append(collected(database, keys, box, count))
        rows = everything(database)
        theirs.append(bare(url(f"bare-{next(numbers)}.sqlite"), rows))
        least.append(bare(url(f"fast-{next(numbers)}.sqlite"), rows, fast=True))
        if turn == yard.size.collections - 1:
            multiply(database)
            with database.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("ANALYZE")  # as it does by itself before long
            day = days_folded(database, yard.size.senders // 2)
        database.close()
    mine = Samples(ours)
    best = "larger pages and cache" if name == "SQLite" else "COPY alone"
    yield Result(
        f"{count:,} records collected into {name}",
        *(mine.median, "records/s", Samples(theirs).median, peer, Samples(least).median, best),
        goal=Goal("at least 70 % of the rate", "peer", 0.7, at_least=True),
        spread=mine.spread,
    )
    yield Result(
        f"{name}: a community's day out of {TIMES * count:,} records, read and folded",
        *(day.median, "ms"),
        limit=5,
        limit_name="wanted",
        goal=Goal("under 5 ms", "limit", 1),
        spread=day.spread,
    )


def _idle(yard: Yard) -> Iterator[Result]:
    """What it costs to find out that nothing is new."""
    folder, many = yard.folder / "idle", yard.size.idle
    folder.mkdir()
    keys, box = make(folder, many, many)
    database = Database(f"sqlite:///{folder / 'idle.sqlite'}", folder)
    collected(database, keys, box, many)
    again = Samples([nothing_new(database, keys, box) for _turn in range(yard.size.collections)])
    database.close()
    yield Result(f"nothing new from {many:,} stations", again.median, "ms", spread=again.spread)


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main([Path(__file__).stem, *sys.argv[1:]]))
