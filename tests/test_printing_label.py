"""Badges on paper, read as a scanner at a gate would: turned, blurred, pale; and Chinese that is really Chinese."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from PIL import Image, ImageEnhance, ImageFilter

from kiosk import i18n
from kiosk.badge import modules
from kiosk.printing import font, writing
from kiosk.printing.failing import PrintFailed
from kiosk.printing.font import Face
from kiosk.printing.label import draw
from kiosk.printing.paper import CARD, LABEL, PAPERS, ROLL_58, ROLL_80, Paper
from tests.badges import CODE, NUMBER, needs_font, read
from tests.badges import LABEL as BADGE

pytestmark = needs_font
LEVEL, QUIET_ZONE = "M", 4
"""What the design and ISO/IEC 18004 ask for; not taken from the code, which may be wrong."""
LONG = "阿卜杜热合曼·买买提吐尔逊江·伊布拉音·阿不都克里木"
NAMES = (
    "林知夏",
    "欧阳娜娜",
    LONG,
    "Maximiliana Featherstonehaugh-Cholmondeley van der Wijngaarden",
    "𠮷田 𰻞",
    "W" * 100,
)


def qr_of(paper: Paper) -> tuple[int, Image.Image]:
    """Dots a module on this paper, and the QR with its quiet zone at that size."""
    rows = modules(CODE, level=LEVEL, border=QUIET_ZONE)
    picture = draw(BADGE, paper).convert("L")
    for scale in range(40, 0, -1):
        side = len(rows) * scale
        symbol = Image.new("L", (len(rows), len(rows)))
        symbol.putdata([0 if dark else 255 for row in rows for dark in row])
        symbol = symbol.resize((side, side), Image.Resampling.NEAREST)
        if found_at(picture, symbol):
            return scale, symbol
    raise AssertionError("no QR in whole dots")


def found_at(picture: Image.Image, part: Image.Image) -> tuple[int, int] | None:
    """Where `part` stands in the picture, dot by dot."""
    wide, inner = picture.width, part.width
    if inner > wide or part.height > picture.height:
        return None
    whole, lines = picture.tobytes(), part.tobytes()
    middle = lines[(part.height // 2) * inner : (part.height // 2 + 1) * inner]
    at = whole.find(middle)
    while at >= 0:
        top, left = at // wide - part.height // 2, at % wide
        if top >= 0 and picture.crop((left, top, left + inner, top + part.height)).tobytes() == lines:
            return left, top
        at = whole.find(middle, at + 1)
    return None


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_a_badge_is_as_wide_as_the_paper_and_black_and_white(paper: Paper) -> None:
    picture = draw(BADGE, paper)
    assert picture.mode == "1"
    assert picture.width == paper.width
    assert picture.height == paper.height or (not paper.height and paper.width < picture.height < 3 * paper.width)


@pytest.mark.parametrize(("paper", "least"), [(ROLL_80, 8), (ROLL_58, 7), (LABEL, 4), (CARD, 8)])
def test_a_module_is_whole_dots_at_level_m_with_its_quiet_zone(paper: Paper, least: int) -> None:
    scale, _symbol = qr_of(paper)
    assert scale >= least


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_a_badge_is_read_turned_blurred_and_pale(paper: Paper) -> None:
    straight = draw(BADGE, paper).convert("L")
    at_203 = straight.resize(
        (straight.width * 203 // paper.dpi, straight.height * 203 // paper.dpi), Image.Resampling.BOX
    )
    pale = ImageEnhance.Contrast(straight).enhance(0.3)
    seen = {"straight": straight, "at 203 dpi": at_203, "pale": pale}
    seen |= {f"turned by {angle}": straight.rotate(angle, expand=True, fillcolor=255) for angle in (90, 180, 270)}
    seen |= {
        f"turned by {angle}": straight.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
        for angle in (-7, 3, 11)
    }
    dots, _symbol = qr_of(paper)
    seen["blurred"] = straight.filter(ImageFilter.GaussianBlur(dots * 0.4))
    assert {how: read(picture) for how, picture in seen.items()} == {how: [CODE] for how in seen}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_no_name_reaches_into_the_qr(paper: Paper, name: str) -> None:
    lines = ("东坡路社区居民委员会第一党群服务中心志愿服务站", "花园社区")
    picture = draw(replace(BADGE, name=name, lines=lines), paper)
    assert read(picture) == [CODE]
    rows = modules(CODE, level=LEVEL, border=QUIET_ZONE)
    symbol = Image.new("L", (len(rows), len(rows)))
    symbol.putdata([0 if dark else 255 for row in rows for dark in row])
    assert any(
        found_at(picture.convert("L"), symbol.resize((len(rows) * scale,) * 2, Image.Resampling.NEAREST))
        for scale in range(30, 2, -1)
    ), "the QR or its quiet zone was drawn over"


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
def test_nothing_is_cut_off_at_the_edges(paper: Paper) -> None:
    for name in NAMES:
        picture = draw(replace(BADGE, name=name), paper).convert("L")
        edges = (
            picture.crop((0, 0, picture.width, 1)),
            picture.crop((0, picture.height - 1, picture.width, picture.height)),
            picture.crop((0, 0, 1, picture.height)),
            picture.crop((picture.width - 1, 0, picture.width, picture.height)),
        )
        assert all(edge.getextrema() == (255, 255) for edge in edges), name


@pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
@pytest.mark.parametrize(
    "other",
    [
        {"name": "周晓晨"},
        {"number": "ZZZZZ-ZZZZZ"},
        {"lines": ("湖滨街道",)},
        {"contact": "钱"},
        {"phone": "13800000001"},
    ],
    ids=str,
)
def test_everything_on_the_label_is_on_the_paper(paper: Paper, other: dict[str, str]) -> None:
    assert draw(replace(BADGE, **other), paper).tobytes() != draw(BADGE, paper).tobytes()


def test_the_characters_are_not_boxes() -> None:
    missing = writing.fitted("\U0010ffff", 200, largest=60, smallest=60)
    pictures = {picture_of(missing)}
    for character in "林知夏愿":
        assert font.chinese().has(character)
        pictures.add(picture_of(writing.fitted(character, 200, largest=60, smallest=60)))
    assert len(pictures) == 5


def picture_of(block: writing.Block) -> bytes:
    from PIL import ImageDraw

    canvas = Image.new("L", (80, 80), 255)
    block.draw(ImageDraw.Draw(canvas), 0, 0, 80, centred=True)
    assert canvas.getextrema()[0] == 0
    return canvas.tobytes()


@pytest.mark.parametrize(
    "name", ["", " ", "a\nb\tc", "\u202e林\u202c", "\ud800", "🙂", "ᠮᠣᠩᠭᠣᠯ", "བོད", "\x00", "林\ufe00", "🇨🇳" * 60]
)
def test_no_text_stops_a_badge(name: str) -> None:
    for paper in (ROLL_58, LABEL):
        assert read(draw(replace(BADGE, name=name, lines=(name,), contact=name, phone=name, title=name), paper)) == [
            CODE
        ]


def test_a_long_name_grows_smaller_then_breaks_then_is_cut_short() -> None:
    def fitted(text: str) -> writing.Block:
        return writing.fitted(text, 300, largest=100, smallest=40, most=2)

    assert (fitted("林夏").lines, fitted("林夏").size) == (("林夏",), 100)
    shrunk = fitted("欧阳林知夏")
    assert (shrunk.lines, 40 < shrunk.size <= 60) == (("欧阳林知夏",), True)
    broken = fitted("阿卜杜热合曼买买提")
    assert len(broken.lines) == 2
    assert "".join(broken.lines) == "阿卜杜热合曼买买提"
    cut = fitted(LONG)
    assert cut.lines[1].endswith("…")
    assert LONG.startswith("".join(cut.lines)[:-1])
    assert all(writing.width(line, cut.size) <= 300 for line in cut.lines)
    assert fitted("Ann Bea Cornelia").lines == ("Ann Bea", "Cornelia")


def test_a_test_says_so_in_white_on_black() -> None:
    test = draw(replace(BADGE, test=True), ROLL_80).convert("L")
    assert read(test) == [CODE]
    dark = test.crop((0, 0, test.width, 60)).histogram()[0]
    assert dark > 4 * draw(BADGE, ROLL_80).convert("L").crop((0, 0, test.width, 60)).histogram()[0]
    i18n.use("en")
    assert draw(replace(BADGE, test=True), ROLL_80).convert("L").tobytes() != test.tobytes()


# --- fonts ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    font._first.cache_clear()
    font.for_character.cache_clear()
    monkeypatch.setattr(font, "_candidates", lambda: iter([Face(Path("/nowhere.ttf")), Face(Path(__file__))]))
    yield
    font._first.cache_clear()
    font.for_character.cache_clear()


def test_without_a_font_the_package_is_named(no_fonts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PrintFailed, match="fonts-noto-cjk") as caught:
        draw(BADGE, ROLL_80)
    assert caught.value.reason == "no_font"
    monkeypatch.undo()  # once it is installed, it is found without a restart
    assert read(draw(BADGE, ROLL_80)) == [CODE]


def test_a_font_without_chinese_does_not_count(tmp_path: Path) -> None:
    from PIL import ImageFont

    built_in = ImageFont.load_default(20)
    assert isinstance(built_in, ImageFont.FreeTypeFont)
    path = tmp_path / "latin.ttf"
    path.write_bytes(built_in.path.getvalue() if hasattr(built_in.path, "getvalue") else built_in.font_bytes)
    assert Face(path).has("A")
    assert not Face(path).has("愿")
    assert not font._works(Face(path))


def test_fonts_are_found_without_fontconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(font._matched("sans")) == []
    folder = tmp_path / "deep" / "noto"
    folder.mkdir(parents=True)
    (folder / "NotoSansCJK-Bold.ttc").symlink_to(font.chinese().path)
    (folder / "Other.ttf").touch()
    assert list(font._well_known([tmp_path, tmp_path / "missing"])) == [Face(folder / "NotoSansCJK-Bold.ttc", 2)]


# --- without the extra ------------------------------------------------------------------------------------------------


def test_printing_imports_nothing_heavy() -> None:
    names = (
        "queue",
        "jobs",
        "sending",
        "finding",
        "printer",
        "label",
        "escpos",
        "tspl",
        "usb",
        "cups",
        "files",
        "font",
    )
    script = ";".join(f"import kiosk.printing.{name}" for name in names)
    heavy = "import sys; print(sorted({'PIL', 'escpos', 'usb', 'qrcode', 'textual', 'uuid_utils'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", f"{script}\n{heavy}"], capture_output=True, check=True, timeout=60)
    assert done.stdout == b"[]\n"


@pytest.mark.parametrize("library", ["PIL", "escpos", "usb.core"])
def test_without_the_extra_it_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiosk.printing import escpos, usb

    picture = Image.new("1", (8, 8))
    monkeypatch.setitem(sys.modules, library, None)
    use = {
        "PIL": lambda: draw(BADGE, ROLL_80),
        "escpos": lambda: escpos.commands(picture),
        "usb.core": usb.present,
    }[library]
    with pytest.raises(PrintFailed, match=r"pip install 'kiosk\[print\]'") as caught:
        use()
    assert caught.value.reason == "not_installed"


def test_the_number_is_what_is_said_below() -> None:
    assert draw(BADGE, CARD).tobytes() != draw(replace(BADGE, number=NUMBER[::-1]), CARD).tobytes()
