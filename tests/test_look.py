"""Themes, large digits, large targets: what they do, as far as it can be pressed and measured."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.color import Color

from kiosk.app import KioskApp
from kiosk.campaign import Campaigns, Duty, Text
from kiosk.screens.consent import ConsentPage
from kiosk.screens.duty import DutyPage
from kiosk.segments import verify
from kiosk.settings import FILE, SettingsError, read_settings
from kiosk.station import Station
from kiosk.widgets.board import Board
from kiosk.widgets.cells import spread
from kiosk.widgets.choosing import CHATTER, columns_for
from kiosk.widgets.digits import drawn
from kiosk.widgets.page import Page
from kiosk.widgets.tiles import Tiles
from tests import plain
from tests.conftest import FakeClock
from tests.pictures import cells, text
from tests.walking import Walker, walking


def chosen(walker: Walker) -> list[str]:
    return [tiles._chosen for tiles in walker.page.query(Tiles) if tiles._chosen is not None]


def colour(walker: Walker, name: str) -> str:
    """A colour of the theme in use as it is painted: mixing it rounds."""
    painted = Color.parse(walker.app.theme_variables[name]).rich_color.triplet
    assert painted is not None
    return painted.hex


# --- themes ---------------------------------------------------------------------------------------------------------


async def test_f3_changes_the_theme_anywhere_and_the_station_keeps_it(station: Station) -> None:
    async with walking(station) as walker:
        assert walker.app.theme == "kiosk-dark"
        await walker.press("enter", "f3")
        await walker.until(lambda: read_settings(station.folder).theme == "light")
        assert walker.app.theme == "kiosk-light"
        assert type(walker.app.screen).__name__ == "ConsentPage"
    async with walking(station) as walker:
        assert walker.app.theme == "kiosk-light"
        await walker.press("f3")
        await walker.until(lambda: read_settings(station.folder).theme == "dark")


async def test_a_theme_that_cannot_be_kept_holds_for_now(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    async with walking(station) as walker:
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            await walker.press("f3")
            await walker.until(lambda: walker.app.theme == "kiosk-light")
            await station.run(lambda: None)  # what was to be kept has been tried
            await walker.settle()
        assert walker.app.is_running
    assert (station.settings.theme, read_settings(station.folder).theme) == ("dark", "dark")


async def test_the_theme_of_the_first_use_stays(tmp_path: Path, clock: FakeClock) -> None:
    app = KioskApp(tmp_path / "data", None, clock=clock)
    async with app.run_test(size=(80, 24)) as pilot:
        walker = Walker(app, pilot)
        await walker.arrive("SetUpPage")
        await walker.press("f3")
        for typed in ("S016001", "笕桥街道笕桥社区", "135790", "135790"):
            await walker.type(typed)
            await walker.press("enter")
        await walker.arrive("PassphrasePage")
        await walker.press("1")
        await walker.arrive("WelcomePage")
        assert app.theme == "kiosk-light"
        assert app.station is not None
        app.station.close()
    assert read_settings(tmp_path / "data").theme == "light"


def test_settings_from_before_there_were_themes_are_dark(station_folder: Path) -> None:
    path = station_folder / FILE
    settings = json.loads(path.read_text(encoding="utf-8"))
    assert settings.pop("theme") == "dark"
    path.write_text(json.dumps(settings), encoding="utf-8")
    assert read_settings(station_folder).theme == "dark"
    path.write_text(json.dumps(settings | {"theme": "sepia"}), encoding="utf-8")  # of a newer version
    assert read_settings(station_folder).theme == "dark"
    for wrong in (1, None):
        path.write_text(json.dumps(settings | {"theme": wrong}), encoding="utf-8")
        with pytest.raises(SettingsError):
            read_settings(station_folder)


# --- digits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [5, 7])
def test_every_digit_is_a_picture_of_its_own(rows: int) -> None:
    glyphs = [drawn(char, rows) for char in "0123456789:"]
    assert all(len(glyph) == rows and {len(line) for line in glyph} == {len(glyph[0])} for glyph in glyphs)
    assert all(one != other for one, other in combinations(glyphs, 2))


def test_the_widest_phone_number_fits() -> None:
    assert max(len(line) for line in drawn("188 8888 8888", 5)) <= 80 - 2 * 4
    assert max(len(line) for line in drawn("188 8888 8888", 7)) <= 120 - 2 * 10


def test_what_has_no_glyph_or_no_room_is_written_as_it_is() -> None:
    assert drawn("0571-8888", 7) == ["0571-8888"]
    assert drawn("12", 4) == ["12"]


@pytest.mark.parametrize(("size", "rows"), [((80, 24), 5), ((109, 40), 5), ((120, 33), 5), ((110, 34), 7)])
async def test_whom_to_call_stands_in_large_digits(size: tuple[int, int], rows: int, station: Station) -> None:
    async with walking(station, size) as walker:
        await walker.consent()
        await walker.identify()
        await walker.answer("1", "1", "1", "1")
        await walker.press("enter")
        await walker.arrive("AssignmentPage")
        await walker.shows("农 科 院 社 区")
        ink = colour(walker, "primary")
        seen = ["".join("#" if cell.back == ink else " " for cell in row) for row in cells(walker.strips())]
        number = drawn("151 5805 5635", rows)
        assert len(number) == rows
        left = min(len(line) - len(line.lstrip()) for line in seen if line.strip())
        # Nothing on this page is of that colour but the digits.
        assert [line[left:].rstrip() for line in seen if line.strip()] == [line.rstrip() for line in number]


async def test_no_size_breaks_a_page(station: Station) -> None:
    async with walking(station) as walker:
        await walker.to_badge()
        await walker.press("enter")
        await walker.arrive("DutyPage")
        for size in ((1, 1), (300, 80), (3, 200), (200, 2), (80, 24)):
            await walker.pilot.resize_terminal(*size)
            await walker.settle()
        await walker.shows("签退回家")


def test_chinese_is_spread_and_nothing_else_is() -> None:
    assert spread("笕桥街道") == "笕 桥 街 道"
    assert spread("Keeping order, 3 人们") == "Keeping order, 3 人 们"
    assert spread("") == ""


# --- one question a page, and its tiles ----------------------------------------------------------------------------


def test_short_answers_stand_as_on_a_number_pad_and_long_ones_below_each_other() -> None:
    assert [columns_for(["绿"] * count) for count in (1, 2, 3, 4, 5, 9)] == [1, 2, 3, 2, 3, 3]
    assert columns_for(["居住并且也在这里工作的人", "都不是", "x"]) == 2
    assert columns_for(["我已阅读，同意这样处理我的个人信息", "不同意"]) == 1


async def test_esc_goes_one_question_back_where_the_answer_is_seen_and_enter_keeps_it(station: Station) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.identify()
        await walker.press("1", "2")
        await walker.shows("行程码是什么颜色")
        assert chosen(walker) == []
        await walker.press("enter")
        assert walker.said(), "Enter alone answers nothing"
        await walker.press("escape")
        await walker.shows("健康码是什么颜色")
        assert chosen(walker) == ["yellow"]
        await walker.press("1")
        await walker.press("escape")
        assert chosen(walker) == ["green"]
        await walker.press("escape")
        await walker.shows("疫苗接种吗")
        await walker.press("enter", "enter")
        await walker.shows("行程码是什么颜色")
        await walker.press("escape", "escape", "escape")
        await walker.arrive("AddressPage")


async def test_arrow_keys_choose_and_enter_goes_on(station: Station) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.identify()
        await walker.press("1", "1")
        await walker.shows("行程码是什么颜色")
        for key, value in (
            *(("down", "green"), ("down", "orange"), ("left", "yellow"), ("right", "orange"), ("right", "red")),
            *(("right", "red"), ("up", "green*"), ("up", "green*")),
        ):
            await walker.press(key)
            assert chosen(walker) == [value], key
        await walker.press("enter")
        await walker.shows("承诺")


async def test_digits_that_come_fast_answer_one_question_each(station: Station, clock: FakeClock) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.identify()
        for place, key in enumerate("1121"):
            walker._send(key, key, after=place * CHATTER)
        await walker.arrive("ReviewPage")
        await walker.shows("绿，带星号")
        await walker.press("enter", "enter", "enter")
        await walker.arrive("BadgePage")
        await walker.press("escape")
        number = station.roster()[0].volunteer
        station.check_out(number)
        clock.set("2021-12-07T09:00")
        await walker.scan(number)
        await walker.arrive("DailyPage")
        for place, key in enumerate("11111"):
            walker._send(key, key, after=place * CHATTER)
        await walker.arrive("AssignmentPage")
    records = [record for record in plain.log(station.folder) if record["at"].startswith("2021-12-07")]
    assert [record["type"] for record in records] == ["checked_in", "assigned"]
    assert verify(station.folder, station.settings.station) == []


@pytest.mark.parametrize("size", [(80, 24), (90, 30), (120, 40)])
async def test_no_line_of_the_notice_begins_with_a_comma(station: Station, size: tuple[int, int]) -> None:
    async with walking(station, size) as walker:
        await walker.press("enter")
        await walker.arrive("ConsentPage")
        await walker.shows("为安排和记录志愿服务")
        lines = [line.strip() for line in walker.text().splitlines()]
        assert not [line for line in lines if line[:1] in set("，。、：；？！」》）") and line]
        notice = str(station.campaign.consents[0].text)
        assert "".join(notice.split()) in "".join("".join(lines).split())


async def test_the_language_may_change_in_the_middle_of_fast_digits(station: Station) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.identify()
        for place, key in enumerate(("1", "f2", "1", "f2", "f2", "1", "f2", "f2", "1", "f2")):
            walker._send(key, key if len(key) == 1 else None, after=place * CHATTER)
        await walker.arrive("ReviewPage")
        await walker.shows("林小满")
        assert len(walker.page.query("#message")) == 1


def background(walker: Walker, label: str) -> str:
    """The colour behind the first place where `label` stands."""
    rows = cells(walker.strips())
    row, column = next((y, line.index(label)) for y, line in enumerate(text(rows)) if label in line)
    return rows[row][column].back


async def test_a_target_shows_that_it_is_touched_and_being_pressed(station: Station) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.press("escape")
        await walker.arrive("ConsentPage")
        assert background(walker, "我不同意") == colour(walker, "panel")
        tiles = walker.page.query_one(Tiles)
        other = tiles.region_of("no")
        assert other.height >= 3
        on_it, beside = (region.translate((1, 1)).offset for region in (other, tiles.region_of("yes")))
        await walker.pilot.hover(tiles, offset=on_it)
        assert background(walker, "我不同意") == colour(walker, "secondary")
        await walker.pilot.mouse_down(tiles, offset=on_it)
        assert background(walker, "我不同意") == colour(walker, "primary")
        await walker.pilot.hover(tiles, offset=beside)
        assert background(walker, "我不同意") == colour(walker, "panel")
        await walker.pilot.hover("#message")
        page = walker.page
        assert isinstance(page, ConsentPage)
        assert background(walker, page.choices()[0].label) == colour(walker, "primary")  # it was chosen before
        await walker.pilot.mouse_down(tiles, offset=on_it)
        await walker.pilot.mouse_up(tiles, offset=beside)  # a finger that slips off has chosen nothing
        await walker.pilot.pause()
        await walker.shows("我不同意")
        assert background(walker, "我不同意") == colour(walker, "panel")
        await walker.pilot.hover(tiles, offset=on_it)
        await walker.app.action_switch_language()  # the page is built anew under a pointer that rests
        await walker.shows("I do not agree")
        await walker.until(lambda: background(walker, "I do not agree") == colour(walker, "secondary"))


async def test_a_campaign_may_ask_for_nothing(station: Station) -> None:
    station.campaigns = Campaigns((replace(station.campaign, clauses=(), consents=()),))
    station._desk.campaigns = station.campaigns
    async with walking(station) as walker:
        await walker.press("enter")
        await walker.arrive("ConsentPage")
        await walker.press("enter")
        await walker.arrive("IdentityPage")
        await walker.type("林小满")
        await walker.press("enter")
        await walker.type("19900000001")
        await walker.press("enter", "enter", "enter")
        await walker.type("1995-05-20")
        await walker.press("enter")
        await walker.arrive("AddressPage")
        await walker.press("enter")
        await walker.arrive("FirstDayPage")
        await walker.shows("今天没有要回答的问题")
        await walker.press("down", "right", "enter")
        await walker.arrive("ReviewPage")
        await walker.press("enter")
        await walker.arrive("AdmittedPage")
    assert station.roster()[0].status == "checked_in"


@pytest.mark.parametrize("duties", [1, 4, 6, 8])
async def test_arrow_keys_lead_where_the_tiles_stand(station: Station, duties: int) -> None:
    station.campaigns = Campaigns((replace(station.campaign, duties=station.campaign.duties[:duties]),))
    station._desk.campaigns = station.campaigns
    async with walking(station) as walker:
        await walker.to_badge()
        await walker.press("enter")
        await walker.arrive("DutyPage")
        page, tiles = walker.page, walker.page.query_one(Tiles)
        assert isinstance(page, DutyPage)
        choices = page.choices()
        lowest = tiles.region_of(choices[-1].value).y
        for choice in choices:
            here = tiles.region_of(choice.value)
            for key, along in (("up", -1), ("down", 1)):
                page.cursor = choice.value
                await walker.press(key)
                there = tiles.region_of(str(page.cursor))
                assert there.y == min(max(here.y + along * (here.height + 1), 0), lowest), (choice.label, key)
        for choice in choices:  # also those that look otherwise by themselves
            tiles.choose(choice.value)
            await walker.pilot.pause()
            assert background(walker, choice.label) == colour(walker, "primary")


async def test_more_duties_than_digits_are_reached_by_arrows_and_taps(station: Station) -> None:
    more = tuple(Duty(f"more{number}", Text(f"更多{number}", f"More {number}")) for number in range(12))
    station.campaigns = Campaigns((replace(station.campaign, duties=(*station.campaign.duties, *more)),))
    station._desk.campaigns = station.campaigns
    async with walking(station) as walker:
        await walker.to_badge()
        await walker.press("enter")
        await walker.arrive("DutyPage")
        await walker.press(*["down"] * 7, "right", "right")
        assert chosen(walker) == ["more11"]
        await walker.shows("更多11")
        await walker.press("enter")
        await walker.arrive("DonePage")
        await walker.shows("更 多11")
        await walker.press("enter")
        await walker.arrive("WelcomePage")
        await walker.shows("更多11")  # of many duties the board shows those with people


async def test_the_board_counts_who_is_on_duty_now(station: Station) -> None:
    async with walking(station) as walker:
        await walker.shows("现在没有人在岗")
        await walker.to_badge()
        await walker.press("enter")
        await walker.arrive("DutyPage")
        await walker.press("2")
        await walker.arrive("DonePage")
        await walker.press("enter")
        await walker.shows("现在在岗 1 人")
        tallies = walker.page.query_one(Board).tallies
        assert [tally for tally in tallies if tally.number] == [(1, "扫码引导")]


def is_up(name: str, walker: Walker) -> Callable[[], bool]:
    return lambda: type(walker.app.screen).__name__ == name


async def test_a_page_is_left_once(station: Station) -> None:
    """Keys that were on their way when a page was left take no other page along."""
    async with walking(station) as walker:
        await walker.consent()
        page = walker.page
        assert isinstance(page, Page)
        for _ in range(3):
            page.dismiss(None)
        await walker.until(is_up("ConsentPage", walker))
        await walker.press("escape", "escape")
        await walker.arrive("WelcomePage")
