"""Badges on paper, from the screen to the record: what the printer gets can be scanned, and nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from kiosk.durable import FolderLock
from kiosk.errors import NotSaved, StoreBusy
from kiosk.print_room import QUEUE, PrintRoom, printing
from kiosk.printing.finding import Candidate
from kiosk.printing.jobs import Job, new_id
from kiosk.printing.printer import Printer, forget_printer, read_printer
from kiosk.serving import Printing
from kiosk.station import Station
from tests import badges, factories, plain
from tests.badges import needs_font
from tests.conftest import PIN, FakeClock, Run
from tests.printers import NO_PAPER, PAPER, STATUS_PAPER, FakePrinter, network_printer, on_receipts
from tests.test_recovery import arrive
from tests.walking import PERSON, Walker, walking

if TYPE_CHECKING:
    from kiosk.campaign import Campaign

pytestmark = needs_font


def printed(folder: Path) -> list[dict[str, Any]]:
    """The records of what was printed."""
    return [document for document in plain.log(folder) if document["type"] == "badge_printed"]


def read(printed: Path | Image.Image) -> str:
    """The one code on a badge."""
    (code,) = badges.read(Image.open(printed) if isinstance(printed, Path) else printed)
    return code


def waits(folder: Path) -> int:
    """How many orders lie on the disk."""
    return len(list((folder / QUEUE).glob("*.json")))


def into_files(station: Station, copies: int = 1) -> Path:
    """Lets the badges be printed as pictures; returns their folder."""
    folder = station.folder.parent / "paper"
    folder.mkdir(exist_ok=True)
    Printer("png", str(folder), "A6", copies).save(station.folder)
    return folder


@contextmanager
def room_of(station: Station) -> Iterator[tuple[PrintRoom, threading.Condition]]:
    """A print room, and what is notified whenever something has changed in it."""
    told = threading.Condition()

    def changed() -> None:
        with told:
            told.notify_all()

    room = PrintRoom(station, changed=changed)
    try:
        yield room, told
    finally:
        room.close()


def until(told: threading.Condition, holds: Any) -> None:
    with told:
        assert told.wait_for(holds, timeout=60)


# --- the record -----------------------------------------------------------------------------------------------------


def test_an_order_becomes_a_badge_and_a_record(station: Station, campaign: Campaign) -> None:
    done = arrive(station, campaign)
    number, code = done.volunteer or "", done.code or ""
    with room_of(station) as (room, told):
        assert room.state(number).kind == "none"
        assert waits(station.folder) == 0, "without a printer nothing is ordered"
        folder = into_files(station, copies=2)
        room.order(number)
        until(told, lambda: room.state(number).kind == "printed")
        assert [read(path) for path in sorted(folder.iterdir())] == [code, code]
        (record,) = printed(station.folder)
        assert (record["volunteer"], record["by"], record["serial"], record["outcome"]) == (
            number,
            "station",
            1,
            "printed",
        )
        assert (record["copies"], record["printer"], record["paper"], record["reason"]) == (2, "png", "A6", None)
        assert record["reprint"] is False
        room.order(number)
        until(told, lambda: len(printed(station.folder)) == 2 and room.state(number).kind == "printed")
        again = printed(station.folder)[1]
        assert again["reprint"] is True
        assert {read(path) for path in folder.iterdir()} == {code}, "a reprint has the same code"
        until(told, lambda: waits(station.folder) == 0)


def test_an_end_that_is_told_twice_is_recorded_once(station: Station, campaign: Campaign, clock: FakeClock) -> None:
    number = arrive(station, campaign).volunteer or ""
    job = Job(new_id(), number, 1, "2021-12-06T08:00:00.000+08:00")
    end = printing(job, "printed", Printer("cups", "Office", "A6"), "no_paper")
    station.note_printing(end)
    clock.advance(minutes=1)
    station.note_printing(end)
    station.close()
    again = Station(station.folder, clock=clock)
    again.note_printing(end)
    again.close()
    (record,) = printed(station.folder)
    assert (record["id"], record["reason"]) == (job.id, "no_paper")


def test_what_waits_at_the_end_is_printed_after_the_next_start(station: Station, campaign: Campaign) -> None:
    number = arrive(station, campaign).volunteer or ""
    Printer("png", str(station.folder / "nowhere"), "A6").save(station.folder)
    with room_of(station) as (room, told):
        room.order(number)
        until(told, lambda: room.state(number).kind == "failed")
    assert (waits(station.folder), printed(station.folder)) == (1, [])
    folder = into_files(station)
    with room_of(station) as (room, told):
        until(told, lambda: room.state(number).kind == "printed")
    assert len(list(folder.iterdir())) == 1
    assert len(printed(station.folder)) == 1


def test_a_badge_that_was_revoked_meanwhile_is_not_printed(station: Station, campaign: Campaign) -> None:
    number = arrive(station, campaign).volunteer or ""
    Printer("png", str(station.folder / "nowhere"), "A6").save(station.folder)
    with room_of(station) as (room, told):
        room.order(number)
        until(told, lambda: room.state(number).kind == "failed")
        station.revoke_badge(number, "遗失")
        folder = into_files(station)
        room.queue.again()
        until(told, lambda: bool(printed(station.folder)))
    (record,) = printed(station.folder)
    assert (record["outcome"], record["copies"], record["reason"]) == ("given_up", 0, "no_folder")
    assert list(folder.iterdir()) == []


def test_what_waits_is_printed_by_the_next_printer(station: Station, campaign: Campaign) -> None:
    """A printer is exchanged by setting none, and then another: nobody's badge is lost in between."""
    Printer("png", str(station.folder / "nowhere"), "A6").save(station.folder)
    number = arrive(station, campaign).volunteer or ""
    with room_of(station) as (room, told):
        until(told, lambda: room.state(number).kind == "failed")
        forget_printer(station.folder)
        room.queue.again()
        until(told, lambda: "没有设置打印机" in room.state(number).sentence)
        assert (waits(station.folder), printed(station.folder)) == (1, [])
        folder = into_files(station)
        room.queue.again()
        until(told, lambda: room.state(number).kind == "printed")
    assert len(list(folder.iterdir())) == 1
    (record,) = printed(station.folder)
    assert (record["outcome"], record["printer"], record["reason"]) == ("printed", "png", "no_printer")


