"""No way round the PIN: not by import, not by set-up, not by another process; and what an older file of it does."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk.keys import Keys
from kiosk.records import SHANGHAI
from kiosk.settings import FILE
from kiosk.trust import KeysError
from tests import factories, plain
from tests.conftest import COMMUNITY, PIN, STATION
from tests.tent import Tent, standing
from tests.terminal import kiosk, terminal

WRONG, ANOTHER = "000000", "975310"
LONG = timedelta(minutes=10)
"""More than any of this takes, and less than the longest wait."""


def opened(folder: Path) -> Keys:
    """The keys as a process finds them that has just been started."""
    return Keys(folder / "keys", folder / "tmp")


def try_out(folder: Path, tries: int, now: datetime) -> datetime:
    """Wrong PINs, each as soon as the wait for it is over; returns when the last of them was tried."""
    for left in range(tries, 0, -1):
        assert not opened(folder).check_pin(WRONG, now)
        now += opened(folder).pin_wait(now) if left > 1 else timedelta()
    return now


# --- by a command -----------------------------------------------------------------------------------------------------


def bring_in(folder: Path) -> tuple[int, str]:
    """Imports a sheet."""
    (path := folder.parent / "sheet.csv").write_bytes(factories.sheet(factories.sheet_row()))
    done = plain.kiosk(folder, "import", str(path))
    return done.returncode, done.stdout.decode()


def set_up(folder: Path) -> tuple[int, str]:
    """Sets the station up once more, with a PIN that somebody would like."""
    done = plain.kiosk(folder, "init", "--station", STATION, "--community", COMMUNITY, "--lead-pin", ANOTHER)
    return done.returncode, done.stdout.decode()


def set_up_without_its_file(folder: Path) -> tuple[int, str]:
    """The same once `station.json` is gone, so that it looks as if there were no station."""
    (folder / FILE).unlink()
    return set_up(folder)


@pytest.mark.parametrize(
    ("way", "code", "said"), [(bring_in, 0, "admitted"), (set_up, 2, ""), (set_up_without_its_file, 2, "")]
)
def test_no_way_round_the_pin_by_import_or_set_up(
    station_folder: Path, way: Callable[[Path], tuple[int, str]], code: int, said: str
) -> None:
    """Both leave the PIN, what was counted against it and every other key as they are; set-up refuses."""
    now = try_out(station_folder, 5, datetime.now(SHANGHAI))
    before, wait = plain.fingerprint(station_folder / "keys"), opened(station_folder).pin_wait(now)
    assert wait == timedelta(minutes=1)
    ended, told = way(station_folder)
    assert ended == code
    assert said in told
    assert ANOTHER not in told
    assert plain.fingerprint(station_folder / "keys") == before
    assert opened(station_folder).pin_wait(now) == wait
    assert not opened(station_folder).check_pin(PIN, now), "even the right one has to wait"
    assert not opened(station_folder).check_pin(ANOTHER, now + wait)
    assert opened(station_folder).pin_wait(now + wait) == 2 * wait, "the count goes on"


# --- by another process -----------------------------------------------------------------------------------------------


@pytest.mark.pty
def test_no_way_round_the_pin_by_a_second_process(tmp_path: Path, pitched: Tent) -> None:
    """What one process has counted the next one waits for; beside a kiosk that runs there is no second one."""
    tent = pitched.copied(tmp_path / "data")
    try_out(tent.folder, 8, datetime.now(SHANGHAI) - timedelta(hours=2))  # whose waits are over
    assert opened(tent.folder).pin_wait(datetime.now(SHANGHAI)) == timedelta()
    with standing(tent, tmp_path) as visitor:
        visitor._lead()
        visitor.press(*WRONG, "\r")
        visitor.terminal.wait_for("PIN 不对")
        assert opened(tent.folder).pin_wait(datetime.now(SHANGHAI)) > LONG, "the ninth in a row, whoever asked"
        with terminal(kiosk(tent.folder)) as second:
            assert second.wait_end() == 2
            assert "1049" not in second.modes, "it has not even put a screen up"
        visitor.terminal.process.kill()
        visitor.terminal.process.wait()
    with standing(tent, tmp_path) as visitor:
        visitor._lead()
        visitor.press(*tent.pin, "\r")
        visitor.terminal.wait_for("秒再试")
        assert visitor.page == "LeadPinPage"
    assert opened(tent.folder).check_pin(tent.pin, datetime.now(SHANGHAI) + timedelta(minutes=15))


# --- by an older file -------------------------------------------------------------------------------------------------


def test_an_older_pin_file_that_is_put_back_counts_again_and_opens_no_data(station_folder: Path) -> None:
    """Not held against whoever can write into the folder: the waits are gone, and an old PIN is the PIN.

    What is sealed is as closed as before.
    """
    keys, now = opened(station_folder), datetime.now(SHANGHAI)
    sealed = keys.seal({"phone": factories.phone()})
    path, older = station_folder / "keys" / "pin.json", station_folder.parent / "pin.json"
    shutil.copy(path, older)
    now = try_out(station_folder, 9, now)
    assert opened(station_folder).pin_wait(now) > LONG
    shutil.copy(older, path)
    assert opened(station_folder).pin_wait(now) == timedelta()
    opened(station_folder).set_pin(ANOTHER)
    assert not opened(station_folder).check_pin(PIN, now)
    shutil.copy(older, path)
    assert opened(station_folder).check_pin(PIN, now)
    assert not opened(station_folder).check_pin(ANOTHER, now)
    for pin in (PIN, ANOTHER):
        with pytest.raises(KeysError):
            opened(station_folder).open_sealed(sealed, pin)


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"failed":0,"wait":null}'])
def test_without_its_file_no_pin_opens(station_folder: Path, content: bytes | None) -> None:
    """To take it away, or what stands in it, lets nobody in: then the passphrase sets a new one."""
    path = station_folder / "keys" / "pin.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    for pin in (PIN, WRONG, ""):
        with pytest.raises(KeysError):
            opened(station_folder).check_pin(pin, datetime.now(SHANGHAI))
    assert set_up(station_folder)[0] == 2
    with pytest.raises(KeysError):
        opened(station_folder).reset_pin(PIN, ANOTHER)
