"""`kiosk import FILE.csv`: back-entry of a paper sign-in sheet, by the same rules as at the screen."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from kiosk import sheet
from kiosk.commands.output import print_json, tell
from kiosk.errors import WrongUsage
from kiosk.i18n import N_, _
from kiosk.rules import Application, Stay, invalid
from kiosk.sheet import Row
from kiosk.station import Station
from kiosk.wording import cause

_AHEAD = 64
"""Rows whose ID numbers are hashed ahead of the writer: that is slow on purpose, and runs on all cores."""

_TIME = N_("The times must be like 2021-12-01 08:05, the second after the first, and the first not after today.")

Parsed = tuple[int, Row | None, list[str]]


def run(folder: Path, options: Namespace) -> int:
    """Takes the rows in, one durable write each; one line on stdout acknowledges each row."""
    try:
        content = options.file.read_bytes()
    except OSError as error:
        sentence = _("The file {file} cannot be read: {error}.").format(file=options.file, error=cause(error))
        raise WrongUsage(sentence) from error
    rows = list(sheet.read_rows(content))
    station = Station(folder)
    try:
        any_invalid = False
        today = station.today()
        parsed = (
            (number, *sheet.parse_row(raw, station.campaigns.on(sheet.arrival_day(raw) or today), today))
            for number, raw in rows
        )
        for number, row, codes, key in _with_keys(parsed, station):
            any_invalid |= row is None
            _acknowledge(station, number, row, codes, key)
    finally:
        damaged = tell(station.damage)
        station.close()
    return 1 if any_invalid or damaged else 0


def _with_keys(parsed: Iterable[Parsed], station: Station) -> Iterator[tuple[int, Row | None, list[str], str | None]]:
    with ThreadPoolExecutor() as pool:
        waiting: deque[tuple[Parsed, Future[str | None] | None]] = deque()
        for item in parsed:
            row = item[1]
            waiting.append((item, pool.submit(station.person_key, row.applicant) if row else None))
            if len(waiting) > _AHEAD:
                yield _ready(*waiting.popleft())
        while waiting:
            yield _ready(*waiting.popleft())


def _ready(item: Parsed, key: Future[str | None] | None) -> tuple[int, Row | None, list[str], str | None]:
    return (*item, key.result() if key else None)


def _acknowledge(station: Station, number: int, row: Row | None, codes: list[str], key: str | None) -> None:
    answer: dict[str, object] = {"row": number, "outcome": "invalid", "reasons": codes, "volunteer": None, "ids": []}
    if row is None:
        for code in codes:
            problem = _(_TIME) if code == "time_invalid" else str(invalid(code))
            print(_("Row {row}: {problem}").format(row=number, problem=problem), file=sys.stderr)
    else:
        row_key = station.keys.row_key(row.normalised())
        stay = Stay("import", row.arrived, row.left, row.duty, row_key)
        done = station.check_in(Application(row.applicant, row.answers, row.consented, stay), key=key)
        answer |= {
            "outcome": done.outcome,
            "reasons": list(done.reasons),
            "volunteer": done.volunteer,
            "ids": list(done.ids),
        }
    print_json(answer)
