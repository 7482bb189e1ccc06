"""How many are on each duty: up to eight counts, as large as there is room for, drawn by one widget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from kiosk.widgets.cells import fitted
from kiosk.widgets.digits import row_of

COLUMNS: Final = 4
LINES: Final = 2
"""Lines of tallies; those that do not fit into them are not shown."""


class Tally(NamedTuple):
    """How many there are, and of what."""

    number: int
    label: str


class _Room(NamedTuple):
    """Cells of a tally: its height with the label, what stays empty above and beside it, and the gap to the next."""

    height: int
    above: int
    beside: int
    gap: int


_LOW: Final = _Room(height=2, above=0, beside=0, gap=1)
_TALL: Final = _Room(height=7, above=1, beside=2, gap=2)


class Board(Widget):
    """Tallies in lines of four."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"board--tally", "board--count", "board--none"}

    def __init__(self, tallies: Sequence[Tally], *, id: str) -> None:
        super().__init__(id=id)
        self.tallies = tallies

    def show(self, tallies: Sequence[Tally]) -> None:
        """Shows these; a board that says so already stays."""
        if tallies != self.tallies:
            self.tallies = tallies
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line of cells across the tallies that stand side by side."""
        room = _TALL if self.size.height >= LINES * (_TALL.height + 1) - 1 else _LOW
        at, line = divmod(y, room.height + 1)
        beside = self.tallies[at * COLUMNS : (at + 1) * COLUMNS] if line < room.height else ()
        cells: list[Segment] = []
        for place, tally in enumerate(beside):
            start, end = (column * (self.size.width + room.gap) // COLUMNS for column in (place, place + 1))
            cells += [*self._line(tally, line, end - start - room.gap, room), Segment(" " * room.gap, self.rich_style)]
        return Strip(cells).adjust_cell_length(self.size.width, self.rich_style)

    def _line(self, tally: Tally, line: int, width: int, room: _Room) -> Strip:
        ground = self.get_component_rich_style("board--tally" if tally.number else "board--none")
        edge, inner = Segment(" " * room.beside, ground), width - 2 * room.beside
        rows = room.height - room.above - 1
        if line < room.above:
            said = _plain("", inner, ground)
        elif line < room.above + rows:
            ink = self.get_component_rich_style("board--count") if tally.number else ground
            said = row_of(str(tally.number), line - room.above, inner, rows, ink)
        else:
            said = _plain(tally.label, inner, ground)
        return Strip([edge, *said, edge])


def _plain(text: str, width: int, style: Style) -> Strip:
    return Strip([Segment(fitted(text, width), style)])
