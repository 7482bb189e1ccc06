"""Whole visits, pressed key by key at 80x24, and what the files then hold, read with plain TinyDB."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tinydb import TinyDB

from kiosk.station import Station
from tests.conftest import PIN, FakeClock, FullDisk
from tests.test_forgetting import ended
from tests.test_recovery import arrive
from tests.walking import Walker, walking

if TYPE_CHECKING:
    from kiosk.campaign import Campaign

OPENING = ["registered", "checked_in", "assigned", "badge_issued"]


def written(folder: Path) -> list[dict[str, Any]]:
    """All records but the set-up's, read as anybody could."""
    found: list[dict[str, Any]] = []
    for path in [*sorted((folder / "records" / "sealed").glob("*.json")), folder / "records" / "open.json"]:
        with TinyDB(path) as db:
            found += [dict(document) for document in db.table("records").all()]
    return found[1:]


def types(folder: Path) -> list[str]:
    return [record["type"] for record in written(folder)]


async def number_on(walker: Walker) -> str:
    await walker.arrive("BadgePage")
    return next(word for word in walker.text().split() if len(word) == 11 and word[5] == "-")


async def test_a_new_volunteer_gets_a_badge_in_at_most_18_presses(station: Station) -> None:
    async with walking(station) as walker:
        await walker.to_badge()
        number = await number_on(walker)
        assert walker.presses <= 18
    assert types(station.folder) == OPENING
    registered, checked_in, assigned, issued = written(station.folder)
    assert registered["volunteer"] == number
    assert registered["personal"]["name"] == "林小满"
    assert registered["personal"]["phone_masked"] == "199****0001"
    assert {item["text"] for item in registered["agreed"]} == {"notice", "health", "pledge"}
    assert registered["health"]["answers"] == {"vaccinated": "met"}
    assert checked_in["health"]["answers"] == {"health_code": "met", "travel_code": "met"}
    assert (assigned["visit"], assigned["community"]) == (checked_in["id"], "330102016003")
    assert issued["code"] == station.badge_code(number)


async def test_refused_for_two_reasons_reads_both_and_whom_to_call(station: Station) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.identify(birth_date="1971-12-06")
        await walker.answer("2", "1", "1", "1")
        await walker.arrive("RefusedPage")
        for code in ("age_over", "not_vaccinated"):
            reason = station.campaign.reason(code)
            assert reason is not None
            await walker.shows(reason.text.zh)
        await walker.shows("183 2911 0770")
        await walker.shows("151 5805 5635")
        await walker.press("enter")
        await walker.arrive("WelcomePage")
    (refused,) = written(station.folder)
    assert refused["type"] == "refused"
    assert refused["reasons"] == ["age_over", "not_vaccinated"]
    assert refused["volunteer"] is None
    assert "personal" not in refused
    assert "health" not in refused


async def test_without_consent_nothing_is_asked_and_nothing_kept(station: Station) -> None:
    async with walking(station) as walker:
        await walker.arrive("WelcomePage")
        await walker.press("enter")
        await walker.arrive("ConsentPage")
        await walker.press("enter")
        assert "1" in walker.said(), "Enter alone agrees to nothing"
        await walker.press("1", "0")
        await walker.arrive("RefusedPage")
    (refused,) = written(station.folder)
    assert refused["reasons"] == ["consent_not_given"]


async def test_returning_takes_a_scan_and_three_keys(station: Station, clock: FakeClock) -> None:
    async with walking(station) as walker:
        await walker.to_badge()
        number = await number_on(walker)
        code = station.badge_code(number)
        assert code is not None
        await walker.press("enter")
        await walker.arrive("DutyPage")
        await walker.press("0", "0")
        await walker.arrive("DonePage")
        await walker.press("enter")
        clock.set("2021-12-07T09:00")
        await walker.scan(code)
        await walker.arrive("DailyPage")
        await walker.shows("林小满")
        before = walker.presses
        await walker.press("1", "1")
        await walker.arrive("AssignmentPage")
        await walker.press("enter")
        await walker.arrive("DutyPage")
        assert walker.presses - before == 3
    today = [record for record in written(station.folder) if record["at"].startswith("2021-12-07")]
    assert [record["type"] for record in today] == ["checked_in", "assigned"]
    assert all(record["volunteer"] == number for record in today)


async def test_returning_with_a_red_code_is_refused_namelessly(station: Station, clock: FakeClock) -> None:
    async with walking(station) as walker:
        await walker.to_badge()
        number = await number_on(walker)
        await walker.press("enter")
        await walker.arrive("DutyPage")
        await walker.press("0", "0")
        await walker.arrive("DonePage")
        await walker.press("enter")
        clock.set("2021-12-07T09:00")
        await walker.scan(number)
        await walker.arrive("DailyPage")
        await walker.press("3", "1")
        await walker.arrive("RefusedPage")
    last = written(station.folder)[-1]
    assert (last["type"], last["reasons"], last["volunteer"]) == ("refused", ["health_code_not_green"], None)


