"""Scroll bars of whole cells: Textual's end in eighths of a block, which are of ambiguous width."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender


class _PlainBar(ScrollBarRender):
    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def plain() -> None:
    """From now on all scroll bars are so."""
    ScrollBar.renderer = _PlainBar
