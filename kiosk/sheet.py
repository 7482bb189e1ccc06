"""Reads a paper sign-in sheet that was typed into a CSV file: bytes in, applications or codes of what is wrong out.

Pure but for decoding. It holds the columns of the contract and their spellings; the rules judge, the station writes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from msgspec import Struct

from kiosk import rules
from kiosk.campaign import Campaign, fold
from kiosk.errors import InvalidInput, WrongUsage
from kiosk.i18n import _
from kiosk.records import service_day, timestamp
from kiosk.rules import Applicant

COLUMNS: Final = (
    *("name", "id_type", "id_number", "birth_date", "phone", "street", "community", "lives_or_works", "vaccinated"),
    *("health_code", "travel_code", "pledge", "consent", "duty", "arrived_at", "left_at", "note"),
)
_ANSWERS: Final = ("lives_or_works", "vaccinated", "health_code", "travel_code", "pledge")
_SPELLINGS: Final[Mapping[str, str]] = {
    "是": "yes",
    "否": "no",
    "绿": "green",
    "黄": "yellow",
    "红": "red",
    "橙": "orange",
    "绿*": "green*",
    "居住": "lives",
    "生活": "lives",
    "工作": "works",
    "居住并工作": "both",
    "居住和工作": "both",
    "都不是": "neither",
}
"""The answers of the contract in one spelling, so that a row is the same row under whichever campaign."""
_YES: Final = {"yes": True, "no": False, "\u662f": True, "\u5426": False}


class Row(Struct, frozen=True):
    """One row of the sheet, understood.

    Attributes:
        applicant: the person.
        answers: option values by clause id.
        consented: whether all consents were given.
        duty: the id of the duty, or None.
        arrived, left: aware times; `left` None for still here.
        said: the answers by column, in one spelling, whichever clauses a campaign has.
    """

    applicant: Applicant
    answers: Mapping[str, str]
    consented: bool
    duty: str | None
    arrived: datetime
    left: datetime | None
    said: Mapping[str, str]

    def normalised(self) -> dict[str, str]:
        """The row in one spelling, so that the same row written another way is recognised."""
        who = self.applicant
        return {
            "name": who.name,
            "id": rules.document_key(who.id_type, who.id_number) if who.id_number else "",
            "born": who.born.isoformat(),
            "phone": who.phone,
            "community": who.community or who.street or "",
            "consented": str(self.consented),
            "duty": self.duty or "",
            "arrived": timestamp(self.arrived),
            "left": timestamp(self.left) if self.left else "",
            "note": who.note,
            **{f"answer {column}": value for column, value in self.said.items()},
        }


def decode(content: bytes) -> str:
    """The text of a CSV file: UTF-8 with or without BOM, else GB18030, as Excel writes it here.

    Raises:
        WrongUsage: if it is neither.
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    raise WrongUsage(_("The file is neither UTF-8 nor GB18030. Please save it as CSV UTF-8."))


def read_rows(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their number (the header is row 1); empty rows are passed over.

    A row that is too short has empty fields at its end.

    Raises:
        WrongUsage: if the file cannot be decoded, is no CSV, or lacks a column.
    """
    reader = csv.reader(io.StringIO(decode(content), newline=""))
    try:
        header = [fold(name).lower() for name in next(reader, [])]
        missing = [name for name in COLUMNS if name not in header]
        if missing:
            raise WrongUsage(_("The file lacks these columns: {names}.").format(names=", ".join(missing)))
        for number, cells in enumerate(reader, start=2):
            if any(cell.strip() for cell in cells):
                yield number, dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=False))
    except csv.Error as error:
        raise WrongUsage(_("The file is no CSV: {error}.").format(error=error)) from error


def _stay(raw: Mapping[str, str], codes: list[str], today: date) -> tuple[datetime | None, datetime | None]:
    arrived = left = None
    try:
        arrived = rules.parse_time(raw["arrived_at"])
        if service_day(arrived) > today:
            raise rules.invalid("time_invalid")
        if raw["left_at"].strip():
            left = rules.parse_time(raw["left_at"])
            if left <= arrived or service_day(left) > service_day(arrived) + timedelta(days=1):
                raise rules.invalid("time_invalid")
    except InvalidInput as error:
        codes.append(error.code)
    return arrived, left


def parse_row(raw: Mapping[str, str], campaign: Campaign, today: date) -> tuple[Row | None, list[str]]:
    """Understands one row.

    Args:
        raw: cells by column.
        campaign: whose clauses, duties and streets count; it must be in force when the person arrived.
        today: the day of the import; nobody has arrived after it.

    Returns:
        The row, or None and the codes of all that is wrong, each once.
    """
    codes: list[str] = []
    arrived, left = _stay(raw, codes, today)
    if arrived is not None and not campaign.in_force(service_day(arrived)) and "time_invalid" not in codes:
        codes.append("time_invalid")
    day = service_day(arrived) if arrived else today
    applicant, wrong = rules.parse_applicant(raw, campaign, day)
    answers, unanswered = rules.parse_answers(raw, rules.questions(campaign, day))
    consent = _YES.get(fold(raw["consent"]).lower())
    if consent is None:
        unanswered.append("answer_missing")
    duty = campaign.duty(raw["duty"]) if raw["duty"].strip() else None
    if raw["duty"].strip() and duty is None:
        wrong = [*wrong, "duty_unknown"]
    codes = list(dict.fromkeys([*wrong, *unanswered, *codes]))
    if codes or applicant is None or arrived is None or consent is None:
        return None, codes
    said = {column: _spelled(raw[column], campaign, column) for column in _ANSWERS}
    return Row(applicant, answers, consent, duty.id if duty else None, arrived, left, said), []


def arrival_day(raw: Mapping[str, str]) -> date | None:
    """The service day of a row, which says whose campaign it is held against; None where the time is wrong."""
    try:
        return service_day(rules.parse_time(raw["arrived_at"]))
    except InvalidInput:
        return None


def _spelled(answer: str, campaign: Campaign, column: str) -> str:
    clause = next((clause for clause in campaign.clauses if clause.asked and clause.column == column), None)
    option = clause.option(answer) if clause else None
    said = fold(answer).casefold()
    return option.value if option else _SPELLINGS.get(said, said)
