"""Digits that are read from two metres, drawn with coloured spaces only.

Textual's own large digits are box-drawing characters, which Chinese terminals draw twice as wide.
"""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

_Font = dict[str, tuple[str, ...]]


def _font(drawing: str) -> _Font:
    """Reads glyphs that are drawn side by side under a line that names each over its first column."""
    names, *rows = drawing.strip("\n").splitlines()
    starts = [column for column, name in enumerate(names) if name != " "]
    glyphs = {}
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        cut = [row[start:end].rstrip() for row in rows]
        width = max(map(len, cut))
        glyphs[names[start]] = tuple(line.ljust(width) for line in cut)
    return glyphs


_SMALL: Final = _font("""
0     1    2     3     4     5     6     7     8     9     :
##### ###  ##### ##### ## ## ##### ##### ##### ##### #####
## ##  ##     ##    ## ## ## ##    ##       ## ## ## ## ## ##
## ##  ##  #####  #### ##### ##### #####    ## ##### #####
## ##  ##  ##       ##    ##    ## ## ##    ## ## ##    ## ##
##### #### ##### #####    ## ##### #####    ## ##### #####
""")
_LARGE: Final = _font("""
0      1    2      3      4      5      6      7      8      9      :
 ####   ##   ####   ####  ##  ## ######  ####  ######  ####   ####
##  ## ###  ##  ## ##  ## ##  ## ##     ##  ##     ## ##  ## ##  ## ##
##  ##  ##      ##     ## ##  ## #####  ##        ##  ##  ## ##  ## ##
##  ##  ##     ##    ###  ######     ## #####     ##   ####   #####
##  ##  ##    ##       ##     ##     ## ##  ##   ##   ##  ##     ## ##
##  ##  ##   ##    ##  ##     ## ##  ## ##  ##   ##   ##  ## ##  ## ##
 ####  #### ######  ####      ##  ####   ####    ##    ####   ####
""")
_FONTS: Final = ((7, _LARGE, 2, 4), (5, _SMALL, 1, 3))
"""Rows, glyphs, cells between two digits, and cells more between two groups."""


def drawn(text: str, rows: int) -> list[str]:
    """The text as rows of `#` and spaces, as large as `rows` allow, or the text itself where they do not."""
    for height, font, gap, more in _FONTS:
        if height <= rows and all(char in font for char in text if char != " "):
            lines = [""] * height
            for char in text:
                for row in range(height):
                    lines[row] += " " * more if char == " " else font[char][row] + " " * gap
            return [line[:-gap] for line in lines]
    return [text]


class LargeDigits(Widget):
    """A number in groups; the height that the style sheet gives it decides how large it is drawn."""

    DEFAULT_CSS = "LargeDigits { width: auto; height: 5; }"

    def __init__(self, text: str, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.text = text

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """As wide as the digits are at the height of the style sheet."""
        height = self.styles.height
        return len(drawn(self.text, int(height.value) if height is not None else 1)[0])

    def render_line(self, y: int) -> Strip:
        """A row of cells: those of the digits in the colour of the text, the others in that of the ground."""
        return row_of(self.text, y, self.size.width, self.size.height, self.rich_style)


def row_of(text: str, y: int, width: int, rows: int, style: Style) -> Strip:
    """Row `y`, from 0, of the text as large as it fits into so many rows; so many cells wide."""
    lines = drawn(text, rows)
    if len(lines) == 1:
        return Strip([Segment(text if y == 0 else "", style + Style(bold=True))]).adjust_cell_length(width, style)
    ink = Style(bgcolor=style.color)
    row = lines[y] if y < len(lines) else ""
    cells = [Segment(" ", ink if cell == "#" else style) for cell in row]
    return Strip(cells).simplify().adjust_cell_length(width, style)
