"""What stands around the pages: scans on any of them, fast fingers, idle time, small windows, and other ways in."""

from __future__ import annotations

import asyncio
import gc
import itertools
import threading
import time
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import textual.timer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.widgets import Static

from kiosk.app import COUNTDOWN, KioskApp
from kiosk.arriving import Admission
from kiosk.badge import Badge, issue
from kiosk.campaign_files import bundle, parse
from kiosk.rules import Application, Stay
from kiosk.screens.duty import DutyPage
from kiosk.screens.review import ReviewPage
from kiosk.screens.welcome import WelcomePage
from kiosk.segments import Finding
from kiosk.station import Recognition, Station
from kiosk.terminal import Reader
from kiosk.widgets.fields import Entry, Field
from kiosk.widgets.page import FETCHING, Page
from tests import factories, plain
from tests.conftest import PIN, FakeClock, FullDisk
from tests.elsewhere import Elsewhere
from tests.memory import nodes
from tests.test_fields import left_behind
from tests.walking import PERSON, Walker, walking


@dataclass
class Seconds:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def waiting(station: Station, seconds: Seconds) -> AsyncIterator[Walker]:
    """The app on an open station whose idle time is that of `seconds`."""
    app = KioskApp(station.folder, station, clock=station.clock, seconds=seconds)
    async with app.run_test(size=(80, 24)) as pilot:
        walker = Walker(app, pilot)
        await walker.until(lambda: isinstance(app.screen, WelcomePage))
        yield walker


def come(station: Station, number: int) -> tuple[str, str]:
    """Number and badge of somebody who is checked in."""
    answers = factories.answers(station.campaign, station.today())
    admitted = station.check_in(Application(factories.applicant(number), answers, True, Stay()))
    assert admitted.volunteer is not None
    assert admitted.code is not None
    return admitted.volunteer, admitted.code


def types_of(folder: Path, volunteer: str | None = None) -> list[str]:
    return [d["type"] for d in plain.log(folder) if volunteer is None or d["volunteer"] == volunteer]


# --- scans ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leaving", ["by themselves", "as their time is up"])
async def test_the_pages_of_a_visit_are_let_go_when_the_welcome_page_is_back(
    station: Station, monkeypatch: pytest.MonkeyPatch, leaving: str
) -> None:
    monkeypatch.setattr(gc, "freeze", lambda: None)  # the other tests' garbage is nobody's to keep
    _number, code = come(station, 0)
    async with walking(station, alone=True) as walker:
        await walker.until(lambda: walker.app.print_room is not None)
        gc.disable()
        try:
            await walker.scan(code)
            await walker.arrive("DutyPage")
            page = weakref.ref(walker.page)
            await walker.press("escape") if leaving == "by themselves" else await walker.app._go_home()
            await walker.arrive("WelcomePage")
            await walker.until(lambda: page() is None)
        finally:
            gc.enable()


async def test_a_scan_on_somebody_elses_page_goes_to_its_own_and_orders_nothing(station: Station) -> None:
    (first, _), (second, code) = come(station, 0), come(station, 1)
    before = types_of(station.folder)
    async with walking(station) as walker:
        await walker.scan(first)
        await walker.arrive("DutyPage")
        await walker.shows(factories.NAMES[0])
        await walker.type(code.lower())  # caps lock
        await walker.press("enter")
        await walker.shows(factories.NAMES[1])
        assert types_of(station.folder) == before
        await walker.press("2")
        await walker.arrive("DonePage")
    assert types_of(station.folder, first)[-1] == "badge_issued"
    assert types_of(station.folder, second)[-1] == "duty_started"


