"""Damages any file of a whole station by chance; `python -m tests.faults.wholly --files 10000` does so for minutes.

Settings, keys, campaign, index and log are changed, cut short, emptied, deleted, swapped, or replaced by those of
another station or of a backup. Whoever comes is let in all the same and gets a badge that is good, nothing is believed
that nobody wrote, and what is gone is told.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from kiosk import audit, demo, setup
from kiosk.campaign_files import shipped
from kiosk.errors import KioskError
from kiosk.records import SHANGHAI
from kiosk.rules import Application
from kiosk.settings import FILE, NotSetUp, SettingsError, read_settings
from kiosk.station import Station
from tests import factories, plain
from tests.faults.damaging import Files, command_line, damaged
from tests.faults.script import Broken

_NOW: Final = datetime(2021, 12, 6, 10, 30, tzinfo=SHANGHAI)
_LATER: Final = _NOW + timedelta(hours=1)
_ELSEWHERE: Final = next(home.code for home in shipped().communities() if home.street != demo.COMMUNITY[:9])


@dataclass(frozen=True)
class Made:
    """A station's folder, what a backup took in the middle of the day, and another station's; and what stands in it."""

    files: Files
    older: Files
    foreign: Files
    people: Sequence[str]
    hashes: frozenset[str]


def _read(folder: Path) -> Files:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def _arrive(station: Station, number: int) -> str:
    application = Application(factories.applicant(number), factories.answers(station.campaign, station.today()), True)
    admission = station.check_in(application)
    if admission.volunteer is None or admission.code is None:
        raise Broken("somebody who may serve was turned away")
    if (known := station.recognise(admission.code)).person is None:
        raise Broken(f"the new badge is refused: {known.refused}")
    return admission.volunteer


def _known(station: Station, people: Sequence[str]) -> set[str]:
    """The hashes of the records that the station goes by."""
    return {record.hash for who in people for record in station.history.records_about(who)}


def make(folder: Path) -> Made:
    """Makes the station and the other one."""
    demo.make(folder / "mine", lambda: _NOW)
    older = _read(folder / "mine")
    station = Station(folder / "mine", clock=lambda: _NOW + timedelta(minutes=5))
    _arrive(station, 50)
    people = sorted(station.history.people)
    hashes = _known(station, people)
    station.close()
    foreign = folder / "foreign"
    made = setup.prepare(foreign, shipped(), station="S002001", community=_ELSEWHERE, clock=lambda: _NOW)
    setup.finish(foreign, made, clock=lambda: _NOW)
    station = Station(foreign, clock=lambda: _NOW)
    for number in range(70, 74):
        _arrive(station, number)
    station.close()
    return Made(_read(folder / "mine"), older, _read(foreign), people, frozenset(hashes))


def _changed(files: Files, made: Made) -> list[str]:
    return [name for name, content in made.files.items() if files.get(name) != content]


def _named(files: Files, made: Made, told: Set[str]) -> None:
    """Fails if a file that is not derived is damaged and no finding names it.

    An older one in its place may be good. The log says of the keys what they are, but not of the PIN whose it is.
    """
    seen = {files[name] for name in told & files.keys()}
    changed = _changed(files, made)
    passed_over = ["cache/", "tmp/", *(["keys/"] if any(name.startswith("records/") for name in changed) else [])]
    for name in changed:
        content = files.get(name)
        if name.startswith(tuple(passed_over)) or content is None or content in (made.older.get(name), *seen):
            continue
        if name == "keys/pin.json" and content == made.foreign[name]:
            continue
        if not _says_the_same(content, made.files[name]):
            raise Broken(f"{name} is damaged, and not named: {sorted(told)}")


def _says_the_same(content: bytes, whole: bytes) -> bool:
    """Whether a file was changed only in how its JSON is written."""
    try:
        return bool(json.loads(content) == json.loads(whole))
    except ValueError:
        return False


def _may_be_lost(files: Files, made: Made) -> bool:
    """Whether the log may not say what a station is made again from: a file of it is damaged, and another file, too."""
    changed = _changed(files, made)
    beside = [name for name in changed if name == FILE or name.startswith(("keys/", "campaign/"))]
    return bool(beside) and any(name.startswith("records/") for name in changed)


def look(data: Path, made: Made) -> str:
    """Looks at the damaged folder, opens the station and lets somebody in; returns what became of it.

    Raises:
        Broken: if a promise does not hold.
    """
    before, files = plain.fingerprint(data), _read(data)
    foreign = files.get(FILE) == made.foreign[FILE]
    if foreign and any(name.startswith(("records/", "keys/")) for name in _changed(files, made)):
        return "the settings of another station"  # what could tell them from its own is damaged, too
    believed_settings = _believed(data) and not foreign
    findings = audit.verify(data)
    if plain.fingerprint(data) != before:
        raise Broken("looking has changed something")
    _named(files, made, {finding.file for finding in findings})
    try:
        station = Station(data, clock=lambda: _LATER)
    except KioskError as error:
        if not _may_be_lost(files, made):
            raise Broken(f"the station does not open: {error!r}") from error
        return "nothing left to begin with"
    try:
        station.examine(after=0, pause=0)  # as it does by itself soon after a start
        if set(station.history.people) - set(made.people):
            raise Broken("somebody who never came is known")
        where = station.settings
        if (where.station, where.street, where.community) != (demo.STATION, demo.COMMUNITY[:9], demo.COMMUNITY):
            raise Broken(f"it takes itself for {where}")
        believed = _known(station, made.people)
        if forged := believed - made.hashes:
            raise Broken(f"{len(forged)} records that nobody wrote are believed")
        if made.hashes - believed and not (findings and station.damage):
            raise Broken("records are gone, and nobody is told")
        try:
            new = _arrive(station, 60)
        except KioskError as error:
            if not _may_be_lost(files, made):
                raise Broken(f"nobody is let in: {error!r}") from error
            return "nothing left to seal to"
        told, aside = bool(station.damage), list(station.set_aside)
    finally:
        station.close()
    grown = {FILE} if believed_settings else set()
    if "open.json" not in aside:
        grown.add("records/open.json")
    _keeps(files, _read(data), grown)
    again = Station(data, clock=lambda: _LATER)
    try:
        if again.recognise(new).person is None:
            raise Broken("whoever came is forgotten")
        if believed - _known(again, made.people):
            raise Broken("records are gone that were there when it was opened")
        if again._store.set_aside:
            raise Broken("the next start sets something more aside")
    finally:
        again.close()
    return "told" if told else "told by verify" if findings else "no harm done"


def _believed(data: Path) -> bool:
    try:
        read_settings(data, unchanged=True)
    except (NotSetUp, SettingsError):
        return False
    return True


def _keeps(files: Files, left: Files, grown: Set[str]) -> None:
    """Fails if a file is gone; `grown` are those that are written anew, since nothing is wrong with them."""
    there = set(left.values())
    for name, content in files.items():
        if not (name.startswith(("cache/", "tmp/")) or name in grown or content in there):
            raise Broken(f"{name} was not kept as it was")


def damage(folder: Path, count: int, seed: int) -> Counter[str]:
    """Damages so many stations and looks at each; returns what became of them.

    Raises:
        Broken: with the seed of the one that breaks a promise.
    """
    made, found = make(folder), Counter[str]()
    for number in range(count):
        chance, data = random.Random(f"{seed} {number}"), folder / "damaged"
        _write(data, made.files)
        Station(data, clock=lambda: _LATER).close()  # the index learns what these files are
        now = _read(data)
        files = damaged(chance, now, made.foreign, made.older)
        _write(data, {name: content for name, content in files.items() if now.get(name) != content})
        for name in now.keys() - files.keys():
            (data / name).unlink()
        try:
            found[look(data, made)] += 1
        except Exception as error:
            changed = sorted(name for name in now.keys() | files.keys() if files.get(name) != now.get(name))
            raise Broken(f"seed {seed}, number {number}, {changed}: {error!r}") from error
        shutil.rmtree(data)
    return found


def _write(data: Path, files: Files) -> None:
    for name, content in files.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)


if __name__ == "__main__":
    sys.exit(command_line(damage, "stations", 10_000, __doc__))
