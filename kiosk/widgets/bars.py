"""Bars made of coloured spaces: no characters that some terminals draw twice as wide."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from kiosk.widgets.cells import fitted


class Bars(Static):
    """Labelled bars, the longest as long as there is room, each with its value behind it."""

    def __init__(self, bars: Sequence[tuple[str, int, str]], *, id: str | None = None) -> None:
        """Makes the bars.

        Args:
            bars: label, number, and how the number is said.
            id: of the widget.
        """
        super().__init__(id=id, markup=False)
        self._bars = bars

    def render(self) -> Content:
        labels = max((cell_len(label) for label, _number, _said in self._bars), default=0)
        values = max((cell_len(said) for _label, _number, said in self._bars), default=0)
        most = max((number for _label, number, _said in self._bars), default=0)
        room = max(1, self.size.width - labels - values - 3)
        lines = []
        for place, (label, number, said) in enumerate(self._bars):
            # Whatever is there at all is seen.
            length = max(1, round(room * number / most)) if number else 0
            # Two shades, so that bars that touch are told apart.
            bar = Content.styled(" " * length, "on $primary" if place % 2 == 0 else "on $primary-darken-2")
            rest = f"{' ' * (room - length)} {fitted(said, values, right=True)}"
            lines.append(Content.assemble(f"{fitted(label, labels)} ", bar, rest))
        return Content("\n").join(lines)


class Progress(Static):
    """One bar that fills, as wide as there is room: how far something is."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False, classes="progress")
        self._done, self._of = 0, 0

    def show(self, done: int, of: int) -> None:
        """Fills the bar.

        Args:
            done: how much is done.
            of: of how much; 0 while that is not known, and the bar is empty.
        """
        if (done, of) != (self._done, self._of):
            self._done, self._of = done, of
            self.refresh()

    def render(self) -> Content:
        filled = self.size.width * self._done // self._of if self._of else 0
        empty = Content.styled(" " * (self.size.width - filled), "on $panel")
        return Content.assemble(Content.styled(" " * filled, "on $primary"), empty)
