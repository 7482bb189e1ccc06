"""Looks at a whole data folder: the log, the settings, the keys, the campaigns, and whether they fit together.

It takes no lock and changes nothing. What it finds is told by `kiosk verify`, and by every command that reads the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from kiosk.campaign_files import CAMPAIGNS, COPY, read_bundle
from kiosk.canonical import is_as_written, parse_json
from kiosk.errors import CampaignError, KioskError, RecordError
from kiosk.forgetting import REWRITTEN, rewritten
from kiosk.i18n import _
from kiosk.keys import MARKED, Keys
from kiosk.published import Receipt
from kiosk.segments import (
    OPEN,
    Finding,
    Segment,
    check,
    check_within,
    epochs_over,
    falls_short,
    named_station,
    names_an_ended_epoch,
    newest_number,
    objects,
    read_all,
    replaced_by_older,
)
from kiosk.settings import FILE, LOCK, NotSetUp, Settings, SettingsError, in_the_way, read_settings
from kiosk.trust import KeysError, are_host_keys, open_signed

RECEIPT: Final = "receipts/hq.json"
_MEMBERS: Final[Mapping[str, Mapping[str, type]]] = {
    "sync.json": {"url": str},
    "synced.json": {"at": str},
    "printer.json": {"kind": str, "target": str, "paper": str, "copies": int},
}
"""What stands in the small files that the kiosk keeps for itself beside the log."""


def read_log(folder: Path) -> tuple[list[Segment], list[Finding]]:
    """The log as far as it can be read, and what is wrong with it: then it may lack what somebody looks for.

    Raises:
        NotSetUp: if there is no station.
        SettingsError: if station.json cannot be read.
    """
    try:
        settings = read_settings(folder, unchanged=True)  # before the log: what it names is there by then
    except SettingsError:
        return _read_beside(folder, read_settings(folder))
    if (named := owner(folder, settings)) is not None:
        segments, found = check(folder, named)
        return segments, [Finding(FILE, None, of_another_station(named, settings.station)), *found]
    segments, found = check(folder, settings.station)
    return segments, [*found, *_gone(folder, settings, segments, found)]


def _read_beside(folder: Path, settings: Settings) -> tuple[list[Segment], list[Finding]]:
    """The same where the settings are not as they were written: what the log says goes before them."""
    segments, found = check(folder, station_of(read_all(folder)[0], settings.station))
    if not segments or settings.epoch in {segment.epoch for segment in segments}:
        found += _gone(folder, settings, segments, found)
    return segments, [Finding(FILE, None, _("The file is not as it was written.")), *found]


def owner(folder: Path, settings: Settings) -> str | None:
    """The station that a data folder is of, where the log and the keys agree on one and station.json names another.

    The keys decide whether the log is what belongs here: it says of them what they are. It must say where the station
    stands, too.
    """
    if named_station(folder) in (None, settings.station):
        return None
    segments, _found = read_all(folder)
    station = station_of(segments)
    if station == settings.station:
        return None
    told = list(notes(each for each in segments if not check_within(each, station)))
    noted, keys = keys_noted(told), Keys(folder / "keys", folder / "tmp")
    for name in ("station.key", "station.secret"):
        with suppress(KeysError, ValueError):
            if keys.marks([name]).items() <= noted.items() and any(
                {"street", "community"} <= each.keys() for each in told
            ):
                return station
    return None


def _station_named(folder: Path, segments: Sequence[Segment]) -> str:
    """The station that a data folder is of, as far as anything in it tells."""
    try:
        settings = read_settings(folder, unchanged=True)
    except (NotSetUp, SettingsError):
        return station_of(segments)
    return owner(folder, settings) or settings.station


def of_another_station(station: str, other: str) -> str:
    """What is said of a station.json that belongs elsewhere."""
    return _("The file is of station {other}; the log and the keys are of {station}.").format(
        station=station, other=other
    )


def station_of(segments: Iterable[Segment], otherwise: str = "") -> str:
    """The station that most segments are of: among them may be one of another."""
    named = Counter(str(segment.header["station"]) for segment in segments)
    return max(named, key=named.__getitem__, default=otherwise)


def verify(folder: Path) -> list[Finding]:
    """All that is wrong in a data folder.

    Raises:
        NotSetUp: if there is no station, and never was.
    """
    try:
        segments, found = read_log(folder)
    except (NotSetUp, SettingsError) as error:
        segments, unreadable = read_all(folder)
        if isinstance(error, NotSetUp) and not segments and not unreadable:
            raise
        problem = _("The file is missing.") if isinstance(error, NotSetUp) else _("The file cannot be read.")
        segments, found = check(folder, station_of(segments))
        found.insert(0, Finding(FILE, None, problem))
    mine = _station_named(folder, segments)
    noted = keys_noted(notes(each for each in segments if each.header["station"] == mine))
    for name, problem in Keys(folder / "keys", folder / "tmp").problems(noted):
        found.append(Finding(f"keys/{name}", None, problem))
    found += documents(folder)
    taken_out = (covered and record.get(name) is None for _s, _place, record, name, covered in objects(segments))
    if not (folder / REWRITTEN).exists() and any(taken_out):
        found.append(Finding(REWRITTEN, None, _("The file is missing.")))
    for name in in_the_way(folder):
        problem = _("Here should be a file.") if name == LOCK else _("Here should be a folder.")
        found.append(Finding(name, None, problem))
    return [*found, *_campaigns(folder, segments)]


def documents(folder: Path) -> Iterator[Finding]:
    """Files beside the log that are there and are not what they should be. None is in the way of the next record."""
    unreadable = _("The file cannot be read.")
    if rewritten(folder) is None:
        yield Finding(REWRITTEN, None, unreadable)
    checks: dict[str, Callable[[bytes], bool]] = {
        name: partial(_holds, members=members) for name, members in _MEMBERS.items()
    }
    checks["known_hosts"] = are_host_keys
    keys = Keys(folder / "keys", folder / "tmp")
    with suppress(KeysError):  # without headquarters' key nobody can tell; that it cannot be read is told elsewhere
        hq = keys.hq
        checks[COPY] = lambda content: bool(open_signed(CAMPAIGNS, content, hq))
        checks[RECEIPT] = lambda content: bool(Receipt.read(content, hq))
    for name, check_ in checks.items():
        try:
            whole = check_((folder / name).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, KioskError):
            whole = False
        if not whole:
            yield Finding(name, None, unreadable)


def _holds(content: bytes, members: Mapping[str, type]) -> bool:
    try:
        found = parse_json(content)
        return is_as_written(found, members) and all(type(found[name]) is kind for name, kind in members.items())
    except (ValueError, KeyError, TypeError, AttributeError, RecordError):
        return False


def keys_noted(told: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What these notes say last of the station's keys."""
    noted: dict[str, Any] = {}
    for details in told:
        noted |= {name: details[name] for name in MARKED.values() if name in details}
    return noted


