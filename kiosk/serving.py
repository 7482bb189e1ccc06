"""On site, and the lead's word on it: duties, leaving, late sign-out, corrections.

Functions of the log so far: what is known in, the facts to write and what to tell out. Those that concern a visit tell
its id. They write nothing themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from kiosk import badge, rules
from kiosk.desk import Decision, Desk
from kiosk.errors import NotPossible
from kiosk.i18n import _
from kiosk.records import Draft, Record, timestamp
from kiosk.roster import Visit, visit_from


def start_duty(desk: Desk, volunteer: str, duty: str, by: str, now: datetime) -> Decision[str]:
    """Puts a volunteer on a duty; the one before it, if any, ends at the same moment.

    Raises:
        NotPossible: if they are not checked in, are on that duty already, or there is no such duty.
    """
    visit = _present(desk, volunteer, now)
    if all(duty != known.id for known in desk.campaign.duties):
        raise NotPossible(_("There is no such duty."))
    if visit.stint and visit.stint.duty == duty:
        raise NotPossible(_("You are on this duty already."))
    start = {"visit": visit.id, "duty": duty, "post": visit.post}
    return [*_ending(visit, now, by), Draft("duty_started", now, by, volunteer, data=start)], visit.id


def end_duty(desk: Desk, volunteer: str, by: str, now: datetime) -> Decision[str]:
    """Takes a volunteer off their duty; they stay checked in.

    Raises:
        NotPossible: if they are on no duty.
    """
    visit = _present(desk, volunteer, now)
    drafts = _ending(visit, now, by)
    if not drafts:
        raise NotPossible(_("You are on no duty now."))
    return drafts, visit.id


def check_out(desk: Desk, volunteer: str, by: str, now: datetime) -> Decision[str]:
    """Ends the visit, and the duty that is going on.

    Raises:
        NotPossible: if they are not checked in.
    """
    visit = _present(desk, volunteer, now)
    data = {"visit": visit.id, "late": False, "reason": None}
    return [*_ending(visit, now, by), Draft("checked_out", now, by, volunteer, data=data)], visit.id


def sign_out_late(desk: Desk, visit_id: str, left: datetime, reason: str, now: datetime) -> Decision[str]:
    """Enters afterwards when somebody left who did not sign out.

    Raises:
        InvalidInput: `time_invalid` if `left` is before the visit's last event, in the future, or after the same
            person's next check-in.
        NotPossible: if the visit is closed, or no reason is given.
    """
    visit = desk.history.visit(visit_id)
    if visit.checked_out is not None or visit.voided:
        raise NotPossible(_("This visit is signed out already."))
    _demand(reason)
    others = [v.checked_in for v in desk.history.visits_of(visit.volunteer) if v.checked_in > visit.checked_in]
    if not visit.last < left <= min([now, *others]):
        raise rules.invalid("time_invalid")
    data = {"visit": visit_id, "late": True, "reason": reason.strip()}
    out = Draft("checked_out", left, "lead", visit.volunteer, data=data)
    return [*_ending(visit, left, "lead"), out], visit_id


def correct(desk: Desk, visit_id: str, record_id: str, occurred: datetime, reason: str, now: datetime) -> Decision[str]:
    """Changes when something happened, by another fact that keeps both times.

    Raises:
        InvalidInput: `time_invalid` if the visit's events would come out of order, or lie in the future.
        NotPossible: if there is no such record in the visit, or no reason is given.
    """
    _demand(reason)
    records = {record.id: record for record in desk.history.records_of(visit_id)}
    if record_id not in records:
        raise NotPossible(_("This visit has no such record."))
    target = records[record_id]
    data = {
        "visit": visit_id,
        "target": record_id,
        "changes": {"occurred": [target["occurred"], timestamp(occurred)]},
        "reason": reason.strip(),
    }
    draft = Draft("corrected", now, "lead", target.volunteer, data=data)
    if occurred > now or not _in_order([*records.values()], draft):
        raise rules.invalid("time_invalid")
    return [draft], visit_id


def void(desk: Desk, visit_id: str, reason: str, now: datetime) -> Decision[None]:
    """Declares that a visit did not take place.

    Raises:
        NotPossible: if no reason is given.
    """
    _demand(reason)
    visit = desk.history.visit(visit_id)
    data = {"visit": visit_id, "target": visit_id, "reason": reason.strip()}
    return [Draft("voided", now, "lead", visit.volunteer, data=data)], None


def reassign(desk: Desk, visit_id: str, community: str, reason: str, now: datetime) -> Decision[str]:
    """Sends a volunteer elsewhere; the history stays.

    Raises:
        NotPossible: if no reason is given.
        KeyError: if there is no such community.
    """
    _demand(reason)
    visit = desk.history.visit(visit_id)
    place = desk.campaign.community_of(community)
    data = {"visit": visit_id, "street": place.street, "community": place.code, "post": None, "why": "lead"}
    draft = Draft("assigned", now, "lead", visit.volunteer, data={**data, "reason": reason.strip()})
    return [draft], visit_id


def revoke_badge(desk: Desk, volunteer: str, reason: str, now: datetime) -> Decision[None]:
    """Makes the volunteer's badge worthless from now on.

    Raises:
        NotPossible: if the number has no badge.
    """
    if volunteer not in desk.history.badges:
        raise NotPossible(_("The number {number} has no badge.").format(number=volunteer))
    issued = desk.history.badge(volunteer)
    if issued is None:
        return [], None
    if issued["serial"] >= badge.LAST_SERIAL:
        raise NotPossible(_("This volunteer has had 255 badges. Please register them anew."))
    data = {"serial": issued["serial"], "reason": reason.strip()}
    return [Draft("badge_revoked", now, "lead", volunteer, data=data)], None


def _present(desk: Desk, volunteer: str, now: datetime) -> Visit:
    visit = desk.history.present(volunteer, now)
    if visit is None:
        raise NotPossible(_("You are not checked in. Please check in first."))
    return visit


def _ending(visit: Visit, now: datetime, by: str) -> list[Draft]:
    stint = visit.stint
    if stint is None:
        return []
    return [Draft("duty_ended", now, by, visit.volunteer, data={"visit": visit.id, "start": stint.id})]


def _demand(reason: str) -> None:
    if not reason.strip():
        raise NotPossible(_("Please enter a reason."))


def _in_order(records: Sequence[Record], correction: Draft) -> bool:
    pretended = replace(
        records[0],
        document={**records[0].document, **correction.data},
        type=correction.type,
    )
    return not visit_from([*records, pretended]).clock or visit_from(records).clock
