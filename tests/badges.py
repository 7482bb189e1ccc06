"""A fictional volunteer's badge for the tests of printing, and a decoder of what was printed."""

from __future__ import annotations

from datetime import date

import pytest
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from kiosk.badge import Badge, issue
from kiosk.printing import font
from kiosk.printing.failing import PrintFailed
from kiosk.printing.label import Label
from tests.factories import STATION, volunteer_number

NUMBER = volunteer_number()
CODE = issue(
    Badge(STATION, NUMBER, "SC2021", date(2022, 5, 1)), Ed25519PrivateKey.from_private_bytes(bytes(range(32))).sign
)
LABEL = Label(CODE, NUMBER, "林知夏", ("笕桥街道", "花园社区"), "童话", "13800000000", "上城区志愿者")


def read(picture: Image.Image) -> list[str]:
    """What a scanner reads from the picture."""
    return [found.text for found in zxingcpp.read_barcodes(picture.convert("L"))]


def _has_font() -> bool:
    try:
        font.chinese()
    except PrintFailed:
        return False
    return True


needs_font = pytest.mark.skipif(
    not _has_font(), reason=f"this machine has no font with Chinese characters: {font.INSTALL}"
)
