"""Stations hand over to real servers, headquarters collects into SQLite and PostgreSQL, and all is confirmed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from kiosk.campaign import Campaign
from kiosk.canonical import canonical
from kiosk.hq import collecting, enrolment, objects
from kiosk.hq.collecting import Collected, collect
from kiosk.hq.database import Database, about, records
from kiosk.hq.keys import HqKeys
from kiosk.hq.problems import doubtful, problems
from kiosk.hq.reading import all_stations, history_of, log_of, report
from kiosk.hq.stays import counted_before
from kiosk.keys import Keys
from kiosk.published import Head, head_name
from kiosk.records import FORMAT_VERSION, ZEROS, seal_record
from kiosk.remote import Credentials, RemoteError, place_at
from kiosk.station import Station
from kiosk.sync import Outcome, exchange, standing
from tests import factories, plain
from tests.conftest import FakeClock, Run, made_once, seeded
from tests.district import HOMES
from tests.servers import KINDS, PASSWORD, NotHere, Rclone, Servers
from tests.test_recovery import arrive


@pytest.fixture(scope="session")
def handing_over(tmp_path_factory: pytest.TempPathFactory, prepared: Path, campaign: Campaign) -> Path:
    """Headquarters' keys and two stations that know them, with three sealed segments each, to be copied."""

    def make(folder: Path) -> None:
        shutil.copytree(prepared, folder)
        for name in HOMES:
            clock, entropy = FakeClock(), seeded(int(name[1:]))
            for day in range(3):
                station = Station(folder / name, clock=clock, entropy=entropy)
                for number in range(3):
                    arrive(station, campaign, int(name[-1]) * 10 + day * 3 + number)
                    clock.advance(minutes=1)
                station.seal()
                station.close()

    return made_once(tmp_path_factory, "handing over", make)


@pytest.fixture
def folder(handing_over: Path, tmp_path: Path, clock: FakeClock) -> Path:
    """The same, for one test; it is an hour later."""
    shutil.copytree(handing_over, tmp_path, dirs_exist_ok=True)
    clock.advance(hours=1)
    return tmp_path


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, servers: Servers, folder: Path) -> Iterator[Database]:
    """Headquarters' database of each kind, empty."""
    opened = Database(_fresh(servers) if request.param == "postgresql" else None, folder / "hq")
    yield opened
    opened.close()


def _fresh(servers: Servers) -> str:
    try:
        return servers.postgres.fresh()
    except NotHere as error:
        pytest.skip(f"PostgreSQL does not run here: {error}")


def _handed_over(folder: Path, station: str, url: str, credentials: Credentials, clock: FakeClock) -> Outcome:
    place = place_at(url, credentials)
    try:
        return exchange(folder / station, place, clock())
    finally:
        place.close()


def _ids(folder: Path, station: str) -> list[str]:
    return [record["id"] for record in plain.log(folder / station)]


def _told(database: Database, clock: FakeClock) -> dict[str, Any]:
    """What headquarters can say, whatever the database: this is compared."""
    with database.begin() as connection:
        stations = all_stations(connection)
        elsewhere = counted_before(connection, clock())
        return {
            "logs": {each.station: [record.id for record in log_of(connection, each)] for each in stations},
            "people": {each.station: sorted(history_of(connection, each).people) for each in stations},
            "problems": sorted((each.station, each.kind, each.name) for each in problems(connection)),
            "days": [str(day) for day in report(connection, clock(), doubtful(connection), elsewhere)],
        }


def _box(server: Rclone, request: pytest.FixtureRequest) -> str:
    """A folder at a server for one test."""
    name = f"box-{abs(hash(request.node.nodeid))}"
    (server.folder / name).mkdir()
    return server.url(f"{name}/district")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_busy", [False, True], ids=["threads", "processes"])
