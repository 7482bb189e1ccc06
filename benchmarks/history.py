"""What a long history costs: `python -m benchmarks.history [DAYS]` compares a station of so many days with a new one.

Each day has 1,000 records: 200 visits of a pool of 2,000 people. Opening, the first questions of the welcome page, a
returning volunteer, and writing are measured on both in turn; medians are printed. The first opening, which makes the
index from the whole log, is told apart.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from benchmarks.measuring import milliseconds
from kiosk import setup
from kiosk.campaign_files import shipped
from kiosk.records import SHANGHAI, ZEROS, Draft, Record, new_volunteer_number, seal_record, segment_hash
from kiosk.rules import Applicant, Application
from kiosk.segments import read_all, sealed_name
from kiosk.settings import read_settings
from kiosk.station import Station
from kiosk.store import SEGMENT_SIZE

START = datetime(2021, 12, 6, 7, 0, tzinfo=SHANGHAI)
PEOPLE, VISITS = 2_000, 200
PIN = "246813"
TODAY = {"health_code": "green", "travel_code": "green"}
GIVEN = {"district": "lives", "vaccinated": "yes", "pledge": "yes", **TODAY}
BORN = date(1995, 5, 20)


def make_station(folder: Path, *, before: datetime = START - timedelta(days=1)) -> None:
    """A new station, set up at that time, with one volunteer."""
    made = setup.prepare(folder, shipped(), station="S016001", community="330102016001", pin=PIN)
    setup.finish(folder, made, clock=lambda: before)
    station = Station(folder, clock=lambda: before)
    somebody = Applicant("\u5b8b\u77e5\u8fdc", "19900000001", "resident_id", "", BORN, "330102016", None)
    station.check_in(Application(somebody, GIVEN, True))
    station.close()


def extend(folder: Path, drafts: Iterable[Draft]) -> None:
    """Goes on with the log of a station that is closed: the drafts as records in sealed segments, as they happened."""
    settings = read_settings(folder)
    segments, _unreadable = read_all(folder)
    sealed = [segment for segment in segments if segment.number is not None]
    opened = next((segment for segment in segments if segment.number is None), None)
    number = len(sealed)
    prev = sealed[-1].hash if sealed else ZEROS
    last = segments[-1].records[-1]
    records: list[Record] = []
    if opened is not None:
        records += opened.records

    def seal() -> None:
        nonlocal number, prev
        number += 1
        header = {"format": 1, "station": settings.station, "epoch": settings.epoch}
        header |= {"first_seq": records[0].seq, "prev": prev}
        prev = segment_hash([record.hash for record in records], header)
        tables = {"segment": {"1": header}, "records": {str(n): r.document for n, r in enumerate(records, start=1)}}
        content = json.dumps(tables, ensure_ascii=False, separators=(",", ":"))
        (folder / "records" / "sealed" / sealed_name(number, prev)).write_text(content, "utf-8")
        records.clear()

    for draft in drafts:
        if len(records) == SEGMENT_SIZE:
            seal()
        last = seal_record(
            draft,
            station=settings.station,
            epoch=settings.epoch,
            seq=last.seq + 1,
            prev=last.hash,
            at=draft.occurred,
            campaign=("SC2021", 1),
        )
        records.append(last)
    if records:
        seal()
    if opened is not None:
        opened.path.unlink()
    replace(settings, segment=number).save(folder)


def days_of(
    folder: Path,
    days: int,
    people: Sequence[str],
    *,
    start: datetime = START,
    visits: int = VISITS,
    every: timedelta = timedelta(seconds=100),
    stay: timedelta = timedelta(hours=3),
    known: bool = False,
) -> Iterator[Draft]:
    """What happens at a station in so many days: five records a visit, and one more at the first of somebody.

    Args:
        folder: the station's.
        days: how many.
        people: their numbers.
        start: when the first visit begins.
        visits: how many a day.
        every: from one to the next.
        stay: how long each is.
        known: whether all people are registered already.
    """
    settings = read_settings(folder)
    real = next(record for segment in read_all(folder)[0] for record in segment.records if record.type == "registered")
    registration = {"answers": real["answers"], "agreed": real["agreed"]}
    place = {"street": settings.street, "community": settings.community}
    for day in range(days):
        for visit in range(visits):
            when = start + timedelta(days=day) + visit * every
            who = people[(day * visits + visit * 7) % len(people)]
            if not known and day * visits < len(people):
                about = {"name": f"\u738b{who}", "phone_masked": f"199****{visit:04d}", **place}
                yield Draft("registered", when, "volunteer", who, registration, about, real.health)
            came = Draft("checked_in", when, "volunteer", who, {"answers": {}, "agreed": []})
            yield came
            of = {"visit": came.id}
            yield Draft("assigned", when, "volunteer", who, {**of, **place, "post": None, "why": "own", "reason": None})
            begun = Draft("duty_started", when, "volunteer", who, {**of, "duty": "order", "post": None})
            yield begun
            left = when + stay
            yield Draft("duty_ended", left, "volunteer", who, {**of, "start": begun.id})
            if visit % 50:
                yield Draft("checked_out", left, "volunteer", who, {**of, "late": False, "reason": None})


def add_days(folder: Path, days: int, *, start: datetime = START) -> list[str]:
    """Gives the station a history of so many days, in sealed segments; returns the volunteers."""
    people = [new_volunteer_number() for _ in range(PEOPLE)]
    extend(folder, days_of(folder, days, people, start=start))
    return people


def resident() -> float:
    """Megabytes that the process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def one_round(folder: Path, now: datetime, returning: str | None) -> dict[str, float]:
    """Opens a station and asks what the first minute asks; milliseconds by what was done."""
    taken: dict[str, float] = {}
    began = time.perf_counter()
    station = Station(folder, clock=lambda: now)
    taken["open"] = (time.perf_counter() - began) * 1000
    taken["welcome page"] = milliseconds(lambda: (station.on_duty(), station.damage))
    taken["what is open of all days"] = milliseconds(station.pending)
    if returning:
        taken["recognise"] = milliseconds(lambda: station.recognise(returning))
        taken["check in again"] = milliseconds(lambda: station.check_in_again(returning, TODAY))
        taken["start a duty"] = milliseconds(lambda: station.start_duty(returning, "order"))
        taken["check out"] = milliseconds(lambda: station.check_out(returning))
        taken["roster of a day before"] = milliseconds(lambda: station.roster(now.date() - timedelta(days=2)))
        taken["tell a whole history"] = milliseconds(lambda: station.tell(returning))
    station.close()
    return taken


def main(days: int) -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory(prefix="kiosk-history-") as name:
        new, old = Path(name) / "new", Path(name) / "old"
        make_station(new)
        make_station(old)
        people = add_days(old, days)
        now = START + timedelta(days=days)
        gc.collect()
        before = resident()
        first = milliseconds(lambda: Station(old, clock=lambda: now).close())
        size = (old / "cache" / "known.sqlite").stat().st_size / 1e6
        print(f"{days} days, {days * VISITS * 5} records; index made in {first / 1000:.1f} s, {size:.1f} MB on disk")
        gc.collect()
        print(f"memory before {before:.0f} MB, after making it {resident():.0f} MB")
        rounds: dict[str, list[dict[str, float]]] = {"new": [], "old": []}
        for number in range(15):
            rounds["new"].append(one_round(new, now, None))
            rounds["old"].append(one_round(old, now + timedelta(minutes=number), people[number * 3]))
        for what in rounds["old"][0]:
            figures = {which: [found[what] for found in all_ if what in found] for which, all_ in rounds.items()}
            middle = {which: statistics.median(found) for which, found in figures.items() if found}
            print(f"{what:24}", *(f"{which} {value:8.1f} ms" for which, value in middle.items()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
