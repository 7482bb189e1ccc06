"""Every screen of the kiosk in a telling state, over the demo's seeded day: for snapshots, checks and pictures."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace
from textual import events

from kiosk import demo, rules
from kiosk.app import KioskApp
from kiosk.arriving import Admission
from kiosk.assignment import Assignment
from kiosk.badge import Badge
from kiosk.campaign_files import shipped
from kiosk.disclosure import disclose
from kiosk.i18n import _
from kiosk.print_room import State
from kiosk.printing.failing import sentence
from kiosk.printing.finding import Candidate
from kiosk.printing.printer import Printer
from kiosk.records import SHANGHAI
from kiosk.rules import Verdict
from kiosk.screens import flow
from kiosk.screens.address import AddressPage
from kiosk.screens.assignment import AssignmentPage
from kiosk.screens.badge import BadgePage
from kiosk.screens.badge_again import BadgeAgainPage
from kiosk.screens.community import CommunityPage
from kiosk.screens.consent import ConsentPage
from kiosk.screens.correct import CorrectPage, named_moments
from kiosk.screens.document import DocumentPage
from kiosk.screens.done import DonePage
from kiosk.screens.draft import Draft
from kiosk.screens.duty import DutyPage
from kiosk.screens.eligibility import DailyPage, FirstDayPage
from kiosk.screens.export import ExportPage
from kiosk.screens.forget import ForgetPage
from kiosk.screens.help import HelpPage
from kiosk.screens.identity import IdentityPage
from kiosk.screens.late import LatePage
from kiosk.screens.lead import ForgottenPinPage, LeadPinPage
from kiosk.screens.lost import LostBadgePage
from kiosk.screens.moment import MomentPage
from kiosk.screens.own_record import OwnRecordPage
from kiosk.screens.pending import PendingPage
from kiosk.screens.person import PersonPage
from kiosk.screens.printer import ChoosePrinterPage, CopiesPage, PaperPage, PrinterPage, PrinterTargetPage
from kiosk.screens.reassign import ReassignPage
from kiosk.screens.reveal import PhonePage, RevealPage
from kiosk.screens.review import ReviewPage
from kiosk.screens.revoke import RevokePage
from kiosk.screens.roster import RosterPage, View
from kiosk.screens.setup import PassphrasePage, SetUpPage
from kiosk.screens.summary import SummaryPage
from kiosk.screens.sync import SyncPage, SyncPlacePage
from kiosk.screens.verdict import AdmittedPage, RefusedPage
from kiosk.screens.visitor import VisitorPage
from kiosk.screens.void import VoidPage
from kiosk.setup import NewStation
from kiosk.station import Station
from kiosk.sync import Standing
from kiosk.sync_room import State as SyncState
from kiosk.visits import Visit
from kiosk.widgets.page import Page
from kiosk.wording import shown_before
from tests import factories
from tests.walking import Walker

NOW = datetime(2021, 12, 6, 10, 30, tzinfo=SHANGHAI)
DAY = NOW.date()
After = Callable[[Walker], Awaitable[None]]


@dataclass(frozen=True)
class Shot:
    """A screen: the page that is put up (None for the welcome page), and what is done to it."""

    page: Callable[[Station], Page[Any]] | None
    after: After | None = None


def _draft(**fields: str) -> Draft:
    typed = {"name": "林小满", "phone": "19900000001", "birth_date": "1995-05-20", **fields}
    answers = {
        "district": "both",
        "vaccinated": "yes",
        "health_code": "green",
        "travel_code": "green*",
        "pledge": "yes",
    }
    return Draft({"notice", "health"}, typed, answers, "330102016003", "农科")


def _somebody(station: Station, status: str, day: date = DAY) -> Any:
    return next(entry for entry in station.roster(day) if entry.status == status)


def _presses(*keys: str) -> After:
    async def press(walker: Walker) -> None:
        await walker.press(*keys)

    return press


def _calls_up_the_pad(*keys: str) -> After:
    async def press(walker: Walker) -> None:
        await walker.press(*keys)
        await walker.until(lambda: walker.page.query_one("#pad-1").region.area > 0)

    return press


def _types(text: str, *keys: str) -> After:
    async def type_(walker: Walker) -> None:
        await walker.type(text)
        await walker.press(*keys)

    return type_


def _fills(*texts: str) -> After:
    """Types into one field after the other, each with Enter."""

    async def fill(walker: Walker) -> None:
        for text in texts:
            await walker.type(text)
            await walker.press("enter")

    return fill


def _pastes(text: str) -> After:
    """Pastes, as a scanner's pace would be a scan, and goes on."""

    async def paste(walker: Walker) -> None:
        walker.app.post_message(events.Paste(text))
        await walker.settle()
        await walker.press("enter")

    return paste


