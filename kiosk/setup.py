"""Sets a new station up: folder, keys, campaign, settings, and the first record.

In two steps, with the lead between them: `prepare` makes the keys, the lead writes the passphrase down, `finish` makes
it a station. `station.json` is written last, so that a set-up that was cut off leaves no half station, and none whose
passphrase nobody has seen: it is simply done again.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from kiosk import rules
from kiosk.campaign import Campaign, Community, fold
from kiosk.campaign_files import bundle
from kiosk.clock import EARLIEST, Clock, system_clock
from kiosk.durable import FolderLock, make_folder, sync_folder, write_durably
from kiosk.errors import InvalidInput, WrongUsage
from kiosk.i18n import _
from kiosk.keys import Keys, new_passphrase, new_pin
from kiosk.settings import FILE, Settings
from kiosk.station import Station
from kiosk.store import new_epoch

_STATION: Final = re.compile(r"[A-Z0-9]{1,8}")


class NewStation(Struct, frozen=True):
    """What set-up has to tell once: it is kept nowhere."""

    settings: Settings
    pin: str
    passphrase: str


def parse_station_id(text: str) -> str:
    """A station's id: 1 to 8 letters and digits, in upper case.

    Raises:
        InvalidInput: `station_invalid`.
    """
    name = text.strip().upper()
    if not _STATION.fullmatch(name):
        raise InvalidInput("station_invalid", _("A station number has 1 to 8 letters and digits."))
    return name


def find_community(campaign: Campaign, text: str) -> Community | None:
    """The community that somebody who sets a station up means: a code, a name, or street and name together."""
    found = campaign.community(text)
    if found is None:
        joined = "".join(fold(text).split())
        for street in campaign.streets:
            for name in (street.name, *street.aliases):
                if joined.startswith(name):
                    found = found or campaign.community(joined.removeprefix(name), street)
    return found


def prepare(
    folder: Path,
    campaign: Campaign,
    *,
    station: str,
    community: str,
    name: str = "",
    language: str = "zh",
    pin: str | None = None,
    hq: Mapping[str, str] | None = None,
    clock: Clock = system_clock,
    entropy: Callable[[int], bytes] = secrets.token_bytes,
) -> NewStation:
    """Makes all that a station in `folder` needs but the station itself.

    Args:
        folder: the data folder; it may exist, but not hold a station.
        campaign: the campaign that it starts with.
        station: its id.
        community: the code or the name of its community.
        name: what people call the place; the community's name by default.
        language: of the screen.
        pin: the lead's PIN, six digits; a random one by default.
        hq: headquarters' public keys, if known.
        clock: gives the time (aware).
        entropy: gives n random bytes.

    Raises:
        WrongUsage: if there is a station already, or no such community, or the clock has lost the time.
        InvalidInput: `station_invalid`, or `name_invalid` for a place that no line can hold.
        KeysError: if the PIN is not six digits.
        OSError: if the folder cannot be written.
    """
    if (now := clock()) < EARLIEST:
        said = _("The clock of this computer shows {time}. Please set it first: nobody's age can be told without it.")
        raise WrongUsage(said.format(time=f"{now:%Y-%m-%d %H:%M}"))
    station = parse_station_id(station)
    place = find_community(campaign, community)
    if place is None:
        raise WrongUsage(_("There is no community {name}, or more than one: give its code.").format(name=community))
    called = rules.parse_name(name) if name.strip() else place.name
    settings = Settings(station, place.street, place.code, called, language, new_epoch(entropy))
    secret = NewStation(settings, pin or new_pin(entropy), new_passphrase(entropy))
    for path in (folder, folder / "tmp", folder / "campaign"):
        make_folder(path)
    folder.chmod(0o700)
    sync_folder(
        folder.absolute().parent
    )  # a set-up that was cut off may have made the folder, and not its name durable
    lock = FolderLock(folder)
    try:
        if (folder / FILE).exists():
            raise WrongUsage(_("There is a station in {folder} already.").format(folder=folder))
        if not all(_is_empty(folder / name) for name in ("records", "set-aside")):
            # New keys would make what is sealed in them unreadable for ever.
            raise WrongUsage(
                _("{folder} holds records, but station.json is missing. Call headquarters.").format(folder=folder)
            )
        path = folder / "campaign" / f"{campaign.id}-{campaign.version}.json"
        write_durably(path, bundle(campaign), folder / "tmp")
        Keys.create(
            folder / "keys", folder / "tmp", pin=secret.pin, passphrase=secret.passphrase, hq=hq, entropy=entropy
        )
    finally:
        lock.release()
    return secret


def _is_empty(path: Path) -> bool:
    """Whether there is certainly no file in it: what cannot be looked into may hold one."""
    if not os.path.lexists(path):
        return True

    def fail(error: OSError) -> None:
        raise error

    try:
        return path.is_dir() and not any(files for _folder, _folders, files in os.walk(path, onerror=fail))
    except OSError:
        return False


def finish(
    folder: Path,
    made: NewStation,
    *,
    clock: Clock = system_clock,
    entropy: Callable[[int], bytes] = secrets.token_bytes,
) -> None:
    """Makes `folder` a station, once the lead has its passphrase.

    Args:
        folder: the data folder that was prepared.
        made: what `prepare` returned.
        clock: gives the time (aware).
        entropy: gives n random bytes.

    Raises:
        OSError: if the folder cannot be written.
    """
    made.settings.save(folder)
    Station(folder, clock=clock, entropy=entropy).close()  # opening a new station writes its first record
