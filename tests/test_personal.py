"""The lead and what is sealed: one phone number at a time, with the passphrase and a record; and forgetting by keys."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kiosk import export
from kiosk.errors import NotPossible, NotSaved
from kiosk.printing import sheets
from kiosk.rules import Application, Stay
from kiosk.segments import verify
from kiosk.station import Station
from kiosk.trust import KeysError
from tests import factories, plain
from tests.badges import needs_font
from tests.conftest import PIN, FakeClock
from tests.elsewhere import Elsewhere
from tests.test_forgetting import secrets_of, traces
from tests.test_printing_drivers import pages
from tests.test_recovery import arrive
from tests.walking import Walker, walking

if TYPE_CHECKING:
    from kiosk.campaign import Campaign

NAME, PHONE = "江晚舟", "19912345678"


def types(station: Station) -> list[str]:
    return [document["type"] for document in plain.log(station.folder)]


# --- the phone number -----------------------------------------------------------------------------------------------


def test_the_phone_is_shown_to_whoever_has_the_passphrase(
    station: Station, campaign: Campaign, passphrase: str
) -> None:
    number = arrive(station, campaign, name=NAME, phone=PHONE, id_number=factories.id_number()).volunteer or ""
    with pytest.raises(KeysError):
        station.reveal_phone(number, "WRONG-WRONG-WRONG-WRONG-WRONG", "手套")
    with pytest.raises(NotPossible):
        station.reveal_phone(number, passphrase, "  ")
    assert "phone_revealed" not in types(station)
    assert station.reveal_phone(number, passphrase.lower(), " 手套 ") == PHONE
    (record,) = [d for d in plain.log(station.folder) if d["type"] == "phone_revealed"]
    assert (record["volunteer"], record["by"], record["reason"]) == (number, "lead", "手套")
    assert traces(station.folder, PHONE) == []


def test_the_newest_number_is_the_one(station: Station, campaign: Campaign, passphrase: str, clock: FakeClock) -> None:
    number = arrive(station, campaign, name=NAME, phone="19900000001", id_number=factories.id_number()).volunteer or ""
    station.check_out(number)
    clock.advance(minutes=5)
    again = arrive(station, campaign, name=NAME, phone=PHONE, id_number=factories.id_number())
    assert again.volunteer == number
    assert station.reveal_phone(number, passphrase, "手套") == PHONE
    # A sheet of before, typed in later, tells nothing newer; and who says less has not unsaid it.
    older = factories.applicant(0, name=NAME, phone="19900000009", id_number=factories.id_number())
    stay = Stay(arrived=clock.now - timedelta(days=3), left=clock.now - timedelta(days=3, hours=-1), by="import")
    given = factories.answers(campaign, (clock.now - timedelta(days=3)).date())
    station.check_in(Application(older, given, True, stay))
    assert station.reveal_phone(number, passphrase, "手套") == PHONE
    sections = station.open_record(number, passphrase, "本人查阅")
    assert any(factories.id_number() in line for line in sections[0].lines)


def test_nothing_is_shown_that_could_not_be_recorded(
    station: Station, campaign: Campaign, passphrase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = arrive(station, campaign, name=NAME, phone=PHONE).volunteer or ""

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kiosk.store.write_durably", full)
    with pytest.raises(NotSaved) as caught:
        station.reveal_phone(number, passphrase, "手套")
    assert PHONE not in str(caught.value)
    monkeypatch.undo()
    assert station.retry(caught.value) == PHONE
    assert types(station).count("phone_revealed") == 1


def test_of_a_visitor_and_of_somebody_forgotten_there_is_no_number(
    station: Station, campaign: Campaign, passphrase: str
) -> None:
    number = arrive(station, campaign, name=NAME, phone=PHONE).volunteer or ""
    station.forget(number, "本人要求")
    with pytest.raises(NotPossible):
        station.reveal_phone(number, passphrase, "手套")
    elsewhere = Elsewhere.known_to(station.folder)
    visitor = station.recognise(elsewhere.badge(factories.volunteer_number(11), station)).visitor
    assert visitor is not None
    station.admit_visitor(visitor, "贺知行", factories.answers(campaign, station.today()), consented=True)
    with pytest.raises(NotPossible):
        station.reveal_phone(visitor.volunteer, passphrase, "手套")


def test_a_visitor_reads_what_is_held_here(station: Station, campaign: Campaign, passphrase: str) -> None:
    """Of them nothing is sealed here; the passphrase is the lead's all the same."""
    elsewhere = Elsewhere.known_to(station.folder)
    visitor = station.recognise(elsewhere.badge(factories.volunteer_number(11), station)).visitor
    assert visitor is not None
    station.admit_visitor(visitor, NAME, factories.answers(campaign, station.today()), consented=True)
    with pytest.raises(KeysError):
        station.open_record(visitor.volunteer, "WRONG-WRONG-WRONG-WRONG-WRONG", "本人查阅")
    assert "phone_revealed" not in types(station)
    said = [
        line for section in station.open_record(visitor.volunteer, passphrase, "本人查阅") for line in section.lines
    ]
    assert f"姓名: {NAME}" in said
    assert any("符合" in line for line in said)
    with pytest.raises(NotPossible):
        station.open_record(factories.volunteer_number(12), passphrase, "本人查阅")


