"""`kiosk` and `kiosk demo`: the station's screen."""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.errors import WrongUsage
from kiosk.i18n import _
from kiosk.settings import NotSetUp
from kiosk.station import Station, system_clock

if TYPE_CHECKING:
    from kiosk.app import KioskApp


def _need_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongUsage(_("The kiosk needs a terminal. For the commands, run: kiosk --help"))


def run(folder: Path, options: Namespace) -> int:
    """Opens the station in `folder`; on first use its screen walks through set-up."""
    _need_terminal()
    from kiosk.app import KioskApp

    return _show(KioskApp(folder, _station(folder)))


def _station(folder: Path) -> Station | None:
    try:
        return Station(folder)
    except NotSetUp:
        return None


def _show(app: KioskApp) -> int:
    try:
        app.run()
    finally:
        if app.station is not None:
            app.station.close()
    return app.return_code or 0


def demo(folder: Path, options: Namespace) -> int:
    """Opens a throwaway station with a seeded day; `folder` is not touched."""
    _need_terminal()
    from kiosk import demo as seeded
    from kiosk.app import KioskApp

    with tempfile.TemporaryDirectory(prefix="kiosk-demo-") as name:
        seeded.make(Path(name), system_clock)
        return _show(KioskApp(Path(name), Station(Path(name)), demo_pin=seeded.PIN))
