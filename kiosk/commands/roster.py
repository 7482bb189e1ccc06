"""`kiosk roster`: the people of a day and their state."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from kiosk import campaign_files, station
from kiosk.commands import output
from kiosk.records import service_day
from kiosk.roster import roster
from kiosk.settings import read_settings
from kiosk.tables import roster_headings, roster_rows


def run(folder: Path, options: Namespace) -> int:
    """Prints the roster. Reads without the lock, also beside a running kiosk."""
    read_settings(folder)
    now = station.system_clock()
    campaign = campaign_files.load_campaign(folder, service_day(now))
    entries = roster(station.read_history(folder), options.day or service_day(now), now)
    form = {"table": "words", "csv": "codes", "json": "zh"}[options.format]
    output.emit(roster_rows(entries, campaign, form=form), roster_headings(), options.format)
    return 0