def test_a_badge_is_ordered_with_its_record_and_not_by_a_page(station: Station, campaign: Campaign) -> None:
    """Whoever is called away before the badge is on the screen gets it all the same."""
    Printer("png", str(station.folder / "nowhere"), "A6").save(station.folder)
    before = arrive(station, campaign).volunteer or ""  # nobody prints yet: the kiosk has only just been started
    with room_of(station) as (room, told):
        after = arrive(station, campaign, 1).volunteer or ""
        until(told, lambda: {room.state(before).kind, room.state(after).kind} == {"failed"})
        station.check_out(after)
        assert not station.check_in_again(after, factories.answers(campaign, station.today())).new_badge
        assert waits(station.folder) == 2, "a badge that is there is not printed again by itself"


def test_a_new_badge_is_ordered_where_older_records_cannot_be_read(
    station: Station, campaign: Campaign, clock: FakeClock
) -> None:
    Printer("png", str(station.folder / "nowhere"), "A6").save(station.folder)
    volunteer = arrive(station, campaign).volunteer or ""
    station.check_out(volunteer)
    clock.advance(days=1)
    station.revoke_badge(volunteer, "丢了")  # the day before is sealed now
    for path in (station.folder / "records" / "sealed").iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    with room_of(station):
        before = waits(station.folder)
        assert station.check_in_again(volunteer, factories.answers(campaign, station.today())).new_badge
        assert waits(station.folder) == before + 1


def test_the_record_names_the_printer_that_printed(station: Station, campaign: Campaign) -> None:
    number, folder = arrive(station, campaign).volunteer or "", into_files(station)
    real, failed = station.note_printing, list[Printing]()

    def fails_once(printing: Printing) -> str:
        if not failed:
            failed.append(printing)
            Printer("cups", "Office", "card", 3).save(station.folder)
            raise NotSaved("full", ())
        return real(printing)

    station.note_printing = fails_once  # type: ignore[method-assign]
    with room_of(station) as (room, told):
        room.order(number)
        until(told, lambda: bool(failed))
        assert room.state(number).kind == "printed", "it is on paper, whatever the disk says"
    station.note_printing = real  # type: ignore[method-assign]
    assert (failed[0].printer, failed[0].paper, failed[0].copies) == ("png", "A6", 1)
    assert len(list(folder.iterdir())) == 1


def test_nobody_writes_to_a_log_that_was_given_back(station: Station, campaign: Campaign, clock: FakeClock) -> None:
    """A disk that hangs while an end is recorded: the kiosk is closed, and somebody else has the log."""
    number = arrive(station, campaign).volunteer or ""
    end = printing(Job(new_id(), number, 1, ""), "printed", None, None)
    station.close()
    other = Station(station.folder, clock=clock)
    arrive(other, campaign, 1)
    other.close()
    log = plain.log(station.folder)
    with pytest.raises(NotSaved):
        station.note_printing(end)
    assert plain.log(station.folder) == log


