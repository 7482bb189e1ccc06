"""The lead's story: PIN, what is missing since yesterday, the roster, and what is done about people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from kiosk.errors import KioskError
from kiosk.i18n import _
from kiosk.print_room import PrintRoom
from kiosk.printing.finding import Candidate
from kiosk.printing.printer import KINDS, Printer, forget_printer, read_printer
from kiosk.screens.act import ActPage
from kiosk.screens.badge_again import BadgeAgainPage
from kiosk.screens.community import CommunityPage
from kiosk.screens.correct import CorrectPage, named_moments
from kiosk.screens.export import ExportPage
from kiosk.screens.forget import ForgetPage
from kiosk.screens.late import LatePage
from kiosk.screens.lead import ForgottenPinPage, LeadPinPage
from kiosk.screens.moment import MomentPage
from kiosk.screens.own_record import OwnRecordPage
from kiosk.screens.pending import PendingPage
from kiosk.screens.person import Act, PersonPage
from kiosk.screens.printer import ChoosePrinterPage, CopiesPage, PaperPage, PrinterPage, PrinterTargetPage
from kiosk.screens.reassign import ReassignPage
from kiosk.screens.reveal import PhonePage, RevealPage
from kiosk.screens.revoke import RevokePage
from kiosk.screens.roster import RosterPage, View
from kiosk.screens.summary import SummaryPage
from kiosk.screens.sync import SyncPage, SyncPlacePage, warning
from kiosk.screens.void import VoidPage
from kiosk.station import Recognition, Station
from kiosk.sync import read_place, save_place
from kiosk.sync_room import SyncRoom
from kiosk.telling import time_in_words
from kiosk.widgets.page import Show
from kiosk.wording import BADGE_REFUSED, cause, shown_before


async def lead_is_here(show: Show, station: Station, why: str = "") -> bool:
    """Whether the lead has come in, by the PIN; a forgotten one is replaced by whoever has the passphrase."""
    while (answer := await show(LeadPinPage(station, why=why))) == "forgotten":
        await show(ForgottenPinPage(station))
    return bool(answer == "in")


async def lead(
    show: Show,
    station: Station,
    room: Callable[[], PrintRoom | None] = lambda: None,
    sync: Callable[[], SyncRoom | None] = lambda: None,
) -> None:
    """The site lead: PIN, missing sign-outs first, then roster and people.

    Args:
        show: puts a page up.
        station: the station.
        room: gives where badges wait to be printed, once that is open.
        sync: gives what hands over to headquarters in the background, once that is there.
    """
    if not await lead_is_here(show, station):
        return
    station.lead_was_told()
    if station.pending():
        await settle(show, station)
    view = View(station.today())
    while (wish := await show(RosterPage(station, view, warn=lambda: warning(sync(), station)))) is not None:
        if wish == "pending":
            await settle(show, station)
        elif wish == "summary":
            view.day = await show(SummaryPage(station, view.day))
        elif wish == "export":
            await show(ExportPage(station, view.day))
        elif wish == "printer":
            await set_printer(show, station, room())
        elif wish == "sync":
            await hand_over(show, station, sync())
        elif isinstance(wish, Recognition):
            assert wish.person is not None
            await about(show, station, wish.person.volunteer, None, note=_of_badge(wish))
        else:
            visits = station.visits_of(wish.volunteer, view.day)
            await about(show, station, wish.volunteer, visits[-1].id)


async def set_printer(show: Show, station: Station, room: PrintRoom | None) -> None:
    """The printer: chosen, tried out, and done without; each step is kept at once."""
    page = PrinterPage(station, room)
    while (wish := await show(page)) is not None:
        note = ""
        before, _problem = read_printer(station.folder)
        try:
            if wish == "forget":
                await asyncio.to_thread(forget_printer, station.folder)
            elif wish == "choose" and (chosen := await _choose_printer(show, station, page.found)) is not None:
                chosen = replace(chosen, copies=before.copies if before else 1)
                await asyncio.to_thread(chosen.save, station.folder)
                note = _("This printer is set. Please make a test print.")
            elif wish == "copies" and before and (copies := await show(CopiesPage(station))) is not None:
                await asyncio.to_thread(replace(before, copies=int(copies)).save, station.folder)
            if room is not None and wish in ("forget", "choose"):
                room.queue.again()
        except OSError as error:
            note = _("This could not be saved: {error}.").format(error=cause(error))
        page = PrinterPage(station, room, note=note)


async def _choose_printer(show: Show, station: Station, found: Sequence[Candidate]) -> Printer | None:
    answer = await show(ChoosePrinterPage(station, found))
    if answer is None:
        return None
    chosen: Printer | None
    if answer.isdigit():
        chosen = found[int(answer)].printer
    else:
        chosen = await show(PrinterTargetPage(station, answer))
    if chosen is None or len(KINDS[chosen.kind]) == 1:
        return chosen
    paper = await show(PaperPage(station, chosen.kind))
    return None if paper is None else replace(chosen, paper=paper)


async def hand_over(show: Show, station: Station, room: SyncRoom | None) -> None:
    """How the handing over stands, and where to; a new place is kept, and tried out, at once."""
    note = ""
    while await show(SyncPage(station, room, note=note)) == "place":
        note = ""
        before = await asyncio.to_thread(read_place, station.folder)
        url = await show(SyncPlacePage(station, before))
        if url is None or url == before:
            continue
        try:
            await asyncio.to_thread(room.use if room is not None else partial(save_place, station.folder), url)
        except OSError as error:
            note = _("This could not be saved: {error}.").format(error=cause(error))


async def settle(show: Show, station: Station) -> None:
    """Through the list of 待补签, until it is empty or the lead goes on."""
    note = ""
    while (visit := await show(PendingPage(station, station.pending(), note=note))) is not None:
        note = await show(LatePage(station, visit.volunteer, visit)) or ""


def _of_badge(found: Recognition) -> str:
    """What the lead is told of a badge, beside whose it is."""
    why = _(BADGE_REFUSED[found.refused]) if found.refused else ""
    return " ".join(filter(None, (why, shown_before(found.seconds))))


async def about(show: Show, station: Station, volunteer: str, visit: str | None, *, note: str = "") -> None:
    """A volunteer's history, and one act after the other."""
    while (act := await show(PersonPage(station, volunteer, visit=visit, note=note))) is not None:
        visit = act.visit.id if act.visit else visit
        try:
            note = await _do(show, station, volunteer, act) or ""
        except KioskError as error:
            note = str(error)


