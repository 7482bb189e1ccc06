"""docs/format.md says what the code does, and is enough to write a reader from; README.md names every command."""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import random
import re
import struct
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tinydb import TinyDB

from kiosk import badge, demo, published, rules
from kiosk.assignment import WHY
from kiosk.campaign import Campaign
from kiosk.campaign_files import SHIPPED
from kiosk.commands.parser import parser
from kiosk.keys import Keys
from kiosk.records import (
    COMMON,
    OPTIONAL,
    SHANGHAI,
    TYPES,
    Draft,
    Record,
    digest,
    findings,
    parse_volunteer_number,
    segment_hash,
)
from kiosk.roster import roster
from kiosk.rules import Application, Stay
from kiosk.segments import HEADER, sealed_name
from kiosk.settings import FILE, read_settings
from kiosk.sheet import COLUMNS
from kiosk.station import Station, read_history
from kiosk.trust import Directory, fingerprint
from kiosk.visits import STATUSES
from tests import factories
from tests.conftest import FakeClock, seeded

ROOT = Path(__file__).parent.parent
FORMAT = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")


# --- a reader, written from docs/format.md alone: TinyDB, json, hashlib and datetime, nothing of the kiosk ------------


def sha256(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Every record in the order of the log; asserts every hash, name and link on the way."""
    epochs: dict[str, list[dict[str, Any]]] = {}
    segments: dict[str, tuple[int, str]] = {}
    for path in [*sorted((folder / "records" / "sealed").iterdir()), *(folder / "records").glob("open.json")]:
        with TinyDB(path, access_mode="r", encoding="utf-8") as db:
            [head], records = db.table("segment").all(), [dict(record) for record in db.table("records")]
        log = epochs.setdefault(head["epoch"], [])
        number, before = segments.get(head["epoch"], (0, "0" * 64))
        assert (head["format"], head["prev"], head["first_seq"]) == (1, before, len(log) + 1)
        for record in records:
            assert record["seq"] == len(log) + 1
            assert record["prev"] == (log[-1]["hash"] if log else "0" * 64)
            assert record["hash"] == sha256({k: record[k] for k in record if k not in ("hash", "personal", "health")})
            for part in ("personal", "health"):
                assert part not in record or record[f"{part}_hash"] == sha256(record[part])
            log.append(record)
        own = sha256([[record["hash"] for record in records], dict(head)])
        segments[head["epoch"]] = (number + 1, own)
        assert path.name in ("open.json", f"{number + 1:06d}-{own}.json")
    older = {epoch: log[0].get("details", {}).get("epoch") for epoch, log in epochs.items()}
    order: list[Any] = [next(epoch for epoch in epochs if older[epoch] not in epochs)]
    while later := [epoch for epoch in epochs if older[epoch] == order[-1]]:
        order += later
    return [record for epoch in order for record in epochs[epoch]]


def read_day(log: list[dict[str, Any]], day: date, now: datetime) -> dict[str, tuple[str, int | None]]:
    """Status and minutes of the people of a service day, by volunteer number."""
    by_visit: dict[str, list[dict[str, Any]]] = {}
    for record in log:
        if record["type"] == "checked_in":
            by_visit[record["id"]] = [record]
        elif record.get("visit") in by_visit:
            by_visit[record["visit"]].append(record)
    people: dict[str, list[tuple[datetime, str, list[tuple[datetime, datetime]]]]] = {}
    for visit, records in by_visit.items():
        times = {record["id"]: record["occurred"] for record in records}
        times |= {r["target"]: r["changes"]["occurred"][1] for r in records if r["type"] == "corrected"}
        void = {record["target"] for record in records if record["type"] == "voided"}
        start = at = datetime.fromisoformat(times[visit])
        since, duty, over, stretches, last = [start], None, False, [], datetime.max.replace(tzinfo=start.tzinfo)
        for record in records:
            if record["type"] not in ("duty_started", "duty_ended", "checked_out") or record["id"] in void or over:
                continue
            at = max(at, datetime.fromisoformat(times[record["id"]]))
            if record["type"] == "duty_ended" and duty not in (None, record["start"]):
                continue
            if record["type"] == "duty_started":
                since, duty = since or [at], record["id"]
            else:
                stretches += [(begin, at) for begin in since]
                since, duty, over = [], None, record["type"] == "checked_out"
                if over and datetime.fromisoformat(record["at"]) < datetime.fromisoformat(record["occurred"]):
                    last = now  # entered ahead of time
        midnight = datetime.combine(start.date() + timedelta(days=1), time_of_day(), start.tzinfo)
        pending = not over and now >= max(midnight, start + timedelta(hours=12))
        status = "checked_out" if over else "pending_check_out" if pending else "on_duty" if duty else "checked_in"
        if visit not in void:
            stretches = [(begin, min(end, last)) for begin, end in stretches] + [(begin, now) for begin in since]
            people.setdefault(records[0]["volunteer"], []).append((start, status, stretches))
    found: dict[str, tuple[str, int | None]] = {}
    for volunteer, visits in people.items():
        covered, total = None, 0
        for start, status, stretches in sorted(visits, key=lambda visit: visit[0]):
            if start.date() > day:
                continue
            served = timedelta()
            for begin, end in stretches if status != "pending_check_out" else []:
                begin = max(begin, covered or begin)
                if end > begin:
                    served, covered = served + (end - begin), end
            if start.date() == day:
                before = found.get(volunteer, ("", 0))[1]
                total += served // timedelta(minutes=1)
                found[volunteer] = (status, None if before is None or status == "pending_check_out" else total)
    return found


# --- the reader agrees with the kiosk ---------------------------------------------------------------------------------


def agree(folder: Path, now: datetime) -> list[dict[str, Any]]:
    """Asserts that the reader finds what the kiosk finds, on each day that the log tells of; returns the log."""
    log, history = read_log(folder), read_history(folder)
    days = {datetime.fromisoformat(record["occurred"]).date() for record in log}
    for day in sorted({*days, now.date()}):
        entries = roster(history, day, now)
        assert {entry.volunteer: (entry.status, entry.minutes) for entry in entries} == read_day(log, day, now)
    return log


@pytest.mark.usefixtures("light_wrapping")
def test_a_reader_from_the_page_agrees_on_the_demo(tmp_path: Path) -> None:
    now = datetime(2021, 12, 6, 11, 0, tzinfo=SHANGHAI)
    demo.make(tmp_path, lambda: now)
    log = agree(tmp_path, now)
    assert {record["type"] for record in log} >= {"registered", "checked_in", "duty_started", "checked_out"}
    assert any(status == "pending_check_out" for status, _ in read_day(log, date(2021, 12, 5), now).values())


def test_a_reader_from_the_page_agrees_on_corrections_nights_and_new_epochs(
    station_folder: Path, clock: FakeClock, campaign: Campaign
) -> None:
    station = Station(station_folder, clock=clock, entropy=seeded(3))

    def arrive(number: int) -> tuple[str, str]:
        person = factories.applicant(number)
        said = factories.answers(campaign, station.today())
        volunteer = station.check_in(Application(person, said, True)).volunteer
        assert volunteer is not None
        visit = station.visit(volunteer)
        assert visit is not None
        return volunteer, visit.id

    first, first_visit = arrive(0)
    forgetful, forgotten_visit = arrive(1)
    _, unwanted_visit = arrive(2)
    clock.advance(minutes=7, seconds=30)
    station.start_duty(first, "order")
    station.start_duty(forgetful, "policy")
    clock.advance(minutes=50)
    station.start_duty(first, "statistics")
    clock.advance(minutes=31)
    station.end_duty(first)
    clock.advance(minutes=-3)  # the clock of the machine was put back
    station.start_duty(first, "order")
    clock.advance(minutes=20)
    station.check_out(first)
    clock.advance(minutes=10)
    arrive(0)
    start = next(record.id for record in station.history.records_of(first_visit) if record.type == "duty_started")
    station.correct(first_visit, first_visit, clock.now - timedelta(hours=3), "早到了")
    station.correct(first_visit, start, clock.now - timedelta(hours=2), "记错")
    station.void(unwanted_visit, "登记错人")
    clock.set("2021-12-06T23:10:00")
    night, night_visit = arrive(3)
    agree(station_folder, clock.now)
    clock.set("2021-12-07T00:40:00")
    station.start_duty(night, "order")
    clock.set("2021-12-07T02:00:00")
    station.check_out(night)
    station.sign_out_late(forgotten_visit, datetime(2021, 12, 6, 17, 30, 59, tzinfo=SHANGHAI), "忘记签退")
    arrive(3)
    out = next(record.id for record in station.history.records_of(night_visit) if record.type == "checked_out")
    station.correct(night_visit, out, clock.now - timedelta(minutes=30), "早走")
    log = agree(station_folder, clock.now)
    assert {record["type"] for record in log} >= {"corrected", "voided", "duty_ended"}
    station.close()
    assert list((station_folder / "records" / "sealed").iterdir())

    (station_folder / "records" / "open.json").write_bytes(b"{")  # as if the disk had lost it
    clock.set("2021-12-07T09:00:00")
    station = Station(station_folder, clock=clock, entropy=seeded(4))
    arrive(4)
    clock.advance(hours=1)
    station.close()
    log = agree(station_folder, clock.now)
    assert len({record["epoch"] for record in log}) == 2


@pytest.mark.parametrize("seed", range(60))
def test_a_reader_from_the_page_agrees_on_any_log(seed: int) -> None:
    # Facts in no sensible order: a log outlives the code that wrote it.
    chance = random.Random(seed)
    noon = datetime(2026, 11, 23, 12, tzinfo=SHANGHAI)

    def any_time() -> datetime:
        return noon + timedelta(seconds=chance.randrange(-40 * 3600, 40 * 3600))

    people = [factories.volunteer_number(number) for number in range(3)]
    visits = [factories.checked_in(chance.choice(people), any_time()) for _ in range(6)]
    drafts = list(visits)
    starts: list[Draft] = []
    for _ in range(40):
        visit = chance.choice(visits)
        mine = [draft for draft in drafts if draft is visit or draft.data.get("visit") == visit.id]
        kind = chance.randrange(10)
        if kind < 4:
            starts.append(factories.duty_started(visit, any_time()))
            drafts.append(starts[-1])
        elif kind < 7 and starts:
            drafts.append(factories.duty_ended(visit, chance.choice(starts), any_time()))
        elif kind == 7:
            drafts.append(factories.checked_out(visit, any_time()))
        elif kind == 8:
            drafts.append(factories.corrected(visit, chance.choice(mine), any_time(), now=noon))
        elif chance.random() < 0.4:
            drafts.append(factories.voided(visit, chance.choice(mine), now=noon))
    history = factories.folded(factories.chain(drafts))
    log = [dict(record.document) for record in factories.chain(drafts)]
    for now in (noon + timedelta(hours=40), noon + timedelta(hours=45), noon + timedelta(days=4)):
        for day in (date(2026, 11, 21) + timedelta(days=number) for number in range(5)):
            entries = {entry.volunteer: (entry.status, entry.minutes) for entry in roster(history, day, now)}
            assert entries == read_day(log, day, now)


# --- the tables of docs/format.md -------------------------------------------------------------------------------------


def section(heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    found = re.search(rf"^(##+) {re.escape(heading)}\n(.*)", FORMAT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/format.md has no heading {heading}"
    return re.split(rf"^#{{2,{len(found[1])}}} ", found[2], flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The body rows of all tables in `text`."""
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("| `")
    ]


