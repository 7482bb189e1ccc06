"""Badges: one spelling, every reason to refuse, forged and damaged codes, and QR codes that decoders read."""

from __future__ import annotations

import base64
import random
import string
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image

from kiosk import badge
from kiosk.badge import (
    CODE_LENGTH,
    QUIET_ZONE,
    REASONS,
    Badge,
    Check,
    check,
    half_blocks,
    is_let_go,
    issue,
    looks_like_code,
    modules,
    write_png,
)
from kiosk.records import ALPHABET
from kiosk.trust import Directory, verify
from tests import forging
from tests.factories import DAY, STATION, volunteer_number

BASE32 = string.ascii_uppercase + "234567"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
DIRECTORY = Directory(stations={STATION: (KEY.public_key().public_bytes_raw(),)})
BADGE = Badge(STATION, volunteer_number(), "SC2021", DAY + timedelta(days=30))
CODE = issue(BADGE, KEY.sign)


def judged(code: str, **other: Any) -> Check:
    """What is said of it at the station, in its campaign and on the day, unless something is said otherwise."""
    return check(code, **{"directory": DIRECTORY, "campaign": "SC2021", "today": DAY, **other})


# --- the code -------------------------------------------------------------------------------------------------------


def test_a_badge_says_what_was_written():
    found = judged(CODE)
    assert found == Check(None, BADGE)
    assert found.valid


def test_a_code_is_upper_case_letters_and_digits():
    assert len(CODE) == CODE_LENGTH
    assert set(CODE) <= set(string.ascii_uppercase + string.digits)
    assert looks_like_code(CODE)
    assert not looks_like_code(f" {BADGE.volunteer} ")


def test_the_same_badge_has_the_same_code():
    assert issue(BADGE, KEY.sign) == CODE


@given(
    st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=8),
    st.integers(0, 10**6),
    st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=8),
    st.dates(date(2020, 1, 1), date(2199, 6, 6)),
)
def test_every_badge_comes_back(station, seed, campaign, expires):
    badge = Badge(station, volunteer_number(seed), campaign, expires)
    directory = Directory(stations={station: (KEY.public_key().public_bytes_raw(),)})
    found = check(issue(badge, KEY.sign), directory=directory, campaign=campaign, today=date(2020, 1, 1))
    assert found == Check(None, badge)


@pytest.mark.parametrize("end", [date(2199, 6, 7), date(9999, 12, 31)])
def test_a_campaign_that_never_ends_still_has_badges(end):
    badge = Badge(STATION, volunteer_number(), "SC2021", end)
    found = judged(issue(badge, KEY.sign))
    assert found.valid
    assert found.badge is not None
    assert found.badge.expires == date(2199, 6, 6)


# --- one spelling ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["{}\r", "{}\r\n", " {}", "\t{} "])
def test_white_space_around_a_scan_is_dropped(around):
    assert judged(around.format(CODE)).valid


@pytest.mark.parametrize(
    "code",
    [
        CODE.lower(),
        CODE.swapcase(),
        CODE[:40] + CODE[40:].lower(),
        CODE + "=" * (-len(CODE) % 8),
        CODE + "====",
        CODE + "A",
        CODE[:-1],
        CODE[1:],
        CODE[:70] + " " + CODE[70:],
        CODE[:70] + "-" + CODE[71:],
        CODE[:70] + "0" + CODE[71:],
        CODE[:70] + "1" + CODE[71:],
        CODE[:70] + "Ａ" + CODE[71:],
        CODE[:70] + "\x00" + CODE[71:],
        "Ａ" * CODE_LENGTH,
        "A" * CODE_LENGTH,
        "7" * CODE_LENGTH,
        "",
        "   ",
        BADGE.volunteer,
        "https://example.org/" + CODE,
        CODE + CODE,
    ],
)
def test_another_spelling_is_malformed(code):
    assert judged(code) == Check("malformed", None)


def test_changed_spare_bits_are_malformed():
    """The code's last letter carries bits that mean nothing; only one value of them is the station's."""
    spare = len(CODE) * 5 % 8
    assert spare > 0
    raw = base64.b32decode(CODE + "=" * (-len(CODE) % 8))
    twins = []
    for letter in BASE32:
        twin = CODE[:-1] + letter
        if twin != CODE and base64.b32decode(twin + "=" * (-len(CODE) % 8)) == raw:
            twins.append(twin)
    assert len(twins) == 2**spare - 1
    assert all(judged(twin) == Check("malformed", None) for twin in twins)


def test_no_changed_letter_is_accepted():
    chance = random.Random(3)
    for place in range(CODE_LENGTH):
        other = chance.choice([letter for letter in BASE32 if letter != CODE[place]])
        changed = judged(CODE[:place] + other + CODE[place + 1 :])
        assert not changed.valid
        assert changed.reason in ("malformed", "bad_signature", "unknown_station")