async def _do(show: Show, station: Station, volunteer: str, act: Act) -> str | None:
    if act.what == "badge":
        code = station.badge_code(volunteer)
        if code is not None:
            await show(BadgeAgainPage(station, volunteer, code, None))
        return None
    if act.what == "phone":
        phone = await show(RevealPage(station, volunteer))
        if phone is not None:
            await show(PhonePage(station, volunteer, phone))
        return None
    if act.what == "record":
        sections = await show(RevealPage(station, volunteer, whole=True))
        if sections is not None:
            await show(OwnRecordPage(station, volunteer, sections))
        return None
    page = await _page(show, station, volunteer, act)
    said: str | None = await show(page) if page is not None else None
    return said


async def _page(show: Show, station: Station, volunteer: str, act: Act) -> ActPage | None:
    """The page of an act, after what has to be chosen for it."""
    if act.what == "revoke":
        return RevokePage(station, volunteer, None)
    if act.what == "forget":
        return ForgetPage(station, volunteer, None)
    visit = act.visit
    assert visit is not None
    if act.what == "late":
        return LatePage(station, volunteer, visit)
    if act.what == "void":
        return VoidPage(station, volunteer, visit)
    if act.what == "reassign":
        code = await show(CommunityPage(station, visit.community, at_post=visit.post is not None))
        return None if code is None else ReassignPage(station, visit, code)
    moments = named_moments(station, visit)
    said = [f"{time_in_words(when, visit.day)}  {event}" for event, when, _records in moments]
    chosen = await show(MomentPage(station, said))
    return None if chosen is None else CorrectPage(station, visit, moments[chosen])
