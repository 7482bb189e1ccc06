"""What a station is: the file station.json, and the places in the data folder.

It knows of no record and no volunteer.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict, fields, replace

from kiosk import canonical
from kiosk.durable import write_durably
from kiosk.errors import KioskError, RecordError
from kiosk.i18n import LANGUAGES, _

FILE: Final = "station.json"
THEMES: Final = ("dark", "light")
FOLDERS: Final = (
    "set-aside",
    "records",
    "records/sealed",
    "campaign",
    "keys",
    "cache",
    "tmp",
    "receipts",
    "print-queue",
)
"""The folders in the data folder without which something does not work."""
LOCK: Final = "lock"
IN_THE_WAY: Final = "in-the-way-of-"
"""How the names begin of what stood in the place of one of these and was moved aside."""


class NotSetUp(KioskError):
    """The data folder holds no station yet."""

    exit_code = 2


class SettingsError(KioskError):
    """The file station.json is damaged."""


class Settings(Struct, frozen=True):
    """One station.

    Attributes:
        station: its id, up to 8 upper-case letters and digits.
        street, community: codes of 9 and 12 digits.
        name: what people call the place.
        language: one of `LANGUAGES`; the screen returns to it after each visitor.
        epoch: the current epoch of the log.
        theme: one of `THEMES`, the look of the screen; files of before there were two have none.
        segment: the number of the newest segment of the epoch that is known to hold a record; 0 while none is. What
            lies below it must be there, or records were lost.
    """

    station: str
    street: str
    community: str
    name: str
    language: str
    epoch: str
    theme: str = THEMES[0]
    segment: int = 0

    def save(self, folder: Path) -> None:
        """Makes the settings durable.

        Raises:
            OSError: if that fails.
        """
        content = json.dumps(canonical.with_sum(asdict(self)), ensure_ascii=False, indent=1).encode("utf-8")
        write_durably(folder / FILE, content, folder / "tmp")

    def with_epoch(self, epoch: str) -> Settings:
        """The same station in another epoch, of which there is no record yet."""
        return replace(self, epoch=epoch, segment=0)

    def with_theme(self, theme: str) -> Settings:
        """The same station with another look."""
        return replace(self, theme=theme)


def read_settings(folder: Path, *, unchanged: bool = False) -> Settings:
    """The settings of the station in `folder`.

    Args:
        folder: the data folder.
        unchanged: takes only what a kiosk has written, or what has no sum.

    Raises:
        NotSetUp: if there is no station there.
        SettingsError: if the file does not hold what it must.
    """
    try:
        found = canonical.parse_json((folder / FILE).read_bytes())
        if unchanged and not canonical.is_as_written(found, Settings.__struct_fields__):
            raise ValueError(FILE)
        mine = fields(Settings)
        settings = Settings(**{each.name: found[each.name] for each in mine if each.required or each.name in found})
        if not all(type(getattr(settings, each.name)) is each.type for each in mine):
            raise ValueError(FILE)
        if settings.language not in LANGUAGES or settings.segment < 0:
            raise ValueError(FILE)
        if settings.theme not in THEMES:  # a look that only a newer version has is no damage
            settings = settings.with_theme(THEMES[0])
    except FileNotFoundError as error:
        sentence = _("There is no station in {folder} yet. Please run: kiosk init").format(folder=folder)
        raise NotSetUp(sentence) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecordError) as error:
        raise SettingsError(_("The file {file} cannot be read.").format(file=folder / FILE)) from error
    return settings


def in_the_way(folder: Path) -> list[str]:
    """What stands in the place of a folder of the kiosk and is none, or of its lock and is no file."""
    found = [name for name in FOLDERS if os.path.lexists(folder / name) and not (folder / name).is_dir()]
    lock = folder / LOCK
    return [*found, LOCK] if os.path.lexists(lock) and not lock.is_file() else found


def default_folder() -> Path:
    """The data folder when none is named: `KIOSK_DATA`, or the platform's folder for a user's data."""
    from platformdirs import user_data_path

    named = os.environ.get("KIOSK_DATA")
    return Path(named) if named else user_data_path("kiosk", appauthor=False)
