"""The lead's file of a day: CSV or XLSX, onto a stick or into a folder, whole or not at all, never over another.

It knows of folders, file names and bytes; what stands in the rows is the business of `tables`.
"""

from __future__ import annotations

import io
import os
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from kiosk.durable import make_folder, write_beside
from kiosk.errors import WrongUsage
from kiosk.i18n import _
from kiosk.tables import csv_bytes, short

FORMS: Final = ("csv", "xlsx")
STICKS: Final = (Path("/media"), Path("/run/media"))
"""Where desktops mount sticks, each in a folder of the user's."""
_WIDEST: Final = 40


def stick(*, home: Path | None = None, sticks: Sequence[Path] = STICKS) -> Path | None:
    """A stick that is plugged in and can be written to."""
    user = (home or Path.home()).name
    mounted = [each for root in sticks for each in _folders(root / user) if os.access(each, os.W_OK)]
    return mounted[0] if mounted else None


def suggest_folder(data: Path, *, home: Path | None = None, sticks: Sequence[Path] = STICKS) -> Path:
    """Where the lead most likely wants the file: a stick, else the documents, else a folder beside the log.

    Args:
        data: the data folder.
        home: the user's home folder.
        sticks: where sticks are mounted, in folders of the users'.
    """
    home = home or Path.home()
    documents = home / "Documents"
    return stick(home=home, sticks=sticks) or (documents if documents.is_dir() else data / "exports")


def _folders(path: Path) -> Iterator[Path]:
    try:
        yield from sorted(child for child in path.iterdir() if child.is_dir())
    except OSError:  # nothing was ever mounted there
        return


def write(
    where: str, station: str, day: date, form: str, headings: Sequence[str], rows: Sequence[Sequence[object]]
) -> Path:
    """Writes the file and returns its path, when it would survive that the stick is pulled out.

    The name is that of station and day, with a number where such a file is there already.

    Args:
        where: the folder, as typed; only the last part of the path is made if it is missing.
        station: the station's id.
        day: the service day.
        form: one of `FORMS`.
        headings: of the columns.
        rows: as many values each.

    Raises:
        WrongUsage: if it cannot be written, in a sentence.
    """
    content = csv_bytes(headings, [[_readable(value) for value in row] for row in rows])
    if form == "xlsx":
        content = xlsx_bytes(headings, rows)
    folder = Path(where.strip())
    try:
        folder = folder.expanduser().absolute()
        if folder.parent.is_dir():
            make_folder(folder)
        path = _free(folder, f"kiosk-{station}-{day.isoformat()}", form)
        write_beside(path, content)
    except (OSError, RuntimeError, ValueError) as error:  # also for ~nobody, and for what is no path at all
        sentence = _("The file cannot be written to {folder}: {error}. Please choose another folder.")
        said = getattr(error, "strerror", None) or _("there is no such folder")
        raise WrongUsage(sentence.format(folder=folder, error=said)) from error
    return path


def _free(folder: Path, name: str, form: str) -> Path:
    path, number = folder / f"{name}.{form}", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}.{form}"
    return path


def _readable(value: object) -> object:
    # Numbers stay numbers for `csv_cell`; times lose seconds and offset.
    return value if isinstance(value, int) else short(value)


def xlsx_bytes(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """A spreadsheet in which no cell is a formula or a link: text is text, and numbers are numbers."""
    import xlsxwriter  # 80 ms that only this needs

    held = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(held, options)
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    widths = [_cells(heading) for heading in headings]
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, heading, bold)
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            text = _put(sheet, number, column, value)
            widths[column] = max(widths[column], _cells(text))
    for column, width in enumerate(widths):
        sheet.set_column(column, column, min(width, _WIDEST) + 2)
    sheet.freeze_panes(1, 0)
    book.close()
    return held.getvalue()


def _put(sheet: Any, row: int, column: int, value: object) -> str:
    text = short(value)
    if isinstance(value, int) and not isinstance(value, bool):
        sheet.write_number(row, column, value)
    elif text:
        sheet.write_string(row, column, text)
    return text


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
