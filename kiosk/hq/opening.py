"""From bytes to a segment that can be believed: signature, hashes and chain are checked, nothing is decided.

Pure but for the key that opens what is encrypted, so that it runs in several processes at once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from kiosk.canonical import canonical
from kiosk.errors import RecordError
from kiosk.hq.database import CLOCK, FORGETTING
from kiosk.i18n import _
from kiosk.published import OBJECT, STATION, Refused, open_envelope
from kiosk.records import APART, FORMAT_VERSION, OBJECTS, Record, moment, service_day
from kiosk.segments import HEADER, NewerFormat, Segment, Unreadable, check_within, parse_segment, sealed_name

Row = tuple[int, int, str, str | None, str | None, str | None, str]
"""A record: seq, day, type, about, visit, who, document; as the columns of the table `records`."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A segment whose content was checked.

    Attributes:
        station, epoch, number, hash, first_seq, prev: as its header and its name say; `number` is None for one that was
            not sealed yet.
        header: its header, as JSON.
        key: the public key under which it was signed; None for a plain TinyDB file.
        hashes: those of its records, 32 bytes each.
        rows: its records.
        keys: public keys of the station that its notes name.
        place: street and community, if a note says where the station is.
    """

    station: str
    epoch: str
    number: int | None
    hash: str
    first_seq: int
    prev: str
    header: str
    key: bytes | None
    hashes: bytes
    rows: Sequence[Row]
    keys: tuple[bytes, ...]
    place: tuple[str, str] | None


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
    segment = _at_a_glance(path, file)
    if segment is not None and (segment.header["station"], segment.epoch) == (envelope.station, envelope.epoch):
        return _opened(segment, envelope.key)
    segment = _parsed(path, file)
    if (segment.header["station"], segment.epoch) != (envelope.station, envelope.epoch):
        raise Refused("foreign", _("It holds the segment of another station or epoch."))
    return _checked(segment, envelope.key)


def open_plain(path: Path, content: bytes) -> Opened:
    """The segment in a plain TinyDB file, as a station keeps it; nobody has signed it.

    Args:
        path: the file: of a sealed one the name says number and hash.
        content: the file.

    Raises:
        Refused: `unreadable`, `newer_format` or `bad_hash`.
    """
    segment = _parsed(path, content)
    if not STATION.fullmatch(str(segment.header["station"])):
        raise Refused("foreign", _("It belongs to no station."))
    return _checked(segment, None)


_NO_WHOLE_NUMBER: Final = tuple(map(re.compile, (rb'":-?(?:\d+[.eE]|\d{16})', rb"\[-?\d", rb",-?\d")))
"""What may be a number that has no place in a record; it may be text, too. Each begins with what is found fast."""


def _at_a_glance(path: Path, content: bytes) -> Segment | None:
    """The segment in `content`, if it is as stations write it and nothing is wrong with it; None says nothing.

    It comes to the same as `parse_segment` and `check_within`, a test sees to that, and takes a fifth of the time.
    """
    try:
        tables = orjson.loads(content)
        # No key twice, nothing spelled otherwise than a station does.
        if orjson.dumps(tables) != content or any(pattern.search(content) for pattern in _NO_WHOLE_NUMBER):
            return None
        (header,) = tables["segment"].values()
        documents = tables["records"]
        names = [str(number + 1) for number in range(len(documents))]
        if tables.keys() != {"segment", "records"} or [*tables["segment"]] != ["1"] or [*documents] != names:
            return None
        if header["format"] != FORMAT_VERSION or any(type(header[name]) is not kind for name, kind in HEADER.items()):
            return None
        records, prev = [], None
        for seq, document in enumerate(documents.values(), start=header["first_seq"]):
            record = Record.from_json(document)
            where = (record.station, record.epoch, record.seq)
            if where != (header["station"], header["epoch"], seq) or (prev is not None and record.prev != prev):
                return None
            if not _holds(document):
                return None
            prev = record.hash
            records.append(record)
    except (ValueError, KeyError, TypeError, AttributeError, RecordError):
        return None
    segment = Segment(path, header, tuple(records))
    return segment if path.name == sealed_name(segment.number or 0, segment.hash) else None


def _holds(document: dict[str, Any]) -> bool:
    """Whether the hashes of a record and of its objects are right."""
    for name in OBJECTS:
        if name in document and _sha256(document[name]) != document.get(f"{name}_hash"):
            return False
    covered = {name: value for name, value in document.items() if name not in APART}
    return bool(_sha256(covered) == document["hash"])


def _sha256(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _parsed(path: Path, content: bytes) -> Segment:
    try:
        return parse_segment(path, content)
    except NewerFormat as error:
        raise Refused("newer_format", str(error)) from error
    except Unreadable as error:
        raise Refused("unreadable", str(error)) from error


def _checked(segment: Segment, key: bytes | None) -> Opened:
    for finding in check_within(segment, segment.header["station"]):
        said = _("record {seq}").format(seq=finding.seq) if finding.seq is not None else _("file")
        raise Refused("bad_hash", f"{said}: {finding.problem}")
    return _opened(segment, key)


def _opened(segment: Segment, key: bytes | None) -> Opened:
    header = segment.header
    noted = [record for record in segment.records if record.type == "station_noted"]
    return Opened(
        station=header["station"],
        epoch=segment.epoch,
        number=segment.number,
        hash=segment.hash,
        first_seq=header["first_seq"],
        prev=header["prev"],
        header=canonical(header).decode(),
        key=key,
        hashes=b"".join(bytes.fromhex(record.hash) for record in segment.records),
        rows=[row_of(record) for record in segment.records],
        keys=tuple(key for record in noted if (key := _key(record["details"])) is not None),
        place=next((place for record in reversed(noted) if (place := _place(record["details"])) is not None), None),
    )


def _key(details: Mapping[str, Any]) -> bytes | None:
    try:
        key = bytes.fromhex(details["key"])
    except (KeyError, TypeError, ValueError):
        return None
    return key if len(key) == 32 else None


def _place(details: Mapping[str, Any]) -> tuple[str, str] | None:
    street, community = details.get("street"), details.get("community")
    return (street, community) if isinstance(street, str) and isinstance(community, str) else None


def row_of(record: Record) -> Row:
    """A record as the columns of the table `records`."""
    when, visit = record["occurred"], None
    if record.type in ("corrected", "voided") or (record.type == "checked_out" and record["late"]):
        visit = record["visit"]
        if record.type == "corrected":
            when = _right_time(record["changes"]) or when
    elif record.type == "station_noted" and record["note"] == "clock_changed":
        visit = CLOCK
    elif record.type == "forgotten":
        visit = FORGETTING
    is_about = record.type == "checked_in" or any(f"{name}_hash" in record.document for name in OBJECTS)
    return (
        record.seq,
        day_number(when),
        record.type,
        record.volunteer if is_about else None,
        visit,
        who(record.personal) if record.type == "registered" else None,
        orjson.dumps(record.document, option=orjson.OPT_SORT_KEYS).decode(),
    )


def _right_time(changes: Mapping[str, Any]) -> str | None:
    try:
        right: str = changes["occurred"][1]
        moment(right)
        return right
    except (KeyError, IndexError, TypeError, RecordError):
        return None


def day_number(when: str) -> int:
    """The service day of a record's time as a number such as 20211201."""
    if when.endswith("+08:00"):  # as stations write it
        return int(when[:4] + when[5:7] + when[8:10])
    day = service_day(moment(when))
    return day.year * 10000 + day.month * 100 + day.day


def who(personal: Mapping[str, Any] | None) -> str | None:
    """By what the same person under another number is found: name and masked phone."""
    if not personal or not personal.get("name"):
        return None
    return f"{personal['name']}\t{personal.get('phone_masked', '')}"


def is_sealed_name(name: str) -> bool:
    """Whether the last part of an object's name is that of a segment."""
    return bool(OBJECT.fullmatch(name.rpartition("/")[2]))