def fields(heading: str) -> dict[str, str]:
    """Kind by field, from the table under a heading; a table without kinds is passed over."""
    return {row[0].strip("`"): row[1].strip("`") for row in rows(section(heading)) if len(row) == 3}


def first_cells(text: str) -> list[str]:
    """The names in the first column of the tables in `text`."""
    return [name for row in rows(text) for name in re.findall(r"`([^`]+)`", row[0])]


def test_the_common_and_optional_fields_are_documented() -> None:
    assert fields("Common fields") == COMMON
    assert fields("Optional fields") == OPTIONAL
    names = {"int": "int", "str": "text"}
    assert fields("Fields of the segment document") == {name: names[kind.__name__] for name, kind in HEADER.items()}


@pytest.mark.parametrize("name", TYPES)
def test_the_fields_of_a_type_are_documented(name: str) -> None:
    assert fields(name) == TYPES[name]


def test_no_type_is_documented_that_does_not_exist() -> None:
    chapter = FORMAT.split("\n## What each type adds\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^### (\S+)$", chapter, re.MULTILINE)) == set(TYPES)


def test_every_field_of_the_personal_and_health_objects_is_documented(station: Station, campaign: Campaign) -> None:
    day = station.today()
    born = day.replace(year=day.year - 45)
    person = factories.applicant(id_number=factories.id_number(born), born=born, note="下午来")
    station.check_in(Application(person, factories.answers(campaign, day), True, Stay()))
    written = [dict(record.document) for record in everything(station)]
    assert {key for record in written for key in record.get("personal", {})} == fields("Fields of personal").keys()
    assert {key for record in written for key in record.get("health", {})} == fields("Fields of health").keys()


