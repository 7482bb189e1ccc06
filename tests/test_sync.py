"""Handing over: once, whole, beside a running kiosk, and on from where it stopped."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiosk import audit, forgetting
from kiosk.published import Head, Receipt, head_name, open_envelope, receipt_name
from kiosk.remote import Credentials, Missing, Place, RemoteError, place_at
from kiosk.settings import read_settings
from kiosk.station import Station
from kiosk.sync import exchange, read_receipt, standing
from tests import plain
from tests.conftest import FakeClock, seeded
from tests.district import HOMES, District
from tests.test_recovery import arrive

HERE, THERE = HOMES


class Watched(Place):
    """A folder that notes what is written, and can be told to fail."""

    def __init__(self, path: Path, fails: Callable[[str], bool] = lambda name: False) -> None:
        self.inner = place_at(str(path), Credentials())
        self.shown, self.fails = self.inner.shown, fails
        self.wrote: list[str] = []
        self.read_names: list[str] = []

    def read(self, name: str) -> bytes:
        self.read_names.append(name)
        return self.inner.read(name)

    def _put(self, name: str, content: bytes) -> None:
        if self.fails(name):
            raise RemoteError("it is gone")
        self.wrote.append(name)
        self.inner._put(name, content)

    def top(self) -> tuple[list[str], list[str]]:
        return self.inner.top()

    def files(self, folder: str) -> list[str]:
        return self.inner.files(folder)


@pytest.fixture
def three(district: District) -> Path:
    """A station with three sealed segments."""
    opened = Station(district.folder / HERE, clock=district.clock, entropy=seeded(3))
    for number in range(3):
        arrive(opened, district.campaign, number)
        opened.seal()
    opened.close()
    return opened.folder


@pytest.fixture
def box(district: District) -> Iterator[Path]:
    yield district.box


def test_all_that_is_sealed_is_handed_over_once(three: Path, box: Path, clock: FakeClock) -> None:
    place = Watched(box)
    done = exchange(three, place, clock())
    assert (done.published, done.problems) == (3, [])
    assert [name.rpartition("/")[2][:6] for name in place.wrote[:3]] == ["000001", "000002", "000003"]
    assert place.wrote[3:] == [head_name(HERE)]  # the head comes last: what it names is there
    again = Watched(box)
    assert exchange(three, again, clock.advance(minutes=5)).published == 0
    assert again.wrote == []


def test_what_lies_there_is_the_file_sealed_to_headquarters_and_signed(
    three: Path, box: Path, clock: FakeClock, district: District
) -> None:
    from kiosk.hq.keys import HqKeys, opener_for

    exchange(three, place_at(str(box), Credentials()), clock())
    opener = opener_for(HqKeys(district.folder / "keys").identities()[:1])
    sealed = plain.segment_files(three)
    for path, published in zip(sealed, district.objects(HERE), strict=True):
        envelope = open_envelope(published.read_bytes())
        assert envelope.name == published.relative_to(box).as_posix()
        assert envelope.encrypted
        assert envelope.content(opener) == path.read_bytes()
        assert "林".encode() not in published.read_bytes()


def test_without_headquarters_keys_it_is_handed_over_all_the_same(
    station: Station, district: District, clock: FakeClock
) -> None:
    arrive(station, district.campaign)
    station.seal()
    done = exchange(station.folder, place_at(str(district.box), Credentials()), clock())
    assert (done.published, done.taken, done.problems) == (1, [], [])
    (published,) = district.objects(station.settings.station)
    assert open_envelope(published.read_bytes()).body == plain.segment_files(station.folder)[0].read_bytes()


def test_beside_a_running_kiosk_what_is_sealed_goes_out(three: Path, box: Path, district: District) -> None:
    opened = Station(three, clock=district.clock, entropy=seeded(4))
    arrive(opened, district.campaign, 7)
    done = district.sync(HERE)
    opened.close()
    assert (done.code, done.rows[0]["published"]) == (0, 3)
    assert done.err.strip()
    assert district.sync(HERE).rows[0]["published"] == 1


@pytest.mark.parametrize("fails_at", range(4))
def test_a_try_that_was_cut_off_goes_on_where_it_stopped(
    three: Path, box: Path, clock: FakeClock, fails_at: int
) -> None:
    count = iter(range(100))
    broken = Watched(box, lambda name: next(count) >= fails_at)
    done = exchange(three, broken, clock())
    assert done.problems == ["it is gone"]
    good = Watched(box)
    assert exchange(three, good, clock()).problems == []
    assert len([name for name in [*broken.wrote, *good.wrote] if "HEAD" not in name]) == 3


def test_one_segment_that_cannot_be_written_does_not_stop_the_others(three: Path, box: Path, clock: FakeClock) -> None:
    broken = Watched(box, lambda name: "/000002-" in name)
    assert exchange(three, broken, clock()).published == 2
    head = Head.read((box / HERE / "HEAD").read_bytes())
    assert head.ends[0].number == 3
    assert [name[-71:-65] for name in head.missing] == ["000002"]
    good = Watched(box)
    assert exchange(three, good, clock()).published == 1
    assert Head.read((box / HERE / "HEAD").read_bytes()).missing == ()


def test_a_damaged_segment_is_told_and_not_handed_over(three: Path, box: Path, clock: FakeClock) -> None:
    second = plain.segment_files(three)[1]
    second.write_bytes(second.read_bytes().replace(b'"seq":', b'"seq": ', 1)[:-40])
    done = exchange(three, place_at(str(box), Credentials()), clock())
    assert done.published == 2
    assert second.name in done.problems[0]
    assert all(second.name.removesuffix(".json") != path.name for path in (box / HERE).glob("*/*"))


def test_two_sticks_in_turn_get_all_of_it_each(three: Path, district: District, clock: FakeClock) -> None:
    one, other = (place_at(str(district.folder / name), Credentials()) for name in ("one", "other"))
    assert exchange(three, one, clock()).published == 3
    opened = Station(three, clock=district.clock, entropy=seeded(5))
    arrive(opened, district.campaign, 8)
    opened.seal()
    opened.close()
    assert exchange(three, other, clock()).published == 4
    assert exchange(three, one, clock()).published == 1


@pytest.mark.parametrize("left", [b"", b"nonsense", b'{"format":1}'])
def test_a_head_that_is_lost_or_nonsense_is_written_anew(three: Path, box: Path, clock: FakeClock, left: bytes) -> None:
    exchange(three, place_at(str(box), Credentials()), clock())
    good = (box / HERE / "HEAD").read_bytes()
    (box / HERE / "HEAD").write_bytes(left)
    (box / HERE / read_settings(three).epoch / plain.segment_files(three)[0].stem).write_bytes(b"cut off")
    place = Watched(box)
    assert exchange(three, place, clock()).published == 1  # what was whole was looked at and left
    assert (box / HERE / "HEAD").read_bytes() == good


def test_objects_that_headquarters_misses_are_handed_over_again(district: District) -> None:
    district.handed(HERE, (1,), (2,), (3,))
    district.objects(HERE)[1].unlink()
    assert district.collect().code == 0
    assert (HERE, "gap") in district.kinds()
    done = district.sync(HERE)
    assert done.rows[0]["published"] >= 1
    district.collect()
    assert district.kinds() == []
    assert district.sync(HERE).rows[0]["unconfirmed"] == 0


def test_what_is_taken_out_is_taken_out_there_too(station: Station, district: District, clock: FakeClock) -> None:
    done = arrive(station, district.campaign)
    station.seal()
    place = Watched(district.box)
    exchange(station.folder, place, clock())
    (published,) = district.objects(station.settings.station)
    name = (station.person(done.volunteer or "").name).encode()
    assert name in open_envelope(published.read_bytes()).body
    station.forget(done.volunteer or "", "wish")
    assert (known := forgetting.rewritten(station.folder))
    assert known.names
    failing = Watched(district.box, lambda name: "/000001-" in name)
    assert exchange(station.folder, failing, clock()).problems
    assert name in open_envelope(published.read_bytes()).body
    exchange(station.folder, place, clock())
    assert name not in open_envelope(published.read_bytes()).body
    quiet = Watched(district.box)
    exchange(station.folder, quiet, clock())
    assert quiet.wrote == []


@pytest.mark.parametrize("list_is", ["damaged", "gone"])
@pytest.mark.parametrize("restarts", [True, False])
def test_what_was_taken_out_is_taken_out_there_although_the_list_of_it_is_lost(
    station: Station, district: District, clock: FakeClock, list_is: str, restarts: bool
) -> None:
    """Also where a segment was rewritten twice, and the place has seen the first time only."""
    first, second = (arrive(station, district.campaign, number).volunteer or "" for number in range(2))
    names = [station.person(who).name.encode() for who in (first, second)]
    station.seal()
    place = Watched(district.box)
    station.forget(first, "wish")
    exchange(station.folder, place, clock())
    published = next(path for path in district.objects(station.settings.station) if path.name.startswith("000001"))
    assert [name in open_envelope(published.read_bytes()).body for name in names] == [False, True]
    station.forget(second, "wish")
    path = station.folder / "rewritten.json"
    path.write_bytes(b"{") if list_is == "damaged" else path.unlink()
    station.close()
    if restarts or list_is == "gone":
        again = Station(station.folder, clock=clock)
        again.examine(after=0, pause=0)
        again.close()
    exchange(station.folder, place, clock())
    assert names[1] not in open_envelope(published.read_bytes()).body
    quiet = Watched(district.box)
    exchange(station.folder, quiet, clock())
    assert quiet.wrote == []
    Station(station.folder, clock=clock).close()
    exchange(station.folder, place, clock())
    exchange(station.folder, quiet, clock())
    assert quiet.wrote == []


@pytest.mark.parametrize("restarts", [False, True])
def test_a_list_that_is_lost_before_somebody_else_is_forgotten_is_made_anew_first(
    station: Station, district: District, clock: FakeClock, restarts: bool
) -> None:
    number = [arrive(station, district.campaign, 0).volunteer or ""]
    station.seal()
    number.append(arrive(station, district.campaign, 1).volunteer or "")
    name = station.person(number[1]).name.encode()
    station.seal()
    station.forget(number[0], "wish")
    exchange(station.folder, Watched(district.box), clock())
    published = next(path for path in district.objects(station.settings.station) if path.name.startswith("000002"))
    assert name in open_envelope(published.read_bytes()).body
    (station.folder / "rewritten.json").unlink()
    if restarts:
        station.close()
        station = Station(station.folder, clock=clock)
    station.forget(number[1], "wish")
    exchange(station.folder, Watched(district.box), clock())
    assert name not in open_envelope(published.read_bytes()).body
    station.close()


def test_a_copy_of_the_folder_that_goes_on_is_noticed(district: District) -> None:
    district.handed(HERE, (1,))
    shutil.copytree(district.folder / HERE, district.folder / "copy")
    district.handed(HERE, (2,))
    district.arrivals("copy", 3)
    done = district.at("copy", "sync", str(district.box), "--format", "json")
    assert done.code == 1
    head = Head.read((district.box / HERE / "HEAD").read_bytes())
    assert [end.number for end in head.others] == [2]


# --- answers --------------------------------------------------------------------------------------------------------


def test_a_receipt_says_how_many_are_not_confirmed(district: District) -> None:
    district.handed(HERE, (1,), (2,))
    assert district.sync(HERE).rows[0]["confirmed"] == 0
    district.collect()
    row = district.sync(HERE).rows[0]
    assert (row["unconfirmed"], row["confirmed"]) == (0, row["records"])
    assert row["records"] == len(plain.ids(district.folder / HERE))
    district.arrivals(HERE, 3)
    found = standing(district.folder / HERE)
    assert found.unconfirmed == found.records - row["records"] > 0


def test_an_older_receipt_and_one_of_somebody_else_count_for_nothing(district: District) -> None:
    from kiosk.hq.keys import HqKeys

    district.handed(HERE, (1,))
    district.collect()
    district.sync(HERE)
    kept = read_receipt(district.folder / HERE)
    assert kept is not None
    keys, name = HqKeys(district.folder / "keys"), receipt_name(HERE)
    epoch = next(iter(kept.held))
    for number, station, sign in (
        (kept.number - 1, HERE, keys.sign),
        (kept.number + 1, THERE, keys.sign),
        (kept.number + 1, HERE, lambda message: bytes(64)),
    ):
        forged = Receipt(station, number, kept.at, {epoch: 10**6}, kept.head)
        (district.box / name).write_bytes(forged.sign(sign))
        district.sync(HERE)
        assert read_receipt(district.folder / HERE) == kept


@pytest.mark.parametrize("name", ["hq/directory", "hq/campaigns", "hq/receipts/S016001"])
@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x00\xff" * 5000])
def test_nonsense_from_a_server_changes_nothing(district: District, name: str, content: bytes) -> None:
    district.handed(HERE, (1,))
    district.collect()
    (district.box / name).parent.mkdir(exist_ok=True, parents=True)
    (district.box / name).write_bytes(content)
    before = {path: path.read_bytes() for path in (district.folder / HERE / "campaign").iterdir()}
    done = district.sync(HERE)
    assert done.code == (0 if "receipts" in name else 1)
    assert done.rows[0]["published"] == 0
    assert before == {path: path.read_bytes() for path in (district.folder / HERE / "campaign").iterdir()}


def test_a_campaign_comes_and_one_that_is_wrong_keeps_no_other_out(district: District) -> None:
    shown = district.folder / "c.json"
    assert district.hq("campaign", "show", "--out", str(shown)).code == 0
    where = ["--community", "330102016001", "--place", "门岗", "--from", "08:00", "--to", "12:00"]
    done = district.hq("campaign", "post", str(shown), "P1", "--duty", "temperature", *where, "--wanted", "3")
    assert done.code == 0, done.err
    assert district.hq("campaign", "publish", str(shown)).code == 0
    district.handed(HERE, (1,))
    district.collect()
    done = district.sync(HERE)
    assert "campaigns" in done.rows[0]["taken"]
    opened = Station(district.folder / HERE, clock=district.clock)
    assert (opened.campaign.version, [post.id for post in opened.campaign.posts]) == (2, ["P1"])
    opened.close()
    again = district.sync(HERE)
    assert (again.code, again.rows[0]["taken"]) == (0, [])


# --- places and clocks ----------------------------------------------------------------------------------------------


def test_where_no_stick_is_in_nothing_is_written(district: District, three: Path) -> None:
    done = district.sync(HERE, district.folder / "nowhere" / "stick")
    assert done.code == 1
    assert "nowhere" in done.err
    assert not (district.folder / "nowhere").exists()


def test_without_a_place_it_says_so(district: District) -> None:
    done = district.at(HERE, "sync")
    assert done.code == 2
    assert district.at(HERE, "sync", str(district.box), "--keep").code == 0
    assert district.at(HERE, "sync").code == 0


def test_a_clock_that_is_years_off_loses_nothing(district: District, clock: FakeClock) -> None:
    district.handed(HERE, (1,))
    for when in ("1970-01-01T00:00", "2035-01-01T00:00", "2021-12-06T09:00"):
        clock.set(when)
        assert exchange(district.folder / HERE, place_at(str(district.box), Credentials()), clock()).problems == []
        assert district.collect().code == 0
    assert sorted(district.held()) == sorted(district.written(HERE))


def test_a_stick_that_is_pulled_out_in_the_middle_and_comes_back(
    three: Path, district: District, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = district.folder / "stick"
    place = place_at(str(stick), Credentials())
    written = place._put
    count = iter(range(100))

    def pulled(name: str, content: bytes) -> None:
        if next(count) == 1:
            stick.rename(district.folder / "pulled")
        written(name, content)

    monkeypatch.setattr(place, "_put", pulled)
    done = exchange(three, place, clock())
    assert (done.published, len(done.problems)) == (1, 1)
    assert not stick.exists()
    (district.folder / "pulled").rename(stick)
    assert exchange(three, place_at(str(stick), Credentials()), clock()).published == 2


def test_a_full_stick_is_told_and_leaves_nothing_half(
    three: Path, box: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = place_at(str(box), Credentials())
    real = os.write

    def full(descriptor: int, content: bytes) -> int:
        if str(box) in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, content)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        done = exchange(three, place, clock())
    assert done.published == 0
    assert done.problems
    assert [path for path in box.rglob("*") if path.is_file()] == []
    assert exchange(three, place, clock()).published == 3


def test_progress_is_told_and_it_can_be_ended_between_two_files(three: Path, box: Path, clock: FakeClock) -> None:
    told: list[tuple[int, int]] = []
    exchange(three, place_at(str(box), Credentials()), clock(), progress=lambda done, of: told.append((done, of)))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    other = Watched(box.parent / "other")
    done = exchange(three, other, clock(), cancelled=lambda: len(other.wrote) == 2)
    assert done.published == 2
    with pytest.raises(Missing):
        other.read(head_name(HERE))
    assert exchange(three, other, clock()).published == 1


def test_the_receipt_that_is_kept_is_checked_when_it_is_read(district: District) -> None:
    district.handed(HERE, (1,))
    district.collect()
    district.sync(HERE)
    path = district.folder / HERE / audit.RECEIPT
    path.write_bytes(path.read_bytes().replace(b'"number":', b'"number":9', 1))
    assert read_receipt(district.folder / HERE) is None
    assert standing(district.folder / HERE).confirmed == 0


@pytest.mark.parametrize("content", [b"", b"{", None])
def test_a_campaign_that_headquarters_has_published_survives_its_damaged_file(
    district: District, content: bytes | None
) -> None:
    shown = district.folder / "c.json"
    district.hq("campaign", "show", "--out", str(shown))
    where = ["--community", "330102016001", "--place", "门岗", "--from", "08:00", "--to", "12:00"]
    district.hq("campaign", "post", str(shown), "P1", "--duty", "temperature", *where, "--wanted", "3")
    district.hq("campaign", "publish", str(shown))
    district.handed(HERE, (1,))
    district.collect()
    district.sync(HERE)
    folder = district.folder / HERE / "campaign"
    for path in folder.glob("*.json"):  # both: the shipped one could not stand in for the other
        path.unlink() if content is None else path.write_bytes(content)
    opened = Station(district.folder / HERE, clock=district.clock)
    assert (opened.campaign.version, [post.id for post in opened.campaign.posts]) == (2, ["P1"])
    assert arrive(opened, district.campaign, 5).outcome == "admitted"
    assert opened.damage
    opened.close()
    copy = folder / "headquarters"
    copy.write_bytes(copy.read_bytes().replace("门岗".encode(), "门卫".encode()))  # nobody has signed this
    opened = Station(district.folder / HERE, clock=district.clock)
    assert opened.campaign.posts == ()
    opened.close()
