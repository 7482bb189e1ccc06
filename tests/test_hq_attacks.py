"""Whoever may write where stations hand over, without a key: nothing false counts, nothing is lost, all are let in."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from kiosk import remote
from kiosk.hq.database import records
from kiosk.hq.keys import HqKeys
from kiosk.published import End, Envelope, Head, Receipt, enclose, head_name, receipt_name
from kiosk.records import SHANGHAI, ZEROS, Draft, Record, seal_record, segment_hash
from kiosk.trust import fingerprint
from tests import factories, plain
from tests.conftest import FakeClock
from tests.district import HOMES, District
from tests.test_hq_collect import everything, key_of, opened, rows_of
from tests.test_hq_stays import at, visit, written

HERE, THERE = HOMES
ATTACKER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = ATTACKER.public_key().public_bytes_raw()
EPOCH = "f" * 16


def forged(
    station: str, drafts: Sequence[Draft], *, epoch: str = EPOCH, at: datetime | None = None, first: int = 1
) -> Envelope:
    """A segment that whoever has no key of the station's can make: all its hashes are right."""
    prev, documents = ZEROS, list[Record]()
    for seq, draft in enumerate(drafts, start=first):
        record = seal_record(
            draft, station=station, epoch=epoch, seq=seq, prev=prev, at=at or draft.occurred, campaign=("SC2021", 1)
        )
        prev = record.hash
        documents.append(record)
    header = {"format": 1, "station": station, "epoch": epoch, "first_seq": first, "prev": ZEROS}
    hash_ = segment_hash([record.hash for record in documents], header)
    tables = {
        "segment": {"1": header},
        "records": {str(number): dict(record.document) for number, record in enumerate(documents, start=1)},
    }
    body = json.dumps(tables, ensure_ascii=False, separators=(",", ":")).encode()
    return Envelope(station, epoch, 1, hash_, PUBLIC, body, encrypted=False)


def lay(district: District, envelope: Envelope) -> Path:
    path = district.box / envelope.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(enclose(envelope, ATTACKER.sign))
    return path


def lay_head(district: District, station: str, *ends: End, community: str = "330102001051") -> None:
    head = Head(station, "x", community[:9], community, "2021-12-06T08:00:00.000+08:00", ends)
    path = district.box / head_name(station)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head.sign(PUBLIC, ATTACKER.sign))


def forgets(volunteer: str, when: datetime) -> Draft:
    data = {"objects": ["personal", "health"], "reason": "no"}
    return Draft("forgotten", when, "lead", volunteer, data=data)


def when(text: str = "2021-12-06T09:00") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


# --- what others have said ------------------------------------------------------------------------------------------


def test_a_station_that_nobody_has_answered_for_forgets_nobody_elsewhere(district: District) -> None:
    district.handed(HERE, (1,))
    district.collect()
    who = plain.log(district.folder / HERE)[1]["volunteer"]
    far = when("2099-01-01T00:00")
    lay(district, forged("ZZZ", [forgets(who, far)], at=far))
    lay_head(district, "ZZZ")
    district.collect()
    documents = [json.loads(row.document) for row in rows_of(district, records)]
    assert any("personal" in document for document in documents if document["volunteer"] == who)


@pytest.mark.parametrize("way", ["a long visit before it", "a copy of it", "the records themselves"])
def test_a_station_that_nobody_has_answered_for_takes_nobody_s_hours(district: District, way: str) -> None:
    """Neither by a visit that begins before all others, nor by one under the same id."""
    district.accept(HERE)
    district.tell(HERE)
    theirs = visit("08:00", out=at("12:00"))
    written(district, HERE, *theirs)
    if way == "a long visit before it":
        drafts = visit("07:00", out=at("09:00", 20), late=True)
    elif way == "a copy of it":
        drafts = [*visit("07:00", out=at("12:00"))[:1], theirs[1], *theirs[2:]]
    else:
        drafts = theirs
    lay(district, forged("ZZZ", drafts, at=at("09:00", 20)))
    district.collect()
    minutes = {row["recorder"]: row["minutes"] for row in district.hq("export", "--format", "json").rows}
    assert minutes[HERE] == 240
    days = district.hq("report", "--format", "json").rows
    assert sum(day["minutes"] for day in days if day["station"] == HERE) == 240


