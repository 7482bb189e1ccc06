"""How every screen looks, at 80x24 and in both languages.

A picture shows looks and nothing else: what a screen does is tested by pressing its keys. When one of these fails,
open snapshot_report.html, look at both pictures, and only then accept the new one with --snapshot-update.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from kiosk.app import KioskApp
from kiosk.i18n import LANGUAGES
from kiosk.station import Station
from tests import screens
from tests.walking import Walker


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the demo's day."""
    folder = tmp_path_factory.mktemp("day") / "data"
    screens.make_day(folder)
    return folder


@pytest.fixture(params=LANGUAGES)
def shown(day: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Station]:
    """The station of the day, open, in one of the languages."""
    station = screens.open_day(shutil.copytree(day, tmp_path / "data"), request.param)
    yield station
    station.close()


@pytest.mark.parametrize("name", screens.SCREENS)
def test_screen(name: str, shown: Station, snap_compare: Callable[..., bool]) -> None:
    """The screen is calm and complete: nothing cut off, nothing untranslated, the keys named in the last line."""

    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, KioskApp)
        await screens.put_up(Walker(app, pilot), name)

    assert snap_compare(screens.app_on(shown), terminal_size=(80, 24), run_before=before)