def _refused(station: Station) -> RefusedPage:
    asked = {"district": "neither", "vaccinated": "no", "health_code": "red", "travel_code": "red", "pledge": "no"}
    verdict: Verdict = rules.judge(station.campaign, DAY, asked, consented=False, born=date(1960, 1, 1))
    assert len(verdict.reasons) == 7
    return RefusedPage(station, Admission("refused", verdict.reasons, None, None, None, ()))


def _badge(station: Station) -> BadgePage:
    volunteer = _somebody(station, "on_duty").volunteer
    code = station.badge_code(volunteer)
    assert code is not None
    place = Assignment("330102016", "330102016003", None, "home_community")
    return BadgePage(station, volunteer, code, place)


def _visit(station: Station, status: str, day: date = DAY) -> Visit:
    entry = _somebody(station, status, day)
    return next(visit for visit in station.history.visits_on(day) if visit.volunteer == entry.volunteer)


YESTERDAY = DAY - timedelta(days=1)


def _late(station: Station) -> LatePage:
    visit = _visit(station, "pending_check_out", YESTERDAY)
    return LatePage(station, visit.volunteer, visit)


def _person(station: Station) -> PersonPage:
    """Somebody about whom there is much to tell."""
    visit = _visit(station, "checked_out")
    left = visit.checked_out
    assert left is not None
    records = station.history.records_of(visit.id)
    station.correct(visit.id, records[-1].id, left + timedelta(minutes=12), "走得晚，忘了重新扫码")
    station.reassign(visit.id, "330102016003", "那边缺人")
    return PersonPage(station, visit.volunteer)


def _correct(station: Station) -> CorrectPage:
    visit = _visit(station, "checked_out")
    return CorrectPage(station, visit, named_moments(station, visit)[-1])


def _moments(station: Station) -> MomentPage:
    visit = _visit(station, "checked_out")
    return MomentPage(station, [f"{when:%H:%M}  {said}" for said, when, _records in named_moments(station, visit)])


def _void(station: Station) -> VoidPage:
    visit = _visit(station, "on_duty")
    return VoidPage(station, visit.volunteer, visit)


def _badge_again(station: Station) -> BadgeAgainPage:
    volunteer = _somebody(station, "on_duty").volunteer
    code = station.badge_code(volunteer)
    assert code is not None
    return BadgeAgainPage(station, volunteer, code, None)


def _export(station: Station) -> ExportPage:
    page = ExportPage(station, DAY)
    page._folder = "/media/kiosk/USB"
    return page


def _checked_out(station: Station) -> DonePage:
    return DonePage(station, station.check_out(_somebody(station, "on_duty").volunteer))


def _daily(station: Station) -> DailyPage:
    """Of somebody who has signed out today, and whose badge was shown twice within a minute."""
    number = _somebody(station, "checked_out").volunteer
    station.note_shown(station.recognise(number))
    found = station.recognise(number)
    assert found.person is not None
    check_in = partial(station.check_in_again, number)
    return DailyPage(station, found.person.known, partial(flow.greet, station, found), check_in)


def _shown_twice(station: Station) -> DutyPage:
    return DutyPage(station, _somebody(station, "on_duty").volunteer, doubt=partial(shown_before, 20))


def _foreign_badge() -> Badge:
    return Badge("S016009", factories.volunteer_number(7), "SC2021", date(2022, 6, 1))


