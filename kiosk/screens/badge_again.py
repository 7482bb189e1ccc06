"""A badge shown once more, for the lead: to be photographed by whoever lost theirs. Nothing is written."""

from __future__ import annotations

from typing import ClassVar

from kiosk.i18n import N_
from kiosk.screens.badge import BadgePage
from kiosk.widgets.page import Key


class BadgeAgainPage(BadgePage):
    """Returns None."""

    keys: ClassVar[tuple[Key, ...]] = (Key("Esc", N_("Back"), "back"),)

    def action_next(self) -> None:
        self.dismiss(None)
