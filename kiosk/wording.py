"""How states, remarks and troubles are called: the words of the design, in one place for screens and commands."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from datetime import date
from typing import Final

from kiosk.i18n import N_, _, ngettext

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


WEEKDAYS: Final = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))

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
    "not_known": N_("Nobody here is known by this name and number. Please check both, or register as a new volunteer."),
    "no_such_number": N_("Nobody here has this number. Please check it, or check in as a new volunteer."),
}
"""What is said of a badge that does not count, by the reason's code."""


def shown_before(seconds: int | None) -> str:
    """That a badge was shown so many seconds ago, which somebody else may have done; nothing for None."""
    if seconds is None:
        return ""
    seconds = max(seconds, 1)
    said = ngettext(
        "This badge was shown {count} second ago. If that was not you, please call the site lead.",
        "This badge was shown {count} seconds ago. If that was not you, please call the site lead.",
        seconds,
    )
    return said.format(count=seconds)


def day_in_words(day: date, today: date) -> str:
    """A day as people say it; the year stands before it when it is another than today's."""
    said = _("{month}/{day}").format(month=day.month, day=day.day)
    year = "" if day.year == today.year else _("{year}, ").format(year=day.year)
    return f"{year}{said} {_(WEEKDAYS[day.weekday()])}"


def duration(minutes: int) -> str:
    """Minutes in words: `3 h 58 min`."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return ngettext("{count} minute", "{count} minutes", rest).format(count=rest)
    return _("{hours} h {minutes} min").format(hours=hours, minutes=rest)
