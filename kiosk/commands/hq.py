"""`kiosk hq ...`: headquarters' keys, the stations that count, and the directory that tells them of each other."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kiosk import clock
from kiosk.commands import output
from kiosk.durable import write_beside
from kiosk.errors import InvalidInput, WrongUsage
from kiosk.hq import enrolment
from kiosk.hq.database import Database
from kiosk.hq.enrolment import Handed, StationKey
from kiosk.hq.keys import PUBLIC, HqKeys
from kiosk.i18n import _
from kiosk.setup import parse_station_id
from kiosk.trust import KeysError, fingerprint, read_hq_keys

_KEYS, _PUBLIC = "keys", "public"


@contextmanager
def opened(folder: Path, options: Namespace) -> Iterator[Database]:
    """Headquarters' database, closed in the end."""
    database = Database(options.db, folder)
    try:
        yield database
    finally:
        database.close()


def init(folder: Path, options: Namespace) -> int:
    """Makes headquarters' keys and prints where the file for the stations lies."""
    with opened(folder, options) as database:
        known = database.said(_KEYS)
        if known is not None:
            raise WrongUsage(_("This database belongs to the keys in {folder} already.").format(folder=known))
        try:
            # Keys that are whole may have lost their database: then it begins anew.
            keys = HqKeys(options.keys) if HqKeys(options.keys).is_whole() else HqKeys.create(options.keys)
        except KeysError as error:
            raise WrongUsage(str(error)) from error
        database.say(_KEYS, str(options.keys.absolute()))
        database.say(_PUBLIC, keys.public.hex())
    public = options.keys / PUBLIC
    row = {
        "keys": str(options.keys),
        "public": str(public),
        "age": read_hq_keys(public)["age"],
        "fingerprint": fingerprint(keys.public),
    }
    headings = {
        "keys": _("Keys"),
        "public": _("For the stations"),
        "age": _("Recipient"),
        "fingerprint": _("Fingerprint"),
    }
    output.emit([row], headings, options.format)
    if options.format == "table":
        print(_("Give each station the file {file}, and keep a copy of the keys in a safe place.").format(file=public))
    return 0


def demand_set_up(database: Database) -> str:
    """Where the keys lie that the database belongs to.

    Raises:
        WrongUsage: if it belongs to none: a new one holds nothing, which must not be taken for an answer.
    """
    known = database.said(_KEYS)
    if known is None:
        raise WrongUsage(
            _("This is not headquarters' database yet. Please check --data and --db, or run: kiosk hq init")
        )
    return known


def keys_of(database: Database, options: Namespace) -> HqKeys:
    """The keys that the database belongs to; a new one knows of nothing that was withdrawn, and must sign nothing.

    Raises:
        WrongUsage: if it belongs to none, or to others than those that are named.
    """
    known = demand_set_up(database)
    keys = HqKeys(Path(known) if options.keys is None else options.keys)
    public = database.said(_PUBLIC)
    if public is not None and options.keys is not None and keys.public.hex() != public:
        raise WrongUsage(_("This database belongs to the keys in {folder} already.").format(folder=known))
    return keys


def accept(folder: Path, options: Namespace) -> int:
    """Answers for a station's key, or withdraws one, and prints all keys of the station.

    Without more it is the key that the station has shown when its segments were collected.
    """
    try:
        station = parse_station_id(options.station)
    except InvalidInput as error:
        raise WrongUsage(str(error)) from error
    now = clock.system_clock()
    with opened(folder, options) as database:
        keys_of(database, options)
        with database.alone():
            if options.withdraw is not None:
                keys = enrolment.withdraw(database, station, options.withdraw, options.reason, now)
            else:
                keys = enrolment.accept(database, station, _named(database, options, station), now)
    _print(keys, options.format)
    if options.format == "table" and options.withdraw is None:
        print(_("Please compare the fingerprint over the telephone; a station shows it with: kiosk badge stations"))
    return 0


def _named(database: Database, options: Namespace, station: str) -> Handed:
    if options.key is not None:
        if (shown := enrolment.key_shown(database, station, options.key)) is not None:
            return Handed((shown,), {})
        try:
            key = bytes.fromhex(options.key)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise WrongUsage(_("A public key is 64 hex digits."))
        return Handed((key,), {})
    if options.source is not None:
        return enrolment.handed_in(options.source, station)
    return enrolment.shown(database, station)


def _print(keys: Iterable[StationKey], form: str) -> None:
    rows = [
        {
            "station": key.station,
            "key": key.key.hex(),
            "fingerprint": key.fingerprint,
            "accepted": key.accepted,
            "withdrawn": key.withdrawn,
        }
        for key in keys
    ]
    headings = {
        "station": _("Station"),
        "key": _("Key"),
        "fingerprint": _("Fingerprint"),
        "accepted": _("Accepted"),
        "withdrawn": _("Withdrawn"),
    }
    output.emit(rows, headings, form)


def directory(folder: Path, options: Namespace) -> int:
    """Signs the directory of all stations, and writes it to a file or to stdout."""
    now = clock.system_clock()
    with opened(folder, options) as database:
        document = enrolment.directory(database, keys_of(database, options).sign, now)
    if options.out is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(document + b"\n")
    else:
        write_beside(options.out, document)
    return 0
