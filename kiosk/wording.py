"""How states and remarks are called: the words of the design, in one place for screens and commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kiosk.i18n import N_

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
