"""Badge codes and their QR: issue, check, draw. The only module that imports qrcode.

A code is upper-case letters and digits only, since a scanner types it and an input method mangles anything else:
base32 (RFC 4648, without padding) of the badge's 29 bytes and the station's Ed25519 signature over them. Only its
canonical spelling is accepted. It knows nothing of attendance.
"""

from __future__ import annotations

import base64
import binascii
import io
import struct
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from kiosk.durable import write_beside
from kiosk.records import ALPHABET, parse_volunteer_number
from kiosk.trust import Directory, verify

VERSION: Final = 1
_LAYOUT: Final = struct.Struct(">B8s9sB8sH")
"""Version; station; volunteer number without its check character; serial; campaign; expiry in days since 2020-01-01."""
_EPOCH: Final = date(2020, 1, 1)
_LAST_DAY: Final = 0xFFFF
"""In 2199; a campaign whose data writes "no end" as the year 9999 has badges until then."""
_DOMAIN: Final = b"kiosk badge 1\0"
_SIGNATURE: Final = 64
CODE_LENGTH: Final = -(-(_LAYOUT.size + _SIGNATURE) * 8 // 5)
LAST_SERIAL: Final = 255
QUIET_ZONE: Final = 2
"""Modules of white around the QR on screen; decoders in use accept two where the standard asks for four."""
NO_END: Final = timedelta(days=180)
"""How long a badge is good for when the campaign has no end."""

REASONS: Final = ("malformed", "unknown_station", "bad_signature", "other_campaign", "revoked", "expired")


class Badge(Struct, frozen=True):
    """What a badge says."""

    station: str
    volunteer: str
    campaign: str
    expires: date
    serial: int = 1
    """Counts the badges of a volunteer, from 1: a new one after a revocation must not be the old one."""


class Check(Struct, frozen=True):
    """What the check of a code says: `reason` is None for a valid badge, or one of `REASONS`."""

    reason: str | None
    badge: Badge | None

    @property
    def valid(self) -> bool:
        """Whether the badge is good."""
        return self.reason is None


def _payload(badge: Badge) -> bytes:
    number = badge.volunteer.replace("-", "")[:9]
    days = max(0, min((badge.expires - _EPOCH).days, _LAST_DAY))
    return _LAYOUT.pack(
        VERSION,
        badge.station.encode("ascii"),
        number.encode("ascii"),
        badge.serial,
        badge.campaign.encode("ascii"),
        days,
    )


def _spell(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")


def issue(badge: Badge, sign: Callable[[bytes], bytes]) -> str:
    """The badge's code, signed with the station's key."""
    payload = _payload(badge)
    return _spell(payload + sign(_DOMAIN + payload))


def looks_like_code(text: str) -> bool:
    """Whether somebody who typed or scanned `text` meant a badge's code rather than a volunteer number."""
    return len(text.strip()) > 20


def as_typed(scanned: str) -> str:
    """What a scanner under caps lock meant: its ASCII letters in upper case, and nothing else changed."""
    return "".join(char.upper() if char.isascii() else char for char in scanned.strip())


def _parse(code: str) -> tuple[Badge, bytes, bytes] | None:
    if len(code) != CODE_LENGTH:
        return None
    try:
        raw = base64.b32decode(code + "=" * (-len(code) % 8))
        payload, signature = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
        version, station, number, serial, campaign, days = _LAYOUT.unpack(payload)
        names = [field.rstrip(b"\0").decode("ascii") for field in (station, number, campaign)]
        expires = _EPOCH + timedelta(days=days)
    except (binascii.Error, ValueError, OverflowError):
        return None
    volunteer = next(filter(None, (parse_volunteer_number(names[1] + check) for check in ALPHABET)), None)
    if version != VERSION or volunteer is None or not all(name.isalnum() for name in names):
        return None
    badge = Badge(names[0], volunteer, names[2], expires, serial)
    # One badge, one spelling: what does not come out the same again was not written by a station.
    return (badge, payload, signature) if _spell(_payload(badge) + signature) == code else None


def check(
    code: str,
    *,
    directory: Directory,
    campaign: str,
    today: date,
    revoked: Mapping[str, int] = MappingProxyType({}),
) -> Check:
    """Judges a code, offline. It judges the badge, not attendance.

    Args:
        code: as scanned; white space around it is dropped.
        directory: the stations that are known, this one among them.
        campaign: the id of the campaign in force.
        today: the day (Asia/Shanghai).
        revoked: by volunteer number, the serial up to which this station has revoked badges.
    """
    parsed = _parse(code.strip())
    if parsed is None:
        return Check("malformed", None)
    badge, payload, signature = parsed
    if badge.station not in directory.stations:
        return Check("unknown_station", badge)
    keys = directory.stations[badge.station][::-1]  # most badges are of the newest
    signer = next((key for key in keys if verify(key, _DOMAIN + payload, signature)), None)
    if signer is None:
        return Check("bad_signature", None)  # nothing that a forged badge says is repeated
    if signer in directory.withdrawn:
        return Check("revoked", None)  # nor what somebody says who may have stolen the key
    if badge.campaign != campaign:
        return Check("other_campaign", badge)
    # Before the date: a badge that was lost and revoked must not say who somebody is once it has run out.
    if badge.serial <= max(revoked.get(badge.volunteer, 0), directory.revoked.get(badge.volunteer, 0)):
        return Check("revoked", badge)
    if today > badge.expires:
        return Check("expired", badge)
    return Check(None, badge)


def is_let_go(code: str, directory: Directory) -> bool:
    """Whether headquarters lets a badge count no more: it was revoked elsewhere, or its key was withdrawn."""
    if not directory.withdrawn and not directory.revoked:
        return False
    parsed = _parse(code)
    if parsed is None:
        return False
    made, payload, signature = parsed
    if made.serial <= directory.revoked.get(made.volunteer, 0):
        return True
    return any(verify(key, _DOMAIN + payload, signature) for key in directory.withdrawn)


# --- the QR ---------------------------------------------------------------------------------------------------------


def modules(code: str, *, level: str = "L", border: int = QUIET_ZONE) -> list[list[bool]]:
    """The QR code (ISO/IEC 18004) of `code`, row by row, True for dark.

    Args:
        code: upper-case letters and digits.
        level: error correction, `L`, `M`, `Q` or `H`.
        border: the quiet zone in modules.
    """
    import qrcode
    from qrcode import constants

    correction: int = getattr(constants, f"ERROR_CORRECT_{level}")
    symbol = qrcode.QRCode(error_correction=correction, border=border)
    symbol.add_data(code, optimize=0)
    symbol.make(fit=True)
    return [[bool(module) for module in row] for row in symbol.get_matrix()]


def half_blocks(code: str) -> list[str]:
    """The QR code at level L as lines of half blocks, two modules to a cell, to be shown black on white."""
    rows = modules(code)
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    cells = {(False, False): " ", (True, False): "\u2580", (False, True): "\u2584", (True, True): "\u2588"}
    return [
        "".join(cells[above, below] for above, below in zip(top, bottom, strict=True))
        for top, bottom in zip(rows[::2], rows[1::2], strict=True)
    ]


def write_png(code: str, path: Path, *, scale: int = 8) -> None:
    """Writes the QR code at level M with a quiet zone of 4 modules as a black and white PNG.

    Args:
        code: the badge's code.
        path: the file.
        scale: pixels a module.

    Raises:
        OSError: if the file cannot be written.
    """
    import png

    rows = modules(code, level="M", border=4)
    pixels = [[0 if dark else 1 for dark in row for _ in range(scale)] for row in rows for _ in range(scale)]
    content = io.BytesIO()
    png.Writer(len(pixels[0]), len(pixels), greyscale=True, bitdepth=1).write(content, pixels)
    write_beside(path, content.getvalue())