def _own_record(station: Station) -> OwnRecordPage:
    number = _visit(station, "checked_out").volunteer
    sealed = {"phone": "13000007671", "id_type": "resident_id", "id_number": "", "birth_date": "1995-05-20"}
    return OwnRecordPage(station, number, disclose(station.history, number, station.campaign, sealed, NOW))


@dataclass
class _Room:
    """A print room in which things stand as a picture wants them."""

    said: State
    is_wanted: bool = True

    def state(self, _volunteer: str) -> State:
        return self.said

    def close(self) -> None:
        """Nothing is going on."""


def _prints(kind: str, reason: str = "") -> After:
    async def print_(walker: Walker) -> None:
        await walker.until(lambda: walker.app.print_room is not None)
        walker.app.close_rooms()
        walker.app.print_room = _Room(State(kind, sentence(reason) if reason else ""))  # type: ignore[assignment]
        await walker.page.turn()
        await walker.settle()

    return print_


def _printer(station: Station) -> PrinterPage:
    Printer("escpos-network", "192.168.1.50", "80mm").save(station.folder)
    queue = SimpleNamespace(waiting=lambda: [SimpleNamespace(sentence=sentence("no_paper"), job=None)] * 3)
    return PrinterPage(station, SimpleNamespace(queue=queue))  # type: ignore[arg-type]


_FOUND = [
    Candidate(Printer("cups", "Office", "A6"), "Office"),
    Candidate(Printer("escpos-device", "/dev/usb/lp0", "80mm"), "/dev/usb/lp0"),
]


_PLACE = "/media/kiosk/USB"
_LATELY = datetime(2021, 12, 6, 10, 15, tzinfo=SHANGHAI)


def _sync(station: Station, *, hq: bool = True, **state: Any) -> SyncPage:
    """The page over a room in which things stand as a picture wants them."""
    if hq:
        age = (station.folder / "keys" / "lead.pub").read_text()  # any recipient will do
        told = {"age": age, "ed25519": base64.b64encode(bytes(range(32))).decode()}
        (station.folder / "keys" / "hq.json").write_text(json.dumps(told))
    room = SimpleNamespace(state=SyncState(place=_PLACE, **state), now=lambda: None)
    return SyncPage(station, room)  # type: ignore[arg-type]


def _sync_without(station: Station) -> SyncPage:
    """The stick is out, nothing was ever confirmed, and somebody goes on from a copy."""
    said = _("There is no folder {folder}. Is the stick in?").format(folder=_PLACE)
    return _sync(station, problem=said, copied=True, next_try=95.0, hq=False)


async def _has_counted(walker: Walker) -> None:
    """Waits until the page has looked into the log."""
    page = walker.page
    assert isinstance(page, SyncPage)
    await walker.until(lambda: page._standing is not None)


def _counts(records: int, confirmed: int) -> After:
    """Lets the page say so of the records, whatever the log holds."""

    async def count(walker: Walker) -> None:
        page = walker.page
        assert isinstance(page, SyncPage)
        await _has_counted(walker)
        page._standing = Standing(records, confirmed)
        page._tell()

    return count


def _first_day(station: Station) -> FirstDayPage:
    clauses = [clause for clause in station.campaign.clauses if clause.id in _FIRST_CLAUSES]
    return FirstDayPage(station, clauses, {}, step=5)


_FIRST_CLAUSES = ("vaccinated", "health_code", "travel_code", "pledge")
_CONTACT = Assignment("330102016", "330102016003", None, "home_community")
_MADE = ("S016001", "123456", "7K2MQ-4RXWC-PLMKN-JBHVG-CFXDR")

