"""`kiosk verify` over a whole data folder: whatever is empty, garbled, gone or of somewhere else is named."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kiosk import audit, sync, sync_room
from kiosk.campaign import Campaign
from kiosk.campaign_files import sign_campaigns
from kiosk.durable import write_durably
from kiosk.hq.keys import HqKeys
from kiosk.keys import Keys
from kiosk.printing.printer import Printer
from kiosk.records import Draft
from kiosk.rules import Application, Stay
from kiosk.segments import Finding, read_all
from kiosk.settings import NotSetUp, read_settings
from kiosk.station import Station
from kiosk.store import new_epoch
from tests import factories, plain
from tests.district import HOMES, District

if TYPE_CHECKING:
    from tests.conftest import FakeClock, Template

HERE = next(iter(HOMES))


@pytest.fixture
def busy(station_folder: Path, campaign: Campaign, clock: FakeClock) -> Path:
    """A station's folder after three days: two sealed segments and an open one."""
    station = Station(station_folder, clock=clock)
    for number in range(3):
        arrive(station, campaign, number)
        clock.advance(days=1)
    station.close()
    return station_folder


def arrive(station: Station, campaign: Campaign, number: int) -> str:
    given = factories.answers(campaign, station.today())
    done = station.check_in(Application(factories.applicant(number), given, True, Stay()))
    return done.volunteer or ""


def looked_at(folder: Path) -> list[Finding]:
    """What is found; it is also held to changing nothing, and to saying where and what."""
    before = plain.fingerprint(folder)
    found = audit.verify(folder)
    assert plain.fingerprint(folder) == before
    assert all(finding.file and finding.problem and "{" not in finding.problem for finding in found)
    return found


def files(folder: Path) -> set[str]:
    return {finding.file for finding in looked_at(folder)}


def end_epoch(folder: Path, campaign: Campaign, clock: FakeClock, number: int) -> None:
    """The epoch of the log ends with nothing lost, as when station.json was restored from an older copy."""
    settings = read_settings(folder).with_epoch(new_epoch())
    settings.save(folder)
    station = Station(folder, clock=clock)
    arrive(station, campaign, number)
    station.close()


def test_a_folder_in_order(busy: Path, campaign: Campaign, clock: FakeClock) -> None:
    assert looked_at(busy) == []
    end_epoch(busy, campaign, clock, 3)
    end_epoch(busy, campaign, clock, 4)
    assert looked_at(busy) == []
    assert len({document["epoch"] for document in plain.log(busy)}) == 3


# --- keys -----------------------------------------------------------------------------------------------------------

KEYS = ("station.key", "station.secret", "lead.pub", "lead.age", "pin.json")
GARBLED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "text": lambda content: "密钥".encode("gb18030"),
}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("garbled", GARBLED.values(), ids=GARBLED.keys())
def test_a_key_file_that_is_garbled(busy: Path, name: str, garbled: Callable[[bytes], bytes]) -> None:
    path = busy / "keys" / name
    path.write_bytes(garbled(path.read_bytes()))
    assert files(busy) == {f"keys/{name}"}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_file_that_is_gone(busy: Path, name: str) -> None:
    (busy / "keys" / name).unlink()
    assert files(busy) == {f"keys/{name}"}


@pytest.mark.parametrize("name", KEYS[:4])
def test_one_wrong_letter_in_a_key_file(busy: Path, name: str) -> None:
    """The form is right, so only what the log says of the keys can tell."""
    path = busy / "keys" / name
    content = bytearray(path.read_bytes())
    place = len(content) - 8
    content[place] = ord("0") if content[place] != ord("0") else ord("2")
    path.write_bytes(content)
    assert files(busy) == {f"keys/{name}"}


@pytest.mark.usefixtures("light_wrapping")
@pytest.mark.parametrize("name", KEYS[:4])
def test_a_key_file_of_another_station(busy: Path, template: Template, tmp_path: Path, name: str) -> None:
    other = Keys.create(tmp_path / "keys", tmp_path, pin="135790", passphrase="x")
    assert other.public.hex() != Keys(busy / "keys", busy / "tmp").public.hex()
    shutil.copy(tmp_path / "keys" / name, busy / "keys" / name)
    assert files(busy) == {f"keys/{name}"}


