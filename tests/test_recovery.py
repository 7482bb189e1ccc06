"""No damage to settings, keys or campaigns turns volunteers away where the station can go on, and the lead is told."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from kiosk import audit, badge, segments, setup, store
from kiosk.arriving import Admission
from kiosk.campaign import Campaign
from kiosk.errors import CampaignError, KioskError, NotSaved, StoreBusy, WrongUsage
from kiosk.forgetting import left_to_people
from kiosk.keys import Keys
from kiosk.print_room import PrintRoom
from kiosk.recovery import settings_of
from kiosk.rules import Application, Stay
from kiosk.segments import read_all, replaced_by_older
from kiosk.settings import NotSetUp, SettingsError, read_settings
from kiosk.station import Station
from kiosk.trust import Directory, KeysError
from tests import factories, plain
from tests.conftest import COMMUNITY, PIN, STATION, seeded
from tests.walking import walking

if TYPE_CHECKING:
    from tests.conftest import FakeClock

GARBLED = [b"", b"{", b"\0" * 64, "密钥".encode("gb18030"), None]


def arrive(station: Station, campaign: Campaign, number: int = 0, **changes: Any) -> Admission:
    given = factories.answers(campaign, station.today())
    who = factories.applicant(number, **changes)
    return station.check_in(Application(who, given, True, Stay()))


def garble(path: Path, content: bytes | None) -> None:
    path.unlink() if content is None else path.write_bytes(content)


@pytest.fixture
def known(station_folder: Path, campaign: Campaign, clock: FakeClock) -> Admission:
    """Somebody who has been here; the station is closed again."""
    station = Station(station_folder, clock=clock, entropy=seeded(2))
    done = arrive(station, campaign, id_number=factories.id_number())
    station.close()
    clock.advance(minutes=5)
    return done


def opened(folder: Path, clock: FakeClock, seed: int = 5) -> Station:
    return Station(folder, clock=clock, entropy=seeded(seed))


def notes(folder: Path, note: str) -> list[dict[str, Any]]:
    records = [document for document in plain.log(folder) if document["type"] == "station_noted"]
    return [document["details"] for document in records if document["note"] == note]


def files(folder: Path) -> set[str]:
    return {finding.file for finding in audit.verify(folder)}


# --- station.json ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [*GARBLED, b'{"station": "S1"}'])
def test_station_json_is_made_anew_from_the_log(
    station_folder: Path, campaign: Campaign, clock: FakeClock, known: Admission, content: bytes | None
) -> None:
    old = read_settings(station_folder)
    garble(station_folder / "station.json", content)
    station = opened(station_folder, clock)
    try:
        assert "station.json" in station.set_aside
        now = station.settings
        assert (now.station, now.street, now.community) == (STATION, COMMUNITY[:9], COMMUNITY)
        assert (now.name, now.language) == ("笕桥社区", "zh")
        assert now == read_settings(station_folder)
        assert now.epoch != old.epoch
        assert station.visit(known.volunteer or "") is not None
        assert station.recognise(known.code or "").refused is None
        assert arrive(station, campaign, 1).outcome == "admitted"
        (note,) = notes(station_folder, "new_epoch")
        assert (note["epoch"], note["last_seq"], note["set_aside"]) == (old.epoch, 5, ["station.json"])
        pairs = [(document["epoch"], document["seq"]) for document in plain.log(station_folder)]
        assert len(pairs) == len(set(pairs))
    finally:
        station.close()
    kept = list((station_folder / "set-aside").iterdir())
    assert [path.read_bytes() for path in kept] == ([] if content is None else [content])
    assert files(station_folder) == {f"set-aside/{path.name}" for path in kept}
    again = opened(station_folder, clock)
    assert again.set_aside == []
    again.close()


@pytest.mark.parametrize("field", ["station", "street", "community", "name", "epoch", "segment"])
def test_a_wrong_character_in_station_json_is_not_believed(
    station_folder: Path, campaign: Campaign, clock: FakeClock, known: Admission, field: str
) -> None:
    old, path = read_settings(station_folder), station_folder / "station.json"
    value = json.dumps(getattr(old, field), ensure_ascii=False)
    wrong = value[:-2] + ("7" if value[-2:-1] != "7" else "8") + '"' if value.endswith('"') else str(int(value) + 1)
    path.write_text(path.read_text("utf-8").replace(f'"{field}": {value}', f'"{field}": {wrong}'), "utf-8")
    with pytest.raises(SettingsError):
        read_settings(station_folder, unchanged=True)
    # A segment that it names may have been there.
    assert files(station_folder) == {"station.json", *(["records"] if field == "segment" else [])}
    station = opened(station_folder, clock)
    now, visit = station.settings, station.visit(known.volunteer or "")
    aside = station.set_aside
    station.close()
    assert visit is not None
    assert aside == ["station.json", *(["records"] if field == "segment" else [])]
    assert (now.station, now.street, now.community, now.name) == (STATION, COMMUNITY[:9], COMMUNITY, "笕桥社区")
    assert now.epoch != old.epoch


def test_station_json_with_a_wrong_letter_in_the_word_sum_is_not_believed(station_folder: Path) -> None:
    path = station_folder / "station.json"
    garble(path, path.read_bytes().replace(b'"sum"', b'"swm"'))
    with pytest.raises(SettingsError):
        read_settings(station_folder, unchanged=True)


def test_station_json_without_a_sum_is_an_older_one_or_written_by_hand(station_folder: Path) -> None:
    path, old = station_folder / "station.json", read_settings(station_folder)
    members = json.loads(path.read_text("utf-8"))
    del members["sum"]
    path.write_text(json.dumps(members), "utf-8")
    assert read_settings(station_folder, unchanged=True) == old
    assert files(station_folder) == set()


def test_station_json_can_be_made_anew_when_the_set_up_is_in_a_file_that_was_set_aside(
    station_folder: Path, campaign: Campaign, clock: FakeClock, known: Admission
) -> None:
    """The new epoch's first record says where the station stands, too."""
    garble(station_folder / "records" / "open.json", b"{")
    opened(station_folder, clock).close()
    garble(station_folder / "station.json", b"{")
    station = opened(station_folder, clock)
    assert (station.settings.station, station.settings.community) == (STATION, COMMUNITY)
    station.close()


