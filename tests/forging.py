"""Codes that no station has made: `python -m tests.forging --codes 1000000` tries so many, and none may be accepted.

Most are good codes with something changed: letters, pieces, order, a field of what is signed, the signature of another
badge or of another key. The others are chance: letters, and well-formed badges with a signature of chance.
"""

from __future__ import annotations

import argparse
import base64
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from kiosk import badge
from kiosk.badge import CODE_LENGTH, Badge
from kiosk.records import ALPHABET, new_volunteer_number
from kiosk.trust import Directory

TODAY: Final = date(2021, 12, 6)
_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class Stations:
    """Two stations that are known, one that is not, and the badges that they have made, by code."""

    keys: dict[str, Ed25519PrivateKey]
    stranger: Ed25519PrivateKey
    codes: dict[str, Badge]

    @property
    def directory(self) -> Directory:
        """The stations that are known."""
        return Directory(stations={name: (key.public_key().public_bytes_raw(),) for name, key in self.keys.items()})

    def check(self, code: str) -> badge.Check:
        """What a station says of a code."""
        return badge.check(code, directory=self.directory, campaign="SC2021", today=TODAY)


def make(seed: int) -> Stations:
    """Makes them, and 50 badges of each."""
    chance = random.Random(seed)
    keys = {name: Ed25519PrivateKey.from_private_bytes(chance.randbytes(32)) for name in ("S016001", "S2")}
    codes = {}
    for name, key in keys.items():
        for _ in range(50):
            made = _any_badge(chance, name)
            codes[badge.issue(made, key.sign)] = made
    return Stations(keys, Ed25519PrivateKey.from_private_bytes(chance.randbytes(32)), codes)


def _any_badge(chance: random.Random, station: str) -> Badge:
    expires = TODAY + timedelta(days=chance.randrange(1, 400))
    return Badge(station, new_volunteer_number(chance.randbytes), "SC2021", expires, chance.randrange(1, 9))


def _spelled(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=")


def _letter(chance: random.Random, code: str, stations: Stations) -> str:
    place = chance.randrange(len(code))
    return code[:place] + chance.choice(_BASE32 + "0189abz-= ") + code[place + 1 :]


def _swap(chance: random.Random, code: str, stations: Stations) -> str:
    place = chance.randrange(len(code) - 1)
    return code[:place] + code[place + 1] + code[place] + code[place + 2 :]


def _piece(chance: random.Random, code: str, stations: Stations) -> str:
    start, length = chance.randrange(len(code)), chance.randrange(1, 20)
    return chance.choice((code[:start] + code[start + length :], code[:start] + code[start : start + length] * 2))


def _bit(chance: random.Random, code: str, stations: Stations) -> str:
    raw = bytearray(base64.b32decode(code + "=" * (-len(code) % 8)))
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return _spelled(bytes(raw))


def _spliced(chance: random.Random, code: str, stations: Stations) -> str:
    place = chance.randrange(1, len(code))
    return code[:place] + chance.choice(list(stations.codes))[place:]


def _other_badge(chance: random.Random, code: str, stations: Stations) -> str:
    """What is signed is changed, and the signature is that of the good one."""
    made = stations.codes[code]
    changed = chance.choice(
        (
            replace(made, volunteer=new_volunteer_number(chance.randbytes)),
            replace(made, expires=made.expires + timedelta(days=chance.randrange(1, 900))),
            replace(made, serial=made.serial + 1),
            replace(made, station="S2" if made.station != "S2" else "S016001"),
        )
    )
    signature = base64.b32decode(code + "=" * (-len(code) % 8))[-64:]
    return badge.issue(changed, lambda _message: signature)


def _other_key(chance: random.Random, code: str, stations: Stations) -> str:
    """A badge made at home, with a key of one's own."""
    made = chance.choice((stations.codes[code], _any_badge(chance, chance.choice(("S016001", "S2", "S3")))))
    return badge.issue(made, stations.stranger.sign)


def _chance_letters(chance: random.Random, code: str, stations: Stations) -> str:
    letters = chance.choice((_BASE32, ALPHABET, "".join(map(chr, range(32, 127)))))
    return "".join(chance.choices(letters, k=chance.choice((CODE_LENGTH, chance.randrange(300)))))


def _chance_signature(chance: random.Random, code: str, stations: Stations) -> str:
    return badge.issue(_any_badge(chance, chance.choice(("S016001", "S2"))), lambda _message: chance.randbytes(64))


KINDS: Final[Sequence[Callable[[random.Random, str, Stations], str]]] = (
    *(_letter, _swap, _piece, _bit, _spliced, _other_badge, _other_key, _chance_letters, _chance_signature),
)


def codes(count: int, seed: int, stations: Stations) -> Iterator[tuple[str, str]]:
    """So many codes, less those in which a change has changed nothing; each with the name of how it was made."""
    chance, good = random.Random(f"{seed} forged"), list(stations.codes)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        code = kind(chance, chance.choice(good), stations)
        if code.strip() not in stations.codes:
            yield code, kind.__name__


def forge(count: int, seed: int) -> Counter[str]:
    """Tries so many codes; returns how many were refused for which reason.

    Raises:
        AssertionError: with the code that was accepted.
    """
    stations, reasons = make(seed), Counter[str]()
    for code, kind in codes(count, seed, stations):
        found = stations.check(code)
        if found.reason is None:
            raise AssertionError(f"seed {seed}: {code!r} is accepted, by {kind}")
        reasons[found.reason] += 1
    return reasons


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    began = time.monotonic()
    reasons = forge(options.codes, options.seed)
    told = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    print(f"{reasons.total():,} forged codes in {time.monotonic() - began:.0f} s, none accepted: {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