async def test_duties_switch_break_and_check_out_with_the_minutes(station: Station, clock: FakeClock) -> None:
    async with walking(station) as walker:
        await walker.to_badge()
        number = await number_on(walker)
        await walker.press("enter")
        for time, key in (("08:10", "1"), ("10:00", "4"), ("12:00", "9"), ("13:30", "5")):
            await walker.arrive("DutyPage")
            clock.set(f"2021-12-06T{time}")
            await walker.press(key)
            await walker.arrive("DonePage")
            await walker.press("enter")
            await walker.scan(number.lower().replace("-", " "))
        clock.set("2021-12-06T15:00")
        await walker.arrive("DutyPage")
        await walker.press("0")
        assert types(station.folder)[-1] == "duty_started", "one press alone must not end the day"
        await walker.press("0")
        await walker.arrive("DonePage")
        # 08:00-12:00 and 13:30-15:00: the break is not service.
        await walker.shows("5 小时 30 分钟")
    assert types(station.folder)[4:] == [
        *("duty_started", "duty_ended", "duty_started", "duty_ended", "duty_started", "duty_ended", "checked_out"),
    ]
    (entry,) = station.roster()
    assert (entry.status, entry.minutes) == ("checked_out", 330)


async def test_a_forgotten_sign_out_waits_for_the_leads_word(station: Station, clock: FakeClock) -> None:
    async with walking(station) as walker:
        await walker.to_badge()
        number = await number_on(walker)
        await walker.press("enter")
        await walker.arrive("DutyPage")
        await walker.press("2")
        await walker.arrive("DonePage")
        await walker.press("enter")
        clock.set("2021-12-07T08:00")
        (yesterday,) = station.roster(clock.now.date().replace(day=6))
        assert (yesterday.status, yesterday.minutes) == ("pending_check_out", None)
        await walker.scan(number)
        await walker.arrive("DailyPage")
        await walker.shows("2021-12-06")  # the volunteer is told
        await walker.press("escape")
        await walker.lead(PIN, "PendingPage")  # the lead is told before anything else
        await walker.shows("林小满")
        await walker.press("enter")
        await walker.arrive("LatePage")
        await walker.type("0759")
        await walker.press("enter")
        await walker.type("忘记签退")
        await walker.press("enter")
        await walker.shows("12月7日 周二 07:59")
        await walker.shows("23 小时 59 分钟")
        assert types(station.folder)[-1] == "duty_started", "nothing is written before the second Enter"
        await walker.press("enter")
        await walker.arrive("PendingPage")
        await walker.press("escape")
        await walker.arrive("RosterPage")
    out = written(station.folder)[-1]
    assert (out["type"], out["late"], out["by"], out["reason"]) == ("checked_out", True, "lead", "忘记签退")
    assert out["occurred"] == "2021-12-07T07:59:00.000+08:00"
    assert out["at"] == "2021-12-07T08:00:00.000+08:00"
    (entry,) = station.roster(clock.now.date().replace(day=6))
    assert (entry.minutes, entry.flags) == (24 * 60 - 1, ("late_sign_out",))


async def test_a_late_sign_out_before_the_last_duty_is_refused(station: Station, clock: FakeClock) -> None:
    async with walking(station) as walker:
        await walker.to_badge()
        await walker.press("enter")
        await walker.arrive("DutyPage")
        clock.set("2021-12-06T11:00")
        await walker.press("2")
        await walker.arrive("DonePage")
        await walker.press("enter")
        clock.set("2021-12-06T12:00")
        await walker.lead(PIN)
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.press("1")
        await walker.arrive("LatePage")
        await walker.type("1030")
        await walker.press("enter")
        await walker.type("早退")
        await walker.press("enter")
        await walker.until(lambda: bool(walker.said()))
        assert type(walker.app.screen).__name__ == "LatePage"
    assert types(station.folder)[-1] == "duty_started"


async def test_somebody_who_is_here_already_comes_to_the_duties(station: Station) -> None:
    async with walking(station) as walker:
        await walker.to_badge()
        await walker.press("escape")
        await walker.consent()
        await walker.identify()
        await walker.answer("1", "1", "1", "1")
        await walker.arrive("DutyPage")
    assert types(station.folder) == OPENING


