"""`kiosk verify`: checks every record, hash, chain and file of the data folder, and changes nothing."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from kiosk import campaign_files, segments
from kiosk.commands import output
from kiosk.errors import CampaignError
from kiosk.i18n import _
from kiosk.segments import Finding
from kiosk.settings import read_settings


def run(folder: Path, options: Namespace) -> int:
    """Names what is wrong, each in a sentence on stderr; exits 1 if anything is."""
    settings = read_settings(folder)
    found = segments.verify(folder, settings.station)
    try:
        found += [Finding("campaign", None, problem) for problem in campaign_files.load_campaigns(folder).damaged]
    except CampaignError as error:
        found.append(Finding("campaign", None, str(error)))
    for finding in found:
        place = _("record {seq}").format(seq=finding.seq) if finding.seq is not None else _("file")
        print(f"{finding.file}, {place}: {finding.problem}", file=sys.stderr)
    if options.format == "table":
        if not found:
            print(_("Everything is in order."))
    else:
        rows = [{"file": finding.file, "seq": finding.seq, "problem": finding.problem} for finding in found]
        output.emit(rows, {"file": "", "seq": "", "problem": ""}, options.format)
    return 1 if found else 0
