"""The lead's desk, pressed key by key, and what the files then hold, read with plain TinyDB."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from kiosk.errors import InvalidInput
from kiosk.i18n import _
from kiosk.rules import Application, Stay
from kiosk.screens.late import LatePage
from kiosk.screens.person import PersonPage
from kiosk.screens.welcome import WelcomePage
from kiosk.station import Station
from kiosk.widgets.rows import RowList
from kiosk.widgets.times import parse_clock
from tests import factories
from tests.conftest import PIN, FakeClock
from tests.test_visits import types, written
from tests.walking import PERSON, Walker, walking


def arrive(station: Station, number: int = 0, **changes: str) -> str:
    """Somebody checks in; their number."""
    applicant = factories.applicant(number, **changes)
    answers = factories.answers(station.campaign, station.today())
    admitted = station.check_in(Application(applicant, answers, True, Stay()))
    assert admitted.volunteer is not None
    return admitted.volunteer


async def open_person(walker: Walker) -> None:
    """The lead, up to the history of whoever stands first on the roster."""
    await walker.lead(PIN)
    await walker.press("enter")
    await walker.arrive("PersonPage")


async def fill(walker: Walker, *texts: str) -> None:
    """One field after the other, each with Enter; the last Enter shows what will be recorded."""
    for text in texts:
        await walker.type(text)
        await walker.press("enter")
    await walker.shows("将要记录")


def listed(walker: Walker) -> list[str]:
    """The volunteers on the roster, in the order in which they stand there."""
    return [entry.volunteer for entry in walker.page.query_one("#roster", RowList)._rows]


async def test_missing_sign_outs_come_first_in_the_morning(station: Station, clock: FakeClock) -> None:
    first, second = arrive(station), arrive(station, 1)
    station.start_duty(first, "order")
    clock.set("2021-12-08T08:00")
    async with walking(station) as walker:
        await walker.lead(PIN, "PendingPage")
        for text in (first, second, "2 次到访没有签退", "秩序维护", "12月6日"):
            await walker.shows(text)
        await walker.press("down", "enter")
        await walker.arrive("LatePage")
        assert isinstance(walker.page, LatePage)
        chosen = walker.page.volunteer
        await fill(walker, "2021-12-06 11:45", "忘记签退")
        for text in ("12月6日 周一 11:45", "12月8日 周三 08:00", "3 小时 45 分钟", "忘记签退"):
            await walker.shows(text)
        before = len(written(station.folder))
        await walker.press("enter")
        await walker.arrive("PendingPage")
        await walker.shows("1 次到访没有签退")
        assert "11:45" in walker.said()
        await walker.press("escape")
        await walker.arrive("RosterPage")
        await walker.press("f4")
        await walker.arrive("PendingPage")
    *_same, out = written(station.folder)[before:]
    assert (out["type"], out["volunteer"], out["late"], out["by"]) == ("checked_out", chosen, True, "lead")
    assert (out["occurred"], out["at"]) == ("2021-12-06T11:45:00.000+08:00", "2021-12-08T08:00:00.000+08:00")
    assert out["reason"] == "忘记签退"


async def test_without_missing_sign_outs_the_roster_comes_first(station: Station) -> None:
    arrive(station)
    async with walking(station) as walker:
        await walker.lead(PIN)
        await walker.press("f4")
        await walker.arrive("PendingPage")
        await walker.press("enter")
        await walker.arrive("RosterPage")


async def test_a_correction_shows_both_times_and_keeps_them(station: Station, clock: FakeClock) -> None:
    volunteer = arrive(station)
    clock.set("2021-12-06T08:10")
    station.start_duty(volunteer, "order")
    clock.set("2021-12-06T10:00")
    station.check_out(volunteer)
    clock.set("2021-12-06T11:00")
    async with walking(station) as walker:
        await open_person(walker)
        await walker.press("2")
        await walker.arrive("MomentPage")
        await walker.press("3")
        await walker.arrive("CorrectPage")
        await fill(walker, "10:30", "走得晚")
        await walker.shows("原记录时间：12月6日 周一 10:00")
        await walker.shows("正确时间：12月6日 周一 10:30")
        assert types(station.folder)[-1] == "checked_out"
        await walker.press("enter")
        await walker.arrive("PersonPage")
        assert "10:30" in walker.said()
        await walker.shows("10:00 改为 10:30")
        await walker.shows("2 小时 30 分钟")
    ended, out = written(station.folder)[-2:]
    # The duty ended by the sign-out, so that its end moves along and the half hour counts.
    assert [record["type"] for record in (ended, out)] == ["corrected", "corrected"]
    assert out["changes"] == {"occurred": ["2021-12-06T10:00:00.000+08:00", "2021-12-06T10:30:00.000+08:00"]}
    assert (out["reason"], out["by"], out["target"]) == ("走得晚", "lead", written(station.folder)[-3]["id"])
    assert station.roster()[0].minutes == 150


async def test_a_segment_that_decays_while_the_kiosk_runs_is_named_and_the_lead_goes_on(
    station: Station, clock: FakeClock
) -> None:
    left, forgot = arrive(station), arrive(station, 1)
    clock.set("2021-12-06T10:00")
    station.check_out(left)
    clock.set("2021-12-07T08:10")
    station.check_in_again(left, factories.answers(station.campaign, station.today()))  # the day before is sealed now
    station.close()
    station = Station(station.folder, clock=clock)
    (path,) = (station.folder / "records" / "sealed").iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    before = (station.folder / "records" / "open.json").read_bytes()
    async with walking(station) as walker:
        await walker.lead(PIN, "PendingPage")
        await walker.press("enter")
        await walker.arrive("LatePage")
        await walker.shows(path.name[:6])
        await fill(walker, "17:30", "忘记签退")
        await walker.press("enter")
        await walker.until(lambda: path.name[:6] in walker.said())
        await walker.press("enter", "enter", "escape", "escape")
        await walker.arrive("PendingPage")
        await walker.press("escape")
        await walker.arrive("RosterPage")
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.shows(path.name[:6])
        await walker.press("1")
        assert path.name[:6] in walker.said()
    assert station.visit(left) is not None and station.pending_of(forgot)
    assert (station.folder / "records" / "open.json").read_bytes() == before
    station.close()


async def test_what_cannot_be_corrected_is_said_and_nothing_written(station: Station, clock: FakeClock) -> None:
    volunteer = arrive(station)
    clock.set("2021-12-06T10:00")
    station.check_out(volunteer)
    before = written(station.folder)
    async with walking(station) as walker:
        await open_person(walker)
        await walker.press("2", "2")
        await walker.arrive("CorrectPage")
        for time in ("7:30", "12:00"):  # before they came; not yet
            await walker.type(time)
            await walker.press("enter")
            await walker.type("错")
            await walker.press("enter")
            await walker.until(lambda: "时间" in walker.said())
            await walker.press("escape")
            await walker.arrive("PersonPage")
            await walker.press("2", "2")
            await walker.arrive("CorrectPage")
        await walker.type("9:30")
        await walker.press("enter", "enter")
        await walker.until(lambda: "原因" in walker.said())
        assert "将要记录" not in walker.text()
        await walker.press("escape")
        await walker.arrive("PersonPage")
    assert written(station.folder) == before


async def test_a_visit_is_voided_after_being_asked_twice(station: Station) -> None:
    volunteer = arrive(station)
    async with walking(station) as walker:
        await open_person(walker)
        await walker.press("3")
        await walker.arrive("VoidPage")
        await walker.press("enter")  # without a reason
        await walker.until(lambda: "原因" in walker.said())
        await fill(walker, "登记错人")
        await walker.press("escape")  # back from the second question: nothing happened
        await walker.hides("将要记录")
        assert types(station.folder)[-1] == "badge_issued"
        await walker.press("enter")
        await walker.shows("将要记录")
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.shows("站点负责人作废了这次到访")
        await walker.press("3")
        await walker.until(lambda: "已作废" in walker.said())
        await walker.press("escape")
        await walker.arrive("RosterPage")
    voided = written(station.folder)[-1]
    assert (voided["type"], voided["reason"], voided["by"]) == ("voided", "登记错人", "lead")
    assert voided["volunteer"] == volunteer
    assert station.roster() == []


async def test_a_volunteer_is_sent_elsewhere(station: Station) -> None:
    arrive(station)
    async with walking(station) as walker:
        await open_person(walker)
        await walker.press("4")
        await walker.arrive("CommunityPage")
        await walker.press("enter")  # the first in the list is where they serve
        assert "已在那里服务" in walker.said(), walker.said()
        await walker.type("农科院")
        await walker.press("enter")
        await walker.arrive("ReassignPage")
        await walker.shows("农科院社区")
        await fill(walker, "那边缺人")
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.shows("站点负责人改派到笕桥街道 农科院社区")
    moved = written(station.folder)[-1]
    assert (moved["type"], moved["community"], moved["why"]) == ("assigned", "330102016003", "lead")
    assert (moved["reason"], moved["by"]) == ("那边缺人", "lead")


async def test_the_badge_is_shown_again_and_nothing_is_written(station: Station) -> None:
    volunteer = arrive(station)
    before = written(station.folder)
    async with walking(station) as walker:
        await open_person(walker)
        await walker.press("5")
        await walker.arrive("BadgeAgainPage")
        await walker.shows(volunteer)
        await walker.press("escape")
        await walker.arrive("PersonPage")
    assert written(station.folder) == before


async def test_a_badge_is_revoked_once(station: Station) -> None:
    volunteer = arrive(station)
    code = station.badge_code(volunteer)
    assert code is not None
    async with walking(station) as walker:
        await open_person(walker)
        await walker.press("6")
        await walker.arrive("RevokePage")
        await fill(walker, "徽章遗失")
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.shows("站点负责人注销了第 1 个志愿者码，原因：徽章遗失")
        for key in ("5", "6"):
            await walker.press(key)
            await walker.until(lambda: "已注销" in walker.said())
    revoked = written(station.folder)[-1]
    assert (revoked["type"], revoked["serial"], revoked["reason"]) == ("badge_revoked", 1, "徽章遗失")
    assert station.recognise(code).refused == "revoked"


async def test_the_roster_is_filtered_and_sorted_by_keys(station: Station, clock: FakeClock) -> None:
    numbers = [arrive(station, number) for number in range(4)]
    for volunteer, duty in zip(numbers, ("order", "policy", "order"), strict=False):
        clock.advance(minutes=10)
        station.start_duty(volunteer, duty)
    clock.advance(minutes=10)
    station.check_out(numbers[2])
    async with walking(station) as walker:
        await walker.lead(PIN)
        await walker.shows("在岗 2")
        await walker.shows("秩序维护 1")
        assert listed(walker) == numbers
        await walker.press("f5")
        assert listed(walker) == numbers[:2]
        await walker.press("f5")
        assert listed(walker) == [numbers[3]]
        await walker.press("f5", "f5")
        assert listed(walker) == numbers
        await walker.press("f6")
        await walker.shows("政策宣传")
        assert listed(walker) == [numbers[1]]
        await walker.press("f6")
        assert listed(walker) == [numbers[0], numbers[2]], "who has left was on that duty too"
        await walker.press("f6", "f7")
        by_pinyin = sorted(range(4), key=lambda n: ("林", "宋", "沈", "江")[n].encode("gb18030"))
        assert listed(walker) == [numbers[n] for n in by_pinyin]
        await walker.press("f7", "f7")
        assert listed(walker)[-1] in numbers
        minutes = {entry.volunteer: entry.minutes or 0 for entry in station.roster()}
        assert [minutes[v] for v in listed(walker)] == sorted(minutes.values(), reverse=True)


async def test_a_roster_that_is_going_takes_no_key_any_more(station: Station) -> None:
    arrive(station)
    async with walking(station) as walker:
        await walker.lead(PIN)
        await walker.type("x")
        roster = walker.page
        await walker.app.switch_screen(WelcomePage(station))  # as when a scan takes everything away
        assert not roster.query("#roster-search")
        assert not await walker.app.run_action("back", roster)


async def test_the_roster_comes_back_as_it_was_left(station: Station) -> None:
    for number in range(6):
        arrive(station, number)
    async with walking(station) as walker:
        await walker.lead(PIN)
        await walker.type("019")  # of all phone numbers
        await walker.press(*["backspace"] * 3)
        await walker.press("f7", "down", "down", "enter")
        await walker.arrive("PersonPage")
        assert isinstance(walker.page, PersonPage)
        volunteer = walker.page._volunteer
        await walker.press("escape")
        await walker.arrive("RosterPage")
        chosen = walker.page.query_one("#roster", RowList).chosen
        assert chosen is not None
        assert chosen.volunteer == volunteer
        await walker.shows("F7 排序 姓名")


async def test_any_day_by_arrow_keys_or_by_its_date(station: Station, clock: FakeClock) -> None:
    arrive(station)
    station.check_out(station.roster()[0].volunteer)
    clock.set("2021-12-09T08:00")
    async with walking(station) as walker:
        await walker.lead(PIN)
        await walker.shows("12月9日")
        await walker.press("left")
        await walker.shows("12月8日")
        await walker.press("right", "right")
        assert "还没有到" in walker.said()
        await walker.type("0001-01-01")
        await walker.press("enter")
        await walker.until(lambda: "还没有这个系统" in walker.said())
        for _letter in "0001-01-01":
            await walker.press("backspace")
        await walker.type("2021-12-06")
        await walker.press("enter")
        await walker.shows("林小满")
        await walker.press("f8")
        await walker.arrive("SummaryPage")
        await walker.shows("12月6日")
        await walker.press("right")
        await walker.shows("12月7日")
        await walker.press("escape")
        await walker.arrive("RosterPage")
        await walker.shows("12月7日")


async def test_a_long_roster_is_walked_by_pages_wheel_and_finger(station: Station) -> None:
    numbers = [arrive(station, number) for number in range(40)]
    async with walking(station) as walker:
        await walker.lead(PIN)
        rows: RowList[object] = walker.page.query_one("#roster", RowList)
        await walker.shows(numbers[0])
        await walker.hides(numbers[-1])
        await walker.press("end")
        await walker.shows(numbers[-1])
        assert rows.cursor == 39
        await walker.press("pageup")
        assert rows.cursor == 39 - (rows.lines - 1)
        await walker.press("home", "pagedown")
        assert rows.cursor == rows.lines - 1
        await walker.press("home")
        await walker.pilot._post_mouse_events([events.MouseScrollDown], widget=rows, offset=(3, 3))
        await walker.settle()
        assert rows.cursor == 3
        await walker.pilot.click(rows, offset=(3, 6))
        assert rows.cursor == 5
        await walker.pilot.click(rows, offset=(3, 6))
        await walker.arrive("PersonPage")
        await walker.shows(numbers[5])


async def test_names_like_markup_stand_everywhere_as_they_are(station: Station, clock: FakeClock) -> None:
    name = "[/张][red]=1+1"
    volunteer = arrive(station, name=name)
    clock.set("2021-12-08T08:00")
    async with walking(station) as walker:
        await walker.lead(PIN, "PendingPage")
        await walker.shows("[/张]")
        await walker.press("enter")
        await walker.arrive("LatePage")
        await walker.shows(name)
        await fill(walker, "2021-12-06 09:00", "[bold]忘了[/bold]")
        await walker.press("enter")
        await walker.arrive("PendingPage")
        await walker.press("escape")
        await walker.arrive("RosterPage")
        await walker.type("2021-12-06")
        await walker.press("enter", "enter")
        await walker.arrive("PersonPage")
        await walker.shows(f"登记为志愿者：{name}")
        await walker.shows("[bold]忘了[/bold]")
    assert station.history.people[volunteer].name == name


async def test_help_lists_the_keys_of_the_page_below(station: Station) -> None:
    async with walking(station) as walker:
        await walker.press("f1")
        await walker.arrive("HelpPage")
        await walker.shows("F9")
        await walker.press("f1")
        await walker.arrive("WelcomePage")
        await walker.lead(PIN)
        await walker.press("f1")
        await walker.arrive("HelpPage")
        for text in ("F5", "F6", "F7", "F8", "F10", "Ctrl+Q", "前一天、后一天"):
            await walker.shows(text)
        await walker.press("escape")
        await walker.arrive("RosterPage")


# --- the export -----------------------------------------------------------------------------------------------------

NAMES = ("=1+1", "@x", "-2", "+86", "=HYPERLINK(A1)", "林小满")


async def test_the_day_is_exported_twice_and_nothing_is_overwritten(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setattr("kiosk.export.STICKS", ())
    for number, name in enumerate(NAMES):
        arrive(station, number, name=name)
    async with walking(station) as walker:
        await walker.lead(PIN)
        for key in ("1", "1", "2"):
            await walker.press("f10")
            await walker.arrive("ExportPage")
            await walker.press(key, "enter")
            await walker.until(lambda: not walker.page.busy and "已写入" in walker.said())
            await walker.press("escape")
            await walker.arrive("RosterPage")
    exports = station.folder / "exports"
    name = f"kiosk-{station.settings.station}-2021-12-06"
    assert sorted(path.name for path in exports.iterdir()) == [f"{name}-2.xlsx", f"{name}.csv", f"{name}.xlsx"]
    sheet = zipfile.ZipFile(exports / f"{name}.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    rows = list(csv.reader(io.StringIO((exports / f"{name}.csv").read_bytes().decode("utf-8-sig"))))
    assert rows[0][:2] == [_("Number"), _("Name")]
    assert [row[1] for row in rows[1:]] == [f"'{name}" for name in NAMES[:5]] + ["林小满"]


async def test_a_folder_that_is_not_there_is_said_in_a_sentence(station: Station, tmp_path: Path) -> None:
    arrive(station)
    async with walking(station) as walker:
        await walker.lead(PIN)
        await walker.press("f10")
        await walker.arrive("ExportPage")
        await walker.press("down")
        walker.page.query_one("#folder-entry", Input).value = str(tmp_path / "no" / "stick")
        await walker.press("enter")
        await walker.until(lambda: not walker.page.busy and "无法写入" in walker.said())
    assert not (tmp_path / "no").exists()


# --- the volunteer's side -------------------------------------------------------------------------------------------


async def test_who_forgot_the_badge_and_to_sign_out_is_told_too(station: Station, clock: FakeClock) -> None:
    async with walking(station) as walker:
        await walker.to_badge()
        await walker.press("escape")
        clock.set("2021-12-08T08:00")
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
        await walker.shows("2021-12-06")
        await walker.shows("站点负责人")
    (entry,) = station.roster(date(2021, 12, 6))
    assert (entry.status, entry.minutes) == ("pending_check_out", None)


async def test_who_registered_in_a_segment_that_is_gone_can_be_signed_out(station: Station, clock: FakeClock) -> None:
    number = arrive(station)
    station.check_out(number)
    clock.set("2021-12-07T08:00")
    known = station.person(number).known
    station.check_in_again(number, dict.fromkeys(("health_code", "travel_code"), "green"))
    assert known
    station.close()
    (sealed,) = (station.folder / "records" / "sealed").iterdir()
    sealed.unlink()
    clock.set("2021-12-08T20:00")
    again = Station(station.folder, clock=clock)
    async with walking(again) as walker:
        await walker.lead(PIN, "PendingPage")
        await walker.press("enter")
        await walker.arrive("LatePage")
        await walker.shows("（无姓名）")
        await fill(walker, "12:00", "家里有事")
        await walker.press("enter")
        await walker.arrive("PendingPage")
        await walker.press("escape")
        await walker.arrive("RosterPage")
        await walker.press("left")
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.shows("（无姓名）")
    again.close()


@pytest.mark.parametrize("text", ["12:5", "10:3", "1:730", "93:0", "-930", "12 30", "30:00", "17-30"])
def test_a_time_is_not_guessed(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_clock(text, factories.DAY)


@pytest.mark.parametrize(
    ("text", "hour"), [("17:30", 17), ("1730", 17), ("9.30", 9), ("930", 9), ("\uff11\uff17\uff1a\uff13\uff10", 17)]
)
def test_a_time_as_people_type_it(text: str, hour: int) -> None:
    assert parse_clock(text, factories.DAY) == factories.at(f"{hour:02}:30")


async def test_a_sign_out_on_the_day_after_is_pointed_out(station: Station, clock: FakeClock) -> None:
    clock.set("2021-12-06T19:30")
    arrive(station)
    clock.set("2021-12-08T08:00")
    async with walking(station) as walker:
        await walker.lead(PIN, "PendingPage")
        await walker.press("enter")
        await walker.arrive("LatePage")
        await fill(walker, "17:30", "忘记")
        await walker.shows("注意：这是签到日的第二天。")
        await walker.press("enter")
        await walker.arrive("PendingPage")
        await walker.press("escape")
        await walker.arrive("RosterPage")
        await walker.press("left", "left")
        await walker.shows("17:30+1")


async def test_a_time_that_cannot_be_is_typed_again_where_it_stands(station: Station, clock: FakeClock) -> None:
    arrive(station)
    clock.set("2021-12-06T09:00")
    async with walking(station) as walker:
        await open_person(walker)
        await walker.press("2", "enter")
        await walker.arrive("CorrectPage")
        await walker.type("19:00")
        await walker.press("enter")
        await walker.type("记错")
        await walker.press("enter")
        await walker.until(lambda: "这个时间不行" in walker.said())
        await walker.press("ctrl+u")
        await walker.type("08:30")
        await walker.press("enter", "enter")
        await walker.shows("将要记录")
        await walker.shows("08:30")
        await walker.shows("记错")


async def test_whose_visit_is_void_is_found_by_the_number_and_esc_shows_everybody(station: Station) -> None:
    number, other = arrive(station), arrive(station, 1)
    station.void(station.visits_of(number, station.today())[0].id, "登记错了")
    async with walking(station) as walker:
        await walker.lead(PIN)
        await walker.type(number.lower().replace("-", ""))
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.shows("登记错了")
        await walker.press("escape")
        await walker.arrive("RosterPage")
        assert listed(walker) == []
        await walker.press("escape")
        await walker.until(lambda: listed(walker) == [other])
        await walker.press("escape")
        await walker.arrive("WelcomePage")


async def test_a_pin_during_the_wait_is_not_called_wrong(station: Station) -> None:
    async with walking(station) as walker:
        await walker.press("f9")
        await walker.arrive("LeadPinPage")
        while not station.pin_wait():
            await walker.type("000000")
            await walker.press("enter")
            await walker.until(lambda: "PIN 不对" in walker.said())
        await walker.type(PIN)
        await walker.press("enter")
        await walker.until(lambda: walker.said().startswith("请等待"))
