"""Fixtures that all tests share: a clock that stands still, a station that was set up, and the campaign.

Everything is deterministic (seeded entropy, a set clock) but ids and the lead's age key, which come from the system.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import pickle
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation

from kiosk import clock as clock_module
from kiosk import i18n, setup
from kiosk.__main__ import main
from kiosk.campaign import Campaign
from kiosk.campaign_files import shipped
from kiosk.hq.database import Database
from kiosk.hq.keys import HqKeys
from kiosk.records import SHANGHAI
from kiosk.setup import NewStation
from kiosk.station import Station
from kiosk.trust import read_hq_keys
from tests.district import HOMES, District
from tests.searching import World
from tests.servers import Rclone, Servers
from tests.tent import Tent, pitch
from tests.wrapping import lightly

START = datetime(2021, 12, 6, 8, 0, tzinfo=SHANGHAI)
STATION = "S016001"
COMMUNITY = "330102016001"
PIN = "246813"

# Hundreds of thousands of objects live as long as the run, and Python looks through them again and again for what could
# be thrown away: with its own thresholds that is a sixth of all time.
gc.set_threshold(20_000, 20, 20)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-pictures", action="store_true", help="keep every screen in tests/pictures/ as it looks now"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many faults were injected, as the tests that do so have recorded it."""
    reports = [report for same in terminalreporter.stats.values() for report in same if hasattr(report, "when")]
    counts = [
        value
        for report in reports
        if report.when == "call"
        for name, value in report.user_properties
        if name == "faults"
    ]
    if counts:
        terminalreporter.write_line(f"{sum(counts)} faults injected into the log")


@dataclass
class FakeClock:
    """A clock that shows `now` until a test sets it."""

    now: datetime = field(default=START)

    def __call__(self) -> datetime:
        return self.now

    def set(self, text: str) -> datetime:
        """Shows the time in `text`, ISO 8601, Asia/Shanghai unless it has an offset."""
        parsed = datetime.fromisoformat(text)
        self.now = parsed if parsed.tzinfo else parsed.replace(tzinfo=SHANGHAI)
        return self.now

    def advance(self, **by: float) -> datetime:
        """Goes on by a timedelta's arguments, such as `minutes=5`."""
        self.now += timedelta(**by)
        return self.now


@dataclass
class FullDisk:
    """A disk on which nothing can be made durable while a test has it `full`."""

    full: bool = False


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    found, real = FullDisk(), os.fsync

    def fsync(descriptor: int) -> None:
        if found.full:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def seeded(seed: int) -> Callable[[int], bytes]:
    """Entropy that is the same on every run."""
    return random.Random(seed).randbytes


@pytest.fixture(autouse=True)
def untouched_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Chinese before and after each test, and no data folder but a temporary one."""
    monkeypatch.setenv("KIOSK_DATA", str(tmp_path / "no-station"))
    i18n.use("zh")
    yield
    i18n.use("zh")


@pytest.fixture(scope="session", autouse=True)
def style_sheets_parsed_once() -> Iterator[None]:
    """What Textual reads out of a style sheet in one app holds in the next; tests have hundreds of apps."""
    kept: dict[tuple[object, ...], list[RuleSet]] = {}
    real = Stylesheet._parse_rules

    def parse(sheet: Stylesheet, css: str, read_from: CSSLocation, *rest: Any, **named: Any) -> list[RuleSet]:
        key = (css, read_from, rest, *sorted(named.items()), *sorted(sheet._variables.items()))
        if key not in kept:
            kept[key] = real(sheet, css, read_from, *rest, **named)
        return kept[key]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Stylesheet, "_parse_rules", parse)
        yield


@pytest.fixture
def clock() -> FakeClock:
    """A settable clock: 2021-12-06 08:00 in Asia/Shanghai, a Monday."""
    return FakeClock()


@pytest.fixture(scope="session")
def campaign() -> Campaign:
    """The shipped campaign."""
    return shipped()


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that whichever worker comes first makes, for all workers of this run."""
    base = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    folder = base / name
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make(base / f"{name}.new")
            (base / f"{name}.new").rename(folder)
    return folder