def test_nothing_is_guessed_where_the_log_says_nothing(station_folder: Path, clock: FakeClock) -> None:
    garble(station_folder / "station.json", b"{")
    garble(station_folder / "records" / "open.json", b"{")
    before = plain.fingerprint(station_folder)
    with pytest.raises(SettingsError):
        opened(station_folder, clock)
    assert plain.fingerprint(station_folder) == before
    (station_folder / "station.json").unlink()
    with pytest.raises(NotSetUp):
        opened(station_folder, clock)


def test_a_file_that_is_not_as_written_has_to_do_where_the_log_says_nothing(
    station_folder: Path, campaign: Campaign, clock: FakeClock
) -> None:
    path = station_folder / "station.json"
    garble(path, path.read_bytes().replace("笕桥".encode(), "笕桐".encode()))
    garble(station_folder / "records" / "open.json", b"{")
    station = opened(station_folder, clock)
    assert set(station.set_aside) == {"station.json", "open.json"}
    assert arrive(station, campaign).outcome == "admitted"
    station.close()
    assert read_settings(station_folder, unchanged=True).name == "笕桥社区"


@pytest.mark.parametrize("wrong", ["community", "street", "name"])
def test_a_wrong_place_is_put_right_by_what_else_the_file_says(
    station_folder: Path, clock: FakeClock, wrong: str
) -> None:
    """Whether the wrong code is nobody's or another's: the name tells; and the codes, where the name is wrong."""
    path = station_folder / "station.json"
    told = path.read_bytes()
    garble(station_folder / "records" / "open.json", b"{")
    places = {
        "community": [COMMUNITY.replace("3301", "3307"), COMMUNITY[:9] + "002", COMMUNITY[:9] + "999"],
        "street": [COMMUNITY[:8] + "9", "330102001"],
        "name": ["景芳", "x"],
    }
    known = {"community": COMMUNITY, "street": COMMUNITY[:9], "name": "笕桥社区"}
    for instead in places[wrong]:
        garble(path, told.replace(f'"{wrong}": "{known[wrong]}"'.encode(), f'"{wrong}": "{instead}"'.encode()))
        assert path.read_bytes() != told
        settings, anew = settings_of(station_folder, seeded(5))
        assert anew
        assert (settings.street, settings.community, settings.name) == (COMMUNITY[:9], COMMUNITY, "笕桥社区")


def test_a_place_in_a_segment_that_was_changed_is_not_believed(station_folder: Path, clock: FakeClock) -> None:
    path, records = station_folder / "station.json", station_folder / "records" / "open.json"
    garble(path, path.read_bytes().replace(b'"dark"', b'"dbrk"'))
    garble(records, records.read_bytes().replace(COMMUNITY.encode(), COMMUNITY.replace("3301", "3300").encode()))
    settings, anew = settings_of(station_folder, seeded(5))
    assert (anew, settings.community, settings.name) == (True, COMMUNITY, "笕桥社区")


