"""The lead's page for handing over: what is told there, the wish for now, and another place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual import events

from kiosk import sync_room
from kiosk.campaign import Campaign
from kiosk.errors import InvalidInput
from kiosk.screens.roster import RosterPage, View
from kiosk.screens.sync import SyncPage, check_place, warning
from kiosk.station import Station
from kiosk.sync import read_place, save_place
from kiosk.sync_room import State
from kiosk.trust import fingerprint
from kiosk.widgets.bars import Progress
from kiosk.widgets.digits import LargeDigits
from tests.conftest import PIN, STATION
from tests.elsewhere import Elsewhere
from tests.test_recovery import arrive
from tests.walking import Walker, walking


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    made = tmp_path / "stick"
    made.mkdir()
    return made


def pull_out(stick: Path) -> None:
    stick.rename(stick.with_name("away"))


def put_back(stick: Path) -> None:
    stick.with_name("away").rename(stick)


async def to_page(walker: Walker) -> None:
    """From the welcome page to the page, once its room is there."""
    await walker.until(lambda: walker.app.sync_room is not None)
    await walker.lead(PIN)
    await walker.press("f12")
    await walker.arrive("SyncPage")


async def enter_place(walker: Walker, place: str) -> None:
    """Another place, pasted as from a message."""
    await walker.press("f4")
    await walker.arrive("SyncPlacePage")
    await walker.press("ctrl+u")
    walker.app.post_message(events.Paste(place))
    await walker.settle()
    await walker.press("enter")


def unconfirmed(walker: Walker) -> str:
    return walker.page.query_one("#sync-unconfirmed", LargeDigits).text


async def test_the_lead_sets_a_place_and_all_is_handed_over(
    station: Station, campaign: Campaign, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(station, campaign)
    async with walking(station) as walker:
        await to_page(walker)
        await walker.shows("没有设置地点，不会自动上报。")
        await walker.shows("本站没有总部的公钥；没有公钥，记录得不到总部确认。")
        records = len(list(station.records_about(station.roster()[0].volunteer)))
        await walker.until(lambda: int(unconfirmed(walker)) > records)
        await walker.press("enter")
        assert "请按 F4" in walker.said()
        await enter_place(walker, f"{stick}/kiosk")
        await walker.arrive("SyncPage")
        await walker.shows("上次成功")
        await walker.shows("12月6日 周一 08:00")
        await walker.shows("15 分钟后")
        assert read_place(station.folder) == f"{stick}/kiosk"
        assert len(list((stick / "kiosk" / STATION).rglob("000001-*"))) == 1
        before = int(unconfirmed(walker))
        arrive(station, campaign, 1)
        await walker.press("enter")  # now
        await walker.until(lambda: len(list(stick.rglob("00000?-*"))) == 2)
        await walker.until(lambda: int(unconfirmed(walker)) > before)
        pull_out(stick)
        await walker.press("enter")
        await walker.shows("最近的问题")
        await walker.shows("下次上报")
        await walker.press("escape")
        await walker.arrive("RosterPage")
        assert walker.said() == "上一次向总部上报没有成功，按 F12 查看原因。"
        put_back(stick)
        await walker.press("f12")
        await walker.arrive("SyncPage")
        await walker.press("enter")
        await walker.hides("最近的问题")
        await walker.press("escape")
        await walker.arrive("RosterPage")
        assert walker.said() == ""


async def test_an_empty_place_ends_the_handing_over(station: Station, stick: Path) -> None:
    save_place(station.folder, str(stick))
    async with walking(station) as walker:
        await to_page(walker)
        await enter_place(walker, "")
        await walker.arrive("SyncPage")
        await walker.shows("没有设置地点")
        assert read_place(station.folder) == ""
        await walker.press("f4")
        await walker.arrive("SyncPlacePage")
        await walker.press("escape")
        await walker.arrive("SyncPage")


async def test_what_is_no_place_is_refused_on_the_page(station: Station) -> None:
    async with walking(station) as walker:
        await to_page(walker)
        await enter_place(walker, "sftp://kiosk:geheim@hq.example/in")
        await walker.shows("网址里不能写密码")
        assert type(walker.page).__name__ == "SyncPlacePage"
        await walker.press("ctrl+u")
        await walker.type("17:30")
        await walker.press("enter")
        await walker.shows("完整路径")
    assert read_place(station.folder) == ""


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("sftp://kiosk:geheim@hq.example/in", "网址里不能写密码"),
        ("sftp://kiosk:geheim@hq.example:999999/in", "网址里不能写密码"),
        ("ftp://hq.example/in", "不是能上报的地点"),
        ("SFTP://hq.example/in", "不是能上报的地点"),
        ("sftp://", "不是能上报的地点"),
        ("sftp://hq.example:999999/in", "不是能上报的地点"),
        ("sftp://[hq/in", "不是能上报的地点"),
        ("17:30", "完整路径"),
        ("stick/kiosk", "完整路径"),
        ("file://stick", "完整路径"),
        ("/", "完整路径"),
        ("/media/..", "完整路径"),
    ],
)
def test_what_is_no_place(place: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=said):
        check_place(place, tmp_path)


def test_places_that_are_known(station: Station) -> None:
    own = station.folder
    for good in ("", "/media/stick", "file:///media/a%20stick", "sftp://kiosk@hq.example:2222/in", "s3://bucket/in"):
        check_place(good, own)
    for bad in (str(own), f"{own}/records", f"{own}/tmp/../records", f"file://{own}"):
        with pytest.raises(InvalidInput, match="签到机自己的文件夹"):
            check_place(bad, own)


async def test_a_place_that_cannot_be_kept_is_said(
    station: Station, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    async with walking(station) as walker:
        await to_page(walker)
        monkeypatch.setattr(sync_room, "save_place", full)
        await enter_place(walker, str(stick))
        await walker.arrive("SyncPage")
        await walker.shows("磁盘已满")
        await walker.shows("没有设置地点")


async def test_by_what_headquarters_is_known(station: Station) -> None:
    hq = Elsewhere.known_to(station.folder).hq.public_key().public_bytes_raw()
    async with walking(station) as walker:
        await to_page(walker)
        await walker.shows(fingerprint(hq))
        (station.folder / "keys" / "hq.json").write_text("{}")
        await walker.press("escape")
        await walker.arrive("RosterPage")
        await walker.press("f12")
        await walker.shows("没有总部的公钥")


class FakeRoom:
    """A room in which things stand as a test wants them."""

    def __init__(self, **state: Any) -> None:
        self.state = State(place="/media/stick", **state)
        self.wishes = 0

    def now(self) -> None:
        self.wishes += 1


async def test_the_page_follows_what_goes_on(station: Station) -> None:
    room = FakeRoom(busy=(0, 0))
    async with walking(station) as walker:
        await walker.app.push_screen(SyncPage(station, room))  # type: ignore[arg-type]
        await walker.arrive("SyncPage")
        await walker.shows("正在查看")
        room.state = State(place="/media/stick", busy=(3, 4))
        await walker.shows("正在上报：3/4 个分段")
        bar = walker.page.query_one("#sync-bar", Progress)
        filled = [span for span in bar.render().spans if "$primary" in str(span.style)]
        assert filled[0].end - filled[0].start == bar.size.width * 3 // 4
        room.state = State(place="/media/stick", copied=True, next_try=20.0)
        await walker.hides("正在上报")
        await walker.shows("一分钟内")
        await walker.shows("副本已继续使用")
        await walker.press("enter")
        assert room.wishes == 1
        await walker.press("f2")
        await walker.shows("Another copy of this data folder")


async def test_before_the_room_is_there_the_page_says_so(station: Station) -> None:
    save_place(station.folder, "/media/stick")
    async with walking(station) as walker:
        await walker.app.push_screen(SyncPage(station, None))
        await walker.arrive("SyncPage")
        await walker.shows("/media/stick")
        await walker.press("enter")
        assert walker.said() == "请稍候 ..."


def test_of_what_the_lead_is_warned(station: Station) -> None:
    now = station.clock()

    def warned(**state: Any) -> str:
        return warning(SimpleNamespace(state=State(**state)), station)  # type: ignore[arg-type]

    assert warning(None, station) == ""
    assert warned() == warned(problem="x") == ""
    assert warned(place="/a") == warned(place="/a", last_success=now - timedelta(hours=23)) == ""
    assert warned(place="/a", last_success=now + timedelta(days=9)) == "", "a clock that was wrong"
    assert "超过一天" in warned(place="/a", last_success=now - timedelta(hours=25))
    assert "没有成功" in warned(place="/a", last_success=now, problem="x")
    assert "副本" in warned(place="/a", problem="x", copied=True)


async def test_the_warning_gives_way_to_what_the_lead_looks_for(station: Station, campaign: Campaign) -> None:
    arrive(station, campaign)
    async with walking(station) as walker:
        await walker.app.push_screen(RosterPage(station, View(station.today()), warn=lambda: "按 F12 查看"))
        await walker.arrive("RosterPage")
        assert walker.said() == "按 F12 查看"
        await walker.type("没有这个人")
        await walker.hides("按 F12 查看")
        await walker.press("escape")
        await walker.shows("按 F12 查看")
