r"""Whether a segment's file is as stations write it and nothing is wrong with it, found out in one look.

It comes to the same as `opening.carefully` in a small part of the time, or says nothing. What makes it short: the
canonical spelling of a JSON value is the shortest there is (no space, nothing escaped that need not be, no name twice),
so that a text which is as long as its value's canonical spelling differs from it in the order of names at most. Only
`\u001F` is as long as `\u001f`: what holds such an escape is looked at closely.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from kiosk.canonical import LARGEST, canonical, parse_json
from kiosk.errors import RecordError
from kiosk.hq.rows import Opened, Row, opened, row_of, who
from kiosk.published import OBJECT
from kiosk.records import AGREED, COMMON, FORMAT_VERSION, HEALTH, OBJECTS, OPTIONAL, PERSONAL, TYPES, segment_hash
from kiosk.segments import HEADER


def at_a_glance(path: Path, content: bytes, key: bytes | None) -> Opened | None:
    """The segment in a TinyDB file; None where somebody has to look closer.

    Args:
        path: the file: of a sealed one the name says number and hash.
        content: the file.
        key: the public key under which it was signed, if it was.

    Raises:
        Refused: `unreadable`, if a record is of a day that cannot be.
    """
    try:
        if b"\\u" in content:
            return None
        file = _file(content)
        (spelled_header,) = file.segment.values()
        header = parse_json(bytes(spelled_header))
        spelled = canonical(header)
        if len(spelled) != len(spelled_header) or not file.records or len(content) != _length(file):
            return None
        if [*file.segment] != ["1"] or [*file.records] != [str(number + 1) for number in range(len(file.records))]:
            return None
        if header["format"] != FORMAT_VERSION or any(type(header[name]) is not kind for name, kind in HEADER.items()):
            return None
        hashes: list[str] = []
        rows: list[Row] = []
        noted: list[Mapping[str, Any]] = []
        for seq, spelled_record in enumerate(file.records.values(), start=header["first_seq"]):
            text = bytes(spelled_record)
            record = _record(text)
            if record is None or record.seq != seq:
                return None
            if record.station != header["station"] or record.epoch != header["epoch"]:
                return None
            if hashes and record.prev != hashes[-1]:
                return None
            hashes.append(record.hash)
            rows.append(_row(record, text))
            if record.type == "station_noted":
                noted.append(record.details)
        hash_ = segment_hash(hashes, header)
    except (msgspec.DecodeError, ValueError, KeyError, TypeError, AttributeError, RecursionError, RecordError):
        return None
    sealed = OBJECT.fullmatch(path.name.removesuffix(".json"))
    if sealed and sealed[2] != hash_:
        return None
    number = int(sealed[1]) if sealed else None
    return opened(header, spelled=spelled, number=number, hash_=hash_, key=key, hashes=hashes, rows=rows, noted=noted)


# --- the file -------------------------------------------------------------------------------------------------------


class _File(msgspec.Struct, forbid_unknown_fields=True):
    segment: dict[str, msgspec.Raw]
    records: dict[str, msgspec.Raw]


_file: Final = msgspec.json.Decoder(_File).decode


def _length(file: _File) -> int:
    """How long a file with these tables is at least, in bytes."""
    tables = (file.segment, file.records)
    return len('{"segment":{},"records":{}}') + sum(
        sum(len(name) + len('"":') + len(value) for name, value in table.items()) + len(table) - 1 for table in tables
    )


# --- a record -------------------------------------------------------------------------------------------------------

_Whole = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
_Leaf = str | bool | _Whole | None
_KINDS: Final[Mapping[str, Any]] = {
    "text": str,
    "int": _Whole,
    "bool": bool,
    "list": list[_Leaf],
    "object": dict[str, _Leaf | list[_Leaf] | dict[str, _Leaf]],
}
"""What goes the fast way; a record that nests deeper is looked at closely."""


def _struct(name: str, needed: Mapping[str, Any], possible: Mapping[str, Any]) -> type[msgspec.Struct]:
    """A structure of fields in the canonical order, each a kind of the format's tables or a type."""

    def type_(kind: Any) -> Any:
        if not isinstance(kind, str):
            return kind
        return _KINDS[kind[:-1]] | None if kind.endswith("?") else _KINDS[kind]

    fields: list[Any] = [
        (field, type_(needed[field])) if field in needed else (field, type_(possible[field]) | UnsetType, UNSET)
        for field in sorted({**needed, **possible})
    ]
    return msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)


_PARTS: Final = {"agreed": list[_struct("Agreed", AGREED, {})], "objects": list[str]}  # type: ignore[misc] # made at run time
_APART: Final = {"personal": _struct("Personal", {}, PERSONAL), "health": _struct("Health", {}, HEALTH)}


def _decoders() -> Iterator[tuple[bytes, Any]]:
    for type_, fields in TYPES.items():
        own = {name: _PARTS.get(name, kind) for name, kind in fields.items()}
        needed = {**COMMON, **own, "type": Literal[type_], "hash": str | UnsetType}
        yield type_.encode(), msgspec.json.Decoder(_struct(type_, needed, {**OPTIONAL, **_APART})).decode


_DECODERS: Final = dict(_decoders())
_spelled: Final = msgspec.json.Encoder(order="deterministic").encode


def _record(text: bytes) -> Any:
    """The record in `text`, if its form, its spelling, its times and its hashes are as they must be; else None."""
    start = text.find(b'"type":"') + 8
    record = _DECODERS[text[start : text.find(b'"', start)]](text)
    covered = record.__copy__()
    covered.hash = UNSET
    length = len('"hash":"",') + len(record.hash)
    for name in OBJECTS:
        if (apart := getattr(record, name)) is not UNSET:
            spelled = _spelled(apart)
            if _sha256(spelled) != getattr(record, f"{name}_hash"):
                return None
            setattr(covered, name, UNSET)
            length += len(f'"{name}":,') + len(spelled)
    if record.personal is not UNSET and record.personal.ages_out is not UNSET:
        date.fromisoformat(record.personal.ages_out)
    spelled = _spelled(covered)
    if length + len(spelled) != len(text) or _sha256(spelled) != record.hash:
        return None
    return record if _is_time(record.at) and (record.occurred == record.at or _is_time(record.occurred)) else None


def _is_time(text: str) -> bool:
    """Whether it is a time as stations write it."""
    datetime.fromisoformat(text)
    return text[-6:] == "+08:00"


def _sha256(spelled: bytes) -> str:
    return hashlib.sha256(spelled).hexdigest()


def _row(record: Any, text: bytes) -> Row:
    named = None
    if record.type == "registered" and record.personal is not UNSET:
        personal = record.personal
        named = who(personal.name or None, "" if personal.phone_masked is UNSET else personal.phone_masked)
    hashed = record.personal_hash is not UNSET or record.health_hash is not UNSET
    return row_of(record, getattr, text=text.decode(), hashed=hashed, who=named)