def everything(station: Station) -> Iterator[Record]:
    for document in read_log(station.folder):
        yield Record.from_json(document)


def test_the_notes_of_the_station_are_documented(station_folder: Path, clock: FakeClock) -> None:
    (station_folder / "records" / "open.json").write_bytes(b"")
    Station(station_folder, clock=clock).close()
    [lost] = read_log(station_folder)
    documented = {row[0].strip("`"): row[1] for row in rows(section("station_noted")) if len(row) == 2}
    assert set(documented) == {"set_up", "pin_reset", "new_epoch", "clock_changed", "new_keys"}
    assert lost["note"] == "new_epoch"
    assert all(f"`{key}`" in documented["new_epoch"] for key in lost["details"])
    clock.set("1970-01-01T08:00")
    Station(station_folder, clock=clock).close()
    jumped = read_log(station_folder)[-1]
    assert jumped["note"] == "clock_changed"
    assert set(jumped["details"]) == set(re.findall(r"`(expected|shown)`: ", documented["clock_changed"]))


def test_the_codes_are_documented() -> None:
    assert set(WHY) <= set(re.findall(r"`(\w+)`", section("assigned")))
    assert first_cells(section("The badge code")) == [
        *("malformed", "unknown_station", "bad_signature", "other_campaign", "revoked", "expired")
    ]
    assert set(first_cells(section("The badge code"))) == set(badge.REASONS)
    assert [row[0].strip("`") for row in rows(section("State and minutes"))] == [
        *("checked_out", "pending_check_out", "on_duty", "checked_in")
    ]
    assert {row[0].strip("`") for row in rows(section("State and minutes"))} == set(STATUSES)
    sheet = section("The import sheet")
    assert tuple(first_cells(sheet)[: len(COLUMNS)]) == COLUMNS
    assert set(rules.INPUT_CODES) == set(re.findall(r"`(\w+)`", " ".join(row[2] for row in rows(sheet) if row[2:])))
    assert all(f"`{kind}`" in sheet for kind in rules.ID_TYPES)


