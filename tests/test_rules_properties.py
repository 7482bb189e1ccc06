"""The rules against many inputs: they agree with plainer rules, catch what they must, and never fail otherwise."""

from __future__ import annotations

import string
from datetime import date, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from kiosk.campaign_files import shipped
from kiosk.errors import InvalidInput
from kiosk.rules import (
    INPUT_CODES,
    RENEWAL,
    ages_out,
    day_of_age,
    judge,
    mask_phone,
    parse_applicant,
    parse_birth_date,
    parse_date,
    parse_id_number,
    parse_name,
    parse_phone,
    parse_time,
)
from tests.factories import DAY, answers, id_number, raw_applicant

CAMPAIGN = shipped()
YES = answers(CAMPAIGN)
days = st.dates(date(2021, 12, 1), date(2099, 12, 31))
births = st.dates(date(1900, 1, 1), date(2099, 12, 31))
near_29_february = st.builds(
    lambda year, offset: date(year, 2, 28) + timedelta(days=offset), st.integers(1950, 2060), st.integers(-1, 2)
)
typed = st.text(st.characters(codec=None, exclude_categories=[]), max_size=30)


def years_lived(born: date, day: date) -> int:
    """How often the calendar has shown the birth day again, up to and including `day`."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@given(births | near_29_february, days | near_29_february.filter(lambda day: day >= date(2021, 12, 1)))
def test_age_agrees_with_counting_years(born, day):
    years = years_lived(born, day)
    wanted = () if 18 <= years <= 45 else ("age_under",) if years < 18 else ("age_over",)
    assert judge(CAMPAIGN, day, YES, consented=True, born=born).reasons == wanted


@given(births | near_29_february, st.integers(0, 120))
def test_the_stricter_mode_is_a_day_later_but_for_the_leap_day(born, years):
    first, second = (day_of_age(born, years, mode) for mode in ("on_birthday", "day_after"))
    assert years_lived(born, first) == years
    assert years_lived(born, first - timedelta(days=1)) == years - 1
    leap = (born.month, born.day) == (2, 29) and first.month == 3
    assert second - first == timedelta(days=0 if leap else 1)


@given(births, days)
def test_ageing_out_says_the_same_as_the_birth_date(born, day):
    """What a registration keeps gives, for as long as it counts, the verdict that the birth date would give."""
    assume(years_lived(born, day) >= 18)
    kept = ages_out(CAMPAIGN, day, born)
    for later in (day, day + timedelta(days=100), day + RENEWAL):
        told = judge(CAMPAIGN, later, YES, consented=True, ages_out=kept).reasons
        assert told == judge(CAMPAIGN, later, YES, consented=True, born=born).reasons


@given(st.dates(date(1900, 1, 1), DAY), st.integers(0, 999), st.from_regex(r"[0-9]{6}", fullmatch=True))
def test_every_right_id_number_is_read(born, order, area):
    number = id_number(born, area=area, order=order)
    assert parse_id_number("", number, DAY) == ("resident_id", number, born)


@given(st.dates(date(1900, 1, 1), DAY), st.integers(0, 999), st.integers(0, 17), st.sampled_from("0123456789X"))
def test_no_id_number_with_one_wrong_character_is_read(born, order, place, character):
    number = id_number(born, order=order)
    assume(number[place] != character)
    wrong = number[:place] + character + number[place + 1 :]
    assert _refused(parse_id_number, "", wrong, DAY) == "id_invalid"


@given(st.dates(date(1900, 1, 1), DAY), st.integers(0, 999), st.integers(0, 16))
def test_no_id_number_with_two_neighbours_swapped_is_read(born, order, place):
    number = id_number(born, order=order)
    assume(number[place] != number[place + 1])
    wrong = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert _refused(parse_id_number, "", wrong, DAY) == "id_invalid"


def _refused(call, *arguments):
    try:
        call(*arguments)
    except InvalidInput as error:
        return error.code
    return None


@given(typed)
def test_a_name_that_is_accepted_is_the_one_that_was_typed(text):
    try:
        name = parse_name(text)
    except InvalidInput as error:
        assert error.code == ("name_invalid" if text.strip() else "name_missing")
    else:
        assert name == text.strip()
        assert parse_name(name) == name
        assert name.encode()
        assert len(name.splitlines()) == 1


@given(st.text(string.digits, min_size=9, max_size=9), st.sampled_from("3456789"), st.data())
def test_a_phone_is_read_wherever_people_put_gaps(rest, second, data):
    plain = f"1{second}{rest}"
    gaps = data.draw(st.lists(st.sampled_from(["", " ", "-", "\u3000", "－"]), min_size=11, max_size=11))
    prefix = data.draw(st.sampled_from(["", "+86", "+86 ", "＋８６-"]))
    spelled = prefix + "".join(digit + gap for digit, gap in zip(plain, gaps, strict=True))
    assert parse_phone(spelled) == plain
    assert mask_phone(plain).replace("*", "") == plain[:3] + plain[-4:]


@given(typed | st.text("0123456789+-年月日/.: TZ０１２", max_size=30))
def test_no_text_makes_a_field_fail_otherwise_than_by_its_code(text):
    for call, arguments, codes in (
        (parse_name, (text,), {"name_missing", "name_invalid"}),
        (parse_phone, (text,), {"phone_invalid"}),
        (parse_date, (text,), {"birth_date_invalid"}),
        (parse_birth_date, (text, DAY, None), {"birth_date_invalid"}),
        (parse_time, (text,), {"time_invalid"}),
        (parse_id_number, ("", text, DAY), {"id_invalid"}),
        (parse_id_number, ("passport", text, DAY), {"id_invalid"}),
        (parse_id_number, (text, "1", DAY), {"id_invalid"}),
    ):
        assert _refused(call, *arguments) in {None, *codes}


@given(
    st.dictionaries(st.sampled_from(sorted(raw_applicant())), typed),
    st.sampled_from(["", "resident_id", "passport", "other"]),
)
def test_any_applicant_is_understood_or_told_what_is_wrong(raw, kind):
    found, codes = parse_applicant({**raw_applicant(id_type=kind), **raw}, CAMPAIGN, DAY)
    assert (found is None) is bool(codes)
    assert set(codes) <= set(INPUT_CODES)
    assert len(codes) == len(set(codes))


@given(
    st.dates(),
    st.sampled_from(["{:%Y-%m-%d}", "{0.year:04}/{0.month}/{0.day}", "{:%Y%m%d}", "{0.year:04}年{0.month}月{0.day}日"]),
)
def test_every_date_is_read_in_every_spelling(day, spelling):
    written = spelling.format(day) if "%" not in spelling else spelling.replace("{:%Y", f"{day.year:04}{{:").format(day)
    assert parse_date(written) == day
