"""Which printer a station has: the file printer.json in the data folder.

A station without one, or whose file is damaged, works all the same. It knows no volunteer and prints nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict

from kiosk import canonical
from kiosk.durable import sync_folder, write_durably
from kiosk.errors import KioskError, RecordError, WrongUsage
from kiosk.i18n import N_, _
from kiosk.printing.paper import A6, CARD, LABEL, PAPERS, ROLL_58, ROLL_80, Paper

FILE: Final = "printer.json"
MOST_COPIES: Final = 9
PORT: Final = 9100
"""Where printers listen for what is to be printed as it is."""

_ROLLS: Final = (ROLL_80, ROLL_58)
_PAGES: Final = (A6, CARD)
KINDS: Final[Mapping[str, tuple[Paper, ...]]] = {
    "escpos-network": _ROLLS,
    "escpos-usb": _ROLLS,
    "escpos-device": _ROLLS,
    "tspl-network": (LABEL,),
    "tspl-device": (LABEL,),
    "cups": (*_PAGES, LABEL, *_ROLLS),
    "pdf": (*_PAGES, LABEL, *_ROLLS),
    "png": (*_PAGES, LABEL, *_ROLLS),
}
"""The kinds of printers, and the papers of each; the first is meant where none is named."""
_TARGETS: Final[Mapping[str, tuple[str, str]]] = {
    "network": (
        r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?",
        N_("an address such as 192.168.1.50:9100"),
    ),
    "usb": (r"[0-9a-f]{4}:[0-9a-f]{4}", N_("the printer's USB numbers, such as 04b8:0202")),
    "device": (r"/[^\x00-\x1f]+", N_("the printer's device file, such as /dev/usb/lp0")),
    "cups": (
        r"[^\s/#'\"\\<>&|;$`-][^\s/#'\"\\<>&|;$`\x00-\x1f]{0,126}",
        N_("the name of a CUPS queue, as lpstat -e shows it"),
    ),
    "pdf": (r"/[^\x00-\x1f]*", N_("a folder, with its whole path")),
    "png": (r"/[^\x00-\x1f]*", N_("a folder, with its whole path")),
}


class Printer(Struct, frozen=True):
    """One printer, or a folder in its place.

    Attributes:
        kind: one of `KINDS`.
        target: host or host:port, vendor:product in hex, a device file, a CUPS queue, or a folder.
        paper: the name of one of the kind's papers.
        copies: of each badge, 1 to 9.
    """

    kind: str
    target: str
    paper: str
    copies: int = 1

    @classmethod
    def of(cls, kind: str, target: str, paper: str = "", copies: int = 1) -> Printer:
        """The printer that somebody described.

        Args:
            kind: one of `KINDS`.
            target: as in the class; white space around it is dropped.
            paper: a paper's name; empty for what is usual.
            copies: 1 to 9.

        Raises:
            WrongUsage: if there is no such printer.
        """
        target = target.strip()
        if kind not in KINDS:
            raise WrongUsage(_("The kind of printer must be one of: {kinds}.").format(kinds=", ".join(KINDS)))
        pattern, example = _TARGETS[kind.rpartition("-")[2]]
        if kind == "escpos-usb":
            target = target.lower()
        printer = cls(kind, target, paper or KINDS[kind][0].name, copies)
        if not re.fullmatch(pattern, target) or (kind.endswith("-network") and not 0 < printer.address[1] < 65536):
            raise WrongUsage(_("Please enter {example}.").format(example=_(example)))
        if printer.paper not in (known.name for known in KINDS[kind]):
            papers = ", ".join(known.name for known in KINDS[kind])
            raise WrongUsage(_("This printer's paper must be one of: {papers}.").format(papers=papers))
        if not 1 <= copies <= MOST_COPIES:
            raise WrongUsage(_("A printer makes 1 to {most} copies.").format(most=MOST_COPIES))
        return printer

    @property
    def sheet(self) -> Paper:
        """What it prints on."""
        return PAPERS[self.paper]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of a network printer; of one by IPv6 without the brackets."""
        host, colon, port = self.target.rpartition(":")
        if not colon or self.target.endswith("]"):
            host, port = self.target, str(PORT)
        return host.strip("[]"), int(port)

    @property
    def usb(self) -> tuple[int, int]:
        """Vendor and product of a USB printer."""
        vendor, _colon, product = self.target.partition(":")
        return int(vendor, 16), int(product, 16)

    def save(self, folder: Path) -> None:
        """Makes this the station's printer.

        Args:
            folder: the data folder.

        Raises:
            OSError: if that fails.
        """
        content = json.dumps(canonical.with_sum(asdict(self)), ensure_ascii=False, indent=1).encode("utf-8")
        write_durably(folder / FILE, content, folder / "tmp")


def read_printer(folder: Path) -> tuple[Printer | None, str]:
    """The station's printer, and what is wrong with the file; never an error, for a kiosk runs without a printer.

    Args:
        folder: the data folder.

    Returns:
        The printer or None, and a sentence; that is empty when all is well, and when no printer was ever set up.
    """
    path = folder / FILE
    try:
        found = canonical.parse_json(path.read_bytes())
        if not canonical.is_as_written(found):
            raise ValueError(FILE)
        kind, target, paper, copies = (found[name] for name in ("kind", "target", "paper", "copies"))
        if type(copies) is not int or not all(type(text) is str for text in (kind, target, paper)):
            raise ValueError(FILE)
        return Printer.of(kind, target, paper, copies), ""
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecordError, KioskError):
        return None, _(
            "The file {file} cannot be read, so nothing is printed. Please set up the printer again."
        ).format(file=path.name)


def forget_printer(folder: Path) -> None:
    """Leaves the station without a printer.

    Args:
        folder: the data folder.

    Raises:
        OSError: if that fails.
    """
    (folder / FILE).unlink(missing_ok=True)
    sync_folder(folder)
