"""First use: the screen walks through set-up, and the station is there afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk import setup
from kiosk.app import KioskApp
from kiosk.campaign_files import shipped
from kiosk.keys import Keys
from kiosk.segments import verify
from kiosk.settings import NotSetUp
from kiosk.station import Station
from kiosk.trust import KeysError
from tests.conftest import FakeClock
from tests.walking import Walker


async def test_set_up_makes_a_station_and_shows_the_passphrase_once(tmp_path: Path, clock: FakeClock) -> None:
    folder = tmp_path / "data"
    app = KioskApp(folder, None, clock=clock)
    async with app.run_test(size=(80, 24)) as pilot:
        walker = Walker(app, pilot)
        await walker.arrive("SetUpPage")
        await walker.type("s016-1")
        await walker.press("enter")
        await walker.shows("字母和数字")
        await walker.press(*["backspace"] * 2)
        await walker.type("001")
        await walker.press("enter")
        await walker.type("览桥街道笕桥社区")
        await walker.press("enter")
        await walker.type("135790")
        await walker.press("enter")
        await walker.type("135791")
        await walker.press("enter")
        await walker.shows("不一样")
        await walker.press("backspace")
        await walker.type("0")
        await walker.press("enter")
        await walker.arrive("PassphrasePage")
        await walker.shows("-")
        passphrase = next(word for word in walker.text().split() if word.count("-") == 4)
        await walker.press("escape", "enter")
        await walker.arrive("PassphrasePage")
        await walker.press("1")
        await walker.arrive("WelcomePage")
        assert app.station is not None
        settings = app.station.settings
        assert (settings.station, settings.community) == ("S016001", "330102016001")
        sealed = app.station.keys.seal({"phone": "19900000001"})
        assert app.station.keys.open_sealed(sealed, passphrase) == {"phone": "19900000001"}
        assert app.station.check_pin("135790")
        app.station.close()
    assert verify(folder, "S016001") == []
    assert not any(passphrase.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.usefixtures("light_wrapping")
async def test_a_set_up_that_ends_before_the_passphrase_was_written_down_is_done_again(tmp_path: Path) -> None:
    """Nobody has seen the passphrase: it must not be the one that everything is sealed to."""
    folder = tmp_path / "data"
    made = setup.prepare(folder, shipped(), station="S016001", community="330102016001", pin="135790")
    with pytest.raises(NotSetUp):
        Station(folder)
    again = setup.prepare(folder, shipped(), station="S016001", community="330102016001", pin="135790")
    setup.finish(folder, again)
    keys = Keys(folder / "keys", folder / "tmp")
    sealed = keys.seal({"phone": "19900000001"})
    assert keys.open_sealed(sealed, again.passphrase) == {"phone": "19900000001"}
    with pytest.raises(KeysError):
        keys.open_sealed(sealed, made.passphrase)
