"""`kiosk verify`: checks every record, hash, chain and file of the data folder, and changes nothing."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from kiosk import audit
from kiosk.commands import output
from kiosk.i18n import _


def run(folder: Path, options: Namespace) -> int:
    """Names what is wrong, each in a sentence on stderr; exits 1 if anything is."""
    found = audit.verify(folder)
    output.tell(found)
    if options.format == "table":
        if not found:
            print(_("Everything is in order."))
    else:
        rows = [{"file": finding.file, "seq": finding.seq, "problem": finding.problem} for finding in found]
        output.emit(rows, {"file": "", "seq": "", "problem": ""}, options.format)
    return 1 if found else 0
