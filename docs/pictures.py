"""Makes pictures of the screens from the app itself.

`make pictures` makes those of the documentation, `make gallery` one of every screen, language, size and theme.
"""

from __future__ import annotations

import asyncio
import html
import re
import shutil
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import AsyncIterator
from pathlib import Path

from rich.cells import cell_len

from kiosk.i18n import LANGUAGES
from kiosk.widgets.themes import THEMES
from tests import screens
from tests.walking import Walker

PICTURES = (
    *("welcome", "consent", "identity-phone", "document", "address-initials", "eligibility", "review", "refused"),
    *("assignment", "badge", "duty", "done-on-duty", "daily", "lost-badge", "visitor", "done-checked-out"),
    *("lead-pin", "pending", "late-ready", "roster", "person", "correct-ready", "summary", "export", "sync"),
    "help-roster",
)
"""What README.md and docs/day.md show."""
FOLDER = Path(__file__).parent / "screens"
SIZES = ((80, 24), (120, 40))


def in_cells(svg: str) -> str:
    """Puts words and Chinese characters where their cells are: Textual stretches a run as if all were narrow."""

    def placed(run: re.Match[str]) -> str:
        text = html.unescape(run["text"])
        left, cell = float(run["left"]), float(run["length"]) / len(text)
        words = (
            f'<tspan x="{left + cell * cell_len(text[: word.start()]):.1f}">{html.escape(word[0])}</tspan>'
            for word in re.finditer(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+", text)
        )
        return f"<text {run['class']}{run['y']}>{''.join(words)}</text>"

    attributes = r'(?P<class>class="[^"]*") x="(?P<left>[\d.]+)"(?P<y> y="[\d.]+") textLength="(?P<length>[\d.]+)"'
    return re.sub(rf"<text {attributes}[^>]*>(?P<text>[^<]+)</text>", placed, svg)


async def drawn(day: Path, name: str, language: str, size: tuple[int, int]) -> AsyncIterator[tuple[str, str]]:
    """The name of each theme and the SVG of the screen in it, without the fonts that Textual would fetch elsewhere."""
    with tempfile.TemporaryDirectory() as temporary:
        station = screens.open_day(shutil.copytree(day, Path(temporary) / "data"), language)
        try:
            app = screens.app_on(station)
            async with app.run_test(size=size) as pilot:
                walker = Walker(app, pilot)
                await screens.put_up(walker, name)
                for theme in THEMES:
                    app.theme = THEMES[theme].name
                    await walker.settle()
                    svg = app.export_screenshot(title="kiosk", simplify=True)
                    yield theme, in_cells(re.sub(r"@font-face\s*{[^}]*}\s*", "", svg))
        finally:
            station.close()


async def documentation(day: Path) -> None:
    """The pictures that the documentation shows: Chinese, dark, 80x24."""
    for name in PICTURES:
        async for theme, svg in drawn(day, name, "zh", SIZES[0]):
            if theme == "dark":
                (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")
                print(name, file=sys.stderr)


async def gallery(day: Path, folder: Path, only: str) -> None:
    """Every screen whose name begins with `only`, and a page that shows them all."""
    shown = []
    for name in screens.SCREENS:
        if not name.startswith(only):
            continue
        for language in LANGUAGES:
            for size in SIZES:
                async for theme, svg in drawn(day, name, language, size):
                    file = f"{name}-{language}-{size[0]}x{size[1]}-{theme}.svg"
                    (folder / file).write_text(svg, encoding="utf-8")
                    shown.append(
                        f'<figure><img src="{file}" alt="" width="900"><figcaption>{file}</figcaption></figure>'
                    )
        print(name, file=sys.stderr)
    page = f'<!doctype html><meta charset="utf-8"><title>kiosk</title>{"".join(shown)}'
    (folder / "index.html").write_text(page, encoding="utf-8")


def main() -> None:
    """Writes the pictures that the arguments ask for."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--gallery", type=Path, metavar="FOLDER", help="every screen, into this folder")
    parser.add_argument("--only", default="", metavar="NAME", help="the screens of the gallery that begin so")
    options = parser.parse_args()
    (options.gallery or FOLDER).mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        day = Path(temporary) / "day"
        screens.make_day(day)
        asyncio.run(gallery(day, options.gallery, options.only) if options.gallery else documentation(day))


if __name__ == "__main__":
    main()