def test_a_forgetting_says_nothing_of_what_comes_after_it_was_received(district: District, clock: FakeClock) -> None:
    """A station with a clock that runs ahead, and somebody who comes back, elsewhere."""
    from kiosk.hq.forgetting import forgettings_in

    document = {
        "station": HERE, "epoch": EPOCH, "seq": 5, "at": "2099-01-01T00:00:00.000+08:00",
        "volunteer": "X", "objects": ["personal"],
    }  # fmt: skip
    (each,) = forgettings_in(document, "2021-12-06T09:00:00.000+08:00", everywhere=True)
    later = {
        "station": THERE, "epoch": "e", "seq": 1, "volunteer": "X", "personal": {}, "campaign": "SC2021",
        "at": "2021-12-07T09:00:00.000+08:00",
    }  # fmt: skip
    assert not each.covers(later)
    assert each.covers({**later, "at": "2021-12-05T09:00:00.000+08:00"})
    (own,) = forgettings_in(document, "2021-12-06T09:00:00.000+08:00", everywhere=False)
    assert not own.covers({**later, "at": "2021-12-05T09:00:00.000+08:00"})


# --- signatures -----------------------------------------------------------------------------------------------------


def test_another_signature_takes_no_hours_away(district: District) -> None:
    """What came on a stick and is published again under a key that does not count."""
    district.arrivals(HERE, 1, 2)
    district.accept(HERE)
    assert district.collect(district.folder / HERE).code == 0
    held = district.held()
    district.sync(HERE)
    shutil.rmtree(district.folder / "elsewhere", ignore_errors=True)
    (path,) = district.objects(HERE)
    genuine = path.read_bytes()
    lay(district, replace(opened(district, path), key=PUBLIC))
    district.collect()
    assert district.held() == held
    path.write_bytes(genuine)
    district.collect()
    everything(district, HERE)
    assert district.kinds() == []


def test_an_object_that_was_replaced_before_it_was_collected_is_read_again(district: District) -> None:
    district.handed(HERE, (1,))
    district.accept(HERE)
    (path,) = district.objects(HERE)
    genuine = path.read_bytes()
    lay(district, replace(opened(district, path), key=PUBLIC))
    assert district.collect().code == 1
    assert {kind for _station, kind in district.kinds()} == {"bad_signature", "gap"}
    district.sync(HERE)  # headquarters lacks what the head names, so it goes out again
    district.collect()
    everything(district, HERE)
    assert district.kinds() == []
    assert genuine


def test_a_key_that_was_accepted_before_it_was_shown_opens_the_door_to_no_other(district: District) -> None:
    assert district.hq("accept", HERE, "--key", "0a" * 32).code == 0
    district.handed(HERE, (1,))
    district.collect()
    mine = fingerprint(key_of(district, HERE).public)
    done = district.hq("accept", HERE)
    assert done.code == 1
    assert mine in done.err
    assert district.hq("accept", HERE, "--key", mine).code == 0


def test_to_accept_a_station_once_more_accepts_no_other_key(district: District) -> None:
    district.handed(HERE, (1,))
    district.collect()
    district.hq("accept", HERE)
    lay(district, forged(HERE, [factories.registered("A", when())]))
    (district.box / head_name(HERE)).unlink()
    district.collect()
    done = district.hq("accept", HERE, "--format", "json")
    assert [row["key"] for row in done.rows] == [key_of(district, HERE).public.hex()]
    everything(district, HERE)


def test_the_key_of_the_head_is_the_first_and_the_others_are_named_by_their_fingerprints(district: District) -> None:
    district.handed(HERE, (1,))
    lay(district, forged(HERE, [factories.registered("A", when())], epoch="0" * 16))
    assert district.collect().code == 1
    everything(district, HERE)
    done = district.hq("accept", HERE)
    assert done.code == 1
    mine = fingerprint(key_of(district, HERE).public)
    assert mine in done.err
    assert fingerprint(PUBLIC) in done.err
    assert district.hq("accept", HERE, "--key", mine).code == 0
    everything(district, HERE)


def test_a_forged_head_says_nothing(district: District) -> None:
    district.handed(HERE, (1,))
    genuine = (district.box / head_name(HERE)).read_bytes()
    lay_head(district, HERE, End("0" * 15 + "1", 1, "ab" * 32, 2**53 - 1))
    lay_head(district, "NEWONE", End(EPOCH, 1, "ab" * 32, 5))
    district.collect()
    (row,) = district.hq("stations", "--format", "json").rows
    assert (row["station"], row["missing"]) == (HERE, 0)
    (day,) = district.hq("report", "--format", "json").rows
    assert day["community"] == district.campaign.name_of(HOMES[HERE])
    (district.box / head_name(HERE)).write_bytes(genuine)
    shutil.rmtree(district.box / "NEWONE")
    assert district.collect().code == 0
    assert district.kinds() == []