def test_the_reasons_of_the_shipped_campaign_are_documented(campaign: Campaign) -> None:
    codes = {code for clause in campaign.clauses for code in clause.reasons} | {campaign.consent_refused.code}
    assert codes == {code for code in re.findall(r"`(\w+)`", section("refused").split("```")[0]) if "_" in code}


def test_every_field_of_the_campaign_is_documented(campaign: Campaign) -> None:
    chapter = section("The campaign bundle")
    assert all(f"`{name.removesuffix('.json')}`" in chapter for name in SHIPPED)

    def keys(value: object) -> Iterator[str]:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from keys(inner)

    assert {key for key in keys(campaign.source) if f"`{key}`" not in chapter} == set()


def test_every_file_of_the_data_folder_is_documented(station: Station) -> None:
    documented = {*first_cells(section("The data folder")), *first_cells(section("Keys and the PIN file"))}
    patterns = [
        re.sub(r"<\w+>|NNNNNN", "*", path) for path in documented if "/" in path or "." in path or path == "lock"
    ]
    files = [path.relative_to(station.folder) for path in station.folder.rglob("*") if path.is_file()]
    assert [str(path) for path in files if not any(path.match(pattern) for pattern in patterns)] == []


# --- its examples -----------------------------------------------------------------------------------------------------


