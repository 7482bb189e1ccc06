"""The roster as rows and cells, for `kiosk roster` and for the lead's export: headings, words, and no formulas.

It knows nothing of files, terminals or screens.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from msgspec.structs import asdict

from kiosk.campaign import Campaign
from kiosk.i18n import N_, _
from kiosk.records import timestamp
from kiosk.roster import Entry
from kiosk.wording import FLAGS, STATUS

_HEADINGS: Final[Mapping[str, str]] = {
    "volunteer": N_("Number"),
    "name": N_("Name"),
    "phone_masked": N_("Phone"),
    "street": N_("Street"),
    "community": N_("Community"),
    "post": N_("Post"),
    "status": N_("Status"),
    "duty": N_("Duty"),
    "since": N_("Since"),
    "checked_in_at": N_("Checked in"),
    "checked_out_at": N_("Checked out"),
    "minutes": N_("Minutes"),
    "flags": N_("Remarks"),
}
# Excel and its kin take a cell that begins so for a formula, some also with full-width or small signs.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def roster_headings() -> dict[str, str]:
    """What the columns of the roster are called in the language in use, by the fields of `Entry`, in order."""
    return {key: _(heading) for key, heading in _HEADINGS.items()}


def roster_rows(entries: Iterable[Entry], campaign: Campaign, *, form: str = "words") -> list[dict[str, Any]]:
    """The rows of the roster.

    Args:
        entries: the people of a day.
        campaign: gives the names of places and duties, which people and programs both know.
        form: `words` for people; `codes` for spreadsheets that are read on, and `zh` for programs: states and flags by
            their codes, the duty in the language in use or always in Chinese.
    """
    rows = []
    for entry in entries:
        row = asdict(entry)
        row["street"] = campaign.name_of(entry.street) if entry.street else None
        row["community"] = campaign.name_of(entry.community) if entry.community else None
        if entry.duty and (duty := campaign.duty(entry.duty)):
            row["duty"] = duty.text.zh if form == "zh" else str(duty.text)
        if form == "words":
            row["status"] = _(STATUS[entry.status])
            row["flags"] = tuple(_(FLAGS[flag]) for flag in entry.flags)
        rows.append(row)
    return rows


def plain(value: object) -> Any:
    """The JSON form of a value: times with offset, days as dates."""
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def cell(value: object) -> str:
    """A value as the text of a cell."""
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ";".join(map(str, value)) if isinstance(value, list) else str(value)


def short(value: object) -> str:
    """The same for people: a time without seconds and offset."""
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else cell(value)


def csv_cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: text that looks like one gets an apostrophe before it."""
    text = cell(value)
    begins = unicodedata.normalize("NFKC", text[:1])
    return f"'{text}" if isinstance(value, str) and begins.startswith(_FORMULA) else text


def csv_bytes(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file; the byte order mark is what makes Excel read UTF-8."""
    text = io.StringIO(newline="")
    # Where a semicolon separates cells, half of a text that is not quoted would be a cell of its own.
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(headings)
    writer.writerows([csv_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")