async def test_each_field_says_at_once_what_is_wrong_and_keeps_what_was_typed(station: Station) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.type("林小满")
        await walker.press("enter")
        await walker.type("1990000")
        await walker.press("enter")
        await walker.shows("手机号码是11位数字")
        await walker.type("0001")
        await walker.hides("手机号码是11位数字")  # the word is gone as soon as it is right
        await walker.press("enter")
        await walker.arrive("DocumentPage")
        await walker.type("11010519491231002")
        await walker.press("enter")
        await walker.shows("证件号码不对")
        await walker.shows("11010519491231002")
        await walker.type("X")
        await walker.hides("证件号码不对")
        await walker.hides("例如 1990-01-31")  # an ID number says it already
    assert written(station.folder) == []


async def test_the_language_changes_anywhere_and_keeps_what_was_typed(station: Station) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.type("Lin [bold]Xiaoman[/bold]")
        await walker.press("enter")
        await walker.type("199")
        await walker.press("f2")
        await walker.shows("Who you are")
        await walker.shows("Lin [bold]Xiaoman[/bold]")
        await walker.type("00000001")
        await walker.press("f2")
        await walker.shows("您的信息")
        await walker.shows("19900000001")  # the cursor stayed where it was
        for page in ("ConsentPage", "ConsentPage", "WelcomePage"):
            await walker.press("escape")
            await walker.arrive(page)


async def test_the_screen_returns_to_the_stations_language(station: Station) -> None:
    async with walking(station) as walker:
        await walker.press("f2")
        await walker.shows("Welcome")
        await walker.consent()
        await walker.press("escape", "escape", "escape")
        await walker.arrive("WelcomePage")
        await walker.until(lambda: "第一次来" in walker.text())


async def test_a_name_like_markup_is_shown_as_it_is(station: Station) -> None:
    name = "[/张][@click=app.bell]=1+1"
    async with walking(station) as walker:
        await walker.to_badge(name=name)
        await walker.shows(name[:20])
        await walker.press("enter")
        await walker.arrive("DutyPage")
        await walker.shows(name)
        await walker.press("1")
        await walker.arrive("DonePage")
        await walker.press("enter")
        await walker.lead(PIN)
        await walker.shows("[/张]")
    assert written(station.folder)[0]["personal"]["name"] == name


async def test_what_cannot_be_saved_is_said_and_the_retry_has_the_same_ids(
    station: Station, full_disk: FullDisk
) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.identify()
        await walker.press("1", "1", "1", "1")
        await walker.arrive("ReviewPage")
        full_disk.full = True
        await walker.press("enter")
        await walker.until(lambda: bool(walker.said()))
        assert "没能保存" in walker.said()
        await walker.shows("林小满")  # nothing typed is lost
        first = walker.page._failure
        assert first is not None
        assert first[1] is not None
        ids = [draft.id for draft in first[1].drafts]
        await walker.press("enter")
        await walker.until(lambda: not walker.page.busy)
        assert "没能保存" in walker.said()
        full_disk.full = False
        await walker.press("enter")
        await walker.arrive("AdmittedPage")
    assert [record["id"] for record in written(station.folder)] == ids


async def test_unknown_and_broken_scans_are_explained(station: Station) -> None:
    async with walking(station) as walker:
        await walker.scan("22222-22222")
        await walker.until(lambda: bool(walker.said()))
        assert "没有这个编号" in walker.said()
        await walker.scan("AE" * 74)
        await walker.until(lambda: "不是我们的志愿者码" in walker.said())
    assert written(station.folder) == []


async def test_the_mouse_does_what_the_keys_do(station: Station) -> None:
    async with walking(station) as walker:
        await walker.tap("next")  # Enter: first time here
        await walker.arrive("ConsentPage")
        for _ in range(2):
            await walker.tap("yes")
        await walker.arrive("IdentityPage")
        await walker.pilot.click("#phone-entry")
        await walker.type("19")
        await walker.pilot.click("#name-entry")
        await walker.pilot.pause()
        await walker.shows("手机号码是11位数字")
        await walker.type("林小满")
        await walker.pilot.click("#phone-entry")
        await walker.type("900000001")
        await walker.pilot.click("#key-bar", offset=(3, 0))
        await walker.arrive("DocumentPage")
        await walker.pilot.click(walker.page.query("Chip")[3])
        await walker.pilot.pause()
        assert walker.page.query("Chip")[3].has_class("-chosen")
    assert written(station.folder) == []


async def test_the_leads_pin_keeps_others_out(station: Station, clock: FakeClock) -> None:
    async with walking(station) as walker:
        await walker.press("f9")
        await walker.arrive("LeadPinPage")
        for _ in range(3):
            await walker.type("000000")
            await walker.press("enter")
            await walker.until(lambda: not walker.page.busy and bool(walker.said()))
            assert type(walker.app.screen).__name__ == "LeadPinPage"
        await walker.type(PIN)
        await walker.press("enter")
        await walker.until(lambda: not walker.page.busy)
        assert type(walker.app.screen).__name__ == "LeadPinPage", "even the right one has to wait now"
        clock.advance(minutes=1)
        await walker.type(PIN)
        await walker.press("enter")
        await walker.arrive("RosterPage")


