"""The fast way to check a segment comes to the same as the careful one, whatever the file holds."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.canonical import canonical, digest, parse_json
from kiosk.hq.glance import at_a_glance
from kiosk.hq.opening import carefully, open_plain
from kiosk.hq.rows import day_number
from kiosk.published import Refused
from kiosk.records import record_hash, segment_hash
from kiosk.segments import sealed_name
from kiosk.station import Station
from tests import plain
from tests.test_recovery import arrive

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
VALUES = st.recursive(
    TEXT | WHOLE | st.booleans() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """A sealed segment of a station as it lies on the disk: its name and its content."""
    from kiosk import setup
    from kiosk.campaign_files import shipped
    from tests.conftest import FakeClock
    from tests.wrapping import lightly

    folder, clock = tmp_path_factory.mktemp("opening") / "data", FakeClock()
    with lightly():
        made = setup.prepare(folder, shipped(), station="S016001", community="330102016001", pin="246813")
    setup.finish(folder, made, clock=clock)
    station = Station(folder, clock=clock)
    for number in range(4):
        done = arrive(station, shipped(), number)
        clock.advance(minutes=3)
        visit = station.start_duty(done.volunteer or "", "order")
    station.void(visit.id, "by mistake")
    station.seal()
    station.close()
    (path,) = plain.segment_files(folder)
    return path.name, path.read_bytes()


@given(VALUES)
def test_both_writers_of_canonical_json_agree(value: Any) -> None:
    assert msgspec.json.encode(value, order="deterministic") == canonical(value)


def test_what_a_station_writes_goes_the_fast_way(sealed: tuple[str, bytes]) -> None:
    name, content = sealed
    opened = at_a_glance(Path(name), content, None)
    assert opened is not None
    assert opened == carefully(Path(name), content, None) == open_plain(Path(name), content)
    assert [json.loads(row[6]) for row in opened.rows] == [*json.loads(content)["records"].values()]


@pytest.mark.parametrize("seed", range(300))
def test_the_fast_way_believes_nothing_that_the_careful_one_does_not(sealed: tuple[str, bytes], seed: int) -> None:
    name, content = sealed
    chance = random.Random(seed)
    changed = bytearray(content)
    for _change in range(chance.randrange(1, 4)):
        place = chance.randrange(len(changed))
        kind = chance.random()
        if kind < 0.5:
            changed[place] ^= 1 << chance.randrange(8)
        elif kind < 0.7:
            del changed[place : place + chance.randrange(1, 60)]
        else:
            piece = content[place : place + chance.randrange(1, 60)]
            changed[place:place] = chance.choice([piece, b" ", b"1", b'"a":1,', b".5", b"e3"])
    found = at_a_glance(Path(name), bytes(changed), None)
    try:
        careful = carefully(Path(name), bytes(changed), None)
    except Refused:
        assert found is None
    else:
        assert found in (None, careful)


def _rewritten(content: bytes, change: Any) -> tuple[Path, bytes]:
    """A segment that a forger gives all the right hashes."""
    tables = parse_json(content)
    change(tables)
    prev = tables["records"]["1"]["prev"]
    for record in tables["records"].values():
        record["prev"] = prev
        prev = record["hash"] = record_hash(record)
    hash_ = segment_hash([record["hash"] for record in tables["records"].values()], tables["segment"]["1"])
    body = json.dumps(tables, ensure_ascii=False, separators=(",", ":")).encode()
    return Path(sealed_name(1, hash_)), body


def _personal(name: str, value: Any) -> Any:
    def change(tables: dict[str, Any]) -> None:
        record = next(each for each in tables["records"].values() if "personal" in each)
        record["personal"][name] = value
        record["personal_hash"] = digest(record["personal"])

    return change


def _of(type_: str, name: str) -> Any:
    """Puts U+0000 into a field of the first record of a type."""

    def change(tables: dict[str, Any]) -> None:
        next(each for each in tables["records"].values() if each["type"] == type_)[name] += "\0"

    return change


def _set(name: str, value: Any) -> Any:
    return lambda tables: tables["records"]["2"].__setitem__(name, value)


@pytest.mark.parametrize(
    "change",
    [
        _set("seq", 7),
        _set("station", "S001001"),
        _set("epoch", "0" * 16),
        _set("at", "yesterday"),
        _set("volunteer", 3),
        _set("personal", {"salt": "", "name": "林"}),
        _set("health", {"salt": "", "answers": {}}),
        _personal("ages_out", "soon"),
        _personal("name", 3),
        lambda tables: tables.update(more={}),
        lambda tables: tables["segment"]["1"].update(format=True),
        lambda tables: tables["segment"]["1"].update(first_seq=2),
    ],
)
def test_what_a_forger_gives_the_right_hashes_is_looked_into_all_the_same(
    sealed: tuple[str, bytes], change: Any
) -> None:
    path, content = _rewritten(sealed[1], change)
    assert at_a_glance(path, content, None) is None
    with pytest.raises(Refused):
        open_plain(path, content)


@pytest.mark.parametrize(
    ("as_it_is", "otherwise"),
    [
        (b'"seq":', b'"seq": '),
        (b'"type":"assigned"', b'"type":"assigned","type":"assigned"'),
        (b'"by":"station"', b'"by":"stat\\u0069on"'),
        (b'"by":"station"', b'"\\u0062y":"station"'),
        (b'"name":"', b'"name":"\\u001F'),
        (b'"records":{', b'"records": {'),
        (b'{"segment"', b'{ "segment"'),
        (b'"format":1', b'"format": 1'),
        (b'"format":1', b'"format":1,"format":1'),
    ],
)
def test_what_is_spelled_otherwise_does_not_go_the_fast_way(
    sealed: tuple[str, bytes], as_it_is: bytes, otherwise: bytes
) -> None:
    name, content = sealed
    other = content.replace(as_it_is, otherwise, 1)
    assert other != content
    assert at_a_glance(Path(name), other, None) is None


def test_the_order_of_names_is_free(sealed: tuple[str, bytes]) -> None:
    name, content = sealed
    tables = json.loads(content)
    tables["records"] = {key: dict(sorted(record.items())) for key, record in tables["records"].items()}
    other = json.dumps(tables, ensure_ascii=False, separators=(",", ":")).encode()
    assert other != content
    found = at_a_glance(Path(name), other, None)
    assert found is not None
    assert found == carefully(Path(name), other, None)


@pytest.mark.parametrize("number", ["1.5", "-0.5", "1e3", "12345678901234567", "[1.5]", '["a",1.5]', '{"a":[2,3.5]}'])
def test_a_number_that_has_no_place_in_a_record_does_not_go_the_fast_way(
    sealed: tuple[str, bytes], number: str
) -> None:
    name, content = sealed
    other = content.replace(b'"by":', b'"more":%s,"by":' % number.encode(), 1)
    assert at_a_glance(Path(name), other, None) is None


@pytest.mark.parametrize("change", [_set("type", "new\0type"), _of("voided", "visit"), _of("checked_in", "volunteer")])
def test_a_character_that_postgresql_does_not_take_is_refused(sealed: tuple[str, bytes], change: Any) -> None:
    """Otherwise a record could not be found by what it says, on one database or the other."""
    path, content = _rewritten(sealed[1], change)
    with pytest.raises(Refused) as refused:
        open_plain(path, content)
    assert refused.value.kind == "unreadable"


@pytest.mark.parametrize("when", ["20211206T080000+08:00", "2021-W49-1T08:00:00.000+08:00"])
def test_a_time_in_another_way_of_the_norm_ends_nothing(sealed: tuple[str, bytes], when: str) -> None:
    """Python reads it, and no station writes it; whoever collects goes on."""
    path, content = _rewritten(sealed[1], _set("occurred", when))
    assert at_a_glance(path, content, None) in (None, opened := open_plain(path, content))
    assert opened.rows[1][1] == 20211206


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("2021-12-06T23:59:59.999+08:00", 20211206),
        ("2021-12-06T16:00:00.000+00:00", 20211207),
        ("2021-12-06T15:59:59.999Z", 20211206),
    ],
)
def test_the_day_is_that_of_shanghai(when: str, day: int) -> None:
    assert day_number(when) == day
