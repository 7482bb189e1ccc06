"""The choice of what is to be corrected: by its digit, by the arrow keys, or by a tap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events, on
from textual.widget import Widget
from textual.widgets import Static
from textual.widgets.option_list import Option

from kiosk.i18n import N_, _
from kiosk.station import Station
from kiosk.widgets.options import Options
from kiosk.widgets.page import Key, Page


class MomentPage(Page[int]):
    """Which moment of a visit is to be corrected; returns its place."""

    idle = 180
    keeps_draft = True
    heading = N_("Correct a time")
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("Choose"), "next"),
        Key("F1", N_("Help"), "app.help"),
        Key("Esc", N_("Back"), "back"),
    )
    more: ClassVar[tuple[Key, ...]] = (Key("1-9", N_("Choose by the digit"), ""),)

    def __init__(self, station: Station, options: Sequence[str]) -> None:
        super().__init__(station)
        self._options = options

    def content(self) -> Iterable[Widget]:
        yield Static(_("Which time is wrong?"), markup=False, classes="fact")
        options = (
            Option(f" {number if number < 10 else ' '}  {said}", id=str(number))
            for number, said in enumerate(self._options, start=1)
        )
        yield Options(*options, id="moments", markup=False, compact=True)

    def ready(self) -> None:
        moments = self.query_one("#moments", Options)
        moments.highlighted = 0
        moments.focus()

    def on_key(self, event: events.Key) -> None:
        if event.key.isdecimal() and 1 <= int(event.key) <= len(self._options):
            event.stop()
            self.dismiss(int(event.key) - 1)

    @on(Options.OptionSelected, "#moments")
    def _take(self, event: Options.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option_index)

    def action_next(self) -> None:
        self.dismiss(self.query_one("#moments", Options).highlighted or 0)
