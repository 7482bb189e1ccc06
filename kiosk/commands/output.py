"""Prints rows as a table for people, as JSON for programs, or as CSV for spreadsheets.

It knows nothing of what the rows mean.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from kiosk.records import timestamp

FORMATS: Final = ("table", "json", "csv")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def plain(value: object) -> Any:
    """The JSON form of a value: times with offset, days as dates."""
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def json_line(row: Mapping[str, object]) -> str:
    """One object on one line."""
    return json.dumps({key: plain(value) for key, value in row.items()}, ensure_ascii=False)


def print_json(row: Mapping[str, object]) -> None:
    """Prints one object on one line, at once, in UTF-8 whatever the terminal speaks: programs read it."""
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{json_line(row)}\n".encode())
    sys.stdout.buffer.flush()


def _cell(value: object) -> str:
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ";".join(map(str, value)) if isinstance(value, list) else str(value)


def csv_cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: text that looks like one gets an apostrophe before it."""
    text = _cell(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def emit(rows: Iterable[Mapping[str, object]], headings: Mapping[str, str], form: str) -> None:
    """Prints `rows` on stdout.

    Args:
        rows: each with the keys of `headings`.
        headings: what a table calls each key, in order.
        form: one of `FORMATS`.
    """
    if form == "json":
        for row in rows:
            print_json(row)
    elif form == "csv":
        _emit_csv(rows, list(headings))
    else:
        _emit_table(rows, headings)


def _emit_csv(rows: Iterable[Mapping[str, object]], keys: Sequence[str]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(keys)
    writer.writerows([csv_cell(row[key]) for key in keys] for row in rows)
    # A byte order mark is what makes Excel read UTF-8.
    sys.stdout.buffer.write(text.getvalue().encode("utf-8-sig"))
    sys.stdout.buffer.flush()


def _emit_table(rows: Iterable[Mapping[str, object]], headings: Mapping[str, str]) -> None:
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE)
    for heading in headings.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        # Text, not str: a name with brackets must not be taken for markup.
        table.add_row(*(Text(_printable(_short(row[key]))) for key in headings))
    wide = None if sys.stdout.isatty() else 240
    Console(file=sys.stdout, width=wide, highlight=False).print(table)


def _short(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else _cell(value)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
