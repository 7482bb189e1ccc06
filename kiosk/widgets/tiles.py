"""Large numbered targets, for a digit key or a finger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal, NamedTuple

from msgspec import Struct
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.containers import ScrollableContainer
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kiosk.widgets.cells import fitted
from kiosk.widgets.wrapping import wrapped

_REVERSE: Final = Style(reverse=True)


class Choice(Struct, frozen=True):
    """What can be chosen.

    Attributes:
        value: how the page knows it.
        label: what stands on it.
        key: the key that takes it, if one does.
        looks: `now` for what holds already, `off` for what has no use now, `leave` for the way out, and `sure` for the
            same once it was asked for.
        alone: whether nothing stands beside it.
    """

    value: str
    label: str
    key: str = ""
    looks: Literal["tile", "now", "off", "leave", "sure"] = "tile"
    alone: bool = False


class _Face(NamedTuple):
    """What stands on a tile: its lines, centred from above and set from the left, the first of them behind the key."""

    top: int
    lines: Sequence[str]


class Tiles(Widget):
    """Large targets side by side, drawn by one widget: a page is up sooner by the widgets that it does not need.

    The style sheet says how high a row is in cells (`grid-rows`; all that there is without it) and what is left between
    them (`grid-gutter`). A tile shows that it is being pressed, and the page is told when it was.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"tiles--{looks}" for looks in ("tile", "now", "off", "leave", "under", "taken")
    }

    class Tapped(Message):
        """A tile was tapped."""

        def __init__(self, value: str) -> None:
            super().__init__()
            self.value = value

    def __init__(self, choices: Sequence[Choice], *, columns: int, id: str) -> None:
        """Makes the tiles.

        Args:
            choices: one for each.
            columns: how many stand side by side.
            id: of the widget.
        """
        super().__init__(id=id)
        self._rows = _in_rows(choices, columns)
        self._places = {
            choice.value: (row, column) for row, beside in enumerate(self._rows) for column, choice in enumerate(beside)
        }
        self._columns = columns
        self._chosen: str | None = None
        self._under: str | None = None
        self._pressed: str | None = None
        self._faces: dict[tuple[str, int, int], _Face] = {}

    # --- where they are ---------------------------------------------------------------------------------------------

    @property
    def _gap(self) -> int:
        """Lines between two rows."""
        return self.styles.grid_gutter_horizontal

    @property
    def _row_height(self) -> int:
        wanted = self.styles.grid_rows
        return int(wanted[0].value) if wanted else (self.size.height + self._gap) // max(1, len(self._rows)) - self._gap

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The height of all rows."""
        return max(0, len(self._rows) * (self._row_height + self._gap) - self._gap)

    def region_of(self, value: str) -> Region:
        """The cells of a tile, counted from the corner of the widget; none where there is no such tile."""
        if value not in self._places:
            return Region()
        row, column = self._places[value]
        left, right = self._sides(self._rows[row][column], column)
        return Region(left, row * (self._row_height + self._gap), right - left, self._row_height)

    def _sides(self, choice: Choice, column: int) -> tuple[int, int]:
        """The cells from and up to which a tile reaches."""
        if choice.alone:
            return 0, self.size.width
        gap = self.styles.grid_gutter_vertical
        left, right = (place * (self.size.width + gap) // self._columns for place in (column, column + 1))
        return left, right - gap

    def _at(self, x: int, y: int) -> str | None:
        return next((value for value in self._places if self.region_of(value).contains(x, y)), None)

    def next_to(self, value: str | None, right: int, down: int) -> str | None:
        """Where an arrow key leads to: the tile before or behind, or the one above or below, where rows may be shorter.

        The first one if none is given; none if there are no tiles.
        """
        values = list(self._places)
        if value not in self._places:
            return values[0] if values else None
        if down:
            row, column = self._places[value]
            there = self._rows[max(0, min(row + down, len(self._rows) - 1))]
            return there[min(column, len(there) - 1)].value
        return values[max(0, min(values.index(value) + right, len(values) - 1))]

    # --- how they look ----------------------------------------------------------------------------------------------

    def choose(self, value: str | None) -> None:
        """Lets one tile stand out, and brings it into sight."""
        if value != self._chosen:
            self._chosen = value
            self.refresh()
        if value is not None:
            self.call_after_refresh(self._bring_into_sight, value)

    def _bring_into_sight(self, value: str) -> None:
        if isinstance(self.parent, ScrollableContainer):
            place = self.region_of(value).translate(self.virtual_region.offset)
            self.parent.scroll_to_region(place, animate=False)

    def _style(self, choice: Choice) -> Style:
        looks: str = choice.looks
        if looks == "sure" or choice.value == self._pressed == self._under:
            looks = "taken"
        elif choice.value == self._under:
            looks = "under"
        elif choice.value == self._chosen:
            looks = "taken"
        return self.get_component_rich_style(f"tiles--{looks}")

    def render_line(self, y: int) -> Strip:
        """A line of cells across the tiles of a row, or between two rows."""
        row, line = divmod(y, self._row_height + self._gap)
        ground = self.rich_style
        cells: list[Segment] = []
        reached = 0
        if row < len(self._rows) and line < self._row_height:
            roomy = self.screen.has_class("-wide") and self.screen.has_class("-tall")
            for column, choice in enumerate(self._rows[row]):
                left, right = self._sides(choice, column)
                cells.append(Segment(" " * (left - reached), ground))
                cells += self._line(choice, line, right - left, roomy=roomy)
                reached = right
        return Strip([cell for cell in cells if cell.text]).adjust_cell_length(self.size.width, ground)

    def _line(self, choice: Choice, line: int, width: int, *, roomy: bool) -> list[Segment]:
        style = self._style(choice)
        beside, gap = (3, 2) if roomy else (1, 1)
        cap = f" {choice.key} " if choice.key else ""
        indent = len(cap) + gap if cap else 0
        room = width - 2 * beside
        face = self._face(choice.label, room - indent)
        edge, number = Segment(" " * beside, style), line - face.top
        if not 0 <= number < len(face.lines):
            return [Segment(" " * width, style)]
        text = fitted(face.lines[number], room - indent)
        if number == 0 and cap:
            return [edge, Segment(cap, style + _REVERSE), Segment(" " * gap + text, style), edge]
        return [edge, Segment(" " * indent + text, style), edge]

    def _face(self, label: str, room: int) -> _Face:
        height = self._row_height
        if (label, room, height) not in self._faces:
            lines = list(wrapped(label, room))
            # Rounded up, so that the keys of tiles with one line and with two stand side by side.
            self._faces[label, room, height] = _Face(max(0, (height - len(lines) + 1) // 2), lines)
        return self._faces[label, room, height]

    # --- fingers ----------------------------------------------------------------------------------------------------

    def on_enter(self) -> None:
        """Without a move there is a tile under the pointer, too: the page was built anew."""
        x, y = self.app.mouse_position - self.region.offset
        self._point(x, y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._point(event.x, event.y)

    def _point(self, x: int, y: int) -> None:
        if (value := self._at(x, y)) != self._under:
            self._under = value
            self.refresh()

    def on_leave(self) -> None:
        self._under = self._pressed = None
        self.refresh()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._under = self._pressed = self._at(event.x, event.y)
        self.refresh()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        pressed, self._pressed = self._pressed, None
        self.refresh()
        if pressed is not None and pressed == self._at(event.x, event.y):
            self.post_message(self.Tapped(pressed))

    def on_click(self, event: events.Click) -> None:
        event.stop()


def _in_rows(choices: Sequence[Choice], columns: int) -> Sequence[Sequence[Choice]]:
    rows: list[list[Choice]] = []
    for choice in choices:
        if not rows or choice.alone or rows[-1][0].alone or len(rows[-1]) == columns:
            rows.append([])
        rows[-1].append(choice)
    return rows
