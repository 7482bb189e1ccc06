"""`kiosk init`: set-up without questions."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from kiosk import campaign_files, setup
from kiosk.commands import output
from kiosk.errors import InvalidInput, WrongUsage
from kiosk.i18n import _
from kiosk.trust import KeysError, read_hq_keys


def run(folder: Path, options: Namespace) -> int:
    """Makes the station and prints its PIN and passphrase, this once."""
    shipped = campaign_files.shipped()
    try:
        hq = read_hq_keys(options.hq) if options.hq else None
        made = setup.prepare(
            folder,
            shipped,
            station=options.station,
            community=options.community,
            name=options.name,
            language=options.language,
            pin=options.lead_pin,
            hq=hq,
        )
    except (InvalidInput, KeysError) as error:
        raise WrongUsage(str(error)) from error
    settings = made.settings
    row = {
        "station": settings.station,
        "street": shipped.name_of(settings.street),
        "community": shipped.name_of(settings.community),
        "data": str(folder),
        "pin": made.pin,
        "passphrase": made.passphrase,
    }
    headings = {
        "station": _("Station"),
        "street": _("Street"),
        "community": _("Community"),
        "data": _("Data folder"),
        "pin": _("Lead's PIN"),
        "passphrase": _("Lead's passphrase"),
    }
    output.emit([row], headings, options.format)
    if options.format == "table":
        print(_("Write the PIN and the passphrase down now: they are shown only this once."))
    sys.stdout.flush()
    setup.finish(folder, made)
    return 0
