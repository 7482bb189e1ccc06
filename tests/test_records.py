"""Records: canonical JSON, times, identity, hashes that show every change, and the volunteer number."""

from __future__ import annotations

import copy
import hashlib
import json
import random
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.errors import RecordError
from kiosk.records import (
    ALPHABET,
    APART,
    COMMON,
    SHANGHAI,
    TYPES,
    ZEROS,
    Draft,
    Record,
    canonical,
    digest,
    findings,
    moment,
    new_id,
    new_volunteer_number,
    parse_volunteer_number,
    record_hash,
    seal_record,
    segment_hash,
    service_day,
    timestamp,
)
from tests.factories import at, chain, checked_in, checked_out, id_number, registered, volunteer_number

VOLUNTEER = volunteer_number()


@pytest.fixture
def record() -> Record:
    return chain([registered(VOLUNTEER, at("08:00"), sealed="YWdl")])[0]


# --- canonical JSON and times ---------------------------------------------------------------------------------------


def test_canonical_json_is_sorted_tight_and_unescaped():
    assert canonical({"b": [1, None, True], "a": "社区·/é"}) == '{"a":"社区·/é","b":[1,null,true]}'.encode()
    assert digest({"b": 1, "a": 2}) == hashlib.sha256(b'{"a":2,"b":1}').hexdigest()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {1, 2}, b"bytes", object()])
def test_what_json_has_no_place_for_is_refused(value):
    with pytest.raises(RecordError):
        canonical({"field": value})


@pytest.mark.parametrize(
    ("given_time", "written"),
    [
        (datetime(2026, 11, 23, 8, 1, 2, 123999, SHANGHAI), "2026-11-23T08:01:02.123+08:00"),
        (datetime(2026, 11, 23, 0, 1, 2, 0, UTC), "2026-11-23T08:01:02.000+08:00"),
        (datetime(2026, 11, 22, 16, 0, tzinfo=timezone(-timedelta(hours=5))), "2026-11-23T05:00:00.000+08:00"),
    ],
)
def test_times_are_written_with_milliseconds_in_shanghai(given_time, written):
    assert timestamp(given_time) == written
    assert moment(written) - given_time.astimezone(SHANGHAI) <= timedelta(0)
    assert abs(moment(written) - given_time) < timedelta(milliseconds=1)


def test_a_naive_time_is_never_written():
    with pytest.raises(ValueError, match="naive"):
        timestamp(datetime(2026, 11, 23, 8))


@pytest.mark.parametrize("text", ["2026-11-23T08:00:00", "2026-11-23", "08:00", "", "soon", None, 5])
def test_a_time_without_offset_is_no_time(text):
    with pytest.raises(RecordError):
        moment(text)


def test_the_service_day_is_that_of_shanghai():
    assert service_day(datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)) == date(2026, 11, 22)
    assert service_day(datetime(2026, 11, 22, 16, 0, tzinfo=UTC)) == date(2026, 11, 23)


def test_ids_are_uuids_of_version_7_and_never_the_same():
    ids = [new_id() for _ in range(200)]
    assert len(set(ids)) == 200
    assert all(len(one) == 36 and one[14] == "7" and one[19] in "89ab" for one in ids)
    assert Draft("x", at("08:00"), "lead").id != Draft("x", at("08:00"), "lead").id


# --- form -----------------------------------------------------------------------------------------------------------


def test_a_record_has_the_fields_of_the_format(record):
    document = record.document
    assert set(COMMON) <= set(document)
    assert (record.station, record.epoch, record.seq, record.prev) == (document["station"], document["epoch"], 1, ZEROS)
    assert document["at"] == document["occurred"] == "2026-11-23T08:00:00.000+08:00"
    assert (document["campaign"], document["campaign_version"], document["by"]) == ("SC2021", 1, "volunteer")
    assert record.occurred == record.at == at("08:00")
    assert json.loads(canonical(document)) == document


def test_times_of_recording_and_happening_are_kept_apart():
    late = seal_record(
        checked_in(VOLUNTEER, at("08:00")),
        station="S1",
        epoch="e",
        seq=5,
        prev=ZEROS,
        at=at("19:30"),
        campaign=("C", 2),
    )
    assert (late.occurred, late.at, late.seq) == (at("08:00"), at("19:30"), 5)


def test_each_personal_object_has_a_salt_of_its_own(record):
    assert record.personal and record.health
    salts = {record.personal["salt"], record.health["salt"]}
    again = chain([registered(VOLUNTEER, at("08:00"))])[0]
    assert again.personal and again.health
    salts |= {again.personal["salt"], again.health["salt"]}
    assert len(salts) == 4
    assert all(len(salt) == 32 for salt in salts)


@pytest.mark.parametrize("name", sorted(COMMON))
def test_a_missing_or_wrong_common_field_is_named(record, name):
    without = {key: value for key, value in record.document.items() if key != name}
    with pytest.raises(RecordError) as raised:
        Record.from_json(without)
    assert name in str(raised.value)
    for wrong in (["list"], 1.5, True):
        with pytest.raises(RecordError) as raised:
            Record.from_json({**record.document, name: wrong})
        assert name in str(raised.value)
        assert "{" not in str(raised.value)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, fields in TYPES.items() for name in fields])
