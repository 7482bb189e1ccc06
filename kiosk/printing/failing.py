"""Why a badge was not printed, in words for whoever stands before the kiosk, and what they can do about it.

It knows the errors of the system, and no printer.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from kiosk import wording
from kiosk.errors import KioskError
from kiosk.i18n import N_, _

EXTRA: Final = "pip install 'kiosk[print]'"
"""What brings the libraries for printing."""

_SENTENCES: Final[Mapping[str, str]] = {
    "no_paper": N_("The printer is out of paper. Please call the site lead to put in paper."),
    "not_found": N_(
        "The printer cannot be found. Please check that it is switched on and connected, or call the site lead."
    ),
    "no_printer": N_("No printer is set up now. The badge is printed once there is one."),
    "not_set_up": N_("The printer's settings cannot be read. Please call the site lead to set it up again."),
    "no_folder": N_("The folder for the badges is not there. Please call the site lead: is the stick plugged in?"),
    "no_permission": N_("The kiosk may not use the printer. Please call the site lead, who finds help in printing.md."),
    "timed_out": N_(
        "The printer does not answer. Please check that it is switched on, closed and has paper, or call the site lead."
    ),
    "refused": N_(
        "The printer is busy, open or out of order. Please wait a moment, then close it or switch it off and on again."
    ),
    "disconnected": N_("The printer was cut off while printing. Please check its cable, or call the site lead."),
    "no_font": N_(
        "This computer has no font with Chinese characters. Please call the site lead. To install: {install}"
    ),
    "not_installed": N_(
        "This computer lacks what is needed to print. Please call the site lead. To install: {install}"
    ),
    "failed": N_("The badge could not be printed. Please call the site lead."),
}
REASONS: Final = tuple(_SENTENCES)


def sentence(reason: str, detail: str = "", install: str = "") -> str:
    """What is said of a failure, in the language in use.

    Args:
        reason: one of `REASONS`.
        detail: what more is known of a badge that `failed`, in words that fit behind a colon.
        install: the command that brings what is missing, for `no_font` and `not_installed`.
    """
    if reason == "failed" and detail:
        return _("The badge could not be printed: {detail}. Please call the site lead.").format(detail=detail)
    return _(_SENTENCES[reason]).format(install=install)


class PrintFailed(KioskError):
    """A badge was not printed, or not as far as is known.

    Attributes:
        reason: one of `REASONS`.
        detail: what the system said, for the site lead; nothing personal.
        install: the command that brings what is missing, where something is.
    """

    def __init__(self, reason: str, *, detail: str = "", install: str = "") -> None:
        super().__init__(sentence(reason, detail, install))
        self.reason, self.detail, self.install = reason, detail, install


_BY_ERRNO: Final[Mapping[int, str]] = {
    # A device that is gone, and a printer whose address nobody has.
    errno.ENOENT: "not_found",
    errno.ENODEV: "not_found",
    errno.ENXIO: "not_found",
    errno.ENOTDIR: "not_found",
    errno.EHOSTUNREACH: "not_found",
    errno.EHOSTDOWN: "not_found",
    errno.ENETUNREACH: "not_found",
    errno.ENETDOWN: "not_found",
    errno.EADDRNOTAVAIL: "not_found",
    errno.EACCES: "no_permission",
    errno.EPERM: "no_permission",
    errno.EROFS: "no_permission",
    errno.ETIMEDOUT: "timed_out",
    errno.ECONNREFUSED: "refused",
    errno.EBUSY: "refused",
    errno.EPIPE: "disconnected",
    errno.ECONNRESET: "disconnected",
    errno.ECONNABORTED: "disconnected",
    errno.ESHUTDOWN: "disconnected",
    errno.ENOTCONN: "disconnected",
    errno.EIO: "disconnected",  # a USB cable that was pulled
    errno.EPROTO: "disconnected",
    errno.ENOSPC: "no_paper",  # the kernel's drivers of printers say so; no printer has a disk
}


def from_system(error: OSError) -> PrintFailed:
    """The failure behind an error of a printer's device or connection."""
    if isinstance(error, TimeoutError):
        reason = "timed_out"
    elif error.errno is None and isinstance(error, ConnectionError):
        reason = "disconnected"
    elif error.errno is not None and error.errno < 0:
        reason = "not_found"  # a host's name that nobody knows: getaddrinfo has numbers of its own
    else:
        reason = _BY_ERRNO.get(error.errno or 0, "failed")
    return PrintFailed(reason, detail=wording.cause(error))


def from_folder(error: OSError) -> PrintFailed:
    """The failure behind an error of the folder that badges are put into: a disk that is full lacks no paper."""
    gone = error.errno in (errno.ENOENT, errno.ENOTDIR)
    return PrintFailed("no_folder" if gone else "failed", detail=wording.cause(error))


@contextmanager
def needing_extra() -> Iterator[None]:
    """Around the import of a library of the extra `print`.

    Raises:
        PrintFailed: `not_installed`, naming the extra, if it is not there.
    """
    try:
        yield
    except ImportError as error:
        raise PrintFailed("not_installed", detail=str(error), install=EXTRA) from error
