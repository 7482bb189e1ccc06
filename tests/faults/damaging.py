"""Damages the files of a log by chance; `python -m tests.faults.damaging --files 100000` does so for minutes.

Each time one or several of: a byte changed, a piece cut out, doubled or zeroed, a file cut short, emptied, deleted,
swapped with another, replaced by one of another station or by an older one of a backup. What is found must be told and
nothing may be changed by looking; the store must open, keep nothing that nobody wrote, and write on.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

from kiosk import segments
from tests import plain
from tests.faults.script import STATION as MINE
from tests.faults.script import Broken, Station, Step, notes, run, small_and_quick, usual

Files = dict[str, bytes]
"""The files of a log, by their paths in the data folder."""
_LATER: Final = max(step.at for step in usual())


def _place(chance: random.Random, content: bytes) -> int:
    return chance.randrange(max(1, len(content)))


def _byte(chance: random.Random, content: bytes) -> bytes:
    at = _place(chance, content)
    return content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :] if content else content


def _digit(chance: random.Random, content: bytes) -> bytes:
    """Another digit in place of one: what stays JSON, and says something else."""
    places = [at for at, byte in enumerate(content) if chr(byte).isdigit()]
    if not places:
        return content
    at = chance.choice(places)
    return content[:at] + str((content[at] - 48 + chance.randrange(1, 10)) % 10).encode() + content[at + 1 :]


def _cut_out(chance: random.Random, content: bytes) -> bytes:
    at = _place(chance, content)
    return content[:at] + content[at + chance.randrange(1, 60) :]


def _double(chance: random.Random, content: bytes) -> bytes:
    at = _place(chance, content)
    return content[:at] + content[at : at + chance.randrange(1, 60)] + content[at:]


def _zero(chance: random.Random, content: bytes) -> bytes:
    at, length = _place(chance, content), chance.choice((1, 16, 512))
    return content[:at] + bytes(min(length, len(content) - at)) + content[at + length :]


def _short(chance: random.Random, content: bytes) -> bytes:
    return content[: _place(chance, content)]


_WITHIN: Final[tuple[Callable[[random.Random, bytes], bytes], ...]] = (
    *(_byte, _byte, _digit, _digit, _cut_out, _double, _zero, _short),
    lambda chance, content: b"",
)


def damaged(chance: random.Random, files: Files, foreign: Files, older: Files) -> Files:
    """The files after one to three kinds of damage."""
    found = dict(files)
    for _time in range(chance.choice((1, 1, 1, 2, 3))):
        name = chance.choice(sorted(found) or sorted(files))
        kind = chance.random()
        if kind < 0.7 and name in found:
            found[name] = chance.choice(_WITHIN)(chance, found[name])
        elif kind < 0.78:
            found.pop(name, None)
        elif kind < 0.86 and len(found) > 1:
            other = chance.choice(sorted(found))
            found[name], found[other] = found.get(other, b""), found.get(name, b"")
        elif kind < 0.93:
            found[name] = foreign[name if name in foreign and chance.random() < 0.5 else chance.choice(sorted(foreign))]
        else:
            old = chance.choice(sorted(older))
            found[old] = older[old]
    return found


def _read(folder: Path) -> Files:
    return {str(path.relative_to(folder)): path.read_bytes() for path in plain.segment_files(folder)}


def make(folder: Path, station: str = MINE) -> tuple[Files, Files]:
    """The files of a log of some segments, and those that a backup took in the middle of it."""
    steps = usual()
    made = Station(folder)
    made.set_up()
    half = len(steps) // 2
    run(folder, steps[:half], lambda step: None)
    older = _read(folder)
    run(folder, steps[half:], lambda step: None)
    if station != MINE:
        text = {name: content.replace(f'"{MINE}"'.encode(), f'"{station}"'.encode()) for name, content in older.items()}
        return text, text
    return _read(folder), older


def _records(folder: Path) -> Mapping[str, Any]:
    found, _findings = segments.check(folder, MINE)
    return {record.hash: dict(record.document) for segment in found for record in segment.records}


def _says_the_same(name: str, content: bytes, whole: bytes) -> bool:
    """Whether a file was changed only in how its JSON is written."""
    try:
        return segments.parse_segment(Path(name), content) == segments.parse_segment(Path(name), whole)
    except segments.Unreadable:
        return False


def _named(files: Files, whole: Files, older: Files, findings: Collection[segments.Finding]) -> None:
    """Fails if a file is damaged and no finding names it.

    The log cannot tell an open segment that is older from one that was never longer; `cache/newest.json` knows. What is
    there under two names is named once.
    """
    told = {finding.file for finding in findings}
    seen = {files[name] for name in told & files.keys()}
    for name, content in files.items():
        if content in seen or content == whole.get(name) or _says_the_same(name, content, whole.get(name, b"")):
            continue
        if name == f"records/{segments.OPEN}" and content in {*whole.values(), *older.values()}:
            continue
        raise Broken(f"{name} is damaged, and not named: {findings}")


def look(folder: Path, files: Files, whole: Mapping[str, Any], *, undamaged: Files, older: Files) -> str:
    """Lays the files out beside what else is in `folder`, looks at them and goes on writing; returns what was found.

    Args:
        folder: the data folder.
        files: the damaged files.
        whole: the records of the undamaged ones, by their hashes.
        undamaged: the files as they were.
        older: as a backup has them.

    Raises:
        Broken: if a promise does not hold.
    """
    for path in plain.segment_files(folder):
        path.unlink()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    before = plain.fingerprint(folder)
    findings = segments.verify(folder, MINE)
    if plain.fingerprint(folder) != before:
        raise Broken("looking has changed something")
    if not findings and _records(folder) != whole:
        # The newest segment may be gone without a trace in the log; the station's settings know of it.
        lost = set(whole) - set(_records(folder))
        if set(_records(folder)) - set(whole) or not lost:
            raise Broken("nothing is said of records that nobody wrote")
    if any(not finding.file or not finding.problem for finding in findings):
        raise Broken("a finding that says nothing")
    _named(files, undamaged, older, findings)
    station = Station(folder)
    store = station.open()
    try:
        accepted = {record.hash for segment in store.take_segments() for record in segment.records}
        aside = bool(store.set_aside) or store.missing is not None
        if accepted - set(whole):
            raise Broken("the store takes in records that nobody wrote")
        if set(whole) - accepted and not aside and not findings:
            raise Broken("records are gone, and nobody is told")
        station.do(Step("append", _LATER, notes(1, _LATER)))
    finally:
        station.close()
    left = set(_read(folder).values()) | {path.read_bytes() for path in (folder / "set-aside").iterdir()}
    sealed = {name: content for name, content in files.items() if "/sealed/" in name}
    for name, content in files.items() if "open.json" in store.set_aside else sealed.items():
        if content not in left:
            raise Broken(f"{name} was not kept as it was")
    if accepted - set(_records(folder)):
        raise Broken("records are gone that were there when it was opened")
    again = Station(folder)
    if again.open().set_aside:
        raise Broken("the next start sets something more aside")
    again.close()
    return "told" if findings else "told by the settings" if aside else "no harm done"


def damage(folder: Path, count: int, seed: int) -> Counter[str]:
    """Damages so many logs and looks at each; returns how many were told of in which way.

    Raises:
        Broken: with the seed of the one that breaks a promise.
    """
    files, older = make(folder / "mine")
    foreign, _ = make(folder / "foreign", station="S2")
    settings = (folder / "mine" / "station.json").read_bytes()
    whole, found = _records(folder / "mine"), Counter[str]()
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        data = folder / "damaged"
        for kept in ("records/sealed", "tmp", "set-aside"):
            (data / kept).mkdir(parents=True)
        (data / "station.json").write_bytes(settings)
        try:
            changed = damaged(chance, files, foreign, older)
            found[look(data, changed, whole, undamaged=files, older=older)] += 1
        except Exception as error:
            raise Broken(f"seed {seed}, number {number}: {error!r}") from error
        shutil.rmtree(data)
    return found


def command_line(damage: Callable[[Path, int, int], Counter[str]], what: str, count: int, about: str | None) -> int:
    """Damages so many logs or stations, and prints what became of them.

    Args:
        damage: does it, in a folder, so often, with a seed.
        what: is damaged.
        count: how many by default.
        about: what the module says of itself.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--files", type=int, default=count, help=f"how many damaged {what}")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    began = time.monotonic()
    with small_and_quick() as folder:
        found = damage(folder, options.files, options.seed)
    told = ", ".join(f"{number} {how}" for how, number in found.most_common())
    print(f"{found.total()} damaged {what} ({told}) in {time.monotonic() - began:.0f} s, all promises kept")
    return 0


if __name__ == "__main__":
    sys.exit(command_line(damage, "logs", 100_000, __doc__))
