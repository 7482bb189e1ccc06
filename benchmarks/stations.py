"""How large a run is, and the stations that several benchmarks share, each made once a run."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

from benchmarks.history import BORN, GIVEN, PEOPLE, VISITS, days_of, extend, make_station
from kiosk.clock import system_clock
from kiosk.records import SHANGHAI, new_volunteer_number
from kiosk.rules import Applicant, Application
from kiosk.station import Station
from tests.tent import Guest

RECORDS_A_DAY: Final = VISITS * 5
RECORDS_A_VISIT: Final = 5


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Attributes:
        starts: of each program.
        days: of the history, 1,000 records each.
        today: records of the day itself.
        keys: typed.
        scans: of badges.
        logs: records of the stations at which one more is written.
        writes: at each.
        stock: up to so many records TinyDB's own storage is tried.
        people: on the lead's roster.
        searches: keys typed into its search.
        codes: badges.
        collected: records that headquarters takes in.
        senders: stations that have handed them over.
        collections: of each kind.
        idle: stations of which a collection finds nothing new.
        visits: at the kiosk whose memory is looked at.
        unseen: visits at a station without a screen.
    """

    starts: int
    days: int
    today: int
    keys: int
    scans: int
    logs: tuple[int, ...]
    writes: int
    stock: int
    people: int
    searches: int
    codes: int
    collected: int
    senders: int
    collections: int
    idle: int
    visits: int
    unseen: int


SIZES: Final = {
    "tiny": Size(1, 1, 60, 4, 2, (100,), 12, 100, 60, 2, 3, 120, 2, 1, 2, 2, 5),
    "quick": Size(5, 10, 2_000, 60, 12, (100, 2_000, 10_000), 60, 2_000, 2_000, 8, 40, 20_000, 20, 2, 200, 20, 1_000),
    "normal": Size(
        9, 300, 2_000, 200, 24, (100, 2_000, 100_000), 210, 100_000, 10_000, 12, 200, 200_000, 200, 3, 1_000, 40, 1_000
    ),
    "full": Size(
        21,
        300,
        2_000,
        500,
        100,
        (100, 2_000, 100_000, 1_000_000),
        420,
        1_000_000,
        10_000,
        40,
        1_000,
        1_000_000,
        1_000,
        3,
        10_000,
        1_000,
        10_000,
    ),
}


class Yard:
    """The stations of one run, in a folder of its own."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.folder, self.size = folder, size
        self.guests: list[Guest] = []

    @cached_property
    def new(self) -> Path:
        """A station that has opened just now."""
        folder = self.folder / "new"
        make_station(folder, before=system_clock() - timedelta(minutes=5))
        return folder

    @cached_property
    def year(self) -> Path:
        """One with a history of `days` and a busy day today, on which `guests` have come; its index is made."""
        folder = self.folder / "year"
        today = midnight()
        begin = today - timedelta(days=self.size.days) + timedelta(hours=7)
        make_station(folder, before=begin - timedelta(days=1))
        people = [new_volunteer_number() for _ in range(PEOPLE)]
        visits = self.size.today // RECORDS_A_VISIT
        so_far = system_clock() - today
        extend(
            folder,
            itertools.chain(
                days_of(folder, self.size.days, people, start=begin),
                days_of(
                    folder,
                    1,
                    people,
                    start=today,
                    visits=visits,
                    every=so_far / (2 * visits),
                    stay=so_far / 2,
                    known=self.size.days * VISITS >= PEOPLE,
                ),
            ),
        )
        station = Station(folder)
        self.guests = [come(station, number) for number in range(min(self.size.scans, 50))]
        station.close()
        return folder


def midnight() -> datetime:
    """When the day began."""
    return datetime.combine(system_clock().date(), time(), SHANGHAI)


def come(station: Station, number: int) -> Guest:
    """Somebody comes for the first time, and gets a badge."""
    names = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜"
    name = f"{names[number % 40]}{names[(number // 40 + 1) % 40]}{names[(number * 7 + 3) % 40]}"
    person = Applicant(name, f"199{number:08d}", "resident_id", "", BORN, "330102016", None)
    volunteer = station.check_in(Application(person, GIVEN, True)).volunteer
    assert volunteer is not None
    code = station.badge_code(volunteer)
    assert code is not None
    return Guest(name, volunteer, code)