def examples() -> list[Any]:
    """All JSON examples of the page, in its order."""
    return [json.loads(text) for text in re.findall(r"^```json\n(.*?)^```", FORMAT, re.MULTILINE | re.DOTALL)]


def example_with(*names: str) -> dict[str, Any]:
    """The one example that has exactly these fields."""
    [found] = [example for example in examples() if set(example) == set(names)]
    assert isinstance(found, dict)
    return found


def example_records() -> list[Record]:
    """The example records, as one log."""
    return sorted((Record.from_json(item) for item in examples() if "seq" in item), key=lambda record: record.seq)


def test_every_type_has_an_example_under_its_heading() -> None:
    for name in TYPES:
        [text] = re.findall(r"^```json\n(.*?)^```", section(name), re.MULTILINE | re.DOTALL)
        assert json.loads(text)["type"] == name


def test_the_hashes_of_the_examples_hold() -> None:
    records = example_records()
    assert [finding for record in records for finding in findings(record)] == []
    assert [record.seq for record in records] == list(range(1, len(TYPES) + 1))
    assert [record.prev for record in records] == ["0" * 64, *(record.hash for record in records[:-1])]
    head = example_with(*HEADER)
    assert sealed_name(1, segment_hash([record.hash for record in records], head)) in section("Segment files")
    assert digest({"b": 1, "a": "社区"}) in section("Canonical JSON and hashes")


def test_the_texts_that_the_example_agrees_to_are_those_of_the_campaign(campaign: Campaign) -> None:
    texts = {consent.id: consent.text for consent in campaign.consents}
    texts |= {clause.id: clause.text for clause in campaign.clauses}
    [agreed] = [record["agreed"] for record in example_records() if record.type == "registered"]
    assert agreed
    for item in agreed:
        text = texts[item["text"]]
        assert item["hash"] == digest({"en": text.en, "zh": text.zh})


def test_the_minutes_of_the_examples_are_as_the_page_says() -> None:
    log = [dict(record.document) for record in example_records()]
    day, now = date(2021, 12, 1), datetime(2021, 12, 1, 18, tzinfo=SHANGHAI)
    [(status, minutes)] = read_day(log[:10], day, now).values()
    assert (status, f"{minutes} minutes" in section("State and minutes")) == ("checked_out", True)
    assert read_day(log[:11], day, now) == {}


def test_the_vector_of_what_headquarters_signs_holds() -> None:
    vector = next(example for example in examples() if "document" in example)
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["key_seed"]))
    public = key.public_key().public_bytes_raw()
    assert (public.hex(), fingerprint(public)) == (vector["public_key"], vector["fingerprint"])
    told = Directory.read(vector["document"].encode(), public)
    assert told.sign(key.sign).decode() == vector["document"]
    # Step by step, as the page has it.
    members = json.loads(vector["document"])
    signature = base64.b64decode(members.pop("signature"))
    content = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert key.sign(b"kiosk directory 1\0" + content) == signature
    assert members["stations"] == {name: [key.hex() for key in keys] for name, keys in told.stations.items()}
    rest, letters = int.from_bytes(hashlib.sha256(b"kiosk key 1\0" + public).digest(), "big"), ""
    for _ in range(20):
        letters += "23456789ABCDEFGHJKMNPQRSTUVWXYZ"[rest % 31]
        rest //= 31
    assert vector["fingerprint"].replace("-", "") == letters


