"""`kiosk` and `kiosk demo`: the station's screen."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kiosk import crashlog
from kiosk.clock import system_clock
from kiosk.errors import WrongUsage
from kiosk.i18n import _
from kiosk.settings import NotSetUp
from kiosk.station import Station

if TYPE_CHECKING:
    from argparse import Namespace

_MANY: Final = 5
"""So many crashes in as many seconds slow the restart down."""
_FRAMES: Final = 120
"""Paints a second at most. What is said before one is painted with the next: at Textual's 60 that is 17 ms later."""


def _need_terminal() -> None:
    # Textual takes keys to press, logs to write, drivers to load and colours to leave out from there; a kiosk takes
    # nothing: what is chosen is told by colours.
    for name in [name for name in os.environ if name.startswith("TEXTUAL") or name == "NO_COLOR"]:
        del os.environ[name]
    os.environ["TEXTUAL_FPS"] = str(_FRAMES)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongUsage(_("The kiosk needs a terminal. For the commands, run: kiosk --help"))


def run(folder: Path, options: Namespace | None) -> int:
    """Opens the station in `folder`; on first use its screen walks through set-up."""
    _need_terminal()
    return _show(folder, _station(folder))


def _station(folder: Path) -> Station | None:
    try:
        return Station(folder)
    except NotSetUp:
        return None


def _show(folder: Path, station: Station | None, *, demo_pin: str = "") -> int:
    """Keeps a screen up until somebody with the right to it, or the system, ends it; errors within only restart it."""
    from kiosk import terminal

    terminal.begin()  # before the rest is read in: it is the longer part of a start
    gc.disable()  # until the first page is painted: nothing of what is read in goes away
    from kiosk.app import CRASHED, KioskApp

    terminal.quiet(folder)
    crashes: list[float] = []
    while True:
        app = KioskApp(folder, station, demo_pin=demo_pin, after_crash=bool(crashes), alone=True)
        try:
            app.run()
        except Exception as error:  # the outermost boundary of the screen
            crashlog.note(folder, error, system_clock())
            app._return_code = CRASHED
        app.close_rooms()
        station = app.station
        if app.return_code != CRASHED or terminal.Terminal.closing:
            break
        crashes = [*crashes[-_MANY + 1 :], time.monotonic()]
        if len(crashes) == _MANY and crashes[-1] - crashes[0] < _MANY:
            time.sleep(1)  # what fails at once every time must not take the machine
    terminal.end()
    if station is not None:
        station.close()
    return 0 if terminal.Terminal.closing else app.return_code or 0


def demo(folder: Path, options: Namespace) -> int:
    """Opens a throwaway station with a seeded day; `folder` is not touched."""
    _need_terminal()
    from kiosk import demo as seeded

    with tempfile.TemporaryDirectory(prefix="kiosk-demo-") as name:
        seeded.make(Path(name), system_clock)
        return _show(Path(name), Station(Path(name)), demo_pin=seeded.PIN)
