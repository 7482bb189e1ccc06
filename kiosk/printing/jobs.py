"""A badge that waits to be printed, and its file. Nothing of a person is in it but the volunteer number.

The label is made when it is printed, by whoever owns the log. This module knows no printer.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from kiosk import canonical
from kiosk.durable import move_durably, sync_folder, unused, write_durably
from kiosk.errors import RecordError

SUFFIX: Final = ".json"
ASIDE: Final = ".unreadable"
STAGES: Final = ("waiting", "printing", "printed", "given_up")
"""How far a job has come; the last two are done with, and only their owner may not have been told."""
_LARGEST: Final = 10_000


class Job(Struct, frozen=True):
    """One badge to be printed.

    Attributes:
        id: a UUIDv7; an older job has a smaller one.
        volunteer: the volunteer number.
        serial: of the badge, counted by the volunteer's badges.
        added: when it was ordered, ISO 8601.
        copies: how many; 0 for as many as the printer is set to.
        reprint: whether a badge was printed before, and somebody wants it again.
        maybe_printed: whether the power may have gone while it was being printed.
    """

    id: str
    volunteer: str
    serial: int
    added: str
    copies: int = 0
    reprint: bool = False
    maybe_printed: bool = False


_KINDS: Final = {
    "id": str,
    "volunteer": str,
    "serial": int,
    "added": str,
    "copies": int,
    "reprint": bool,
    "maybe_printed": bool,
    "stage": str,
}


def new_id() -> str:
    """A new job's id; those of one process come in order."""
    from uuid_utils import uuid7

    return str(uuid7())


def path_of(folder: Path, job_id: str) -> Path:
    """The job's file."""
    return folder / f"{job_id}{SUFFIX}"


def write(folder: Path, temporary: Path, job: Job, stage: str) -> None:
    """Makes a job and its stage durable.

    Args:
        folder: of the jobs.
        temporary: for files in the making, on the same file system.
        job: the job.
        stage: one of `STAGES`.

    Raises:
        OSError: if that fails.
    """
    members: dict[str, object] = {name: getattr(job, name) for name in _KINDS if name != "stage"}
    content = json.dumps(canonical.with_sum({**members, "stage": stage}), indent=1).encode("ascii")
    write_durably(path_of(folder, job.id), content, temporary)


def remove(folder: Path, job_id: str) -> None:
    """Removes a job's file, durably.

    Raises:
        OSError: if that fails.
    """
    path_of(folder, job_id).unlink(missing_ok=True)
    sync_folder(folder)


def read_all(folder: Path) -> list[tuple[Job, str]]:
    """The jobs in a folder and their stages, oldest first.

    A file that cannot be read is renamed, so that somebody can look at it and the others are printed. A job that was
    being printed comes back as waiting, and `maybe_printed`.

    Args:
        folder: of the jobs; one that is not there has none.
    """
    found = []
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith("."))
    except OSError:
        return []
    for path in paths:
        try:
            job, stage = _read(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecordError):
            _set_aside(path)
            continue
        found.append((replace(job, maybe_printed=True), "waiting") if stage == "printing" else (job, stage))
    return found


def _read(path: Path) -> tuple[Job, str]:
    with path.open("rb") as file:
        content = file.read(_LARGEST)
    members: dict[str, Any] = canonical.parse_json(content)
    if not canonical.is_as_written(members):
        raise ValueError(path.name)
    # What a newer kiosk has added is no damage.
    if any(type(members[name]) is not kind for name, kind in _KINDS.items()):
        raise ValueError(path.name)
    if members["stage"] not in STAGES or path != path_of(path.parent, str(uuid.UUID(members["id"]))):
        raise ValueError(path.name)
    return Job(**{name: members[name] for name in _KINDS if name != "stage"}), members["stage"]


def _set_aside(path: Path) -> None:
    try:
        move_durably(path, unused(path.with_name(path.name + ASIDE)))
    except OSError:
        return  # it stays, and is passed over again at the next start


def set_aside(folder: Path) -> list[str]:
    """The names of the files that could not be read."""
    try:
        return sorted(path.name for path in folder.iterdir() if ASIDE in path.name)
    except OSError:
        return []
