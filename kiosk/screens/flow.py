"""Which screen follows which: the visits of the station, told as stories.

A flow gets `show`, which puts a page up and returns what it was dismissed with. It holds no state of its own, so that
stopping it anywhere leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from kiosk.arriving import Admission
from kiosk.i18n import _
from kiosk.rules import mask_phone, questions
from kiosk.screens import lead_flow
from kiosk.screens.address import AddressPage
from kiosk.screens.assignment import AssignmentPage
from kiosk.screens.badge import BadgePage
from kiosk.screens.consent import ConsentPage
from kiosk.screens.document import DocumentPage
from kiosk.screens.done import DonePage
from kiosk.screens.draft import Draft
from kiosk.screens.duty import DutyPage
from kiosk.screens.eligibility import DailyPage, FirstDayPage
from kiosk.screens.identity import IdentityPage
from kiosk.screens.lost import LostBadgePage
from kiosk.screens.review import ReviewPage
from kiosk.screens.verdict import AdmittedPage, RefusedPage
from kiosk.screens.visitor import VisitorPage
from kiosk.station import Recognition, Station
from kiosk.visits import Visit
from kiosk.widgets.page import Show
from kiosk.wording import BADGE_REFUSED, shown_before

lead = lead_flow.lead
"""The site lead's story has a module of its own."""


def _questions(station: Station, draft: Draft, *, step: int) -> FirstDayPage:
    asked = questions(station.campaign, station.today())
    clauses = [clause for clause in asked if not clause.with_identity]
    return FirstDayPage(station, clauses, draft.answers, step=step)


_STEPS: Final = (ConsentPage, IdentityPage, DocumentPage, AddressPage, _questions, ReviewPage)
"""What makes the pages of the way from welcome to verdict."""
_IDENTIFIED: Final = 3
"""The place at which it is known who somebody is."""


async def new_visit(show: Show, station: Station) -> None:
    """Somebody without a badge: from consent to badge."""
    draft = Draft()
    try:
        admission = await _ask(show, station, draft)
    finally:
        draft.forget()
    if admission is not None:
        await _after_admission(show, station, admission, first=True)


async def _ask(show: Show, station: Station, draft: Draft) -> Admission | None:
    """From consent to verdict, back and forth; None for somebody who went back to the welcome page."""
    place = 0
    while place >= 0:
        answer = await show(_STEPS[place](station, draft, step=place + 1))
        if isinstance(answer, Admission):
            return answer
        place += 1 if answer == "next" else -1
        if answer == "next" and place == _IDENTIFIED and (known := await _known_already(station, draft)):
            return await _todays_questions(show, station, known)
    return None


async def _known_already(station: Station, draft: Draft) -> Recognition | None:
    """Who it is, if the station knows somebody by just what was typed, and nothing but today's questions is open."""
    applicant = draft.applicant(station.campaign, station.today())
    if applicant is None:
        return None
    found = await station.run(station.find, applicant.name, applicant.id_number or applicant.phone)
    person = found.person
    same = person is not None and person.phone_masked == mask_phone(applicant.phone)
    return found if same and found.visit is None and not found.renewal else None


async def _todays_questions(show: Show, station: Station, found: Recognition) -> Admission | None:
    person = found.person
    assert person is not None
    check_in = partial(station.check_in_again, person.volunteer)
    admission: Admission | None = await show(DailyPage(station, person.known, partial(greet, station, found), check_in))
    return admission


def greet(station: Station, found: Recognition) -> str:
    """What somebody who comes again is told: their name, what is missing, and what may have been somebody else."""
    person = found.person
    assert person is not None
    hello = _("Good to see you again, {name}.").format(name=person.name)
    today = station.last_seen(person.volunteer) if station.visits_of(person.volunteer, station.today()) else ""
    return "\n".join(filter(None, (hello, _missing_sign_outs(found.pending), today, shown_before(found.seconds))))


