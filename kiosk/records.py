"""The record types and their JSON form: identity, hashes, times, and the volunteer number.

Everything here is pure but for the minting of ids. It must not know of files, TinyDB, keys or screens. The form is
described for other readers in docs/format.md; a test holds the two together.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from msgspec import Struct, field

from kiosk.canonical import canonical as canonical  # noqa: PLC0414 - handed on, as part of a record's form
from kiosk.canonical import digest as digest  # noqa: PLC0414
from kiosk.canonical import parse_json
from kiosk.errors import RecordError
from kiosk.i18n import _

FORMAT_VERSION: Final = 1
ZEROS: Final = "0" * 64
# China has kept UTC+8 without daylight saving since September 1991, before any day that the kiosk records.
SHANGHAI: Final = timezone(timedelta(hours=8), "Asia/Shanghai")

Json = Mapping[str, Any]


def timestamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds and the offset of Asia/Shanghai.

    Raises:
        ValueError: if `moment` is naive.
    """
    if moment.tzinfo is None:
        raise ValueError("naive time")
    return moment.astimezone(SHANGHAI).isoformat(timespec="milliseconds")


def moment(text: str) -> datetime:
    """The aware time that `text` (ISO 8601 with offset) stands for, in Asia/Shanghai.

    Raises:
        RecordError: if `text` is no such time.
    """
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            raise ValueError(text)
        return parsed.astimezone(SHANGHAI)
    except (TypeError, ValueError, OverflowError) as error:
        raise RecordError(_("A record holds a time that is not ISO 8601 with an offset.")) from error


def service_day(when: datetime) -> date:
    """The calendar day in Asia/Shanghai."""
    return when.astimezone(SHANGHAI).date()


def new_id() -> str:
    """A UUIDv7 (RFC 9562): unique without asking anybody, and sorting by time of minting."""
    from uuid_utils import uuid7

    return str(uuid7())


# --- the volunteer number -------------------------------------------------------------------------------------------

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""31 letters and digits without look-alikes; 31 is prime, which makes the check character catch what it must."""

_NUMBER_LENGTH: Final = 10
_UNLUCKY: Final = (
    *("44", "74", "38", "SB", "TMD", "CNM", "NMS", "GUN", "FUC", "FUK", "FCK", "SEX", "ASS", "XXX", "KKK", "CUNT"),
    *("SHT", "CRAP", "RAPE", "DEAD", "DAMN", "HATE", "DUMB", "NAZ", "FAG", "GAY", "TURD"),
)
"""Read aloud or at a glance: death, go and die, shrew; abuse in pinyin, its initials, and English."""


def _weighted_sum(characters: str) -> int:
    # Weights 10..1, all different and none divisible by 31: every single wrong character and every swap of two
    # different characters changes the sum (the argument of ISBN-10, ISO 2108:1992).
    return sum(weight * ALPHABET.index(char) for weight, char in zip(range(10, 0, -1), characters, strict=False)) % 31


def new_volunteer_number(entropy: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A fresh volunteer number: 9 random characters and a check character, in two fives, without an unlucky word.

    Args:
        entropy: gives n random bytes.
    """
    number = _any_number(entropy)
    while any(word in number for word in _UNLUCKY):
        number = _any_number(entropy)
    return in_fives(number)


def in_fives(letters: str) -> str:
    """Letters as people copy and read them out: in groups of five with hyphens."""
    return "-".join(letters[start : start + 5] for start in range(0, len(letters), 5))


def letters_of(digest: bytes, count: int) -> str:
    """A digest as people copy it and read it out: so many letters and digits without look-alikes, in fives."""
    rest, letters = int.from_bytes(digest, "big"), []
    for _place in range(count):
        rest, place = divmod(rest, len(ALPHABET))
        letters.append(ALPHABET[place])
    return in_fives("".join(letters))


def _any_number(entropy: Callable[[int], bytes]) -> str:
    body = ""
    while len(body) < _NUMBER_LENGTH - 1:
        value = entropy(1)[0]
        if value < 31 * 8:  # the rest of the byte's range would favour some characters
            body += ALPHABET[value % 31]
    return body + ALPHABET[-_weighted_sum(body) % 31]


def parse_volunteer_number(text: str) -> str | None:
    """The volunteer number that a person typed (any case and width, with or without spaces and hyphen), or None."""
    number = "".join(unicodedata.normalize("NFKC", text).upper().split()).replace("-", "")
    if len(number) != _NUMBER_LENGTH or any(char not in ALPHABET for char in number) or _weighted_sum(number):
        return None
    return in_fives(number)


# --- what a type of record adds -------------------------------------------------------------------------------------

_KINDS: Final[Mapping[str, type]] = {"text": str, "int": int, "bool": bool, "list": list, "object": dict}

COMMON: Final[Mapping[str, str]] = {
    "id": "text",
    "station": "text",
    "epoch": "text",
    "seq": "int",
    "type": "text",
    "volunteer": "text?",
    "at": "text",
    "occurred": "text",
    "campaign": "text",
    "campaign_version": "int",
    "by": "text",
    "prev": "text",
    "hash": "text",
}
"""Fields of every record and their kind; `?` marks those that may be null."""

