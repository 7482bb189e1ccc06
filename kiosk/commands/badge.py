"""`kiosk badge show`, `check` and `revoke`."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path

from kiosk import badge, clock, recovery, station
from kiosk.campaign import Campaign
from kiosk.commands import output
from kiosk.desk import badge_that_counts
from kiosk.durable import write_beside
from kiosk.errors import KioskError, WrongUsage
from kiosk.i18n import _
from kiosk.keys import Keys
from kiosk.records import Record, parse_volunteer_number, service_day
from kiosk.roster import History
from kiosk.settings import Settings, read_settings
from kiosk.trust import KeysError, fingerprint
from kiosk.wording import BADGE_REFUSED, cause


def _number(text: str) -> str:
    number = parse_volunteer_number(text)
    if number is None:
        raise WrongUsage(_("{text} is not a volunteer number.").format(text=text))
    return number


def show(folder: Path, options: Namespace) -> int:
    """Tells a volunteer's badge, on a terminal with its QR, and writes it as a PNG or a PDF or prints it if asked to.

    Over a log that is damaged it tells what is known, and exits 1. To print it is an act of the station's, which notes
    it in the log; the kiosk must not be running.
    """
    settings = read_settings(folder)
    volunteer = _number(options.volunteer)
    log = station.read_log(folder)
    history = log.history
    issued = badge_that_counts(history, Keys(folder / "keys", folder / "tmp").others(), volunteer)
    damaged = output.tell(log.damage)
    if volunteer not in history.badges:
        raise KioskError(_("The number {number} has no badge.").format(number=volunteer))
    if issued is None:
        raise KioskError(_("The badge of {number} was revoked.").format(number=volunteer))
    if options.png:
        try:
            badge.write_png(issued["code"], options.png)
        except OSError as error:
            sentence = _("The file {file} cannot be written: {error}.").format(file=options.png, error=cause(error))
            raise WrongUsage(sentence) from error
    if options.pdf:
        campaign = recovery.campaigns_of(folder).on(service_day(clock.system_clock()))
        _write_pdf(history, issued, settings, campaign, options.pdf)
    if options.on_paper:
        _print(folder, volunteer)
    row = {
        "volunteer": volunteer,
        "station": settings.station,
        "code": issued["code"],
        "expires": issued["expires"],
    }
    headings = {"volunteer": _("Number"), "station": _("Station"), "code": _("Code"), "expires": _("Valid until")}
    output.emit([row], headings, options.format)
    if options.format == "table" and sys.stdout.isatty():
        for line in badge.half_blocks(issued["code"]):
            print(f"\x1b[30;107m{line}\x1b[0m")
    return 1 if damaged else 0


def _write_pdf(history: History, issued: Record, settings: Settings, campaign: Campaign, path: Path) -> None:
    from kiosk.print_room import label_of
    from kiosk.printing import files
    from kiosk.printing.label import draw
    from kiosk.printing.paper import A6

    number = str(issued.volunteer)
    name = history.people[number].name if number in history.people else ""
    label = label_of(campaign, issued, name, history.newest_visit(number), settings.street)
    try:
        write_beside(path, files.pdf(draw(label, A6), A6.dpi))
    except OSError as error:
        sentence = _("The file {file} cannot be written: {error}.").format(file=path, error=cause(error))
        raise WrongUsage(sentence) from error


def _print(folder: Path, volunteer: str) -> None:
    from kiosk.print_room import print_now

    opened = station.Station(folder)
    try:
        print_now(opened, volunteer)
    finally:
        opened.close()


def check(folder: Path, options: Namespace) -> int:
    """Judges a code and exits 1 when it is not valid.

    No badge is called valid over a log that is incomplete, for the record that revokes it may be what is missing; there
    is no reason to give then.
    """
    settings = read_settings(folder)
    today = service_day(clock.system_clock())
    log = station.read_log(folder)
    own, keys = [*log.public_keys], Keys(folder / "keys", folder / "tmp")
    with suppress(KeysError):  # then those that the log names have to do
        own.append(keys.public)
    done = badge.check(
        options.code,
        directory=keys.others().with_own(settings.station, own),
        campaign=recovery.campaigns_of(folder).on(today).id,
        today=today,
        revoked=log.history.revoked,
    )
    row = {
        "valid": done.valid and not log.damage,
        "reason": done.reason,
        "volunteer": done.badge.volunteer if done.badge else None,
        "station": done.badge.station if done.badge else None,
        "expires": done.badge.expires if done.badge else None,
    }
    headings = {
        "valid": _("Valid"),
        "reason": _("Reason"),
        "volunteer": _("Number"),
        "station": _("Station"),
        "expires": _("Valid until"),
    }
    output.emit([row], headings, options.format)
    damaged = output.tell(log.damage)
    if done.reason:
        print(_(BADGE_REFUSED[done.reason]), file=sys.stderr)
    elif damaged:
        print(_("The log is incomplete, and the badge may have been revoked: it cannot be judged."), file=sys.stderr)
    return 0 if done.valid and not damaged else 1


def stations(folder: Path, options: Namespace) -> int:
    """Takes in headquarters' directory if asked to, and prints whose badges count, with what people compare of keys."""
    settings = read_settings(folder)
    keys, refused = Keys(folder / "keys", folder / "tmp"), False
    if options.hq:
        keys.take_hq(options.hq)
        said = _("Headquarters is known by the fingerprint {fingerprint}; please compare it over the telephone.")
        print(said.format(fingerprint=fingerprint(keys.hq)), file=sys.stderr)
    if options.file:
        try:
            content = options.file.read_bytes()
        except OSError as error:
            sentence = _("The file {file} cannot be read: {error}.").format(file=options.file, error=cause(error))
            raise WrongUsage(sentence) from error
        told = keys.take_directory(content)
        refused = content.strip() != (folder / "keys" / "directory.json").read_bytes().strip()
        if refused:
            older = _("This list was not taken in: number {number}, which is here, is not older.")
            print(older.format(number=told.number), file=sys.stderr)
    known = keys.directory().with_own(settings.station, [keys.public])
    rows = [
        {"station": name, "key": key.hex(), "fingerprint": fingerprint(key), "counts": key not in known.withdrawn}
        for name, its in sorted(known.stations.items())
        for key in its
    ]
    headings = {
        "station": _("Station"),
        "key": _("Key"),
        "fingerprint": _("Fingerprint"),
        "counts": _("Counts"),
    }
    output.emit(rows, headings, options.format)
    return 1 if refused else 0


def revoke(folder: Path, options: Namespace) -> int:
    """Revokes a volunteer's badge."""
    volunteer = _number(options.volunteer)
    opened = station.Station(folder)
    try:
        opened.revoke_badge(volunteer, options.reason)
    finally:
        damaged = output.tell(opened.damage)
        opened.close()
    row = {"volunteer": volunteer, "revoked": True}
    output.emit([row], {"volunteer": _("Number"), "revoked": _("Revoked")}, options.format)
    return 1 if damaged else 0
