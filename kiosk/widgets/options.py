"""Textual's list of options, for a screen where fingers are faster than the painting."""

from __future__ import annotations

from textual import events
from textual.widgets import OptionList


class Options(OptionList):
    """A list to tap on, one option to a row or more.

    A tap tells which option was painted under it. When another list has come between the painting and the tap, there
    may be no such option any more, and Textual's own handler raises.
    """

    async def _on_click(self, event: events.Click) -> None:
        place = event.style.meta.get("option")
        if place is not None and place >= self.option_count:
            event.prevent_default()
