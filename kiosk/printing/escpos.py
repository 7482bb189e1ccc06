"""ESC/POS, the language of receipt printers: a badge's bytes, and what the printer says of its paper.

python-escpos makes the bytes; `channels` says why it does not send them.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

from kiosk.printing.channels import Channel
from kiosk.printing.failing import PrintFailed, needing_extra

if TYPE_CHECKING:
    from PIL.Image import Image

STATUS_PAPER: Final = b"\x10\x04\x04"
"""DLE EOT 4: the roll's sensors, answered at once, also by a printer that is waiting for paper."""
STATUS_OFFLINE: Final = b"\x10\x04\x02"
"""DLE EOT 2: why it takes nothing, answered at once."""
STATUS_IN_TURN: Final = b"\x1dr\x01"
"""GS r 1: the same, answered only when everything sent before it has been dealt with."""
_FIXED, _STATUS = 0x93, 0x12
"""Of the answer to DLE EOT these bits are as in 0x12, so that it is told from noise."""
_NO_PAPER: Final = 0x60
_COVER_OPEN, _ENDED, _ERROR = 0x04, 0x20, 0x40
"""Of the answer to DLE EOT 2."""
ANSWER: Final = 0.5
"""Seconds that a printer has for the first question; what cannot answer is printed to all the same."""
IN_TURN: Final = 3.0
"""Seconds that a printer which answers has to print a badge."""


def commands(picture: Image) -> bytes:
    """One badge: reset, the picture, paper fed past the knife, cut.

    Args:
        picture: in mode "1", as wide as the paper or less.

    Raises:
        PrintFailed: `not_installed`.
    """
    with needing_extra():
        from escpos import capabilities
        from escpos.capabilities import Profile
        from escpos.printer import Dummy
    if "ESCPOS_CAPABILITIES_PICKLE_DIR" not in os.environ:
        shutil.rmtree(capabilities.pickle_dir, ignore_errors=True)  # it leaves one behind in every process

    # No model's profile: that of a TM-T88V refuses more than 512 dots. And no medium, or python-escpos writes to the
    # screen that it does not know how wide that is.
    profile = Profile(features={"paperFullCut": True})
    profile.profile_data = {**profile.profile_data, "media": {}}
    printer = Dummy(profile=profile)
    printer.hw("INIT")
    # In bands, since simple printers have little memory.
    printer.image(picture, impl="bitImageRaster", fragment_height=256)
    printer.cut()
    return bytes(printer.output)


def _demand_online(channel: Channel, seconds: float) -> None:
    """Asks whether its cover is open or its knife is stuck; a printer that says nothing is believed.

    Raises:
        PrintFailed: `no_paper` or `refused`.
    """
    answers = [byte for byte in channel.ask(STATUS_OFFLINE, seconds) if byte & _FIXED == _STATUS]
    if answers and answers[-1] & _ENDED:
        raise PrintFailed("no_paper")
    if answers and answers[-1] & (_COVER_OPEN | _ERROR):
        raise PrintFailed("refused")


def _has_paper(channel: Channel, seconds: float) -> bool | None:
    """What the printer says of its paper; None if it says nothing that makes sense."""
    answers = [byte for byte in channel.ask(STATUS_PAPER, seconds) if byte & _FIXED == _STATUS]
    return answers[-1] & _NO_PAPER != _NO_PAPER if answers else None


def send(channel: Channel, picture: Image, copies: int, patience: float) -> None:
    """Prints the badge, as often as wanted.

    A printer that tells of its paper is asked before and after, so that a roll that ends in the middle is noticed, or a
    cover that was opened.

    Raises:
        PrintFailed: `no_paper`, `refused` or `not_installed`.
        OSError: if the printer stops taking, or is gone.
    """
    badge = commands(picture)
    paper = _has_paper(channel, min(ANSWER, patience))
    if paper is False:
        raise PrintFailed("no_paper")
    if paper is not None:
        _demand_online(channel, min(ANSWER, patience))
    for _copy in range(copies):
        channel.send(badge)
        if paper is None:
            continue
        # Not all answer in turn; what counts is what they say of the paper then.
        if not channel.ask(STATUS_IN_TURN, min(IN_TURN, patience)):
            if _has_paper(channel, min(ANSWER, patience)) is False:
                raise PrintFailed("no_paper")
            _demand_online(channel, min(ANSWER, patience))
