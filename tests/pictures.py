"""A screen as text that can be kept, read and compared: its lines, and below them the colours of each cell.

A screen is drawn in every theme. Themes change colours and nothing else, so the lines stand once, and each style is a
letter whose meaning is given for every theme.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rich.color import Color
from rich.style import Style
from textual.strip import Strip

from kiosk.widgets.themes import THEMES
from tests.walking import Walker

KEPT = Path(__file__).parent / "pictures"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Cell:
    """What is drawn at one place; a wide character is one cell."""

    char: str
    front: str
    back: str
    bold: bool

    @property
    def contrast(self) -> float:
        """How much the character stands out from its ground, from 1 to 21 (WCAG 2)."""
        darker, lighter = sorted(map(_luminance, (self.front, self.back)))
        return (lighter + 0.05) / (darker + 0.05)


@cache
def _luminance(color: str) -> float:
    """The relative luminance of `#rrggbb`, as WCAG 2 defines it."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _hex(color: Color | None) -> str:
    assert color is not None
    return color.get_truecolor().hex


def cells(strips: Sequence[Strip]) -> list[list[Cell]]:
    """The screen cell by cell."""
    rows = []
    for strip in strips:
        row = []
        for segment in strip:
            style = segment.style or Style()
            back = _hex(style.bgcolor)
            # Blanks may come without a colour of their own; for a character that would be the terminal's, which is
            # nobody's choice, and an error here.
            front = back if style.color is None and segment.text.isspace() else _hex(style.color)
            if style.reverse:
                front, back = back, front
            row += [Cell(char, front, back, bool(style.bold)) for char in segment.text]
        rows.append(row)
    return rows


Drawn = dict[str, list[list[Cell]]]
"""The cells by the name of the theme."""


async def drawn(walker: Walker) -> Drawn:
    """The screen that is up, in every theme; the one that it has comes first, which saves changing it back."""
    found = {}
    themes = [theme.name for theme in THEMES.values()]
    for name in sorted(themes, key=lambda name: name != walker.app.theme):
        walker.app.theme = name
        await walker.settle()
        found[name] = cells(walker.strips())
    return {name: found[name] for name in themes}


def text(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """The lines of the screen."""
    return ["".join(cell.char for cell in row) for row in rows]


def picture(screen: Drawn) -> str:
    """The screen as it is kept.

    Raises:
        AssertionError: if a theme changes anything but colours.
    """
    dark, *others = screen.values()
    for other in others:
        assert text(other) == text(dark), "a theme changes colours only"
    meanings: dict[tuple[str, ...], str] = {}
    runs = []
    for number, row in enumerate(zip(*screen.values(), strict=True), start=1):
        letters = ""
        for column in zip(*row, strict=True):
            # A blank shows its ground only.
            looks = tuple(
                f"{cell.back}" if cell.char == " " else f"{cell.front} on {cell.back}{' bold' if cell.bold else ''}"
                for cell in column
            )
            letters += meanings.setdefault(looks, LETTERS[len(meanings)])
        runs.append(f"{number:2} {_runs(letters)}")
    lines = [f"|{line}|" for line in text(dark)]
    legend = [f"{letter}  {'  |  '.join(looks)}" for looks, letter in meanings.items()]
    return "\n".join([*lines, "", *runs, "", f"   {'  |  '.join(screen)}", *legend, ""])


def _runs(letters: str) -> str:
    """`AAAB` as `A3 B1`."""
    found: list[tuple[str, int]] = []
    for letter in letters:
        if found and found[-1][0] == letter:
            found[-1] = (letter, found[-1][1] + 1)
        else:
            found.append((letter, 1))
    return " ".join(f"{letter}{count}" for letter, count in found)


def faint(screen: Drawn, least: float = 7.0) -> set[str]:
    """Every pair of colours, with a character drawn so, that stands out by less than `least` to 1."""
    return {
        f"{theme}: {cell.char} {cell.front} on {cell.back} {cell.contrast:.1f}"
        for theme, rows in screen.items()
        for row in rows
        for cell in row
        if cell.char != " " and cell.contrast < least
    }


def ambiguous(line: str) -> set[str]:
    """Characters that some Chinese terminals draw twice as wide as others."""
    return {char for char in line if unicodedata.east_asian_width(char) == "A"}


def difference(name: str, now: str, *, update: bool = False, folder: Path = KEPT) -> str:
    """What has changed since the picture was kept, for a person to read; nothing if it is the same.

    Args:
        name: the picture's name.
        now: the screen as it is now.
        update: keep it as it is now.
        folder: where the pictures are kept.
    """
    path = folder / f"{name}.txt"
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    if update and now != kept:
        folder.mkdir(exist_ok=True)
        path.write_text(now, encoding="utf-8")
        return ""
    if now == kept:
        return ""
    changed = difflib.unified_diff(kept.splitlines(), now.splitlines(), "as it was kept", "as it is", n=1, lineterm="")
    return "\n".join([f"{name} has changed. CONTRIBUTING.md says what to do.", *changed])
