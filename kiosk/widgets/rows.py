"""A list of any length: only the lines that are seen are drawn, so that 10,000 people open as fast as ten.

It holds rows and a cursor. What the cells say, and what a choice means, is its page's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from msgspec import Struct
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kiosk.widgets.cells import fitted

T = TypeVar("T")


class Column(Struct, frozen=True):
    """A column: its heading, the cells it needs, its share of what is left over, and whether it is set to the right."""

    heading: str
    width: int
    share: int = 0
    right: bool = False


class _OfRows(Message):
    def __init__(self, rows: RowList[Any]) -> None:
        super().__init__()
        self.rows = rows

    @property
    def control(self) -> RowList[Any]:
        """The list."""
        return self.rows


class RowList(Widget, Generic[T], can_focus=False):
    """Rows under a heading line, one of them under the cursor.

    The keys are bound by the page, which often has a line to type in at the same time; it calls `move` and `page_by`.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--heading", "rows--row", "rows--other", "rows--quiet", "rows--cursor"}
    DEFAULT_CSS = """
    RowList { height: 1fr; width: 1fr; background: $background; }
    RowList > .rows--heading { background: $panel; color: $secondary; }
    RowList > .rows--row { background: $background; color: $foreground; }
    RowList > .rows--other { background: $surface; color: $foreground; }
    RowList > .rows--quiet { background: $background; color: $secondary; text-style: bold; }
    RowList > .rows--cursor { background: $primary; color: $background; text-style: bold; }
    """

    class Moved(_OfRows):
        """The cursor stands on another row, or on other rows."""

    class Chosen(_OfRows):
        """The row under the cursor was tapped."""

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[T], Sequence[str]],
        *,
        kind: Callable[[T, T | None], str] | None = None,
        id: str | None = None,
    ) -> None:
        """Makes the list, empty.

        Args:
            columns: from left to right; without headings there is no heading line.
            cells: what a row says, a text for each column.
            kind: of a row and the row under the cursor, the component that it is drawn as: `row`, `other`, `quiet`; by
                default the rows alternate.
            id: of the widget.
        """
        super().__init__(id=id)
        self._columns, self._say, self._kind = columns, cells, kind
        self._rows: Sequence[T] = ()
        self._cursor = self._top = 0

    # --- what is shown ----------------------------------------------------------------------------------------------

    def show(self, rows: Sequence[T], cursor: int = 0) -> None:
        """Shows these rows, the cursor on the one with this number."""
        self._rows = rows
        self._cursor = max(0, min(cursor, len(rows) - 1))
        self._top = 0
        self._keep_in_sight()
        self.post_message(self.Moved(self))

    @property
    def chosen(self) -> T | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def cursor(self) -> int:
        """The number of the row under the cursor, from 0."""
        return self._cursor

    @property
    def _heading_lines(self) -> int:
        return int(any(column.heading for column in self._columns))

    @property
    def lines(self) -> int:
        """How many rows are seen at once."""
        return max(1, self.size.height - self._heading_lines)

    def _keep_in_sight(self) -> None:
        if self.size.height:
            self._top = min(self._top, self._cursor)
            self._top = max(self._top, self._cursor - self.lines + 1)
            self._top = max(0, min(self._top, len(self._rows) - self.lines))
        self.refresh()

    def on_resize(self) -> None:
        self._keep_in_sight()

    # --- moving -----------------------------------------------------------------------------------------------------

    def move_to(self, place: int) -> None:
        """Puts the cursor on a row, or on the nearest that there is."""
        place = max(0, min(place, len(self._rows) - 1))
        if place != self._cursor:
            self._cursor = place
            self._keep_in_sight()
            self.post_message(self.Moved(self))

    def move(self, by: int) -> None:
        """Moves the cursor by so many rows."""
        self.move_to(self._cursor + by)

    def page_by(self, by: int) -> None:
        """Moves the cursor by so many screens, one line less, so that the eye finds its place again."""
        self.move(by * max(1, self.lines - 1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-3)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        place = self._top + event.y - self._heading_lines
        if event.y >= self._heading_lines and place < len(self._rows):
            # The first tap moves the cursor, the second opens: a finger that slips opens nobody.
            if place == self._cursor:
                self.post_message(self.Chosen(self))
            self.move_to(place)

    # --- drawing ----------------------------------------------------------------------------------------------------

    def _widths(self) -> list[int]:
        left = self.size.width - sum(column.width + 1 for column in self._columns) - 1
        shares = sum(column.share for column in self._columns)
        return [column.width + (max(0, left) * column.share // shares if shares else 0) for column in self._columns]

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"rows--{name}")

    def render_line(self, y: int) -> Strip:
        place = self._top + y - self._heading_lines
        if y < self._heading_lines:
            return self._strip([column.heading for column in self._columns], self._style("heading"))
        if place >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        row = self._rows[place]
        if place == self._cursor:
            kind = "cursor"
        elif self._kind is not None:
            kind = self._kind(row, self.chosen)
        else:
            kind = "other" if place % 2 else "row"
        return self._strip(self._say(row), self._style(kind))

    def _strip(self, cells: Sequence[str], style: Style) -> Strip:
        said = [" "]
        for column, width, text in zip(self._columns, self._widths(), cells, strict=True):
            said.append(fitted(text, width, right=column.right))
            said.append(" ")
        return Strip([Segment("".join(said), style)]).adjust_cell_length(self.size.width, style)