async def test_the_roster_finds_by_name_number_and_phone(station: Station) -> None:
    async with walking(station) as walker:
        for name, phone in (("林小满", "19900000001"), ("宋知远", "19900000002")):
            await walker.to_badge(name=name, phone=phone)
            await walker.press("escape")
        await walker.lead(PIN)
        await walker.shows("林小满")
        await walker.shows("宋知远")
        await walker.type("知远")
        await walker.hides("林小满")
        await walker.press(*["backspace"] * 2)
        await walker.type("0001")
        await walker.shows("林小满")
        await walker.hides("宋知远")
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.shows("林小满")


async def test_only_the_lead_closes_the_kiosk(station: Station) -> None:
    async with walking(station) as walker:
        for key in ("ctrl+q", "ctrl+c", "ctrl+z"):
            await walker.press(key)
        await walker.consent()
        await walker.press("ctrl+q")
        assert walker.app.is_running
        assert type(walker.app.screen).__name__ == "IdentityPage"
        await walker.press("escape", "escape", "escape")
        await walker.lead(PIN)
        await walker.press("ctrl+q")
        await walker.until(lambda: walker.app._exit)


@pytest.mark.parametrize("page", ["DutyPage", "ConsentPage"])
async def test_enter_tries_again_what_could_not_be_saved(station: Station, full_disk: FullDisk, page: str) -> None:
    """Not what stood out before: neither the duty above it, nor the consent that was given first."""
    async with walking(station) as walker:
        if page == "DutyPage":
            await walker.to_badge()
            number = await number_on(walker)
            await walker.press("enter")
            await walker.arrive("DutyPage")
            await walker.press("down")
            key, last = "3", {"type": "duty_started", "duty": station.campaign.duties[2].id, "volunteer": number}
        else:
            await walker.press("enter")
            await walker.arrive("ConsentPage")
            await walker.press("1", "escape")
            key, last = "0", {"type": "refused"}
        full_disk.full = True
        await walker.press(key)
        await walker.until(lambda: "没能保存" in walker.said())
        full_disk.full = False
        await walker.press("enter")
        await walker.arrive("DonePage" if page == "DutyPage" else "RefusedPage")
    found = written(station.folder)[-1]
    assert {name: found[name] for name in last} == last


async def test_who_comes_twice_a_day_is_told_both(station: Station, clock: FakeClock) -> None:
    async with walking(station) as walker:
        await walker.to_badge()
        number = await number_on(walker)
        await walker.press("enter")
        await walker.arrive("DutyPage")
        clock.set("2021-12-06T12:00")
        await walker.press("0", "0")
        await walker.arrive("DonePage")
        await walker.shows("今天服务 4 小时")
        await walker.press("enter")
        clock.set("2021-12-06T14:00")
        await walker.scan(number)
        await walker.arrive("DailyPage")
        await walker.press("1", "1")
        await walker.arrive("AssignmentPage")
        await walker.hides("我的志愿者码")  # it does not come next
        clock.set("2021-12-06T17:00")
        await walker.press("enter")
        await walker.arrive("DutyPage")
        await walker.press("0", "0")
        await walker.arrive("DonePage")
        await walker.shows("这次服务 3 小时")
        await walker.shows("今天一共 7 小时")


async def test_after_the_campaign_everybody_is_told_and_who_is_here_signs_out(
    station: Station, campaign: Campaign, clock: FakeClock
) -> None:
    clock.set("2021-12-06 20:00")
    gone, here = arrive(station, campaign), arrive(station, campaign, 1)
    station.check_out(gone.volunteer or "")
    assert gone.code is not None
    assert here.code is not None
    ended(station, station.today())
    clock.set("2021-12-07 00:10")
    before = types(station.folder)
    async with walking(station) as walker:
        await walker.arrive("WelcomePage")
        await walker.shows("2021-12-07 没有进行中的活动")
        await walker.press("enter")
        await walker.until(lambda: "没有进行中的活动" in walker.said())
        assert type(walker.page).__name__ == "WelcomePage", "nobody types their name for nothing"
        await walker.scan(gone.code)
        await walker.arrive("DailyPage")
        await walker.press("enter")
        await walker.until(lambda: "没有进行中的活动" in walker.said())
        await walker.press("escape")
        assert types(station.folder) == before
        await walker.scan(here.code)
        await walker.arrive("DutyPage")
        await walker.press("0", "0")
        await walker.arrive("DonePage")
        await walker.press("enter")
        await walker.lead(PIN)
    assert types(station.folder)[len(before) :] == ["checked_out"]