SCREENS: dict[str, Shot] = {
    "welcome": Shot(None),
    "welcome-unknown-number": Shot(None, _types("22222-22222", "enter")),
    "lost-badge": Shot(LostBadgePage, _types("林小满", "enter")),
    "visitor": Shot(lambda s: VisitorPage(s, _foreign_badge())),
    "consent": Shot(lambda s: ConsentPage(s, Draft(), step=1)),
    "consent-health": Shot(lambda s: ConsentPage(s, Draft(), step=1), _presses("1")),
    "consent-none": Shot(lambda s: ConsentPage(s, Draft(), step=1), _presses("enter")),
    "identity": Shot(lambda s: IdentityPage(s, Draft(), step=2)),
    "identity-phone": Shot(
        lambda s: IdentityPage(s, _draft(phone=""), step=2), _calls_up_the_pad("enter", "1", "9", "9")
    ),
    "identity-all-wrong": Shot(lambda s: IdentityPage(s, _draft(name=" ", phone="199"), step=2)),
    "document": Shot(lambda s: DocumentPage(s, _draft(birth_date=""), step=3)),
    "document-number": Shot(lambda s: DocumentPage(s, _draft(birth_date=""), step=3), _calls_up_the_pad("3", "3")),
    "document-all-wrong": Shot(
        lambda s: DocumentPage(s, _draft(id_number="123", birth_date="1995-02-30"), step=3),
        _calls_up_the_pad("enter"),
    ),
    "document-with-id-number": Shot(
        lambda s: DocumentPage(s, _draft(id_type="resident_id", id_number=factories.id_number(), birth_date=""), step=3)
    ),
    "address": Shot(lambda s: AddressPage(s, Draft(), step=4)),
    "address-found": Shot(lambda s: AddressPage(s, _draft(), step=4)),
    "address-initials": Shot(lambda s: AddressPage(s, replace(_draft(), search="jq"), step=4), _presses("2")),
    "address-not-found": Shot(lambda s: AddressPage(s, _draft(), step=4), _types("zzz")),
    "eligibility": Shot(_first_day),
    "eligibility-travel-code": Shot(_first_day, _presses("1", "1")),
    "eligibility-chosen": Shot(_first_day, _presses("1", "2", "escape")),
    "eligibility-pledge": Shot(_first_day, _presses("1", "1", "2")),
    "eligibility-none-chosen": Shot(_first_day, _presses("enter")),
    "daily": Shot(_daily),
    "review": Shot(lambda s: ReviewPage(s, _draft(), step=6)),
    "admitted": Shot(lambda s: AdmittedPage(s, "林小满")),
    "refused": Shot(_refused),
    "assignment": Shot(lambda s: AssignmentPage(s, _CONTACT, badge=True)),
    "badge": Shot(_badge),
    "duty-before-the-first": Shot(lambda s: DutyPage(s, _somebody(s, "checked_in").volunteer)),
    "duty": Shot(lambda s: DutyPage(s, _somebody(s, "on_duty").volunteer)),
    "duty-shown-twice": Shot(_shown_twice),
    "duty-leaving": Shot(lambda s: DutyPage(s, _somebody(s, "on_duty").volunteer), _presses("0")),
    "done-on-duty": Shot(lambda s: DonePage(s, s.start_duty(_somebody(s, "checked_in").volunteer, "policy"))),
    "done-break": Shot(lambda s: DonePage(s, s.end_duty(_somebody(s, "on_duty").volunteer))),
    "done-checked-out": Shot(_checked_out),
    "lead-pin": Shot(LeadPinPage, _calls_up_the_pad()),
    "lead-pin-new": Shot(ForgottenPinPage, _types("7K2MQ", "enter", "1")),
    "lead-pin-wrong": Shot(LeadPinPage, _types("000000", "enter")),
    "roster": Shot(lambda s: RosterPage(s, View(DAY))),
    "roster-search": Shot(lambda s: RosterPage(s, View(DAY)), _types("陈")),
    "roster-day-before": Shot(lambda s: RosterPage(s, View(DAY)), _presses("left")),
    "roster-filtered": Shot(lambda s: RosterPage(s, View(DAY)), _presses("f5", "f6", "f7")),
    "pending": Shot(lambda s: PendingPage(s, s.pending())),
    "person": Shot(_person),
    "late": Shot(_late),
    "late-wrong": Shot(_late, _types("2561", "enter")),
    "late-ready": Shot(_late, _fills("1730", "忘记签退")),
    "moments": Shot(_moments),
    "correct": Shot(_correct),
    "correct-ready": Shot(_correct, _fills("1001", "走得晚")),
    "void": Shot(_void),
    "community": Shot(lambda s: CommunityPage(s, s.settings.community)),
    "reassign": Shot(lambda s: ReassignPage(s, _visit(s, "on_duty"), "330102016003")),
    "forget": Shot(lambda s: ForgetPage(s, _somebody(s, "on_duty").volunteer, None)),
    "forget-ready": Shot(lambda s: ForgetPage(s, _somebody(s, "on_duty").volunteer, None), _fills("本人要求")),
    "reveal": Shot(lambda s: RevealPage(s, _somebody(s, "on_duty").volunteer), _fills("手套落在站点")),
    "phone": Shot(lambda s: PhonePage(s, _somebody(s, "on_duty").volunteer, "19900000000")),
    "own-record": Shot(_own_record),
    "revoke": Shot(lambda s: RevokePage(s, _somebody(s, "on_duty").volunteer, None)),
    "badge-again": Shot(_badge_again),
    "badge-being-printed": Shot(_badge, _prints("waiting")),
    "badge-no-paper": Shot(_badge, _prints("failed", "no_paper")),
    "printer": Shot(_printer),
    "printer-none": Shot(lambda s: PrinterPage(s, None)),
    "printer-choose": Shot(lambda s: ChoosePrinterPage(s, _FOUND)),
    "printer-address": Shot(lambda s: PrinterTargetPage(s, "escpos-network"), _fills("192.168.1.x/")),
    "printer-paper": Shot(lambda s: PaperPage(s, "cups")),
    "printer-copies": Shot(CopiesPage),
    "sync": Shot(partial(_sync, last_success=_LATELY, next_try=700.0), _counts(1284, 1247)),
    "sync-going": Shot(partial(_sync, last_success=_LATELY, busy=(12, 40)), _counts(8240, 240)),
    "sync-problem": Shot(_sync_without, _counts(1284, 0)),
    "sync-none": Shot(lambda s: SyncPage(s, None), _has_counted),
    "sync-place": Shot(lambda s: SyncPlacePage(s, _PLACE)),
    "sync-place-wrong": Shot(lambda s: SyncPlacePage(s, ""), _pastes("sftp://u:secret@hq.example/kiosk")),
    "summary": Shot(lambda s: SummaryPage(s, DAY)),
    "export": Shot(_export),
    "help-roster": Shot(lambda s: HelpPage(RosterPage(s, View(DAY)))),
    "help-person": Shot(lambda s: HelpPage(PersonPage(s, _somebody(s, "on_duty").volunteer))),
    "set-up": Shot(lambda s: SetUpPage(s.folder, shipped())),
    "set-up-wrong": Shot(lambda s: SetUpPage(s.folder, shipped()), _presses("enter")),
    "passphrase": Shot(lambda s: PassphrasePage(NewStation(s.settings, _MADE[1], _MADE[2]))),
}


def make_day(folder: Path) -> None:
    """The demo's day, which every screen is put over."""
    demo.make(folder, lambda: NOW)


def open_day(folder: Path, language: str) -> Station:
    """The station of the day, with its clock standing still."""
    station = Station(folder, clock=lambda: NOW)
    station.settings = replace(station.settings, language=language)
    return station


def app_on(station: Station) -> KioskApp:
    """The app on the station of the day."""
    return KioskApp(station.folder, station, clock=lambda: NOW)


async def put_up(walker: Walker, name: str) -> None:
    """Puts the screen up and waits until it is drawn."""
    shot = SCREENS[name]
    await walker.arrive("WelcomePage")
    if shot.page is not None:
        assert walker.app.station is not None
        page = shot.page(walker.app.station)
        await walker.app.push_screen(page)
        await walker.arrive(type(page).__name__)
    if shot.after is not None:
        await shot.after(walker)
        await walker.until(lambda: not walker.page.busy)
    await walker.settle()
