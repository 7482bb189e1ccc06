"""Canonical JSON, its hash, and a parser that takes only what has a canonical form.

It knows nothing of what the JSON means. docs/format.md says what the form is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from kiosk.errors import RecordError
from kiosk.i18n import _


def canonical(value: object) -> bytes:
    """The canonical JSON of `value`: sorted keys, no spaces, UTF-8, nothing escaped that need not be.

    Raises:
        RecordError: if `value` holds what JSON has no place for (NaN, a lone surrogate, bytes).
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordError(_("A record holds a value that cannot be written as JSON.")) from error


LARGEST: Final = 2**53 - 1
"""Beyond it a reader whose numbers are IEEE 754 doubles, such as JavaScript's, would see another one (RFC 8259, 6)."""


def _whole(text: str) -> int:
    number = int(text) if len(text) <= 17 else LARGEST + 1
    if abs(number) > LARGEST:
        raise ValueError("number")
    return number


def _refused(text: str) -> Any:
    raise ValueError(text)  # NaN, Infinity, and whatever is no integer


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def parse_json(content: bytes) -> Any:
    """The JSON value in `content`, which must be of a kind that has one canonical form that every reader agrees on.

    Raises:
        ValueError: if it is no JSON in UTF-8, or holds a number that is no integer or too large, a key twice in one
            object, a lone surrogate, or objects nested deeper than can be read.
    """
    text = content.decode("utf-8")
    try:
        value = json.loads(
            text, object_pairs_hook=_distinct, parse_int=_whole, parse_float=_refused, parse_constant=_refused
        )
        if "\\ud" in text or "\\uD" in text:  # the only way for a surrogate to get past the decoding
            canonical(value)
    except (RecordError, RecursionError) as error:
        raise ValueError("no canonical form") from error
    return value


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON of `value`, in lower-case hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


SUM: Final = "sum"


def with_sum(members: Mapping[str, object]) -> dict[str, object]:
    """The members of a file of the kiosk's own, and `sum`: 16 hex digits of the digest of all others."""
    return {**members, SUM: digest(members)[:16]}


def is_as_written(members: object, without: Collection[str] = ()) -> bool:
    """Whether a file's `sum` is right. One wrong letter of a code would name another place, and still be well-formed.

    Args:
        members: what is in the file, which may be anything.
        without: members of a file that an older kiosk or a person may have written without `sum`. It then holds no
            others: one that nobody knows may be what is left of that word.
    """
    if not isinstance(members, Mapping):
        return False
    others = {name: value for name, value in members.items() if name != SUM}
    return with_sum(others) == members if SUM in members else bool(members) and others.keys() <= set(without)
