"""What a badge on paper looks like: `draw` makes a picture in black and white, dot by dot as the printer will print it.

Printers get pictures and never text: what they make of Chinese depends on model and firmware. It knows no printer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kiosk import badge
from kiosk.i18n import _
from kiosk.printing.failing import needing_extra
from kiosk.printing.paper import Paper
from kiosk.printing.writing import LEADING, Block, fitted, plain, width

if TYPE_CHECKING:
    from PIL.Image import Image

QUIET_ZONE: Final = 4
"""Modules of white around the QR, as ISO/IEC 18004 asks: paper has no screen's even light."""
LEVEL: Final = "M"
_QR_OF_WIDTH: Final = 0.9
"""How much of a roll the QR may take: larger is no easier to scan, and too large for a lanyard."""
_DARK: Final = 150
"""Up to which grey a dot of text is printed: above the middle, so that thin strokes stay whole at 203 dpi."""


class Label(Struct, frozen=True):
    """What stands on a badge. Of the volunteer's phone and ID number nothing does.

    Attributes:
        code: the badge's code, for the QR.
        number: the volunteer number, to be typed where no scanner is.
        name: the volunteer's.
        lines: where they serve, such as street and community.
        contact, phone: whom to call there, and under which number.
        title: what the badge is for.
        test: says in white on black that it is only a test.
    """

    code: str
    number: str
    name: str
    lines: tuple[str, ...] = ()
    contact: str = ""
    phone: str = ""
    title: str = ""
    test: bool = False


def draw(label: Label, paper: Paper) -> Image:
    """The badge as a picture of mode "1", as wide as the paper and, but for a roll, as high.

    The QR is at level M with a quiet zone of 4 modules. A code of 149 characters takes version 6, 41 modules, 49 with
    the quiet zone; a module is a whole number of dots, as many as fit: 10 on an 80 mm roll (1.25 mm each), 7 on a 58 mm
    roll (0.88 mm), 4 on a 40x30 mm label (0.5 mm; the QR stands at the left, with the number below and the name at the
    right). Text never reaches into the QR or its quiet zone: names grow smaller, then break, then are cut short.

    Raises:
        PrintFailed: `not_installed` or `no_font`.
    """
    with needing_extra():
        from PIL import Image
    grey = Image.new("L", (paper.width, paper.height or 4 * paper.width), 255)
    used = _upright(grey, label, paper) if paper.upright else _beside(grey, label, paper)
    return grey.crop((0, 0, paper.width, used)).point([0] * (_DARK + 1) + [255] * (255 - _DARK), "1")