def test_a_place_that_does_not_fit_together_is_not_believed(station_folder: Path, clock: FakeClock) -> None:
    path = station_folder / "station.json"
    told = path.read_bytes().replace("笕桥社区".encode(), "东门口".encode())
    garble(path, told.replace(COMMUNITY.encode(), (COMMUNITY[:9] + "999").encode()))
    garble(station_folder / "records" / "open.json", b"{")
    before = plain.fingerprint(station_folder)
    with pytest.raises(SettingsError):
        opened(station_folder, clock)
    assert plain.fingerprint(station_folder) == before


def test_a_file_that_is_not_as_written_still_says_which_segments_there_were(
    station_folder: Path, clock: FakeClock, known: Admission
) -> None:
    path = station_folder / "station.json"
    epoch = read_settings(station_folder).epoch
    garble(path, path.read_bytes().replace(b'"dark"', b'"dbrk"'))
    garble(station_folder / "records" / "open.json", None)
    assert files(station_folder) == {"station.json", "records"}
    opened(station_folder, clock).close()
    (note,) = notes(station_folder, "new_epoch")
    assert (note["epoch"], note["missing"], note["set_aside"]) == (epoch, 1, ["station.json"])
    station = opened(station_folder, clock)  # the next start tells it, too
    station.close()
    gone = f"期次 {epoch} 的第 1 分段当时已不见"
    assert [(each.file, each.problem[: len(gone)]) for each in station.earlier_damage][1:] == [("records", gone)]
    assert station.earlier_damage[0].file == "station.json"


