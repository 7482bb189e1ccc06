"""What a station publishes and what headquarters answers, as bytes: names, envelopes, heads and receipts.

Everything here is pure: bytes in, facts out. It knows of no network, no data folder and no database. docs/format.md
says the same in words for other readers.

    <station>/<epoch>/<NNNNNN>-<hash>    a sealed segment in its envelope; it loses what is forgotten, no more
    <station>/HEAD                       the newest segment of each epoch
    hq/receipts/<station>                up to where headquarters holds a station's records
    hq/directory, hq/campaigns           what headquarters tells all stations
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import asdict

from kiosk.canonical import canonical, parse_json
from kiosk.errors import KioskError, RecordError
from kiosk.i18n import _
from kiosk.trust import NotSigned, open_signed, signed

FORMAT: Final = 1
"""The format of envelopes, heads and receipts."""
HEAD: Final = "HEAD"
DIRECTORY: Final = "hq/directory"
CAMPAIGNS: Final = "hq/campaigns"
STATION: Final = re.compile(r"[A-Z0-9]{1,8}")
EPOCH: Final = re.compile(r"[0-9a-f]{16}")
OBJECT: Final = re.compile(r"([0-9]{6})-([0-9a-f]{64})")
_SEGMENT, _HEAD_KIND, _RECEIPT = "segment", "head", "receipt"
_ENDLESS: Final = 2**53
"""So many records no station writes, and no record has such a number."""


class Refused(KioskError):
    """A published object cannot be accepted; `kind` is one of headquarters' kinds of problems."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


def head_name(station: str) -> str:
    """Where a station's head lies."""
    return f"{station}/{HEAD}"


def receipt_name(station: str) -> str:
    """Where headquarters' receipt for a station lies."""
    return f"hq/receipts/{station}"


def segment_name(station: str, epoch: str, number: int, hash_: str) -> str:
    """Where a sealed segment lies."""
    return f"{station}/{epoch}/{number:06d}-{hash_}"


# --- segments -------------------------------------------------------------------------------------------------------


class Envelope(Struct, frozen=True):
    """A sealed segment on its way.

    Attributes:
        station, epoch, number, hash: which segment it is.
        key: the station's public key, 32 bytes, under which the signature is good.
        body: the TinyDB file, or the age ciphertext of it.
        encrypted: which of the two.
    """

    station: str
    epoch: str
    number: int
    hash: str
    key: bytes
    body: bytes
    encrypted: bool

    @property
    def name(self) -> str:
        """Where it belongs."""
        return segment_name(self.station, self.epoch, self.number, self.hash)

    def content(self, opener: Callable[[bytes], bytes] | None) -> bytes:
        """The TinyDB file.

        Args:
            opener: opens an age ciphertext, or None where the key is not at hand.

        Raises:
            Refused: if it cannot be opened.
        """
        if not self.encrypted:
            return self.body
        if opener is None:
            raise Refused("unreadable", _("It is encrypted, and the key that opens it is not here."))
        try:
            return opener(self.body)
        except Exception as error:  # pyrage's errors share no base class but Exception
            raise Refused("unreadable", _("It is encrypted to somebody else's key.")) from error


def enclose(envelope: Envelope, sign: Callable[[bytes], bytes]) -> bytes:
    """The envelope as bytes: a line of canonical JSON with the signature, then the body.

    Args:
        envelope: what is in it.
        sign: gives the station's Ed25519 signature.
    """
    members = {
        "format": FORMAT,
        "station": envelope.station,
        "epoch": envelope.epoch,
        "number": envelope.number,
        "hash": envelope.hash,
        "key": envelope.key.hex(),
        "encrypted": envelope.encrypted,
        "body": hashlib.sha256(envelope.body).hexdigest(),
    }
    return signed(_SEGMENT, members, sign) + b"\n" + envelope.body


def open_envelope(content: bytes) -> Envelope:
    """The envelope in `content`, whose signature is good under the key that it names.

    Whether that key is the station's is for the caller to say.

    Raises:
        Refused: `unreadable` where it is none or cut off, `newer_format`, `bad_hash` where the body is not what was
            signed, `bad_signature`.
    """
    line, found, body = content.partition(b"\n")
    if not found or len(line) > 2000:
        raise Refused("unreadable", _("It is no segment that a station has published, or cut off."))
    members, key = _signed_members(_SEGMENT, line)
    try:
        envelope = Envelope(
            members["station"], members["epoch"], members["number"], members["hash"], key, body, members["encrypted"]
        )
        named = STATION.fullmatch(envelope.station) and EPOCH.fullmatch(envelope.epoch)
        numbered = type(envelope.number) is int and OBJECT.fullmatch(f"{envelope.number:06d}-{envelope.hash}")
        if not (named and numbered and type(envelope.encrypted) is bool):
            raise ValueError(line)
        said = members["body"]
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("unreadable", _("It does not hold what it must.")) from error
    if hashlib.sha256(body).hexdigest() != said:
        raise Refused("bad_hash", _("Its content is not what the station has signed."))
    return envelope