def test_a_payload_that_no_station_writes_is_malformed_even_when_signed():
    raw = base64.b32decode(CODE + "=" * (-len(CODE) % 8))
    payload = raw[:29]
    assert (payload[0], payload[1:9].rstrip(b"\0"), payload[19:27].rstrip(b"\0")) == (1, b"S016001", b"SC2021")
    strange = [
        b"\2" + payload[1:],  # a newer version
        payload[:1] + bytes(8) + payload[9:],  # no station
        payload[:1] + b"S0\x0016001" + payload[9:],  # a gap in the name
        payload[:1] + b"S0-16001" + payload[9:],
        payload[:1] + b"S\xff160010" + payload[9:],
        payload[:9] + b"0" + payload[10:],  # no letter of a volunteer number
        payload[:19] + bytes(8) + payload[27:],  # no campaign
    ]
    for changed in strange:
        assert len(changed) == 29
        signed = changed + KEY.sign(b"kiosk badge 1\0" + changed)
        assert judged(base64.b32encode(signed).decode().rstrip("=")).reason == "malformed"


# --- reasons --------------------------------------------------------------------------------------------------------


def test_a_forged_signature_tells_nothing_of_what_it_says():
    forged = issue(BADGE, OTHER_KEY.sign)
    assert judged(forged) == Check("bad_signature", None)
    assert judged(issue(BADGE, lambda _message: bytes(64))) == Check("bad_signature", None)


def test_a_signature_of_something_else_is_no_badge():
    """The station's key also signs other things; their signature must not make a badge."""
    assert judged(issue(BADGE, lambda message: KEY.sign(message.removeprefix(b"kiosk badge 1\0")))).reason == (
        "bad_signature"
    )


def test_a_signature_moved_to_another_badge():
    other = issue(Badge(STATION, volunteer_number(5), "SC2021", BADGE.expires), KEY.sign)
    raw, raw_other = (base64.b32decode(code + "=" * (-len(code) % 8)) for code in (CODE, other))
    moved = base64.b32encode(raw_other[:28] + raw[28:]).decode().rstrip("=")
    assert judged(moved) == Check("bad_signature", None)


def test_a_key_that_was_lost_counts_and_one_that_was_withdrawn_does_not():
    own, other = (key.public_key().public_bytes_raw() for key in (KEY, OTHER_KEY))
    later = issue(BADGE, OTHER_KEY.sign)
    both = Directory(stations={STATION: (own, other)})
    assert judged(CODE, directory=both).valid
    assert judged(later, directory=both).valid
    without = replace(both, withdrawn=frozenset([own]))
    assert judged(CODE, directory=without) == Check("revoked", None)  # whoever has the key can write any name
    assert judged(later, directory=without).valid
    assert is_let_go(CODE, without)
    assert not is_let_go(later, without)
    assert not is_let_go(CODE, both)


def test_headquarters_revokes_badges_of_any_station():
    told = replace(DIRECTORY, revoked={BADGE.volunteer: 1})
    assert judged(CODE, directory=told).reason == "revoked"
    assert judged(CODE, directory=told, revoked={BADGE.volunteer: 0}).reason == "revoked"
    newer = issue(replace(BADGE, serial=2), KEY.sign)
    assert judged(newer, directory=told).valid
    assert (is_let_go(CODE, told), is_let_go(newer, told)) == (True, False)
    assert judged(newer, directory=told, revoked={BADGE.volunteer: 2}).reason == "revoked"


def test_a_station_that_is_not_in_the_directory():
    elsewhere = Badge("S999", BADGE.volunteer, "SC2021", BADGE.expires)
    assert judged(issue(elsewhere, KEY.sign)) == Check("unknown_station", elsewhere)


def test_another_campaign():
    assert judged(CODE, campaign="SC2023") == Check("other_campaign", BADGE)


@pytest.mark.parametrize(("after", "reason"), [(-30, None), (29, None), (30, None), (31, "expired"), (4000, "expired")])
def test_a_badge_is_good_on_its_last_day(after, reason):
    assert judged(CODE, today=DAY + timedelta(days=after)) == Check(reason, BADGE)


def test_a_revoked_badge():
    assert judged(CODE, revoked={BADGE.volunteer: 1}) == Check("revoked", BADGE)
    assert judged(CODE, revoked={volunteer_number(5): 1}).valid


def test_the_badge_after_a_revoked_one_is_another():
    second = replace(BADGE, serial=2)
    code = issue(second, KEY.sign)
    assert code != CODE
    assert judged(code, revoked={BADGE.volunteer: 1}) == Check(None, second)
    assert judged(code, revoked={BADGE.volunteer: 2}).reason == "revoked"


def test_every_reason_was_seen():
    seen = {
        judged("x").reason,
        judged(issue(BADGE, OTHER_KEY.sign)).reason,
        judged(issue(Badge("S999", BADGE.volunteer, "SC2021", DAY), KEY.sign)).reason,
        judged(CODE, today=date(2099, 1, 1)).reason,
        judged(CODE, revoked={BADGE.volunteer: 1}).reason,
        judged(CODE, campaign="X").reason,
    }
    assert seen == set(REASONS)


@given(st.text(max_size=200) | st.text(BASE32, min_size=CODE_LENGTH, max_size=CODE_LENGTH))
def test_no_text_makes_the_check_fail_or_succeed(text):
    assert judged(text).reason in ("malformed", "bad_signature", "unknown_station")


