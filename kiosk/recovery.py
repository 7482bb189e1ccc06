"""Lets a station go on whose settings or campaigns cannot be read: from what the log says, or from what is shipped.

What stands in the place of a folder is moved aside.

Nothing is guessed: where the log does not say it, the station stays closed, with the error that names the file.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from kiosk import campaign_files
from kiosk.audit import notes, of_another_station, owner, station_of
from kiosk.campaign import Campaign, Campaigns, Community
from kiosk.campaign_files import shipped
from kiosk.durable import FolderLock, make_folder, move_durably, unused, write_durably
from kiosk.errors import CampaignError, KioskError
from kiosk.i18n import _
from kiosk.keys import Keys
from kiosk.segments import check_within, read_all
from kiosk.settings import (
    FILE,
    FOLDERS,
    IN_THE_WAY,
    LOCK,
    NotSetUp,
    Settings,
    SettingsError,
    in_the_way,
    read_settings,
)
from kiosk.store import new_epoch, place_aside
from kiosk.trust import KeysError

_HOLDING: Final = ("records", "records/sealed", "keys", "campaign")
"""Folders that hold what a station cannot go on without."""


def make_room(folder: Path) -> list[str]:
    """Moves aside, untouched, what stands in the place of a folder of a station or of its lock; returns the names.

    Raises:
        StoreBusy: if another process has the station open.
        KioskError: if records, keys or campaigns lie on a disk that is not there.
        OSError: if it cannot be moved.
    """
    for name in (name for name in _HOLDING if (folder / name).is_symlink() and not (folder / name).exists()):
        # A disk that is not connected yet: to begin without it would part the log in two.
        sentence = _("{file} leads to a place that is not there. Is the disk connected?")
        raise KioskError(sentence.format(file=folder / name))
    if not in_the_way(folder) or not (os.path.lexists(folder / FILE) or (folder / "records").is_dir()):
        return []
    # The lock may be what is in the way, so whoever makes room holds the folder itself.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        moved = [name for name in in_the_way(folder) if name == LOCK]
        for name in moved:
            _move_aside(folder, name)
        lock = FolderLock(folder)
        try:
            for name in in_the_way(folder):
                _move_aside(folder, name)
                moved.append(name)
        finally:
            lock.release()
    finally:
        os.close(descriptor)
    return moved


def _move_aside(folder: Path, name: str) -> None:
    aside = folder / "set-aside"
    if not os.path.lexists(aside):
        make_folder(aside)
    path = folder / name
    # What stands in the place of `set-aside` itself can only lie beside it.
    move_durably(path, unused((aside if aside.is_dir() else folder) / f"{IN_THE_WAY}{path.name}"))
    if name in FOLDERS:
        make_folder(path)


def settings_of(folder: Path, entropy: Callable[[int], bytes]) -> tuple[Settings, bool]:
    """The settings of a station, and whether they had to be made anew, so that a new epoch has to begin.

    What the log says is taken from there, with the community's name and Chinese. A file that can be read but is not as
    it was written says the rest, as far as it fits together; one of another station says nothing. It is kept in
    `set-aside/`.

    Raises:
        NotSetUp: if there is no station.
        SettingsError: if its file cannot be read, and the log does not say which station it is, or where.
        StoreBusy: if another process has it open.
        OSError: if the new file cannot be written.
    """
    try:
        return _own_settings(folder), False
    except (NotSetUp, SettingsError):
        if not (folder / "records").is_dir():
            raise
    lock = FolderLock(folder)
    try:
        return _own_settings(folder), False  # somebody else was faster
    except (NotSetUp, SettingsError):
        settings = _from_the_log(folder, entropy)
        for path in (folder / "tmp", folder / "set-aside"):
            make_folder(path)
        aside = place_aside(folder, settings.epoch, FILE)
        try:
            damaged = (folder / FILE).read_bytes()
        except FileNotFoundError:
            pass
        except OSError:  # whatever stands in its place makes room
            move_durably(folder / FILE, aside)
        else:
            write_durably(aside, damaged, folder / "tmp")
        settings.save(folder)
        return settings, True
    finally:
        lock.release()


def _own_settings(folder: Path) -> Settings:
    """The settings as they were written.

    Raises:
        NotSetUp: if there is no station.
        SettingsError: if they were changed since, or are of another station.
    """
    settings = read_settings(folder, unchanged=True)
    if (named := owner(folder, settings)) is not None:
        raise SettingsError(of_another_station(named, settings.station))
    return settings


def _from_the_log(folder: Path, entropy: Callable[[int], bytes]) -> Settings:
    told: Settings | None = None
    with suppress(NotSetUp, SettingsError):
        told = read_settings(folder)
        if owner(folder, told) is not None:
            told = None
    segments, _found = read_all(folder)
    station = station_of(segments, told.station if told else "")
    own = [segment for segment in segments if segment.header["station"] == station]
    whole = (segment for segment in own if not check_within(segment, station))  # a wrong digit names another place
    places = [details for details in notes(whole) if {"street", "community"} <= details.keys()]
    if told is None and not places:
        return read_settings(folder)  # the error says what is wrong with the file
    if told is None:
        told = Settings(station, "", "", "", "zh", new_epoch(entropy))
    elif own and told.epoch not in {segment.epoch for segment in own}:
        told = told.with_epoch(new_epoch(entropy))
    campaign: Campaign | None = None
    with suppress(CampaignError):
        campaign = campaigns_of(folder).known[-1]
    if places:
        street, community = str(places[-1]["street"]), str(places[-1]["community"])
    elif (place := _place(told, campaign)) is not None:
        street, community = place.code[:9], place.code
    else:
        raise SettingsError(_("The file {file} cannot be read.").format(file=folder / FILE))
    name = campaign.name_of(community) if campaign else community
    return replace(told, station=station, street=street, community=community, name=name)


def _place(told: Settings, campaign: Campaign | None) -> Community | None:
    """The community that a file means of which some letter may be wrong; None if what it says does not fit together.

    Two of street, community and name have to agree, or the name has to be one of a kind. Street and name go first: a
    wrong digit easily makes the code of another community, a wrong letter hardly its name.
    """
    if campaign is None:
        return None
    street = campaign.street(told.street)
    return (
        (campaign.community(told.name, street) if street else None)
        or (campaign.community(told.community, street) if street else None)
        or campaign.community(told.name)
    )


def campaigns_of(folder: Path) -> Campaigns:
    """The campaigns of a station; what cannot be read is taken from the copy of what headquarters has told.

    Where none is as it was written, nor in that copy, the shipped one counts if the log names that last; where it does
    not, one that can be read has to do.

    Raises:
        CampaignError: if there is none.
    """
    try:
        found = campaign_files.load_campaigns(folder)
    except CampaignError as error:
        if copied := _copied(folder):
            return Campaigns(tuple(copied), (str(error),))
        under = [record["campaign"] for segment in read_all(folder)[0] for record in segment.records]
        instead = shipped()
        if under and under[-1] == instead.id:
            return Campaigns((instead,), (str(error),))
        return replace(campaign_files.load_campaigns(folder, unchanged=False), damaged=(str(error),))
    if not found.damaged:
        return found
    lacking = (each for each in _copied(folder) if found.of(each.id, each.version) is None)
    return replace(found, known=(*found.known, *lacking))


def _copied(folder: Path) -> list[Campaign]:
    with suppress(KeysError):
        return campaign_files.copied_campaigns(folder, Keys(folder / "keys", folder / "tmp").hq)
    return []
