"""`kiosk sync [URL]`: seals, hands over what headquarters does not have yet, and fetches what it answers."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from kiosk import clock
from kiosk.commands import output
from kiosk.errors import KioskError, StoreBusy, WrongUsage
from kiosk.i18n import _
from kiosk.remote import Credentials, RemoteError, place_at
from kiosk.settings import read_settings
from kiosk.station import Station
from kiosk.sync import exchange, read_place, save_place, standing


def run(folder: Path, options: Namespace) -> int:
    """Exchanges with one place. Exits 1 where anything was wrong, and what was not wrong is done all the same."""
    read_settings(folder)
    url = options.url or read_place(folder)
    if not url:
        raise WrongUsage(_("Please say where to: kiosk sync URL"))
    wrong = _seal(folder, passphrase=_passphrase() if options.seal_again else None)
    credentials = Credentials.find(folder)
    try:
        place = place_at(url, credentials, make=options.url is not None)  # a stick that is kept may not be in
    except RemoteError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        outcome = exchange(folder, place, clock.system_clock())
    finally:
        place.close()
    if options.keep:
        save_place(folder, url if "://" in url else str(Path(url).absolute()))
    found = standing(folder)
    row = {
        "url": url,
        "published": outcome.published,
        "taken": outcome.taken,
        "records": found.records,
        "confirmed": found.confirmed,
        "unconfirmed": found.unconfirmed,
    }
    headings = {
        "url": _("Place"),
        "published": _("Segments handed over"),
        "taken": _("Taken in"),
        "records": _("Records"),
        "confirmed": _("Confirmed"),
        "unconfirmed": _("Not confirmed"),
    }
    output.emit([row], headings, options.format)
    for problem in outcome.problems:
        print(problem, file=sys.stderr)
    if outcome.copied:
        print(
            _("Another copy of this data folder has gone on, or it is from a backup. Please tell headquarters."),
            file=sys.stderr,
        )
    return 1 if wrong or outcome.problems or outcome.copied else 0


def _passphrase() -> str:
    """The lead's passphrase, from the terminal or the first line of stdin: everybody can read arguments."""
    from getpass import getpass

    return getpass(_("The lead's passphrase: ")) if sys.stdin.isatty() else sys.stdin.readline().strip()


def _seal(folder: Path, passphrase: str | None) -> bool:
    """Seals what is open, unless a running kiosk has the log: it seals by itself. Returns whether damage was told.

    Args:
        folder: the data folder.
        passphrase: seals to headquarters what was sealed before its keys were known; None does not.
    """
    try:
        station = Station(folder)
    except StoreBusy:
        if passphrase is not None:
            raise
        print(_("The kiosk is running and hands over by itself what is still open."), file=sys.stderr)
        return False
    try:
        try:
            if passphrase is not None:
                print(
                    _("Sealed again to headquarters: {count}").format(count=station.seal_again(passphrase)),
                    file=sys.stderr,
                )
            station.seal()
        except KioskError as error:  # what is sealed already is handed over all the same
            print(error, file=sys.stderr)
            return True
        return output.tell(station.damage)
    finally:
        station.close()
