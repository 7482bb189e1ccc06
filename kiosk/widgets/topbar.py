"""The first line of every page."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from kiosk.widgets.cells import fitted


class TopBar(Widget):
    """Which station this is, and at the other end the time, or how many seconds the page will stay."""

    def __init__(self, place: str, time: str) -> None:
        super().__init__(id="top-bar")
        self._place, self._time, self._counting = place, time, False

    def show(self, time: str, *, counting: bool = False) -> None:
        """Shows another time, or a sentence that counts seconds down."""
        if (time, counting) != (self._time, self._counting):
            self._time, self._counting = time, counting
            self.refresh()

    def render(self) -> Content:
        time = Content(self._time)
        if self._counting:
            time = Content(f" {self._time}").stylize("bold $background on $primary")
        return Content(fitted(self._place, max(0, self.size.width - time.cell_length))) + time
