"""Where somebody is on the way from welcome to badge."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from kiosk.i18n import N_, _

STEPS: Final = (N_("Consent"), N_("About you"), N_("Community"), N_("Questions"), N_("Check"))
"""What the steps of a first visit are called."""


class StepBar(Horizontal):
    """A cell a step: those behind, the one at hand, those to come."""

    def __init__(self, number: int, total: int) -> None:
        super().__init__(id="step-bar")
        self._number, self._total = number, total

    def compose(self) -> ComposeResult:
        # A way of another length has steps of its own, which the title of each page names.
        names = STEPS if self._total == len(STEPS) else ("",) * self._total
        for number, name in enumerate(names, start=1):
            state = "-now" if number == self._number else "-behind" if number < self._number else "-ahead"
            label = f"{number}  {_(name)}" if name else str(number)
            yield Static(label, markup=False, classes=f"step {state}")
