"""Takes objects out of sealed segments, once a `forgotten` record says so: the only rewrite of a sealed file.

Hashes, chain and file names do not cover the objects themselves, and stay true. A mark in the data folder says that
something may still have to be taken out, so that the next start finishes what a kill has interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from kiosk.canonical import canonical, is_as_written, parse_json, with_sum
from kiosk.durable import sync_folder, write_durably
from kiosk.errors import KioskError, RecordError
from kiosk.i18n import _
from kiosk.segments import Segment, objects, parse_segment
from kiosk.settings import IN_THE_WAY

MARK: Final = "forgetting"
REWRITTEN: Final = "rewritten.json"


class Rewritten(Struct, frozen=True):
    """The segments that were rewritten, or are about to be: what was published of them is replaced, too.

    Attributes:
        names: their names, in order, each as often as it was.
        before: how many count as having been rewritten before them. A list that was made anew begins at a number that
            nobody has counted to, so that whoever has counted along the lost one looks at all of it.
    """

    names: tuple[str, ...] = ()
    before: int = 0

    @property
    def count(self) -> int:
        """How many there were."""
        return self.before + len(self.names)

    def since(self, count: int) -> set[str]:
        """Those after the first `count`; all of them where there were not so many."""
        return set(self.names[max(0, count - self.before) :] if count <= self.count else self.names)


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


def rewritten(folder: Path) -> Rewritten | None:
    """The segments that were rewritten since the station was set up; None if the file cannot be read."""
    try:
        found = parse_json((folder / REWRITTEN).read_bytes())
        names, before = found["names"], found.get("before", 0)
        whole = is_as_written(found, ("names",)) and type(before) is int and all(type(name) is str for name in names)
        return Rewritten(tuple(names), before) if whole else None
    except FileNotFoundError:
        return Rewritten()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecordError):
        return None


def lacking(segments: Sequence[Segment]) -> set[Path]:
    """The sealed segments out of which something was taken."""
    sealed = [segment for segment in segments if segment.number is not None]
    return {segment.path for segment, _place, record, name, _covered in objects(sealed) if record.get(name) is None}


def list_anew(folder: Path, segments: Sequence[Segment], entropy: Callable[[int], bytes]) -> None:
    """Makes the list of rewritten segments from what is no longer in them.

    Args:
        folder: the data folder.
        segments: the log as far as it can be read.
        entropy: gives n random bytes.

    Raises:
        OSError: if that fails.
    """
    gone = lacking(segments)
    names = tuple(segment.path.name for segment in segments if segment.path in gone)
    _write_list(folder, Rewritten(names, 1 + int.from_bytes(entropy(5), "big")))


def _note_rewritten(folder: Path, names: Sequence[str]) -> None:
    # Before the first is: a kill in between must not leave one published as it was.
    known = rewritten(folder)
    if known is None:
        raise KioskError(_("The file {file} cannot be read.").format(file=REWRITTEN))
    _write_list(folder, replace(known, names=(*known.names, *names)))


def _write_list(folder: Path, known: Rewritten) -> None:
    begins = {"before": known.before} if known.before else {}
    write_durably(folder / REWRITTEN, canonical(with_sum({"names": list(known.names), **begins})), folder / "tmp")


def left_to_people(folder: Path) -> list[str]:
    """Files in the data folder that no program may change and that may still tell of somebody: a person sees to them.

    Damaged ones that were set aside, of which a piece may name anybody, and whatever was exported.
    """
    places = ("set-aside/*", "exports/*", f"{IN_THE_WAY}*")
    return [str(path.relative_to(folder)) for place in places for path in sorted(folder.glob(place))]
