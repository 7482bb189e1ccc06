"""Where somebody is on the way from welcome to badge."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import Grid
from textual.widgets import Static

from kiosk.i18n import N_, _

STEPS: Final = (N_("Consent"), N_("About you"), N_("ID"), N_("Community"), N_("Questions"), N_("Check"))
"""What the steps of a first visit are called."""


class StepBar(Grid):
    """A cell a step: those behind, the one at hand, those to come."""

    def __init__(self, number: int) -> None:
        """Makes the bar.

        Args:
            number: of the step at hand, from 1.
        """
        super().__init__(id="step-bar")
        self._number = number

    def compose(self) -> ComposeResult:
        for number, name in enumerate(STEPS, start=1):
            state = "-now" if number == self._number else "-behind" if number < self._number else "-ahead"
            yield Static(f"{number} {_(name)}", markup=False, classes=f"step {state}")
