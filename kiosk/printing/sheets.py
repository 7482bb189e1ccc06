"""Text on pages of A4, as a PDF, for somebody to take home. It knows no volunteer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Final

from kiosk.printing.failing import needing_extra
from kiosk.printing.writing import Block, fitted

if TYPE_CHECKING:
    from PIL.Image import Image

DPI: Final = 200
_WIDTH, _HEIGHT = 1654, 2339
"""ISO 216: 210 x 297 mm."""
_MARGIN: Final = 150
_TITLE, _HEADING, _TEXT = 52, 40, 32
_MOST: Final = 40
"""Lines that one paragraph may take."""


def pdf(title: str, sections: Iterable[tuple[str, Sequence[str]]]) -> bytes:
    """The pages.

    Args:
        title: stands above the first.
        sections: a heading and its paragraphs each; a paragraph is never cut.

    Raises:
        PrintFailed: `not_installed` or `no_font`.
    """
    with needing_extra():
        from PIL import Image as Pillow
        from PIL import ImageDraw
    room = _WIDTH - 2 * _MARGIN
    blocks: list[tuple[int, Block]] = [(0, fitted(title, room, largest=_TITLE, smallest=_HEADING, most=2))]
    for heading, lines in sections:
        blocks.append((_HEADING, fitted(heading, room, largest=_HEADING, smallest=_TEXT, most=2)))
        blocks += ((8, fitted(line, room, largest=_TEXT, smallest=_TEXT, most=_MOST)) for line in lines)
    pages: list[Image] = []
    top = _HEIGHT
    for above, block in blocks:
        if top + above + block.height > _HEIGHT - _MARGIN:
            pages.append(Pillow.new("L", (_WIDTH, _HEIGHT), 255))
            top, above = _MARGIN, 0
        block.draw(ImageDraw.Draw(pages[-1]), _MARGIN, top + above, room, centred=False)
        top += above + block.height
    first, *others = (page.convert("1", dither=Pillow.Dither.NONE) for page in pages)
    content = BytesIO()
    first.save(content, "PDF", resolution=DPI, save_all=True, append_images=others)
    return content.getvalue()
