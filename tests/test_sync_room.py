"""Handing over in the background: when it is tried, what stops it, and that nothing does for good."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk import sync_room
from kiosk.campaign import Campaign
from kiosk.errors import NotSaved
from kiosk.records import SHANGHAI
from kiosk.remote import CREDENTIALS, RemoteError, place_at
from kiosk.station import Station
from kiosk.sync import Outcome, read_place, save_place
from kiosk.sync_room import EVERY, SEALING, State, SyncRoom, pause_after
from tests.conftest import STATION, FakeClock
from tests.test_recovery import arrive
from tests.walking import walking

CHANCE = 0.25
FIRST = 22.5
"""Seconds to the first try, with that chance: 30 * (0.5 + 0.25)."""
START = 1000.0


class FakeTime:
    """Time that passes when a test says so; it knows how long the room meant to wait."""

    def __init__(self) -> None:
        self.now = START
        self.asked: list[float] = []
        self._told = threading.Condition()

    def elapsed(self) -> float:
        return self.now

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        with self._told:
            self.asked.append(seconds)
            self._told.notify_all()
        condition.wait(60)

    def pauses(self, count: int) -> list[float]:
        """How long it meant to wait, once it has so many times."""
        with self._told:
            assert self._told.wait_for(lambda: len(self.asked) >= count, timeout=60)
            return self.asked


class Exchanges:
    """Stands for `exchange`: does what it is told, and knows when it was called."""

    def __init__(self, time: FakeTime) -> None:
        self._time = time
        self.calls: list[float] = []
        self.then: Callable[..., Outcome] = lambda **_how: Outcome()

    def __call__(self, _folder: Path, _place: object, _now: datetime, **how: Any) -> Outcome:
        self.calls.append(self._time.now)
        return self.then(**how)


def fails(sentence: str = "没有回应") -> Callable[..., Outcome]:
    def fail(**_how: object) -> Outcome:
        return Outcome(problems=[sentence, "还有别的"])

    return fail


def raises(error: BaseException) -> Callable[..., Outcome]:
    def fail(**_how: object) -> Outcome:
        raise error

    return fail


class Room:
    """A room in a test's hands."""

    def __init__(self, station: Station, *, url: str = "/nowhere", real: bool = False) -> None:
        self.time = FakeTime()
        self.exchanges = Exchanges(self.time)
        self.changes: list[State] = []
        if url:
            save_place(station.folder, url)
        fake: dict[str, Any] = {
            "exchange": self.exchanges,
            "open_place": lambda *_args, **_how: SimpleNamespace(close=lambda: None),
        }
        self.room = SyncRoom(
            station,
            elapsed=self.time.elapsed,
            wait=self.time.wait,
            chance=lambda: CHANCE,
            changed=lambda: self.changes.append(self.room.state),
            **({} if real else fake),
        )
        self._waits = 1
        self.time.pauses(1)

    @property
    def state(self) -> State:
        return self.room.state

    def goes_on(self) -> float:
        """Waits until the room waits again; returns for how long it means to."""
        self._waits += 1
        return self.time.pauses(self._waits)[self._waits - 1]

    def passes(self, seconds: float) -> float:
        """Lets time pass, and waits until the room waits again; returns for how long it means to."""
        with self.room._condition:
            self.time.now += seconds
            self.room._condition.notify_all()
        return self.goes_on()

    def now(self) -> float:
        """The lead wishes it now."""
        self.room.now()
        return self.goes_on()

    def use(self, url: str) -> float:
        self.room.use(url)
        return self.goes_on()