def _place_qr(grey: Image, code: str, left: int, top: int, room: int) -> int:
    """Draws the QR as large as fits a square of `room` dots, centred in it across; gives its side in dots."""
    from PIL import Image

    rows = badge.modules(code, level=LEVEL, border=QUIET_ZONE)
    scale = max(1, room // len(rows))
    symbol = Image.new("L", (len(rows), len(rows)))
    symbol.putdata([0 if dark else 255 for row in rows for dark in row])
    side = len(rows) * scale
    grey.paste(symbol.resize((side, side), Image.Resampling.NEAREST), (left + (room - side) // 2, top))
    return side


def _banner(label: Label, room: int, size: int) -> Block:
    """The title, or on a test the word that says so."""
    return fitted(_("Test print, not a badge") if label.test else label.title, room, largest=size, smallest=size // 2)


def _draw_banner(grey: Image, label: Label, block: Block, left: int, top: int, room: int, *, centred: bool) -> None:
    from PIL import ImageDraw

    canvas = ImageDraw.Draw(grey)
    if label.test:
        canvas.rectangle((left, top, left + room - 1, top + block.height - 1), fill=0)
    block.draw(canvas, left, top, room, centred=centred, ink=255 if label.test else 0)


def _contact(label: Label) -> str:
    return _("Contact {name}").format(name=label.contact) if label.contact else ""


def _phone(label: Label) -> str:
    """In groups, as people read it out, where it is a mobile number."""
    phone = label.phone
    return f"{phone[:3]} {phone[3:7]} {phone[7:]}" if len(phone) == 11 and phone.isdigit() else phone


def _upright(grey: Image, label: Label, paper: Paper) -> int:
    """Everything below one another, centred; gives the height used in dots."""
    from PIL import ImageDraw

    canvas, left, room = ImageDraw.Draw(grey), paper.margin, paper.width - 2 * paper.margin
    # On a page the QR has what the text leaves, so that text is no larger there than on a roll.
    em = min(room, paper.height // 2) if paper.height else room
    gap = em // 40

    def sized(text: str, share: float, least: float, most: int = 1) -> Block:
        return fitted(text, room, largest=round(em * share), smallest=round(em * least), most=most)

    banner = _banner(label, room, round(em * 0.075))
    name = sized(label.name, 0.22, 0.1, 2)
    above = [sized(line, 0.085, 0.055, 2) for line in label.lines]
    number = sized(label.number, 0.11, 0.06)
    below = [block for block in (sized(_contact(label), 0.075, 0.05), sized(_phone(label), 0.085, 0.05)) if block.lines]
    texts = [banner, name, *above, number, *below]
    spare = paper.height - 2 * paper.margin - sum(block.height for block in texts) - 6 * gap
    side = min(room, spare) if paper.height else round(paper.width * _QR_OF_WIDTH)

    at = paper.margin
    _draw_banner(grey, label, banner, left, at, room, centred=True)
    at += banner.height + gap * bool(banner.lines)
    for block in (name, *above):
        block.draw(canvas, left, at, room, centred=True)
        at += block.height
    at += gap
    at += _place_qr(grey, label.code, (paper.width - side) // 2, at, side)
    number.draw(canvas, left, at, room, centred=True)
    at += number.height + gap
    if below:
        canvas.rectangle((left, at, left + room - 1, at + max(1, em // 250)), fill=0)
        at += 2 * gap
    for block in below:
        block.draw(canvas, left, at, room, centred=True)
        at += block.height
    return paper.height or at + paper.margin


def _beside(grey: Image, label: Label, paper: Paper) -> int:
    """The QR with the number below it at the left edge, the rest at the right; gives the height used in dots."""
    from PIL import ImageDraw

    canvas = ImageDraw.Draw(grey)
    strip = round(paper.height * 0.15)
    # The quiet zone is white enough for a margin.
    modules = len(badge.modules(label.code, level=LEVEL, border=QUIET_ZONE))
    side = (paper.height - strip) // modules * modules
    quiet = side // modules * QUIET_ZONE
    number = fitted(label.number, side - quiet, largest=strip, smallest=strip // 4)

    left, room = side, paper.width - side - paper.margin
    em = min(room, round(paper.height * 0.46))
    size, least = round(em * 0.2), round(em * 0.135)
    contact = _contact(label)
    if width(plain(contact), least) > room:
        contact = label.contact  # whom to call is worth more than the word before it
    foot = [fitted(text, room, largest=size, smallest=least) for text in (contact, _phone(label)) if plain(text)]
    banner = _banner(label, room, round(em * 0.17))
    bottom = paper.height - paper.margin - sum(block.height for block in foot)
    at = max(paper.margin, quiet // 2)
    _draw_banner(grey, label, banner, left, at, room, centred=label.test)
    at += banner.height + paper.margin // 2
    wanted = [(label.name, round(em * 0.34), round(em * 0.2), 3)]
    wanted += [(line, size, round(em * 0.15), 2) for line in label.lines]
    for text, largest, smallest, most in wanted:
        # What has no room above the contact is cut short or left out rather than drawn over it.
        block = fitted(text, room, largest=largest, smallest=smallest, most=most)
        free = int((bottom - at) / (block.size * LEADING))
        if len(block.lines) > free:
            block = fitted(text, room, largest=block.size, smallest=smallest, most=free)
        block.draw(canvas, left, at, room, centred=False)
        at += block.height + paper.margin // 2
    for block in foot:
        block.draw(canvas, left, bottom, room, centred=False)
        bottom += block.height
    _place_qr(grey, label.code, 0, 0, side)
    # Capitals begin a quarter of their size below the top of the line.
    number.draw(canvas, 0, side - number.size // 8, side, centred=True)
    return paper.height
