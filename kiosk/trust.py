"""What headquarters signs, and what a station believes of it: only what stands under the key that was given by hand.

It knows of no private key, no network and no record. docs/format.md says what exactly is signed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from kiosk.canonical import canonical, parse_json
from kiosk.errors import KioskError, RecordError
from kiosk.i18n import _
from kiosk.records import letters_of, parse_volunteer_number

SIGNATURE: Final = "signature"
DIRECTORY: Final = "directory"
"""The kind of document that names the stations."""


class KeysError(KioskError):
    """A key, or what one has signed, cannot be used."""


class NotSigned(KeysError):
    """A document does not stand under the key that it would have to."""


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is the Ed25519 signature (RFC 8032) of `message` under the 32-byte key `public`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public: bytes) -> str:
    """What two people compare over the telephone: 20 letters and digits without look-alikes, 99 bits of SHA-256."""
    return letters_of(hashlib.sha256(b"kiosk key 1\0" + public).digest(), 20)


def read_hq_keys(path: Path) -> dict[str, str]:
    """Headquarters' public keys from the file that it hands out: `age` (a recipient) and `ed25519` (base64).

    `post`, another recipient, is what stations encrypt their segments to; files of before there was one lack it.

    Raises:
        KeysError: if the file does not hold them.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        from pyrage import x25519

        told = {name: found[name] for name in ("age", "ed25519", "post") if name != "post" or name in found}
        for name in told.keys() - {"ed25519"}:
            x25519.Recipient.from_str(told[name])
        if len(base64.b64decode(told["ed25519"], validate=True)) != 32:
            raise ValueError("ed25519")
        return told
    except Exception as error:  # pyrage's errors share no base class but Exception
        raise KeysError(
            _("{file} does not hold the public keys of headquarters (age and ed25519).").format(file=path)
        ) from error


def are_host_keys(content: bytes) -> bool:
    """Whether a file holds keys of SSH servers, as OpenSSH writes them, and nothing else."""
    try:
        for line in content.decode("utf-8").splitlines():
            words = line.split()
            if words and not words[0].startswith("#"):
                # A line may begin with a marker, such as @cert-authority.
                _hosts, kind, key = words[1:4] if words[0].startswith("@") else words[:3]
                if not base64.b64decode(key, validate=True).startswith(len(kind).to_bytes(4, "big") + kind.encode()):
                    return False
    except ValueError:
        return False
    return True


def _message(kind: str, members: Mapping[str, Any]) -> bytes:
    # The kind stands before the content, so that no signature of one kind is ever one of another.
    return f"kiosk {kind} 1\0".encode() + canonical(members)


def signed(kind: str, members: Mapping[str, Any], sign: Callable[[bytes], bytes]) -> bytes:
    """A document with its signature, as canonical JSON.

    Args:
        kind: what it is, such as `DIRECTORY`.
        members: what it says.
        sign: gives the Ed25519 signature.
    """
    return canonical({**members, SIGNATURE: base64.b64encode(sign(_message(kind, members))).decode()})


def open_signed(kind: str, content: bytes, public: bytes) -> dict[str, Any]:
    """What a signed document says.

    Raises:
        NotSigned: if it is no such document under the key `public`.
    """
    try:
        members: dict[str, Any] = parse_json(content)
        said = members.pop(SIGNATURE)
        signature = base64.b64decode(said, validate=True)
        # Base64 can be written in several ways; what is signed has one spelling only.
        if base64.b64encode(signature).decode() == said and verify(public, _message(kind, members), signature):
            return members
    except (ValueError, KeyError, TypeError, AttributeError, RecordError):
        pass
    raise NotSigned(_("This was not signed by headquarters."))


class Directory(Struct, frozen=True):
    """The stations whose badges count.

    Attributes:
        number: counts the directories of a headquarters; an older one never replaces a newer.
        stations: by station id its public keys, the newest last: badges of a key that was lost stay good.
        withdrawn: keys that count nowhere any more, since somebody else may have them.
        revoked: by volunteer number, the serial up to which badges of any station were revoked.
    """

    number: int = 0
    stations: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    withdrawn: frozenset[bytes] = frozenset()
    revoked: Mapping[str, int] = field(default_factory=dict)

    def with_own(self, station: str, keys: Iterable[bytes]) -> Directory:
        """The same with the station itself, whose keys it knows best; what is withdrawn counts nowhere."""
        own = tuple(dict.fromkeys([*self.stations.get(station, ()), *keys]))
        return replace(self, stations={**self.stations, station: own})

    def sign(self, sign: Callable[[bytes], bytes]) -> bytes:
        """The directory as a signed document."""
        members = {
            "number": self.number,
            "stations": {name: [key.hex() for key in keys] for name, keys in self.stations.items()},
            "withdrawn": sorted(key.hex() for key in self.withdrawn),
            "revoked": dict(self.revoked),
        }
        return signed(DIRECTORY, members, sign)

    @classmethod
    def read(cls, content: bytes, public: bytes) -> Directory:
        """The directory in a signed document.

        Raises:
            NotSigned: if it is none under the key `public`.
        """
        members = open_signed(DIRECTORY, content, public)
        try:
            stations = {name: tuple(map(bytes.fromhex, keys)) for name, keys in members["stations"].items()}
            revoked = {name: int(serial) for name, serial in members["revoked"].items()}
            if any(parse_volunteer_number(name) != name for name in revoked):
                raise ValueError("revoked")
            withdrawn = frozenset(map(bytes.fromhex, members["withdrawn"]))
            return cls(int(members["number"]), stations, withdrawn, revoked)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotSigned(_("This directory of stations cannot be read. Is it of a newer version?")) from error