def test_what_nobody_has_signed_beats_nothing_that_is_signed(district: District) -> None:
    district.handed(HERE, (1,), (2,))
    first, second = district.objects(HERE)
    kept = first.read_bytes()
    first.unlink()
    district.collect()
    held = district.held()
    table = json.loads(opened(district, second).body)
    seq = table["segment"]["1"]["first_seq"]
    drafts = [factories.registered("A", when()) for _place in range(6)]
    body = forged(HERE, drafts, epoch=table["segment"]["1"]["epoch"], first=seq - 3).body
    stick = district.folder / "stick"
    (stick / "records").mkdir(parents=True)
    (stick / "records" / "open.json").write_bytes(body)
    assert district.collect(stick).code == 1
    assert district.held() == held
    first.write_bytes(kept)
    district.collect()
    everything(district, HERE)


# --- confirmations --------------------------------------------------------------------------------------------------


def test_while_nobody_has_decided_neither_log_is_confirmed_after_their_parting(district: District) -> None:
    district.handed(HERE, (1,))
    shared = len(district.written(HERE))
    shutil.copytree(district.folder / HERE, district.folder / "copy")
    district.handed(HERE, (2,))
    district.collect()
    district.arrivals("copy", 3)
    district.at("copy", "sync", str(district.box))
    district.collect()
    receipt = Receipt.read((district.box / receipt_name(HERE)).read_bytes(), HqKeys(district.folder / "keys").public)
    assert sum(receipt.held.values()) == shared
    done = district.at("copy", "sync", str(district.box), "--format", "json")
    assert done.rows[0]["unconfirmed"] > 0


def test_records_that_a_station_has_lost_are_a_problem_at_headquarters(district: District) -> None:
    district.handed(HERE, (1,))
    district.arrivals(HERE, 2)
    (district.folder / HERE / "records" / "open.json").write_bytes(b"{")
    district.sync(HERE)
    district.collect()
    assert district.kinds() == [(HERE, "gap")]


def test_answers_that_were_taken_away_are_laid_again(district: District) -> None:
    district.handed(HERE, (1,))
    district.collect()
    shutil.rmtree(district.box / "hq")
    district.collect()
    assert (district.box / "hq" / "directory").exists()


# --- nobody is kept out ---------------------------------------------------------------------------------------------


def _a_folder(path: Path) -> None:
    path.mkdir()


def _a_circle(path: Path) -> None:
    path.symlink_to(path)


def _a_pipe(path: Path) -> None:
    os.mkfifo(path)


def _too_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(remote.LARGEST + 1)


@pytest.mark.parametrize("make", [_a_folder, _a_circle, _a_pipe, _too_large])
@pytest.mark.parametrize("where", ["head", "object", "answer"])
def test_one_thing_that_cannot_be_read_keeps_nobody_out(
    district: District, make: Callable[[Path], None], where: str
) -> None:
    district.handed(HERE, (1,))
    district.handed(THERE, (2,))
    path = {
        "head": district.box / "AAA" / "HEAD",
        "object": district.box / HERE / EPOCH / f"000001-{'ab' * 32}",
        "answer": district.box / "hq" / "directory",
    }[where]
    path.parent.mkdir(parents=True, exist_ok=True)
    make(path)
    done = district.collect()
    everything(district, HERE, THERE)
    if where != "answer" and (where, make) != ("object", _a_folder):  # an empty folder is nothing at all
        assert done.code == 1
        assert path.name in done.err
    assert district.sync(HERE).rows[0]["records"] == len(district.written(HERE))


@pytest.mark.parametrize("make", [_a_circle, _a_pipe, _too_large])
@pytest.mark.parametrize("name", ["S016001/HEAD", "hq/receipts/S016001", "hq/campaigns"])
def test_a_station_hands_over_whatever_lies_in_its_way(
    district: District, make: Callable[[Path], None], name: str
) -> None:
    path = district.box / name
    path.parent.mkdir(parents=True)
    make(path)
    district.arrivals(HERE, 1)
    assert district.sync(HERE).rows[0]["published"] == 1
    assert (district.box / HERE / "HEAD").is_file()


