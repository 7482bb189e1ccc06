"""Every type of record in plain words, in both languages, and nothing passed over."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kiosk import i18n
from kiosk.campaign import Campaign
from kiosk.campaign_files import shipped
from kiosk.records import Draft, Record
from kiosk.telling import Chapter, tell
from kiosk.widgets.wrapping import wrapped
from tests.factories import (
    NAMES,
    assigned,
    at,
    chain,
    checked_in,
    checked_out,
    corrected,
    duty_ended,
    duty_started,
    folded,
    foreign,
    registered,
    voided,
    volunteer_number,
)
from tests.test_roster_properties import PEOPLE, any_log, times

WHO = volunteer_number(1)
NOW = at("18:00")


def told(campaign: Campaign, *drafts: Draft, now: datetime = NOW) -> list[Chapter]:
    return tell(folded(chain(drafts)), WHO, campaign, now)


def lines(chapter: Chapter) -> list[tuple[str, str]]:
    return [(f"{line.at:%H:%M}", line.text) for line in chapter.lines]


def visit(clock: str = "08:01") -> Draft:
    return checked_in(WHO, at(clock))


def test_a_plain_day(campaign: Campaign) -> None:
    came = visit()
    start = duty_started(came, at("08:05"), "temperature")
    (chapter,) = told(
        campaign,
        came,
        assigned(came, why="home_community"),
        start,
        duty_ended(came, start, at("09:40")),
        checked_out(came, at("09:40")),
    )
    assert chapter.heading == "11月23日 周一  已签退  1 小时 39 分钟  笕桥街道 笕桥社区"
    assert lines(chapter) == [
        ("08:01", "签到，被派往笕桥街道 笕桥社区（本人居住或工作的社区）"),
        ("08:05", "上岗：体温测量"),
        ("09:40", "签退，服务 1 小时 39 分钟"),
    ]


def test_a_change_of_duty_is_one_line_and_a_break_another(campaign: Campaign) -> None:
    came = visit()
    first = duty_started(came, at("08:05"), "temperature")
    second = duty_started(came, at("10:00"), "order")
    (chapter,) = told(
        campaign,
        came,
        first,
        duty_ended(came, first, at("10:00")),
        second,
        duty_ended(came, second, at("12:00")),
    )
    assert lines(chapter) == [
        ("08:01", "签到"),
        ("08:05", "上岗：体温测量"),
        ("10:00", "换岗：由体温测量换到秩序维护"),
        ("12:00", "离岗：秩序维护"),
    ]


def test_a_late_sign_out_has_both_times_and_the_reason(campaign: Campaign) -> None:
    came = visit()
    records = chain([came, checked_out(came, at("17:30"), late=True)])
    later = foreign(records[1], at=(at("08:00") + timedelta(days=1)).isoformat(timespec="milliseconds"))
    (chapter,) = tell(folded([records[0], later]), WHO, campaign, at("09:00") + timedelta(days=1))
    assert lines(chapter)[1] == (
        "17:30",
        "补签：站点负责人于11月24日 周二 08:00录入，服务 9 小时 29 分钟，原因：忘记签退",
    )


def test_a_visit_without_sign_out_has_no_minutes(campaign: Campaign) -> None:
    (chapter,) = told(campaign, visit(), now=NOW + timedelta(days=1))
    assert chapter.heading == "11月23日 周一  待补签"


def test_a_correction_has_old_and_new_time_who_and_why(campaign: Campaign) -> None:
    came = visit()
    out = checked_out(came, at("09:40"))
    (chapter,) = told(
        campaign,
        came,
        out,
        corrected(came, out, at("10:00"), now=at("11:00")),
        corrected(came, out, at("10:05"), now=at("11:30")),
    )
    assert lines(chapter)[1:] == [
        ("10:05", "签退，服务 2 小时 4 分钟"),
        ("11:00", "站点负责人更正「签退」的时间：09:40 改为 10:00，原因：时间记错"),
        ("11:30", "站点负责人更正「签退」的时间：10:00 改为 10:05，原因：时间记错"),
    ]


def test_what_was_corrected_together_is_told_once(campaign: Campaign) -> None:
    came = visit()
    start = duty_started(came, at("08:05"))
    end, out = duty_ended(came, start, at("09:40")), checked_out(came, at("09:40"))
    moved = [corrected(came, target, at("10:00"), now=at("11:00")) for target in (end, out)]
    (chapter,) = told(campaign, came, start, end, out, *moved)
    assert [text for _at, text in lines(chapter)][2:] == [
        "签退，服务 1 小时 59 分钟",
        "站点负责人更正「签退」的时间：09:40 改为 10:00，原因：时间记错",
    ]


def test_void_visits_stay_and_say_so(campaign: Campaign) -> None:
    came = visit()
    (chapter,) = told(campaign, came, checked_out(came, at("09:00")), voided(came, came, now=at("10:00")))
    assert chapter.heading == "11月23日 周一  作废"
    assert lines(chapter)[1:] == [("09:00", "签退"), ("10:00", "站点负责人作废了这次到访，原因：登记错人")]
    out = checked_out(came, at("09:00"))
    (chapter,) = told(campaign, came, out, voided(came, out, now=at("10:00")))
    assert lines(chapter)[-1] == ("10:00", "站点负责人作废了一条记录，原因：登记错人")


def test_sent_elsewhere(campaign: Campaign) -> None:
    came = visit()
    moved = assigned(came, at("09:00"), community="330102016003", why="lead", reason="那边缺人")
    again = assigned(came, at("09:30"), why="post_station")
    (chapter,) = told(campaign, came, assigned(came), moved, again)
    assert [text for _at, text in lines(chapter)] == [
        "签到，被派往笕桥街道 笕桥社区（站点所在社区）",
        "站点负责人改派到笕桥街道 农科院社区，原因：那边缺人",
        "被派往笕桥街道 笕桥社区（本站点缺人）",
    ]


def test_back_entry_says_that_it_is(campaign: Campaign) -> None:
    records = [foreign(record, by="import") for record in chain([visit()])]
    (chapter,) = tell(folded(records), WHO, campaign, NOW)
    assert lines(chapter) == [("08:01", "签到（纸质登记表补录）")]


def test_registration_badges_and_forgetting(campaign: Campaign) -> None:
    def badge(kind: str, **data: object) -> Draft:
        return Draft(kind, at("08:02"), "lead", WHO, data=data)

    printer = {"copies": 1, "printer": "cups", "paper": "A6", "reason": None}
    first, *_rest = records = chain(
        [
            registered(WHO, at("08:01")),
            registered(WHO, at("08:02"), name=NAMES[1]),
            badge("badge_issued", code="X", serial=1, expires="2027-05-22"),
            badge("badge_printed", serial=1, outcome="printed", reprint=False, **printer),
            badge("badge_printed", serial=1, outcome="printed", reprint=True, **printer),
            badge("badge_printed", serial=1, outcome="given_up", reprint=True, **printer),
            badge("badge_revoked", serial=1, reason="遗失"),
            badge("badge_revoked", serial=1, reason=""),
            badge("forgotten", objects=["personal"], reason="本人要求"),
        ]
    )
    (chapter,) = tell(folded(records), WHO, campaign, NOW)
    assert chapter.visit is None
    assert [text for _at, text in lines(chapter)] == [
        f"登记为志愿者：{NAMES[0]}",
        f"重新登记：{NAMES[1]}",
        "领取第 1 个志愿者码，有效期至 2027-05-22",
        "打印了第 1 个志愿者码",
        "再次打印了第 1 个志愿者码",
        "第 1 个志愿者码没有打印",
        "站点负责人注销了第 1 个志愿者码，原因：遗失",
        "站点负责人注销了第 1 个志愿者码，原因：未填写",
        "个人信息已删除，原因：本人要求",
    ]
    gone = Record.from_json({name: value for name, value in first.document.items() if name != "personal"})
    assert tell(folded([gone]), WHO, campaign, NOW)[0].lines[0].text == "登记为志愿者（个人信息后来已删除）"


def test_what_a_newer_version_wrote_is_named(campaign: Campaign) -> None:
    came, strange, of_visit = chain([visit(), registered(WHO, at("08:30")), duty_started(visit(), at("09:00"))])
    records = [came, foreign(strange, type="thanked"), foreign(of_visit, type="praised", visit=came.id)]
    of_the_visit, rest = tell(folded(records), WHO, campaign, NOW)
    assert "praised" in of_the_visit.lines[-1].text
    assert "thanked" in rest.lines[0].text


def test_the_latest_visit_comes_first(campaign: Campaign) -> None:
    first, second = visit("08:00"), visit("13:00")
    chapters = told(campaign, first, checked_out(first, at("09:00")), second, registered(WHO, at("08:00")))
    assert [chapter.visit.checked_in.hour if chapter.visit else None for chapter in chapters] == [13, 8, None]


@given(any_log(), times, st.sampled_from(i18n.LANGUAGES))
def test_any_log_is_told_and_no_record_is_passed_over(records, now, language):
    i18n.use(language)
    history = folded(records)
    for who in PEOPLE:
        chapters = tell(history, who, shipped(), now)
        lines_told = [line for chapter in chapters for line in chapter.lines]
        assert all(line.text and "{" not in line.text for line in lines_told)
        visits = [chapter.visit.id for chapter in chapters if chapter.visit]
        assert visits == list(dict.fromkeys(visits))
        assert {r.id for r in history.records_about(who) if r.type == "checked_in"} == set(visits)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Mn", "Cf", "Zl", "Zp"]), max_size=60))
def test_wrapping_loses_nothing_but_spaces(text):
    from rich.cells import cell_len

    found = list(wrapped(text, 20))
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(cell_len(line) <= 22 + 2 * sum(char in "，。、：；？！」》）" for char in line) for line in found)


def test_english_breaks_between_words_and_chinese_not_before_a_stop() -> None:
    assert list(wrapped("Checked in and assigned elsewhere", 12)) == ["Checked in", "and assigned", "elsewhere"]
    assert list(wrapped("原因：忘记签退。", 14)) == ["原因：忘记签退。"]