def test_the_note_of_an_imported_row_is_read_too(station: Station, campaign: Campaign, passphrase: str) -> None:
    who = factories.applicant(name=NAME, note="会手语")
    number = station.check_in(Application(who, factories.answers(campaign, station.today()), True, Stay())).volunteer
    sections = station.open_record(number or "", passphrase, "本人查阅")
    assert "备注: 会手语" in sections[0].lines


async def person_of(walker: Walker) -> None:
    await walker.lead(PIN)
    await walker.press("enter")
    await walker.arrive("PersonPage")


async def test_the_lead_sees_one_number_for_a_while(station: Station, campaign: Campaign, passphrase: str) -> None:
    arrive(station, campaign, name=NAME, phone=PHONE)
    async with walking(station) as walker:
        await person_of(walker)
        await walker.press("7")
        await walker.arrive("RevealPage")
        assert walker.page.idle is not None
        assert PHONE not in walker.text().replace(" ", "")
        await walker.type("手套落在站点")
        await walker.press("enter")
        await walker.type("7K2MQ")
        await walker.press("enter")
        await walker.until(lambda: "口令" in walker.said())
        await walker.press(*["backspace"] * 5)
        for group in passphrase.split("-"):  # as a person copies it, and no scanner
            await walker.type(group)
            await walker.app.let_keys_go()
        await walker.press("enter")
        await walker.arrive("PhonePage")
        await walker.shows("199 1234 5678")
        assert walker.page.idle == 30
        await walker.press("escape")
        await walker.arrive("PersonPage")
        await walker.shows("站点负责人查看了电话号码，原因：手套落在站点")


# --- forgetting, by keys --------------------------------------------------------------------------------------------


async def test_the_lead_forgets_somebody_who_wishes_so(station: Station, campaign: Campaign) -> None:
    number = arrive(station, campaign, name=NAME, phone=PHONE, id_number=factories.id_number()).volunteer or ""
    marks = secrets_of(station.folder, number)
    async with walking(station) as walker:
        await person_of(walker)
        await walker.press("8")
        await walker.arrive("ForgetPage")
        await walker.press("enter")
        await walker.until(lambda: "原因" in walker.said())
        await walker.type("本人要求")
        await walker.press("enter")
        await walker.shows("不能恢复")
        assert "forgotten" not in types(station)
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.shows("个人信息已删除")
        assert NAME not in walker.text()
        await walker.press("8")
        await walker.until(lambda: "已经删除" in walker.said())
        await walker.press("escape")
        await walker.arrive("RosterPage")
        assert NAME not in walker.text()
    assert traces(station.folder, *marks) == []
    assert types(station)[-1] == "forgotten"


# --- the right to see -----------------------------------------------------------------------------------------------


def test_all_that_is_held_is_told(station: Station, campaign: Campaign, passphrase: str, clock: FakeClock) -> None:
    number = arrive(station, campaign, name=NAME, phone=PHONE, id_number=factories.id_number()).volunteer or ""
    station.start_duty(number, "order")
    clock.advance(minutes=90)
    station.check_out(number)
    with pytest.raises(KeysError):
        station.open_record(number, "WRONG-WRONG-WRONG-WRONG-WRONG", "本人查阅")
    assert "phone_revealed" not in types(station)
    sections = station.open_record(number, passphrase, "本人查阅")
    said = "\n".join(line for section in sections for line in (section.heading, *section.lines))
    person = (NAME, PHONE, factories.id_number(), "1995-05-20", number)
    for held in (*person, "秩序维护", "1 小时 30 分钟", "领取第 1 个志愿者码"):
        assert held in said, held
    for record in plain.log(station.folder):
        for clause in record.get("answers") or {}:
            asked = next(each for each in campaign.clauses if each.id == clause)
            assert f"{asked.text}: 符合" in said
        for consent in record.get("agreed") or ():
            assert f"（第 {consent['version']} 版）" in said
    (shown,) = [d for d in plain.log(station.folder) if d["type"] == "phone_revealed"]
    assert (shown["whole"], shown["reason"]) == (True, "本人查阅")
    assert traces(station.folder, PHONE, factories.id_number()) == []