def test_names_that_are_no_text_keep_nobody_out(district: District) -> None:
    district.handed(HERE, (1,))
    box = os.fsencode(district.box)
    odd = Path(os.fsdecode(box + b"/S016001/\xff\xfe"))
    odd.mkdir()
    (odd / f"000001-{'ab' * 32}").write_bytes(b"x")
    shutil.copytree(district.folder / THERE, os.fsdecode(box + "/上城".encode("gb18030")))
    district.collect()
    everything(district, HERE, THERE)


def test_what_is_told_moves_no_cursor(district: District) -> None:
    district.handed(HERE, (1,))
    evil = district.box / "\x1b[2J\nS001001" / "records"
    evil.mkdir(parents=True)
    (evil / "open.json").write_bytes(b"{")
    done = district.collect()
    assert done.code == 1
    assert "\x1b" not in done.err
    assert len(done.err.splitlines()) == 1
    assert "\x1b" not in district.hq("problems").out


@pytest.mark.parametrize("year", [1, 1969, 2101, 9999])
def test_times_that_cannot_be_are_refused(district: District, year: int) -> None:
    far = datetime(year, 12, 31, 12, tzinfo=SHANGHAI)
    stick = district.folder / "stick"
    (stick / "records").mkdir(parents=True)
    drafts = [factories.registered("A", far), factories.checked_in("A", far)]
    (stick / "records" / "open.json").write_bytes(forged("ZZZ", drafts).body)
    assert district.collect(stick).code == 1
    for command in (["report"], ["problems"], ["export"], ["roster"], ["stations"]):
        assert "log" not in district.hq(*command).err
    assert district.hq("report", "--day", f"{year:04}-12-31").code == 2


def test_a_name_with_a_tab_is_shown(district: District) -> None:
    for station in ("AAA", "BBB"):
        drafts = [factories.registered(f"N-{station}", when(), name="a\tb")]
        stick = district.folder / station
        (stick / "records").mkdir(parents=True)
        (stick / "records" / "open.json").write_bytes(forged(station, drafts).body)
        district.collect(stick)
    assert [kind for _station, kind in district.kinds()] == ["same_person"]


# --- slips ----------------------------------------------------------------------------------------------------------


def test_a_place_without_a_name_and_one_with_nothing_are_told(district: District) -> None:
    assert district.hq("collect", "").code == 2
    empty = district.folder / "empty"
    empty.mkdir()
    done = district.collect(empty)
    assert done.code == 0
    assert "empty" in done.err


def test_a_station_that_is_none_gives_no_empty_answer(district: District) -> None:
    district.handed(HERE, (1,))
    district.collect()
    for command in ("report", "roster"):
        assert district.hq(command, "--station", "NOPE").code == 2
        assert district.hq(command, "--station", HERE).code == 0


def test_a_folder_that_was_put_back_is_no_problem_any_more(district: District) -> None:
    district.handed(HERE, (1,))
    (district.box / HERE).rename(district.box / "S999999")
    assert district.collect().code == 1
    (district.box / "S999999").rename(district.box / HERE)
    assert district.collect().code == 0
    assert district.kinds() == []


def test_a_data_folder_may_be_called_anything(district: District) -> None:
    folder = district.folder / "h?q%20#x"
    done = district.run("hq", "init", "--keys", str(district.folder / "k2"), folder=folder)
    assert done.code == 0
    assert (folder / "hq.sqlite").exists()


def test_a_file_that_somebody_is_editing_is_not_overwritten(district: District) -> None:
    path = district.folder / "c.json"
    assert district.hq("campaign", "show", "--out", str(path)).code == 0
    assert district.hq("campaign", "show", "--out", str(path)).code == 2


# --- what a reviewer found ------------------------------------------------------------------------------------------


def test_nothing_is_confirmed_in_place_of_what_was_lost_on_the_way(district: District) -> None:
    """A copy was collected first; the station's own last segment, with as many records, is lost."""
    district.handed(HERE, (1,))
    shutil.copytree(district.folder / HERE, district.folder / "copy")
    district.arrivals("copy", 3)
    district.at("copy", "sync", str(district.box))
    district.collect()
    district.arrivals(HERE, 2)
    district.sync(HERE)
    mine = plain.segment_files(district.folder / HERE)[-1].stem
    for path in district.objects(HERE):
        if path.name == mine:
            path.unlink()
    district.collect()
    assert (HERE, "gap") in district.kinds()
    row = district.sync(HERE).rows[0]
    assert row["unconfirmed"] > 0
    assert row["published"] == 1  # what is lost goes out again, and nothing else
    district.collect()
    assert (HERE, "gap") not in district.kinds()
    assert (HERE, "fork") in district.kinds()


