"""Lets a station go on whose settings or campaigns cannot be read: from what the log says, or from what is shipped.

Nothing is guessed: where the log does not say it, the station stays closed, with the error that names the file.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kiosk import campaign_files
from kiosk.audit import notes
from kiosk.campaign import Campaigns
from kiosk.campaign_files import shipped
from kiosk.durable import FolderLock, make_folder, write_durably
from kiosk.errors import CampaignError
from kiosk.segments import read_all
from kiosk.settings import FILE, NotSetUp, Settings, SettingsError, read_settings
from kiosk.store import new_epoch


def settings_of(folder: Path, entropy: Callable[[int], bytes]) -> tuple[Settings, bool]:
    """The settings of a station, and whether they had to be made anew from its log, under a new epoch.

    The damaged file is kept in `set-aside/`. What the log does not say (the name, the language) is as after set-up.
    Where it does not even say which station it is, a file that is only not as it was written has to do.

    Raises:
        NotSetUp: if there is no station.
        SettingsError: if its file cannot be read, and the log does not say which station it is.
        StoreBusy: if another process has it open.
        OSError: if the new file cannot be written.
    """
    try:
        return read_settings(folder, unchanged=True), False
    except (NotSetUp, SettingsError):
        if not (folder / "records").is_dir():
            raise
    lock = FolderLock(folder)
    try:
        return read_settings(folder, unchanged=True), False  # somebody else was faster
    except (NotSetUp, SettingsError):
        segments, _found = read_all(folder)
        places = [details for details in notes(segments) if {"street", "community"} <= details.keys()]
        if places:
            station = str(segments[-1].header["station"])
            street, community = str(places[-1]["street"]), str(places[-1]["community"])
            name = community
            with suppress(CampaignError):
                name = campaigns_of(folder).known[-1].name_of(community)
            settings = Settings(station, street, community, name, "zh", new_epoch(entropy))
        else:
            settings = read_settings(folder).with_epoch(new_epoch(entropy))
        for path in (folder / "tmp", folder / "set-aside"):
            make_folder(path)
        with suppress(FileNotFoundError):
            damaged = (folder / FILE).read_bytes()
            write_durably(folder / "set-aside" / f"{settings.epoch}-{FILE}", damaged, folder / "tmp")
        settings.save(folder)
        return settings, True
    finally:
        lock.release()


def campaigns_of(folder: Path) -> Campaigns:
    """The campaigns of a station; where none can be read, the shipped one, if it is the one that the log names last.

    Raises:
        CampaignError: if it is not.
    """
    try:
        return campaign_files.load_campaigns(folder)
    except CampaignError as error:
        under = [record["campaign"] for segment in read_all(folder)[0] for record in segment.records]
        instead = shipped()
        if not under or under[-1] != instead.id:
            raise
        return Campaigns((instead,), (str(error),))
