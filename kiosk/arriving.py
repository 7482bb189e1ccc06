"""Arriving at a station: who is admitted under which number, and all that a visit opens with.

Functions of the log so far: what is known in, the facts to write and what to tell out. They write nothing themselves.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from kiosk import assignment, badge, rules
from kiosk.assignment import Assignment
from kiosk.campaign import Campaign, Clause, Consent
from kiosk.desk import Decision, Desk
from kiosk.errors import NotPossible
from kiosk.i18n import _
from kiosk.records import Draft, digest, new_volunteer_number, service_day
from kiosk.roster import Person
from kiosk.rules import Application, Stay, Verdict
from kiosk.visits import Visit, pending_from


class Admission(Struct, frozen=True):
    """What came of an application.

    Attributes:
        outcome: `admitted`, `refused`, or `duplicate` for somebody who is checked in at that time already.
        reasons: the codes of the clauses that are not met.
        volunteer: the volunteer number, unless refused.
        code: the badge's code, unless refused, or made by another station.
        assignment: where they serve, when admitted.
        ids: of the records that say so.
        new_badge: whether the badge was made now.
    """

    outcome: str
    reasons: tuple[str, ...]
    volunteer: str | None
    code: str | None
    assignment: Assignment | None
    ids: tuple[str, ...]
    new_badge: bool = False


def check_in(desk: Desk, application: Application, key: str | None, now: datetime) -> Decision[Admission]:
    """Holds an application against the clauses and, if they are met, opens a visit.

    Somebody whom the station knows keeps their number; somebody who is checked in at that time is a `duplicate`.

    Args:
        desk: what is known.
        application: what the person said.
        key: by what their ID number is recognised.
        now: the time (aware).

    Raises:
        NotPossible: if no campaign is running.
    """
    applicant, stay = application.applicant, application.stay
    if stay.row_key is not None and stay.row_key in desk.history.rows:
        row = desk.history.rows[stay.row_key]
        return [], Admission("duplicate", (), row.volunteer, None, None, row.ids)
    arrived = stay.arrived or now
    day = service_day(arrived)
    desk = desk.on(day)
    demand_running(desk.campaign, day)
    masked = rules.mask_phone(applicant.phone)
    known = desk.history.same_person(applicant.name, masked, key)
    if known is not None and (there := _overlapping(desk, known, stay, now)):
        return [], _duplicate(desk, known, there)
    verdict = rules.judge(desk.campaign, day, application.answers, consented=application.consented, born=applicant.born)
    if not verdict.admitted:
        return _refuse(verdict, arrived, stay.by, stay.row_key)
    volunteer = known or _new_number(desk)
    person = desk.history.people.get(volunteer)
    home = (applicant.street, applicant.community)
    if person is not None:
        # Who says less than the last time has not unsaid it.
        key = key or person.key
        home = home if applicant.street else (person.street, person.community)
    drafts: list[Draft] = []
    if person is None or _tells_more(desk, person, application, key, home, day):
        drafts.append(_registration(desk, application, volunteer, key, home, verdict, arrived))
    return _open_visit(desk, drafts, stay, volunteer, verdict, home, now)


def demand_running(campaign: Campaign, day: date) -> None:
    """Makes sure that the campaign holds: without its clauses everybody would be admitted.

    Raises:
        NotPossible: if it does not hold on `day`.
    """
    if not campaign.in_force(day):
        sentence = _("No campaign is running on {day}. If this date is wrong, the site lead should set the clock.")
        raise NotPossible(sentence.format(day=day.isoformat()))


def check_in_again(desk: Desk, volunteer: str, answers: Mapping[str, str], now: datetime) -> Decision[Admission]:
    """Opens a visit for a volunteer whom the station knows, after the questions of the day.

    Raises:
        NotPossible: if nobody has that number, their registration has to be renewed, or no campaign is running.
    """
    demand_running(desk.campaign, service_day(now))
    person = desk.history.people.get(volunteer)
    if person is None:
        raise NotPossible(_("Nobody here has the number {number}.").format(number=volunteer))
    day = service_day(now)
    if must_renew(desk, person, day):
        raise NotPossible(_("Please register again: the last registration does not count any more."))
    if there := _overlapping(desk, volunteer, Stay(), now):
        return [], _duplicate(desk, volunteer, there)
    known = known_clauses(desk, person)
    verdict = rules.judge(desk.campaign, day, answers, consented=True, ages_out=person.ages_out, known=known)
    if not verdict.admitted:
        return _refuse(verdict, now, "volunteer")
    home = (person.street, person.community)
    return _open_visit(desk, [], Stay(), volunteer, verdict, home, now)


def admit_visitor(
    desk: Desk, visitor: badge.Badge, name: str, answers: Mapping[str, str], now: datetime, *, consented: bool
) -> Decision[Admission]:
    """Opens a visit for a volunteer of another station, known by a good badge and by the name that the lead entered.

    They keep their number and their badge. What is asked once was asked by the station that made the badge; what this
    one keeps of them, they agree to here.

    Raises:
        NotPossible: if no campaign is running.
    """
    day, volunteer = service_day(now), visitor.volunteer
    demand_running(desk.campaign, day)
    person = desk.history.people.get(volunteer)
    if person is not None and not (must_renew(desk, person, day) or must_agree(desk, person)):
        return check_in_again(desk, volunteer, answers, now)
    if there := _overlapping(desk, volunteer, Stay(), now):
        return [], _duplicate(desk, volunteer, there)
    verdict = rules.judge(desk.campaign, day, answers, consented=consented, known=_for_registration(desk))
    if not verdict.admitted:
        return _refuse(verdict, now, "volunteer")
    personal = {"name": name, "phone_masked": "", "street": None, "community": None}
    agreed = _agreed(desk, day, (), consents=True)
    data = {"answers": {}, "agreed": agreed, "home_station": visitor.station}
    registered = Draft("registered", now, "lead", volunteer, data=data, personal=personal)
    return _open_visit(desk, [registered], Stay(), volunteer, verdict, (None, None), now, badge_made=True)


def decline(desk: Desk, now: datetime) -> Decision[Admission]:
    """Records that somebody did not consent, and nothing about them."""
    return _refuse(Verdict((desk.campaign.consent_refused.code,), {}, {}), now, "volunteer")


def must_renew(desk: Desk, person: Person, day: date) -> bool:
    """Whether somebody has to register again before they can serve on `day`."""
    if not person.name:
        return True  # they asked to be forgotten; who comes again is somebody new
    if not desk.campaign.in_force(day):
        return False  # they are told so at once, not after they have typed everything
    if person.home_station is not None:
        return False  # that is between them and the station that made their badge
    if must_agree(desk, person):
        return True
    if day - person.registered > rules.RENEWAL:  # only so far ahead was the upper age limit looked at
        return True
    # The birth date is sealed: where another age is asked for than at registration, only the person can tell.
    ages = (clause for clause in desk.campaign.clauses_on(day) if clause.rule == "age")
    return not all(rules.asks_the_same(clause, _clause_before(desk, clause, person.campaign)) for clause in ages)


def must_agree(desk: Desk, person: Person) -> bool:
    """Whether somebody has not agreed here to the texts that are in force: each counts in the version that was read."""
    return not {(consent.id, consent.version) for consent in desk.campaign.consents} <= person.agreed


def known_clauses(desk: Desk, person: Person) -> dict[str, tuple[str, int]]:
    """The clauses that somebody has answered in the very words in which they are asked now."""
    if person.home_station is not None:
        return dict.fromkeys(_for_registration(desk), person.campaign)
    now = {clause.id: clause for clause in desk.campaign.clauses}
    return {
        name: under
        for name, under in person.known.items()
        if name in now and rules.asks_the_same(now[name], _clause_before(desk, now[name], under))
    }


def _clause_before(desk: Desk, clause: Clause, under: tuple[str, int]) -> Clause | None:
    """The clause as it stood in another campaign; None where that is not known any more."""
    then = desk.campaigns.of(*under)
    return next((found for found in then.clauses if found.id == clause.id), None) if then else None


def _duplicate(desk: Desk, volunteer: str, there: Visit) -> Admission:
    ids = tuple(record.id for record in desk.history.records_of(there.id) if record.volunteer)
    issued = desk.history.badge(volunteer)
    return Admission("duplicate", (), volunteer, issued["code"] if issued else None, None, ids)


def _new_number(desk: Desk) -> str:
    while (number := new_volunteer_number(desk.entropy)) in desk.history.people:
        pass
    return number


def _overlapping(desk: Desk, volunteer: str, stay: Stay, now: datetime) -> Visit | None:
    if stay.arrived is None:  # at the screen: whatever a wrong clock has left in the days to come keeps nobody out
        return desk.history.present(volunteer, now)
    left = stay.left or pending_from(stay.arrived)
    spans = desk.history.spans_of(volunteer)
    there = next((span for span in spans if span.start < left and span.end > stay.arrived), None)
    return desk.history.visit(there.visit) if there else None


def _tells_more(
    desk: Desk,
    person: Person,
    application: Application,
    key: str | None,
    home: tuple[str | None, str | None],
    day: date,
) -> bool:
    applicant = application.applicant
    said = (applicant.name, rules.mask_phone(applicant.phone), key, *home)
    asked_once = {clause.id for clause in desk.campaign.clauses_on(day) if clause.asked and not clause.daily}
    return (
        must_renew(desk, person, day)
        or said != (person.name, person.phone_masked, person.key, person.street, person.community)
        or not asked_once <= known_clauses(desk, person).keys()
        or bool(applicant.note)
    )


def _refuse(verdict: Verdict, arrived: datetime, by: str, row_key: str | None = None) -> Decision[Admission]:
    # Nothing about the person is kept: not who, and not how they answered.
    draft = Draft("refused", arrived, by, data={"reasons": list(verdict.reasons)}, row_key=row_key)
    return [draft], Admission("refused", verdict.reasons, None, None, None, (draft.id,))


def _agreed(desk: Desk, day: date, clauses: Container[str], *, consents: bool) -> list[dict[str, Any]]:
    """The texts that were agreed to, with version and hash: of the pledges those in `clauses`, and the consents."""
    pledged = [c for c in desk.campaign.clauses_on(day) if c.kind == "pledged" and c.id in clauses]
    texts: list[Consent | Clause] = [*(desk.campaign.consents if consents else ()), *pledged]
    return [
        {"text": item.id, "version": item.version, "hash": digest({"zh": item.text.zh, "en": item.text.en})}
        for item in texts
    ]


def _only(answers: Mapping[str, str], clauses: Container[str]) -> dict[str, str]:
    return {name: answer for name, answer in answers.items() if name in clauses}


def _for_registration(desk: Desk) -> set[str]:
    """The clauses whose answers stand in a registration: those that are answered once."""
    return {clause.id for clause in desk.campaign.clauses if clause.asked and not clause.daily}


def _registration(
    desk: Desk,
    application: Application,
    volunteer: str,
    key: str | None,
    home: tuple[str | None, str | None],
    verdict: Verdict,
    arrived: datetime,
) -> Draft:
    applicant = application.applicant
    day = service_day(arrived)
    out = rules.ages_out(desk.campaign, day, applicant.born)
    personal: dict[str, Any] = {
        "name": applicant.name,
        "phone_masked": rules.mask_phone(applicant.phone),
        "street": home[0],
        "community": home[1],
        "sealed": desk.keys.seal(
            {
                "phone": applicant.phone,
                "id_type": applicant.id_type,
                "id_number": applicant.id_number,
                "birth_date": applicant.born.isoformat(),
            }
        ),
    }
    optional = {"person": key, "ages_out": out.isoformat() if out else None, "note": applicant.note or None}
    personal |= {name: value for name, value in optional.items() if value is not None}
    once = _for_registration(desk)
    health = _only(verdict.health, once)
    return Draft(
        "registered",
        arrived,
        application.stay.by,
        volunteer,
        data={"answers": _only(verdict.answers, once), "agreed": _agreed(desk, day, once, consents=True)},
        personal=personal,
        health={"answers": health} if health else None,
        row_key=application.stay.row_key,
    )


def _open_visit(
    desk: Desk,
    drafts: list[Draft],
    stay: Stay,
    volunteer: str,
    verdict: Verdict,
    home: tuple[str | None, str | None],
    now: datetime,
    *,
    badge_made: bool = False,
) -> Decision[Admission]:
    """Adds to `drafts` all that a visit opens with, and for back-entry also what it ends with."""
    by, arrived = stay.by, stay.arrived or now
    day = service_day(arrived)
    # What was answered once and stands in no registration (a clause that is new since) stands with the visit.
    person = desk.history.people.get(volunteer)
    once = _for_registration(desk)
    told = once if drafts or person is None else once & known_clauses(desk, person).keys()
    said = {*verdict.answers, *verdict.health} - told
    health = _only(verdict.health, said)
    visit = Draft(
        "checked_in",
        arrived,
        by,
        volunteer,
        data={"answers": _only(verdict.answers, said), "agreed": _agreed(desk, day, said, consents=False)},
        health={"answers": health} if health else None,
        row_key=None if drafts else stay.row_key,
    )
    place = assignment.assign(
        desk.campaign,
        street=home[0],
        community=home[1],
        station_community=desk.community,
        filled=desk.history.filled(arrived) if desk.campaign.posts else {},
        now=arrived,
    )
    placed = {"street": place.street, "community": place.community, "post": place.post, "why": place.why}
    drafts += [visit, Draft("assigned", arrived, by, volunteer, data={"visit": visit.id, **placed, "reason": None})]
    code = None
    if not badge_made and (person is None or person.home_station is None):
        code, issued = _badge(desk, volunteer, arrived, by)
        drafts += issued
    if stay.duty is not None:
        stint = {"visit": visit.id, "duty": stay.duty, "post": place.post}
        drafts.append(Draft("duty_started", arrived, by, volunteer, data=stint))
    if stay.left is not None:
        if stay.duty is not None:
            end = {"visit": visit.id, "start": drafts[-1].id}
            drafts.append(Draft("duty_ended", stay.left, by, volunteer, data=end))
        out = {"visit": visit.id, "late": False, "reason": None}
        drafts.append(Draft("checked_out", stay.left, by, volunteer, data=out))
    ids = tuple(draft.id for draft in drafts)
    made = any(draft.type == "badge_issued" for draft in drafts)
    return drafts, Admission("admitted", (), volunteer, code, place, ids, made)


def _badge(desk: Desk, volunteer: str, arrived: datetime, by: str) -> tuple[str, list[Draft]]:
    issued = desk.badge_of(volunteer)
    day = service_day(arrived)
    if issued and issued["expires"] >= day.isoformat() and issued["campaign"] == desk.campaign.id:
        return issued["code"], []
    expires = desk.campaign.last or day + badge.NO_END
    serial = desk.revoked_up_to(volunteer) + 1
    made = badge.Badge(desk.station, volunteer, desk.campaign.id, expires, serial)
    code = badge.issue(made, desk.keys.sign)
    data = {"code": code, "serial": serial, "expires": expires.isoformat()}
    return code, [Draft("badge_issued", arrived, by, volunteer, data=data)]
