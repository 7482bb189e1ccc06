"""Prints rows as a table for people, as JSON for programs, or as CSV for spreadsheets.

It knows nothing of what the rows mean.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Final

from kiosk.i18n import _
from kiosk.segments import Finding
from kiosk.tables import csv_bytes, plain, short

FORMATS: Final = ("table", "json", "csv")


def json_line(row: Mapping[str, object]) -> str:
    """One object on one line."""
    return json.dumps({key: plain(value) for key, value in row.items()}, ensure_ascii=False)


def print_json(row: Mapping[str, object]) -> None:
    """Prints one object on one line, at once, in UTF-8 whatever the terminal speaks: programs read it."""
    sys.stdout.flush()
    sys.stdout.buffer.write(f"{json_line(row)}\n".encode())
    sys.stdout.buffer.flush()


def tell(findings: Iterable[Finding]) -> bool:
    """Names what is wrong, each in a sentence on stderr; returns whether anything is."""
    anything = False
    sys.stdout.flush()
    for finding in findings:
        place = _("record {seq}").format(seq=finding.seq) if finding.seq is not None else _("file")
        print(f"{finding.file}, {place}: {finding.problem}", file=sys.stderr)
        anything = True
    return anything


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
        keys = list(headings)
        sys.stdout.buffer.write(csv_bytes(keys, ([row[key] for key in keys] for row in rows)))
        sys.stdout.buffer.flush()
    else:
        _emit_table(rows, headings)


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
        table.add_row(*(Text(printable(short(row[key]))) for key in headings))
    wide = None if sys.stdout.isatty() else 240
    Console(file=sys.stdout, width=wide, highlight=False).print(table)


def printable(text: str) -> str:
    """Text without what would move a cursor or change a colour."""
    return "".join(char if char.isprintable() else " " for char in text)