def test_a_missing_field_of_a_type_is_named(record, kind, name):
    sample: dict[str, object] = {"text": "x", "int": 1, "bool": True, "list": [], "object": {}}
    base = {key: record.document[key] for key in COMMON}
    full = {**base, "type": kind, **{key: sample[want.rstrip("?")] for key, want in TYPES[kind].items()}}
    assert Record.from_json(full).type == kind
    del full[name]
    with pytest.raises(RecordError) as raised:
        Record.from_json(full)
    assert name in str(raised.value)


@pytest.mark.parametrize("document", [None, [], "text", 1, {}])
def test_what_is_no_record_is_refused(document):
    with pytest.raises(RecordError):
        Record.from_json(document)


@pytest.mark.parametrize("field", ["at", "occurred"])
def test_a_record_with_an_unreadable_time_is_refused(record, field):
    with pytest.raises(RecordError):
        Record.from_json({**record.document, field: "2026-11-23T08:00:00"})


def test_types_and_fields_of_a_newer_version_are_carried_on(record):
    newer = {**record.document, "type": "thanked", "ribbon": {"colour": "red"}}
    assert Record.from_json(newer).document == newer
    assert Record.from_json({**record.document, "ribbon": 1}).get("ribbon") == 1


def test_an_unknown_type_is_never_written():
    with pytest.raises(RecordError):
        chain([Draft("thanked", at("08:00"), "lead")])


@pytest.mark.parametrize("type_", sorted(set(TYPES) - {"forgotten"}))
def test_a_draft_that_lacks_its_type_s_fields_is_never_written(type_):
    with pytest.raises(RecordError):
        chain([Draft(type_, at("08:00"), "lead", VOLUNTEER)])


# --- hashes ---------------------------------------------------------------------------------------------------------


def test_the_hash_is_what_another_reader_would_compute(record):
    covered = {name: value for name, value in record.document.items() if name not in ("hash", "personal", "health")}
    text = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert record.hash == hashlib.sha256(text.encode()).hexdigest()
    for name in ("personal", "health"):
        held = json.dumps(record[name], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert record[f"{name}_hash"] == hashlib.sha256(held.encode()).hexdigest()
    assert findings(record) == []


def _changed(value: object) -> object:
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1:] != "0" else "1")
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        return [*value, 1]
    assert isinstance(value, dict)
    return {**value, "more": 1}


def test_every_changed_field_is_found(record):
    for name, value in record.document.items():
        if name == "at" or name == "occurred":
            changed = {**record.document, name: timestamp(at("08:01"))}
        elif name == "type":
            changed = {**record.document, name: "thanked"}
        elif name == "agreed":
            changed = {**record.document, name: value[1:]}
        else:
            changed = {**record.document, name: _changed(value)}
        found = findings(Record.from_json(changed))
        assert found, name
        assert all("{" not in sentence for sentence in found)


def test_an_added_field_is_found(record):
    assert findings(Record.from_json({**record.document, "more": 1}))


@pytest.mark.parametrize("name", ["personal", "health"])
def test_what_is_about_the_person_can_be_forgotten_alone(record, name):
    document = {key: value for key, value in record.document.items() if key != name}
    kept = Record.from_json(document)
    assert findings(kept) == []
    assert record_hash(document) == record.hash
    assert getattr(kept, name) is None
    assert set(APART) == {"hash", "personal", "health"}


@pytest.mark.parametrize("name", ["personal", "health"])
def test_a_changed_or_unhashed_personal_object_is_found(record, name):
    changed = copy.deepcopy(dict(record.document))
    changed[name]["answers"] = {"vaccinated": "not_met"}
    assert any(name in sentence for sentence in findings(Record.from_json(changed)))
    bare = {key: value for key, value in record.document.items() if key != f"{name}_hash"}
    bare["hash"] = record_hash(bare)
    assert any(name in sentence for sentence in findings(Record.from_json(bare)))


def test_records_of_a_chain_name_the_one_before():
    visit = checked_in(VOLUNTEER, at("08:00"))
    records = chain([visit, checked_out(visit, at("10:00"))])
    assert [record.prev for record in records] == [ZEROS, records[0].hash]
    assert [record.seq for record in records] == [1, 2]


def test_a_segment_s_hash_covers_order_and_head():
    hashes = ["a" * 64, "b" * 64]
    head = {"station": "S1", "epoch": "e"}
    whole = segment_hash(hashes, head)
    text = json.dumps([hashes, head], sort_keys=True, separators=(",", ":"))
    assert whole == hashlib.sha256(text.encode()).hexdigest()
    assert whole not in (segment_hash(hashes[::-1], head), segment_hash(hashes[:1], head))
    assert whole != segment_hash(hashes, {**head, "epoch": "f"})


