"""Breaks a sentence into lines of so many cells: Chinese between any two characters, English between words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

_PIECE = re.compile(r"[!-~]+ ?|.", re.DOTALL)
_NEVER_FIRST = frozenset("，。、：；？！」》）")


def wrapped(text: str, width: int) -> Iterator[str]:
    """The lines, without trailing spaces; a word longer than a line is broken."""
    line = ""
    for piece in _PIECE.findall(text):
        while cell_len(line + piece.rstrip()) > width and piece not in _NEVER_FIRST:
            if line:
                yield line.rstrip()
                line = ""
            elif len(piece) > max(1, width):
                yield piece[:width]
                piece = piece[width:]
            else:
                break
        line += piece
    if line.strip() or not text:
        yield line.rstrip()