@contextmanager
def room_of(station: Station, **how: Any) -> Iterator[Room]:
    made = Room(station, **how)
    try:
        yield made
    finally:
        made.room.close()


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder to hand over to."""
    made = tmp_path / "stick"
    made.mkdir()
    return made


def published(stick: Path) -> set[str]:
    """What lies there, by its last name."""
    return {path.name for path in stick.rglob("*") if path.is_file()}


def sealed(station: Station) -> set[str]:
    return {path.stem for path in (station.folder / "records" / "sealed").iterdir()}


# --- when -----------------------------------------------------------------------------------------------------------


def test_it_begins_soon_after_the_start_and_goes_on_every_quarter_of_an_hour(station: Station) -> None:
    with room_of(station) as held:
        assert held.time.asked == [FIRST]
        assert held.passes(FIRST - 1) == pytest.approx(1)
        assert held.exchanges.calls == []
        for _more in range(3):
            assert held.passes(EVERY) == EVERY
        assert len(held.exchanges.calls) == 3
        assert held.state.next_try == EVERY
        assert held.state.problem == ""


def test_without_a_place_nothing_is_tried_and_one_that_a_command_sets_is_found(station: Station) -> None:
    with room_of(station, url="") as held:
        assert held.state == State()
        assert held.passes(FIRST) == EVERY
        assert (held.exchanges.calls, held.state.next_try, held.state.last_success) == ([], None, None)
        save_place(station.folder, "/elsewhere")
        held.passes(EVERY)
        assert (len(held.exchanges.calls), held.state.place) == (1, "/elsewhere")


def test_pauses_after_failures_grow_and_end_with_the_first_success(station: Station) -> None:
    with room_of(station) as held:
        held.exchanges.then = fails()
        pauses = [held.passes(FIRST)]
        while len(pauses) < 7:
            pauses.append(held.passes(pauses[-1]))
        assert pauses == [75, 150, 300, 600, 1125, 1125, 1125]
        assert held.state.problem == "没有回应", "the first of several is told"
        held.exchanges.then = lambda **_how: Outcome()
        assert held.passes(pauses[-1]) == EVERY
        assert held.state.problem == ""
        held.exchanges.then = fails()
        assert held.passes(EVERY) == 75


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_pause_is_between_a_minute_and_half_an_hour(failures: int, chance: float) -> None:
    assert 60 <= pause_after(failures, chance) <= 1800
    assert pause_after(failures, 0) <= pause_after(failures, chance) <= pause_after(failures + 1, 0) * 2


def test_the_leads_wish_is_done_at_once_and_the_pause_begins_anew(station: Station) -> None:
    with room_of(station) as held:
        held.exchanges.then = fails()
        assert held.now() == 75
        assert held.now() == 150
        held.exchanges.then = lambda **_how: Outcome()
        assert held.now() == EVERY
        assert held.exchanges.calls == [START] * 3


def test_a_clock_that_is_set_back_stops_nothing(station: Station, clock: FakeClock) -> None:
    with room_of(station) as held:
        held.passes(FIRST)
        for wrong in ("1970-01-01 00:00", "2099-01-01 00:00", "2021-12-06 09:00"):
            clock.set(wrong)
            assert held.passes(EVERY) == EVERY
        assert len(held.exchanges.calls) == 4
        assert held.state.last_success == datetime(2021, 12, 6, 9, tzinfo=SHANGHAI)


def test_the_last_success_is_known_after_the_next_start(station: Station, clock: FakeClock) -> None:
    with room_of(station) as held:
        assert held.state.last_success is None
        held.passes(FIRST)
    clock.advance(days=2)
    with room_of(station) as again:
        assert again.state.last_success == datetime(2021, 12, 6, 8, tzinfo=SHANGHAI)
    (station.folder / "synced.json").write_text('{"at": 3}')
    with room_of(station) as damaged:
        assert damaged.state.last_success is None


# --- what is sealed -------------------------------------------------------------------------------------------------


def counted(station: Station, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seals: list[int] = []
    monkeypatch.setattr(station, "seal", lambda: seals.append(1))
    return seals


def test_it_seals_once_an_hour_and_whenever_the_lead_wishes(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    seals = counted(station, monkeypatch)
    with room_of(station) as held:
        held.passes(FIRST)
        told = [len(seals)]
        for _quarter in range(8):
            held.passes(EVERY)
            told.append(len(seals))
        assert told == [1, 1, 1, 1, 2, 2, 2, 2, 3]
        held.now()
        assert len(seals) == 4
        held.passes(EVERY)
        assert len(seals) == 4


def test_what_was_sealed_before_the_start_counts_for_the_hour(
    station: Station, clock: FakeClock, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(station, campaign)
    station.seal()
    (newest,) = (station.folder / "records" / "sealed").iterdir()
    at = clock.now.timestamp() - SEALING / 2
    os.utime(newest, (at, at))
    seals = counted(station, monkeypatch)
    with room_of(station) as held:
        held.passes(FIRST)
        assert seals == []
        held.passes(SEALING / 2)
        assert seals == [1]


def test_while_the_place_is_away_nothing_is_sealed_for_it(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    seals = counted(station, monkeypatch)
    with room_of(station, url=str(station.folder.parent / "away" / "stick"), real=True) as held:
        held.now()
        assert "U 盘插好了吗" in held.state.problem
        assert seals == []


def test_what_cannot_be_sealed_does_not_keep_the_rest_back(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise NotSaved("没能封存。", ())

    monkeypatch.setattr(station, "seal", full)
    with room_of(station) as held:
        assert held.now() == 75
        assert (held.state.problem, len(held.exchanges.calls)) == ("没能封存。", 1)


# --- a stick --------------------------------------------------------------------------------------------------------


def test_a_stick_that_is_pulled_out_and_put_back(station: Station, campaign: Campaign, stick: Path) -> None:
    arrive(station, campaign)
    with room_of(station, url=str(stick), real=True) as held:
        assert held.now() == EVERY
        first = sealed(station)
        assert len(first) == 1
        assert first < published(stick)
        assert held.state.standing is not None
        assert held.state.standing.unconfirmed == held.state.standing.records > 0
        assert held.state.last_success is not None
        away = stick.rename(stick.with_name("away"))
        arrive(station, campaign, 1)
        assert held.now() == 75
        assert "U 盘插好了吗" in held.state.problem
        assert not stick.exists(), "no folder of its name is made where the stick was"
        away.rename(stick)
        assert held.passes(75) == EVERY
        assert held.state.problem == ""
        held.now()
        assert len(sealed(station)) == 2
        assert sealed(station) < published(stick)


def test_a_folder_is_made_when_it_is_named_and_never_after(station: Station, campaign: Campaign, stick: Path) -> None:
    arrive(station, campaign)
    place = stick / "kiosk"
    with room_of(station, url="", real=True) as held:
        assert held.use(str(place)) == EVERY
        assert sealed(station) < published(place)
        shutil.rmtree(place)
        assert held.now() == 75
        assert not place.exists()
        held.use(str(stick / "other" / "kiosk"))
        assert "U 盘插好了吗" in held.state.problem
        (stick / "other").mkdir()
        assert held.now() == EVERY, "what could not be made is made once its stick is in"


def test_a_full_stick_is_told_and_takes_the_rest_later(
    station: Station, campaign: Campaign, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(station, campaign)

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with room_of(station, url=str(stick), real=True) as held:
        with monkeypatch.context() as patched:
            patched.setattr("kiosk.remote.write_beside", full)
            held.now()
        assert "磁盘已满" in held.state.problem
        assert published(stick) == set()
        held.passes(75)
        assert held.state.problem == ""
        assert sealed(station) < published(stick)


def test_a_place_that_answers_nonsense_holds_nothing_back(station: Station, campaign: Campaign, stick: Path) -> None:
    arrive(station, campaign)
    with room_of(station, url=str(stick), real=True) as held:
        held.now()
        for path in list(stick.rglob("*")):
            if path.is_file():
                path.write_bytes(b"<html>It works!</html>")
        arrive(station, campaign, 1)
        held.now()
        assert held.state.problem == ""
        assert all(not path.read_bytes().startswith(b"<html>") for path in stick.rglob("*") if path.is_file())


def test_what_is_cut_off_between_two_files_goes_on_there(
    station: Station, campaign: Campaign, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in range(3):
        arrive(station, campaign, place)
        station.seal()
    written: list[str] = []
    at = place_at(str(stick), None)  # type: ignore[arg-type]
    real = type(at).write

    def write(place: Any, name: str, content: bytes) -> None:
        real(place, name, content)
        written.append(name)
        if len(written) == 1:
            with held.room._condition:
                held.room._closing = True

    monkeypatch.setattr(type(at), "write", write)
    with room_of(station, url=str(stick), real=True) as held:
        held.room.now()
        held.room._thread.join(60)
        assert len(written) == 1
        assert held.state.last_success is None
    with room_of(station, url=str(stick), real=True) as again:
        again.now()
        assert sealed(station) < published(stick)
        assert len(set(written)) == len(written) == 4, "three segments and a head, and none twice"


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_a_problem_is_told_in_a_sentence(station: Station) -> None:
    with room_of(station) as held:
        held.exchanges.then = raises(RemoteError("连接不上。"))
        held.now()
        assert held.state.problem == "连接不上。"
        held.exchanges.then = raises(OSError(errno.EIO, "Input/output error"))
        held.now()
        assert held.state.problem == "没能上报：磁盘没有响应。"
    assert not (station.folder / "log").exists()


def test_credentials_that_others_can_read_are_told(station: Station) -> None:
    (station.folder / CREDENTIALS).write_text("{}")
    (station.folder / CREDENTIALS).chmod(0o644)
    with room_of(station) as held:
        held.now()
        assert "chmod 600" in held.state.problem
        assert held.exchanges.calls == []


class Panic(BaseException):
    """As libraries in Rust raise them."""


@pytest.mark.parametrize("error", [RuntimeError("林小满"), Panic("林小满")])
def test_an_error_within_is_noted_and_the_room_goes_on(station: Station, error: BaseException) -> None:
    with room_of(station) as held:
        held.exchanges.then = raises(error)
        assert held.now() == 75
        assert held.state.problem == "上报时程序内部出错，稍后会再试。请告诉总部。"
        noted = (station.folder / "log" / "crash.log").read_text("utf-8")
        assert type(error).__name__ in noted
        assert "林小满" not in noted
        held.exchanges.then = lambda **_how: Outcome()
        assert held.passes(75) == EVERY
        assert held.state.problem == ""


def test_whoever_is_told_of_changes_cannot_stop_it(station: Station) -> None:
    with room_of(station) as held:
        held.room._changed = raises(RuntimeError())
        assert held.now() == EVERY


def test_campaigns_that_came_are_taken_up(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr(station, "take_campaigns", lambda: taken.append(1))
    with room_of(station) as held:
        held.now()
        assert taken == []
        held.exchanges.then = lambda **_how: Outcome(taken=["receipt", "campaigns"], copied=True)
        held.now()
        assert taken == [1]
        assert held.state.copied
        held.exchanges.then = fails()
        held.now()
        assert held.state.copied, "a try that was cut short has not looked"
        held.exchanges.then = lambda **_how: Outcome()
        held.now()
        assert not held.state.copied


# --- while it is going on -------------------------------------------------------------------------------------------


class Hangs:
    """An exchange at a server that does not answer until a test lets it."""

    def __init__(self) -> None:
        self.entered, self.answers = threading.Event(), threading.Event()
        self.cancelled: bool | None = None

    def __call__(self, *, progress: Callable[[int, int], object], cancelled: Callable[[], bool]) -> Outcome:
        progress(3, 7)
        self.entered.set()
        assert self.answers.wait(60)
        self.cancelled = cancelled()
        return Outcome()


def test_how_far_it_is_can_be_seen(station: Station) -> None:
    hangs = Hangs()
    with room_of(station) as held:
        held.exchanges.then = hangs
        held.room.now()
        assert hangs.entered.wait(60)
        assert (held.state.busy, held.state.next_try) == ((3, 7), None)
        assert [state.busy for state in held.changes][:2] == [(0, 0), (3, 7)]
        hangs.answers.set()
        held.goes_on()
        assert (held.state.busy, hangs.cancelled) == (None, False)
        assert held.changes[-1].busy is None


def test_another_place_ends_what_goes_on_at_the_one_before(station: Station) -> None:
    hangs = Hangs()
    with room_of(station) as held:
        held.exchanges.then = hangs
        held.room.now()
        assert hangs.entered.wait(60)
        held.room.use("/other")
        held.exchanges.then = lambda **_how: Outcome()
        hangs.answers.set()
        assert held.goes_on() == EVERY
        assert hangs.cancelled is True
        assert (len(held.exchanges.calls), held.state.place) == (2, "/other")
        assert read_place(station.folder) == "/other"


def test_closing_waits_for_no_server(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_room, "GOODBYE", 0.05)
    hangs = Hangs()
    with room_of(station) as held:
        held.exchanges.then = hangs
        held.room.now()
        assert hangs.entered.wait(60)
        before = time.monotonic()
        held.room.close()
        assert time.monotonic() - before < 5
        assert held.room._thread.is_alive()
        assert held.room._thread.daemon
        with room_of(station) as again:  # the next app, after an internal error of the first
            again.now()
            assert (again.state.problem, again.exchanges.calls) == ("上一次上报还在等待回应。", [])
            hangs.answers.set()
            held.room._thread.join(60)
            assert hangs.cancelled is True
            assert held.state.last_success is None
            assert again.passes(75) == EVERY


def test_closing_a_room_that_waits_ends_its_thread(station: Station) -> None:
    with room_of(station) as held:
        held.room.close()
        assert not held.room._thread.is_alive()


def test_nobody_waits_for_it(station: Station, campaign: Campaign) -> None:
    """Volunteers are served while a server does not answer."""
    hangs = Hangs()
    with room_of(station) as held:
        held.exchanges.then = hangs
        held.room.now()
        assert hangs.entered.wait(60)
        assert arrive(station, campaign).outcome == "admitted"
        hangs.answers.set()
        held.goes_on()


async def test_the_kiosk_has_a_room_and_closes_it(station: Station, stick: Path) -> None:
    save_place(station.folder, str(stick))
    async with walking(station) as walker:
        await walker.until(lambda: walker.app.sync_room is not None)
        room = walker.app.sync_room
        assert room is not None
        room.now()
        await walker.until(lambda: room.state.last_success is not None)
        assert (stick / STATION).is_dir()
    assert walker.app.sync_room is None
    assert not room._thread.is_alive()