def test_all_records_are_confirmed(
    servers: Servers,
    kind: str,
    is_busy: bool,
    folder: Path,
    database: Database,
    clock: FakeClock,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Objects are opened by threads over one connection where they are few, by processes with their own where many."""
    if is_busy:
        monkeypatch.setattr(objects, "_MANY", 2)
        monkeypatch.setattr(collecting, "_AHEAD", 8)
    server, keys = servers[kind], HqKeys(folder / "keys")
    url, known = _box(server, request), server.credentials
    written = {station: _ids(folder, station) for station in HOMES}

    def collected() -> Collected:
        found = collect(database, keys, url, known, clock())
        assert (found.refused, found.forks, found.problems) == ([], [], [])
        return found

    for station in HOMES:
        outcome = _handed_over(folder, station, url, known, clock)
        assert (outcome.problems, outcome.taken, outcome.copied) == ([], [], False)
        assert outcome.published == 3
        assert standing(folder / station).confirmed == 0
    first = collected()
    assert (first.stations, first.segments, first.records) == (2, 6, sum(map(len, written.values())))
    clock.advance(minutes=1)
    for station in HOMES:
        outcome = _handed_over(folder, station, url, known, clock)
        assert (outcome.published, outcome.problems, outcome.taken) == (0, [], ["receipt", "directory"])
        assert standing(folder / station).unconfirmed == 0
        assert standing(folder / station).records == len(written[station])
    told = _told(database, clock)
    assert told["logs"] == {station: written[station] for station in sorted(HOMES)}
    assert [len(people) for people in told["people"].values()] == [9, 9]
    again = collected()
    assert (again.stations, again.segments, again.records) == (0, 0, 0)


def test_both_databases_say_the_same(
    servers: Servers, folder: Path, clock: FakeClock, tmp_path: Path, campaign: Campaign
) -> None:
    """With a fork and a person under two numbers, so that there is something to say."""
    box, known, keys = folder / "box", Credentials(), HqKeys(folder / "keys")
    box.mkdir()
    one, other = HOMES
    shutil.copytree(folder / one, folder / "copy")
    for number, which in enumerate((one, "copy")):
        station = Station(folder / which, clock=clock, entropy=seeded(number + 77))
        arrive(station, campaign, 40 + number)
        station.seal()
        station.close()
        clock.advance(minutes=5)
    for which, place in ((one, "box"), ("copy", "stick"), (other, "box")):
        _handed_over(folder, which, str(folder / place), known, clock)
    said = []
    for url in (None, _fresh(servers)):
        database = Database(url, tmp_path / "hq")
        for name in HOMES:
            enrolment.accept(database, name, enrolment.handed_in(folder / name, name), clock())
        found = [collect(database, keys, str(folder / place), known, clock()) for place in ("box", "stick")]
        assert [each.forks for each in found] == [[], [one]]
        said.append((_told(database, clock), [(each.segments, each.records) for each in found]))
        database.close()
    assert said[0] == said[1]
    assert {kind for _station, kind, _name in said[0][0]["problems"]} >= {"fork"}


def test_the_command_speaks_to_postgresql_and_keeps_its_password(
    servers: Servers, folder: Path, run: Run, clock: FakeClock
) -> None:
    url, keys = _fresh(servers), str(folder / "keys")
    home, at_hq = folder / "hq", ("--db", url)
    assert run("hq", "init", "--keys", keys, *at_hq, folder=home).code == 0
    for station in HOMES:
        assert run("sync", str(folder / "box"), folder=folder / station).code == 0
    done = run("hq", "collect", str(folder / "box"), *at_hq, folder=home)
    assert done.code == 0, done.err
    shown = run("hq", "stations", "--format", "json", *at_hq, folder=home)
    assert sorted(row["station"] for row in shown.rows) == sorted(HOMES)
    for station in HOMES:
        done = run("sync", str(folder / "box"), "--format", "json", folder=folder / station)
        assert [row["unconfirmed"] for row in done.rows] == [0]
    assert not (home / "hq.sqlite").exists()
    # A database that is not there is told in a sentence.
    refused = run("hq", "stations", "--db", f"{url}-no-such", folder=home)
    assert (refused.code, refused.out) == (1, "")
    assert PASSWORD not in refused.err
    assert "-no-such" in refused.err


def test_a_batch_that_fails_leaves_nothing_behind_in_postgresql(
    servers: Servers, folder: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Segments and their rows go in together, though the rows go by COPY past SQLAlchemy."""
    for station in HOMES:
        _handed_over(folder, station, str(folder / "box"), Credentials(), clock)
    database, real = Database(_fresh(servers), folder / "hq"), Database.insert_many

    def failing(*given: Any) -> None:
        real(*given)
        raise RuntimeError("a power cut")

    monkeypatch.setattr(Database, "insert_many", staticmethod(failing))
    keys = HqKeys(folder / "keys")
    with pytest.raises(RuntimeError):
        collect(database, keys, str(folder / "box"), Credentials(), clock())
    with database.begin() as connection:
        for name in ("segments", "records", "stations"):
            assert connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) == 0
    monkeypatch.setattr(Database, "insert_many", staticmethod(real))
    found = collect(database, keys, str(folder / "box"), Credentials(), clock())
    assert found.records == sum(len(_ids(folder, station)) for station in HOMES)
    database.close()


