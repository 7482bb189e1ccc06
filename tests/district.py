"""Headquarters and stations beside each other in a test's folder, as people drive them: by their commands."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.campaign import Campaign
from kiosk.hq.database import Database
from kiosk.station import Station

if TYPE_CHECKING:
    from tests.conftest import FakeClock, Result, Run

HOMES = {"S016001": "330102016001", "S001001": "330102001051"}


@dataclass
class District:
    """Headquarters and two stations in folders beside each other, and how they are called."""

    folder: Path
    run: Run
    clock: FakeClock
    campaign: Campaign

    def hq(self, *arguments: str) -> Result:
        return self.run("hq", *arguments, folder=self.folder / "hq")

    def at(self, station: str, *arguments: str) -> Result:
        return self.run(*arguments, folder=self.folder / station)

    def accept(self, station: str) -> Result:
        return self.hq("accept", station, "--from", str(self.folder / station), "--format", "json")

    def publish(self) -> Path:
        """The directory as it stands, written to a file."""
        path = self.folder / "directory.json"
        assert self.hq("directory", "--out", str(path)).code == 0
        return path

    def tell(self, *stations: str) -> None:
        """Brings the directory to stations."""
        path = self.publish()
        for station in stations:
            assert self.at(station, "badge", "stations", str(path)).code == 0

    def arrival(self, station: str, number: int) -> str:
        """The badge's code of somebody who comes."""
        return self.arrivals(station, number)[0]

    def arrivals(self, station: str, *numbers: int) -> list[str]:
        """The same for several, one after the other; the same number is the same person."""
        from tests.test_recovery import arrive

        opened = Station(
            self.folder / station, clock=self.clock, entropy=random.Random(f"{station}{numbers}").randbytes
        )
        try:
            return [arrive(opened, self.campaign, number).code or "" for number in numbers]
        finally:
            opened.close()

    def judged(self, station: str, code: str) -> str | None:
        """What a station says of a badge."""
        done = self.at(station, "badge", "check", code)
        assert done.code == (0 if done.rows[0]["valid"] else 1)
        reason: str | None = done.rows[0]["reason"]
        return reason

    # --- handing over and collecting ----------------------------------------------------------------------------------

    @property
    def box(self) -> Path:
        """Where stations hand over."""
        return self.folder / "box"

    def sync(self, station: str, url: Path | str | None = None) -> Result:
        """Hands over."""
        return self.at(station, "sync", str(url or self.box), "--format", "json")

    def collect(self, *urls: Path | str) -> Result:
        """Takes in."""
        return self.hq("collect", *map(str, urls or (self.box,)), "--format", "json")

    def handed(self, station: str, *days: tuple[int, ...]) -> None:
        """Lets people arrive and hands over, as often as there are tuples: a segment each."""
        for numbers in days:
            self.arrivals(station, *numbers)
            done = self.sync(station)
            assert done.code == 0, done.err

    def objects(self, station: str) -> list[Path]:
        """The published segments of a station, in the order of their numbers."""
        return sorted((self.box / station).glob("*/*"), key=lambda path: path.name)

    def end_campaign(self, last: date, *stations: str) -> None:
        """Publishes a version of the campaign that ends on that day, and brings it to stations."""
        path = self.folder / "campaign.json"
        assert self.hq("campaign", "show", "--out", str(path)).code == 0
        source = json.loads(path.read_text("utf-8"))
        source["campaign"]["until"] = last.isoformat()
        path.write_text(json.dumps(source), "utf-8")
        assert self.hq("campaign", "publish", str(path)).code == 0
        assert self.collect().code == 0
        for station in stations:
            assert "campaigns" in self.sync(station).rows[0]["taken"]

    def kinds(self) -> list[tuple[str, str]]:
        """What `hq problems` finds: station and kind."""
        done = self.hq("problems", "--format", "json")
        assert done.code == (1 if done.rows else 0)
        return [(row["station"], row["kind"]) for row in done.rows]

    def database(self) -> Database:
        """Headquarters' database, open."""
        return Database(None, self.folder / "hq")

    def held(self) -> list[str]:
        """The ids of all records that count at headquarters."""
        from kiosk.hq.reading import all_stations, log_of

        database = self.database()
        try:
            with database.begin() as connection:
                return [record.id for where in all_stations(connection) for record in log_of(connection, where)]
        finally:
            database.close()

    def written(self, *stations: str) -> list[str]:
        """The ids of all records at stations, read with plain TinyDB."""
        from tests import plain

        return [id_ for station in stations for id_ in plain.ids(self.folder / station)]