def test_a_scanned_payload_never_reaches_a_wrong_number():
    """The check character is left out of the code and put back: it must be the right one for every letter."""
    for letter in ALPHABET:
        number = next(n for n in map(volunteer_number, range(20000)) if n[-1] == letter)
        found = judged(issue(Badge(STATION, number, "SC2021", BADGE.expires), KEY.sign))
        assert found.badge is not None
        assert found.badge.volunteer == number


def test_no_forged_code_is_accepted():
    refused = forging.forge(3_000, seed=5)
    assert refused["bad_signature"] > 1_500
    assert refused["malformed"] > 700
    assert refused["unknown_station"] > 50


def test_a_check_without_the_signature_accepts_forged_codes(monkeypatch):
    monkeypatch.setattr(badge, "verify", lambda key, message, signature: True)
    with pytest.raises(AssertionError, match="is accepted"):
        forging.forge(3_000, seed=5)


def test_a_refusal_tries_no_more_keys_than_a_good_code_of_the_oldest(monkeypatch):
    """What docs/performance.md says that it costs: a verification for each key of the code's own station, or none."""
    keys = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in range(1, 6)]
    public = [key.public_key().public_bytes_raw() for key in keys]
    directory = Directory(stations={STATION: tuple(public), "S2": (KEY.public_key().public_bytes_raw(),)})
    tried: list[bytes] = []

    def counted(key: bytes, message: bytes, signature: bytes) -> bool:
        tried.append(key)
        return verify(key, message, signature)

    monkeypatch.setattr(badge, "verify", counted)
    good = {number: issue(BADGE, keys[number].sign) for number in (0, 4)}
    for code, reason, wanted in (
        (good[4], None, public[:3:-1]),
        (good[0], None, public[::-1]),
        (issue(BADGE, KEY.sign), "bad_signature", public[::-1]),
        (issue(replace(BADGE, station="S3"), KEY.sign), "unknown_station", []),
        (good[4][:-1], "malformed", []),
    ):
        tried.clear()
        assert badge.check(code, directory=directory, campaign="SC2021", today=DAY).reason == reason
        assert tried == wanted


# --- the QR ---------------------------------------------------------------------------------------------------------


def longest() -> str:
    return issue(Badge("S" * 8, volunteer_number(), "C" * 8, date(2199, 6, 6)), KEY.sign)


def read(image: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(image)]


@pytest.mark.parametrize("code", [CODE, longest()])
def test_on_screen_a_badge_is_at_most_version_5(code):
    size = len(modules(code, border=0))
    assert size <= 17 + 4 * 5
    assert all(len(row) == size for row in modules(code, border=0))
    lines = half_blocks(code)
    assert len(lines) <= 21
    assert {len(line) for line in lines} == {size + 2 * QUIET_ZONE}
    assert max(map(len, lines)) <= 41


def test_the_quiet_zone_is_white():
    matrix = modules(CODE, border=3)
    assert not any(any(row) for row in [*matrix[:3], *matrix[-3:]])
    assert not any(row[column] for row in matrix for column in (0, 1, 2, -1, -2, -3))


@pytest.mark.parametrize("code", [CODE, longest()])
def test_half_blocks_are_read_by_a_decoder(code):
    lines = half_blocks(code)
    scale, shown = 6, {" ": (0, 0), "\u2580": (1, 0), "\u2584": (0, 1), "\u2588": (1, 1)}
    image = Image.new("L", (len(lines[0]) * scale, len(lines) * 2 * scale), 255)
    for y, line in enumerate(lines):
        for x, cell in enumerate(line):
            for half, dark in enumerate(shown[cell]):
                if dark:
                    image.paste(0, (x * scale, (2 * y + half) * scale, (x + 1) * scale, (2 * y + half + 1) * scale))
    assert read(image) == [code]


@pytest.mark.parametrize("scale", [2, 8])
def test_the_picture_is_read_by_a_decoder(tmp_path: Path, scale):
    path = tmp_path / "badge.png"
    write_png(CODE, path, scale=scale)
    with Image.open(path) as image:
        assert image.size[0] == image.size[1] == len(modules(CODE, level="M", border=4)) * scale
        found = zxingcpp.read_barcodes(image.convert("L"))
    assert [one.text for one in found] == [CODE]
    assert found[0].ec_level in ("M", "Q", "H")


def test_on_screen_the_level_is_that_of_the_design():
    size = len(modules(CODE, border=0))
    picture = Image.new("L", ((size + 8) * 4,) * 2, 255)
    for y, row in enumerate(modules(CODE, border=4)):
        for x, dark in enumerate(row):
            if dark:
                picture.paste(0, (x * 4, y * 4, x * 4 + 4, y * 4 + 4))
    (found,) = zxingcpp.read_barcodes(picture)
    assert found.text == CODE
    assert found.content_type == zxingcpp.ContentType.Text


def test_a_picture_that_cannot_be_written_is_the_system_s_error(tmp_path: Path):
    with pytest.raises(OSError, match="missing"):
        write_png(CODE, tmp_path / "missing" / "badge.png")