OPTIONAL: Final[Mapping[str, str]] = {
    "row_key": "text",
    "home_station": "text",
    "personal": "object",
    "personal_hash": "text",
    "health": "object",
    "health_hash": "text",
}
"""Fields that any record may have or lack."""

TYPES: Final[Mapping[str, Mapping[str, str]]] = {
    "registered": {"answers": "object", "agreed": "list"},
    "refused": {"reasons": "list"},
    "checked_in": {"answers": "object", "agreed": "list"},
    "assigned": {
        "visit": "text",
        "street": "text",
        "community": "text?",
        "post": "text?",
        "why": "text",
        "reason": "text?",
    },
    "badge_issued": {"code": "text", "serial": "int", "expires": "text"},
    "badge_printed": {
        "serial": "int",
        "outcome": "text",
        "copies": "int",
        "printer": "text?",
        "paper": "text?",
        "reprint": "bool",
        "reason": "text?",
    },
    "badge_revoked": {"serial": "int", "reason": "text"},
    "duty_started": {"visit": "text", "duty": "text", "post": "text?"},
    "duty_ended": {"visit": "text", "start": "text"},
    "checked_out": {"visit": "text", "late": "bool", "reason": "text?"},
    "corrected": {"visit": "text", "target": "text", "changes": "object", "reason": "text"},
    "voided": {"visit": "text", "target": "text", "reason": "text"},
    "forgotten": {"objects": "list", "reason": "text"},
    "phone_revealed": {"reason": "text"},
    "sealed_again": {"target": "text"},
    "station_noted": {"note": "text", "details": "object"},
}
"""Fields that each type adds. Types and fields of a newer version, which are not here, are kept and carried on."""


_Form = tuple[tuple[str, frozenset[type]], ...]


def _form(fields: Mapping[str, str]) -> _Form:
    """Fields with the kinds of values that each may have. bool is an int in Python, but not in JSON."""
    nothing = frozenset((type(None),))
    return tuple(
        (name, frozenset((_KINDS[kind.rstrip("?")],)) | (nothing if kind.endswith("?") else frozenset()))
        for name, kind in fields.items()
    )


def _lacks(document: Json, form: _Form) -> str | None:
    """What is wrong with fields that have to be there."""
    for name, kinds in form:
        if name not in document:
            return _("The field {field} is missing.").format(field=name)
        if type(document[name]) not in kinds:
            return _("The field {field} is of the wrong kind.").format(field=name)
    return None


def _misfit(document: Json, form: _Form) -> str | None:
    """What is wrong with fields that may be there."""
    for name, kinds in form:
        if name in document and type(document[name]) not in kinds:
            return _("The field {field} is of the wrong kind.").format(field=name)
    return None


PERSONAL: Final[Mapping[str, str]] = {
    "salt": "text",
    "name": "text",
    "phone_masked": "text",
    "street": "text?",
    "community": "text?",
    "sealed": "text",
    "person": "text",
    "ages_out": "text",
    "note": "text",
}
"""Fields of `personal`; those that a record lacks are simply not known."""

HEALTH: Final[Mapping[str, str]] = {"salt": "text", "answers": "object"}
AGREED: Final[Mapping[str, str]] = {"text": "text", "version": "int", "hash": "text"}


_COMMON_FORM: Final = _form(COMMON)
_OPTIONAL_FORM: Final = _form(OPTIONAL)
_TYPE_FORMS: Final = {type_: _form(fields) for type_, fields in TYPES.items()}
_PERSONAL_FORM: Final = _form(PERSONAL)
_HEALTH_FORM: Final = _form(HEALTH)
_AGREED_FORM: Final = _form(AGREED)


def _misfit_within(document: Json) -> str | None:
    """What is wrong with the form of the objects in a record: whoever reads it later relies on it."""
    personal, health = document.get("personal", {}), document.get("health", {})
    problem = _misfit(personal, _PERSONAL_FORM) or _misfit(health, _HEALTH_FORM)
    if problem:
        return problem
    if "ages_out" in personal:
        try:
            date.fromisoformat(personal["ages_out"])
        except ValueError:
            return _("The field {field} is of the wrong kind.").format(field="ages_out")
    agreed = document.get("agreed", [])
    if document["type"] in ("registered", "checked_in"):
        for item in agreed:
            if not isinstance(item, dict) or _lacks(item, _AGREED_FORM):
                return _("The field {field} is of the wrong kind.").format(field="agreed")
    if document["type"] == "forgotten" and any(type(name) is not str for name in document["objects"]):
        return _("The field {field} is of the wrong kind.").format(field="objects")
    return None


class Draft(Struct, frozen=True):
    """A fact that is to be written: a record before it has its place in the log.

    Attributes:
        type: one of `TYPES`.
        occurred: when it happened (aware).
        by: who says so: `volunteer`, `lead`, `import` or `station`.
        volunteer: the volunteer number, or None.
        data: what the type adds.
        personal: whatever is about the person, to be salted and hashed apart; or None.
        health: the answers about health, as met or not met; or None.
        row_key: the keyed hash of the imported row; or None.
        id: minted here, once, so that a retry carries the same.
    """

    type: str
    occurred: datetime
    by: str
    volunteer: str | None = None
    data: Json = field(default_factory=dict)
    personal: Json | None = None
    health: Json | None = None
    row_key: str | None = None
    id: str = field(default_factory=new_id)


