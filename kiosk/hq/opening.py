"""From bytes to a segment that can be believed: signature, hashes and chain are checked, nothing is decided.

Pure but for the key that opens what is encrypted, so that it runs in several processes at once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from kiosk.canonical import canonical
from kiosk.errors import RecordError
from kiosk.hq.database import CLOCK, EPOCH, FORGETTING, REVOKING
from kiosk.i18n import _
from kiosk.published import EPOCH as EPOCH_NAME
from kiosk.published import OBJECT, STATION, Refused, open_envelope
from kiosk.records import FORMAT_VERSION, OBJECTS, Json, is_well_formed, moment, segment_hash, service_day
from kiosk.segments import HEADER, NewerFormat, Unreadable, check_within, parse_segment, sealed_name

_EARLIEST, _LATEST = 20000101, 21001231
"""Days outside which nothing has happened: a clock that has lost the time is noticed at the station."""

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


# --- carefully ------------------------------------------------------------------------------------------------------


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
    return _opened(segment.header, documents, segment.number, segment.hash, key)


def _opened(
    header: Mapping[str, Any], documents: Sequence[Json], number: int | None, hash_: str, key: bytes | None
) -> Opened:
    rows = [row_of(document) for document in documents]
    for row, document in zip(rows, documents, strict=True):
        if not (_EARLIEST <= row[1] <= _LATEST and _EARLIEST <= day_number(document["at"]) <= _LATEST):
            raise Refused("unreadable", _("record {seq}: a time that cannot be.").format(seq=row[0]))
    noted = [document["details"] for document in documents if document["type"] == "station_noted"]
    return Opened(
        station=header["station"],
        epoch=header["epoch"],
        number=number,
        hash=hash_,
        first_seq=header["first_seq"],
        prev=header["prev"],
        header=canonical(header).decode(),
        key=key,
        hashes=bytes.fromhex("".join([document["hash"] for document in documents])),
        rows=rows,
        keys=tuple(key for details in noted if (key := _key(details)) is not None),
        place=next((place for details in reversed(noted) if (place := _place(details)) is not None), None),
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


# --- at a glance ----------------------------------------------------------------------------------------------------


_NO_WHOLE_NUMBER: Final = tuple(map(re.compile, (rb'":-?(?:\d+[.eE]|\d{16})', rb"\[-?\d", rb",-?\d")))
"""What may be a number that has no place in a record; it may be text, too. Each begins with what is found fast."""


def at_a_glance(path: Path, content: bytes, key: bytes | None) -> Opened | None:
    """The same, if the file is as stations write it and nothing is wrong with it; None says nothing.

    It comes to the same as `carefully`, which tests see to, and takes a small part of the time.
    """
    try:
        tables = orjson.loads(content)
        # No key twice, nothing spelled otherwise than a station does.
        if orjson.dumps(tables) != content or any(pattern.search(content) for pattern in _NO_WHOLE_NUMBER):
            return None
        (header,) = tables["segment"].values()
        records = tables["records"]
        names = [str(number + 1) for number in range(len(records))]
        if tables.keys() != {"segment", "records"} or [*tables["segment"]] != ["1"] or [*records] != names:
            return None
        if header["format"] != FORMAT_VERSION or any(type(header[name]) is not kind for name, kind in HEADER.items()):
            return None
        documents = [*records.values()]
        station, epoch, prev = header["station"], header["epoch"], None
        for seq, document in enumerate(documents, start=header["first_seq"]):
            if not is_well_formed(document) or not _holds(document):
                return None
            if document["seq"] != seq or document["station"] != station or document["epoch"] != epoch:
                return None
            if prev is not None and document["prev"] != prev:
                return None
            prev = document["hash"]
        hash_ = segment_hash([document["hash"] for document in documents], header)
    except (ValueError, KeyError, TypeError, AttributeError, RecordError):
        return None
    sealed = OBJECT.fullmatch(path.name.removesuffix(".json"))
    if sealed and sealed[2] != hash_:
        return None
    return _opened(header, documents, int(sealed[1]) if sealed else None, hash_, key)


def _holds(document: dict[str, Any]) -> bool:
    """Whether the hashes of a record and of its objects are right."""
    covered = document.copy()
    for name in OBJECTS:
        if name in covered and _sha256(covered.pop(name)) != document[f"{name}_hash"]:
            return False
    hash_: str = covered.pop("hash")
    return _sha256(covered) == hash_


def _sha256(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


# --- rows -----------------------------------------------------------------------------------------------------------


def row_of(document: Json) -> Row:
    """A record as the columns of the table `records`."""
    type_, when, visit = document["type"], document["occurred"], None
    if type_ in _APART:
        if type_ == "station_noted":
            visit = {"clock_changed": CLOCK, "new_epoch": EPOCH}.get(document["note"])
        elif type_ in _MARKED:
            visit = _MARKED[type_]
        elif type_ != "checked_out" or document["late"]:
            visit = document["visit"]
        if type_ == "corrected":
            when = _right_time(document["changes"]) or when
    is_about = type_ == "checked_in" or "personal_hash" in document or "health_hash" in document
    return (
        document["seq"],
        day_number(when),
        type_,
        document["volunteer"] if is_about else None,
        visit,
        who(document.get("personal")) if type_ == "registered" else None,
        orjson.dumps(document).decode(),
    )


_MARKED: Final = {"forgotten": FORGETTING, "badge_revoked": REVOKING}
_APART: Final = frozenset(("corrected", "voided", "checked_out", "station_noted", *_MARKED))


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
    return json.dumps([personal["name"], personal.get("phone_masked", "")], ensure_ascii=False)


def is_segment_name(name: str) -> bool:
    """Whether an object lies where a station publishes a segment."""
    station, _slash, rest = name.partition("/")
    epoch, _slash, number = rest.partition("/")
    return bool(STATION.fullmatch(station) and EPOCH_NAME.fullmatch(epoch) and OBJECT.fullmatch(number))
