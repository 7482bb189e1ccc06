"""Headquarters' private keys: what signs its documents, and what opens what stations have sealed to it.

It knows of no database and no record. The keys lie in files of their own: the one that signs and the one that opens
what stations hand over are needed every day, the one that opens ID numbers is needed for certificates only, and may lie
in a safe.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kiosk.durable import make_folder, write_durably
from kiosk.i18n import _
from kiosk.trust import KeysError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNING: Final = "hq.key"
"""The seed of the Ed25519 key, 32 bytes in hex."""
OPENING: Final = "hq.age"
"""The age identity that opens ID numbers and phones, `AGE-SECRET-KEY-1...`."""
POST: Final = "hq-post.age"
"""The age identity that opens the segments that stations hand over."""
PUBLIC: Final = "hq.json"
"""The public halves of both: the file that every station is given by hand."""

Opener = Callable[[Iterable[str]], Iterator[dict[str, str]]]
"""What opens what stations have sealed to headquarters: an object for each, empty where it is not for it."""


class HqKeys:
    """A folder with headquarters' keys. Nothing is read before it is needed."""

    def __init__(self, folder: Path) -> None:
        """Names the folder."""
        self.folder = folder

    @classmethod
    def create(cls, folder: Path, *, entropy: Callable[[int], bytes] = secrets.token_bytes) -> HqKeys:
        """Makes new keys.

        Args:
            folder: where they are to lie; it is made if it is not there.
            entropy: gives n random bytes for the signing key (the other one always comes from the system's).

        Raises:
            KeysError: if there are keys already, or what is left of them.
            OSError: if they cannot be written.
        """
        from pyrage import x25519

        keys = cls(folder)
        for name in (SIGNING, OPENING, POST, PUBLIC):
            if (folder / name).exists():
                sentence = _("There is {file} already. Keys that stations know are never replaced.")
                raise KeysError(sentence.format(file=folder / name))
        make_folder(folder)
        identity, post = x25519.Identity.generate(), x25519.Identity.generate()
        keys._write(SIGNING, entropy(32).hex().encode())
        keys._write(OPENING, str(identity).encode())
        keys._write(POST, str(post).encode())
        public = {
            "age": str(identity.to_public()),
            "ed25519": base64.b64encode(keys.public).decode(),
            "post": str(post.to_public()),
        }
        keys._write(PUBLIC, json.dumps(public, indent=1).encode())  # last: with it the keys are whole
        return keys

    def is_whole(self) -> bool:
        """Whether all files are there but the one that may lie in a safe."""
        return all((self.folder / name).is_file() for name in (SIGNING, PUBLIC))

    def _write(self, name: str, content: bytes) -> None:
        write_durably(self.folder / name, content, self.folder)

    @cached_property
    def _signing_key(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        path = self.folder / SIGNING
        try:
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text("ascii")))
        except (OSError, ValueError) as error:
            raise KeysError(_("The key file {file} cannot be read.").format(file=path)) from error

    @cached_property
    def public(self) -> bytes:
        """The public key that stations know, 32 bytes."""
        return self._signing_key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Headquarters' Ed25519 signature of `message`, 64 bytes."""
        return self._signing_key.sign(message)

    def identities(self) -> list[str]:
        """The age identities that are here, which open what stations hand over.

        Raises:
            KeysError: if one that is here cannot be read.
        """
        found = []
        for name in (POST, OPENING):
            path = self.folder / name
            if path.exists():
                found.append(_identity(path))
        return found

    def open_sealed(self, sealed: Iterable[str]) -> Iterator[dict[str, str]]:
        """What stations have sealed to headquarters: phone, ID number and birth date; empty where it is not for it.

        Raises:
            KeysError: if the key is not here.
        """
        return open_with(self.folder / OPENING)(sealed)

    @property
    def opens_numbers(self) -> bool:
        """Whether the key that opens ID numbers is here, and not in its safe."""
        return (self.folder / OPENING).is_file()


def _identity(path: Path) -> str:
    from pyrage import x25519

    try:
        return str(x25519.Identity.from_str(path.read_text("ascii").strip()))
    except Exception as error:  # pyrage's errors share no base class but Exception
        raise KeysError(_("The key file {file} cannot be read.").format(file=path)) from error


def opener_for(identities: Iterable[str]) -> Callable[[bytes], bytes] | None:
    """Opens an age ciphertext with one of these identities; None where there is none."""
    import pyrage

    known = [pyrage.x25519.Identity.from_str(each) for each in identities]
    return (lambda ciphertext: bytes(pyrage.decrypt(ciphertext, known))) if known else None


def open_with(path: Path) -> Opener:
    """What opens ID numbers, from the file `OPENING` wherever it is kept.

    Raises:
        KeysError: if it is no such file.
    """
    import pyrage

    identity = pyrage.x25519.Identity.from_str(_identity(path))

    def opened(sealed: Iterable[str]) -> Iterator[dict[str, str]]:
        for each in sealed:
            try:
                yield json.loads(pyrage.decrypt(base64.b64decode(each), [identity]))
            except (pyrage.DecryptError, ValueError):
                yield {}

    return opened
