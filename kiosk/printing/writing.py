"""Sets lines of text into a box: as large as fits, then on several lines, then cut short. It knows no badge."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kiosk.printing import font

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

LEADING: Final = 1.22
"""From one baseline to the next, in sizes of the font."""
_BASELINE: Final = 0.98
"""From a line's top to its baseline: Chinese characters reach 0.88 above it, accents on capitals a little more."""
_MEASURED: Final = 100
_CUT: Final = "…"
_SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
"""Variants of the character before: nothing to see by themselves."""


def plain(text: str) -> str:
    """The text on one line, without what has no picture: controls, marks of direction, halves of characters."""
    shown = (
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in text
        if unicodedata.category(character) not in ("Cf", "Cs")
        and not any(ord(character) in selectors for selectors in _SELECTORS)
    )
    return " ".join("".join(shown).split())


def width(text: str, size: int) -> float:
    """How many dots wide the text is."""
    return sum(face.at(size).getlength(run) for face, run in _runs(text))


def _runs(text: str) -> Iterator[tuple[font.Face, str]]:
    for face, characters in groupby(text, key=font.for_character):
        yield face, "".join(characters)


@lru_cache(maxsize=4096)
def _share(character: str) -> float:
    """How wide a character is, in sizes of the font: the same at every size, but for the rounding to dots."""
    return font.for_character(character).at(_MEASURED).getlength(character) / _MEASURED


def _next_line(text: str, size: int, room: float) -> tuple[str, str]:
    """What fits on one line, at least a character, and what is left."""
    # By shares, since asking the font about every piece at every size takes seconds for a long name.
    reached = list(accumulate(_share(character) * size for character in text))
    end = max(1, bisect_right(reached, room))
    # Chinese breaks anywhere; a word in letters is kept whole where it can be.
    if end < len(text) and (space := text.rfind(" ", 1, end + 1)) > 0:
        end = space
    return text[:end].rstrip(), text[end:].lstrip()


def _broken(text: str, size: int, room: float, most: int) -> tuple[list[str], str]:
    lines: list[str] = []
    left = text
    while left and len(lines) < most:
        line, left = _next_line(left, size, room)
        lines.append(line)
    return lines, left


class Block(Struct, frozen=True):
    """Lines of one size.

    Attributes:
        lines: what stands on each.
        size: of the font, in dots.
    """

    lines: tuple[str, ...]
    size: int

    @property
    def height(self) -> int:
        """In dots, the leading included."""
        return round(len(self.lines) * self.size * LEADING)

    @property
    def width(self) -> float:
        """Of its longest line, in dots."""
        return max((width(line, self.size) for line in self.lines), default=0)

    def draw(self, canvas: ImageDraw, left: int, top: int, room: int, *, centred: bool, ink: int = 0) -> None:
        """Draws the lines from `top` on between `left` and `left + room`, on a canvas of grey."""
        for number, line in enumerate(self.lines):
            at = left + (room - width(line, self.size)) / 2 if centred else float(left)
            baseline = top + round((number * LEADING + _BASELINE) * self.size)
            for face, run in _runs(line):
                canvas.text((at, baseline), run, font=face.at(self.size), fill=ink, anchor="ls")
                at += face.at(self.size).getlength(run)


def fitted(text: str, room: int, *, largest: int, smallest: int, most: int = 1) -> Block:
    """The text in the largest size that fits `room` dots, on one line before two, and cut short when nothing does.

    Args:
        text: any text; what has no picture is left out.
        room: dots a line.
        largest: size of the font.
        smallest: size of the font.
        most: how many lines there may be.
    """
    text = plain(text)
    if not text or most < 1:
        return Block((), smallest)
    for count in range(1, most + 1):
        for size in range(largest, smallest - 1, -1):
            lines, left = _broken(text, size, room, count)
            if not left and all(width(line, size) <= room for line in lines):
                return Block(tuple(lines), size)
    lines, left = _broken(text, smallest, room, most)
    last = lines[-1] + (_CUT if left else "")
    while len(last) > 1 and width(last, smallest) > room:
        last = last.removesuffix(_CUT)[:-1].rstrip() + _CUT
    return Block((*lines[:-1], last), smallest)