class Record(Struct, frozen=True):
    """One immutable fact in a station's log, with its JSON `document` as it stands in the file."""

    document: Json
    id: str
    station: str
    epoch: str
    seq: int
    type: str
    volunteer: str | None
    prev: str
    hash: str

    @classmethod
    def from_json(cls, document: object) -> Record:
        """Takes a record from a file; checks its form, not its hashes.

        Raises:
            RecordError: if a field is missing or of the wrong kind.
        """
        if not isinstance(document, dict):
            raise RecordError(_("A record is not a JSON object."))
        problem = (
            _lacks(document, _COMMON_FORM)
            or _misfit(document, _OPTIONAL_FORM)
            or _lacks(document, _TYPE_FORMS.get(document["type"], ()))
            or _misfit_within(document)
        )
        if problem:
            raise RecordError(problem)
        for name in ("at", "occurred"):
            moment(document[name])
        return cls.from_checked(document)

    @classmethod
    def from_checked(cls, document: Json) -> Record:
        """Takes a record whose form was checked before."""
        named = ("id", "station", "epoch", "seq", "type", "volunteer", "prev", "hash")
        return cls(document, *(document[name] for name in named))

    @property
    def at(self) -> datetime:
        """When it was recorded."""
        return moment(self.document["at"])

    @property
    def occurred(self) -> datetime:
        """When it happened."""
        return moment(self.document["occurred"])

    @property
    def personal(self) -> Json | None:
        """Whatever is about the person, unless it was forgotten or never there."""
        return self.document.get("personal")

    @property
    def health(self) -> Json | None:
        """The answers about health, unless they were forgotten or never there."""
        return self.document.get("health")

    def __getitem__(self, name: str) -> Any:
        return self.document[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The field `name` of the document, or `default`."""
        return self.document.get(name, default)


OBJECTS: Final = ("personal", "health")
"""The objects about a person that a record may have."""
APART: Final = ("hash", *OBJECTS)
"""Fields that a record's hash does not cover directly, so that each object can be forgotten on its own."""


def record_hash(document: Json) -> str:
    """The hash of a record, which covers all of it but `APART`."""
    return digest({name: value for name, value in document.items() if name not in APART})


def seal_record(
    draft: Draft,
    *,
    station: str,
    epoch: str,
    seq: int,
    prev: str,
    at: datetime,
    campaign: tuple[str, int],
    entropy: Callable[[int], bytes] = secrets.token_bytes,
) -> Record:
    """Gives `draft` its place in the log: number, time of recording, salts and hashes.

    Args:
        draft: the fact.
        station: the station's id.
        epoch: the station's epoch.
        seq: the record's number in the epoch, from 1.
        prev: the hash of the record before it, 64 zeros for the first.
        at: when it is recorded (aware).
        campaign: id and version of the campaign in force.
        entropy: gives n random bytes, for the salts.

    Raises:
        RecordError: if the draft does not fit its type.
    """
    document: dict[str, Any] = {
        "id": draft.id,
        "station": station,
        "epoch": epoch,
        "seq": seq,
        "type": draft.type,
        "volunteer": draft.volunteer,
        "at": timestamp(at),
        "occurred": timestamp(draft.occurred),
        "campaign": campaign[0],
        "campaign_version": campaign[1],
        "by": draft.by,
        **draft.data,
    }
    if draft.row_key is not None:
        document["row_key"] = draft.row_key
    for name, held in (("personal", draft.personal), ("health", draft.health)):
        if held is not None:
            document[name] = {"salt": entropy(16).hex(), **held}
            document[f"{name}_hash"] = digest(document[name])
    document["prev"] = prev
    document["hash"] = record_hash(document)
    if draft.type not in TYPES:
        raise RecordError(_("There is no record type {type}.").format(type=draft.type))
    try:
        parse_json(canonical(document))  # what is written must be readable for ever
    except ValueError as error:
        raise RecordError(_("A record holds a value that cannot be written as JSON.")) from error
    return Record.from_json(document)


def findings(record: Record) -> list[str]:
    """What is wrong inside one record, each in a sentence; an empty list when its hashes hold."""
    found = []
    document = record.document
    if record_hash(document) != record.hash:
        found.append(_("The record's hash does not match its content."))
    for name in ("personal", "health"):
        held, said = document.get(name), document.get(f"{name}_hash")
        if held is not None and said is None:
            found.append(_("The object {name} has no hash.").format(name=name))
        elif held is not None and digest(held) != said:
            found.append(_("The object {name} does not match its hash.").format(name=name))
    return found


def segment_hash(record_hashes: Sequence[str], segment: Json) -> str:
    """The hash of a segment: over its records' hashes in order and its `segment` document."""
    return digest([list(record_hashes), segment])
