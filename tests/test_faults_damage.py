"""Damaged files by chance: told, never believed, and never in the way of the next record."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk import canonical, recovery, segments
from kiosk import station as station_module
from kiosk.index import Index
from kiosk.keys import Keys
from kiosk.segments import Log
from kiosk.settings import FILE
from kiosk.store import Store
from tests import plain
from tests.faults import wholly
from tests.faults.damaging import damage, make
from tests.faults.script import STATION, Broken, Station, small_and_quick

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

Count = Callable[[str, object], None]


def test_a_thousand_damaged_logs(record_property: Count) -> None:
    with small_and_quick() as folder:
        found = damage(folder, 1_000, seed=5)
    record_property("faults", found.total())
    assert found["told"] > 900
    assert found["no harm done"] < 60  # a change that was taken back, or a space more in the JSON


def test_a_store_that_believes_what_it_can_read_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "_without_forgeries", lambda store, log: log)
    with small_and_quick() as folder, pytest.raises(Broken, match="takes in records that nobody wrote"):
        damage(folder, 300, seed=5)


def test_a_store_that_throws_damaged_files_away_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def throw_away(store: Store, source: Path) -> None:
        source.unlink()
        store.set_aside.append(source.name)

    monkeypatch.setattr(Store, "_set_aside", throw_away)
    with small_and_quick() as folder, pytest.raises(Broken, match="was not kept as it was"):
        damage(folder, 300, seed=5)


def test_a_verify_that_compares_no_hashes_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_within", lambda segment, name, station: iter(()))
    with small_and_quick() as folder, pytest.raises(Broken, match="nobody wrote"):
        damage(folder, 300, seed=5)


def test_a_verify_that_names_another_file_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_named", lambda segment: "records")
    with small_and_quick() as folder, pytest.raises(Broken, match="damaged, and not named"):
        damage(folder, 300, seed=5)


def test_a_verify_that_believes_any_pin_file_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keys, "_pin_state", lambda keys: {})
    with small_and_quick() as folder, pytest.raises(Broken, match=r"keys/pin\.json is damaged, and not named"):
        wholly.damage(folder, 300, seed=5)


def test_a_sealed_segment_in_place_of_the_open_one_is_told() -> None:
    """In the chain nothing would be missing, but the newest records are gone, and their numbers would come again."""
    with small_and_quick() as folder:
        make(data := folder / "data")
        first, *_others, opened = plain.segment_files(data)
        first.replace(opened)
        assert [finding.file for finding in segments.verify(data, STATION)] == ["records/open.json"]
        station = Station(data)
        assert station.open().set_aside == ["open.json"]
        station.close()


# --- a whole station ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_hundreds_of_damaged_stations_let_people_in(
    seed: int, record_property: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, trusted = Index.read, 0

    def watched(index: Index, folder: Path) -> Log:
        nonlocal trusted
        log = read(index, folder)
        trusted += log.tail is not None
        return log

    monkeypatch.setattr(Index, "read", watched)
    with small_and_quick() as folder:
        found = wholly.damage(folder, 300, seed)
    record_property("faults", found.total())
    assert found["told"] > 200
    assert found["no harm done"] < 30  # what is derived, and an older station.json
    assert found["nothing left to begin with"] + found["nothing left to seal to"] < 6
    assert trusted > 300 + 20  # the next start does, and the first, where only what the log does not need is damaged


def test_a_station_that_drops_a_segment_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    close = station_module.Station.close

    def drop(station: station_module.Station) -> None:
        close(station)
        min((station.folder / "records" / "sealed").iterdir()).unlink()

    with small_and_quick() as folder:
        made = wholly.make(folder)
        wholly._write(folder / "data", made.files)
        assert wholly.look(folder / "data", made) == "no harm done"
        shutil.rmtree(folder / "data")
        wholly._write(folder / "data", made.files)
        monkeypatch.setattr(station_module.Station, "close", drop)
        with pytest.raises(Broken, match=r"not kept|are gone"):
            wholly.look(folder / "data", made)


def test_a_station_that_believes_any_settings_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "is_as_written", lambda members, without=(): True)
    with small_and_quick() as folder, pytest.raises(Broken, match=r"station\.json"):
        wholly.damage(folder, 400, seed=5)


def test_a_station_that_believes_the_settings_of_another_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with small_and_quick() as folder:
        made = wholly.make(folder)
        files = made.files | {FILE: made.foreign[FILE]}
        wholly._write(folder / "data", files)
        assert wholly.look(folder / "data", made) == "told"
        shutil.rmtree(folder / "data")
        wholly._write(folder / "data", files)
        monkeypatch.setattr(recovery, "owner", lambda folder, settings: None)
        with pytest.raises(Broken, match="takes itself for"):
            wholly.look(folder / "data", made)


def test_a_station_that_keeps_broken_keys_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keys, "renew", lambda keys, noted, entropy: ())
    with small_and_quick() as folder, pytest.raises(Broken, match=r"keys/.*(let in|badge)"):
        wholly.damage(folder, 400, seed=5)