def _signed_members(kind: str, content: bytes) -> tuple[dict[str, Any], bytes]:
    """What a document says that names the key it is signed with, and that key.

    Raises:
        Refused: `unreadable`, `newer_format` or `bad_signature`.
    """
    try:
        members: dict[str, Any] = parse_json(content)
        key = bytes.fromhex(members["key"])
        format_ = members["format"]
        # One spelling only, so that a change anywhere is a change of what was signed.
        if type(format_) is not int or canonical(members) != content or members["key"] != key.hex():
            raise ValueError(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecordError) as error:
        raise Refused("unreadable", _("It is nothing that a station has published, or cut off.")) from error
    if format_ > FORMAT:
        raise Refused("newer_format", _("It has the newer format {version}.").format(version=format_))
    try:
        return open_signed(kind, content, key), key
    except NotSigned as error:
        raise Refused("bad_signature", _("The signature is not good.")) from error


# --- heads ----------------------------------------------------------------------------------------------------------


class End(Struct, frozen=True):
    """Where an epoch ends as far as it is sealed: the newest segment's number and hash, and its last record's seq."""

    epoch: str
    number: int
    hash: str
    seq: int


class Head(Struct, frozen=True):
    """What a station says of itself and of all that it has sealed.

    Attributes:
        station: its id.
        name, street, community: what people call the place, and where it is.
        at: when it was written, by the station's clock, ISO 8601.
        ends: of each epoch its end, in the order of the log.
        others: ends that stood in the head before this one and are not in this log: somebody else goes on from a copy
            of the same folder.
        missing: names of objects before an end that could not be handed over.
        rewritten: how many of the station's rewritten segments lie here as they are now.
        key: the public key under which the signature is good, 32 bytes.
    """

    station: str
    name: str
    street: str
    community: str
    at: str
    ends: tuple[End, ...]
    others: tuple[End, ...] = ()
    missing: tuple[str, ...] = ()
    rewritten: int = 0
    key: bytes = b""

    def sign(self, key: bytes, sign: Callable[[bytes], bytes]) -> bytes:
        """The head as a signed document.

        Args:
            key: the station's public key.
            sign: gives the station's Ed25519 signature.
        """
        members = {
            "format": FORMAT,
            "station": self.station,
            "name": self.name,
            "street": self.street,
            "community": self.community,
            "at": self.at,
            "ends": [asdict(end) for end in self.ends],
            "others": [asdict(end) for end in self.others],
            "missing": list(self.missing),
            "rewritten": self.rewritten,
            "key": key.hex(),
        }
        return signed(_HEAD_KIND, members, sign)

    @classmethod
    def read(cls, content: bytes) -> Head:
        """The head in a signed document; whether its key is the station's is for the caller to say.

        Raises:
            Refused: `unreadable`, `newer_format` or `bad_signature`.
        """
        members, key = _signed_members(_HEAD_KIND, content)
        try:
            texts: dict[str, str] = {name: members[name] for name in ("station", "name", "street", "community", "at")}
            if any(type(text) is not str for text in texts.values()) or not STATION.fullmatch(texts["station"]):
                raise ValueError(content)
            ends, others = _ends(members["ends"]), _ends(members["others"])
            missing = tuple(str(name) for name in members["missing"])
            again = int(members["rewritten"])
            return cls(**texts, ends=ends, others=others, missing=missing, rewritten=again, key=key)
        except (KeyError, TypeError, ValueError) as error:
            raise Refused("unreadable", _("It does not hold what it must.")) from error


def _ends(told: Iterable[Mapping[str, Any]]) -> tuple[End, ...]:
    ends = tuple(End(end["epoch"], end["number"], end["hash"], end["seq"]) for end in told)
    for end in ends:
        named = EPOCH.fullmatch(end.epoch) and OBJECT.fullmatch(f"{end.number:06d}-{end.hash}")
        if not named or type(end.number) is not int or type(end.seq) is not int or not 0 <= end.seq < _ENDLESS:
            raise ValueError(end)
    return ends


# --- receipts -------------------------------------------------------------------------------------------------------


class Receipt(Struct, frozen=True):
    """Headquarters' word that it holds a station's records.

    Attributes:
        station: its id.
        number: counts the receipts for a station; an older one never replaces a newer.
        at: when it was given, by headquarters' clock, ISO 8601.
        held: by epoch the seq up to which every record is held.
        head: SHA-256 of the head that headquarters has seen, hex: what that names and is not held was not there.
    """

    station: str
    number: int = 0
    at: str = ""
    held: Mapping[str, int] = field(default_factory=dict)
    head: str = ""

    def sign(self, sign: Callable[[bytes], bytes]) -> bytes:
        """The receipt as a signed document."""
        return signed(_RECEIPT, {"format": FORMAT, **asdict(self)}, sign)

    @classmethod
    def read(cls, content: bytes, public: bytes) -> Receipt:
        """The receipt in a signed document.

        Raises:
            NotSigned: if it is none under headquarters' key `public`.
        """
        members = open_signed(_RECEIPT, content, public)
        try:
            held = {str(epoch): int(seq) for epoch, seq in members["held"].items()}
            station, at, head = (str(members[name]) for name in ("station", "at", "head"))
            return cls(station, int(members["number"]), at, held, head)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotSigned(_("This receipt cannot be read. Is it of a newer version?")) from error