@needs_font
async def test_it_is_read_on_the_screen_and_taken_home(
    station: Station, campaign: Campaign, passphrase: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = arrive(station, campaign, name=NAME, phone=PHONE).volunteer or ""
    monkeypatch.setattr("kiosk.export.STICKS", (tmp_path,))
    monkeypatch.setattr("kiosk.export.stick", partial(export.stick, sticks=(tmp_path,)))
    async with walking(station) as walker:
        await person_of(walker)
        await walker.press("9")
        await walker.arrive("RevealPage")
        await walker.type("本人查阅")
        await walker.press("enter")
        for group in passphrase.split("-"):
            await walker.type(group)
            await walker.app.let_keys_go()
        await walker.press("enter")
        await walker.arrive("OwnRecordPage")
        await walker.shows(PHONE)
        assert walker.page.idle is not None
        await walker.press("1")
        await walker.until(lambda: "U盘" in walker.said())
        assert traces(station.folder.parent, PHONE) == [], "it has no place on the kiosk's own disk"
        stick = tmp_path / Path.home().name / "stick"
        stick.mkdir(parents=True)
        await walker.press("1")
        await walker.until(lambda: "record-" in walker.said())
        (path,) = stick.iterdir()
        assert path.name == f"record-{number}.pdf"
        assert path.read_bytes().startswith(b"%PDF")
        await walker.press("escape")
        await walker.arrive("PersonPage")
        await walker.shows("给本人看了全部记录")


@needs_font
def test_a_long_record_goes_over_pages_and_nothing_is_cut() -> None:
    lines = [f"第 {place} 行：" + "很长的一句话，" * 12 for place in range(60)]
    many = pages(sheets.pdf("您的全部记录", [("您的资料", lines)]))
    assert len(many) > 3
    few = pages(sheets.pdf("您的全部记录", [("您的资料", lines[:1])]))
    assert len(few) == 1
    assert all(picture.convert("L").histogram()[0] > 5000 for picture, _width, _height in many)
    (picture, width, height) = few[0]
    assert (round(width), round(height)) == (210, 297)
    edge = picture.convert("L").crop((0, 0, 100, picture.height))
    assert edge.getextrema() == (255, 255), "nothing stands in the margin"


def test_what_was_sealed_before_headquarters_was_known_is_sealed_to_it_again(
    station: Station, campaign: Campaign, tmp_path: Path, passphrase: str
) -> None:
    import base64

    import pyrage

    from kiosk.hq.keys import OPENING, PUBLIC, HqKeys, open_with

    numbers = [arrive(station, campaign, number).volunteer or "" for number in range(3)]
    assert station.sealed_to_lead_alone() == []  # there is nobody else to seal it to
    HqKeys.create(tmp_path / "hq")
    station.keys.take_hq(tmp_path / "hq" / PUBLIC)
    numbers.append(arrive(station, campaign, 3).volunteer or "")
    waiting = station.sealed_to_lead_alone()
    assert [record.volunteer for record in waiting] == numbers[:3]
    with pytest.raises(KeysError):
        station.seal_again("wrong")
    station.forget(numbers[0], "wish")
    assert station.seal_again(passphrase) == 2
    assert station.sealed_to_lead_alone() == []
    assert station.seal_again(passphrase) == 0
    again = [document for document in plain.log(station.folder) if document["type"] == "sealed_again"]
    assert [document["target"] for document in again] == [record.id for record in waiting[1:]]
    opened = list(open_with(tmp_path / "hq" / OPENING)([document["personal"]["sealed"] for document in again]))
    assert [secret["phone"] for secret in opened] == [factories.phone(number) for number in (1, 2)]
    with pytest.raises(pyrage.DecryptError):
        stranger = pyrage.x25519.Identity.generate()
        pyrage.decrypt(base64.b64decode(again[0]["personal"]["sealed"]), [stranger])
    station.forget(numbers[1], "wish")
    left = [document for document in plain.log(station.folder) if document["type"] == "sealed_again"]
    assert ["personal" in document for document in left] == [False, True]
    assert verify(station.folder, station.settings.station) == []
