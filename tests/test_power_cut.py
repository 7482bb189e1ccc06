"""Whatever was acknowledged survives a power cut, at whatever moment; and the model that says so can tell."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tinydb import TinyDB
from tinydb.storages import JSONStorage

from kiosk import durable, segments, setup
from kiosk.campaign import Campaign
from kiosk.rules import Application, Stay
from kiosk.station import Station
from kiosk.store import DurableStorage
from tests import factories, plain
from tests.conftest import COMMUNITY, PIN, STATION, FakeClock, seeded
from tests.power import CRUELTIES, Power, State, power, restore


def survivors(state: State, tmp_path: Path) -> list[int]:
    """What plain TinyDB finds in the one file that was written."""
    folder = restore(state, tmp_path)
    return [document["n"] for document in TinyDB(folder / "log.json", access_mode="r").all()]


def holds(watched: Power, folder: Path, tmp_path: Path, *, stock: bool) -> bool:
    """Whether all that was acknowledged survives each power cut, before and after every fsync."""
    cuts: list[tuple[int, State]] = []
    acknowledged = 0

    def cut() -> None:
        cuts.extend((acknowledged, watched.cut(cruelty)) for cruelty in CRUELTIES)

    watched.before_sync = cut
    db = TinyDB(folder / "log.json", storage=JSONStorage if stock else DurableStorage)
    for n in range(1, 4):
        db.insert({"n": n})
        acknowledged = n
        cut()
    for place, (known, state) in enumerate(cuts):
        if not known:
            continue
        try:
            found = survivors(state, tmp_path / str(place))
        except (OSError, ValueError):
            return False
        if found[:known] != list(range(1, known + 1)):
            return False
    return True


def without(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes one of the two fsyncs out of every durable write."""
    if what == "the folder's":
        monkeypatch.setattr(durable, "sync_folder", lambda path: None)
    else:
        real = os.fsync
        is_folder: Callable[[int], bool] = lambda descriptor: Path(f"/proc/self/fd/{descriptor}").is_dir()  # noqa: E731
        monkeypatch.setattr(os, "fsync", lambda descriptor: real(descriptor) if is_folder(descriptor) else None)


@pytest.mark.parametrize("lacking", ["nothing", "the file's", "the folder's", "stock"])
def test_only_a_storage_with_both_fsyncs_keeps_what_it_acknowledged(tmp_path: Path, lacking: str) -> None:
    """TinyDB's own storage does not, and ours would not without either of its fsyncs: so the model is no yes-man."""
    folder = tmp_path / "disk"
    folder.mkdir()
    # Undone before the watching ends: otherwise whatever this process syncs from then on is watched for ever.
    with power(folder) as watched, pytest.MonkeyPatch.context() as patched:
        if lacking not in ("nothing", "stock"):
            without(lacking, patched)
        assert holds(watched, folder, tmp_path / "after", stock=lacking == "stock") is (lacking == "nothing")


def run_a_station(data: Path, campaign: Campaign, clock: FakeClock, acknowledged: list[str]) -> None:
    """Set-up, two days with a seal between, and all that was acknowledged on the way."""
    made = setup.prepare(data, campaign, station=STATION, community=COMMUNITY, pin=PIN, entropy=seeded(1))
    setup.finish(data, made, clock=clock, entropy=seeded(1))
    acknowledged.append(plain.ids(data)[0])
    station = Station(data, clock=clock, entropy=seeded(2))
    try:
        for number in range(3):
            given = factories.answers(campaign, station.today())
            who = factories.applicant(number, born=factories.DAY.replace(year=1990))
            acknowledged.extend(station.check_in(Application(who, given, True, Stay())).ids)
            clock.advance(days=number % 2)
    finally:
        station.close()


@pytest.mark.usefixtures("light_wrapping")
def test_a_station_keeps_what_it_acknowledged_from_its_set_up_on(
    tmp_path: Path, campaign: Campaign, clock: FakeClock
) -> None:
    """The power goes before and after every fsync; each time the station opens again, whole, with all of it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    acknowledged: list[str] = []
    cuts: dict[tuple[int, tuple[tuple[str, int], ...]], State] = {}
    with power(disk) as watched:

        def cut() -> None:
            for cruelty in CRUELTIES:
                state = watched.cut(cruelty)
                key = len(acknowledged), tuple(sorted((name, hash(content)) for name, content in state.items()))
                cuts[key] = state

        watched.before_sync = cut
        run_a_station(disk / "deep" / "data", campaign, clock, acknowledged)
        cut()
    assert len(cuts) > 30
    later = FakeClock(clock.now + timedelta(minutes=1))
    for place, ((known, _), state) in enumerate(cuts.items()):
        data = restore(state, tmp_path / f"after-{place}") / "deep" / "data"
        if known:
            assert plain.ids(data)[:known] == acknowledged[:known]
            station = Station(data, clock=later, entropy=seeded(3))
            try:
                assert station.set_aside == []
            finally:
                station.close()
            assert segments.verify(data, STATION) == []
            assert plain.ids(data)[:known] == acknowledged[:known]


@pytest.mark.usefixtures("light_wrapping")
def test_every_folder_that_set_up_makes_is_synced_into_its_parent(tmp_path: Path, campaign: Campaign) -> None:
    """Without that, the whole log may be gone after the first power cut."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with power(disk) as watched:
        clock = FakeClock()
        run_a_station(disk / "data", campaign, clock, [])
        kept = {name.split("/")[1] for name in watched.cut("nothing unsynced")}
    assert {"station.json", "keys", "campaign", "records"} <= kept


def test_folders_are_made_private_up_to_the_first_that_was_there(tmp_path: Path) -> None:
    durable.make_folder(tmp_path / "a" / "b" / "c")
    for path in ("a", "a/b", "a/b/c"):
        assert (tmp_path / path).stat().st_mode & 0o777 == 0o700
