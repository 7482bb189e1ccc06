"""What the station has noted about itself and its lead has not been told yet: damage, and jumps of the clock.

A notice on the welcome page must not end with a power cut. What the lead has seen, when they came in by their PIN, is
kept in `cache/`: where it is lost, everything is told once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from kiosk.canonical import digest, parse_json
from kiosk.clock import Jump
from kiosk.durable import write_durably
from kiosk.errors import RecordError
from kiosk.i18n import _
from kiosk.records import moment
from kiosk.segments import Finding
from kiosk.settings import FILE

TOLD: Final = "cache/told.json"


def since_told(folder: Path, notes: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Those of the station's notes about itself, given in the order of the log, that the lead has not been told of."""
    with suppress(OSError, ValueError, RecordError, KeyError, TypeError):
        told = parse_json((folder / TOLD).read_bytes())
        # Damage may take notes away, and others come: what was told is known by its last note, not by a number alone.
        if type(told["notes"]) is int and told == _told(notes[: told["notes"]]):
            return notes[told["notes"] :]
    return notes


def keep_told(folder: Path, notes: Sequence[Mapping[str, Any]]) -> None:
    """Keeps that the lead has been told of these notes; on a full disk they are told again after the next start."""
    with suppress(OSError, RecordError):
        write_durably(folder / TOLD, json.dumps(_told(notes)).encode(), folder / "tmp")


def _told(notes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"notes": len(notes), "last": digest(dict(notes[-1])) if notes else ""}


def damage(notes: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """What these notes say of files that were damaged or gone, and of epochs that could not be continued.

    A note that says something else under these names says nothing here.
    """
    for details in notes:
        yield from map(was_set_aside, _names(details.get("set_aside")))
        yield from map(was_renewed, _names(details.get("files")))
        if "missing" in details:
            yield was_gone(details["missing"], details.get("epoch", "?"))
        elif "last_seq" in details and not details.get("set_aside"):
            sentence = _("Epoch {epoch} could not be continued after record {last}.")
            yield Finding("records", None, sentence.format(epoch=details.get("epoch", "?"), last=details["last_seq"]))


def _names(told: object) -> list[str]:
    return [name for name in told if isinstance(name, str)] if isinstance(told, list | tuple) else []


def was_set_aside(name: str) -> Finding:
    """A file that could not be read."""
    return Finding(name, None, _("The file could not be read and was set aside; please hand it to headquarters."))


def was_renewed(name: str) -> Finding:
    """A file, of the keys or the settings, in whose place there is another."""
    problem = _("The file is not what it was, and the station goes on with another; please tell headquarters.")
    return Finding(name if name == FILE else f"keys/{name}", None, problem)


def was_gone(number: object, epoch: object) -> Finding:
    """A segment that is not there any more."""
    problem = _("Segment {number} of epoch {epoch} was gone, and what it held is not here.")
    return Finding("records", None, problem.format(number=number, epoch=epoch))


def jump(notes: Iterable[Mapping[str, Any]]) -> Jump | None:
    """The last jump of the clock that these notes tell of."""
    found = None
    for details in notes:
        with suppress(RecordError, KeyError, TypeError):
            found = Jump(moment(details["expected"]), moment(details["shown"]))
    return found
