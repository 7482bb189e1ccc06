"""How every screen looks: at 80x24 and at 120x40, in both languages and both themes.

A picture shows looks and nothing else: what a screen does is tested by pressing its keys. When one of these fails, look
at the screen (`make gallery`), and only then accept it with --update-pictures.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk import i18n
from kiosk.i18n import LANGUAGES
from kiosk.station import Station
from kiosk.widgets.themes import THEMES
from tests import pictures, screens
from tests.conftest import made_once
from tests.walking import Walker
from tests.wrapping import lightly

SIZES = ((80, 24), (120, 40))
HALF_BLOCKS = set("\u2580\u2584\u2588")


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the demo's day."""

    def make(folder: Path) -> None:
        with lightly():
            screens.make_day(folder)

    return made_once(tmp_path_factory, "day", make)


@pytest.fixture(params=LANGUAGES)
def shown(day: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Station]:
    """The station of the day, open, in one of the languages."""
    station = screens.open_day(shutil.copytree(day, tmp_path / "data"), request.param)
    yield station
    station.close()


async def draw(station: Station, name: str) -> dict[tuple[int, int], pictures.Drawn]:
    """The screen in each size and theme. It is put up once, and the terminal changes under it."""
    app = screens.app_on(station)
    async with app.run_test(size=SIZES[0]) as pilot:
        walker = Walker(app, pilot)
        await screens.put_up(walker, name)
        names = Counter(widget.id for widget in app.screen.walk_children() if widget.id)
        # A page looks for its own parts by name: a field called like one of them is taken for it.
        assert [each for each, times in names.items() if times > 1] == []
        found = {}
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await walker.until(lambda size=size: len(walker.strips()) == size[1])  # type: ignore[misc]
            found[size] = await pictures.drawn(walker)
        return found


@pytest.mark.parametrize("name", screens.SCREENS)
async def test_screen(name: str, shown: Station, pytestconfig: pytest.Config) -> None:
    """The screen is calm and complete: nothing cut off, nothing untranslated, the keys named in the last line.

    Every character on it stands out by 7:1 in both themes, and none is of ambiguous width. A QR cannot be drawn without
    half blocks; everything else can do without.
    """
    changed = []
    for size, screen in (await draw(shown, name)).items():
        assert pictures.faint(screen) == set()
        said = "".join(pictures.text(screen["kiosk-dark"]))
        assert pictures.ambiguous(said) == (HALF_BLOCKS if name.startswith("badge") else set())
        kept = f"{name}-{i18n.language()}-{size[0]}x{size[1]}"
        told = pictures.difference(kept, pictures.picture(screen), update=pytestconfig.getoption("update_pictures"))
        changed += [told] if told else []
    if changed:
        pytest.fail("\n\n".join(changed), pytrace=False)


def test_every_kept_picture_is_of_a_screen() -> None:
    wanted = {f"{name}-{lang}-{w}x{h}.txt" for name in screens.SCREENS for lang in LANGUAGES for w, h in SIZES}
    assert {path.name for path in pictures.KEPT.iterdir()} == wanted


async def test_a_changed_screen_fails(day: Path, tmp_path: Path) -> None:
    """One colour in one theme, or one letter, and the difference says where."""
    station = screens.open_day(shutil.copytree(day, tmp_path / "data"), "en")
    screen = (await draw(station, "lead-pin"))[80, 24]
    station.close()
    now = pictures.picture(screen)
    name = "lead-pin-en-80x24"
    assert pictures.difference(name, now) == ""
    row = next(number for number, line in enumerate(pictures.text(screen["kiosk-light"])) if "PIN" in line)
    column = pictures.text(screen["kiosk-light"])[row].index("PIN")
    cell = screen["kiosk-light"][row][column]
    screen["kiosk-light"][row][column] = pictures.Cell(cell.char, "#777777", cell.back, cell.bold)
    told = pictures.difference(name, pictures.picture(screen))
    assert re.search(rf"^\+\s*{row + 1} ", told, re.MULTILINE)
    assert "#777777" in told
    assert [line.split(": ")[0] for line in pictures.faint(screen)] == ["kiosk-light"]
    told = pictures.difference(name, now.replace("PIN", "PAN"))
    assert re.search(r"^\+\|.*PAN", told, re.MULTILINE)
    with pytest.raises(AssertionError, match="colours only"):
        pictures.picture({**screen, "kiosk-light": screen["kiosk-light"][1:]})


def test_a_picture_is_kept_only_when_asked(tmp_path: Path) -> None:
    assert pictures.difference("x", "|a|\n", folder=tmp_path)
    assert not list(tmp_path.iterdir())
    assert pictures.difference("x", "|a|\n", folder=tmp_path, update=True) == ""
    assert pictures.difference("x", "|a|\n", folder=tmp_path) == ""
    assert "+|b|" in pictures.difference("x", "|b|\n", folder=tmp_path)


@pytest.mark.parametrize("name", THEMES)
def test_every_colour_for_text_goes_with_every_surface(name: str) -> None:
    theme = THEMES[name]
    texts = (theme.foreground, theme.primary, theme.secondary, theme.success, theme.error)
    surfaces = (theme.background, theme.surface, theme.panel)
    assert all(pictures.Cell("x", str(front), str(back), False).contrast >= 7 for front in texts for back in surfaces)


def test_contrast_is_measured_as_the_norm_does() -> None:
    assert pictures.Cell("x", "#000000", "#ffffff", False).contrast == pytest.approx(21)
    assert pictures.Cell("x", "#777777", "#ffffff", False).contrast == pytest.approx(4.48, abs=0.01)
