"""Headquarters takes in what stations hand over: all of it, once, and whatever is not right is told and kept apart."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.canonical import parse_json
from kiosk.hq import collecting, objects
from kiosk.hq.database import quarantine, records, segments
from kiosk.hq.keys import HqKeys, opener_for
from kiosk.keys import Keys
from kiosk.published import Envelope, enclose, head_name, open_envelope
from kiosk.records import Record, findings, record_hash, segment_hash
from kiosk.station import Station
from tests import plain
from tests.conftest import FakeClock, seeded
from tests.district import HOMES, District

HERE, THERE = HOMES
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def opened(district: District, path: Path) -> Envelope:
    """A published segment with its body in clear."""
    envelope = open_envelope(path.read_bytes())
    opener = opener_for(HqKeys(district.folder / "keys").identities())
    return Envelope(
        envelope.station,
        envelope.epoch,
        envelope.number,
        envelope.hash,
        envelope.key,
        envelope.content(opener),
        encrypted=False,
    )


def put(district: District, envelope: Envelope, *, sign: Callable[[bytes], bytes] | None = None) -> Path:
    """Lays a segment where it belongs, signed by the station's own key unless another signs."""
    path = district.box / envelope.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(enclose(envelope, sign or key_of(district, envelope.station).sign))
    return path


def key_of(district: District, station: str) -> Keys:
    folder = district.folder / station
    return Keys(folder / "keys", folder / "tmp")


def changed(envelope: Envelope, change: Callable[[dict[str, Any]], object], *, honest: bool = True) -> Envelope:
    """The segment with other tables; `honest` gives it all the hashes that a station would."""
    tables = parse_json(envelope.body)
    change(tables)
    header = tables["segment"]["1"]
    if honest:
        prev = tables["records"]["1"]["prev"]
        for record in tables["records"].values():
            record["prev"] = prev
            prev = record["hash"] = record_hash(record)
    hash_ = segment_hash([record["hash"] for record in tables["records"].values()], header)
    body = json.dumps(tables, ensure_ascii=False, separators=(",", ":")).encode()
    return Envelope(envelope.station, header["epoch"], envelope.number, hash_, envelope.key, body, encrypted=False)


def rows_of(district: District, table: sa.Table) -> list[Any]:
    database = district.database()
    try:
        with database.begin() as connection:
            return list(connection.execute(sa.select(table)))
    finally:
        database.close()


def everything(district: District, *stations: str) -> None:
    """Nothing is missing and nothing is there twice."""
    assert sorted(district.held()) == sorted(district.written(*stations))


# --- all of it, once ------------------------------------------------------------------------------------------------


def test_what_two_stations_hand_over_is_here_once(district: District) -> None:
    district.handed(HERE, (1, 2), (3,))
    district.handed(THERE, (4,))
    done = district.collect()
    assert (done.code, done.err) == (0, "")
    (row,) = done.rows
    assert row["records"] == len(district.written(HERE, THERE))
    everything(district, HERE, THERE)
    assert district.kinds() == []