def test_segments_that_can_be_read_say_which_station_it_is(
    station_folder: Path, campaign: Campaign, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the set-up is in one that cannot, and the file names another."""
    monkeypatch.setattr(store, "SEGMENT_SIZE", 6)
    station = opened(station_folder, clock)
    known = [arrive(station, campaign, number).volunteer or "" for number in range(3)]
    station.close()
    first, *others = sorted((station_folder / "records" / "sealed").iterdir())
    assert others
    garble(first, b"{")
    path = station_folder / "station.json"
    garble(path, path.read_bytes().replace(f'"{STATION}"'.encode(), b'"S7"'))
    station = opened(station_folder, clock)
    try:
        assert station.settings.station == STATION
        assert set(station.set_aside) == {"station.json", first.name}
        assert station.recognise(known[-1]).person is not None
    finally:
        station.close()


@pytest.fixture
def elsewhere(tmp_path: Path, campaign: Campaign, light_wrapping: None) -> Path:
    """The data folder of another station, which has been open."""
    folder = tmp_path / "elsewhere"
    made = setup.prepare(folder, campaign, station="S001001", community="330102001051")
    setup.finish(folder, made)
    return folder


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("lost", [None, "station.key", "station.secret"])
def test_station_json_of_another_station_counts_for_nothing(
    station_folder: Path,
    campaign: Campaign,
    clock: FakeClock,
    known: Admission,
    elsewhere: Path,
    sealed: bool,
    lost: str | None,
) -> None:
    """The log, what it says of the keys, and the keys agree against it."""
    if sealed:
        station = opened(station_folder, clock)
        station.seal()
        station.close()
    ours, theirs = read_settings(station_folder), (elsewhere / "station.json").read_bytes()
    (station_folder / "station.json").write_bytes(theirs)
    if lost:
        garble(station_folder / "keys" / lost, b"{")
    assert files(station_folder) == {"station.json", *([f"keys/{lost}"] if lost else [])}
    station = opened(station_folder, clock)
    try:
        assert "station.json" in {finding.file for finding in station.damage}
        now = station.settings
        assert (now.station, now.street, now.community, now.name) == (STATION, COMMUNITY[:9], COMMUNITY, ours.name)
        assert station.visit(known.volunteer or "") is not None
        assert arrive(station, campaign, 1).outcome == "admitted"
        assert station._store.set_aside == []
    finally:
        station.close()
    assert theirs in {path.read_bytes() for path in (station_folder / "set-aside").iterdir()}
    (note,) = notes(station_folder, "new_epoch")
    assert (note["epoch"], note["set_aside"]) == (ours.epoch, ["station.json"])
    again = opened(station_folder, clock)
    assert again.damage == []
    again.close()


def test_a_log_of_another_station_makes_nobody_another(
    station_folder: Path, campaign: Campaign, clock: FakeClock, elsewhere: Path
) -> None:
    """The same the other way round: the keys are not those that it names."""
    shutil.copy(elsewhere / "records" / "open.json", station_folder / "records" / "open.json")
    assert files(station_folder) == {"records/open.json"}
    station = opened(station_folder, clock)
    try:
        assert station.settings.station == STATION
        assert "open.json" in station.set_aside
        assert arrive(station, campaign).outcome == "admitted"
    finally:
        station.close()


def test_a_full_disk_while_station_json_is_made_anew(
    station_folder: Path, clock: FakeClock, known: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    garble(station_folder / "station.json", b"{")

    def write(descriptor: int, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "injected")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", write)
        with pytest.raises(OSError, match="injected"):
            opened(station_folder, clock)
    assert (station_folder / "station.json").read_bytes() == b"{"
    station = opened(station_folder, clock)  # the lock was given back
    assert station.settings.station == STATION
    station.close()


# --- campaigns ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"{", b"[]", None])
def test_the_shipped_campaign_stands_in_for_its_damaged_bundle(
    station_folder: Path, campaign: Campaign, clock: FakeClock, content: bytes | None
) -> None:
    garble(station_folder / "campaign" / "SC2021-1.json", content)
    station = opened(station_folder, clock)
    try:
        assert arrive(station, campaign).outcome == "admitted"
        assert station.campaign.id == "SC2021"
        assert [finding.file for finding in station.damage] == ["campaign"]
        assert station.set_aside
    finally:
        station.close()
    assert files(station_folder) == {"campaign/SC2021-1.json"}


def test_no_other_campaign_stands_in(station_folder: Path, campaign: Campaign, clock: FakeClock) -> None:
    """The log names one that is not shipped: whoever was admitted by other clauses would be admitted wrongly."""
    other = factories.campaign_source()
    other["campaign"]["id"] = "MAR22"
    path = station_folder / "campaign" / "MAR22-1.json"
    path.write_text(json.dumps(other), encoding="utf-8")
    (station_folder / "campaign" / "SC2021-1.json").unlink()
    station = opened(station_folder, clock)
    arrive(station, campaign)
    station.close()
    path.write_bytes(b"{")
    with pytest.raises(CampaignError):
        opened(station_folder, clock)


def test_a_damaged_bundle_beside_a_good_one_is_told(station_folder: Path, clock: FakeClock) -> None:
    (station_folder / "campaign" / "AAA-1.json").write_bytes(b"{")
    station = opened(station_folder, clock)
    assert [finding.file for finding in station.damage] == ["campaign"]
    station.close()
    assert files(station_folder) == {"campaign/AAA-1.json"}


# --- keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", GARBLED)
def test_a_station_without_its_signing_key_makes_another(
    station_folder: Path, campaign: Campaign, clock: FakeClock, known: Admission, content: bytes | None
) -> None:
    """The log says what it is before a badge is signed with it, and badges of before stay good."""
    old = Keys(station_folder / "keys", station_folder / "tmp").public
    garble(station_folder / "keys" / "station.key", content)
    for _start in range(2):
        station = opened(station_folder, clock)
        try:
            new = station.keys.public
            assert new != old
            assert station.recognise(known.code or "").refused is None
            fresh = arrive(station, campaign, 1)
            assert station.recognise(fresh.code or "").refused is None
            assert badge.check(
                fresh.code or "",
                directory=Directory(stations={STATION: (new,)}),
                campaign="SC2021",
                today=station.today(),
            ).valid
        finally:
            station.close()
        assert Keys(station_folder / "keys", station_folder / "tmp").public == new
        (note,) = notes(station_folder, "new_keys")
        assert note == {"files": ["station.key"], "key": new.hex()}
    kept = list((station_folder / "set-aside").iterdir())
    assert [path.read_bytes() for path in kept] == ([] if content is None else [content])
    assert files(station_folder) == {f"set-aside/{path.name}" for path in kept}


@pytest.mark.parametrize("content", GARBLED)
def test_a_station_without_its_secret_still_registers(
    station_folder: Path, campaign: Campaign, clock: FakeClock, known: Admission, content: bytes | None
) -> None:
    """It no longer recognises ID numbers of before, but names and phones, badges and numbers."""
    garble(station_folder / "keys" / "station.secret", content)
    station = opened(station_folder, clock)
    try:
        assert "station.secret" in station.set_aside
        done = arrive(station, campaign, 1, id_number=factories.id_number(order=2))
        assert done.outcome == "admitted"
        assert station.recognise(known.volunteer or "").visit is not None
    finally:
        station.close()
    (note,) = notes(station_folder, "new_keys")
    assert note.keys() == {"files", "secret"}
    assert all(name.startswith("set-aside/") for name in files(station_folder))


@pytest.mark.parametrize("content", [*GARBLED, b"age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"])
def test_the_leads_public_key_comes_back_from_the_log(
    station_folder: Path,
    campaign: Campaign,
    clock: FakeClock,
    known: Admission,
    content: bytes | None,
    passphrase: str,
) -> None:
    path = station_folder / "keys" / "lead.pub"
    right = path.read_bytes()
    garble(path, content)
    station = opened(station_folder, clock)
    arrive(station, campaign, 1)
    station.close()
    assert path.read_bytes() == right
    sealed = plain.log(station_folder)[-4]["personal"]["sealed"]
    keys = Keys(station_folder / "keys", station_folder / "tmp")
    assert keys.open_sealed(sealed, passphrase)["phone"] == factories.phone(1)


def test_without_any_recipient_nothing_is_sealed_to_nobody(station_folder: Path) -> None:
    """Of a log that does not name the lead's key: a sentence, and no registration that nobody could ever open."""
    keys = Keys(station_folder / "keys", station_folder / "tmp")
    (station_folder / "keys" / "lead.pub").write_bytes(b"")
    assert keys.renew({}) == ()
    with pytest.raises(KeysError, match=r"lead\.pub"):
        keys.seal({"a": "b"})


def test_garbled_keys_of_headquarters_do_not_stop_a_registration(
    station_folder: Path, campaign: Campaign, clock: FakeClock
) -> None:
    (station_folder / "keys" / "hq.json").write_bytes(b"{")
    station = opened(station_folder, clock)
    assert arrive(station, campaign).outcome == "admitted"
    station.close()
    assert files(station_folder) == {"keys/hq.json"}


def test_new_keys_that_could_not_be_noted_are_not_written(
    station_folder: Path, campaign: Campaign, clock: FakeClock, known: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key of which the log says nothing would make its badges strangers' for ever."""
    garble(station_folder / "keys" / "station.key", b"")
    real, full = os.write, [True]

    def write(descriptor: int, content: bytes) -> int:
        if full[0]:
            raise OSError(errno.ENOSPC, "injected")
        return real(descriptor, content)

    monkeypatch.setattr(os, "write", write)
    station = opened(station_folder, clock)
    try:
        assert (station_folder / "keys" / "station.key").read_bytes() == b""
        with pytest.raises(NotSaved):
            arrive(station, campaign, 1)
        full[0] = False
        arrive(station, campaign, 1)
        (note,) = notes(station_folder, "new_keys")
        assert Keys(station_folder / "keys", station_folder / "tmp").public.hex() == note["key"]
    finally:
        station.close()


@pytest.mark.parametrize("content", [*GARBLED, b'{"salt":"","hash":"","failed":0,"wait":null}'])
def test_a_damaged_pin_lets_nobody_in_and_volunteers_go_on(
    station_folder: Path, campaign: Campaign, clock: FakeClock, content: bytes | None
) -> None:
    garble(station_folder / "keys" / "pin.json", content)
    station = opened(station_folder, clock)
    try:
        for pin in (PIN, "", "000000"):
            with pytest.raises(KioskError, match=r"pin\.json"):
                station.check_pin(pin)
        assert arrive(station, campaign).outcome == "admitted"
    finally:
        station.close()
    assert files(station_folder) == {"keys/pin.json"}


def test_a_pin_that_cannot_be_counted_lets_nobody_in(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(errno.EROFS, "injected")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KioskError):
        station.check_pin(PIN)


# --- an older copy --------------------------------------------------------------------------------------------------


def test_an_older_copy_of_the_open_segment_is_told_and_no_seq_comes_again(
    station_folder: Path, campaign: Campaign, clock: FakeClock
) -> None:
    older = (station_folder / "records" / "open.json").read_bytes()
    station = opened(station_folder, clock)
    arrive(station, campaign)
    old, last = station.settings.epoch, station._store._seq - 1
    station.close()
    (station_folder / "records" / "open.json").write_bytes(older)
    there = len(plain.log(station_folder))
    assert there < last
    assert files(station_folder) == {"records"}
    station = opened(station_folder, clock)
    try:
        assert [finding.problem for finding in station.damage] == [replaced_by_older(old, last, there)]
        assert arrive(station, campaign, 1).outcome == "admitted"
    finally:
        station.close()
    (note,) = notes(station_folder, "new_epoch")
    assert (note["epoch"], note["last_seq"]) == (old, last)
    assert len(audit.verify(station_folder)) == 1  # for as long as the log exists
    station = opened(station_folder, clock)
    station.close()
    assert [each.problem for each in station.earlier_damage] == [f"期次 {old} 在第 {last} 条记录之后无法继续。"]


@pytest.mark.parametrize("damaged", ["open", "sealed"])
@pytest.mark.parametrize("index", ["known", "gone"])
@pytest.mark.parametrize("segment", [0, 2])
def test_an_older_copy_of_station_json_does_not_resume_an_epoch_that_has_ended(
    station_folder: Path,
    campaign: Campaign,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    damaged: str,
    index: str,
    segment: int,
) -> None:
    """What was set aside when it ended holds numbers that would come again."""
    monkeypatch.setattr(store, "SEGMENT_SIZE", 6)
    ended = read_settings(station_folder)
    older = replace(ended, segment=segment)
    station = opened(station_folder, clock)
    for number in range(4):
        arrive(station, campaign, number)
    station.close()
    path = plain.segment_files(station_folder)[-1 if damaged == "open" else -2]
    lost = {(document["epoch"], document["seq"]) for document in plain.documents(path)}
    path.write_bytes(path.read_bytes()[:-60])
    station = opened(station_folder, clock)
    arrive(station, campaign, 4)
    station.seal()
    station.close()
    between = read_settings(station_folder).epoch
    older.save(station_folder)
    if index == "gone":
        (station_folder / "cache" / "known.sqlite").unlink()
    assert files(station_folder) == {"station.json", f"set-aside/{between}-{path.name}", *gap(station_folder)}
    station = opened(station_folder, clock, 6)
    try:
        assert [(finding.file, ended.epoch in finding.problem) for finding in station.damage] == [
            ("station.json", True)
        ]
        assert arrive(station, campaign, 5).outcome == "admitted"
        assert station.settings.epoch not in {ended.epoch, between}
    finally:
        station.close()
    assert notes(station_folder, "new_epoch")[-1]["epoch"] == between
    pairs = [(document["epoch"], document["seq"]) for document in plain.log(station_folder)]
    assert not lost & set(pairs)
    assert len(pairs) == len(set(pairs))
    assert [segment.epoch for segment in read_all(station_folder)[0]][-2:] == [
        between,
        read_settings(station_folder).epoch,
    ]
    again = opened(station_folder, clock)
    assert again.damage == []
    again.close()


def gap(folder: Path) -> set[str]:
    """What is found of a sealed segment that was set aside: the one after it does not follow."""
    return {finding.file for finding in segments.verify(folder, STATION) if finding.file.startswith("records/")}


def test_an_epoch_that_was_gone_on_with_after_its_end_is_told(
    station_folder: Path, campaign: Campaign, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As kiosks did that believed an older station.json."""
    older = read_settings(station_folder)
    station = opened(station_folder, clock)
    arrive(station, campaign)
    station.seal()
    last = station._store._seq - 1
    station.close()
    garble(station_folder / "records" / "open.json", b"{")
    station = opened(station_folder, clock)
    arrive(station, campaign, 1)
    station.seal()
    station.close()
    (aside,) = (station_folder / "set-aside").iterdir()
    aside.unlink()
    assert audit.verify(station_folder) == []
    older.save(station_folder)
    (station_folder / "cache" / "known.sqlite").unlink()
    with monkeypatch.context() as patched:
        patched.setattr(store, "epochs_over", lambda segments, before=None: ())
        station = opened(station_folder, clock)
        arrive(station, campaign, 2)
        station.close()
    found = [finding for finding in audit.verify(station_folder) if finding.file.startswith("records/")]
    assert [(finding.file, finding.seq) for finding in found] == [("records/open.json", last + 1)]
    station = opened(station_folder, clock, 6)
    assert station.settings.epoch != older.epoch
    station.close()


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"null", b"1", b'{"epoch": "x", "seq": 99}'])
def test_without_the_mark_of_the_newest_record_a_start_goes_on(
    station_folder: Path, clock: FakeClock, content: bytes | None
) -> None:
    garble(station_folder / "cache" / "newest.json", content)
    station = opened(station_folder, clock)
    station.close()
    assert station.damage == []
    assert audit.verify(station_folder) == []


# --- what an impatient person does ----------------------------------------------------------------------------------


def test_a_folder_in_place_of_station_json_makes_room(station_folder: Path, clock: FakeClock, known: Admission) -> None:
    path = station_folder / "station.json"
    path.unlink()
    path.mkdir()
    station = opened(station_folder, clock)
    assert station.recognise(known.volunteer or "").person is not None
    station.close()
    assert path.is_file()
    assert [found.is_dir() for found in (station_folder / "set-aside").iterdir()] == [True]


def test_a_link_that_leads_nowhere_is_a_segment_that_is_gone(
    station_folder: Path, clock: FakeClock, known: Admission
) -> None:
    station = opened(station_folder, clock)
    station._store.seal()
    station.close()
    (path,) = (station_folder / "records" / "sealed").iterdir()
    path.unlink()
    path.symlink_to("/nonexistent")
    assert f"records/sealed/{path.name}" in files(station_folder)
    station = opened(station_folder, clock)
    assert path.name in station.set_aside
    station.close()


def test_what_lies_in_tmp_is_in_nobodys_way(station_folder: Path, campaign: Campaign, clock: FakeClock) -> None:
    (station_folder / "tmp" / "folder").mkdir()
    station = opened(station_folder, clock)
    try:
        shutil.rmtree(station_folder / "tmp")
        with pytest.raises(NotSaved):
            arrive(station, campaign)
        assert arrive(station, campaign).outcome == "admitted"  # the next try makes it anew
    finally:
        station.close()


@pytest.mark.parametrize("name", ["station.key", "station.secret"])
def test_a_key_that_is_not_the_one_in_the_log_is_noted_and_told(
    station_folder: Path, campaign: Campaign, clock: FakeClock, known: Admission, name: str
) -> None:
    path = station_folder / "keys" / name
    right = path.read_bytes()
    garble(path, (b"0" if right[:1] != b"0" else b"1") + right[1:])
    station = opened(station_folder, clock)
    new = arrive(station, campaign, 1).code or ""
    assert [finding.file for finding in station.damage] == [f"keys/{name}"]
    station.close()
    (note,) = notes(station_folder, "new_keys")
    assert note["files"] == [name]
    assert path.read_bytes() != right
    garble(path, right)  # somebody mends it: whoever came in between is still known
    station = opened(station_folder, clock)
    assert [station.recognise(code).refused for code in (known.code or "", new)] == [None, None]
    station.close()


def test_a_damaged_key_never_replaces_another_in_set_aside(station_folder: Path, clock: FakeClock) -> None:
    for content in (b"first", b"second"):
        garble(station_folder / "keys" / "station.key", content)
        station = opened(station_folder, clock)
        station.warm_up()
        station.watch_clock()
        station.close()
    kept = {path.read_bytes() for path in (station_folder / "set-aside").iterdir()}
    assert kept == {b"first", b"second"}


@pytest.mark.parametrize("name", ["lead.age", "pin.json"])
def test_a_file_that_only_the_lead_needs_is_told_soon(station_folder: Path, clock: FakeClock, name: str) -> None:
    garble(station_folder / "keys" / name, b"{")
    station = opened(station_folder, clock)
    station.examine(after=0, pause=0)
    assert [finding.file for finding in station.damage] == [f"keys/{name}"]
    station.close()


@pytest.mark.parametrize("name", ["keys/directory.json", "keys/pin.json", "campaign/SC2021-1.json"])
def test_json_nested_too_deep_is_damage_like_any_other(
    station_folder: Path, campaign: Campaign, clock: FakeClock, name: str
) -> None:
    garble(station_folder / name, b"[" * 200_000)
    assert files(station_folder) == {name}
    station = opened(station_folder, clock)
    assert arrive(station, campaign).outcome == "admitted"
    assert station.recognise("X" * 40).refused == "malformed"
    station.close()


@pytest.mark.parametrize("way", ["set aside", "stick"])
def test_a_folder_that_may_hold_records_is_not_set_up_anew(station_folder: Path, campaign: Campaign, way: str) -> None:
    """New keys would make what is sealed in them unreadable for ever."""
    (station_folder / "station.json").unlink()
    if way == "set aside":
        (station_folder / "records").rename(station_folder / "set-aside" / "records")
    else:
        shutil.rmtree(station_folder / "records")
        (station_folder / "records").symlink_to("/nonexistent")
    before = plain.fingerprint(station_folder / "keys")
    with pytest.raises(WrongUsage):
        setup.prepare(station_folder, campaign, station=STATION, community=COMMUNITY)
    assert plain.fingerprint(station_folder / "keys") == before


@pytest.mark.parametrize(
    "details",
    [
        {"expected": "x", "shown": "y"},
        {"expected": 1, "shown": None},
        {"set_aside": None},
        {"set_aside": [1]},
        {"files": 1},
        {"missing": 1},
        {"last_seq": 3},
    ],
    ids=str,
)
async def test_a_note_that_says_something_else_stops_no_start_and_no_page(
    station_folder: Path, clock: FakeClock, details: dict[str, Any]
) -> None:
    """As a newer kiosk, or nobody, may have written it."""
    station = opened(station_folder, clock)
    station._note("clock_changed" if "shown" in details else "new_epoch", details)
    station._write_notes()
    station.close()
    station = opened(station_folder, clock)
    async with walking(station) as walker:
        await walker.shows("第一次来")
        await walker.lead(PIN)
    station.close()


HOLDING = ("records", "records/sealed", "keys", "campaign")


@pytest.mark.parametrize("name", HOLDING)
def test_a_disk_that_is_not_connected_is_asked_for_and_the_log_goes_on_when_it_is(
    station_folder: Path, campaign: Campaign, clock: FakeClock, known: Admission, name: str
) -> None:
    away = station_folder.parent / "away"
    shutil.move(station_folder / name, away)
    (station_folder / name).symlink_to(away)
    away.rename(station_folder.parent / "gone")
    before = plain.fingerprint(station_folder)
    with pytest.raises(KioskError, match=f"{name}.*磁盘"):
        opened(station_folder, clock)
    assert plain.fingerprint(station_folder) == before
    (station_folder.parent / "gone").rename(away)
    station = opened(station_folder, clock)
    assert known.volunteer in station.history.people
    assert station.damage == []
    station.close()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "file") for name in (*HOLDING, "cache", "tmp", "set-aside", "receipts", "print-queue")),
        *((name, "link") for name in ("cache", "tmp", "set-aside", "receipts", "print-queue")),
    ],
)
def test_what_stands_in_the_place_of_a_folder_makes_room(
    station_folder: Path, campaign: Campaign, clock: FakeClock, known: Admission, name: str, kind: str
) -> None:
    path = station_folder / name
    if path.exists():
        shutil.move(path, station_folder.parent / "away")
    path.write_bytes(b"kept") if kind == "file" else path.symlink_to("/nonexistent")
    before = plain.fingerprint(station_folder)
    assert name in files(station_folder)
    assert plain.fingerprint(station_folder) == before
    station = opened(station_folder, clock)
    try:
        assert name in {finding.file for finding in station.damage}
        assert arrive(station, campaign, 1).outcome == "admitted"
        PrintRoom(station).close()
    finally:
        station.close()
    moved = f"in-the-way-of-{path.name}"
    aside = moved if name == "set-aside" else f"set-aside/{moved}"
    assert aside in files(station_folder)
    assert name not in files(station_folder)
    assert aside in left_to_people(station_folder)
    kept = station_folder / aside
    assert str(kept.readlink()) == "/nonexistent" if kind == "link" else kept.read_bytes() == b"kept"
    again = opened(station_folder, clock)
    assert [finding.file for finding in again.damage if finding.file != "campaign"] == []  # no bundle came back
    again.close()


@pytest.mark.parametrize("beside", [(), ("set-aside", "cache")])
def test_a_folder_in_the_place_of_the_lock_makes_room(
    station_folder: Path, campaign: Campaign, clock: FakeClock, beside: Sequence[str]
) -> None:
    (station_folder / "lock").unlink()
    (station_folder / "lock" / "in").mkdir(parents=True)
    for name in beside:
        shutil.rmtree(station_folder / name)
        (station_folder / name).write_bytes(b"kept")
    assert files(station_folder) == {"lock", *beside}
    station = opened(station_folder, clock)
    try:
        assert {finding.file for finding in station.damage} == {"lock", *beside}
        assert arrive(station, campaign).outcome == "admitted"
        with pytest.raises(StoreBusy):
            opened(station_folder, clock)
    finally:
        station.close()
    assert list(station_folder.glob("**/in-the-way-of-lock/in"))


def test_nothing_makes_room_while_another_has_the_station(station_folder: Path, station: Station) -> None:
    shutil.rmtree(station_folder / "set-aside")
    (station_folder / "set-aside").write_bytes(b"kept")
    with pytest.raises(StoreBusy):
        Station(station_folder)
    assert (station_folder / "set-aside").read_bytes() == b"kept"
