"""Headquarters answers for the keys of stations; then each knows the badges of all others, without a network."""

from __future__ import annotations

import base64
import json
import shutil
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest
import sqlalchemy as sa

from kiosk.hq.keys import HqKeys
from kiosk.keys import Keys
from kiosk.station import Station
from kiosk.trust import Directory, fingerprint, read_hq_keys
from tests import factories, plain
from tests.conftest import Run
from tests.district import HOMES, District
from tests.test_recovery import arrive


def key_of(folder: Path) -> bytes:
    return Keys(folder / "keys", folder / "tmp").public


# --- keys -----------------------------------------------------------------------------------------------------------


def test_init_makes_keys_for_the_owner_alone(run: Run, tmp_path: Path) -> None:
    done = run("hq", "init", "--keys", str(tmp_path / "k"), "--format", "json", folder=tmp_path / "hq")
    assert done.code == 0
    (row,) = done.rows
    assert list(row) == ["keys", "public", "age", "fingerprint"]
    public = read_hq_keys(Path(row["public"]))
    assert public["age"] == row["age"]
    assert row["fingerprint"] == fingerprint(HqKeys(tmp_path / "k").public)
    files = {path.name: path for path in (tmp_path / "k").iterdir()}
    assert files.keys() == {"hq.key", "hq.age", "hq-post.age", "hq.json"}
    for path in [*files.values(), tmp_path / "hq" / "hq.sqlite"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o700
    secrets = [files[name].read_text() for name in ("hq.key", "hq.age", "hq-post.age")]
    assert not any(secret in done.out or secret in files["hq.json"].read_text() for secret in secrets)


@pytest.mark.parametrize("left", [["hq.key"], ["hq.age"], ["hq-post.age"], ["hq.json"]])
def test_init_never_replaces_keys(run: Run, tmp_path: Path, left: list[str]) -> None:
    assert run("hq", "init", "--keys", str(tmp_path / "k"), folder=tmp_path / "hq").code == 0
    for name in {"hq.key", "hq.age", "hq-post.age", "hq.json"} - set(left):
        (tmp_path / "k" / name).unlink()
    before = plain.fingerprint(tmp_path / "k")
    again = run("hq", "init", "--keys", str(tmp_path / "k"), folder=tmp_path / "other")
    assert (again.code, again.out) == (2, "")
    assert left[0] in again.err
    assert plain.fingerprint(tmp_path / "k") == before


def test_a_database_belongs_to_the_keys_that_it_was_made_with(run: Run, tmp_path: Path) -> None:
    """One of other keys, or of none, knows of nothing that was withdrawn."""
    first = run("hq", "init", "--keys", str(tmp_path / "k"), "--format", "json", folder=tmp_path / "hq")
    other = run("hq", "init", "--keys", str(tmp_path / "k2"), folder=tmp_path / "hq")
    assert (other.code, other.out) == (2, "")
    assert str(tmp_path / "k") in other.err
    assert not (tmp_path / "k2").exists()
    for command in (["accept", "S1", "--key", "0a" * 32], ["directory", "--keys", str(tmp_path / "k")]):
        fresh = run("hq", *command, folder=tmp_path / "typo")
        assert (fresh.code, fresh.out) == (2, "")
        assert "hq init" in fresh.err
    # A database that was lost begins anew with the same keys, by somebody who says so.
    anew = run("hq", "init", "--keys", str(tmp_path / "k"), "--format", "json", folder=tmp_path / "new")
    assert anew.code == 0
    assert anew.rows == first.rows


# --- badges of another station --------------------------------------------------------------------------------------


def test_a_badge_of_one_station_counts_at_another_once_headquarters_says_so(district: District) -> None:
    here, there = HOMES
    code, other = district.arrival(here, 1), district.arrival(there, 2)
    district.accept(here)
    district.tell(there)
    assert district.judged(there, code) is None
    assert district.judged(here, other) == "unknown_station"  # nobody has answered for it yet
    district.accept(there)
    district.tell(here, there)
    assert district.judged(here, other) is None
    station = Station(district.folder / there, clock=district.clock)
    visitor = station.recognise(code).visitor
    station.close()
    assert visitor is not None
    assert visitor.station == here


def test_accept_prints_what_people_compare(district: District) -> None:
    (station, *_) = HOMES
    done = district.accept(station)
    (row,) = done.rows
    assert list(row) == ["station", "key", "fingerprint", "accepted", "withdrawn"]
    assert row["key"] == key_of(district.folder / station).hex()
    own = district.at(station, "badge", "stations", "--format", "json")
    assert own.rows == [
        {"station": station, "key": row["key"], "fingerprint": row["fingerprint"], "counts": True},
    ]
    assert (row["accepted"][:10], row["withdrawn"]) == ("2021-12-06", None)
    district.clock.advance(minutes=5)
    assert district.accept(station).rows == [row]  # once more is no more


def test_a_station_may_learn_later_who_headquarters_is(
    district: District, station: Station, passphrase: str, run: Run
) -> None:
    """Whoever registers from then on is sealed to headquarters, too, beside a running kiosk; it is never exchanged."""
    public = str(district.folder / "keys" / "hq.json")
    identity = pyrage.x25519.Identity.from_str((district.folder / "keys" / "hq.age").read_text())

    def opened(number: str) -> bytes:
        registered = next(r for r in station.records_about(number) if r.type == "registered")
        return bytes(pyrage.decrypt(base64.b64decode((registered.personal or {})["sealed"]), [identity]))

    before = arrive(station, district.campaign, 1).volunteer or ""
    with pytest.raises(pyrage.DecryptError):
        opened(before)
    done = run("badge", "stations", "--hq", public, folder=station.folder)
    assert done.code == 0
    assert fingerprint(HqKeys(district.folder / "keys").public) in done.err
    after = arrive(station, district.campaign, 2).volunteer or ""
    assert factories.phone(2).encode() in opened(after)
    assert run("badge", "stations", "--hq", public, folder=station.folder).code == 0
    other = HqKeys.create(district.folder / "other")
    refused = run("badge", "stations", "--hq", str(other.folder / "hq.json"), folder=station.folder)
    assert (refused.code, refused.out) == (1, "")
    assert read_hq_keys(station.folder / "keys" / "hq.json") == read_hq_keys(Path(public))


def test_a_key_can_be_named_by_any_of_the_stations_files(district: District) -> None:
    (station, *_) = HOMES
    records = district.folder / station / "records"
    stick = district.folder / "stick"
    stick.mkdir()
    shutil.copy(records / "open.json", stick / "anything.json")
    (stick / "other.json").write_text("[]")
    for path in (records, stick, stick / "anything.json"):
        done = district.hq("accept", station, "--from", str(path), "--format", "json")
        assert [row["key"] for row in done.rows] == [key_of(district.folder / station).hex()]
    named = district.hq("accept", "T1", "--key", "0a" * 32, "--format", "json")
    assert [row["key"] for row in named.rows] == ["0a" * 32]


def test_a_lost_key_stays_good_and_the_new_one_counts_once_it_is_accepted(district: District) -> None:
    here, there = HOMES
    code = district.arrival(here, 1)
    district.accept(here)
    district.tell(here, there)
    (district.folder / here / "keys" / "station.key").write_bytes(b"")
    fresh = district.arrival(here, 3)
    assert [district.judged(here, each) for each in (code, fresh)] == [None, None]
    assert [district.judged(there, each) for each in (code, fresh)] == [None, "bad_signature"]
    assert len(district.accept(here).rows) == 2
    district.tell(there)
    assert [district.judged(there, each) for each in (code, fresh)] == [None, None]


def test_a_stolen_key_counts_nowhere_and_the_station_makes_another(district: District) -> None:
    here, there = HOMES
    code = district.arrival(here, 1)
    district.accept(here)
    district.tell(here, there)
    stolen = key_of(district.folder / here)
    done = district.hq("accept", here, "--withdraw", fingerprint(stolen), "--reason", "被盗", "--format", "json")
    assert done.rows[0]["withdrawn"][:10] == "2021-12-06"
    before = district.folder / "before.json"
    shutil.copy(district.folder / "directory.json", before)
    district.tell(here, there)
    assert [district.judged(each, code) for each in HOMES] == ["revoked", "revoked"]
    older = district.at(there, "badge", "stations", str(before), "--format", "json")
    assert older.code == 1
    assert older.err.strip()
    assert {row["counts"] for row in older.rows if row["key"] == stolen.hex()} == {False}
    assert district.judged(there, code) == "revoked"
    refused = district.accept(here)  # its files name the stolen one only
    assert (refused.code, refused.out) == (1, "")
    assert fingerprint(stolen) in refused.err
    fresh = district.arrival(here, 3)
    assert key_of(district.folder / here) != stolen
    assert district.judged(here, fresh) is None
    again = district.hq("accept", here, "--key", stolen.hex())
    assert (again.code, again.out) == (1, "")
    rows = {row["key"]: row["withdrawn"] is None for row in district.accept(here).rows}
    assert rows == {stolen.hex(): False, key_of(district.folder / here).hex(): True}
    district.tell(there)
    assert district.judged(there, fresh) is None


def test_a_badge_that_one_station_has_revoked_counts_nowhere(district: District) -> None:
    here, there = HOMES
    code = district.arrival(here, 1)
    district.accept(here)
    district.tell(there)
    assert district.judged(there, code) is None
    station = Station(district.folder / here, clock=district.clock)
    (number,) = station.history.people
    station.revoke_badge(number, "遗失")
    station.close()
    district.accept(here)
    district.tell(here, there)
    assert [district.judged(each, code) for each in (here, there)] == ["revoked", "revoked"]
    station = Station(district.folder / here, clock=district.clock)
    station.check_out(number)
    fresh = station.check_in_again(number, factories.answers(district.campaign, station.today())).code or ""
    station.close()
    assert [district.judged(each, fresh) for each in (here, there)] == [None, None]


# --- the directory --------------------------------------------------------------------------------------------------


def test_the_directory_stays_the_same_file_until_something_changes(district: District) -> None:
    here, there = HOMES
    public = HqKeys(district.folder / "keys").public
    district.accept(here)
    first = district.publish().read_bytes()
    district.clock.advance(minutes=5)
    assert district.publish().read_bytes() == first
    district.accept(there)
    district.clock.now -= timedelta(days=900)  # a board without a battery
    second = district.publish().read_bytes()
    numbers = [Directory.read(content, public).number for content in (first, second)]
    assert numbers[1] == numbers[0] + 1
    assert set(Directory.read(second, public).stations) == set(HOMES)
    printed = district.hq("directory")
    assert json.loads(printed.out) == json.loads(second)


def test_a_directory_of_somebody_else_is_refused(district: District, run: Run) -> None:
    here, there = HOMES
    run("hq", "init", "--keys", str(district.folder / "thief"), folder=district.folder / "other")
    run("hq", "accept", there, "--from", str(district.folder / there), folder=district.folder / "other")
    path = district.folder / "forged.json"
    assert run("hq", "directory", "--out", str(path), folder=district.folder / "other").code == 0
    before = plain.fingerprint(district.folder / here)
    done = district.at(here, "badge", "stations", str(path))
    assert (done.code, done.out) == (1, "")
    assert done.err.strip()
    assert plain.fingerprint(district.folder / here) == before


# --- what goes wrong ------------------------------------------------------------------------------------------------


def _damage(path: Path) -> None:
    told = json.loads(path.read_text("utf-8"))
    told["records"]["1"]["details"]["key"] = "0b" * 32
    path.write_text(json.dumps(told, ensure_ascii=False), "utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["accept", "S016001", "--from", "{folder}/nowhere"], 1, "nowhere"),
        (["accept", "S016001", "--from", "{folder}/S001001"], 1, "S016001"),
        (["accept", "S001001", "--from", "{folder}/keys/hq.json"], 1, "hq.json"),
        (["accept", "S016001", "--key", "12"], 2, "64"),
        (["accept", "no such", "--key", "0a" * 32], 2, ""),
        (["accept", "S016001"], 1, "S016001"),
        (["accept", "S016001", "--withdraw", "ABCDE"], 1, "ABCDE"),
        (["directory", "--keys", "{folder}/nowhere"], 1, "nowhere"),
        (["directory", "--db", "{folder}/hq"], 1, "hq"),
        (["directory", "--db", "nonsense://x"], 2, "--db"),
        (["directory", "--out", "{folder}/nowhere/d.json"], 1, ""),
        (["directory", "--db", "{folder}/new.sqlite"], 2, "hq init"),
        (["init", "--keys", " "], 2, "--keys"),
    ],
)
def test_each_trouble_has_its_sentence(district: District, arguments: list[str], code: int, named: str) -> None:
    done = district.hq(*(part.format(folder=district.folder) for part in arguments))
    assert (done.code, done.out) == (code, "")
    assert named in done.err
    assert done.err.strip()


def test_a_file_that_was_changed_names_no_key(district: District) -> None:
    (station, *_) = HOMES
    _damage(district.folder / station / "records" / "open.json")
    done = district.accept(station)
    assert (done.code, done.out) == (1, "")
    assert "open.json" in done.err


def test_a_key_belongs_to_one_station(district: District) -> None:
    here, there = HOMES
    district.accept(here)
    done = district.hq("accept", there, "--key", key_of(district.folder / here).hex())
    assert done.code == 1
    assert here in done.err


def test_a_database_of_a_newer_version_is_left_alone(district: District) -> None:
    path = district.folder / "hq" / "hq.sqlite"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE about SET value = '99' WHERE name = 'format'"))
    engine.dispose()
    done = district.hq("directory")
    assert (done.code, done.out) == (1, "")
    assert "99" in done.err


def test_no_password_is_printed(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_args: Any, **_more: Any) -> Callable[..., Any]:
        raise sa.exc.OperationalError("", {}, Exception("could not connect"))

    monkeypatch.setattr(sa.Engine, "begin", connect)
    done = district.hq("directory", "--db", "sqlite://somebody:geheim@/x")
    assert done.code in (1, 2)
    assert "geheim" not in done.err
    assert done.err.strip()
