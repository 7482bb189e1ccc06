"""Which screen follows which: the visits of the station, told as stories.

A flow gets `show`, which puts a page up and returns what it was dismissed with. It holds no state of its own, so that
stopping it anywhere leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kiosk.arriving import Admission
from kiosk.i18n import _
from kiosk.roster import Visit
from kiosk.rules import questions
from kiosk.screens import lead_flow
from kiosk.screens.address import AddressPage
from kiosk.screens.assignment import AssignmentPage
from kiosk.screens.badge import BadgePage
from kiosk.screens.consent import ConsentPage
from kiosk.screens.done import DonePage
from kiosk.screens.draft import Draft
from kiosk.screens.duty import DutyPage
from kiosk.screens.eligibility import DailyPage, FirstDayPage
from kiosk.screens.identity import IdentityPage
from kiosk.screens.review import ReviewPage
from kiosk.screens.verdict import AdmittedPage, RefusedPage
from kiosk.station import Recognition, Station
from kiosk.widgets.page import Page, Show
from kiosk.wording import BADGE_REFUSED

lead = lead_flow.lead
"""The site lead's story has a module of its own."""

_STEPS = 5


def _step(place: int, station: Station, draft: Draft) -> Page[Any]:
    """The page at a place of the way from welcome to verdict."""
    step = (place + 1, _STEPS)
    if place == 0:
        return ConsentPage(station, draft, step=step)
    if place == 1:
        return IdentityPage(station, draft, step=step)
    if place == 2:
        return AddressPage(station, draft, step=step)
    if place == 3:
        asked = questions(station.campaign, station.today())
        clauses = [clause for clause in asked if not clause.with_identity]
        return FirstDayPage(station, clauses, draft.answers, step=step)
    return ReviewPage(station, draft, step=step)


async def new_visit(show: Show, station: Station) -> None:
    """Somebody without a badge: from consent to badge."""
    draft = Draft()
    admission: Admission | None = None
    place = 0
    while admission is None:
        answer = await show(_step(place, station, draft))
        if isinstance(answer, Admission):
            admission = answer
        else:
            place += 1 if answer == "next" else -1
        if place < 0:
            return
    await _after_admission(show, station, admission, first=True)


async def _after_admission(show: Show, station: Station, admission: Admission, *, first: bool) -> None:
    if admission.outcome == "refused":
        await show(RefusedPage(station, admission))
        return
    volunteer = admission.volunteer
    assert volunteer is not None
    if admission.outcome == "admitted" and admission.assignment is not None and admission.code is not None:
        if first:
            pending = station.history.pending(volunteer, station.clock())
            name = station.history.people[volunteer].name
            await show(AdmittedPage(station, name, note=_missing_sign_outs(pending)))
        await show(AssignmentPage(station, admission.assignment))
        if first and await show(BadgePage(station, volunteer, admission.code, admission.assignment)) != "duty":
            return
    await on_duty(show, station, volunteer)


async def on_duty(show: Show, station: Station, volunteer: str) -> None:
    """Somebody who is checked in: a duty, a break, or home."""
    done = await show(DutyPage(station, volunteer))
    if done is not None:
        await show(DonePage(station, done))


async def badge_scanned(show: Show, station: Station, found: Recognition) -> None:
    """Somebody whom the station knows: to the duties, or first through the questions of the day."""
    person = found.person
    assert person is not None
    if found.visit is not None:
        await on_duty(show, station, person.volunteer)
        return
    if found.renewal:
        await new_visit(show, station)
        return
    greeting = _("Good to see you again, {name}.").format(name=person.name)
    if found.pending:
        greeting += "\n" + _missing_sign_outs(found.pending)
    admission = await show(DailyPage(station, person, greeting))
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