def test_the_vectors_of_what_is_handed_over_hold() -> None:
    vector = next(example for example in examples() if "line" in example)
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["seed"]))
    public = key.public_key().public_bytes_raw()
    envelope = published.open_envelope(f"{vector['line']}\n{vector['body']}".encode())
    assert (envelope.name, envelope.key) == (vector["name"], public)
    assert published.enclose(envelope, key.sign).decode() == f"{vector['line']}\n{vector['body']}"
    head = published.Head.read(vector["head"].encode())
    assert head.sign(public, key.sign).decode() == vector["head"]
    answer = next(example for example in examples() if "receipt" in example)
    receipt = published.Receipt.read(answer["receipt"].encode(), bytes.fromhex(answer["public_key"]))
    # Step by step, as the page has it.
    for kind, document, heading in (("segment", vector["line"], "The envelope"), ("head", vector["head"], "The head")):
        members = json.loads(document)
        assert set(first_cells(section(heading))) == set(members)
        signature = base64.b64decode(members.pop("signature"))
        content = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        assert key.sign(f"kiosk {kind} 1\0".encode() + content) == signature
    assert set(first_cells(section("Receipts"))) == set(json.loads(answer["receipt"]))
    tables = json.loads(vector["body"])
    [opened], kept = tables["segment"].values(), list(tables["records"].values())
    own = sha256([[record["hash"] for record in kept], opened])
    assert vector["name"] == f"S016001/{opened['epoch']}/000001-{own}"
    assert json.loads(vector["line"])["body"] == hashlib.sha256(vector["body"].encode()).hexdigest()
    assert kept == [dict(example_records()[0].document)]
    [end] = json.loads(vector["head"])["ends"]
    assert end == {"epoch": opened["epoch"], "number": 1, "hash": own, "seq": 1}
    assert receipt.held == {opened["epoch"]: end["seq"]}
    assert receipt.head == hashlib.sha256(vector["head"].encode()).hexdigest()


def test_the_badge_vector_holds() -> None:
    vector = next(example for example in examples() if "key_seed" in example)
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["key_seed"]))
    expires = date.fromisoformat(vector["expires"])
    made = badge.Badge(vector["station"], vector["volunteer"], vector["campaign"], expires, vector["serial"])
    assert badge.issue(made, key.sign) == vector["code"]
    assert key.public_key().public_bytes_raw().hex() == vector["public_key"]
    # Byte by byte, as the table has it.
    days = (expires - date(2020, 1, 1)).days
    number = vector["volunteer"].replace("-", "")[:9].encode()
    payload = b"\x01" + vector["station"].encode().ljust(8, b"\0") + number + bytes([vector["serial"]])
    payload += vector["campaign"].encode().ljust(8, b"\0") + struct.pack(">H", days)
    assert payload.hex() == vector["payload"]
    assert key.sign(b"kiosk badge 1\0" + payload).hex() == vector["signature"]
    directory = Directory(stations={vector["station"]: (bytes.fromhex(vector["public_key"]),)})
    assert badge.check(vector["code"], directory=directory, campaign=vector["campaign"], today=expires).valid
    page = section("The badge code")
    assert f"a payload of {len(payload)} bytes" in page
    assert f"It has {len(vector['code'])} characters" in page


def test_the_badge_of_the_examples_is_good_until_it_is_revoked() -> None:
    records = {record.type: record for record in example_records()}
    issued, revoked = records["badge_issued"], records["badge_revoked"]
    assert issued.volunteer
    expires = date.fromisoformat(issued["expires"])
    directory = Directory(stations={issued.station: (bytes.fromhex(records["station_noted"]["details"]["key"]),)})
    judge = partial(badge.check, directory=directory, campaign=issued["campaign"], today=expires)
    says = judge(issued["code"]).badge
    assert says == badge.Badge(issued.station, issued.volunteer, issued["campaign"], expires, issued["serial"])
    assert judge(issued["code"]).valid
    assert judge(issued["code"], revoked={issued.volunteer: revoked["serial"] - 1}).valid
    assert judge(issued["code"], revoked={issued.volunteer: revoked["serial"]}).reason == "revoked"


