"""Takes objects out of sealed segments, once a `forgotten` record says so: the only rewrite of a sealed file.

Hashes, chain and file names do not cover the objects themselves, and stay true. A mark in the data folder says that
something may still have to be taken out, so that the next start finishes what a kill has interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kiosk.canonical import canonical, is_as_written, parse_json, with_sum
from kiosk.durable import sync_folder, write_durably
from kiosk.errors import KioskError, RecordError
from kiosk.i18n import _
from kiosk.segments import Segment, objects, parse_segment
from kiosk.settings import IN_THE_WAY

MARK: Final = "forgetting"
REWRITTEN: Final = "rewritten.json"
"""The names of segments that were rewritten, in order, each as often as it was: what was published is replaced, too."""


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


def take_out(folder: Path, segments: Sequence[Segment], sound: Sequence[Segment]) -> dict[Path, Segment]:
    """Rewrites the sealed segments that hold what must not be there any more; returns them as they are now.

    Args:
        folder: the data folder.
        segments: the whole log as far as it can be read, in its order; nothing that is open must hold any of it.
        sound: those of them that are as they were written; only their word counts.

    Raises:
        OSError: if a file could not be rewritten. Those before it are; the next call goes on.
        KioskError: if what would be written were not the same segment without the objects. Nothing is lost then.
    """
    left: dict[Path, list[tuple[int, str]]] = {}
    for segment, place, record, name, covered in objects(segments, {each.path for each in sound}):
        if covered and record.get(name) is not None:
            left.setdefault(segment.path, []).append((place, name))
    if left:
        _note_rewritten(folder, [segment.path.name for segment in segments if segment.path in left])
    done = {}
    for segment in segments:
        if segment.path not in left:
            continue
        tables = parse_json(segment.path.read_bytes())
        for place, name in left[segment.path]:
            del tables["records"][str(place)][name]
        content = json.dumps(tables, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        less = parse_segment(segment.path, content)
        if less.hash != segment.hash:
            raise KioskError(_("The file {file} is not what it was.").format(file=segment.path.name))
        write_durably(segment.path, content, folder / "tmp")
        done[segment.path] = less
    return done


def rewritten(folder: Path) -> list[str]:
    """The names of segments that were rewritten since the station was set up, or are about to be; none if unknown."""
    try:
        found = parse_json((folder / REWRITTEN).read_bytes())
        return [str(name) for name in found["names"]] if is_as_written(found) else []
    except (OSError, ValueError, KeyError, TypeError, RecordError):
        return []


def _note_rewritten(folder: Path, names: Sequence[str]) -> None:
    # Before the first is: a kill in between must not leave one published as it was.
    content = canonical(with_sum({"names": [*rewritten(folder), *names]}))
    write_durably(folder / REWRITTEN, content, folder / "tmp")


def left_to_people(folder: Path) -> list[str]:
    """Files in the data folder that no program may change and that may still tell of somebody: a person sees to them.

    Damaged ones that were set aside, of which a piece may name anybody, and whatever was exported.
    """
    places = ("set-aside/*", "exports/*", f"{IN_THE_WAY}*")
    return [str(path.relative_to(folder)) for place in places for path in sorted(folder.glob(place))]
