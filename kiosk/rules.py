"""Who may serve: answers and campaign and date in, a verdict with all its reasons out; ages, ID numbers, phones, names.

Pure: no clock, no files, no log. What is malformed raises `InvalidInput` with one of `INPUT_CODES`, before any clause
is looked at; the sentence of a clause that is not met comes from the campaign.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from msgspec import Struct

from kiosk.campaign import Campaign, Clause, fold
from kiosk.errors import InvalidInput
from kiosk.i18n import N_, _
from kiosk.records import SHANGHAI

INPUT_CODES: Final[Mapping[str, str]] = {
    "name_missing": N_("Please enter your name."),
    "name_invalid": N_("A name has at most 100 characters, all of them visible."),
    "id_invalid": N_("This ID number is not right. Please check each digit."),
    "phone_invalid": N_("A mobile number has 11 digits and begins with 1."),
    "birth_date_invalid": N_("Please enter the birth date like 1990-01-31."),
    "time_invalid": N_("This time is not possible. Please enter it like 17:30."),
    "community_unknown": N_("There is no such community in this street. Please choose one."),
    "duty_unknown": N_("There is no such duty."),
    "answer_missing": N_("Please answer this question."),
}
ID_TYPES: Final[Mapping[str, str]] = {
    "resident_id": N_("Resident ID card"),
    "residence_permit": N_("Residence permit (Hong Kong, Macao, Taiwan)"),
    "foreign_pr": N_("Foreigner's permanent residence card"),
    "passport": N_("Passport"),
    "other": N_("Other document"),
}
EIGHTEEN: Final = ("resident_id", "residence_permit", "foreign_pr")
RENEWAL: Final = timedelta(days=366)
"""How far ahead a registration judges the upper age limit; after that the birth date is asked for again."""


def invalid(code: str) -> InvalidInput:
    """The error for one of `INPUT_CODES`, with its sentence."""
    return InvalidInput(code, _(INPUT_CODES[code]))


# --- fields ---------------------------------------------------------------------------------------------------------

_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NOT_IN_NAMES: Final = ("Cc", "Cs", "Zl", "Zp")


def parse_name(text: str) -> str:
    """A name as it is kept: trimmed, otherwise untouched.

    Raises:
        InvalidInput: `name_missing`, or `name_invalid` for over 100 characters, control characters, line breaks or
            bidirectional overrides.
    """
    name = text.strip()
    if not name:
        raise invalid("name_missing")
    if len(name) > 100 or any(char in _BIDI or unicodedata.category(char) in _NOT_IN_NAMES for char in name):
        raise invalid("name_invalid")
    return name


def parse_phone(text: str) -> str:
    """The 11 digits of a mobile number; spaces, hyphens and +86 are dropped.

    Raises:
        InvalidInput: `phone_invalid`.
    """
    digits = re.sub(r"[\s\-\u2010-\u2015]", "", fold(text)).removeprefix("+86")
    if not re.fullmatch(r"1[3-9][0-9]{9}", digits):
        raise invalid("phone_invalid")
    return digits


def mask_phone(phone: str) -> str:
    """The number as it may be shown: the first three and the last four digits."""
    return f"{phone[:3]}****{phone[-4:]}"


def parse_date(text: str) -> date:
    """A date as people and spreadsheets here write it: 1990-01-31, 1990/1/31, 19900131, 1990年1月31日.

    Raises:
        InvalidInput: `birth_date_invalid`.
    """
    match = re.fullmatch(r"([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))", fold(text))
    try:
        if not match:
            raise ValueError(text)
        year, *rest = (int(part) for part in match.groups() if part)
        return date(year, *rest)
    except ValueError as error:
        raise invalid("birth_date_invalid") from error


def parse_time(text: str) -> datetime:
    """An aware time from ISO 8601 (also with slashes, as spreadsheets write it); Asia/Shanghai when without offset.

    Raises:
        InvalidInput: `time_invalid`.
    """
    folded = re.sub(
        r"^([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})([T ])\s*([0-9]{1,2}):",
        lambda m: f"{m[1]}-{m[2]:0>2}-{m[3]:0>2}{m[4]}{m[5]:0>2}:",
        fold(text),
    )
    try:
        if not re.match(r"[^T ]+[T ]\s*[0-9]", folded):
            raise ValueError(text)  # a day alone is no time
        parsed = datetime.fromisoformat(folded)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=SHANGHAI)).astimezone(SHANGHAI)
    except (ValueError, OverflowError) as error:
        raise invalid("time_invalid") from error


def _check_character(seventeen: str) -> str:
    # GB 11643-1999, after ISO 7064 MOD 11-2: the weight of position i (from the right, the check at 0) is 2^i mod 11.
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(seventeen))
    return "10X98765432"[total % 11]


def parse_id_number(id_type: str, text: str, today: date) -> tuple[str, str, date | None]:
    """The document's type, its number as it is kept, and the birth date it gives (None for passports and others).

    An empty type means a resident ID card. Without a number, the number is empty.

    Raises:
        InvalidInput: `id_invalid` for an unknown type, a wrong length or check character, or an impossible birth date
            (GB 11643-1999, positions 7 to 14) or one after `today`.
    """
    kind = fold(id_type) or "resident_id"
    number = fold(text).upper().replace(" ", "")
    if kind not in ID_TYPES:
        raise invalid("id_invalid")
    if not number:
        return kind, "", None
    if kind not in EIGHTEEN:
        if len(number) > 40 or any(not char.isprintable() or char in _BIDI for char in number):
            raise invalid("id_invalid")
        return kind, number, None
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number) or _check_character(number[:17]) != number[17]:
        raise invalid("id_invalid")
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError as error:
        raise invalid("id_invalid") from error
    if born > today or born.year < 1900:
        raise invalid("id_invalid")
    return kind, number, born


def parse_birth_date(text: str, today: date, from_id: date | None) -> date:
    """The birth date: typed, or the one that the ID number gives.

    Raises:
        InvalidInput: `birth_date_invalid` if it is malformed, after `today`, missing where no ID number gives it, or at
            odds with the ID number.
    """
    if not text.strip():
        if from_id is None:
            raise invalid("birth_date_invalid")
        return from_id
    born = parse_date(text)
    if born > today or born.year < 1900 or (from_id is not None and born != from_id):
        raise invalid("birth_date_invalid")
    return born


def parse_address(street: str, community: str, campaign: Campaign) -> tuple[str | None, str | None]:
    """The codes of street and community, each None where nothing was said.

    Raises:
        InvalidInput: `community_unknown` if either is unknown, they do not belong together, or the community's name
            alone does not tell which it is.
    """
    found_street = campaign.street(street) if street.strip() else None
    if street.strip() and found_street is None:
        raise invalid("community_unknown")
    if not community.strip():
        return (found_street.code if found_street else None), None
    found = campaign.community(community, found_street)
    if found is None:
        raise invalid("community_unknown")
    return found.street, found.code


class Applicant(Struct, frozen=True):
    """A person as they come to the station, every field checked; it exists in memory only."""

    name: str
    phone: str
    id_type: str
    id_number: str
    born: date
    street: str | None
    community: str | None
    note: str = ""


def parse_applicant(raw: Mapping[str, str], campaign: Campaign, today: date) -> tuple[Applicant | None, list[str]]:
    """Checks all fields of an applicant.

    Args:
        raw: `name, phone, id_type, id_number, birth_date, street, community, note` as typed; what is missing is empty.
        campaign: whose streets and demands count.
        today: the service date.

    Returns:
        The applicant, or None and the codes of all that is wrong.
    """
    codes: list[str] = []
    name = phone = number = ""
    kind, from_id, born = "resident_id", None, today
    street = community = None
    id_failed = False
    try:
        name = parse_name(raw.get("name", ""))
    except InvalidInput as error:
        codes.append(error.code)
    try:
        kind, number, from_id = parse_id_number(raw.get("id_type", ""), raw.get("id_number", ""), today)
        if campaign.id_number_required and not number:
            raise invalid("id_invalid")
    except InvalidInput as error:
        id_failed = True
        codes.append(error.code)
    try:
        # Where the ID number itself is wrong, an empty birth date is not a second mistake.
        if not id_failed or raw.get("birth_date", "").strip():
            born = parse_birth_date(raw.get("birth_date", ""), today, from_id)
    except InvalidInput as error:
        codes.append(error.code)
    try:
        phone = parse_phone(raw.get("phone", ""))
    except InvalidInput as error:
        codes.append(error.code)
    try:
        street, community = parse_address(raw.get("street", ""), raw.get("community", ""), campaign)
    except InvalidInput as error:
        codes.append(error.code)
    if codes:
        return None, codes
    return Applicant(name, phone, kind, number, born, street, community, raw.get("note", "").strip()), []


class Stay(Struct, frozen=True):
    """When somebody came, for back-entry also what they did and when they left.

    Attributes:
        by: who entered it, `volunteer` or `import`.
        arrived: when they came (aware); None for now.
        left: when they left; None for still here.
        duty: the id of the duty that they took up on arrival, if any.
        row_key: the keyed hash of the imported row.
    """

    by: str = "volunteer"
    arrived: datetime | None = None
    left: datetime | None = None
    duty: str | None = None
    row_key: str | None = None


class Application(Struct, frozen=True):
    """What a person who comes for the first time, or without a badge, tells the station.

    Attributes:
        applicant: the person.
        answers: option values by clause id.
        consented: whether all consents were given.
        stay: the visit that they apply for.
    """

    applicant: Applicant
    answers: Mapping[str, str]
    consented: bool
    stay: Stay = Stay()


# --- clauses --------------------------------------------------------------------------------------------------------


def day_of_age(born: date, years: int, age_mode: str) -> date:
    """The first day on which somebody counts as `years` old.

    Inclusive on the birthday (`on_birthday`, the practice of public recruitment notices) or the day after it
    (`day_after`, the reading of the Supreme People's Court for juvenile cases). Who was born on 29 February has their
    birthday in a common year on 1 March in the first mode and on 28 February in the second, so that both give 1 March.
    """
    year = born.year + years
    try:
        birthday = born.replace(year=year)
    except ValueError:  # 29 February in a common year
        birthday = date(year, 3, 1) if age_mode == "on_birthday" else date(year, 2, 28)
    return birthday if age_mode == "on_birthday" else birthday + timedelta(days=1)


def age_out_day(clause: Clause, born: date) -> date:
    """The first day on which the upper limit of an age clause is passed."""
    return day_of_age(born, clause.max_age + 1, clause.age_mode)


class Verdict(Struct, frozen=True):
    """What the clauses say.

    Attributes:
        reasons: the codes of all clauses that are not met, in the order of the notice; empty when admitted.
        answers: by clause, `met` or `not_met`, of the clauses that are not about health.
        health: the same of those that are.
    """

    reasons: tuple[str, ...]
    answers: Mapping[str, str]
    health: Mapping[str, str]

    @property
    def admitted(self) -> bool:
        """Whether every clause is met."""
        return not self.reasons


def questions(campaign: Campaign, day: date, *, known: Collection[str] = ()) -> tuple[Clause, ...]:
    """The clauses that a person answers on `day`: the daily ones, and those not yet in `known`."""
    return tuple(
        clause for clause in campaign.clauses_on(day) if clause.asked and (clause.daily or clause.id not in known)
    )


def parse_answers(raw: Mapping[str, str], clauses: tuple[Clause, ...]) -> tuple[dict[str, str], list[str]]:
    """The options that a sheet's answers mean, by clause id, and `answer_missing` once for each that means none.

    Args:
        raw: answers by the clauses' column.
        clauses: those that are asked.
    """
    answers, codes = {}, []
    for clause in clauses:
        option = clause.option(raw.get(clause.column, ""))
        if option is None:
            codes.append("answer_missing")
        else:
            answers[clause.id] = option.value
    return answers, codes


def judge(
    campaign: Campaign,
    day: date,
    answers: Mapping[str, str],
    *,
    consented: bool,
    born: date | None = None,
    ages_out: date | None = None,
    known: Collection[str] = (),
) -> Verdict:
    """Holds a person against the clauses in force on `day`.

    Args:
        campaign: whose clauses.
        day: the service date.
        answers: option values by clause id.
        consented: whether all consents were given.
        born: the birth date, where it is at hand.
        ages_out: otherwise, the day from which the person is too old, or None for not within the registration.
        known: clauses that were met at registration and are not asked daily.
    """
    reasons = [] if consented else [campaign.consent_refused.code]
    met: dict[str, str] = {}
    health: dict[str, str] = {}
    for clause in campaign.clauses_on(day):
        if clause.kind == "stated" or (clause.asked and not clause.daily and clause.id in known):
            continue
        try:
            reason = _reason(clause, day, answers, born, ages_out)
        except Exception:  # whatever goes wrong in a clause, it refuses: nobody is admitted by an error
            reason = next(iter(clause.reasons))
        (health if clause.health else met)[clause.id] = "not_met" if reason else "met"
        if reason:
            reasons.append(reason)
    return Verdict(tuple(reasons), met, health)


def asks_the_same(clause: Clause, before: Clause | None) -> bool:
    """Whether who answered `before` has answered `clause`: the same question, limits and version of the text."""
    if before is None:
        return False
    limits = (clause.min_age, clause.max_age, clause.age_mode) == (before.min_age, before.max_age, before.age_mode)
    said = (clause.kind, clause.version, clause.question, clause.text)
    return limits and said == (before.kind, before.version, before.question, before.text)


def document_key(id_type: str, number: str) -> str:
    """What identifies the holder of an ID number: numbers of 18 characters are unique, others only within a type."""
    return number if id_type in EIGHTEEN else f"{id_type}:{number}"


def possible_documents(text: str, today: date) -> list[tuple[str, str]]:
    """The documents, as type and number, that somebody may mean who types nothing but a number."""
    found: dict[tuple[str, str], None] = {}
    for kind in ("resident_id", "passport", "other"):
        try:
            kind, number, _born = parse_id_number(kind, text, today)
        except InvalidInput:
            continue
        if number:
            found[kind, number] = None
    return list(found)


def ages_out(campaign: Campaign, day: date, born: date) -> date | None:
    """The first day on which the person passes an upper age limit, if that falls within `RENEWAL` of `day`."""
    days = [age_out_day(clause, born) for clause in campaign.clauses_on(day) if clause.rule == "age"]
    return min((passed for passed in days if passed <= day + RENEWAL), default=None)


def _reason(
    clause: Clause, day: date, answers: Mapping[str, str], born: date | None, ages_out: date | None
) -> str | None:
    if clause.rule == "age":
        if born is None:
            return "age_over" if ages_out is not None and day >= ages_out else None
        if day < day_of_age(born, clause.min_age, clause.age_mode):
            return "age_under"
        return "age_over" if day >= age_out_day(clause, born) else None
    option = clause.option(answers[clause.id])
    return None if option is not None and option.accepted else next(iter(clause.reasons))