@dataclass(frozen=True)
class Template:
    """A station's data folder just after set-up, to be copied, and what set-up told once."""

    folder: Path
    made: NewStation


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, campaign: Campaign) -> Template:
    """One station for the whole run; its lead's key is wrapped lightly, since what counts is that it opens."""

    def make(folder: Path) -> None:
        data, entropy = folder / "data", seeded(1)
        with lightly():
            made = setup.prepare(data, campaign, station=STATION, community=COMMUNITY, pin=PIN, entropy=entropy)
        setup.finish(data, made, clock=FakeClock(), entropy=entropy)
        (folder / "made.pickle").write_bytes(pickle.dumps(made))

    folder = made_once(tmp_path_factory, "template", make)
    return Template(folder / "data", pickle.loads((folder / "made.pickle").read_bytes()))


@pytest.fixture(scope="session")
def pitched(tmp_path_factory: pytest.TempPathFactory) -> Tent:
    """The demo's station at the time of this machine, made once for the whole run, to be copied."""

    def make(folder: Path) -> None:
        tent = pitch(folder / "data")
        (folder / "tent.pickle").write_bytes(pickle.dumps(tent))

    folder = made_once(tmp_path_factory, "tent", make)
    tent: Tent = pickle.loads((folder / "tent.pickle").read_bytes())
    return replace(tent, folder=folder / "data")


@pytest.fixture
def world(tmp_path: Path, pitched: Tent) -> World:
    """A copy of it, and all that a process there can call its own."""
    (folder := tmp_path / "world").mkdir()
    return World(folder, tmp_path / "journal", tmp_path / "written", pitched.copied(folder / "data"))


@pytest.fixture
def passphrase(template: Template) -> str:
    """The lead's passphrase at the station in `station_folder`; the PIN is `PIN`."""
    return template.made.passphrase


@pytest.fixture
def light_wrapping() -> Iterator[None]:
    """Whoever is set up in this test, the lead's key is unwrapped in no time."""
    with lightly():
        yield


@pytest.fixture
def station_folder(template: Template, tmp_path: Path) -> Path:
    """The data folder of a station that was set up and is closed; its log holds one record."""
    return Path(shutil.copytree(template.folder, tmp_path / "data"))


@pytest.fixture
def station(station_folder: Path, clock: FakeClock) -> Iterator[Station]:
    """The station in `station_folder`, open, with `clock` and seeded entropy; closed after the test."""
    opened = Station(station_folder, clock=clock, entropy=seeded(2))
    yield opened
    opened.close()


# --- commands ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What was printed with `--format json`."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Result]


@pytest.fixture
def run(
    station_folder: Path, clock: FakeClock, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Runs a command in this process, on `station_folder` and at the time of `clock`."""
    monkeypatch.setattr(clock_module, "system_clock", clock)

    def call(*arguments: str, folder: Path = station_folder) -> Result:
        capfdbinary.readouterr()
        try:
            code = main(["--data", str(folder), *arguments])
        except SystemExit as stop:  # argparse ends like this
            code = int(stop.code or 0)
        out, err = (text.decode("utf-8") for text in capfdbinary.readouterr())
        assert "Traceback" not in out + err
        return Result(code, out, err)

    return call


# --- headquarters -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, campaign: Campaign) -> Path:
    """Headquarters' keys and the two stations as they were set up, for the whole run, to be copied."""

    def make(folder: Path) -> None:
        HqKeys.create(folder / "keys")
        hq = read_hq_keys(folder / "keys" / "hq.json")
        for name, home in HOMES.items():
            with lightly():
                made = setup.prepare(folder / name, campaign, station=name, community=home, pin=PIN, hq=hq)
            setup.finish(folder / name, made, clock=FakeClock())

    return made_once(tmp_path_factory, "district", make)


@pytest.fixture
def district(prepared: Path, tmp_path: Path, run: Run, clock: FakeClock, campaign: Campaign) -> District:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    database = Database(None, tmp_path / "hq")
    database.say("keys", str(tmp_path / "keys"))
    database.close()
    return District(tmp_path, run, clock, campaign)


# --- servers ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Real servers, one of each kind for each worker, which no test may stop; each starts when it is wanted."""
    found = Servers(tmp_path_factory.mktemp)
    yield found
    found.close()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[[str], Rclone]]:
    """Starts a server that a test has for itself, by its kind."""
    with ExitStack() as running:

        def started(kind: str) -> Rclone:
            scratch = tmp_path / f"own {kind}"
            scratch.mkdir()
            return running.enter_context(Rclone(kind, scratch))

        yield started