def test_closing_waits_for_whoever_writes(station: Station, campaign: Campaign) -> None:
    entered, going_on = threading.Event(), threading.Event()
    number = arrive(station, campaign).volunteer or ""
    real = station._store.append

    def slow(*args: Any, **more: Any) -> Any:
        entered.set()
        assert going_on.wait(60)
        return real(*args, **more)

    station._store.append = slow  # type: ignore[method-assign]
    end = printing(Job(new_id(), number, 1, ""), "printed", None, None)
    writer = threading.Thread(target=station.note_printing, args=(end,))
    writer.start()
    assert entered.wait(60)
    closer = threading.Thread(target=station.close)
    closer.start()
    closer.join(0.2)
    assert closer.is_alive()
    with pytest.raises(StoreBusy):
        FolderLock(station.folder)
    going_on.set()
    writer.join(60)
    closer.join(60)
    assert len(printed(station.folder)) == 1
    FolderLock(station.folder).release()


def test_nothing_of_a_person_lies_in_the_queue(station: Station, campaign: Campaign) -> None:
    number = arrive(station, campaign).volunteer or ""
    Printer("png", str(station.folder / "nowhere"), "A6").save(station.folder)
    with room_of(station) as (room, told):
        room.order(number)
        until(told, lambda: room.state(number).kind == "failed")
    (path,) = (station.folder / QUEUE).iterdir()
    name = station.person(number).name
    assert name not in path.read_text("utf-8")
    assert number in path.read_text("utf-8")


# --- the screen -----------------------------------------------------------------------------------------------------


async def ready(walker: Walker) -> None:
    await walker.until(lambda: walker.app.print_room is not None)


async def test_a_new_volunteers_badge_is_printed_without_a_word(station: Station) -> None:
    folder = into_files(station)
    async with walking(station) as walker:
        await ready(walker)
        await walker.to_badge()
        await walker.shows("志愿者码打印好了，请拿走。")
        (path,) = folder.iterdir()
        (entry,) = station.roster()
        assert read(path) == station.badge_code(entry.volunteer)
    types = [document["type"] for document in plain.log(station.folder)]
    assert types.index("badge_issued") < types.index("badge_printed"), "first the record, then the paper"


async def test_without_a_printer_there_is_no_word_of_one(station: Station) -> None:
    async with walking(station) as walker:
        await ready(walker)
        await walker.to_badge()
        assert "打印" not in walker.text()
        await walker.press("1")
        await walker.settle()
    assert waits(station.folder) == 0
    assert printed(station.folder) == []


async def test_a_printer_without_paper_says_so_and_holds_nobody_up(station: Station) -> None:
    fake = FakePrinter({STATUS_PAPER: NO_PAPER})
    with network_printer(fake) as address:
        Printer.of("escpos-network", address).save(station.folder)
        async with walking(station) as walker:
            await ready(walker)
            await walker.to_badge()
            await walker.shows("打印机没纸了")
            await walker.press("enter")  # goes on without
            await walker.arrive("DutyPage")
            await walker.press("1")
            await walker.arrive("DonePage")
            await walker.press("enter")
            await walker.arrive("WelcomePage")
            assert waits(station.folder) == 1
            (entry,) = station.roster()
            again = FakePrinter({STATUS_PAPER: PAPER})
            with network_printer(again) as there:
                Printer.of("escpos-network", there).save(station.folder)
                await walker.press("f9")
                await walker.arrive("LeadPinPage")
                await walker.type(PIN)
                await walker.press("enter")
                await walker.arrive("RosterPage")
                await walker.press("f9")
                await walker.arrive("PrinterPage")
                await walker.shows("有 1 张等待打印。 打印机没纸了")
                await walker.press("4")
                await walker.until(lambda: bool(printed(station.folder)))
            (picture,) = on_receipts(bytes(again.received), 576)
            assert read(picture) == station.badge_code(entry.volunteer)
    (record,) = printed(station.folder)
    assert (record["outcome"], record["reason"]) == ("printed", "no_paper")


async def test_the_volunteer_has_it_tried_again(station: Station) -> None:
    Printer("png", str(station.folder / "nowhere"), "A6").save(station.folder)
    async with walking(station) as walker:
        await ready(walker)
        await walker.to_badge()
        await walker.shows("文件夹不在")
        folder = into_files(station)
        await walker.press("1")
        await walker.shows("打印好了")
        assert len(list(folder.iterdir())) == 1