def test_the_volunteer_numbers_are_as_the_page_says() -> None:
    right, wrong = re.findall(r"`(\w{5}-\w{5})`", section("The volunteer number"))
    assert parse_volunteer_number(right) == right
    assert parse_volunteer_number(wrong) is None


def test_the_settings_and_the_pin_are_as_the_page_says(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / FILE).write_text(json.dumps(example_with(*first_cells(section("station.json")))), encoding="utf-8")
    assert read_settings(tmp_path, unchanged=True).station == "S016001"
    pin = re.search(r"holds the PIN (\d{6})", section("Keys and the PIN file"))
    assert pin
    (tmp_path / "pin.json").write_text(json.dumps(example_with("salt", "hash", "failed", "wait")), encoding="utf-8")
    assert Keys(tmp_path, tmp_path).check_pin(pin[1], clock.now)


# --- README.md --------------------------------------------------------------------------------------------------------


def commands(
    parser: argparse.ArgumentParser, name: tuple[str, ...] = ("kiosk",)
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command that can be given, with its parser."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not any(group.required for group in groups):
        yield " ".join(name), parser
    for group in groups:
        for word, inner in group.choices.items():
            yield from commands(inner, (*name, word))


COMMANDS = dict(commands(parser()))


@pytest.mark.parametrize("command", COMMANDS)
def test_readme_names_every_command_and_its_options(command: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    # `kiosk badge show ...  badge check CODE`: a second one on a line may stand without the program's name.
    words = command.split()
    named = command if len(words) < 3 else " ".join(words[1:])
    assert re.search(rf"\b{named}\b", readme), f"README.md does not name {command}"
    options = {option for action in COMMANDS[command]._actions for option in action.option_strings} - {"-h", "--help"}
    missing = [option for option in sorted(options) if not re.search(rf"(?<![\w-]){option}(?![\w-])", readme)]
    assert missing == [], f"README.md does not name these options of {command}"


# --- the pages that name tests ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["privacy.md", "durability.md", "robustness.md"])
def test_a_test_that_a_page_names_is_there(page: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / page).read_text(encoding="utf-8")))
    files = list((ROOT / "tests").glob("test_*.py"))
    there = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text(encoding="utf-8"))}
    there |= {file.stem for file in files}
    assert sorted(named - there) == []
    assert page != "privacy.md" or len(named) > 25


def rows_of_privacy() -> list[tuple[str, dict[str, str]]]:
    """The rows of all tables of docs/privacy.md: the section, and the cells by their headings."""
    found, heading, columns = list[tuple[str, dict[str, str]]](), "", list[str]()
    for line in (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8").splitlines():
        heading = line.removeprefix("## ") if line.startswith("## ") else heading
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells and columns and set(line) - set("|-"):
            found.append((heading, dict(zip(columns, cells, strict=True))))
        columns = columns or cells if cells else []
    return found


def test_each_line_of_the_threat_model_names_its_test() -> None:
    tables = {
        heading: [row for section, row in rows_of_privacy() if section == heading] for heading, _ in rows_of_privacy()
    }
    left_out = tables.pop("What is not covered")
    assert [len(rows) > 5 for rows in tables.values()] == [True] * 3
    there = {
        name
        for file in (ROOT / "tests").glob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))
    }
    for row in (row for rows in tables.values() for row in rows):
        assert there & set(re.findall(r"`(test_\w+)`", row["shown by"])), row
    assert len(left_out) > 10
    assert [row for row in left_out if not all((row["what"], row["why it is not"], row["what helps"]))] == []
