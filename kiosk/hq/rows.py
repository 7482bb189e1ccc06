"""A segment that was checked, and its records as rows of the database. It checks nothing itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from kiosk.errors import RecordError
from kiosk.hq.database import CLOCK, EPOCH, FORGETTING, REVOKING
from kiosk.i18n import _
from kiosk.published import Refused
from kiosk.records import moment, service_day

_EARLIEST, _LATEST = 20000101, 21001231
"""Days outside which nothing has happened: a clock that has lost the time is noticed at the station."""

Row = tuple[int, int, str, str | None, str | None, str | None, str]
"""A record: seq, day, type, about, visit, who, document; as the columns of the table `records`."""


class Opened(Struct, frozen=True):
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


def opened(
    header: Mapping[str, Any],
    *,
    spelled: bytes,
    number: int | None,
    hash_: str,
    key: bytes | None,
    hashes: Iterable[str],
    rows: Sequence[Row],
    noted: Sequence[Mapping[str, Any]],
) -> Opened:
    """What was checked, put together.

    Args:
        header: the segment's header.
        spelled: the same as canonical JSON.
        number: its own, as in `Opened`.
        hash_: the segment's.
        key: the public key under which it was signed.
        hashes: those of the records, in hex.
        rows: the records.
        noted: the details of the station's notes, in their order.
    """
    return Opened(
        station=header["station"],
        epoch=header["epoch"],
        number=number,
        hash=hash_,
        first_seq=header["first_seq"],
        prev=header["prev"],
        header=spelled.decode(),
        key=key,
        hashes=bytes.fromhex("".join(hashes)),
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


def row_of(record: Any, said: Callable[[Any, str], Any], *, text: str, hashed: bool, who: str | None) -> Row:
    """A record as the columns of the table `records`.

    Args:
        record: the record, in whatever shape.
        said: gives what it says under a name.
        text: its JSON.
        hashed: whether it has, or had, something personal or about health.
        who: of a registration, by what the same person is found.

    Raises:
        Refused: `unreadable`, if one of its times is of a day that cannot be, or a text by which it is found holds
            U+0000.
    """
    type_, when, at, visit = said(record, "type"), said(record, "occurred"), said(record, "at"), None
    if type_ in _APART:
        if type_ == "station_noted":
            visit = {"clock_changed": CLOCK, "new_epoch": EPOCH}.get(said(record, "note"))
        elif type_ in _MARKED:
            visit = _MARKED[type_]
        elif type_ != "checked_out" or said(record, "late"):
            visit = said(record, "visit")
        if type_ == "corrected":
            when = _right_time(said(record, "changes")) or when
    day = day_number(when)
    if not (_EARLIEST <= day <= _LATEST and (at == when or _EARLIEST <= day_number(at) <= _LATEST)):
        raise Refused("unreadable", _("record {seq}: a time that cannot be.").format(seq=said(record, "seq")))
    about = said(record, "volunteer") if hashed or type_ == "checked_in" else None
    for value in (type_, about, visit):
        if value is not None and "\0" in value:  # PostgreSQL's texts cannot hold it, and no station writes it
            raise Refused("unreadable", _("record {seq}: a character that cannot be.").format(seq=said(record, "seq")))
    return (said(record, "seq"), day, type_, about, visit, who, text)


_MARKED: Final = {"forgotten": FORGETTING, "badge_revoked": REVOKING}
_APART: Final = frozenset(("corrected", "voided", "checked_out", "station_noted", *_MARKED))


def _right_time(changes: Mapping[str, Any]) -> str | None:
    try:
        right: str = changes["occurred"][1]
        moment(right)
        return right
    except (KeyError, IndexError, TypeError, RecordError):
        return None


_AS_WRITTEN: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.*\+08:00\Z")
"""As stations write it; ISO 8601 knows other ways."""


def day_number(when: str) -> int:
    """The service day of a record's time as a number such as 20211201."""
    if _AS_WRITTEN.match(when):
        return int(when[:4] + when[5:7] + when[8:10])
    day = service_day(moment(when))
    return day.year * 10000 + day.month * 100 + day.day


def who(name: str | None, phone_masked: str) -> str | None:
    """By what the same person under another number is found: name and masked phone; None without a name."""
    return json.dumps([name, phone_masked], ensure_ascii=False) if name else None


def who_in(personal: Mapping[str, Any] | None) -> str | None:
    """The same, from what a record holds about a person."""
    return who(personal.get("name"), personal.get("phone_masked", "")) if personal else None
