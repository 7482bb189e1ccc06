"""`kiosk forget` and `kiosk purge`: personal data taken out, by request or since its purpose has ended."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from kiosk import forgetting
from kiosk.commands import output
from kiosk.errors import WrongUsage
from kiosk.i18n import _
from kiosk.records import parse_volunteer_number
from kiosk.station import Station


def run(folder: Path, options: Namespace) -> int:
    """Takes whatever is personal about a volunteer out of the log.

    Exits 1 over a damaged log, and where files are left to a person that may still tell of the volunteer.
    """
    volunteer = parse_volunteer_number(options.volunteer)
    if volunteer is None:
        raise WrongUsage(_("{text} is not a volunteer number.").format(text=options.volunteer))
    station = Station(folder)
    try:
        station.forget(volunteer, options.reason)
        damaged = output.tell(station.damage)
    finally:
        station.close()
    output.emit([{"volunteer": volunteer, "forgotten": True}], _headings(), options.format)
    return 1 if _tell_what_is_left(folder) or damaged else 0


def _tell_what_is_left(folder: Path) -> bool:
    """Names the files that a person has to look at; returns whether there are any."""
    left = forgetting.left_to_people(folder)
    for name in left:
        sentence = _("{file} may still say something about them, and is left to you: please look at it, and delete it.")
        print(sentence.format(file=name), file=sys.stderr)
    return bool(left)


def _headings() -> dict[str, str]:
    return {"volunteer": _("Number"), "forgotten": _("Forgotten data")}


def purge(folder: Path, options: Namespace) -> int:
    """Takes the health answers out that were given under campaigns that have ended."""
    station = Station(folder)
    try:
        ended = station.purge(options.reason)
        damaged = output.tell(station.damage)
    finally:
        station.close()
    output.emit([{"campaign": name, "purged": True} for name in ended], _campaign_headings(), options.format)
    if not ended:
        print(_("No campaign has ended yet: there is nothing to take out."), file=sys.stderr)
        return 1 if damaged else 0
    return 1 if _tell_what_is_left(folder) or damaged else 0


def _campaign_headings() -> dict[str, str]:
    return {"campaign": _("Campaign"), "purged": _("Health answers taken out")}
