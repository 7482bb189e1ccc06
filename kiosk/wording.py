"""How states, remarks and troubles are called: the words of the design, in one place for screens and commands."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Final

from kiosk.i18n import N_, _

_CAUSES: Final[Mapping[int, str]] = {
    errno.ENOENT: N_("it is not there"),
    errno.EACCES: N_("permission is denied"),
    errno.EPERM: N_("permission is denied"),
    errno.ENOSPC: N_("the disk is full"),
    errno.EDQUOT: N_("the disk is full"),
    errno.EIO: N_("the disk does not answer"),
    errno.EROFS: N_("the disk cannot be written to"),
    errno.EISDIR: N_("it is a folder"),
    errno.ENOTDIR: N_("a part of the path is no folder"),
    errno.EEXIST: N_("it is there already"),
    errno.ENAMETOOLONG: N_("the name is too long"),
    errno.ENODEV: N_("the device is gone"),
}


def cause(error: OSError) -> str:
    """Why a file could not be used, in words that fit behind a colon."""
    known = _CAUSES.get(error.errno or 0)
    return _(known) if known else error.strerror or type(error).__name__


STATUS: Final[Mapping[str, str]] = {
    "on_duty": N_("On duty"),
    "checked_in": N_("Here"),
    "checked_out": N_("Left"),
    "pending_check_out": N_("No sign-out"),
}
FLAGS: Final[Mapping[str, str]] = {
    "late_sign_out": N_("Late"),
    "corrected": N_("Corrected"),
    "clock": N_("Clock"),
    "same_person": N_("Same person?"),
    "elsewhere": N_("Elsewhere"),
}
BADGE_REFUSED: Final[Mapping[str, str]] = {
    "malformed": N_("This is not one of our badges. Please scan it again, or type the number below the code."),
    "bad_signature": N_("This badge was not made by a station. Please call the site lead."),
    "unknown_station": N_("This badge comes from a station that is not known here. Please call the site lead."),
    "expired": N_("This badge has expired. Please call the site lead."),
    "revoked": N_("This badge was revoked. Please call the site lead."),
    "other_campaign": N_("This badge belongs to another campaign. Please check in as a new volunteer."),
    "no_such_number": N_("Nobody here has this number. Please check it, or check in as a new volunteer."),
}
"""What is said of a badge that does not count, by the reason's code."""
