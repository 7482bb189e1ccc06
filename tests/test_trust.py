"""What headquarters signs counts as it was signed, and nothing else does."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from kiosk import audit
from kiosk.keys import Keys
from kiosk.records import ALPHABET
from kiosk.station import Station
from kiosk.trust import DIRECTORY, Directory, KeysError, NotSigned, fingerprint, open_signed, signed
from tests import factories, plain
from tests.conftest import STATION, seeded
from tests.elsewhere import Elsewhere
from tests.test_recovery import arrive

if TYPE_CHECKING:
    from pathlib import Path

    from kiosk.campaign import Campaign
    from tests.conftest import FakeClock

HQ = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = HQ.public_key().public_bytes_raw()
KNOWN = Directory(3, {"S1": (b"\1" * 32, b"\2" * 32), "S2": (b"\3" * 32,)}, frozenset([b"\1" * 32]), {"7K2MQ-4RXWR": 2})


def test_a_directory_comes_back():
    assert Directory.read(KNOWN.sign(HQ.sign), PUBLIC) == KNOWN
    assert Directory.read(Directory().sign(HQ.sign), PUBLIC) == Directory()


def test_every_changed_byte_of_a_directory_is_found():
    content = KNOWN.sign(HQ.sign)
    for place in range(len(content)):
        for wrong in (content[place] ^ 1, 0x20):
            changed = content[:place] + bytes([wrong]) + content[place + 1 :]
            if changed != content:
                with pytest.raises(NotSigned):
                    Directory.read(changed, PUBLIC)
    for end in range(len(content)):
        with pytest.raises(NotSigned):
            Directory.read(content[:end], PUBLIC)


def test_another_kind_of_document_is_no_directory():
    content = KNOWN.sign(HQ.sign)
    members = open_signed(DIRECTORY, content, PUBLIC)
    receipt = signed("receipt", members, HQ.sign)
    assert open_signed("receipt", receipt, PUBLIC) == members
    with pytest.raises(NotSigned):
        Directory.read(receipt, PUBLIC)
    with pytest.raises(NotSigned):
        Directory.read(content, Ed25519PrivateKey.generate().public_key().public_bytes_raw())


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "x"},
        {"stations": []},
        {"stations": {"S1": ["zz"]}},
        {"withdrawn": None},
        {"revoked": {"7K2MQ-4RXWQ": 1}},
    ],
)
def test_what_is_signed_and_cannot_be_understood_is_refused_whole(wrong):
    members = open_signed(DIRECTORY, KNOWN.sign(HQ.sign), PUBLIC)
    with pytest.raises(NotSigned):
        Directory.read(signed(DIRECTORY, members | wrong, HQ.sign), PUBLIC)


def test_what_a_newer_headquarters_says_on_top_is_signed_along():
    members = open_signed(DIRECTORY, KNOWN.sign(HQ.sign), PUBLIC)
    assert Directory.read(signed(DIRECTORY, {**members, "more": 1}, HQ.sign), PUBLIC) == KNOWN


def test_a_fingerprint_can_be_read_out():
    told = fingerprint(PUBLIC)
    assert [len(group) for group in told.split("-")] == [5, 5, 5, 5]
    assert set(told) <= {*ALPHABET, "-"}
    assert len({fingerprint(bytes([n] * 32)) for n in range(200)}) == 200


# --- at a station ---------------------------------------------------------------------------------------------------


def keys_of(folder: Path) -> Keys:
    return Keys(folder / "keys", folder / "tmp")


def test_an_older_directory_does_not_replace_a_newer(station_folder: Path) -> None:
    elsewhere, keys = Elsewhere.known_to(station_folder), keys_of(station_folder)
    older, newer = elsewhere.directory(number=5).encode(), elsewhere.directory(number=6, stations={}).encode()
    assert keys.take_directory(newer).number == 6
    assert keys.take_directory(older).number == 6  # or what was withdrawn would count again
    assert keys_of(station_folder).directory().number == 6
    assert (station_folder / "keys" / "directory.json").read_bytes() == newer


def test_a_directory_that_headquarters_did_not_sign_changes_nothing(station_folder: Path) -> None:
    elsewhere = Elsewhere.known_to(station_folder)
    before = plain.fingerprint(station_folder)
    forged = elsewhere.directory(signer=elsewhere.key, number=9).encode()
    for content in (forged, b"", b"{}", b"[]", b"\0" * 9):
        with pytest.raises(NotSigned):
            keys_of(station_folder).take_directory(content)
    assert plain.fingerprint(station_folder) == before
    (station_folder / "keys" / "hq.json").unlink()
    with pytest.raises(KeysError):
        keys_of(station_folder).take_directory(elsewhere.directory(number=9).encode())


def test_a_damaged_directory_gives_way_to_a_good_one(station_folder: Path) -> None:
    elsewhere = Elsewhere.known_to(station_folder)
    (station_folder / "keys" / "directory.json").write_bytes(b"{")
    assert keys_of(station_folder).take_directory(elsewhere.directory(number=1).encode()).number == 1
    assert "S999" in keys_of(station_folder).others().stations


def test_a_station_whose_key_was_withdrawn_makes_another_and_new_badges(
    station_folder: Path, campaign: Campaign, clock: FakeClock
) -> None:
    """Whoever stole the key cannot write badges any more; whoever comes with an old one gets a new one."""
    elsewhere = Elsewhere.known_to(station_folder)
    station = Station(station_folder, clock=clock, entropy=seeded(2))
    old = station.keys.public
    done = arrive(station, campaign)
    number, code = done.volunteer or "", done.code or ""
    stations = {STATION: (old,)}
    told = elsewhere.directory(number=2, stations=stations, withdrawn=frozenset([old])).encode()
    station.keys.take_directory(told)
    assert station.recognise(code).refused == "revoked"  # at once, beside a running kiosk
    assert station.badge_code(number) is None
    station.close()
    clock.advance(minutes=10)

    station = Station(station_folder, clock=clock, entropy=seeded(3))
    assert station.keys.public != old
    (note,) = [d["details"] for d in plain.log(station_folder) if d.get("note") == "new_keys"]
    assert (note["files"], note["key"]) == (["station.key"], station.keys.public.hex())
    assert [finding.file for finding in station.damage] == ["keys/station.key"]  # the lead tells headquarters
    station.check_out(number)
    again = station.check_in_again(number, factories.answers(campaign, station.today()))
    fresh = station.badge_code(number)
    assert again.outcome == "admitted"
    assert fresh not in (None, code)
    assert station.recognise(fresh or "").refused is None
    assert station.recognise(code).refused == "revoked"
    station.close()
    assert audit.verify(station_folder) == []

    station = Station(station_folder, clock=clock, entropy=seeded(4))
    assert station.damage == []
    assert station.recognise(fresh or "").refused is None
    station.close()


def test_a_key_that_is_withdrawn_beside_a_running_kiosk_signs_no_badge_more(
    station: Station, campaign: Campaign
) -> None:
    elsewhere, old = Elsewhere.known_to(station.folder), station.keys.public
    first = arrive(station, campaign).code or ""
    told = elsewhere.directory(number=2, stations={STATION: (old,)}, withdrawn=frozenset([old])).encode()
    station.keys.take_directory(told)
    second = arrive(station, campaign, 1)
    assert station.keys.public != old
    assert station.recognise(second.code or "").refused is None
    assert station.badge_code(second.volunteer or "") == second.code
    assert station.recognise(first).refused == "revoked"
    log = plain.log(station.folder)
    notes = [place for place, d in enumerate(log) if d.get("note") == "new_keys"]
    issued = [place for place, d in enumerate(log) if d["type"] == "badge_issued"]
    assert notes == [place for place in notes if issued[0] < place < issued[1]]
    assert len(notes) == 1
    (finding,) = station.damage
    assert "总部" in finding.problem
    assert list((station.folder / "set-aside").iterdir()) == [], "a stolen key is kept nowhere"


def test_a_badge_that_headquarters_has_revoked_is_handed_out_no_more(
    station: Station, campaign: Campaign, clock: FakeClock
) -> None:
    elsewhere, own = Elsewhere.known_to(station.folder), station.keys.public
    done = arrive(station, campaign)
    number, code = done.volunteer or "", done.code or ""
    told = elsewhere.directory(number=2, stations={STATION: (own,)}, revoked={number: 3}).encode()
    station.keys.take_directory(told)
    assert station.recognise(code).refused == "revoked"
    assert station.badge_code(number) is None
    station.check_out(number)
    clock.advance(minutes=5)
    fresh = station.check_in_again(number, factories.answers(campaign, station.today()))
    assert fresh.new_badge
    assert station.recognise(fresh.code or "").refused is None
    assert [d["serial"] for d in plain.log(station.folder) if d["type"] == "badge_issued"] == [1, 4]


def test_the_public_keys_of_headquarters_are_what_was_given_by_hand(station_folder: Path) -> None:
    """A directory says who else counts; it never says who headquarters is."""
    elsewhere = Elsewhere.known_to(station_folder)
    before = (station_folder / "keys" / "hq.json").read_bytes()
    thief = replace(elsewhere, hq=Ed25519PrivateKey.generate())
    members = json.loads(thief.directory(number=7))
    members["ed25519"] = base64.b64encode(thief.hq.public_key().public_bytes_raw()).decode()
    with pytest.raises(NotSigned):
        keys_of(station_folder).take_directory(json.dumps(members).encode())
    assert (station_folder / "keys" / "hq.json").read_bytes() == before
