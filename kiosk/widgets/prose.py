"""A paragraph in which no line begins with a comma or a full stop, as Chinese is set."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from kiosk.widgets.wrapping import wrapped

_HANGING = 2
"""Cells at the end of a line that are kept for a punctuation mark."""


class Prose(Widget):
    """A text as wide as its place and as high as it needs."""

    DEFAULT_CSS = "Prose { height: auto; }"

    def __init__(self, text: str, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._text = text

    def _lines(self, width: int) -> list[str]:
        return list(wrapped(self._text, width - _HANGING))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n".join(self._lines(self.content_size.width)))