async def test_an_order_that_cannot_be_kept_is_said_and_the_badge_stays(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    into_files(station)

    def full(*_args: Any, **_more: Any) -> None:
        raise OSError(28, "No space left on device")

    async with walking(station) as walker:
        await ready(walker)
        monkeypatch.setattr("kiosk.printing.jobs.write", full)
        await walker.to_badge()
        await walker.shows("磁盘已满")
        await walker.press("enter")
        await walker.arrive("DutyPage")


async def test_the_lead_prints_a_badge_again(station: Station, campaign: Campaign) -> None:
    done = arrive(station, campaign)
    station.made_badges.clear()
    folder = into_files(station)
    station.note_printing(
        printing(Job(new_id(), done.volunteer or "", 1, ""), "printed", Printer("cups", "Office", "A6"), None)
    )
    async with walking(station) as walker:
        await ready(walker)
        await walker.lead(PIN)
        await walker.press("enter")
        await walker.arrive("PersonPage")
        await walker.press("5")
        await walker.arrive("BadgeAgainPage")
        assert list(folder.iterdir()) == [], "nothing is printed that nobody has asked for"
        await walker.press("1")
        await walker.shows("打印好了")
        await walker.press("escape")
        await walker.arrive("PersonPage")
        await walker.shows("再次打印了第 1 个志愿者码")
    assert printed(station.folder)[-1]["reprint"] is True


async def test_a_lost_badge_is_printed_when_it_is_asked_for(station: Station, campaign: Campaign) -> None:
    arrive(station, campaign, name=PERSON["name"], phone=PERSON["phone"])
    station.made_badges.clear()
    folder = into_files(station)
    async with walking(station) as walker:
        await ready(walker)
        await walker.press("f5")
        await walker.arrive("LostBadgePage")
        await walker.type(PERSON["name"])
        await walker.press("enter")
        await walker.type(PERSON["phone"])
        await walker.press("enter")
        await walker.arrive("BadgePage")
        assert list(folder.iterdir()) == []
        await walker.press("1")
        await walker.shows("打印好了")
        assert len(list(folder.iterdir())) == 1


# --- the lead's printer ---------------------------------------------------------------------------------------------


async def test_the_lead_sets_the_printer_up_and_tries_it_out(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePrinter({STATUS_PAPER: PAPER})
    monkeypatch.setattr(
        "kiosk.screens.printer.found_printers", lambda: [Candidate(Printer("cups", "A", "A6"), "办公室")]
    )
    with network_printer(fake) as address:
        async with walking(station) as walker:
            await ready(walker)
            await walker.lead(PIN)
            await walker.press("f9")
            await walker.arrive("PrinterPage")
            await walker.shows("没有设置打印机")
            await walker.press("2")
            await walker.arrive("ChoosePrinterPage")
            await walker.shows("办公室")
            await walker.press("7")
            await walker.arrive("PrinterTargetPage")
            await walker.type("nonsense/")
            await walker.press("enter")
            await walker.shows("192.168.1.50:9100")
            await walker.press(*["backspace"] * 9)
            await walker.type(address)
            await walker.press("enter")
            await walker.arrive("PaperPage")
            await walker.press("2")
            await walker.arrive("PrinterPage")
            await walker.shows("58 毫米")
            await walker.press("3")
            await walker.arrive("CopiesPage")
            await walker.press("2")
            await walker.arrive("PrinterPage")
            assert read_printer(station.folder) == (Printer("escpos-network", address, "58mm", 2), "")
            await walker.press("1")
            await walker.shows("打印好了")
            (picture,) = on_receipts(bytes(fake.received), 384)
            trial = read(picture)
            assert station.recognise(trial).refused == "malformed", "the test print is nobody's badge"
            await walker.press("2")
            await walker.arrive("ChoosePrinterPage")
            await walker.press("1")
            await walker.arrive("PaperPage")
            await walker.press("escape")
            await walker.arrive("PrinterPage")
            assert (read_printer(station.folder)[0] or Printer("", "", "")).kind == "escpos-network"
            await walker.press("6")
            await walker.arrive("PrinterPage")
            await walker.until(lambda: read_printer(station.folder) == (None, ""))
            await walker.shows("没有设置打印机")


async def test_a_test_print_that_fails_says_why(station: Station) -> None:
    Printer("png", str(station.folder / "nowhere"), "A6").save(station.folder)
    async with walking(station) as walker:
        await ready(walker)
        await walker.lead(PIN)
        await walker.press("f9")
        await walker.arrive("PrinterPage")
        await walker.press("1")
        await walker.shows("文件夹不在")
    assert printed(station.folder) == []


async def test_the_lead_gives_up_what_waits(
    station: Station, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.widgets.choosing.CHATTER", 0.0)
    number = arrive(station, campaign).volunteer or ""
    Printer("png", str(station.folder / "nowhere"), "A6").save(station.folder)
    async with walking(station) as walker:
        await ready(walker)
        room = walker.app.print_room
        assert room is not None
        room.order(number)
        await walker.until(lambda: room.state(number).kind == "failed")
        await walker.lead(PIN)
        await walker.press("f9")
        await walker.arrive("PrinterPage")
        await walker.press("5")
        await walker.until(lambda: "再按一次 5" in walker.said())
        assert printed(station.folder) == []
        await walker.press("5")
        await walker.until(lambda: bool(printed(station.folder)))
        await walker.until(lambda: "等待打印" not in walker.text())
    assert printed(station.folder)[0]["outcome"] == "given_up"


async def test_a_damaged_printer_file_is_told_to_the_lead(station: Station) -> None:
    (station.folder / "printer.json").write_text("{")
    async with walking(station) as walker:
        await ready(walker)
        await walker.lead(PIN)
        await walker.press("f9")
        await walker.arrive("PrinterPage")
        await walker.shows("printer.json")
        await walker.shows("选择打印机")


async def test_the_app_ends_while_a_printer_hangs(station: Station) -> None:
    fake = FakePrinter(stalls_after=0)
    with network_printer(fake) as address:
        Printer.of("escpos-network", address).save(station.folder)
        async with walking(station) as walker:
            await ready(walker)
            await walker.to_badge()
            await walker.shows("正在打印")
            await walker.press("escape")
            await walker.arrive("WelcomePage")
    assert waits(station.folder) == 1
    assert printed(station.folder) == []


# --- commands -------------------------------------------------------------------------------------------------------


def closed_with_somebody(folder: Path, campaign: Campaign, clock: FakeClock) -> tuple[str, str]:
    station = Station(folder, clock=clock)
    done = arrive(station, campaign)
    into_files(station)
    station.close()
    return done.volunteer or "", done.code or ""


def test_badge_show_writes_a_page(run: Run, station_folder: Path, campaign: Campaign, clock: FakeClock) -> None:
    number, code = closed_with_somebody(station_folder, campaign, clock)
    path = station_folder.parent / "badge.pdf"
    done = run("badge", "show", number, "--pdf", str(path), "--format", "json")
    assert (done.code, done.rows[0]["code"]) == (0, code)
    from tests.test_printing_drivers import pages

    ((picture, _width, _height),) = pages(path.read_bytes())
    assert read(picture) == code
    assert path.stat().st_mode & 0o777 == 0o600
    wrong = run("badge", "show", number, "--pdf", str(station_folder / "nowhere" / "x.pdf"))
    assert (wrong.code, wrong.out) == (2, "")


def test_badge_show_prints(run: Run, station_folder: Path, campaign: Campaign, clock: FakeClock) -> None:
    number, code = closed_with_somebody(station_folder, campaign, clock)
    assert run("badge", "show", number, "--print").code == 0
    (path,) = (station_folder.parent / "paper").iterdir()
    assert read(path) == code
    assert run("badge", "show", number, "--print").code == 0
    assert [record["reprint"] for record in printed(station_folder)] == [False, True]
    assert run("verify").code == 0


def test_badge_show_prints_what_waits(run: Run, station: Station, campaign: Campaign) -> None:
    Printer("png", str(station.folder / "nowhere"), "A6").save(station.folder)
    with room_of(station) as (room, told):
        number = arrive(station, campaign).volunteer or ""
        until(told, lambda: room.state(number).kind == "failed")
    folder = into_files(station)
    station.close()
    assert run("badge", "show", number, "--print").code == 0
    assert waits(station.folder) == 0
    assert len(list(folder.iterdir())) == len(printed(station.folder)) == 1


def test_badge_show_that_cannot_print_says_why(
    run: Run, station_folder: Path, campaign: Campaign, clock: FakeClock
) -> None:
    number, _ = closed_with_somebody(station_folder, campaign, clock)
    Printer("png", str(station_folder / "nowhere"), "A6").save(station_folder)
    failed = run("badge", "show", number, "--print")
    assert (failed.code, failed.out) == (1, "")
    assert "文件夹不在" in failed.err
    forget_printer(station_folder)
    missing = run("badge", "show", number, "--print")
    assert (missing.code, missing.out) == (2, "")
    lock = FolderLock(station_folder)
    into = Printer("png", str(station_folder.parent), "A6")
    into.save(station_folder)
    busy = run("badge", "show", number, "--print")
    lock.release()
    assert (busy.code, busy.out) == (2, "")
    assert printed(station_folder) == []