def test_collecting_again_reads_one_head_a_station_and_changes_nothing(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    district.handed(HERE, (1,), (2,))
    district.handed(THERE, (3,))
    district.collect()
    before = {path: path.read_bytes() for path in district.box.rglob("*") if path.is_file()}
    from kiosk.remote import _Folder

    names: list[str] = []
    real = _Folder.read

    def read(self: _Folder, name: str) -> bytes:
        names.append(name)
        return real(self, name)

    monkeypatch.setattr(_Folder, "read", read)
    done = district.collect()
    assert (done.code, done.rows[0]["records"], done.rows[0]["stations"]) == (0, 0, 0)
    assert sorted(names) == sorted([*map(head_name, HOMES), "hq/directory"])
    assert before == {path: path.read_bytes() for path in district.box.rglob("*") if path.is_file()}


def test_the_same_segment_by_three_routes_is_one(district: District) -> None:
    district.handed(HERE, (1,), (2,))
    stick, plain_files = district.folder / "stick", district.folder / "plain"
    assert district.sync(HERE, stick).code == 0
    shutil.copytree(district.folder / HERE / "records", plain_files / "records")
    for order in ((plain_files, stick, district.box), (district.box, plain_files, stick)):
        shutil.rmtree(district.folder / "hq" / "x", ignore_errors=True)
        assert district.collect(*order).code == 0
        everything(district, HERE)
    assert district.kinds() == []


def test_late_and_out_of_order_comes_right_in_the_end(district: District) -> None:
    district.handed(HERE, (1,), (2,), (3,), (4,))
    objects = district.objects(HERE)
    kept = {path: path.read_bytes() for path in objects}
    for path in objects:
        path.unlink()
    for place in (2, 0, 3, 1):
        objects[place].write_bytes(kept[objects[place]])
        assert district.collect().code == 0
        if place != 1:
            assert (HERE, "gap") in district.kinds()
    assert district.kinds() == []
    everything(district, HERE)


def test_what_a_listing_does_not_show_is_found_by_walking_back(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    district.handed(HERE, (1,), (2,), (3,))
    from kiosk.remote import _Folder

    monkeypatch.setattr(_Folder, "files", lambda self, folder: [])
    assert district.collect().code == 0
    everything(district, HERE)


def test_a_missing_segment_is_a_gap_until_it_comes(district: District) -> None:
    district.handed(HERE, (1,), (2,), (3,))
    second = district.objects(HERE)[1]
    content = second.read_bytes()
    second.unlink()
    assert district.collect().code == 0
    assert district.kinds() == [(HERE, "gap")]
    (row,) = district.hq("stations", "--format", "json").rows
    assert row["missing"] == opened_count(district, content)
    second.write_bytes(content)
    assert district.collect().code == 0
    assert district.kinds() == []
    assert district.hq("stations", "--format", "json").rows[0]["missing"] == 0


def opened_count(district: District, content: bytes) -> int:
    envelope = open_envelope(content)
    opener = opener_for(HqKeys(district.folder / "keys").identities())
    return len(parse_json(envelope.content(opener))["records"])


def test_a_tail_that_was_cut_off_shows_since_the_head_names_it(district: District) -> None:
    district.handed(HERE, (1,), (2,))
    district.objects(HERE)[-1].unlink()
    district.collect()
    assert district.kinds() == [(HERE, "gap")]


def test_several_places_in_one_go_and_one_that_is_not_there(district: District) -> None:
    district.handed(HERE, (1,))
    done = district.collect(district.folder / "nowhere", district.box)
    assert done.code == 1
    assert "nowhere" in done.err
    everything(district, HERE)


def test_a_kill_at_any_transaction_is_made_good_by_the_next_call(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    district.handed(HERE, (1,), (2,))
    district.handed(THERE, (3,))
    database = type(district.database())
    real = database.begin
    for kill_at in range(40):
        count = iter(range(1000))

        def begin(self: Any, kill_at: int = kill_at, count: Any = count) -> Any:
            if next(count) == kill_at:
                raise KeyboardInterrupt
            return real(self)

        with monkeypatch.context() as patched:
            patched.setattr(database, "begin", begin)
            done = district.collect()
        if done.code == 0:
            break
        assert done.code == 130
    else:
        pytest.fail("it never came through")
    assert kill_at > 5
    everything(district, HERE, THERE)
    assert len(rows_of(district, records)) == len(district.written(HERE, THERE))
    for station in HOMES:
        assert district.sync(station).rows[0]["unconfirmed"] == 0


# --- plain TinyDB files ---------------------------------------------------------------------------------------------


def test_a_plain_file_from_a_stick_is_taken_in_and_nobody_has_signed_it(district: District) -> None:
    district.arrivals(HERE, 1, 2)
    stick = district.folder / "stick"
    stick.mkdir()
    shutil.copy(district.folder / HERE / "records" / "open.json", stick)
    done = district.collect(stick)
    assert done.code == 0
    assert HERE in done.err  # it says so
    everything(district, HERE)
    district.sync(HERE)
    assert district.collect().err == ""
    assert [row.key is None for row in rows_of(district, segments)] == [False]


@pytest.mark.parametrize("how", ["the data folder", "the folder of records", "the file itself"])
def test_plain_files_are_found_wherever_they_are_on_the_stick(district: District, how: str) -> None:
    district.arrivals(HERE, 1)
    stick = district.folder / "stick"
    if how == "the data folder":
        shutil.copytree(district.folder / HERE, stick / "backup")
    elif how == "the folder of records":
        shutil.copytree(district.folder / HERE / "records", stick / "records")
    else:
        stick = district.folder / HERE / "records" / "open.json"
    assert district.collect(stick).code == 0
    everything(district, HERE)


def test_an_open_file_that_has_grown_takes_the_place_of_what_it_was(district: District) -> None:
    path = district.folder / HERE / "records" / "open.json"
    for number in range(3):
        district.arrivals(HERE, number)
        assert district.collect(path).code == 0
        everything(district, HERE)
        assert len(rows_of(district, segments)) == 1  # the shorter ones hold nothing that is not in it
    district.sync(HERE)
    assert district.collect().code == 0
    everything(district, HERE)
    (row,) = rows_of(district, segments)
    assert row.key is not None
    assert district.kinds() == []


def test_a_plain_file_that_is_damaged_is_refused_and_kept(district: District) -> None:
    district.arrivals(HERE, 1)
    stick = district.folder / "stick"
    (stick / "records").mkdir(parents=True)
    content = (district.folder / HERE / "records" / "open.json").read_bytes()
    (stick / "records" / "open.json").write_bytes(content.replace(b'"seq":2', b'"seq":3'))
    (stick / "photo.json").write_text("[]")
    done = district.collect(stick)
    assert done.code == 1
    assert "open.json" in done.err
    assert "photo" not in done.err
    (kept,) = rows_of(district, quarantine)
    assert bytes(kept.content) == (stick / "records" / "open.json").read_bytes()
    assert district.held() == []


# --- what is wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_any_bit_of_any_object_that_changes_is_found_and_the_rest_goes_on(district: District, seed: int) -> None:
    district.handed(HERE, (1,), (2,))
    district.handed(THERE, (3,))
    chance = random.Random(seed)
    path = chance.choice([*district.objects(HERE), district.box / head_name(HERE)])
    content = bytearray(path.read_bytes())
    whole = bytes(content)
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    done = district.collect()
    assert done.code == 1
    assert path.name in done.err
    assert [bytes(row.content) for row in rows_of(district, quarantine)] == [bytes(content)]
    assert set(district.held()) >= set(district.written(THERE))
    lost = 1 if path.name != "HEAD" else 0
    assert len(rows_of(district, segments)) == 3 - lost
    assert {kind for station, kind in district.kinds() if station == HERE} - {"gap"} != set()
    path.write_bytes(whole)
    assert district.collect().code == 0
    everything(district, HERE, THERE)
    assert district.kinds() == []


def test_a_forged_segment_counts_for_nothing(district: District) -> None:
    district.handed(HERE, (1,))
    district.collect()
    honest = opened(district, district.objects(HERE)[0])

    def one_more(tables: dict[str, Any]) -> None:
        tables["records"]["1"]["at"] = "2021-12-06T07:00:00.000+08:00"

    forged = changed(honest, one_more)
    public = STRANGER.public_key().public_bytes_raw()
    forged = Envelope(HERE, forged.epoch, 1, forged.hash, public, forged.body, encrypted=False)
    put(district, forged, sign=STRANGER.sign)
    district.handed(HERE, (2,))  # headquarters looks again when the head says that there is more
    district.collect()
    everything(district, HERE)
    assert (HERE, "bad_signature") in district.kinds()


def test_a_segment_whose_chain_is_broken_is_refused(district: District) -> None:
    district.handed(HERE, (1,))
    honest = opened(district, district.objects(HERE)[0])

    def lie(tables: dict[str, Any]) -> None:
        tables["records"]["2"]["by"] = "lead"

    put(district, changed(honest, lie, honest=False))  # its hashes are as they were, and with them its name
    assert district.collect().code == 1
    assert (HERE, "bad_hash") in district.kinds()
    assert district.held() == []


def test_a_segment_in_another_stations_folder_is_foreign(district: District) -> None:
    district.handed(HERE, (1,))
    district.handed(THERE, (2,))
    (path,) = district.objects(HERE)
    target = district.box / THERE / path.parent.name / path.name
    target.parent.mkdir()
    shutil.copy(path, target)
    assert district.collect().code == 1
    assert (THERE, "foreign") in district.kinds()
    everything(district, HERE, THERE)


def test_a_segment_of_a_newer_format_waits_for_a_newer_kiosk(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    district.handed(HERE, (1,))
    honest = opened(district, district.objects(HERE)[0])

    def newer(tables: dict[str, Any]) -> None:
        tables["segment"]["1"]["format"] = 2

    path = put(district, changed(honest, newer))
    assert district.collect().code == 1
    assert (HERE, "newer_format") in district.kinds()
    kept = next(row for row in rows_of(district, quarantine) if row.kind == "newer_format")
    assert bytes(kept.content) == path.read_bytes()
    everything(district, HERE)


def test_a_segment_of_an_older_format_is_read_as_it_is(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    district.handed(HERE, (1,))
    monkeypatch.setattr("kiosk.segments.FORMAT_VERSION", 2)
    assert district.collect().code == 0
    everything(district, HERE)


def test_types_and_fields_of_a_newer_version_are_kept(district: District) -> None:
    district.handed(HERE, (1,))
    honest = opened(district, district.objects(HERE)[0])

    def newer(tables: dict[str, Any]) -> None:
        last = tables["records"][str(len(tables["records"]))]
        tables["records"][str(len(tables["records"]))] = {**last, "type": "thanked", "flowers": 3}

    for path in district.box.rglob("*"):
        if path.is_file():
            path.unlink()
    put(district, changed(honest, newer))
    assert district.collect().code == 0
    told = [json.loads(row.document) for row in rows_of(district, records)]
    assert [document["flowers"] for document in told if document["type"] == "thanked"] == [3]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff" * 3000, b'{"format":1}\n'])
def test_what_is_no_segment_is_unreadable(district: District, content: bytes) -> None:
    district.handed(HERE, (1,))
    (path,) = district.objects(HERE)
    (path.parent / f"000002-{'ab' * 32}").write_bytes(content)
    assert district.collect().code == 1
    assert (HERE, "unreadable") in district.kinds()
    everything(district, HERE)


def test_what_is_encrypted_to_somebody_else_is_unreadable(district: District) -> None:
    import pyrage

    district.handed(HERE, (1,))
    honest = opened(district, district.objects(HERE)[0])
    stranger = pyrage.x25519.Identity.generate().to_public()
    body = pyrage.encrypt(honest.body, [stranger])
    put(district, Envelope(HERE, honest.epoch, 1, honest.hash, honest.key, body, encrypted=True))
    assert district.collect().code == 1
    assert (HERE, "unreadable") in district.kinds()


# --- forks ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def forked(district: District) -> District:
    """A station whose folder was copied and that goes on twice, collected."""
    district.handed(HERE, (1,))
    shutil.copytree(district.folder / HERE, district.folder / "copy")
    district.handed(HERE, (2,), (3,))
    district.collect()
    district.arrivals("copy", 4)
    assert district.at("copy", "sync", str(district.box)).code == 1
    district.arrivals("copy", 5)
    assert district.at("copy", "sync", str(district.box)).code == 1
    return district


def test_a_cloned_station_is_a_fork_and_both_branches_are_kept(forked: District) -> None:
    assert forked.collect().code == 1
    assert forked.kinds() == [(HERE, "fork")]
    everything(forked, HERE)
    documents = [json.loads(row.document)["id"] for row in rows_of(forked, records)]
    assert set(documents) == {*forked.written(HERE), *forked.written("copy")}
    assert forked.collect().code == 0  # it is told once; `problems` goes on telling it


def test_of_a_fork_the_branch_counts_that_a_person_has_chosen(forked: District) -> None:
    forked.collect()
    (row,) = forked.hq("problems", "--format", "json").rows
    name = row["detail"][1:].partition("]")[0]
    branch = plain.segment_files(forked.folder / "copy")[1].stem.partition("-")[2]
    assert forked.hq("resolve", name, "--decision", branch[:12], "--reason", "").code == 2
    assert forked.hq("resolve", name, "--decision", "ffff", "--reason", "x").code == 2
    done = forked.hq("resolve", name, "--decision", branch[:12], "--reason", "the copy was in use", "--format", "json")
    assert done.code == 0, done.err
    everything(forked, "copy")
    # Now the other branch is the one that does not count, and nobody is asked twice about it.
    assert [kind for _station, kind in forked.kinds()] == []
    forked.collect()
    everything(forked, "copy")


def test_the_fork_is_found_also_where_the_head_of_one_overwrites_the_others(district: District) -> None:
    district.handed(HERE, (1,))
    shutil.copytree(district.folder / HERE, district.folder / "copy")
    for number in range(2, 6):
        district.arrivals(HERE, number)
        district.sync(HERE)
        district.arrivals("copy", number + 10)
        district.at("copy", "sync", str(district.box))
    district.collect()
    assert district.kinds() == [(HERE, "fork")]
    stored = {json.loads(row.document)["id"] for row in rows_of(district, records)}
    assert stored == {*district.written(HERE), *district.written("copy")}


# --- keys -----------------------------------------------------------------------------------------------------------


def test_a_station_that_nobody_has_enrolled_is_taken_in_by_the_key_it_shows(district: District) -> None:
    district.handed(HERE, (1,))
    assert district.collect().code == 0
    assert district.hq("stations", "--format", "json").rows[0]["enrolled"] is False
    assert district.kinds() == []
    done = district.hq("accept", HERE, "--format", "json")
    assert [row["key"] for row in done.rows] == [key_of(district, HERE).public.hex()]
    assert district.hq("stations", "--format", "json").rows[0]["enrolled"] is True
    everything(district, HERE)


def test_once_a_key_is_accepted_no_other_counts(district: District) -> None:
    district.handed(HERE, (1,))
    district.collect()
    public = STRANGER.public_key().public_bytes_raw()
    assert district.hq("accept", HERE, "--key", public.hex()).code == 0
    assert district.held() == []
    assert (HERE, "bad_signature") in district.kinds()
    assert district.hq("accept", HERE, "--key", key_of(district, HERE).public.hex()).code == 0
    everything(district, HERE)
    assert district.kinds() == []


def test_what_a_stolen_key_signs_after_it_was_withdrawn_does_not_count(district: District, clock: FakeClock) -> None:
    district.handed(HERE, (1,))
    district.collect()
    district.hq("accept", HERE)
    before = district.written(HERE)
    clock.advance(minutes=1)
    key = key_of(district, HERE).public.hex()
    assert district.hq("accept", HERE, "--withdraw", key, "--reason", "stolen").code == 0
    clock.advance(minutes=1)
    district.handed(HERE, (2,))
    district.collect()
    assert sorted(district.held()) == sorted(before)
    assert (HERE, "bad_signature") in district.kinds()


# --- forgetting -----------------------------------------------------------------------------------------------------


def personal(district: District) -> list[bool]:
    """Of every record that has or had something personal, whether it is here."""
    told = [json.loads(row.document) for row in rows_of(district, records)]
    return ["personal" in document for document in told if "personal_hash" in document]


@pytest.mark.parametrize("late", [False, True])
def test_headquarters_follows_what_is_forgotten(district: District, late: bool) -> None:
    district.arrivals(HERE, 1, 2)
    stick = district.folder / "stick"
    district.sync(HERE, stick)
    who = plain.log(district.folder / HERE)[1]["volunteer"]
    if not late:
        district.collect(stick)
        assert personal(district) == [True, True]
    assert district.at(HERE, "forget", who, "--reason", "wish").code == 0
    district.sync(HERE)
    district.collect()
    if late:  # the stick comes after the network, with what was there before
        district.collect(stick)
    assert personal(district) == [False, True]
    everything(district, HERE)
    assert district.kinds() == []
    database = district.database()
    with database.begin() as connection:
        assert connection.scalars(sa.select(records.c.who).where(records.c.about == who)).all().count(None) >= 1
    database.close()


@pytest.mark.parametrize("late", [False, True])
def test_headquarters_follows_what_is_purged(district: District, late: bool) -> None:
    """The health answers of a campaign that has ended go here, too: of that station, and nothing else."""
    district.arrivals(HERE, 1, 2)
    district.arrivals(THERE, 3)
    district.clock.advance(hours=2)
    for station in HOMES:
        there = Station(district.folder / station, clock=district.clock, entropy=seeded(5))
        for entry in there.roster():
            there.check_out(entry.volunteer)
        there.close()
    stick = district.folder / "stick"
    for station in HOMES:
        district.sync(station, stick)
    district.sync(THERE)
    district.clock.advance(days=2)
    if not late:
        district.collect(stick)
        assert set(health(district, HERE)) == {True}
        before = minutes(district)
    district.end_campaign(date(2021, 12, 7), HERE)
    assert district.at(HERE, "purge").code == 0
    district.sync(HERE)
    if late:  # the stick comes after what the network has brought of it, with what was there before
        *before_it, _last = district.objects(HERE)
        for path in before_it:
            path.unlink()
        district.collect()
        assert health(district, HERE) == []
        district.collect(stick)
    else:
        district.collect()
        assert minutes(district) == before
    assert len(health(district, HERE)) == 4
    assert set(health(district, HERE)) == {False}
    assert set(health(district, THERE)) == {True}, "another station has not purged"
    assert sorted(minutes(district)) == [120] * 3
    assert set(personal(district)) == {True}, "names stay"
    everything(district, *HOMES)
    documents = [json.loads(row.document) for row in rows_of(district, records)]
    assert [found for document in documents for found in findings(Record.from_json(document))] == []
    assert district.kinds() == []
    assert district.at(HERE, "verify").code == 0


def health(district: District, station: str) -> list[bool]:
    """Of every record of a station that has or had health answers, whether they are here."""
    told = [json.loads(row.document) for row in rows_of(district, records)]
    return ["health" in each for each in told if each["station"] == station and "health_hash" in each]


def minutes(district: District) -> list[int]:
    return [row["minutes"] for row in district.hq("export", "--format", "json").rows]


def test_who_comes_back_after_it_is_known_again(district: District, clock: FakeClock) -> None:
    district.arrivals(HERE, 1)
    who = plain.log(district.folder / HERE)[1]["volunteer"]
    district.at(HERE, "forget", who)
    clock.advance(hours=1)
    district.handed(HERE, (1,))
    district.collect()
    district.collect()
    assert personal(district) == [False, True]


def test_a_file_that_nobody_has_signed_forgets_nobody(district: District) -> None:
    district.handed(HERE, (1,))
    district.collect()
    who = plain.log(district.folder / HERE)[1]["volunteer"]
    shutil.copytree(district.folder / HERE, district.folder / "copy")
    district.at("copy", "forget", who)
    district.collect(district.folder / "copy")
    assert personal(district) == [True]


# --- many -----------------------------------------------------------------------------------------------------------


def test_many_objects_are_opened_in_several_processes_with_the_same_result(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    district.handed(HERE, *((number,) for number in range(4)))
    monkeypatch.setattr(objects, "_MANY", 2)
    monkeypatch.setattr(collecting, "_AHEAD", 8)
    assert district.collect().code == 0
    everything(district, HERE)


def test_headquarters_needs_to_be_set_up_first(district: District) -> None:
    done = district.run("hq", "collect", str(district.box), folder=district.folder / "elsewhere")
    assert done.code == 2
    assert "hq init" in done.err


def test_nothing_of_a_person_stands_in_what_is_told(district: District) -> None:
    district.handed(HERE, (1,))
    (path,) = district.objects(HERE)
    path.write_bytes(path.read_bytes()[:-5])
    done = district.collect()
    assert "林" not in done.err + done.out


# --- what was decided, and what follows -----------------------------------------------------------------------------


def name_of(district: District, *arguments: str) -> str:
    """The name of the one problem that is listed."""
    (row,) = district.hq("problems", *arguments, "--format", "json").rows
    return str(row["detail"][1:].partition("]")[0])


def test_a_decision_about_a_fork_can_be_taken_back_by_another(forked: District) -> None:
    forked.collect()
    copy, own = (plain.segment_files(forked.folder / name)[1].stem.partition("-")[2] for name in ("copy", HERE))
    assert forked.hq("resolve", name_of(forked), "--decision", copy[:12], "--reason", "the copy").code == 0
    everything(forked, "copy")
    again = name_of(forked, "--all")
    assert forked.hq("resolve", again, "--decision", own[:12], "--reason", "no, the other").code == 0
    everything(forked, HERE)
    assert forked.kinds() == []


def test_a_station_is_told_anew_what_is_held_once_it_was_decided(forked: District) -> None:
    forked.collect()
    forked.sync(HERE)
    forked.collect()
    branch = plain.segment_files(forked.folder / "copy")[1].stem.partition("-")[2]
    forked.hq("resolve", name_of(forked), "--decision", branch[:12], "--reason", "the copy was in use")
    forked.collect()
    from kiosk.published import Receipt, receipt_name

    public = HqKeys(forked.folder / "keys").public
    receipt = Receipt.read((forked.box / receipt_name(HERE)).read_bytes(), public)
    assert sum(receipt.held.values()) == len(forked.written("copy"))


def test_badges_that_are_revoked_later_count_nowhere_without_another_word(district: District) -> None:
    code = district.arrival(HERE, 1)
    district.sync(HERE)
    district.collect()
    for station in HOMES:
        district.accept(station)
    opened_ = Station(district.folder / HERE, clock=district.clock, entropy=seeded(3))
    opened_.revoke_badge(opened_.recognise(code).number or "", "lost")
    opened_.close()
    district.sync(HERE)
    district.collect()
    district.tell(THERE)
    assert district.judged(THERE, code) == "revoked"


def test_a_refused_file_that_is_right_again_or_decided_about_is_told_no_more(district: District) -> None:
    district.arrivals(HERE, 1)
    stick = district.folder / "stick"
    (stick / "records").mkdir(parents=True)
    content = (district.folder / HERE / "records" / "open.json").read_bytes()
    path = stick / "records" / "open.json"
    path.write_bytes(content[:-9])
    assert district.collect(stick).code == 1
    assert district.collect(stick).code == 1
    assert district.hq("resolve", name_of(district), "--decision", "thrown away", "--reason", "asked them").code == 0
    assert district.collect(stick).code == 0
    path.write_bytes(content[:-7])  # another file is another problem
    assert district.collect(stick).code == 1
    path.write_bytes(content)
    assert district.collect(stick).code == 0
    assert district.kinds() == []
    everything(district, HERE)
    assert district.collect(stick).rows[0]["stations"] == 0
    assert sorted(each.name for each in stick.iterdir()) == ["records"]  # nothing is laid onto a stick like this


def test_from_a_server_no_plain_file_is_taken(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiosk.remote import _Folder

    district.handed(THERE, (2,))
    district.arrivals(HERE, 1)
    shutil.copytree(district.folder / HERE / "records", district.box / "plain" / "records")
    monkeypatch.setattr(_Folder, "is_folder", False)
    district.collect()
    everything(district, THERE)


def test_what_was_decided_names_nobody(district: District) -> None:
    from kiosk.hq.database import resolutions
    from tests.test_hq_report import both

    both(district)
    for row in district.hq("problems", "--format", "json").rows:
        name = row["detail"][1:].partition("]")[0]
        district.hq("resolve", name, "--decision", "same", "--reason", "called")
    told = [row.detail for row in rows_of(district, resolutions)]
    assert len(told) == 2
    assert not any("****" in detail for detail in told)


def test_other_keys_than_its_own_sign_nothing(district: District) -> None:
    other = HqKeys.create(district.folder / "other")
    database = district.database()
    database.say("public", HqKeys(district.folder / "keys").public.hex())
    database.close()
    done = district.hq("directory", "--keys", str(other.folder))
    assert (done.code, done.out) == (2, "")
    assert district.hq("directory", "--keys", str(district.folder / "keys")).code == 0


@pytest.mark.parametrize(
    "command", [["stations"], ["report"], ["roster"], ["problems"], ["export"], ["campaign", "show"]]
)
def test_a_database_that_is_none_gives_no_answer(district: District, command: list[str]) -> None:
    done = district.run("hq", *command, folder=district.folder / "elsewhere")
    assert (done.code, done.out) == (2, "")
    assert "hq init" in done.err
