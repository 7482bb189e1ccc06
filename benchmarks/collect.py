"""Collecting a million records of a thousand stations, beside a bare insert of the same rows in the same run.

python -m benchmarks.collect [RECORDS [STATIONS [DATABASE_URL]]]
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from kiosk.hq.collecting import collect
from kiosk.hq.database import Database, metadata, records, segments
from kiosk.hq.keys import HqKeys
from kiosk.hq.reading import all_stations, history_of_day
from kiosk.published import End, Envelope, Head, enclose, head_name
from kiosk.records import SHANGHAI, timestamp
from kiosk.remote import Credentials

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


def bare(url: str, source: Database) -> float:
    """The rate at which the same rows go into the same tables by themselves: executemany, or COPY and upsert."""
    with source.begin() as connection:
        rows = [tuple(row) for row in connection.execute(sa.select(records))]
        held = [dict(row._mapping) for row in connection.execute(sa.select(segments))]
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        from kiosk.hq.database import _make_sqlite_safe

        sa.event.listen(engine, "connect", _make_sqlite_safe)
    metadata.drop_all(engine)
    metadata.create_all(engine)
    began = time.perf_counter()
    with engine.begin() as connection:
        connection.execute(segments.insert(), held)
    for start in range(0, len(rows), 10_000):
        with engine.begin() as connection:
            Database.insert_many(connection, records, rows[start : start + 10_000])
    took = time.perf_counter() - began
    engine.dispose()
    return len(rows) / took


def main() -> None:
    """Prints the rates, and what a collection costs when nothing is new."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    stations = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000
    url = sys.argv[3] if len(sys.argv) > 3 else None
    folder = Path(tempfile.mkdtemp(prefix="kiosk-collect-"))
    try:
        keys = HqKeys.create(folder / "keys")
        from kiosk.trust import read_hq_keys

        post = read_hq_keys(folder / "keys" / "hq.json")["post"]
        box = folder / "box"
        began = time.perf_counter()
        with ProcessPoolExecutor() as pool:
            list(pool.map(publish, [box] * stations, range(1, stations + 1), [count // stations] * stations,
                          [post] * stations))  # fmt: skip
        print(f"{count} records of {stations} stations made in {time.perf_counter() - began:.0f} s", flush=True)
        database = Database(url, folder / "hq")
        began = time.perf_counter()
        found = collect(database, keys, str(box), Credentials(), START)
        took = time.perf_counter() - began
        assert found.records == count // stations * stations and not found.refused, found
        print(f"collected: {found.records / took:,.0f} records/s ({took:.1f} s, verification included)", flush=True)
        began = time.perf_counter()
        collect(database, keys, str(box), Credentials(), START)
        took = time.perf_counter() - began
        print(f"nothing new: {took * 1000:.0f} ms, {took / stations * 1e6:.0f} us a station", flush=True)
        with database.begin() as connection:
            where = all_stations(connection)[stations // 2]
            times = []
            for _turn in range(50):
                began = time.perf_counter()
                history_of_day(connection, where, START.date() + timedelta(days=1))
                times.append(time.perf_counter() - began)
        print(f"a station's day, folded: {statistics.median(times) * 1000:.2f} ms", flush=True)
        bare_url = url if url and not url.startswith("sqlite") else f"sqlite:///{folder / 'bare.sqlite'}"
        rate = bare(bare_url, database)
        print(f"bare insert of the same rows: {rate:,.0f} records/s", flush=True)
        database.close()
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