# --- the volunteer number -------------------------------------------------------------------------------------------

NUMBERS = [volunteer_number(seed) for seed in range(12)]
BODIES = [
    "".join(ALPHABET[(start + step * place) % 31] for place in range(9)) for start in range(31) for step in (1, 4)
]


def completed(body: str) -> str:
    """The number of these nine characters."""
    (number,) = (body + check for check in ALPHABET if parse_volunteer_number(body + check))
    return number


@pytest.mark.parametrize("place", range(10))
def test_every_wrong_character_is_caught_at_every_place(place: int) -> None:
    """Every letter at that place, taken for every other one."""
    seen = set()
    for number in map(completed, BODIES):
        seen.add(number[place])
        for letter in ALPHABET:
            wrong = number[:place] + letter + number[place + 1 :]
            assert (parse_volunteer_number(wrong) is None) == (wrong != number), (number, wrong)
    assert seen == set(ALPHABET)


@pytest.mark.parametrize("left", range(9))
def test_every_swap_of_neighbours_is_caught_at_every_place(left: int) -> None:
    """Every pair of letters side by side there, the other way round."""
    seen = set()
    for one, other in product(ALPHABET, repeat=2):
        # The ninth character is chosen so that the tenth, which checks, comes out as wanted.
        bodies = (
            [ALPHABET[3] * left + one + other + ALPHABET[5] * (7 - left)]
            if left < 8
            else [fill + ALPHABET[7] * 7 + one for fill in ALPHABET]
        )
        for number in map(completed, bodies):
            if number[left : left + 2] != one + other:
                continue
            seen.add((one, other))
            swapped = number[:left] + other + one + number[left + 2 :]
            assert (parse_volunteer_number(swapped) is None) == (one != other), (number, swapped)
    assert len(seen) == 31**2


@pytest.mark.parametrize("number", NUMBERS)
def test_every_swap_of_two_characters_is_caught(number):
    plain = number.replace("-", "")
    for left, right in combinations(range(10), 2):
        letters = list(plain)
        letters[left], letters[right] = letters[right], letters[left]
        assert (parse_volunteer_number("".join(letters)) is None) == (letters[left] != letters[right])


def test_no_new_number_holds_an_unlucky_word():
    words = ("44", "74", "SB", "SEX", "DEAD")
    wanted = [completed((word * 5)[:9]) for word in words]
    drawn = iter("".join([*wanted, completed("ABCABCABC")]).encode())
    # Without the check character, as it is drawn: a byte is the place of a letter.
    letters = (bytes([ALPHABET.index(chr(byte))]) for place, byte in enumerate(drawn) if place % 10 < 9)
    assert new_volunteer_number(lambda _count: next(letters)).replace("-", "") == completed("ABCABCABC")
    assert all(parse_volunteer_number(number) for number in wanted)  # one that was given out before stays good


def test_the_check_character_is_the_weighted_sum_of_the_design():
    for number in NUMBERS:
        values = [ALPHABET.index(char) for char in number.replace("-", "")]
        assert sum(weight * value for weight, value in zip(range(10, 0, -1), values, strict=True)) % 31 == 0


@pytest.mark.parametrize("spelling", ["{}", " {} ", "{}\n"])
def test_a_number_may_be_typed_in_any_case_with_or_without_hyphen(spelling):
    number = NUMBERS[0]
    plain = number.replace("-", "")
    wide = "".join(chr(ord(char) + 0xFEE0) for char in number)
    for typed in (number, number.lower(), plain, f"{plain[:3]} {plain[3:]}", wide, wide.lower()):
        assert parse_volunteer_number(spelling.format(typed)) == number


@pytest.mark.parametrize("text", ["", "-", "7K2MQ", "7K2MQ-4RXW", "7K2MQ-4RXWCC", "O0I1L-O0I1L", "你好", id_number()])
def test_other_texts_are_no_number(text):
    assert parse_volunteer_number(text) is None


@given(st.text(max_size=20))
def test_no_text_makes_the_parser_fail(text):
    number = parse_volunteer_number(text)
    assert number is None or parse_volunteer_number(number) == number


def test_new_numbers_are_spread_over_the_alphabet():
    source = random.Random(7)
    numbers = [new_volunteer_number(source.randbytes) for _ in range(3000)]
    assert len(set(numbers)) == 3000
    assert all(parse_volunteer_number(number) == number and number[5] == "-" for number in numbers)
    seen = "".join(number.replace("-", "")[:9] for number in numbers)
    shares = {letter: seen.count(letter) / len(seen) * 31 for letter in ALPHABET}
    assert 0.85 < min(shares.values()) <= max(shares.values()) < 1.15, shares


def test_no_byte_favours_a_character():
    drawn = iter([*range(248, 256), *range(248)])
    body = "".join(new_volunteer_number(lambda _n: bytes([next(drawn)])).replace("-", "")[:9] for _ in range(27))
    counts = {letter: body.count(letter) for letter in ALPHABET}
    assert max(counts.values()) - min(counts.values()) <= 1
