"""Wraps a secret by a passphrase as `pyrage.passphrase.encrypt` does, but so that it is unwrapped in milliseconds.

age chooses a work factor that costs a second, each time the passphrase is tried. The file names the factor that it was
made with, and is opened by the same code whatever it is: only the seconds are saved. See age-encryption.org/v1.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_LOG_WORK = 10
"""age's own choice is 18 or more on today's machines."""


def light(content: bytes, passphrase: str) -> bytes:
    """The age file, of less than one chunk."""
    file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
    label = b"age-encryption.org/v1/scrypt"
    wrapping = hashlib.scrypt(passphrase.encode(), salt=label + salt, n=1 << _LOG_WORK, r=8, p=1, dklen=32)
    wrapped = ChaCha20Poly1305(wrapping).encrypt(bytes(12), file_key, None)
    stanza = b"-> scrypt %b %d\n%b\n" % (_plain64(salt), _LOG_WORK, _plain64(wrapped))
    header = b"age-encryption.org/v1\n" + stanza + b"---"
    mac = hmac.digest(_derived(file_key, None, b"header"), header, "sha256")
    payload = ChaCha20Poly1305(_derived(file_key, nonce, b"payload")).encrypt(bytes(11) + b"\1", content, None)
    return header + b" " + _plain64(mac) + b"\n" + nonce + payload


@contextmanager
def lightly() -> Iterator[None]:
    """While it lasts, what is wrapped in this process is wrapped so. What unwraps is always the product's own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pyrage.passphrase.encrypt", light)
        yield


def _plain64(content: bytes) -> bytes:
    return base64.b64encode(content).rstrip(b"=")


def _derived(key: bytes, salt: bytes | None, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=purpose).derive(key)
