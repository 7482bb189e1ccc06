"""The paper sheet: bytes to rows, rows to people, and a code for everything that is wrong."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.campaign import Campaign
from kiosk.campaign_files import parse, shipped
from kiosk.errors import WrongUsage
from kiosk.rules import INPUT_CODES
from kiosk.sheet import COLUMNS, Row, decode, parse_row, read_rows
from tests.factories import DAY, at, campaign_source, id_number, sheet, sheet_row

CAMPAIGN = shipped()
ARRIVED = DAY - timedelta(days=1)


def understood(campaign: Campaign = CAMPAIGN, /, **changes: str) -> Row:
    row, codes = parse_row(sheet_row(**changes), campaign, DAY)
    assert codes == []
    assert row is not None
    return row


def codes_of(campaign: Campaign = CAMPAIGN, /, **changes: str) -> list[str]:
    row, codes = parse_row(sheet_row(**changes), campaign, DAY)
    assert (row is None) is bool(codes)
    return codes


# --- bytes to rows --------------------------------------------------------------------------------------------------


def test_the_columns_are_the_contract_s():
    assert ",".join(COLUMNS) == (
        "name,id_type,id_number,birth_date,phone,street,community,lives_or_works,vaccinated,health_code,travel_code,"
        "pledge,consent,duty,arrived_at,left_at,note"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_encodings_and_line_ends(encoding, newline):
    first, second = sheet_row(name="林小满", note="补录"), sheet_row(name="宋知远")
    assert list(read_rows(sheet(first, second, encoding=encoding, newline=newline))) == [(2, first), (3, second)]


def test_rare_characters_in_gb18030():
    row = sheet_row(name="𠮷㛃·é")
    assert list(read_rows(sheet(row, encoding="gb18030"))) == [(2, row)]


def test_quoted_commas_quotes_and_line_breaks():
    row = sheet_row(name='林,"小满"', note="第一行\r\n第二行\n")
    other = sheet_row()
    assert list(read_rows(sheet(row, other))) == [(2, row), (3, other)]


def test_empty_rows_are_counted_and_passed_over():
    header, first, second = sheet(sheet_row(name="甲"), sheet_row(name="乙")).decode().splitlines()
    content = "\r\n".join([header, "", first, "," * 16, " , ", second, "", ""]).encode()
    assert [(number, row["name"]) for number, row in read_rows(content)] == [(3, "甲"), (6, "乙")]


def test_short_rows_end_in_empty_fields_and_long_ones_are_cut():
    header = ",".join(COLUMNS)
    content = f"{header}\n林小满,passport\n{'x,' * 30}\n".encode()
    (_, short), (_, long) = read_rows(content)
    assert short == {**dict.fromkeys(COLUMNS, ""), "name": "林小满", "id_type": "passport"}
    assert set(long) == set(COLUMNS)
    assert parse_row(short, CAMPAIGN, DAY)[0] is None


def test_columns_may_stand_in_any_order_and_spelling_with_others_between():
    names = [*reversed(COLUMNS), "extra"]
    row = {**sheet_row(), "extra": "7"}
    header = ",".join(f" {name.upper()} " for name in names)
    content = f"{header}\n{','.join(row[name] for name in names)}\n".encode()
    assert list(read_rows(content)) == [(2, row)]


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(column):
    names = [name for name in COLUMNS if name != column]
    with pytest.raises(WrongUsage) as raised:
        list(read_rows(",".join(names).encode()))
    assert column in str(raised.value)
    assert "{" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_all_missing_columns_are_named():
    with pytest.raises(WrongUsage) as raised:
        list(read_rows(b""))
    assert all(column in str(raised.value) for column in COLUMNS)


def test_a_header_alone_has_no_rows():
    assert list(read_rows(sheet())) == []


def test_what_is_no_text_is_refused():
    with pytest.raises(WrongUsage):
        decode(b"\xff\xff\xff")
    with pytest.raises(WrongUsage):
        list(read_rows(b"PK\x03\x04\xff\xff\xff"))


def test_a_field_that_never_ends_is_refused():
    content = sheet() + b'"' + b"a" * 200_000
    with pytest.raises(WrongUsage) as raised:
        list(read_rows(content))
    assert "{" not in str(raised.value)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: sheet() + tail))
def test_no_bytes_make_the_reader_fail_otherwise(content):
    try:
        rows = list(read_rows(content))
    except WrongUsage:
        return
    for _, row in rows:
        assert set(COLUMNS) <= set(row)
        parse_row(row, CAMPAIGN, DAY)


# --- rows to people -------------------------------------------------------------------------------------------------


def test_a_row_in_order():
    row = understood(note=" 晚班 ")
    assert (row.applicant.name, row.applicant.born, row.applicant.note) == ("林小满", date(1995, 5, 20), "晚班")
    assert row.answers == {
        "district": "lives",
        "vaccinated": "yes",
        "health_code": "green",
        "travel_code": "green",
        "pledge": "yes",
    }
    assert (row.consented, row.duty) == (True, "order")
    assert (row.arrived, row.left) == (at("08:00", ARRIVED), at("11:30", ARRIVED))


CHINESE = {
    "lives_or_works": {"居住": "lives", "工作": "works", "居住并工作": "both", "都不是": "neither"},
    "vaccinated": {"是": "yes", "否": "no"},
    "health_code": {"绿": "green", "黄": "yellow", "红": "red"},
    "travel_code": {"绿": "green", "绿*": "green*", "黄": "yellow", "橙": "orange", "红": "red"},
    "pledge": {"是": "yes", "否": "no"},
}
CLAUSE = {"lives_or_works": "district"}


@pytest.mark.parametrize(
    ("column", "chinese", "value"), [(c, z, v) for c, words in CHINESE.items() for z, v in words.items()]
)
def test_answers_in_chinese_and_english(column, chinese, value):
    clause = CLAUSE.get(column, column)
    for spelling in (chinese, value, value.upper(), f" {chinese} "):
        assert understood(**{column: spelling}).answers[clause] == value


@pytest.mark.parametrize(
    ("spelling", "consented"),
    [("yes", True), ("YES", True), ("是", True), (" 是 ", True), ("no", False), ("否", False)],
)
def test_consent(spelling, consented):
    assert understood(consent=spelling).consented is consented


@pytest.mark.parametrize("duty", CAMPAIGN.duties)
def test_duties_by_code_and_by_name(duty):
    for spelling in (duty.id, duty.id.upper(), duty.text.zh, f" {duty.text.zh} ", duty.text.en):
        assert understood(duty=spelling).duty == duty.id


def test_no_duty_and_still_here():
    row = understood(duty="", left_at=" ")
    assert (row.duty, row.left) == (None, None)


def test_leaving_the_next_day():
    row = understood(arrived_at=f"{ARRIVED} 22:00", left_at=f"{DAY} 23:59")
    assert row.left == at("23:59", DAY)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"name": ""}, ["name_missing"]),
        ({"name": "林\n小满"}, ["name_invalid"]),
        ({"name": "a" * 101}, ["name_invalid"]),
        ({"id_number": id_number()[:-1]}, ["id_invalid"]),
        ({"id_number": id_number(), "birth_date": "1995-05-21"}, ["birth_date_invalid"]),
        ({"id_type": "身份证"}, ["id_invalid"]),
        ({"id_type": "passport", "id_number": "E1", "birth_date": ""}, ["birth_date_invalid"]),
        ({"birth_date": ""}, ["birth_date_invalid"]),
        ({"birth_date": "1995-02-30"}, ["birth_date_invalid"]),
        ({"birth_date": DAY.isoformat()}, ["birth_date_invalid"]),  # after the day of service
        ({"phone": ""}, ["phone_invalid"]),
        ({"phone": "12345678901"}, ["phone_invalid"]),
        ({"street": "西湖街道"}, ["community_unknown"]),
        ({"community": "清波门社区"}, ["community_unknown"]),  # of another street
        ({"street": "", "community": "兴隆社区"}, ["community_unknown"]),
        ({"duty": "cooking"}, ["duty_unknown"]),
        ({"lives_or_works": ""}, ["answer_missing"]),
        ({"vaccinated": " "}, ["answer_missing"]),
        ({"health_code": ""}, ["answer_missing"]),
        ({"travel_code": "?"}, ["answer_missing"]),
        ({"pledge": "maybe"}, ["answer_missing"]),
        ({"consent": ""}, ["answer_missing"]),
        ({"consent": "maybe", "pledge": "", "vaccinated": ""}, ["answer_missing"]),  # each code once
        ({"arrived_at": ""}, ["time_invalid"]),
        ({"arrived_at": "08:00"}, ["time_invalid"]),
        ({"arrived_at": f"{ARRIVED}"}, ["time_invalid"]),
        ({"left_at": "later"}, ["time_invalid"]),
        ({"left_at": f"{ARRIVED} 08:00"}, ["time_invalid"]),  # not after arriving
        ({"left_at": f"{ARRIVED} 07:59"}, ["time_invalid"]),
        ({"left_at": f"{ARRIVED + timedelta(days=2)} 00:00"}, ["time_invalid"]),
        ({"arrived_at": f"{DAY + timedelta(days=1)} 00:00", "left_at": ""}, ["time_invalid"]),  # not yet
        ({"arrived_at": "2021-11-30 23:59", "left_at": ""}, ["time_invalid"]),  # before the campaign
        ({"arrived_at": "9999-12-31 08:00", "left_at": "9999-12-31 09:00"}, ["time_invalid"]),
        ({"arrived_at": "0001-01-01 08:00", "left_at": "0001-01-01 09:00"}, ["birth_date_invalid", "time_invalid"]),
    ],
)
def test_everything_wrong_has_its_code(changes, codes):
    assert sorted(codes_of(**changes)) == sorted(codes)


def test_all_that_is_wrong_is_told_once():
    told = codes_of(**dict.fromkeys(COLUMNS, "?"))
    assert sorted(told) == sorted(set(INPUT_CODES) - {"name_missing", "name_invalid"})
    assert len(told) == len(set(told))
    assert "name_missing" in codes_of(**dict.fromkeys(COLUMNS, ""))


def test_a_refusing_answer_is_not_invalid():
    refusing = {"lives_or_works": "neither", "vaccinated": "no", "health_code": "red", "pledge": "no", "consent": "no"}
    assert codes_of(**refusing) == []
    assert codes_of(**refusing, phone="") == ["phone_invalid"]


def test_times_carry_their_offset():
    row = understood(arrived_at="2026-11-21T20:00:00-05:00", left_at="2026-11-22T03:00:00Z")
    assert (row.arrived, row.left) == (at("09:00", ARRIVED), at("11:00", ARRIVED))


def test_the_clauses_of_the_day_of_service_count():
    source = campaign_source()
    for clause in source["campaign"]["clauses"]:
        if clause.get("daily"):
            clause["until"] = "2022-12-12"
    campaign = parse(source)
    blank = {"health_code": "", "travel_code": ""}
    assert understood(campaign, **blank).answers.keys() == {"district", "vaccinated", "pledge"}
    then = {"arrived_at": "2022-12-12 08:00", "left_at": ""}
    assert codes_of(campaign, **blank, **then) == ["answer_missing"]


# --- the same row ---------------------------------------------------------------------------------------------------


def test_the_same_row_written_another_way_is_the_same():
    number = id_number(order=1)
    one = understood(id_number=number, community="330102016001", left_at="2026-11-22 11:30")
    other = understood(
        name=" 林小满 ",
        id_type="resident_id",
        id_number=f" {number[:6]} {number[6:]}".lower(),
        birth_date="",
        phone="+86 199-0000-0000",
        street="",
        community=next(c.name for c in CAMPAIGN.communities() if c.code == "330102016001"),
        lives_or_works="居住",
        vaccinated="是",
        health_code="绿",
        travel_code="绿码",
        pledge="我承诺",
        consent="是",
        duty="秩序维护",
        arrived_at="2026/11/22 8:00",
        left_at="2026-11-22T03:30:00Z",
        note=" ",
    )
    assert one.normalised() == other.normalised()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "宋知远"},
        {"phone": "19900000001"},
        {"birth_date": "1995-05-21"},
        {"id_number": id_number()},
        {"street": "清波街道"},
        {"community": "330102016001"},
        {"lives_or_works": "works"},
        {"vaccinated": "no"},
        {"health_code": "red"},
        {"travel_code": "green*"},
        {"pledge": "no"},
        {"consent": "no"},
        {"duty": ""},
        {"duty": "policy"},
        {"arrived_at": f"{ARRIVED} 08:01"},
        {"left_at": ""},
        {"note": "x"},
    ],
)
def test_a_row_that_says_something_else_is_another(changes):
    assert understood(**changes).normalised() != understood().normalised()
