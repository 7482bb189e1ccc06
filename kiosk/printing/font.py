"""Finds fonts on this machine that really have Chinese characters. It knows nothing of what is written with them.

Nothing is shipped: an open CJK font has 20 MB, and every distribution has one in a package.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kiosk.printing.failing import PrintFailed, needing_extra

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

INSTALL: Final = "apt install fonts-noto-cjk"
PROBE: Final = "志愿者服务站2Q"
"""A font counts only if it has all of these: many say that they speak Chinese and draw boxes."""
_ASKED: Final = (
    # Bold first: thin strokes break up at 203 dpi.
    "Noto Sans CJK SC:bold",
    "Source Han Sans SC:bold",
    "Source Han Sans CN:bold",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "sans:lang=zh-cn:weight=200",
)
_FOLDERS: Final = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("/Library/Fonts"))
_NAMES: Final = (
    "NotoSansCJK-Bold.ttc",
    "NotoSansCJKsc-Bold.otf",
    "NotoSansSC-Bold.otf",
    "SourceHanSans-Bold.ttc",
    "SourceHanSansSC-Bold.otf",
    "SourceHanSansCN-Bold.otf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "wqy-zenhei.ttc",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    "DroidSansFallback.ttf",
)
_SIMPLIFIED: Final = {"NotoSansCJK-Bold.ttc": 2, "NotoSansCJK-Regular.ttc": 2, "SourceHanSans-Bold.ttc": 2}
"""Which font of a collection has the shapes of the mainland, where nobody can be asked."""
_NO_CHARACTER: Final = "\U0010ffff"
"""No font has it, so that its picture is that of a missing character."""
_SECONDS: Final = 5.0


class Face(Struct, frozen=True):
    """One font of a file.

    Attributes:
        path: the file.
        index: which font of a collection.
    """

    path: Path
    index: int = 0

    def at(self, size: int) -> FreeTypeFont:
        """The font with characters `size` dots high.

        Raises:
            OSError: if the file is no font, or is gone.
        """
        return _opened(self, size)

    def has(self, character: str) -> bool:
        """Whether the font has a picture of its own for the character."""
        return _has(self, character)


@lru_cache(maxsize=64)
def _opened(face: Face, size: int) -> FreeTypeFont:
    with needing_extra():
        from PIL import ImageFont
    # The plain layout needs no library beside FreeType, and draws the same on every machine.
    return ImageFont.truetype(str(face.path), size, index=face.index, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def _has(face: Face, character: str) -> bool:
    font = face.at(32)
    missing, found = font.getmask(_NO_CHARACTER), font.getmask(character)
    return (found.size, bytes(found)) != (missing.size, bytes(missing))


def _works(face: Face) -> bool:
    try:
        return all(face.has(character) for character in PROBE)
    except (OSError, ValueError):
        return False


def _matched(*patterns: str) -> Iterator[Face]:
    """What fontconfig takes for each pattern; nothing where it is not installed."""
    for pattern in patterns:
        command = ["fc-match", "--format=%{file}\t%{index}", pattern]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired):
            return
        path, _tab, index = done.stdout.decode("utf-8", "replace").partition("\t")
        if done.returncode == 0 and path:
            yield Face(Path(path), int(index) & 0xFFFF if index.isdigit() else 0)


def _well_known(folders: Iterable[Path]) -> Iterator[Face]:
    there = {path.name: path for folder in folders for path in sorted(folder.rglob("*.[to]t[cf]"))}
    for name in _NAMES:
        if name in there:
            yield Face(there[name], _SIMPLIFIED.get(name, 0))


def _candidates() -> Iterator[Face]:
    yield from _matched(*_ASKED)
    yield from _well_known(_FOLDERS)


def chinese() -> Face:
    """The font for Chinese text, looked for once.

    Raises:
        PrintFailed: `no_font`, naming the package to install, if no font on this machine has Chinese characters. It is
            looked for again at the next call.
    """
    return _first()


@cache
def _first() -> Face:
    face = next((face for face in _candidates() if _works(face)), None)
    if face is None:
        raise PrintFailed("no_font", install=INSTALL)
    return face


@lru_cache(maxsize=256)
def for_character(character: str) -> Face:
    """The font for one character: the Chinese one, or another on this machine where that lacks a rare character.

    A character that no font has comes out as the Chinese font's box, to be written over by hand.

    Raises:
        PrintFailed: `no_font`, as with `chinese`.
    """
    face = chinese()
    if face.has(character):
        return face
    others = _matched(f":charset={ord(character):x}:lang=zh-cn", f":charset={ord(character):x}")
    return next((other for other in others if _has_safely(other, character)), face)


def _has_safely(face: Face, character: str) -> bool:
    try:
        return face.has(character)
    except (OSError, ValueError):
        return False