@pytest.mark.parametrize(
    "state",
    [{"salt": "00"}, {"hash": "zz"}, {"hash": 5}, {"failed": "0"}, {"failed": -1}, {"failed": True}, {"wait": "soon"}],
    ids=str,
)
def test_a_pin_file_with_something_else(busy: Path, state: dict[str, object]) -> None:
    path = busy / "keys" / "pin.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | state), encoding="utf-8")
    assert files(busy) == {"keys/pin.json"}


@pytest.mark.parametrize("name", ["hq.json", "directory.json"])
def test_what_headquarters_gave_and_is_garbled(busy: Path, name: str) -> None:
    (busy / "keys" / name).write_bytes(b"{}")
    assert files(busy) == {f"keys/{name}"}


def test_a_log_that_says_less_of_the_keys(busy: Path) -> None:
    """Of a station that was set up before more than its public key was noted."""
    noted = {"key": Keys(busy / "keys", busy / "tmp").public.hex()}
    assert list(Keys(busy / "keys", busy / "tmp").problems(noted)) == []


# --- what is gone from the log --------------------------------------------------------------------------------------


def test_the_open_segment_is_gone(busy: Path) -> None:
    (busy / "records" / "open.json").unlink()
    (found,) = looked_at(busy)
    assert (found.file, "3" in found.problem) == ("records", True)


def test_the_only_segment_is_gone(station_folder: Path) -> None:
    (station_folder / "records" / "open.json").unlink()
    assert files(station_folder) == {"records"}
    shutil.rmtree(station_folder / "records")
    assert files(station_folder) == {"records"}


def test_no_record_was_ever_written(station_folder: Path) -> None:
    """A set-up that was cut off at its very end, or a station of before segments were noted whose log is gone."""
    shutil.rmtree(station_folder / "records")
    read_settings(station_folder).with_epoch("00" * 8).save(station_folder)
    assert files(station_folder) == {"records"}


def test_the_last_segment_of_an_earlier_epoch_is_gone(busy: Path, campaign: Campaign, clock: FakeClock) -> None:
    """Nothing follows on it in its epoch; the next epoch's first record names the last number."""
    end_epoch(busy, campaign, clock, 3)
    sealed = [path for path in plain.segment_files(busy) if path.name.startswith("000003")]
    sealed[0].unlink()
    (found,) = looked_at(busy)
    assert (found.file, found.seq) == ("records/open.json", 1)
    assert "13" in found.problem


def test_a_whole_earlier_epoch_is_gone(busy: Path, campaign: Campaign, clock: FakeClock) -> None:
    end_epoch(busy, campaign, clock, 3)
    for path in (busy / "records" / "sealed").iterdir():
        path.unlink()
    (found,) = looked_at(busy)
    assert (found.file, found.seq) == ("records/open.json", 1)


def test_what_was_gone_when_the_epoch_ended_stays_a_finding(busy: Path, campaign: Campaign, clock: FakeClock) -> None:
    (busy / "records" / "open.json").unlink()
    Station(busy, clock=clock).close()
    (found,) = looked_at(busy)
    assert (found.file, found.seq) == ("records/open.json", 1)


def test_all_of_an_epoch_is_gone_and_with_it_what_it_said(busy: Path, campaign: Campaign, clock: FakeClock) -> None:
    """The third epoch's first record names the second, of which nothing is there, and the first."""
    first = read_settings(busy).epoch
    end_epoch(busy, campaign, clock, 3)
    second = read_settings(busy).epoch
    (busy / "records" / "open.json").unlink()
    station = Station(busy, clock=clock)
    arrive(station, campaign, 4)
    station.close()
    note = plain.log(busy)[-5]["details"]
    assert (note["epoch"], note["last_seq"], note["missing"]) == (second, 0, 1)
    assert note["before"] == {"epoch": first, "last_seq": 13}
    (found,) = looked_at(busy)
    assert (found.file, found.seq, second in found.problem) == ("records/open.json", 1, True)
    assert [segment.epoch for segment in read_all(busy)[0]] == [first] * 3 + [read_settings(busy).epoch]
    plain.segment_files(busy)[2].unlink()
    assert len(looked_at(busy)) == 2


