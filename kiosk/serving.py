"""On site, and the lead's word on it: duties, leaving, late sign-out, corrections.

Functions of the log so far: what is known in, the facts to write and what to tell out. Those that concern a visit tell
its id. They write nothing themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import asdict, replace

from kiosk import badge, rules
from kiosk.desk import Decision, Desk
from kiosk.errors import NotPossible
from kiosk.i18n import _
from kiosk.records import Draft, Record, timestamp
from kiosk.visits import Visit, corrected_times, visit_from


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
    visit = _not_voided(desk, visit_id)
    if visit.checked_out is not None:
        raise NotPossible(_("This visit is signed out already."))
    _demand(reason)
    others = [span.start for span in desk.history.spans_of(visit.volunteer) if span.start > visit.checked_in]
    if not visit.last < left <= min([now, *others]):
        raise rules.invalid("time_invalid")
    data = {"visit": visit_id, "late": True, "reason": reason.strip()}
    out = Draft("checked_out", left, "lead", visit.volunteer, data=data)
    return [*_ending(visit, left, "lead"), out], visit_id


_TIMED = ("checked_in", "duty_started", "duty_ended", "checked_out")


def moments(records: Sequence[Record]) -> list[tuple[datetime, list[Record]]]:
    """The moments of a visit that have a time, in the order of the log, after correction, with the records of each.

    What happened in one act has one time: a change of duty is an end and a start, a sign-out ends the duty too.

    Args:
        records: of a visit, in the order of the log.
    """
    voided = {record["target"] for record in records if record.type == "voided"}
    times = corrected_times(records)
    found: list[tuple[datetime, list[Record]]] = []
    for record in records:
        if record.type not in _TIMED or record.id in voided:
            continue
        when = times.get(record.id, record.occurred)
        if found and found[-1][0] == when:
            found[-1][1].append(record)
        else:
            found.append((when, [record]))
    return found


def correct(desk: Desk, visit_id: str, record_id: str, occurred: datetime, reason: str, now: datetime) -> Decision[str]:
    """Changes when something happened, by another fact that keeps both times.

    What happened at the same moment moves along. A time within the minute of the event before or after stands for that
    moment, since people see and type whole minutes.

    Raises:
        InvalidInput: `time_invalid` if the visit's events would come out of order, lie in the future, or share time
            with another visit of the same person.
        NotPossible: if there is no such event in the visit, it was voided, the time is the one that is recorded, or no
            reason is given.
    """
    visit = _not_voided(desk, visit_id)
    _demand(reason)
    records = desk.history.records_of(visit_id)
    events = moments(records)
    place = next((place for place, (_when, group) in enumerate(events) if record_id in [r.id for r in group]), None)
    if place is None:
        raise NotPossible(_("This visit has no such record."))
    if place and _same_minute(occurred, events[place - 1][0]):
        occurred = events[place - 1][0]
    elif place + 1 < len(events) and _same_minute(occurred, events[place + 1][0]):
        occurred = events[place + 1][0]
    if occurred == events[place][0]:
        raise NotPossible(_("This time is recorded already."))
    drafts = [
        Draft(
            "corrected",
            now,
            "lead",
            visit.volunteer,
            data={
                "visit": visit_id,
                "target": target.id,
                "changes": {"occurred": [target["occurred"], timestamp(occurred)]},
                "reason": reason.strip(),
            },
        )
        for target in events[place][1]
    ]
    after = visit_from([*records, *(_pretended(records[0], draft) for draft in drafts)])
    overlaps = _shares_time(desk, after, now) and not _shares_time(desk, visit, now)
    if occurred > now or (after.clock and not visit.clock) or overlaps:
        raise rules.invalid("time_invalid")
    return drafts, visit_id


def void(desk: Desk, visit_id: str, reason: str, now: datetime) -> Decision[str]:
    """Declares that a visit did not take place.

    Raises:
        NotPossible: if it was voided before, or no reason is given.
    """
    visit = _not_voided(desk, visit_id)
    _demand(reason)
    data = {"visit": visit_id, "target": visit_id, "reason": reason.strip()}
    return [Draft("voided", now, "lead", visit.volunteer, data=data)], visit_id


def reassign(desk: Desk, visit_id: str, community: str, reason: str, now: datetime) -> Decision[str]:
    """Sends a volunteer elsewhere; the history stays.

    Raises:
        NotPossible: if the visit was voided, they serve there already, or no reason is given.
        KeyError: if there is no such community.
    """
    visit = _not_voided(desk, visit_id)
    _demand(reason)
    place = desk.campaign.community_of(community)
    if (visit.street, visit.community, visit.post) == (place.street, place.code, None):
        raise NotPossible(_("This volunteer serves there already."))
    data = {"visit": visit_id, "street": place.street, "community": place.code, "post": None, "why": "lead"}
    draft = Draft("assigned", now, "lead", visit.volunteer, data={**data, "reason": reason.strip()})
    return [draft], visit_id


class Printing(Struct, frozen=True):
    """What became of the order to print a badge.

    Attributes:
        order: the order's id, which becomes the record's: what is told twice is recorded once.
        volunteer: the volunteer number.
        serial: the badge's.
        outcome: `printed` or `given_up`.
        copies: how many were printed, as far as the printer said.
        printer, paper: the kind of printer and the paper's name; None where there was no printer.
        reprint: whether it was printed before.
        reason: the code of the last failure, if there was one.
    """

    order: str
    volunteer: str
    serial: int
    outcome: str
    copies: int
    printer: str | None
    paper: str | None
    reprint: bool
    reason: str | None


def note_printing(desk: Desk, printing: Printing, now: datetime) -> Decision[str]:
    """Records what became of the order to print a badge, once, whenever that is told."""
    if any(record.id == printing.order for record in desk.history.records_about(printing.volunteer)):
        return [], printing.volunteer
    data = asdict(printing)
    del data["order"], data["volunteer"]
    return [
        Draft("badge_printed", now, "station", printing.volunteer, data=data, id=printing.order)
    ], printing.volunteer


def reveal(desk: Desk, volunteer: str, reason: str, now: datetime, *, whole: bool = False) -> Decision[str]:
    """Records that the lead is going to see a volunteer's whole phone number, or the `whole` record with them.

    Raises:
        NotPossible: if no reason is given.
    """
    _demand(reason)
    data = {"reason": reason.strip(), **({"whole": True} if whole else {})}
    return [Draft("phone_revealed", now, "lead", volunteer, data=data)], volunteer


def seal_again(desk: Desk, sealed: Iterable[tuple[str, str, str]], now: datetime) -> Decision[int]:
    """Records what was sealed to the lead alone, sealed to headquarters, too.

    Args:
        desk: the desk.
        sealed: volunteer, the id of the record that holds it for the lead, and the new ciphertext.
        now: the time (aware).
    """
    drafts = [
        Draft("sealed_again", now, "lead", volunteer, data={"target": target}, personal={"sealed": ciphertext})
        for volunteer, target, ciphertext in sealed
    ]
    return drafts, len(drafts)


def forget(desk: Desk, volunteer: str, reason: str, now: datetime) -> Decision[str]:
    """Records that whatever is personal about a volunteer is taken out of all records so far; hours and numbers stay.

    Raises:
        NotPossible: if the log does not name that volunteer.
    """
    if not desk.history.is_named(volunteer):
        raise NotPossible(_("Nobody here has the number {number}.").format(number=volunteer))
    data = {"objects": ["personal", "health"], "reason": reason.strip()}
    return [Draft("forgotten", now, "lead", volunteer, data=data)], volunteer


def purge(desk: Desk, ended: Sequence[str], reason: str, now: datetime) -> Decision[Sequence[str]]:
    """Records that the health answers of everybody are taken out that were given under campaigns that have ended."""
    data = {"objects": ["health"], "reason": reason.strip(), "ended": list(ended)}
    return [Draft("forgotten", now, "lead", None, data=data)] if ended else [], ended


def revoke_badge(desk: Desk, volunteer: str, reason: str, now: datetime) -> Decision[str]:
    """Makes the volunteer's badge worthless from now on.

    Raises:
        NotPossible: if the number has no badge.
    """
    if volunteer not in desk.history.badges:
        raise NotPossible(_("The number {number} has no badge.").format(number=volunteer))
    issued = desk.history.badge(volunteer)
    if issued is None:
        return [], volunteer
    if issued["serial"] >= badge.LAST_SERIAL:
        raise NotPossible(_("This volunteer has had 255 badges. Please register them anew."))
    data = {"serial": issued["serial"], "reason": reason.strip()}
    return [Draft("badge_revoked", now, "lead", volunteer, data=data)], volunteer


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


def _not_voided(desk: Desk, visit_id: str) -> Visit:
    visit = desk.history.visit(visit_id)
    if visit.voided:
        raise NotPossible(_("This visit was voided. It cannot be changed any more."))
    return visit


def _same_minute(one: datetime, other: datetime) -> bool:
    return one.replace(second=0, microsecond=0) == other.replace(second=0, microsecond=0)


def _pretended(record: Record, correction: Draft) -> Record:
    return replace(record, document={**record.document, **correction.data}, type=correction.type)


def _shares_time(desk: Desk, visit: Visit, now: datetime) -> bool:
    """Whether a visit would share time with another one of the same person.

    One that goes on lasts until now; of one without sign-out only its last event is known, and the late sign-out will
    have to be before the next check-in.
    """
    for other in desk.history.visits_of(visit.volunteer):
        if other.id == visit.id:
            continue
        earlier, later = sorted((visit, other), key=lambda each: each.checked_in)
        ends = earlier.checked_out or (now if earlier.present(now) else earlier.last)
        if ends > later.checked_in:
            return True
    return False
