"""Takes objects out of sealed segments, once a `forgotten` record says so: the only rewrite of a sealed file.

Hashes, chain and file names do not cover the objects themselves, and stay true. A mark in the data folder says that
something may still have to be taken out, so that the next start finishes what a kill has interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from kiosk.canonical import parse_json
from kiosk.durable import sync_folder, write_durably
from kiosk.errors import KioskError
from kiosk.i18n import _
from kiosk.records import Record
from kiosk.segments import Forgotten, Segment, parse_segment

MARK: Final = "forgetting"
OBJECTS: Final = ("personal", "health")
"""What can be taken out of a record."""


def begin(folder: Path) -> None:
    """Makes the mark durable, before the record is.

    Raises:
        OSError: if that fails.
    """
    write_durably(folder / MARK, b"", folder / "tmp")


def is_begun(folder: Path) -> bool:
    """Whether something may still have to be taken out."""
    return (folder / MARK).exists()


def end(folder: Path) -> None:
    """Takes the mark away.

    Raises:
        OSError: if that fails.
    """
    (folder / MARK).unlink(missing_ok=True)
    sync_folder(folder)


def left_over(segments: Sequence[Segment], sound: Sequence[Segment]) -> Iterable[tuple[Segment, list[tuple[int, str]]]]:
    """Sealed segments that still hold what a later record says was taken out: the places and names of the objects.

    Args:
        segments: the whole log as far as it can be read, in its order.
        sound: those of them that are as they were written; only their word counts.
    """
    forgotten, believed = Forgotten(), {segment.path for segment in sound}
    for segment in reversed(segments):
        found = []
        for place, record in reversed(list(enumerate(segment.records, start=1))):
            if segment.path in believed:
                forgotten.take(record)
            found += [(place, name) for name in OBJECTS if _holds(record, name) and forgotten.covers(record, name)]
        if found:
            yield segment, found


def _holds(record: Record, name: str) -> bool:
    return record.document.get(name) is not None


def take_out(folder: Path, segments: Sequence[Segment], sound: Sequence[Segment]) -> int:
    """Rewrites the sealed segments that hold what must not be there any more; returns how many objects went.

    Args:
        folder: the data folder.
        segments: the whole log as far as it can be read, in its order; nothing that is open must hold any of it.
        sound: those of them that are as they were written.

    Raises:
        OSError: if a file could not be rewritten. Those before it are; the next call goes on.
        KioskError: if what would be written were not the same segment without the objects. Nothing is lost then.
    """
    count = 0
    for segment, objects in left_over(segments, sound):
        tables = parse_json(segment.path.read_bytes())
        for place, name in objects:
            del tables["records"][str(place)][name]
        content = json.dumps(tables, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        if parse_segment(segment.path, content).hash != segment.hash:
            raise KioskError(_("The file {file} is not what it was.").format(file=segment.path.name))
        write_durably(segment.path, content, folder / "tmp")
        count += len(objects)
    return count


def left_to_people(folder: Path) -> list[str]:
    """Files in the data folder that no program may change and that may still tell of somebody: a person sees to them.

    Damaged ones that were set aside, of which a piece may name anybody, and whatever was exported.
    """
    places = ("set-aside", "exports")
    return [f"{place}/{path.name}" for place in places for path in sorted((folder / place).glob("*"))]