def test_a_kill_between_taking_in_a_plain_file_and_deciding_about_it_loses_nothing(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kiosk.hq import collecting

    district.arrivals(HERE, 1)

    def killed(self: Any, connection: Any, names: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(collecting._Collecting, "_settle", killed)
        assert district.collect(district.folder / HERE).code == 130
    assert district.hq("problems").code == 0
    assert district.collect(district.folder / HERE).code == 0
    everything(district, HERE)


def test_after_a_key_was_stolen_everything_counts_again_under_the_new_one(district: District, clock: FakeClock) -> None:
    district.handed(HERE, (1,))
    district.collect()
    district.hq("accept", HERE)
    clock.advance(minutes=1)
    old = key_of(district, HERE).public.hex()
    assert district.hq("accept", HERE, "--withdraw", old, "--reason", "stolen").code == 0
    clock.advance(minutes=1)
    district.handed(HERE, (2,))
    district.collect()  # signed with the key that counts no more
    district.tell(HERE)
    clock.advance(minutes=1)
    district.handed(HERE, (3,))
    new = key_of(district, HERE).public
    assert new.hex() != old
    district.collect()
    assert district.hq("accept", HERE, "--key", fingerprint(new)).code == 0
    district.collect()
    everything(district, HERE)
    assert district.kinds() == []
    assert district.sync(HERE).rows[0]["unconfirmed"] == 0


def test_a_head_under_a_withdrawn_key_says_nothing(district: District, clock: FakeClock) -> None:
    district.handed(HERE, (1,))
    district.collect()
    keys = key_of(district, HERE)
    district.hq("accept", HERE)
    clock.advance(minutes=1)
    district.hq("accept", HERE, "--withdraw", keys.public.hex(), "--reason", "stolen")
    head = Head(
        HERE, "x", "330102001", "330102001051", "2021-12-06T08:00:00.000+08:00", (End(EPOCH, 1, "ab" * 32, 10**9),)
    )
    (district.box / head_name(HERE)).write_bytes(head.sign(keys.public, keys.sign))
    assert district.collect().code == 1
    (row,) = district.hq("stations", "--format", "json").rows
    assert row["missing"] == 0
    (day,) = district.hq("report", "--format", "json").rows
    assert day["community"] == district.campaign.name_of(HOMES[HERE])


def test_who_was_revoked_in_a_file_that_is_signed_later_is_revoked(district: District) -> None:
    from kiosk.station import Station
    from tests.conftest import seeded

    code = district.arrival(HERE, 1)
    for station in HOMES:
        district.accept(station)
    open_ = Station(district.folder / HERE, clock=district.clock, entropy=seeded(3))
    open_.revoke_badge(open_.recognise(code).number or "", "lost")
    open_.close()
    district.collect(district.folder / HERE)
    district.tell(THERE)
    assert district.judged(THERE, code) is None  # a file that nobody has signed revokes nobody
    district.sync(HERE)
    district.collect()
    district.tell(THERE)
    assert district.judged(THERE, code) == "revoked"


def test_what_lies_there_whole_is_not_handed_over_again_and_again(district: District) -> None:
    district.handed(HERE, (1,), (2,), (3,))
    second = plain.segment_files(district.folder / HERE)[1]
    second.write_bytes(b"{")
    district.objects(HERE)[1].unlink()
    district.collect()
    district.sync(HERE)  # the damaged file is set aside, and the log goes on under a new epoch
    for _turn in range(3):
        district.collect()
        assert district.sync(HERE).rows[0]["published"] == 0


def test_all_problems_that_were_decided_about_are_no_failure(district: District) -> None:
    district.handed(HERE, (1,), (2,))
    district.objects(HERE)[0].unlink()
    district.collect()
    (row,) = district.hq("problems", "--format", "json").rows
    name = row["detail"][1:].partition("]")[0]
    assert district.hq("resolve", name, "--decision", "lost", "--reason", "the stick is gone").code == 0
    done = district.hq("problems", "--all", "--format", "json")
    assert (done.code, len(done.rows)) == (0, 1)


def test_two_collects_wait_for_each_other(district: District) -> None:
    import threading

    database = district.database()
    entered, order = threading.Event(), list[str]()

    def second() -> None:
        other = district.database()
        entered.set()
        with other.alone():
            order.append("second")
        other.close()

    with database.alone():
        thread = threading.Thread(target=second)
        thread.start()
        entered.wait(10)
        thread.join(0.2)
        order.append("first")
    thread.join(10)
    database.close()
    assert order == ["first", "second"]