def public_keys(told: Iterable[Mapping[str, Any]]) -> tuple[bytes, ...]:
    """All public keys that the station has had, as these notes say."""
    found: dict[bytes, None] = {}
    for details in told:
        with suppress(TypeError, ValueError):
            found[bytes.fromhex(details.get("key", ""))] = None
    return tuple(key for key in found if key)


def notes(segments: Iterable[Segment]) -> Iterator[Mapping[str, Any]]:
    """The details of all notes about the station itself, in the order of the log."""
    for segment in segments:
        for record in segment.records:
            if record.type == "station_noted":
                yield record["details"]


def _gone(folder: Path, settings: Settings, segments: Sequence[Segment], found: Sequence[Finding]) -> Iterator[Finding]:
    """What station.json names and nobody finds."""
    mine = [segment for segment in segments if segment.epoch == settings.epoch]
    reached = newest_number(mine, found)
    number = settings.segment
    files = {finding.file for finding in found}
    damaged = f"records/{OPEN}" in files or any(name.startswith(f"records/sealed/{number:06d}-") for name in files)
    if settings.epoch in epochs_over(segments) and settings.epoch in epochs_over(
        each for each in segments if not check_within(each, settings.station)
    ):
        yield Finding(FILE, None, names_an_ended_epoch(settings.epoch))
    elif reached < number and not damaged:
        sentence = _("Segment {number} of epoch {epoch} held records and is gone.")
        yield Finding("records", None, sentence.format(number=number, epoch=settings.epoch))
    elif mine and not damaged and (behind := falls_short(folder, settings.epoch, mine)):
        yield Finding("records", None, replaced_by_older(settings.epoch, *behind))
    elif not segments and not found:
        yield Finding("records", None, _("There is no record, not even that of the set-up."))
    elif not mine and not damaged and not any((folder / "set-aside").glob(f"{settings.epoch}-*")):
        # Right after files were set aside there is no record of the new epoch yet, and nothing else is wrong.
        sentence = _("No record is of the epoch {epoch}, which is named here.")
        yield Finding(FILE, None, sentence.format(epoch=settings.epoch))


def _campaigns(folder: Path, segments: Sequence[Segment]) -> Iterator[Finding]:
    """Bundles that cannot be read, or hold something else, or are gone although records were made under them."""
    stamped = {(r["campaign"], r["campaign_version"]) for segment in segments for r in segment.records}
    wanted = {f"{name}-{version}.json" for name, version in stamped}
    there = {path.name: path for path in (folder / "campaign").glob("*.json")}
    if not there and not wanted:
        yield Finding("campaign", None, _("There is no campaign."))
    for name in sorted(wanted | there.keys()):
        if name not in there:
            yield Finding(f"campaign/{name}", None, _("The file is missing, and records were made under it."))
            continue
        try:
            campaign = read_bundle(there[name])
        except CampaignError as error:
            yield Finding(f"campaign/{name}", None, str(error))
            continue
        if name != f"{campaign.id}-{campaign.version}.json":
            sentence = _("The file holds another campaign: {name}, version {version}.")
            yield Finding(f"campaign/{name}", None, sentence.format(name=campaign.id, version=campaign.version))
