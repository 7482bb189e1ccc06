"""TSPL, the language of label printers: a badge's bytes, and what the printer says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kiosk.printing.channels import Channel
from kiosk.printing.failing import PrintFailed
from kiosk.printing.paper import Paper

if TYPE_CHECKING:
    from PIL.Image import Image

GAP: Final = 2
"""Millimetres between two labels, as on nearly every roll."""
DENSITY: Final = 10
"""Of 15: dark enough for a code, and not so hot that its modules run together."""
STATUS: Final = b"\x1b!?"
ANSWER: Final = 0.5
"""Seconds for the answer; what cannot answer is printed to all the same."""
_OPEN, _JAM, _NO_PAPER, _NO_RIBBON, _PAUSED, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x80


def commands(picture: Image, paper: Paper, copies: int) -> bytes:
    """A label: its size, the picture, and how many of it.

    Args:
        picture: in mode "1", as large as the paper.
        paper: a label.
        copies: how many.
    """
    # Dots make no round millimetres: 320 of them at 203 dpi are 40.04 mm, which every roll calls 40.
    width, height = (f"{side:.1f}".removesuffix(".0") for side in paper.size)
    columns = -(-picture.width // 8)
    # BITMAP in mode 0 prints where a bit is 0, which is black in PIL; bits beside the picture's edge stay white.
    padded = picture.crop((0, 0, columns * 8, picture.height))
    if padded.width > picture.width:
        padded.paste(255, (picture.width, 0, padded.width, padded.height))
    head = f"SIZE {width} mm,{height} mm\r\nGAP {GAP} mm,0 mm\r\nDENSITY {DENSITY}\r\nDIRECTION 1\r\nCLS\r\n"
    bitmap = f"BITMAP 0,0,{columns},{picture.height},0,".encode("ascii") + padded.tobytes()
    return head.encode("ascii") + bitmap + f"\r\nPRINT {copies},1\r\n".encode("ascii")


def send(channel: Channel, picture: Image, paper: Paper, copies: int, patience: float) -> None:
    """Prints the badge, as often as wanted.

    Raises:
        PrintFailed: `no_paper`, or `refused` if the printer is open, jammed or paused.
        OSError: if the printer stops taking, or is gone.
    """
    answer = channel.ask(STATUS, min(ANSWER, patience))
    said = answer[0] if len(answer) == 1 else 0
    if said & _NO_PAPER:
        raise PrintFailed("no_paper")
    if said & (_OPEN | _JAM | _NO_RIBBON | _PAUSED | _OTHER):
        raise PrintFailed("refused", detail=f"0x{said:02x}")
    channel.send(commands(picture, paper, copies))
