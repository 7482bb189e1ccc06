"""Makes the pictures of the documentation from the app itself: `make pictures`."""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from tests import screens
from tests.walking import Walker

PICTURES = ("welcome", "consent", "identity", "eligibility", "assignment", "badge", "duty", "roster")
FOLDER = Path(__file__).parent / "screens"


async def picture(folder: Path, name: str) -> str:
    """The SVG of a screen at 80x24, without the fonts that Textual would fetch from elsewhere."""
    station = screens.open_day(folder, "zh")
    try:
        app = screens.app_on(station)
        async with app.run_test(size=(80, 24)) as pilot:
            await screens.put_up(Walker(app, pilot), name)
            svg = app.export_screenshot(title="kiosk", simplify=True)
    finally:
        station.close()
    return re.sub(r"@font-face\s*{[^}]*}\s*", "", svg)


def main() -> None:
    """Writes all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "data"
        screens.make_day(folder)
        for name in PICTURES:
            (FOLDER / f"{name}.svg").write_text(asyncio.run(picture(folder, name)), encoding="utf-8")
            print(name, file=sys.stderr)


if __name__ == "__main__":
    main()
