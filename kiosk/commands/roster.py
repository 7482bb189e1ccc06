"""`kiosk roster`: the people of a day and their state."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from kiosk import campaign_files, station
from kiosk.commands import output
from kiosk.i18n import _
from kiosk.records import service_day
from kiosk.roster import roster
from kiosk.settings import read_settings
from kiosk.wording import FLAGS, STATUS


def run(folder: Path, options: Namespace) -> int:
    """Prints the roster. Reads without the lock, also beside a running kiosk."""
    read_settings(folder)
    now = station.system_clock()
    campaign = campaign_files.load_campaign(folder, service_day(now))
    rows = []
    for entry in roster(station.read_history(folder), options.day or service_day(now), now):
        row = asdict(entry)
        # Places and duties by the names that the campaign publishes, which people and programs both know.
        row["street"] = campaign.name_of(entry.street) if entry.street else None
        row["community"] = campaign.name_of(entry.community) if entry.community else None
        if entry.duty and (duty := campaign.duty(entry.duty)):
            row["duty"] = duty.text.zh if options.format == "json" else str(duty.text)
        if options.format == "table":
            row["status"] = _(STATUS[entry.status])
            row["flags"] = tuple(_(FLAGS[flag]) for flag in entry.flags)
        rows.append(row)
    headings = {
        "volunteer": _("Number"),
        "name": _("Name"),
        "phone_masked": _("Phone"),
        "street": _("Street"),
        "community": _("Community"),
        "post": _("Post"),
        "status": _("Status"),
        "duty": _("Duty"),
        "since": _("Since"),
        "checked_in_at": _("Checked in"),
        "checked_out_at": _("Checked out"),
        "minutes": _("Minutes"),
        "flags": _("Remarks"),
    }
    output.emit(rows, headings, options.format)
    return 0