async def _after_admission(show: Show, station: Station, admission: Admission, *, first: bool) -> None:
    """What somebody sees of their admission; `first` for those who have no badge at hand."""
    if admission.outcome == "refused":
        await show(RefusedPage(station, admission))
        return
    volunteer = admission.volunteer
    assert volunteer is not None
    place = admission.assignment
    if place is None:
        await on_duty(show, station, volunteer, already=True)
        return
    if first:
        pending = station.pending_of(volunteer)
        name = station.person(volunteer).name
        await show(AdmittedPage(station, name, note=_missing_sign_outs(pending)))
    code = admission.code if first or admission.new_badge else None  # an old badge may have run out
    await show(AssignmentPage(station, place, badge=code is not None))
    if code is not None and await show(BadgePage(station, volunteer, code, place)) != "duty":
        return
    await on_duty(show, station, volunteer)


async def on_duty(
    show: Show, station: Station, volunteer: str, *, already: bool = False, doubt: Callable[[], str] = str
) -> None:
    """Somebody who is checked in: a duty, a break, or home.

    Args:
        show: puts a page up.
        station: the station.
        volunteer: their number.
        already: whether they meant to check in, and are told that they have.
        doubt: gives a sentence on why it may be somebody else, or nothing.
    """
    done = await show(DutyPage(station, volunteer, already=already, doubt=doubt))
    if done is not None:
        await show(DonePage(station, done))


async def badge_scanned(show: Show, station: Station, found: Recognition) -> None:
    """Somebody whom the station knows: to the duties, or first through the questions of the day."""
    if found.visitor is not None:
        await visitor(show, station, found)
        return
    await _recognised(show, station, found, has_badge=True)


async def lost_badge(show: Show, station: Station) -> None:
    """Somebody who was here before and has no badge at hand: name and number say who it is, and the badge is shown."""
    found = await show(LostBadgePage(station))
    if found is not None:
        await _recognised(show, station, found, has_badge=False)


async def _recognised(show: Show, station: Station, found: Recognition, *, has_badge: bool) -> None:
    person = found.person
    assert person is not None
    if found.visit is not None:
        code = station.badge_code(person.volunteer)
        if not has_badge and code is not None:
            await show(BadgePage(station, person.volunteer, code, None))
        await on_duty(show, station, person.volunteer, doubt=partial(shown_before, found.seconds))
        return
    if found.renewal:
        await new_visit(show, station)
        return
    admission = await _todays_questions(show, station, found)
    if admission is not None:
        await _after_admission(show, station, admission, first=not has_badge)


async def visitor(show: Show, station: Station, found: Recognition) -> None:
    """A volunteer of another station: consent as at anybody's first visit, a name by the lead, the day's questions."""
    badge = found.visitor
    assert badge is not None
    if not await lead_flow.lead_is_here(show, station, _("A volunteer of another station. Please call the site lead.")):
        return
    station.note_shown(found)
    consent = await show(ConsentPage(station, Draft()))
    if consent != "next":
        if isinstance(consent, Admission):
            await _after_admission(show, station, consent, first=False)
        return
    name = await show(VisitorPage(station, badge, doubt=partial(shown_before, found.seconds)))
    if name is None:
        return
    known = [clause.id for clause in station.campaign.clauses if not clause.daily]

    def greeting() -> str:
        return _("Welcome, {name}.").format(name=name)

    check_in = partial(station.admit_visitor, badge, name, consented=True)
    admission = await show(DailyPage(station, known, greeting, check_in))
    if admission is not None:
        await _after_admission(show, station, admission, first=False)


def _missing_sign_outs(visits: Sequence[Visit]) -> str:
    """What a volunteer is told who did not sign out, with or without a badge; empty if there is nothing to tell."""
    if not visits:
        return ""
    days = ", ".join(visit.day.isoformat() for visit in visits)
    return _("Your sign-out of {days} is missing. Please tell the site lead.").format(days=days)


def refusal(found: Recognition) -> str:
    """What is said of a scan that counts for nothing."""
    assert found.refused is not None
    return _(BADGE_REFUSED[found.refused])
