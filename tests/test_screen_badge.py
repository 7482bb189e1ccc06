"""The badge on the screen, read from a picture of it as a phone's camera or a scanner would."""

from __future__ import annotations

import numpy as np
import pytest
import zxingcpp
from PIL import Image
from rich.color import ColorType
from rich.style import Style

from kiosk.badge import check
from kiosk.station import Station
from kiosk.widgets.themes import THEMES
from tests.walking import Walker, walking

CELL = (8, 16)
"""Pixels of one cell of the terminal; the picture is drawn cell by cell, without a font."""


def picture(walker: Walker) -> Image.Image:
    """The screen as pixels: half blocks as halves, everything else as its background."""
    width, height = walker.app.size
    pixels = np.zeros((height * CELL[1], width * CELL[0], 3), dtype=np.uint8)
    for row, strip in enumerate(walker.strips()):
        column = 0
        for segment in strip:
            style = segment.style or Style()
            for char in segment.text:
                box = pixels[row * CELL[1] : (row + 1) * CELL[1], column * CELL[0] : (column + 1) * CELL[0]]
                box[:] = rgb(style, front=False)
                half = CELL[1] // 2
                if char in "\u2580\u2588":
                    box[:half] = rgb(style, front=True)
                if char in "\u2584\u2588":
                    box[half:] = rgb(style, front=True)
                column += 1
    return Image.fromarray(pixels)


def rgb(style: Style, *, front: bool) -> tuple[int, int, int]:
    color = style.color if front else style.bgcolor
    assert color is not None
    assert color.type is ColorType.TRUECOLOR
    triplet = color.get_truecolor()
    return triplet.red, triplet.green, triplet.blue


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_the_badge_on_the_screen_can_be_scanned(size: tuple[int, int], theme: str, station: Station) -> None:
    station.keep_theme(theme)
    async with walking(station, size) as walker:
        await walker.to_badge()
        assert walker.app.theme == THEMES[theme].name
        (found,) = zxingcpp.read_barcodes(picture(walker))
        (entry,) = station.roster()
        assert found.text == station.badge_code(entry.volunteer)
        judged = check(
            found.text,
            directory=station.directory(),
            campaign=station.campaign.id,
            today=station.today(),
        )
        assert judged.badge is not None
        assert judged.badge.volunteer == entry.volunteer
        assert judged.valid
        assert entry.volunteer in walker.text(), "the number stands beside it"
        assert "唐琳" in walker.text(), "so does whom to call"
