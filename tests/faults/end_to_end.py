"""Five stations, four ways of handing over, and headquarters, all of them killed at random; then the dust settles.

    python -m tests.faults.end_to_end --kills 400 --seed 7

Each life of a station or of headquarters is a process of its own, forked, so that it is at work within milliseconds,
and killed at some moment. Servers are killed under them and come back. What lay at a place is put there again, older
and doubled. In the end, whatever a station has acknowledged is at the station, whatever it has sealed is at
headquarters, and nothing is anywhere twice.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from kiosk import setup
from kiosk.campaign_files import shipped
from kiosk.errors import KioskError
from kiosk.hq import collecting
from kiosk.hq.database import Database
from kiosk.hq.keys import HqKeys
from kiosk.hq.problems import problems
from kiosk.hq.reading import all_stations, log_of
from kiosk.records import SHANGHAI
from kiosk.remote import Credentials, RemoteError, place_at
from kiosk.segments import verify
from kiosk.station import Station
from kiosk.sync import exchange, standing
from kiosk.trust import read_hq_keys
from tests import plain
from tests.conftest import PIN
from tests.servers import KINDS, Rclone
from tests.test_recovery import arrive
from tests.wrapping import lightly

HOMES = ("330102016001", "330102001051", "330102016002", "330102016003", "330102016004")
CAMPAIGN = shipped()
START = datetime(2021, 12, 6, 8, 0, tzinfo=SHANGHAI)


class Broken(AssertionError):
    """A promise was not kept."""


@dataclass
class Way:
    """A place, as stations and headquarters name it."""

    url: str
    credentials: Credentials
    folder: Path


@dataclass
class World:
    """All folders, servers and numbers of one run."""

    folder: Path
    chance: random.Random
    ways: list[Way] = field(default_factory=list)
    servers: list[Rclone] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    turn: int = 0

    def station(self, number: int) -> str:
        return f"S{number + 1:06d}"

    def clock(self) -> datetime:
        """It goes on a little with every life, and stands still within one."""
        return START + timedelta(minutes=self.turn)


def prepare(world: World) -> None:
    """Sets headquarters and five stations up."""
    HqKeys.create(world.folder / "keys")
    hq = read_hq_keys(world.folder / "keys" / "hq.json")
    for number, home in enumerate(HOMES):
        folder = world.folder / world.station(number)
        with lightly():
            made = setup.prepare(folder, CAMPAIGN, station=folder.name, community=home, pin=PIN, hq=hq)
        setup.finish(folder, made, clock=world.clock)
        (world.folder / f"{folder.name}.told").touch()


# --- lives ----------------------------------------------------------------------------------------------------------


def live_as_station(world: World, number: int, seed: int) -> None:
    """Lets people arrive and hands over, until it is killed; what was acknowledged is written down behind it."""
    chance = random.Random(seed)
    folder = world.folder / world.station(number)
    told = os.open(world.folder / f"{folder.name}.told", os.O_WRONLY | os.O_APPEND)
    way = world.ways[number % len(world.ways)]
    station = Station(folder, clock=world.clock)
    for _step in range(1000):
        kind = chance.random()
        if kind < 0.6:
            done = arrive(station, CAMPAIGN, chance.randrange(10**6))
            os.write(told, "".join(f"{record}\n" for record in done.ids).encode())
        elif kind < 0.75:
            station.seal()
        else:
            try:
                place = place_at(way.url, way.credentials)
                exchange(folder, place, world.clock())
                place.close()
            except RemoteError:
                pass


def live_as_headquarters(world: World, _number: int, _seed: int) -> None:
    """Collects everywhere, again and again, until it is killed."""
    database = Database(None, world.folder / "hq")
    for _turn in range(1000):
        for way in world.ways:
            collect_from(world, database, way)


def collect_from(world: World, database: Database, way: Way) -> None:
    with suppress(KioskError):  # a server that is gone; another life comes back to it
        collecting.collect(database, HqKeys(world.folder / "keys"), way.url, way.credentials, world.clock())


def settle(world: World, _number: int, _seed: int) -> None:
    """Nobody is killed any more: all is handed over, collected, and confirmed."""
    database = Database(None, world.folder / "hq")
    for _round in range(3):
        for number in range(len(HOMES)):
            folder = world.folder / world.station(number)
            station = Station(folder, clock=world.clock)
            station.seal()
            station.close()
            way = world.ways[number % len(world.ways)]
            place = place_at(way.url, way.credentials)
            outcome = exchange(folder, place, world.clock())
            if outcome.problems:
                raise Broken(f"{folder.name}: {outcome.problems}")
            place.close()
        for way in world.ways:
            found = collecting.collect(database, HqKeys(world.folder / "keys"), way.url, way.credentials, world.clock())
            if found.refused or found.problems:
                raise Broken(f"{way.url}: {found.refused or found.problems}")
    database.close()


Life = Callable[[World, int, int], None]


def begin(world: World, life: Life, number: int) -> int:
    """Forks a life; returns its process."""
    world.turn += 1
    seed = world.chance.randrange(10**9)
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setpgid(0, 0)  # the processes that it starts go with it
        life(world, number, seed)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def kill(world: World, child: int, what: str) -> None:
    """Ends a life at once. One that had ended by itself, and not well, is a finding."""
    for target in (-child, child):
        try:
            os.kill(target, signal.SIGKILL)
        except ProcessLookupError:
            continue
    _child, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise Broken(f"{what} ended with {os.WEXITSTATUS(status)}")
    world.faults[f"kills of {what}"] += 1


# --- what else goes wrong -------------------------------------------------------------------------------------------


def replay(world: World, kept: dict[Path, bytes]) -> None:
    """Puts back what lay at a place before, and keeps what lies there now for another time."""
    way = world.chance.choice(world.ways)
    for path, content in list(kept.items()):
        if way.folder in path.parents and world.chance.random() < 0.3:
            path.write_bytes(content)
            world.faults["replayed objects"] += 1
    files = [path for path in way.folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    for path in world.chance.sample(files, min(len(files), 10)):
        kept[path] = path.read_bytes()


def carry(world: World) -> None:
    """Somebody copies a place onto a stick, and headquarters takes the stick in, too."""
    way = world.chance.choice(world.ways)
    stick = world.folder / "stick"
    shutil.rmtree(stick, ignore_errors=True)
    shutil.copytree(way.folder, stick)
    shutil.rmtree(stick / "hq", ignore_errors=True)
    world.faults["sticks"] += 1
    kill_after(world, begin(world, _collect_stick, 0), "headquarters with a stick")


def _collect_stick(world: World, _number: int, _seed: int) -> None:
    collect_from(world, Database(None, world.folder / "hq"), Way(str(world.folder / "stick"), Credentials(), Path()))


def kill_after(world: World, child: int, what: str, longest: float = 0.8) -> None:
    time.sleep(world.chance.random() * longest)
    kill(world, child, what)


def run(folder: Path, kills: int, seed: int) -> Counter[str]:
    """One run in `folder`; returns the faults that were injected.

    Raises:
        Broken: if a promise was not kept.
    """
    world = World(folder, random.Random(seed))
    kept: dict[Path, bytes] = {}
    with ExitStack() as stack:
        for kind in KINDS:
            scratch = folder / kind
            scratch.mkdir()
            server = stack.enter_context(Rclone(kind, scratch))
            world.servers.append(server)
            (server.folder / "box").mkdir()
            world.ways.append(Way(server.url("box"), server.credentials, server.folder / "box"))
        world.ways.append(Way(str(folder / "box"), Credentials(), folder / "box"))
        (folder / "box").mkdir()
        prepare(world)
        while sum(count for what, count in world.faults.items() if what.startswith("kills")) < kills:
            chance = world.chance
            several = chance.sample(range(len(HOMES)), chance.randrange(1, 4))
            lives = [(begin(world, live_as_station, number), "a station") for number in several]
            if chance.random() < 0.6:
                lives.append((begin(world, live_as_headquarters, 0), "headquarters"))
            if chance.random() < 0.3:
                server = chance.choice(world.servers)
                time.sleep(chance.random() * 0.4)
                server.kill()
                world.faults["kills of servers"] += 1
                time.sleep(chance.random() * 0.3)
                server.start()
            time.sleep(0.1 + chance.random() * 1.2)
            chance.shuffle(lives)
            for child, what in lives:
                kill(world, child, what)
                time.sleep(chance.random() * 0.1)
            if chance.random() < 0.3:
                replay(world, kept)
            if chance.random() < 0.1:
                carry(world)
        for number in range(len(HOMES)):
            check_station(world, number)
        child = begin(world, settle, 0)
        _child, status = os.waitpid(child, 0)
        if status:
            raise Broken("the dust does not settle")
        check(world)
    return world.faults


# --- promises -------------------------------------------------------------------------------------------------------


def check_station(world: World, number: int) -> None:
    """Whatever was acknowledged is there, once."""
    folder = world.folder / world.station(number)
    told = (world.folder / f"{folder.name}.told").read_text("ascii").split()
    there = Counter(plain.ids(folder))
    if lost := [each for each in told if each not in there]:
        raise Broken(f"{folder.name} has lost {lost[:3]}")
    if twice := [each for each, count in there.items() if count > 1]:
        raise Broken(f"{folder.name} has {twice[:3]} twice")
    if found := verify(folder, folder.name):
        raise Broken(f"{folder.name}: {found[0]}")


def check(world: World) -> None:
    """Stations and headquarters have the same records, each once, and nothing is left to be looked at."""
    database = Database(None, world.folder / "hq")
    with database.begin() as connection:
        here = Counter(record.id for where in all_stations(connection) for record in log_of(connection, where))
        open_ = [problem for problem in problems(connection) if problem.kind not in ("same_person", "two_places")]
    database.close()
    there = Counter(id_ for number in range(len(HOMES)) for id_ in plain.ids(world.folder / world.station(number)))
    if twice := [id_ for id_, count in here.items() if count > 1]:
        raise Broken(f"headquarters has {twice[:3]} twice")
    if here != there:
        raise Broken(f"{len(there - here)} missing at headquarters, {len(here - there)} too many")
    if open_:
        raise Broken(f"left to be looked at: {open_[:3]}")
    for number in range(len(HOMES)):
        check_station(world, number)
        found = standing(world.folder / world.station(number))
        if found.unconfirmed:
            raise Broken(f"{world.station(number)}: {found.unconfirmed} not confirmed")
    world.faults["records"] = sum(here.values())


def told(faults: Counter[str]) -> str:
    """The faults in words."""
    return ", ".join(f"{count} {what}" for what, count in sorted(faults.items()))


def _folders() -> Iterator[Path]:
    yield Path(tempfile.mkdtemp(prefix="kiosk-end-to-end-"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.end_to_end", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    (folder,) = _folders()
    try:
        faults = run(folder, options.kills, options.seed)
    except Broken as broken:
        print(f"seed {options.seed}, in {folder}: {broken}")
        return 1
    shutil.rmtree(folder)
    print(f"{told(faults)} in {time.monotonic() - began:.0f} s, all promises kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
