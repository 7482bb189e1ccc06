"""What badges are printed on: sizes in dots, and how many of them make an inch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct


class Paper(Struct, frozen=True):
    """One kind of paper.

    Attributes:
        name: how it is called in files and commands.
        width: in dots.
        height: in dots; 0 for a roll, which is as long as the badge.
        dpi: dots an inch.
        margin: white around everything, in dots, beside what the printer leaves.
    """

    name: str
    width: int
    height: int
    dpi: int
    margin: int

    @property
    def upright(self) -> bool:
        """Whether text stands below the QR rather than beside it."""
        return not self.height or self.height > self.width

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in millimetres."""
        return self.width * 25.4 / self.dpi, self.height * 25.4 / self.dpi


ROLL_80: Final = Paper("80mm", 576, 0, 203, 8)
ROLL_58: Final = Paper("58mm", 384, 0, 203, 4)
LABEL: Final = Paper("40x30mm", 320, 240, 203, 8)
CARD: Final = Paper("card", 1011, 638, 300, 36)
"""ISO/IEC 7810 ID-1: 85.6 x 54 mm, as a bank card and most badge holders."""
A6: Final = Paper("A6", 1240, 1748, 300, 90)
"""ISO 216: 105 x 148 mm."""
PAPERS: Final[Mapping[str, Paper]] = {paper.name: paper for paper in (ROLL_80, ROLL_58, LABEL, CARD, A6)}
