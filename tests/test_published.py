"""What is published: one spelling, any bit that changes is found, and nothing is believed without a signature."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from kiosk.canonical import canonical, parse_json
from kiosk.published import End, Envelope, Head, Receipt, Refused, enclose, open_envelope
from kiosk.trust import NotSigned, signed

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
HASH = "0123456789abcdef" * 4
EPOCH = "00112233445566ff"
ENVELOPE = Envelope("S016001", EPOCH, 7, HASH, PUBLIC, '{"records":{"1":{"name":"林小满"}}}'.encode(), False)
HEAD = Head(
    "S016001",
    "笕桥社区",
    "330102016",
    "330102016001",
    "2021-12-06T08:00:00.000+08:00",
    (End(EPOCH, 7, HASH, 1400),),
    (End("ff" * 8, 3, HASH, 600),),
    (f"S016001/{EPOCH}/000003-{HASH}",),
    2,
    PUBLIC,
)
RECEIPT = Receipt("S016001", 5, "2021-12-06T08:00:00.000+08:00", {EPOCH: 1400}, HASH)


def flipped(content: bytes) -> list[bytes]:
    """The content with each of its bits changed in turn."""
    return [
        bytes([*content[:place], content[place] ^ (1 << bit), *content[place + 1 :]])
        for place in range(len(content))
        for bit in range(8)
    ]


def test_what_was_enclosed_comes_out_as_it_was() -> None:
    for envelope in (ENVELOPE, replace(ENVELOPE, encrypted=True, body=bytes(range(256)))):
        assert open_envelope(enclose(envelope, KEY.sign)) == envelope
    assert ENVELOPE.name == f"S016001/{EPOCH}/000007-{HASH}"


def test_a_head_and_a_receipt_are_read_as_they_were_written() -> None:
    assert Head.read(HEAD.sign(PUBLIC, KEY.sign)) == HEAD
    assert Head.read(HEAD.sign(PUBLIC, KEY.sign)).key == PUBLIC
    assert Receipt.read(RECEIPT.sign(KEY.sign), PUBLIC) == RECEIPT


def test_every_bit_of_a_published_segment_is_held_by_its_signature() -> None:
    content = enclose(ENVELOPE, KEY.sign)
    kinds = set()
    for changed in flipped(content):
        with pytest.raises(Refused) as refused:
            open_envelope(changed)
        kinds.add(refused.value.kind)
    assert kinds == {"unreadable", "bad_hash", "bad_signature", "newer_format"}


def test_every_bit_of_a_head_is_held_by_its_signature() -> None:
    for changed in flipped(HEAD.sign(PUBLIC, KEY.sign)):
        with pytest.raises(Refused):
            Head.read(changed)


def test_every_bit_of_a_receipt_is_held_by_its_signature() -> None:
    for changed in flipped(RECEIPT.sign(KEY.sign)):
        with pytest.raises(NotSigned):
            Receipt.read(changed, PUBLIC)


@pytest.mark.parametrize("length", [0, 1, 50, 300])
def test_what_was_cut_off_is_unreadable(length: int) -> None:
    with pytest.raises(Refused) as refused:
        open_envelope(enclose(ENVELOPE, KEY.sign)[:length])
    assert refused.value.kind == "unreadable"
    with pytest.raises(Refused):
        Head.read(HEAD.sign(PUBLIC, KEY.sign)[:length])


def test_a_body_that_goes_on_is_not_what_was_signed() -> None:
    with pytest.raises(Refused) as refused:
        open_envelope(enclose(ENVELOPE, KEY.sign) + b" ")
    assert refused.value.kind == "bad_hash"


def test_a_signature_of_somebody_else_does_not_count() -> None:
    with pytest.raises(Refused) as refused:
        open_envelope(enclose(ENVELOPE, OTHER.sign))
    assert refused.value.kind == "bad_signature"
    with pytest.raises(Refused):
        Head.read(HEAD.sign(PUBLIC, OTHER.sign))
    with pytest.raises(NotSigned):
        Receipt.read(RECEIPT.sign(OTHER.sign), PUBLIC)


def test_a_signature_of_one_kind_is_none_of_another() -> None:
    members: dict[str, Any] = parse_json(HEAD.sign(PUBLIC, KEY.sign))
    del members["signature"]
    with pytest.raises(Refused):
        Head.read(signed("segment", members, KEY.sign))
    assert Head.read(signed("head", members, KEY.sign)) == HEAD


def test_a_newer_format_is_named() -> None:
    members = parse_json(enclose(ENVELOPE, KEY.sign).partition(b"\n")[0])
    del members["signature"]
    newer = signed("segment", {**members, "format": 2}, KEY.sign) + b"\n" + ENVELOPE.body
    with pytest.raises(Refused, match="2") as refused:
        open_envelope(newer)
    assert refused.value.kind == "newer_format"


def test_there_is_one_spelling_only() -> None:
    line, _, body = enclose(ENVELOPE, KEY.sign).partition(b"\n")
    members = parse_json(line)
    for other in (
        line.replace(b":", b": ", 1),
        canonical({**members, "key": members["key"].upper()}),
        canonical({**members, "signature": members["signature"][:-3] + "h=="}),
    ):
        if other != line:
            with pytest.raises(Refused):
                open_envelope(other + b"\n" + body)


@pytest.mark.parametrize(
    "changes",
    [
        {"station": "s016001"},
        {"station": "../hq"},
        {"epoch": "xx"},
        {"number": -1},
        {"number": True},
        {"hash": HASH[:-1]},
        {"encrypted": 1},
        {"body": None},
    ],
)
def test_a_station_that_signs_nonsense_is_refused(changes: dict[str, Any]) -> None:
    members = parse_json(enclose(ENVELOPE, KEY.sign).partition(b"\n")[0])
    del members["signature"]
    with pytest.raises(Refused):
        open_envelope(signed("segment", {**members, **changes}, KEY.sign) + b"\n" + ENVELOPE.body)


def test_what_is_encrypted_needs_its_key() -> None:
    envelope = replace(ENVELOPE, encrypted=True)
    with pytest.raises(Refused) as refused:
        envelope.content(None)
    assert refused.value.kind == "unreadable"

    def wrong(_ciphertext: bytes) -> bytes:
        raise ValueError

    with pytest.raises(Refused):
        envelope.content(wrong)
    assert envelope.content(lambda text: text[::-1]) == ENVELOPE.body[::-1]
