"""From bytes to a segment that can be believed: signature, hashes and chain are checked, nothing is decided.

Pure but for the key that opens what is encrypted, so that it runs in several processes at once.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import getitem
from pathlib import Path

import msgspec

from kiosk.canonical import canonical
from kiosk.hq.glance import at_a_glance
from kiosk.hq.rows import Opened, Row, opened, row_of, who_in
from kiosk.i18n import _
from kiosk.published import EPOCH as EPOCH_NAME
from kiosk.published import OBJECT, STATION, Refused, open_envelope
from kiosk.records import Json
from kiosk.segments import NewerFormat, Unreadable, check_within, parse_segment, sealed_name


def open_published(name: str, content: bytes, opener: Callable[[bytes], bytes] | None) -> Opened:
    """The segment in a published object.

    Args:
        name: the object's name below the URL, `<station>/<epoch>/<NNNNNN>-<hash>`.
        content: the object.
        opener: opens what is encrypted to headquarters.

    Raises:
        Refused: `foreign`, `unreadable`, `newer_format`, `bad_signature` or `bad_hash`.
    """
    envelope = open_envelope(content)
    if envelope.station != name.partition("/")[0]:
        sentence = _("It was signed as a segment of station {station}.")
        raise Refused("foreign", sentence.format(station=envelope.station))
    if envelope.name != name:
        raise Refused("bad_hash", _("It is another segment than its name says."))
    path = Path(sealed_name(envelope.number, envelope.hash))
    file = envelope.content(opener)
    found = at_a_glance(path, file, envelope.key) or carefully(path, file, envelope.key)
    if (found.station, found.epoch) != (envelope.station, envelope.epoch):
        raise Refused("foreign", _("It holds the segment of another station or epoch."))
    return found


def open_plain(path: Path, content: bytes) -> Opened:
    """The segment in a plain TinyDB file, as a station keeps it; nobody has signed it.

    Args:
        path: the file: of a sealed one the name says number and hash.
        content: the file.

    Raises:
        Refused: `unreadable`, `newer_format` or `bad_hash`.
    """
    found = at_a_glance(path, content, None) or carefully(path, content, None)
    if not STATION.fullmatch(found.station):
        raise Refused("foreign", _("It belongs to no station."))
    return found


def carefully(path: Path, content: bytes, key: bytes | None) -> Opened:
    """The segment in a TinyDB file.

    Raises:
        Refused: `unreadable`, `newer_format` or `bad_hash`, and what exactly is wrong.
    """
    try:
        segment = parse_segment(path, content)
    except NewerFormat as error:
        raise Refused("newer_format", str(error)) from error
    except Unreadable as error:
        raise Refused("unreadable", str(error)) from error
    for finding in check_within(segment, segment.header["station"]):
        said = _("record {seq}").format(seq=finding.seq) if finding.seq is not None else _("file")
        raise Refused("bad_hash", f"{said}: {finding.problem}")
    documents = [record.document for record in segment.records]
    return opened(
        segment.header,
        spelled=canonical(segment.header),
        number=segment.number,
        hash_=segment.hash,
        key=key,
        hashes=[document["hash"] for document in documents],
        rows=[_row(document) for document in documents],
        noted=[document["details"] for document in documents if document["type"] == "station_noted"],
    )


def _row(document: Json) -> Row:
    return row_of(
        document,
        getitem,
        text=msgspec.json.encode(document).decode(),
        hashed="personal_hash" in document or "health_hash" in document,
        who=who_in(document.get("personal")) if document["type"] == "registered" else None,
    )


def is_segment_name(name: str) -> bool:
    """Whether an object lies where a station publishes a segment."""
    station, _slash, rest = name.partition("/")
    epoch, _slash, number = rest.partition("/")
    return bool(STATION.fullmatch(station) and EPOCH_NAME.fullmatch(epoch) and OBJECT.fullmatch(number))