async def test_twenty_scans_in_a_row_each_count(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [come(station, number)[1] for number in range(4)] * 5
    seen: list[str] = []
    real = station.recognise

    def recognise(text: str) -> Recognition:
        seen.append(text)
        return real(text)

    monkeypatch.setattr(station, "recognise", recognise)
    async with walking(station) as walker:
        for code in codes:
            for character in f"~{code}":
                walker._send(character, character)
            walker._send("enter", "\r")
        await walker.until(lambda: len(seen) == len(codes))
        await walker.shows(factories.NAMES[3])
    assert seen == codes
    assert types_of(station.folder).count("duty_started") == 0


async def test_a_scan_that_a_busy_machine_reads_late_is_whole(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, code = come(station, 1)
    asked: list[bool] = []
    judging = asyncio.Event()

    def behind() -> bool:
        judging.set()
        asked.append(len(asked) < 3)
        return asked[-1]

    async with walking(station) as walker:
        monkeypatch.setattr(walker.app, "_behind", behind)
        await walker.press("enter")
        await walker.arrive("ConsentPage")
        asked.clear()
        judging.clear()
        await walker.type(code[:2])
        await judging.wait()  # whether what came is all that comes
        await walker.type(code[2:])
        await walker.press("enter")
        await walker.until(lambda: "扫到" in walker.said())


def test_what_came_at_once_has_one_time() -> None:
    times = iter([10.0, 11.5])
    told: list[Message] = []
    reader = Reader(told.append, lambda: next(times))
    reader.feed("AEAV")
    reader.feed("2\r")
    assert [message.time for message in told] == [10.0] * 4 + [11.5] * 2


async def test_a_scan_does_not_take_somebodys_answers_away(station: Station) -> None:
    _, code = come(station, 1)
    async with walking(station) as walker:
        await walker.consent()
        await walker.type("林小满")
        await walker.type(code)
        await walker.press("enter")
        await walker.until(lambda: "扫到" in walker.said())
        assert walker.page.query_one("#name", Field).value == "林小满"
        await walker.arrive("IdentityPage")


async def test_a_scan_on_the_roster_opens_the_history(station: Station) -> None:
    _, code = come(station, 1)
    async with walking(station) as walker:
        await walker.lead(PIN)
        await walker.type(code)
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.shows(factories.NAMES[1])
        await walker.press("escape")
        await walker.arrive("RosterPage")


# --- fast fingers ---------------------------------------------------------------------------------------------------


async def test_a_page_is_deaf_once_it_is_left(station: Station) -> None:
    number, _ = come(station, 0)
    async with walking(station) as walker:
        await walker.scan(number)
        await walker.arrive("DutyPage")
        for key in "34":
            walker._send(key, key)
        await walker.app.let_keys_go()
        await walker.arrive("DonePage")
        await walker.shows("往 来 人 员")
    assert types_of(station.folder, number)[-1] == "duty_started"
    assert types_of(station.folder, number).count("duty_started") == 1


async def test_one_person_is_refused_once(station: Station) -> None:
    async with walking(station) as walker:
        await walker.press("enter")
        await walker.arrive("ConsentPage")
        for _ in range(2):
            walker._send("0", "0")
        await walker.app.let_keys_go()
        await walker.arrive("RefusedPage")
    assert types_of(station.folder).count("refused") == 1


async def test_the_second_enter_of_a_double_press_is_nobodys(station: Station) -> None:
    number, _ = come(station, 0)
    async with walking(station) as walker:
        await walker.scan(number)
        await walker.arrive("DutyPage")
        walker.page.arrived = time.monotonic()  # it has only just appeared
        walker._send("enter", "\r")
        await walker.pilot.pause()
        assert walker.said() == ""
        walker.page.arrived = 0.0
        walker._send("enter", "\r")
        await walker.until(lambda: bool(walker.said()))
    assert "duty_started" not in types_of(station.folder)


async def test_an_enter_right_after_a_page_came_up_is_nobodys(station: Station) -> None:
    number, _ = come(station, 0)
    async with walking(station) as walker:
        await walker.scan(number)
        await walker.arrive("DutyPage")
        welcome = walker.app.screen_stack[1]
        assert isinstance(welcome, WelcomePage)
        before = welcome.arrived
        walker._send("escape", None)
        while welcome.arrived == before:  # noqa: ASYNC110 - as soon as it is up, and no later
            await asyncio.sleep(0)
        walker._send("enter", "\r")  # would begin somebody's first visit
        await walker.pilot.pause(0.05)
        assert isinstance(walker.app.screen, WelcomePage)
        assert len(walker.app.screen_stack) == 2


async def test_help_waits_until_what_is_being_saved_was_told(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    may_write, check_out = threading.Event(), station.check_out

    def slowly(volunteer: str) -> object:
        may_write.wait(30)
        return check_out(volunteer)

    number, _ = come(station, 0)
    monkeypatch.setattr(station, "check_out", slowly)
    async with walking(station) as walker:
        await walker.scan(number)
        await walker.arrive("DutyPage")
        await walker.press("0")
        walker._send("0", "0")
        await walker.app.let_keys_go()
        while not walker.page.busy:  # noqa: ASYNC110 - the writer's thread ends it
            await asyncio.sleep(0.001)
        walker.app.action_help()
        may_write.set()
        await walker.arrive("DonePage")
    assert types_of(station.folder, number)[-1] == "checked_out"


async def test_a_page_that_is_covered_records_nothing(station: Station) -> None:
    number, _ = come(station, 0)
    async with walking(station) as walker:
        await walker.scan(number)
        await walker.arrive("DutyPage")
        page = walker.page
        await walker.press("f1")
        await walker.arrive("HelpPage")
        assert await page.save(station.start_duty, number, "order") is None
    assert "duty_started" not in types_of(station.folder)


async def test_a_key_that_chatters_is_pressed_once(station: Station) -> None:
    """On a page of questions, and where the day would be over with it."""
    number, _ = come(station, 0)
    async with walking(station) as walker:
        await walker.scan(number)
        await walker.arrive("DutyPage")
        for _press in range(2):
            walker._send("0", "0")
            await walker.app.let_keys_go()
        await walker.shows("再按一次 0")
        assert "checked_out" not in types_of(station.folder)
        await walker.press("escape")
        page = walker.page
        assert isinstance(page, DutyPage)
        for _tap in range(2):
            await page.take("0")
        assert "checked_out" not in types_of(station.folder), "sooner than anybody could have read it"
        await walker.press("escape", "escape")
        await walker.arrive("WelcomePage")
        await walker.consent()
        await walker.identify()
        for _press in range(2):
            walker._send("1", "1")
            await walker.app.let_keys_go()
        await walker.shows("第 2 题")


async def test_nothing_typed_key_by_key_is_left(station: Station) -> None:
    seconds = Seconds()
    async with waiting(station, seconds) as walker:
        await walker.press("f9")
        await walker.arrive("LeadPinPage")
        await walker.press(*"971304")
        seconds.now += IdlePage(walker).limit
        await walker.app.watch_idle()
        await walker.arrive("WelcomePage")
        await walker.until(lambda: left_behind(walker, ["97130"]) == [])


async def test_a_number_that_is_scanned_as_the_page_comes_up_counts(station: Station) -> None:
    number, _ = come(station, 0)
    async with walking(station) as walker:
        walker.page.arrived = time.monotonic()
        for character in number:
            walker._send(character, character)
        walker._send("enter", "\r")
        await walker.arrive("DutyPage")
        await walker.shows(factories.NAMES[0])


async def test_nothing_is_left_of_a_page_in_the_other_language(station: Station) -> None:
    async with walking(station) as walker:
        await walker.press("f2", "f2")
        before = nodes()
        await walker.press(*["f2"] * 6)
        assert nodes() - before == {}


# --- idle time ------------------------------------------------------------------------------------------------------


async def test_the_welcome_page_says_what_is_wrong_with_the_files(station_folder: Path, clock: FakeClock) -> None:
    """What was set aside at the start by its name, and what has decayed since, as soon as the page is back."""
    (station_folder / "records" / "open.json").write_bytes(b"{")
    station = Station(station_folder, clock=clock)
    async with walking(station) as walker:
        await walker.shows("open.json: 这个文件无法读取，已另外保存，请交给总部。 请站点负责人告知总部。")
        station._decayed.append(Finding("records/sealed/000001-" + "a" * 64 + ".json", 3, "x"))
        await walker.press("f9")
        await walker.arrive("LeadPinPage")
        await walker.press("escape")
        await walker.arrive("WelcomePage")
        notice = walker.page.query_one("#notice", Static)
        await walker.until(lambda: "另外还有 1 处问题。" in str(notice.content))
    station.close()


async def test_damage_is_told_until_the_lead_has_come_in(station_folder: Path, clock: FakeClock) -> None:
    """A power cut right after the start that found it must not end the notice."""
    station = Station(station_folder, clock=clock)
    station.lead_was_told()  # of as many notes as the log will have once these are gone
    station.close()
    (station_folder / "records" / "open.json").write_bytes(b"{")
    Station(station_folder, clock=clock).close()
    for told, lead_comes in ((True, False), (True, True), (False, False)):
        station = Station(station_folder, clock=clock)
        async with walking(station) as walker:
            notice = str(walker.page.query_one("#notice", Static).content)
            assert ("open.json: 这个文件无法读取，已另外保存" in notice) is told
            if lead_comes:
                await walker.lead(PIN)
        station.close()


async def test_who_walks_away_leaves_nothing_behind(station: Station) -> None:
    seconds = Seconds()
    async with waiting(station, seconds) as walker:
        await walker.press("f2")
        await walker.consent()
        await walker.type("Lin Xiaoman")
        assert IdlePage(walker).limit is not None
        seconds.now += IdlePage(walker).limit - COUNTDOWN + 1
        await walker.app.watch_idle()
        await walker.shows("Back to the start in 14 s")
        await walker.type("!")
        assert "Back to the start" not in walker.text()  # at the key, not a second later
        seconds.now += IdlePage(walker).limit - 1
        await walker.app.watch_idle()
        await walker.shows("in 1 s")
        seconds.now += 1
        await walker.app.watch_idle()
        await walker.arrive("WelcomePage")
        await walker.shows("第一次来")
        assert len(walker.app.screen_stack) == 2
        await walker.press("enter")
        await walker.arrive("ConsentPage")
        await walker.press("1", "1")
        await walker.arrive("IdentityPage")
        assert walker.page.query_one("#name", Field).value == ""


@pytest.mark.parametrize("name", ["ReviewPage", "DutyPage"])
async def test_what_could_not_be_saved_waits_for_the_lead_who_is_fetched(
    station: Station, full_disk: FullDisk, name: str
) -> None:
    """Neither the idle time nor somebody else's badge takes it away, and Enter tries again under the same ids."""
    seconds = Seconds()
    _, other = come(station, 3)
    async with waiting(station, seconds) as walker:
        if name == "ReviewPage":
            await walker.consent()
            await walker.identify()
            await walker.press("1", "1", "1", "1")
        else:
            await walker.to_badge()
            await walker.press("enter")
        await walker.arrive(name)
        assert walker.page.idle is not None
        full_disk.full = True
        await walker.press("enter" if name == "ReviewPage" else "2")
        await walker.until(lambda: "没能保存" in walker.said())
        failure = walker.page._failure
        seconds.now += walker.page.idle + 1
        await walker.app.watch_idle()
        await walker.type(other)
        await walker.press("enter")
        await walker.until(lambda: "请先完成本页" in walker.said())
        full_disk.full = False
        seconds.now += FETCHING - 1
        await walker.app.watch_idle()
        await walker.arrive(name)
        assert walker.page._failure is failure
        seconds.now += 1
        await walker.app.watch_idle()
        await walker.arrive("WelcomePage")


class IdlePage:
    """The idle time of the page that is up."""

    def __init__(self, walker: Walker) -> None:
        self._page = walker.page

    @property
    def limit(self) -> int:
        assert self._page.idle is not None
        return self._page.idle


async def test_the_lead_is_locked_out_after_a_while(station: Station) -> None:
    seconds = Seconds()
    async with waiting(station, seconds) as walker:
        await walker.lead(PIN)
        seconds.now += IdlePage(walker).limit
        await walker.app.watch_idle()
        await walker.arrive("WelcomePage")
        await walker.press("f9")
        await walker.arrive("LeadPinPage")


async def test_set_up_waits_for_ever(tmp_path: Path, clock: FakeClock) -> None:
    seconds = Seconds()
    app = KioskApp(tmp_path / "data", None, clock=clock, seconds=seconds)
    async with app.run_test(size=(80, 24)) as pilot:
        walker = Walker(app, pilot)
        await walker.arrive("SetUpPage")
        await walker.type("S016001")
        seconds.now += 10_000
        await app.watch_idle()
        await walker.arrive("SetUpPage")
        assert walker.page.query_one("#station", Field).value == "S016001"
        await walker.press("f1")
        await walker.arrive("HelpPage")
        seconds.now += 10_000
        await app.watch_idle()
        await walker.press("f1")
        await walker.arrive("SetUpPage")
        assert walker.page.query_one("#station", Field).value == "S016001"


async def test_a_check_page_whose_story_is_over_shows_and_records_nothing(station: Station) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.identify()
        await walker.press("1", "1", "1", "1")
        await walker.arrive("ReviewPage")
        await walker.shows(PERSON["name"])
        page = walker.page
        assert isinstance(page, ReviewPage)
        page._draft.forget()  # as the end of its story does, before the page has gone
        await page.rebuild()
        await walker.hides(PERSON["name"])
        await page.action_next()
    assert types_of(station.folder) == ["station_noted"]


# --- small windows --------------------------------------------------------------------------------------------------


async def test_a_window_that_is_too_small_says_so_and_takes_no_keys(station: Station) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.type("林")
        for size in ((79, 24), (80, 23), (20, 5), (1, 1)):
            await walker.pilot.resize_terminal(*size)
            await walker.until(lambda: walker.page.too_small)
            if size[0] >= 20:
                await walker.shows("窗口太小")
            await walker.press("1", "0", "enter")
        await walker.pilot.resize_terminal(80, 24)
        await walker.until(lambda: not walker.page.too_small)
        await walker.until(lambda: walker.app.focused is not None)
        await walker.type("小满")
        await walker.shows("林小满")
    assert types_of(station.folder) == ["station_noted"]


async def test_a_window_that_is_too_small_says_so_in_the_language_that_comes_back(station: Station) -> None:
    async with walking(station) as walker:
        await walker.pilot.resize_terminal(70, 20)
        await walker.shows("窗口太小（70x20）")
        await walker.app.action_switch_language()
        await walker.shows("too small: 70x20")


async def test_a_page_that_came_back_at_another_size_takes_the_one_it_had_before(station: Station) -> None:
    async with walking(station, (100, 30)) as walker:
        page = walker.page
        page._refresh_layout(Size(80, 24))  # it came back so; before it was told, the size was the old one again
        page.post_message(events.Resize(Size(100, 30), Size(100, 30)))
        await walker.until(lambda: page._compositor.size == (100, 30))


async def test_a_machine_that_stands_still_for_a_moment_loses_no_size_and_no_digit(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stand_still() -> None:
        """Between the next looks of timers at the clock the process is kept waiting for longer than they run."""
        looks = itertools.count()
        late = SimpleNamespace(get_time=lambda: time.monotonic() + min(next(looks), 20))
        monkeypatch.setattr(textual.timer, "_time", late)

    async with walking(station) as walker:
        stand_still()
        await walker.pilot.resize_terminal(70, 20)
        await walker.shows("窗口太小（70x20）")
        await walker.pilot.resize_terminal(80, 24)
        await walker.until(lambda: not walker.page.too_small)
        stand_still()
        walker.app.post_message(events.Key("7", "7"))
        await walker.until(lambda: walker.page.query_one("#scan", Entry).value == "7")


async def test_of_sizes_that_pile_up_only_the_newest_is_laid_out(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid_out: list[Size] = []
    real = Page._refresh_layout

    def lay_out(self: Page[object], size: Size | None = None, scroll: bool = False) -> None:
        laid_out.append(self.outer_size if size is None else size)
        real(self, size, scroll)

    async with walking(station) as walker:
        monkeypatch.setattr(Page, "_refresh_layout", lay_out)
        busy = asyncio.Event()
        walker.page.call_next(busy.wait)
        for columns in range(1, 31):  # a key between two, so that they are not each other's neighbours
            for size in (Size(columns, 30), Size(120, 40)):
                await walker.app._on_resize(events.Resize(size, size))
                walker.app._check_resize()
                walker.page.post_message(events.Key("f12", None))
        busy.set()
        await walker.until(lambda: walker.page.region.size == (120, 40))
        await walker.shows("第一次来")
    assert not [size for size in laid_out if size.height == 30]
    assert len(laid_out) < 10


# --- without a badge ------------------------------------------------------------------------------------------------


async def test_who_lost_the_badge_answers_todays_questions_and_sees_it_again(
    station: Station, clock: FakeClock
) -> None:
    async with walking(station) as walker:
        await walker.to_badge()
        number = next(word for word in walker.text().split() if len(word) == 11 and word[5] == "-")
        await walker.press("escape")
        await walker.arrive("WelcomePage")
        clock.set("2021-12-07T09:00")
        await walker.press("f5")
        await walker.arrive("LostBadgePage")
        await walker.type(PERSON["name"])
        await walker.press("enter")
        await walker.type("19900000002")
        await walker.press("enter")
        await walker.until(lambda: "没有找到" in walker.said())
        await walker.press("backspace")
        await walker.type("1")
        await walker.press("enter")
        await walker.arrive("DailyPage")
        await walker.press("1", "1")
        await walker.arrive("AdmittedPage")
        await walker.shows("2021-12-06")  # the sign-out that is missing
        await walker.press("enter")
        await walker.arrive("AssignmentPage")
        await walker.press("enter")
        await walker.arrive("BadgePage")
        await walker.shows(number)
    today = [d["type"] for d in plain.log(station.folder) if d["at"].startswith("2021-12-07")]
    assert today == ["checked_in", "assigned"]


async def test_an_id_number_finds_its_holder_too(station: Station) -> None:
    number = factories.id_number()
    answers = factories.answers(station.campaign, station.today())
    person = factories.applicant(3, id_type="resident_id", id_number=number)
    admitted = station.check_in(Application(person, answers, True, Stay()))
    assert admitted.volunteer is not None
    assert station.find(person.name, f" {number.lower()} ").person is not None
    assert station.find("王秋实", number).refused == "not_known"
    assert station.find(person.name, factories.id_number(order=2)).refused == "not_known"
    async with walking(station) as walker:
        await walker.press("f5")
        await walker.arrive("LostBadgePage")
        await walker.type(person.name)
        await walker.press("enter")
        await walker.type(number)
        await walker.press("enter")
        await walker.arrive("BadgePage")  # they are here already
        await walker.shows(admitted.volunteer)


async def test_who_is_known_is_asked_no_more_than_today(station: Station, clock: FakeClock) -> None:
    async with walking(station) as walker:
        await walker.to_badge()
        await walker.press("enter")
        await walker.arrive("DutyPage")
        await walker.press("0", "0")
        await walker.arrive("DonePage")
        await walker.press("enter")
        clock.set("2021-12-07T09:00")
        await walker.consent()
        await walker.type(PERSON["name"])
        await walker.press("enter")
        await walker.type(PERSON["phone"])
        await walker.press("enter")
        await walker.arrive("DocumentPage")
        await walker.press("enter")
        await walker.type(PERSON["birth_date"])
        await walker.press("enter")
        await walker.arrive("DailyPage")
        await walker.press("1", "1")
        await walker.arrive("AdmittedPage")
    today = [d["type"] for d in plain.log(station.folder) if d["at"].startswith("2021-12-07")]
    assert today == ["checked_in", "assigned"]


# --- badges of other stations ---------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(station_folder: Path) -> Elsewhere:
    return Elsewhere.known_to(station_folder)


async def test_a_visitor_is_named_by_the_lead_and_marked(elsewhere: Elsewhere, station: Station) -> None:
    number = factories.volunteer_number(11)
    code = elsewhere.badge(number, station)
    async with walking(station) as walker:
        await walker.scan(code)
        await walker.pin(PIN, "ConsentPage")
        await walker.press("1")
        await walker.shows("健康信息单独同意")
        await walker.press("1")
        await walker.arrive("VisitorPage")
        await walker.shows("S999")
        await walker.press("enter")
        await walker.shows("请填写姓名")
        await walker.type("贺知行")
        await walker.press("enter")
        await walker.arrive("DailyPage")
        await walker.press("1", "1")
        await walker.arrive("AssignmentPage")
        await walker.press("enter")
        await walker.arrive("DutyPage")
        await walker.press("1")
        await walker.arrive("DonePage")
        await walker.press("enter")
        await walker.scan(code)  # from now on the badge alone says who it is
        await walker.arrive("DutyPage")
        await walker.shows("贺知行")
        await walker.press("escape")
        await walker.lead(PIN)
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.press("5")
        await walker.until(lambda: "别的站点" in walker.said())
    (entry,) = station.roster()
    assert (entry.volunteer, entry.name, entry.flags) == (number, "贺知行", ("elsewhere",))
    registered = next(d for d in plain.log(station.folder) if d["type"] == "registered")
    assert (registered["by"], registered["home_station"]) == ("lead", "S999")
    consents = [(consent.id, consent.version) for consent in station.campaign.consents]
    assert [(each["text"], each["version"]) for each in registered["agreed"]] == consents
    assert "sealed" not in registered["personal"]
    assert "badge_issued" not in types_of(station.folder)


async def test_a_visitor_who_does_not_agree_leaves_nothing(elsewhere: Elsewhere, station: Station) -> None:
    code = elsewhere.badge(factories.volunteer_number(11), station)
    async with walking(station) as walker:
        await walker.scan(code)
        await walker.pin(PIN, "ConsentPage")
        await walker.press("1", "0")
        await walker.arrive("RefusedPage")
        await walker.press("enter")
        await walker.arrive("WelcomePage")
    assert types_of(station.folder) == ["station_noted", "refused"]
    (refused,) = [each for each in plain.log(station.folder) if each["type"] == "refused"]
    assert (refused["reasons"], refused["volunteer"]) == (["consent_not_given"], None)


def test_a_visitor_is_admitted_only_under_the_texts_that_are_in_force(
    elsewhere: Elsewhere, station: Station, clock: FakeClock
) -> None:
    code = elsewhere.badge(number := factories.volunteer_number(11), station)
    given = factories.answers(station.campaign, station.today())

    def come(name: str, *, consented: bool) -> Admission:
        visitor = station.recognise(code).visitor
        assert visitor is not None
        return station.admit_visitor(visitor, name, given, consented=consented)

    assert come("贺知行", consented=False).reasons == ("consent_not_given",)
    assert come("贺知行", consented=True).outcome == "admitted"
    assert station.recognise(code).visitor is None
    station.check_out(number)
    assert station.check_in_again(number, given).outcome == "admitted"
    source = factories.campaign_source()
    source["campaign"]["version"] = 2
    source["campaign"]["consents"][1]["version"] = 2
    (station.folder / "campaign" / "SC2021-2.json").write_bytes(bundle(parse(source)))
    station.take_campaigns()
    assert station.recognise(code).visitor is None, "who is here can go on and sign out"
    station.check_out(number)
    clock.advance(minutes=1)
    # By the number alone they go on as they are: to register anew would give them a second one, and part their hours.
    assert not station.recognise(number).renewal
    assert station.check_in_again(number, given).outcome == "admitted"
    station.check_out(number)
    clock.advance(minutes=1)
    assert come("贺知行", consented=True).outcome == "admitted"
    agreed = [d["agreed"] for d in plain.log(station.folder) if d["type"] == "registered"]
    assert [[each["version"] for each in texts] for texts in agreed] == [[1, 1], [1, 2]]
    station.check_out(number)
    station.forget(number, "本人要求")
    assert station.recognise(code).visitor is not None, "who was forgotten is named anew"


def test_nobody_but_headquarters_vouches_for_a_station(elsewhere: Elsewhere, station: Station) -> None:
    number = factories.volunteer_number(11)
    code = elsewhere.badge(number, station)
    assert station.recognise(code).visitor is not None
    path = station.folder / "keys" / "directory.json"
    path.write_text(elsewhere.directory(signer=elsewhere.key))
    assert station.recognise(code).refused == "unknown_station"
    path.write_text("{}")
    assert station.recognise(code).refused == "unknown_station"
    path.write_text(elsewhere.directory())
    forged = issue(Badge("S999", number, station.campaign.id, station.today()), Ed25519PrivateKey.generate().sign)
    assert station.recognise(forged).refused == "bad_signature"


async def test_a_red_code_refuses_a_visitor_too(elsewhere: Elsewhere, station: Station) -> None:
    visitor = Badge("S999", factories.volunteer_number(11), station.campaign.id, station.today())
    refused = station.admit_visitor(visitor, "贺知行", {"health_code": "red", "travel_code": "green"}, consented=True)
    assert refused.reasons == ("health_code_not_green",)
    assert types_of(station.folder) == ["station_noted", "refused"]


# --- a forgotten PIN ------------------------------------------------------------------------------------------------


async def test_a_forgotten_pin_is_replaced_with_the_passphrase_alone(station: Station, passphrase: str) -> None:
    async with walking(station) as walker:
        await walker.press("f9")
        await walker.arrive("LeadPinPage")
        await walker.press("f6")
        await walker.arrive("ForgottenPinPage")
        for typed, said in (("22222-22222-22222-22222-22222", "口令"), (passphrase.replace("-", " ").lower(), "")):
            for group in typed.split("-"):  # as a person copies it, and no scanner
                await walker.type(group)
                await walker.app.let_keys_go()
            await walker.press("enter")
            await walker.type("975310")
            await walker.press("enter")
            await walker.type("975310")
            await walker.press("enter")
            if said:
                await walker.until(lambda: not walker.page.busy and "一点" not in walker.said() and bool(walker.said()))
                assert said in walker.said()
                assert not station.check_pin("975310")
                walker.page.query_one("#passphrase", Field).focus()
                await walker.settle()
                for field in walker.page.query(Field):
                    field.value = ""
        await walker.arrive("LeadPinPage")
        await walker.type(PIN)
        await walker.press("enter")
        await walker.until(lambda: not walker.page.busy and bool(walker.said()))
        await walker.type("975310")
        await walker.press("enter")
        await walker.arrive("RosterPage")
    noted = [d["note"] for d in plain.log(station.folder)]
    assert noted == ["set_up", "pin_reset"]
    assert not any(passphrase.encode() in path.read_bytes() for path in station.folder.rglob("*") if path.is_file())
