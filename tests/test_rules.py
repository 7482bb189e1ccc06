"""The rules against a plainly written table of cases: ages, every answer, every field that a person types."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kiosk.campaign import Campaign
from kiosk.campaign_files import parse, shipped
from kiosk.errors import InvalidInput
from kiosk.records import SHANGHAI
from kiosk.rules import (
    ID_TYPES,
    INPUT_CODES,
    ages_out,
    day_of_age,
    document_key,
    invalid,
    judge,
    mask_phone,
    parse_address,
    parse_answers,
    parse_applicant,
    parse_birth_date,
    parse_date,
    parse_id_number,
    parse_name,
    parse_phone,
    parse_time,
    questions,
)
from tests.factories import DAY, answers, campaign_source, id_number, phone, raw_applicant

CAMPAIGN = shipped()
BORN = date(1995, 5, 20)


def changed_clause(clause_id: str, **changes: Any) -> Campaign:
    source = campaign_source()
    clause = next(clause for clause in source["campaign"]["clauses"] if clause["id"] == clause_id)
    clause |= changes
    return parse(source)


def reasons(born: date = BORN, day: date = DAY, campaign: Campaign = CAMPAIGN, **given: str) -> tuple[str, ...]:
    return judge(campaign, day, answers(campaign, day, **given), consented=True, born=born).reasons


def code_of(call: Any, *arguments: Any) -> str:
    with pytest.raises(InvalidInput) as raised:
        call(*arguments)
    assert raised.value.code in INPUT_CODES
    assert str(raised.value)
    return str(raised.value.code)


# --- age ------------------------------------------------------------------------------------------------------------

AGES = [
    # born, service date, verdict on_birthday, verdict day_after
    ("2004-03-15", "2022-03-14", "age_under", "age_under"),
    ("2004-03-15", "2022-03-15", None, "age_under"),
    ("2004-03-15", "2022-03-16", None, None),
    ("1976-03-15", "2022-03-14", None, None),
    ("1976-03-15", "2022-03-15", "age_over", None),
    ("1976-03-15", "2022-03-16", "age_over", "age_over"),
    # the turn of a year and of a month
    ("2004-01-01", "2021-12-31", "age_under", "age_under"),
    ("2004-01-01", "2022-01-01", None, "age_under"),
    ("2004-12-31", "2022-12-31", None, "age_under"),
    ("2004-12-31", "2023-01-01", None, None),
    ("1975-12-31", "2021-12-31", "age_over", None),
    ("1975-12-31", "2022-01-01", "age_over", "age_over"),
    # 28 February, where the year of the birthday is a leap year and where it is not
    ("2006-02-28", "2024-02-27", "age_under", "age_under"),
    ("2006-02-28", "2024-02-28", None, "age_under"),
    ("2006-02-28", "2024-02-29", None, None),
    ("2005-02-28", "2023-02-28", None, "age_under"),
    ("2005-02-28", "2023-03-01", None, None),
    ("1978-02-28", "2024-02-28", "age_over", None),
    ("1978-02-28", "2024-02-29", "age_over", "age_over"),
    # 29 February: 18 and 46 years later is never a leap year; both readings give 1 March
    ("2004-02-29", "2022-02-27", "age_under", "age_under"),
    ("2004-02-29", "2022-02-28", "age_under", "age_under"),
    ("2004-02-29", "2022-03-01", None, None),
    ("1976-02-29", "2022-02-28", None, None),
    ("1976-02-29", "2022-03-01", "age_over", "age_over"),
    # far inside and far outside
    ("1995-05-20", "2026-11-23", None, None),
    ("2026-11-23", "2026-11-23", "age_under", "age_under"),
    ("1900-01-01", "2026-11-23", "age_over", "age_over"),
]


@pytest.mark.parametrize("mode", ["on_birthday", "day_after"])
@pytest.mark.parametrize(("born", "day", "on_birthday", "day_after"), AGES)
def test_age_agrees_with_the_table(born, day, on_birthday, day_after, mode):
    campaign = CAMPAIGN if mode == "on_birthday" else changed_clause("age", age_mode="day_after")
    wanted = {"on_birthday": on_birthday, "day_after": day_after}[mode]
    verdict = reasons(date.fromisoformat(born), date.fromisoformat(day), campaign)
    assert verdict == ((wanted,) if wanted else ())


@pytest.mark.parametrize(
    ("born", "years", "on_birthday", "day_after"),
    [
        ("2004-02-29", 20, "2024-02-29", "2024-03-01"),  # a leap year
        ("2004-02-29", 21, "2025-03-01", "2025-03-01"),  # a common year
        ("1852-02-29", 48, "1900-03-01", "1900-03-01"),  # 1900 was a common year
        ("2000-02-28", 20, "2020-02-28", "2020-02-29"),
        ("2000-03-01", 18, "2018-03-01", "2018-03-02"),
    ],
)
def test_the_day_of_an_age(born, years, on_birthday, day_after):
    assert day_of_age(date.fromisoformat(born), years, "on_birthday").isoformat() == on_birthday
    assert day_of_age(date.fromisoformat(born), years, "day_after").isoformat() == day_after


@pytest.mark.parametrize("mode", ["on_birthday", "day_after"])
def test_limits_are_the_campaign_s(mode):
    campaign = changed_clause("age", min=20, max=47, age_mode=mode)
    later = timedelta(days=mode == "day_after")
    born = date(2004, 2, 29)
    assert reasons(born, date(2024, 2, 28) + later, campaign) == ("age_under",)
    assert reasons(born, date(2024, 2, 29) + later, campaign) == ()
    assert reasons(born, date(2052, 2, 28) + later, campaign) == ()
    assert reasons(born, date(2052, 2, 29) + later, campaign) == ("age_over",)


@pytest.mark.parametrize(
    ("born", "kept"),
    [
        ("1980-11-23", "2026-11-23"),  # today
        ("1980-11-24", "2026-11-24"),
        ("1981-11-24", "2027-11-24"),  # 366 days ahead
        ("1981-11-25", None),
        ("1995-05-20", None),
    ],
)
def test_the_day_of_ageing_out_is_kept_only_when_it_is_near(born, kept):
    found = ages_out(CAMPAIGN, DAY, date.fromisoformat(born))
    assert (found.isoformat() if found else None) == kept


def test_without_a_birth_date_the_day_of_ageing_out_decides():
    given = answers(CAMPAIGN)
    for passed, wanted in ((DAY + timedelta(days=1), ()), (DAY, ("age_over",)), (None, ())):
        assert judge(CAMPAIGN, DAY, given, consented=True, ages_out=passed).reasons == wanted


# --- the other clauses ----------------------------------------------------------------------------------------------

OPTIONS = {
    "district": {"lives": None, "works": None, "both": None, "neither": "not_in_district"},
    "vaccinated": {"yes": None, "no": "not_vaccinated"},
    "health_code": {"green": None, "yellow": "health_code_not_green", "red": "health_code_not_green"},
    "travel_code": {
        "green": None,
        "green*": None,
        "yellow": "travel_code_not_green",
        "orange": "travel_code_not_green",
        "red": "travel_code_not_green",
    },
    "pledge": {"yes": None, "no": "pledge_not_made"},
}
FAILURES = [
    ("consent", "consent_not_given"),
    ("age", "age_under"),
    ("district", "not_in_district"),
    ("vaccinated", "not_vaccinated"),
    ("health_code", "health_code_not_green"),
    ("travel_code", "travel_code_not_green"),
    ("pledge", "pledge_not_made"),
]
"""In the order of the notice."""
REFUSING = {"district": "neither", "vaccinated": "no", "health_code": "red", "travel_code": "orange", "pledge": "no"}


def test_the_table_has_every_option_of_every_clause():
    shipped_options = {c.id: {o.value for o in c.options} for c in CAMPAIGN.clauses if c.asked}
    assert shipped_options == {clause: set(options) for clause, options in OPTIONS.items()}
    assert [clause.id for clause in CAMPAIGN.clauses if clause.kind == "stated"] == ["sex"]


@pytest.mark.parametrize(
    ("clause", "option", "reason"), [(c, option, r) for c, options in OPTIONS.items() for option, r in options.items()]
)
def test_every_option_is_judged_as_in_the_table(clause, option, reason):
    verdict = judge(CAMPAIGN, DAY, answers(CAMPAIGN, DAY, **{clause: option}), consented=True, born=BORN)
    assert verdict.reasons == ((reason,) if reason else ())
    assert verdict.admitted is (reason is None)
    kept, elsewhere = verdict.answers, verdict.health
    if clause in ("vaccinated", "health_code", "travel_code"):
        kept, elsewhere = elsewhere, kept
    assert kept[clause] == ("not_met" if reason else "met")
    assert clause not in elsewhere


@pytest.mark.parametrize("failing", list(itertools.product([False, True], repeat=len(FAILURES))))
def test_all_that_fails_is_reported_in_the_order_of_the_notice(failing):
    chosen = [name for (name, _), fails in zip(FAILURES, failing, strict=True) if fails]
    given = {name: REFUSING[name] for name in chosen if name in REFUSING}
    born = date(2020, 1, 1) if "age" in chosen else BORN
    verdict = judge(CAMPAIGN, DAY, answers(CAMPAIGN, DAY, **given), consented="consent" not in chosen, born=born)
    assert verdict.reasons == tuple(reason for name, reason in FAILURES if name in chosen)
    assert verdict.admitted is (not chosen)


def test_sex_is_never_asked():
    assert "sex" not in {clause.id for clause in questions(CAMPAIGN, DAY)}
    assert "sex" not in answers(CAMPAIGN)
    verdict = judge(CAMPAIGN, DAY, answers(CAMPAIGN), consented=True, born=BORN)
    assert "sex" not in {**verdict.answers, **verdict.health}


def test_every_reason_has_a_sentence():
    for _, reason in [*FAILURES, ("age", "age_over")]:
        found = CAMPAIGN.reason(reason)
        assert found is not None
        assert found.text.zh and found.text.en
    assert CAMPAIGN.reason("no_such_code") is None


@pytest.mark.parametrize("clause", list(OPTIONS))
def test_a_clause_without_answer_refuses(clause):
    given = answers(CAMPAIGN)
    del given[clause]
    reason = dict(FAILURES)[clause]
    assert judge(CAMPAIGN, DAY, given, consented=True, born=BORN).reasons == (reason,)


@pytest.mark.parametrize("clause", list(OPTIONS))
def test_an_answer_that_is_no_option_refuses(clause):
    verdict = judge(CAMPAIGN, DAY, answers(CAMPAIGN, DAY, **{clause: "perhaps"}), consented=True, born=BORN)
    assert verdict.reasons == (dict(FAILURES)[clause],)


def test_a_clause_that_raises_refuses():
    broken = tuple(replace(clause, min_age=None) if clause.id == "age" else clause for clause in CAMPAIGN.clauses)
    verdict = judge(replace(CAMPAIGN, clauses=broken), DAY, answers(CAMPAIGN), consented=True, born=BORN)
    assert not verdict.admitted
    assert verdict.answers["age"] == "not_met"


def test_only_daily_questions_are_asked_of_those_who_are_known():
    known = frozenset({"age", "district", "vaccinated", "pledge"})
    assert [c.id for c in questions(CAMPAIGN, DAY)] == list(OPTIONS)
    assert [c.id for c in questions(CAMPAIGN, DAY, known=known)] == ["health_code", "travel_code"]
    today = {"health_code": "green", "travel_code": "red"}
    verdict = judge(CAMPAIGN, DAY, today, consented=True, known=known)
    assert verdict.reasons == ("travel_code_not_green",)
    assert {*verdict.answers, *verdict.health} == {"age", "health_code", "travel_code"}
    assert judge(CAMPAIGN, DAY, {**today, "travel_code": "green*"}, consented=True, known=known).admitted


def test_knowing_a_daily_answer_does_not_spare_the_question():
    known = frozenset(OPTIONS)
    assert [c.id for c in questions(CAMPAIGN, DAY, known=known)] == ["health_code", "travel_code"]
    verdict = judge(CAMPAIGN, DAY, {}, consented=True, known=known)
    assert verdict.reasons == ("health_code_not_green", "travel_code_not_green")


# --- other campaigns ------------------------------------------------------------------------------------------------


def without_health() -> Campaign:
    source = campaign_source()
    kept = [c for c in source["campaign"]["clauses"] if not c.get("health")]
    source["campaign"] |= {"clauses": kept, "consents": source["campaign"]["consents"][:1], "id": "SC2023"}
    return parse(source)


def test_a_campaign_without_health_codes_works():
    campaign = without_health()
    assert [clause.id for clause in questions(campaign, DAY)] == ["district", "pledge"]
    verdict = judge(campaign, DAY, {"district": "lives", "pledge": "yes"}, consented=True, born=BORN)
    assert verdict.admitted
    assert verdict.health == {}
    assert judge(campaign, DAY, {"district": "neither", "pledge": "no"}, consented=True, born=BORN).reasons == (
        "not_in_district",
        "pledge_not_made",
    )
    assert questions(campaign, DAY, known=frozenset({"district", "pledge"})) == ()


def test_a_campaign_may_drop_the_age_limit():
    source = campaign_source()
    source["campaign"]["clauses"] = [c for c in source["campaign"]["clauses"] if c["id"] != "age"]
    campaign = parse(source)
    assert reasons(date(2020, 1, 1), DAY, campaign) == ()
    assert ages_out(campaign, DAY, date(1980, 11, 24)) is None


@pytest.mark.parametrize(
    ("day", "asked"),
    [
        ("2022-02-28", False),
        ("2022-03-01", True),
        ("2022-12-12", True),
        ("2022-12-13", False),
    ],
)
def test_clauses_hold_between_their_dates(day, asked):
    campaign = changed_clause("travel_code", **{"from": "2022-03-01", "until": "2022-12-12"})
    when = date.fromisoformat(day)
    assert ("travel_code" in {clause.id for clause in questions(campaign, when)}) is asked
    red = {**answers(CAMPAIGN, when), "travel_code": "red"}
    verdict = judge(campaign, when, red, consented=True, born=BORN)
    assert verdict.reasons == (("travel_code_not_green",) if asked else ())
    assert ("travel_code" in verdict.health) is asked


def test_clauses_without_dates_hold_as_long_as_the_campaign():
    assert CAMPAIGN.first == date(2021, 12, 1)
    assert CAMPAIGN.clauses_on(date(2021, 11, 30)) == ()
    assert len(CAMPAIGN.clauses_on(date(2021, 12, 1))) == 7
    assert len(CAMPAIGN.clauses_on(date(2099, 1, 1))) == 7


# --- ID numbers -----------------------------------------------------------------------------------------------------

TODAY = DAY


def brute_check(seventeen: str) -> str:
    """GB 11643-1999 by its other definition: the pure system of ISO 7064 MOD 11-2, digit by digit."""
    product = 0
    for digit in seventeen:
        product = (product + int(digit)) * 2 % 11
    return "0123456789X"[(12 - product) % 11]


def test_known_check_characters():
    # the two worked examples of the standard
    assert parse_id_number("", "11010519491231002X", TODAY) == ("resident_id", "11010519491231002X", date(1949, 12, 31))
    assert brute_check("11010519491231002") == "X"
    assert brute_check("44052418800101001") == "4"


@pytest.mark.parametrize("order", range(0, 200, 7))
def test_only_the_right_check_character_is_accepted(order):
    seventeen = f"33010219950520{order:03d}"
    right = brute_check(seventeen)
    assert id_number(BORN, order=order) == seventeen + right
    for character in "0123456789X":
        if character == right:
            assert parse_id_number("resident_id", seventeen + character, TODAY)[2] == BORN
        else:
            assert code_of(parse_id_number, "resident_id", seventeen + character, TODAY) == "id_invalid"


def test_every_check_character_occurs():
    assert {brute_check(f"33010219950520{order:03d}") for order in range(200)} == set("0123456789X")


def ending_in_x() -> str:
    return next(n for n in (id_number(BORN, order=order) for order in range(100)) if n.endswith("X"))


def test_x_may_be_small_and_digits_full_width():
    number = ending_in_x()
    wide = "".join(chr(ord(char) + 0xFEE0) for char in number)
    spaced = f" {number[:6]} {number[6:14]} {number[14:]} "
    for typed in (number, number.lower(), wide, wide.lower(), spaced, f"\u3000{number}\u3000"):
        assert parse_id_number("", typed, TODAY) == ("resident_id", number, BORN)


@pytest.mark.parametrize("place", range(17))
def test_x_stands_only_at_the_end(place):
    number = ending_in_x()
    assert code_of(parse_id_number, "", number[:place] + "X" + number[place + 1 :], TODAY) == "id_invalid"


@pytest.mark.parametrize("kind", ["resident_id", "residence_permit", "foreign_pr"])
@pytest.mark.parametrize("area", ["810000", "820000", "830000", "912345", "110101", "659004", "000000"])
def test_permits_and_every_area_are_alike(kind, area):
    number = id_number(BORN, area=area)
    assert parse_id_number(kind, number, TODAY) == (kind, number, BORN)


@pytest.mark.parametrize(
    "born", ["19950229", "19950431", "19951301", "19950100", "19950001", "00000101", "18991231", "19000229"]
)
def test_an_impossible_birth_date_in_a_number(born):
    assert code_of(parse_id_number, "", id_number(born), TODAY) == "id_invalid"


def test_a_birth_date_in_a_number_is_never_after_the_service_date():
    assert parse_id_number("", id_number(TODAY), TODAY)[2] == TODAY
    assert code_of(parse_id_number, "", id_number(TODAY + timedelta(days=1)), TODAY) == "id_invalid"
    assert parse_id_number("", id_number("20000229"), TODAY)[2] == date(2000, 2, 29)


@pytest.mark.parametrize("kind", ["resident_id", "residence_permit", "foreign_pr"])
@pytest.mark.parametrize(
    "number", ["1", "E12345678", id_number()[:17], id_number() + "0", "330102950520000", "一" * 18]
)
def test_these_documents_have_18_characters(kind, number):
    assert code_of(parse_id_number, kind, number, TODAY) == "id_invalid"


@pytest.mark.parametrize("kind", ["passport", "other"])
def test_other_documents_have_a_free_number_and_give_no_birth_date(kind):
    assert parse_id_number(kind, " e1234 5678 ", TODAY) == (kind, "E12345678", None)
    assert parse_id_number(kind, id_number(), TODAY) == (kind, id_number(), None)
    assert parse_id_number(kind, "ＡＢ１２", TODAY)[1] == "AB12"
    assert code_of(parse_id_number, kind, "E1\u202e234", TODAY) == "id_invalid"
    assert code_of(parse_id_number, kind, "E1\n234", TODAY) == "id_invalid"


@pytest.mark.parametrize("kind", ["", *ID_TYPES])
def test_a_number_is_optional(kind):
    assert parse_id_number(kind, "  ", TODAY) == (kind or "resident_id", "", None)


def test_an_unknown_type_of_document():
    assert code_of(parse_id_number, "library_card", id_number(), TODAY) == "id_invalid"
    assert code_of(parse_id_number, "library_card", "", TODAY) == "id_invalid"


def test_what_identifies_the_holder():
    number = id_number()
    keys = {document_key(kind, number) for kind in ("resident_id", "residence_permit")}
    assert keys == {number}
    others = {document_key(kind, "E1") for kind in ("passport", "other")}
    assert len(others) == 2


# --- birth dates, phones, names, times ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["1995-05-20", "1995/5/20", "1995.5.20", "19950520", "1995年5月20日", " １９９５-０５-２０ ", "1995年05月20"],
)
def test_dates_as_people_write_them(text):
    assert parse_date(text) == BORN
    assert parse_birth_date(text, TODAY, None) == BORN


@pytest.mark.parametrize("text", ["1995-02-29", "1995-13-01", "95-05-20", "20/05/1995", "soon", "1995-05", "199505201"])
def test_what_is_no_date(text):
    assert code_of(parse_birth_date, text, TODAY, None) == "birth_date_invalid"


def test_a_typed_birth_date_is_possible_and_agrees_with_the_number():
    assert parse_birth_date("", TODAY, BORN) == BORN
    assert parse_birth_date("1995-05-20", TODAY, BORN) == BORN
    assert parse_birth_date(TODAY.isoformat(), TODAY, None) == TODAY
    for typed, given in (
        ("1995-05-21", BORN),
        ("", None),
        ("  ", None),
        ((TODAY + timedelta(days=1)).isoformat(), None),
        ("1899-12-31", None),
    ):
        assert code_of(parse_birth_date, typed, TODAY, given) == "birth_date_invalid"


@pytest.mark.parametrize(
    "text",
    [
        "13900000000",
        "139 0000 0000",
        "139-0000-0000",
        "+8613900000000",
        "+86 139-0000-0000",
        "１３９００００００００",
        " 13900000000\t",
        "＋８６ １３９ ００００ ００００",
        "+86-13900000000",
        "139\u20110000\u20130000",
        "139\u30000000 0000",
    ],
)
def test_phones_as_people_write_them(text):
    assert parse_phone(text) == "13900000000"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1390000000",
        "139000000000",
        "12900000000",
        "10900000000",
        "23900000000",
        "8613900000000",
        "+1 13900000000",
        "0571-87654321",
        "1390000000a",
        "139.0000.0000",
        "+86+8613900000000",
        "139٠٠٠٠٠٠٠٠",
    ],
)
def test_what_is_no_mobile_phone(text):
    assert code_of(parse_phone, text) == "phone_invalid"


@pytest.mark.parametrize("second", "3456789")
def test_every_range_of_mobile_numbers(second):
    assert parse_phone(f"1{second}000000000") == f"1{second}000000000"


def test_a_masked_phone_keeps_three_and_four_digits():
    assert mask_phone("13912349846") == "139****9846"


@pytest.mark.parametrize(
    "name",
    [
        "林",
        "林小满",
        "阿卜杜拉·买买提",
        "Anne-Marie O'Neill",
        "[/林]",
        "[@click=app.quit]林",
        "=HYPERLINK(1)",
        "+1-1",
        "@SUM",
        "𠮷野",
        "𬀩㛃",
        "\ue863",
        "ＡＢＣ",
        "é",
        "e\u0301",
        "a" * 100,
        "𠮷" * 100,
        "林 小满",
        "林\u3000小满",
        '"林",',
        "{name}",
    ],
)
def test_names_are_kept_as_they_are(name):
    assert parse_name(name) == name
    assert parse_name(f" \t{name}\u3000\n") == name


@pytest.mark.parametrize("name", ["", " ", "\t\n", "\u3000"])
def test_a_missing_name(name):
    assert code_of(parse_name, name) == "name_missing"


@pytest.mark.parametrize(
    "name",
    [
        "a" * 101,
        "𠮷" * 101,
        "林\n小满",
        "林\r小满",
        "林\x00",
        "林\x1b[31m",
        "\x7f林",
        "林\x85小",
        "林\u2028小",
        "林\u2029小",
        "林\ud800",
        *("林" + chr(code) + "小" for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    ],
)
def test_names_that_cannot_be_shown(name):
    assert code_of(parse_name, name) == "name_invalid"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-23T08:30", datetime(2026, 11, 23, 8, 30, tzinfo=SHANGHAI)),
        ("2026-11-23 08:30:15", datetime(2026, 11, 23, 8, 30, 15, tzinfo=SHANGHAI)),
        ("2026/11/23 8:30", datetime(2026, 11, 23, 8, 30, tzinfo=SHANGHAI)),
        ("2026/1/3 8:30", datetime(2026, 1, 3, 8, 30, tzinfo=SHANGHAI)),
        ("２０２６-１１-２３ ０８：３０", datetime(2026, 11, 23, 8, 30, tzinfo=SHANGHAI)),
        ("2026-11-23T00:30Z", datetime(2026, 11, 23, 8, 30, tzinfo=SHANGHAI)),
        ("2026-11-23T00:30:00.500+00:00", datetime(2026, 11, 23, 0, 30, 0, 500000, UTC)),
        ("2026-11-22T19:30-05:00", datetime(2026, 11, 23, 8, 30, tzinfo=SHANGHAI)),
    ],
)
def test_times_as_people_and_machines_write_them(text, meant):
    assert parse_time(text) == meant
    assert parse_time(text).utcoffset() == timedelta(hours=8)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23",
        "20261123",
        "08:30",
        "2026-11-23 25:00",
        "2026-02-30 08:00",
        "2026-11-23 08:60",
        "now",
        "0001-01-01T00:00+14:00",
        "9999-12-31T23:59-12:00",
        "2026-11-23T08:30+25:00",
    ],
)
def test_what_is_no_time(text):
    assert code_of(parse_time, text) == "time_invalid"


# --- where ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("street", "community", "codes"),
    [
        ("", "", (None, None)),
        ("笕桥街道", "", ("330102016", None)),
        ("览桥街道", "", ("330102016", None)),
        ("阊弄口", "", ("330102013", None)),
        ("330102016", "", ("330102016", None)),
        ("笕桥", "330102016001", ("330102016", "330102016001")),
        ("", "清波门社区", ("330102001", "330102001051")),
        ("", "清波门", ("330102001", "330102001051")),
        ("", "330102001051", ("330102001", "330102001051")),
        (" 清波街道 ", "\u3000清波门社区", ("330102001", "330102001051")),
        ("望江街道", "兴隆社区", ("330102010", "330102010057")),
        ("彭埠街道", "兴隆社区", ("330102015", "330102015013")),
        ("彭埠", "兴隆", ("330102015", "330102015013")),
        ("", "330102015013", ("330102015", "330102015013")),
    ],
)
def test_addresses(street, community, codes):
    assert parse_address(street, community, CAMPAIGN) == codes


@pytest.mark.parametrize(
    ("street", "community"),
    [
        ("", "兴隆社区"),  # in two streets
        ("清波街道", "兴隆社区"),
        ("笕桥街道", "清波门社区"),
        ("西湖街道", ""),
        ("西湖街道", "清波门社区"),
        ("", "没有社区"),
        ("街道", ""),
        ("", "社区"),
        ("330102016", "330102001051"),
    ],
)
def test_addresses_that_do_not_exist(street, community):
    assert code_of(parse_address, street, community, CAMPAIGN) == "community_unknown"


# --- the whole applicant --------------------------------------------------------------------------------------------


def test_an_applicant_in_order():
    raw = raw_applicant(name=" 林小满 ", id_number=id_number().lower(), birth_date="", note=" 晚班 ")
    found, codes = parse_applicant(raw, CAMPAIGN, TODAY)
    assert codes == []
    assert found is not None
    assert (found.name, found.phone, found.born) == ("林小满", phone(), BORN)
    assert (found.id_type, found.id_number) == ("resident_id", id_number())
    assert (found.street, found.community, found.note) == ("330102016", None, "晚班")


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"name": ""}, ["name_missing"]),
        ({"name": "林\n小满"}, ["name_invalid"]),
        ({"phone": ""}, ["phone_invalid"]),
        ({"birth_date": ""}, ["birth_date_invalid"]),
        ({"birth_date": "never"}, ["birth_date_invalid"]),
        ({"birth_date": "2026-11-24"}, ["birth_date_invalid"]),
        ({"id_number": "123"}, ["id_invalid"]),
        ({"id_number": "123", "birth_date": ""}, ["id_invalid"]),
        ({"id_number": "123", "birth_date": "x"}, ["id_invalid", "birth_date_invalid"]),
        ({"id_number": id_number(), "birth_date": "1995-05-21"}, ["birth_date_invalid"]),
        ({"id_type": "passport", "id_number": "E1", "birth_date": ""}, ["birth_date_invalid"]),
        ({"id_type": "other", "id_number": id_number(), "birth_date": ""}, ["birth_date_invalid"]),
        ({"id_type": "visa"}, ["id_invalid"]),
        ({"community": "兴隆社区"}, ["community_unknown"]),
        (
            {"name": "", "phone": "1", "id_number": "1", "birth_date": "x", "street": "x"},
            ["name_missing", "id_invalid", "birth_date_invalid", "phone_invalid", "community_unknown"],
        ),
    ],
)
def test_all_that_is_malformed_is_told_by_input_codes_only(changes, codes):
    found, told = parse_applicant(raw_applicant(**changes), CAMPAIGN, TODAY)
    assert found is None
    assert sorted(told) == sorted(codes)


def test_nothing_typed_at_all():
    found, told = parse_applicant({}, CAMPAIGN, TODAY)
    assert found is None
    assert sorted(told) == ["birth_date_invalid", "name_missing", "phone_invalid"]


def test_a_campaign_may_require_the_number():
    source = campaign_source()
    source["campaign"]["id_number_required"] = True
    campaign = parse(source)
    assert parse_applicant(raw_applicant(), campaign, TODAY) == (None, ["id_invalid"])
    assert parse_applicant(raw_applicant(id_number=id_number()), campaign, TODAY)[1] == []


def test_the_service_date_bounds_birth_dates():
    raw = raw_applicant(birth_date="", id_number=id_number(date(2022, 5, 20)))
    assert parse_applicant(raw, CAMPAIGN, date(2022, 5, 20))[1] == []
    assert parse_applicant(raw, CAMPAIGN, date(2022, 5, 19))[1] == ["id_invalid"]


# --- answers --------------------------------------------------------------------------------------------------------

SPELLINGS = {
    "district": {"lives": "居住", "works": "工作", "both": "居住并工作", "neither": "都不是"},
    "vaccinated": {"yes": "是", "no": "否"},
    "health_code": {"green": "绿", "yellow": "黄", "red": "红"},
    "travel_code": {"green": "绿", "green*": "绿*", "yellow": "黄", "orange": "橙", "red": "红"},
    "pledge": {"yes": "是", "no": "否"},
}


@pytest.mark.parametrize(
    ("clause_id", "value", "chinese"), [(c, v, z) for c, s in SPELLINGS.items() for v, z in s.items()]
)
def test_answers_in_both_languages(clause_id, value, chinese):
    clause = next(clause for clause in CAMPAIGN.clauses if clause.id == clause_id)
    for text in (value, value.upper(), f" {value} ", chinese, f"\u3000{chinese}", chinese.replace("*", "＊")):
        assert parse_answers({clause.column: text}, (clause,)) == ({clause_id: value}, [])
    for text in ("", " ", "maybe", "?"):
        assert parse_answers({clause.column: text}, (clause,)) == ({}, ["answer_missing"])
    assert parse_answers({}, (clause,)) == ({}, ["answer_missing"])


@pytest.mark.parametrize("code", list(INPUT_CODES))
def test_every_input_code_has_a_sentence(code):
    error = invalid(code)
    assert error.code == code
    assert str(error).strip()
    assert "{" not in str(error)
