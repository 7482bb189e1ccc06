"""`kiosk roster`: the people of a day and their state."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from kiosk import clock, recovery, station
from kiosk.commands import output
from kiosk.records import service_day
from kiosk.roster import roster
from kiosk.tables import roster_headings, roster_rows


def run(folder: Path, options: Namespace) -> int:
    """Prints the roster as far as the log can be read, and what is wrong with the log on stderr; exits 1 then.

    Reads without the lock, also beside a running kiosk.
    """
    log = station.read_log(folder)
    now = clock.system_clock()
    campaign = recovery.campaigns_of(folder).on(service_day(now))
    entries = roster(log.history, options.day or service_day(now), now)
    form = {"table": "words", "csv": "codes", "json": "zh"}[options.format]
    output.emit(roster_rows(entries, campaign, form=form), roster_headings(), options.format)
    return 1 if output.tell(log.damage) else 0