def test_a_note_that_does_not_say_what_was_before(busy: Path, clock: FakeClock) -> None:
    station = Station(busy, clock=clock)
    data = {"note": "new_epoch", "details": {"epoch": 5}}
    station._write([Draft("station_noted", clock(), "station", data=data)], clock())
    station.close()
    assert files(busy) == {"records/open.json"}


def test_an_epoch_that_no_file_has(busy: Path) -> None:
    read_settings(busy).with_epoch("ff" * 8).save(busy)
    assert files(busy) == {"station.json"}


def test_an_epoch_that_has_no_record_yet(busy: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that ended the epoch before it lies aside, and says it all."""
    (busy / "records" / "open.json").write_bytes(b"{")
    with monkeypatch.context() as patched:
        patched.setattr(Station, "_note_opening", lambda self: None)
        Station(busy, clock=clock).close()
    assert all(name.startswith("set-aside/") for name in files(busy))


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"segment": -1}', b"\xff"])
def test_station_json_is_damaged_and_the_rest_is_looked_at_all_the_same(busy: Path, content: bytes | None) -> None:
    path = busy / "station.json"
    path.unlink() if content is None else path.write_bytes(content)
    assert files(busy) == {"station.json"}
    (busy / "keys" / "lead.pub").unlink()
    assert files(busy) == {"station.json", "keys/lead.pub"}


def test_where_there_never_was_a_station(tmp_path: Path) -> None:
    with pytest.raises(NotSetUp):
        audit.verify(tmp_path)


# --- what was forgotten ---------------------------------------------------------------------------------------------


def taken(folder: Path, volunteer: str, part: str) -> Iterator[int]:
    """Takes the object out of all registrations of a volunteer, newest first; gives the seq each time."""
    for path in reversed(plain.segment_files(folder)):
        tables: dict[str, Any] = json.loads(path.read_bytes())
        for document in reversed(tables["records"].values()):
            if document["volunteer"] == volunteer and document["type"] == "registered" and part in document:
                del document[part]
                path.write_text(json.dumps(tables, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
                yield document["seq"]


@pytest.mark.parametrize("part", ["personal", "health"])
def test_forgetting_covers_only_what_was_before_it(
    station_folder: Path, campaign: Campaign, clock: FakeClock, part: str
) -> None:
    """Whoever comes back has given their data anew; that it is gone must be explained anew."""
    station = Station(station_folder, clock=clock)
    volunteer = arrive(station, campaign, 0)
    station.check_out(volunteer)
    forgotten = Draft("forgotten", clock(), "lead", volunteer, data={"objects": [part], "reason": "本人要求"})
    station._write([forgotten], clock())
    clock.advance(days=400)
    assert arrive(station, campaign, 0) == volunteer
    station.close()
    newer, older = taken(station_folder, volunteer, part), 2
    again = next(newer)

    def unexplained() -> list[int | None]:
        found = [finding for finding in looked_at(station_folder) if finding.file != "rewritten.json"]
        return [finding.seq for finding in found if "还在" not in finding.problem]

    assert again > older
    assert unexplained() == [again]
    assert list(newer) == [older]
    assert unexplained() == [again]


# --- campaigns ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"{}"])
def test_the_bundle_of_a_record_is_damaged(busy: Path, content: bytes | None, campaign: Campaign) -> None:
    """Also when another is in force by now."""
    newer = factories.campaign_source()
    newer["campaign"]["version"] = 2
    (busy / "campaign" / "SC2021-2.json").write_text(json.dumps(newer), encoding="utf-8")
    assert looked_at(busy) == []
    path = busy / "campaign" / "SC2021-1.json"
    path.unlink() if content is None else path.write_bytes(content)
    assert files(busy) == {"campaign/SC2021-1.json"}


def test_a_bundle_under_another_name(busy: Path) -> None:
    shutil.copy(busy / "campaign" / "SC2021-1.json", busy / "campaign" / "SC2021-9.json")
    assert files(busy) == {"campaign/SC2021-9.json"}


def test_beside_a_running_station(busy: Path, campaign: Campaign, clock: FakeClock) -> None:
    station = Station(busy, clock=clock)
    try:
        assert looked_at(busy) == []
        clock.advance(days=1)
        arrive(station, campaign, 5)
        station._store.seal()
        assert looked_at(busy) == []
    finally:
        station.close()


# --- what lies beside the log ---------------------------------------------------------------------------------------

BESIDE = (
    "rewritten.json",
    "sync.json",
    "synced.json",
    "printer.json",
    "receipts/hq.json",
    "campaign/headquarters",
    "known_hosts",
)
HOST_KEY = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()


@pytest.fixture
def handed_over(district: District) -> Path:
    """A station that has all the files beside its log that there are."""
    folder = district.folder / HERE
    district.handed(HERE, (1, 2))
    assert district.collect().code == 0
    campaigns = sign_campaigns([district.campaign], 1, HqKeys(district.folder / "keys").sign)
    (district.box / "hq" / "campaigns").write_bytes(campaigns)
    assert district.sync(HERE).code == 0
    station = Station(folder, clock=district.clock)
    station.forget(next(iter(station.history.people)), "本人要求")
    station.close()
    sync.save_place(folder, str(district.box))
    write_durably(folder / "synced.json", sync_room._said(district.clock()), folder / "tmp")
    Printer.of("png", str(district.box)).save(folder)
    (folder / "known_hosts").write_text(f"# servers\n[127.0.0.1]:22 ssh-ed25519 {HOST_KEY} of the tent\n")
    assert looked_at(folder) == []
    assert all((folder / name).is_file() for name in BESIDE)
    return folder


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("garbled", [*GARBLED, "a letter", "a folder"])
def test_a_file_beside_the_log_that_is_garbled(
    handed_over: Path, clock: FakeClock, campaign: Campaign, name: str, garbled: str
) -> None:
    """It is named, and told on the screen, and neither the next record nor what was handed over hangs on it."""
    path = handed_over / name
    if garbled == "a folder":
        path.unlink()
        path.mkdir()
    else:
        letter = path.read_bytes().replace(b"ssh-ed", b"ssh-xd").replace(b'":', b'x":', 1)
        path.write_bytes(letter if garbled == "a letter" else GARBLED[garbled](path.read_bytes()))
    assert files(handed_over) == ({name} if garbled != "empty" or name != "known_hosts" else set())
    if garbled == "empty" and name == "known_hosts":
        return  # so it is before the first server
    clock.set("2021-12-09 08:00")
    station = Station(handed_over, clock=clock)
    try:
        station.examine(after=0, pause=0)
        assert name in {finding.file for finding in station.damage}
        arrive(station, campaign, 7)
        station.forget(next(who for who, person in station.history.people.items() if person.name), "本人要求")
    finally:
        station.close()


@pytest.mark.parametrize("name", ["campaign/SC2021-1.json", "keys/pin.json", "sync.json", "rewritten.json"])
def test_a_wrong_letter_in_the_word_sum(handed_over: Path, name: str) -> None:
    path = handed_over / name
    path.write_bytes(path.read_bytes().replace(b'"sum"', b'"swm"'))
    assert files(handed_over) == {name}


def test_the_list_of_what_was_rewritten_is_gone(handed_over: Path, clock: FakeClock) -> None:
    (handed_over / "rewritten.json").unlink()
    assert files(handed_over) == {"rewritten.json"}
    station = Station(handed_over, clock=clock)
    station.examine(after=0, pause=0)
    assert [finding.file for finding in station.damage] == ["rewritten.json"]
    station.close()
    assert looked_at(handed_over) == []