def test_what_a_killed_server_has_not_got_is_handed_over_later(
    own_server: Any, folder: Path, clock: FakeClock, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes after the first segment, comes back, and holds half a file; nothing is lost or believed."""
    server, keys = own_server("webdav"), HqKeys(folder / "keys")
    url, known = _box(server, request), server.credentials
    (station, *_) = HOMES
    place = place_at(url, known)
    real, done = place.write, list[str]()

    def write(name: str, content: bytes) -> None:
        real(name, content)
        done.append(name)
        if len(done) == 1:
            server.kill()

    monkeypatch.setattr(place, "write", write)
    outcome = exchange(folder / station, place, clock())
    place.close()
    assert outcome.published == 1
    assert outcome.problems
    server.start()
    (behind,) = server.folder.glob(f"*/district/{done[0]}")
    behind.write_bytes(behind.read_bytes()[:100])
    assert _handed_over(folder, station, url, known, clock).problems == []
    database = Database(None, folder / "hq")
    found = collect(database, keys, url, known, clock())
    assert (found.refused, found.records) == ([], len(_ids(folder, station)))
    assert _handed_over(folder, station, url, known, clock).problems == []
    assert standing(folder / station).unconfirmed == 0
    server.kill()
    with pytest.raises(RemoteError):
        collect(database, keys, url, known, clock())
    database.close()


def _handed_by_a_stranger(folder: Path, clock: FakeClock, change: Callable[[Head], Head]) -> tuple[str, str]:
    """Both stations hand over, one of them with a head of its own making; returns where, and which."""
    url, station = str(folder / "box"), next(iter(HOMES))
    for each in HOMES:
        _handed_over(folder, each, url, Credentials(), clock)
    path, keys = folder / "box" / head_name(station), Keys(folder / station / "keys", folder / station / "tmp")
    path.write_bytes(change(Head.read(path.read_bytes())).sign(keys.public, keys.sign))
    return url, station


def test_a_character_that_postgresql_cannot_hold_keeps_nobody_out(
    folder: Path, database: Database, clock: FakeClock
) -> None:
    """Anybody may hand over a head, and one that cannot be kept must not stop the others."""
    url, station = _handed_by_a_stranger(folder, clock, lambda head: replace(head, name="东\x00门"))
    found = collect(database, HqKeys(folder / "keys"), url, Credentials(), clock())
    assert found.records == sum(len(_ids(folder, each)) for each in HOMES)
    assert (found.refused, found.problems) == ([], [])
    with database.begin() as connection:
        names = {each.station: each.name or "" for each in all_stations(connection)}
        connection.execute(about.insert(), {"name": "a\x00b", "value": "c\x00d"})
        connection.execute(about.insert(), [{"name": f"{n}\x00", "value": "\x00"} for n in range(3)])
        assert connection.scalar(sa.select(about.c.name).where(about.c.name == "a\x00b")) is not None
    assert names[station].startswith("东")


@pytest.mark.parametrize("seq", [2**53, 2**63, 2**70, -1])
def test_a_number_that_no_database_holds_keeps_nobody_out(
    folder: Path, database: Database, clock: FakeClock, seq: int
) -> None:
    url, station = _handed_by_a_stranger(
        folder, clock, lambda head: replace(head, ends=tuple(replace(end, seq=seq) for end in head.ends))
    )
    found = collect(database, HqKeys(folder / "keys"), url, Credentials(), clock())
    assert found.records == sum(len(_ids(folder, each)) for each in HOMES)
    assert [told.partition(":")[0] for told in found.refused] == [head_name(station)]


@pytest.mark.parametrize("seq", [2**31 - 1, 2**31, 2**53 - 1])
def test_a_record_with_a_large_number_keeps_nobody_out(
    folder: Path, database: Database, clock: FakeClock, seq: int
) -> None:
    """A file that nobody has signed may hold any number that a record can have."""
    (folder / "box" / "stranger").mkdir(parents=True)
    for each in HOMES:
        _handed_over(folder, each, str(folder / "box"), Credentials(), clock)
    draft = factories.checked_in(factories.volunteer_number(), clock())
    where: Any = {"station": "S9", "epoch": factories.EPOCH, "prev": ZEROS}
    record = seal_record(draft, **where, seq=seq, at=clock(), campaign=("any", 1))
    header = {"format": FORMAT_VERSION, **where, "first_seq": seq}
    content = canonical({"segment": {"1": header}, "records": {"1": record.document}})
    (folder / "box" / "stranger" / "open.json").write_bytes(content)
    found = collect(database, HqKeys(folder / "keys"), str(folder / "box"), Credentials(), clock())
    assert (found.stations, found.problems, found.refused) == (3, [], [])
    with database.begin() as connection:
        taken = connection.scalars(sa.select(records.c.seq).order_by(records.c.seq.desc()).limit(1)).all()
    assert taken == [seq]
