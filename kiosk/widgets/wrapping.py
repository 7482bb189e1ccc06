"""Breaks a sentence into lines of so many cells: Chinese between any two characters, English between words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

_PIECE = re.compile(r"[!-~]+ ?|.", re.DOTALL)
_NEVER_FIRST = frozenset("，。、：；？！」》）")
_NEVER_LAST = frozenset("「《（")


def wrapped(text: str, width: int) -> Iterator[str]:
    """The lines, without trailing spaces; a word longer than a line is broken.

    Args:
        text: what to break.
        width: cells in a line; a window that is too small for any counts as 1.
    """
    width = max(1, width)
    line = ""
    for piece in _PIECE.findall(text):
        while cell_len(line + piece.rstrip()) > width and piece not in _NEVER_FIRST:
            if line:
                kept = line.rstrip()
                end = len(kept) - (len(kept) > 1 and kept[-1] in _NEVER_LAST)
                yield kept[:end].rstrip()
                line = kept[end:]
            elif len(piece) > width:
                yield piece[:width]
                piece = piece[width:]
            else:
                break
        line += piece
    if line.strip() or not text:
        yield line.rstrip()
