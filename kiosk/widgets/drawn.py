"""What Textual and Rich keep of what they have drawn, and how to drop it.

Their caches outlive the widgets: the lines of up to 1,024 widgets that are gone, and the last 4,096 texts that were
measured. With them a phone number would stay in memory for days.
"""

from __future__ import annotations

from rich.cells import cached_cell_len
from rich.segment import Segment
from textual._styles_cache import StylesCache


def forget() -> None:
    """Drops the caches; they fill again as widgets are drawn."""
    for cached in (StylesCache.get_inner_outer, cached_cell_len, Segment._split_cells):
        cached.cache_clear()
