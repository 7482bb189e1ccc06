"""What can happen at a station: check in, refuse, start and end a duty, check out, sign out late, correct, revoke.

Each is a function of the log so far and one write, all or nothing: read the state, decide, write, under one lock, so
that two fast scans cannot both succeed. The screens and `kiosk import` both call it. It must not know of either.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from kiosk import assignment, badge, rules
from kiosk.assignment import Assignment
from kiosk.campaign import Campaign, Clause, Consent, read_bundle
from kiosk.errors import CampaignError, NotPossible, NotSaved
from kiosk.i18n import _
from kiosk.keys import Keys
from kiosk.records import (
    SHANGHAI,
    Draft,
    Record,
    digest,
    new_volunteer_number,
    parse_volunteer_number,
    service_day,
    timestamp,
)
from kiosk.roster import Entry, History, Person, Visit, minutes, roster, visit_from
from kiosk.rules import Application, Stay, Verdict
from kiosk.segments import read_all
from kiosk.settings import read_settings
from kiosk.store import Store

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")
Clock = Callable[[], datetime]


def _as_it_is(outcome: T) -> T:
    return outcome


def system_clock() -> datetime:
    """The time of the machine."""
    return datetime.now(SHANGHAI)


@dataclass(frozen=True, slots=True)
class Admission:
    """What came of an application.

    Attributes:
        outcome: `admitted`, `refused`, or `duplicate` for somebody who is checked in at that time already.
        reasons: the codes of the clauses that are not met.
        volunteer: the volunteer number, unless refused.
        code: the badge's code, when admitted.
        assignment: where they serve, when admitted.
        ids: of the records that say so.
    """

    outcome: str
    reasons: tuple[str, ...]
    volunteer: str | None
    code: str | None
    assignment: Assignment | None
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recognition:
    """Who a scan or a typed number stands for, and their state.

    Attributes:
        refused: why it counts for nothing: one of the badge's reasons, `no_such_number`, or None.
        person: the volunteer, if this station knows them.
        visit: the visit that is going on.
        pending: earlier visits that are 待补签.
        renewal: whether name and birth date are asked for again, since the last registration is too old.
    """

    refused: str | None
    person: Person | None = None
    visit: Visit | None = None
    pending: tuple[Visit, ...] = ()
    renewal: bool = False


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """A visit that has ended, and its minutes."""

    visit: Visit
    minutes: int


def load_campaign(folder: Path, today: date) -> Campaign:
    """The campaign in force at a station: of those in its folder that have begun by `today`, the newest.

    Raises:
        CampaignError: if there is none, or it is wrong.
    """
    bundles = [read_bundle(path) for path in sorted((folder / "campaign").glob("*.json"))]
    if not bundles:
        sentence = _("There is no campaign in {folder}.").format(folder=folder / "campaign")
        raise CampaignError(sentence, file="campaign", entry="folder", field="-")
    # A clock that starts in 1970 must not close the station: then the newest of all has to do.
    begun = [campaign for campaign in bundles if campaign.first <= today] or bundles
    return max(begun, key=lambda campaign: (campaign.first, campaign.version))


def read_history(folder: Path) -> History:
    """The log of a data folder as far as it can be read, without the lock: for whoever only looks."""
    history = History()
    for segment in read_all(folder)[0]:
        for record in segment.records:
            history.add(record)
    return history


class Station:
    """One station, open for writing: its log, campaign, keys and clock.

    The methods block until their records are durable; the screens call them through `run`, which does so in the
    writer's own thread. Views (`roster`, `recognise` ...) answer at once.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock = system_clock,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Opens the station in `folder`.

        Args:
            folder: the data folder.
            clock: gives the time (aware).
            entropy: gives n random bytes, for volunteer numbers, salts and epochs.

        Raises:
            NotSetUp: if there is no station.
            StoreBusy: if another process has it open.
            KioskError: if its settings or campaign are damaged.
        """
        self.folder = folder
        self.settings = read_settings(folder)
        self.campaign = load_campaign(folder, service_day(clock()))
        self.clock = clock
        self.keys = Keys(folder / "keys", folder / "tmp")
        self._entropy = entropy
        self._writing = threading.RLock()
        self._viewing = threading.RLock()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kiosk-writer")
        self._notes: list[Draft] = []
        self._store = Store(
            folder,
            station=self.settings.station,
            epoch=self.settings.epoch,
            save_epoch=self._save_epoch,
            entropy=entropy,
        )
        self.history = History()
        for record in self._store.take_records():
            self.history.add(record)
        self._note_opening()

    @property
    def set_aside(self) -> Sequence[str]:
        """Names of files that could not be read at start and were set aside."""
        return self._store.set_aside

    def close(self) -> None:
        """Waits for the writer and gives the data folder back."""
        self._writer.shutdown()
        self._store.close()

    async def run(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls one of the station's acts in the writer's thread, one at a time, in the order of the calls."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, partial(act, *args, **kwargs))

    def warm_up(self) -> None:
        """Loads what the first check-in needs, so that nobody waits for it and the first screen does not either."""
        self.keys.sign(b"")
        self.keys.seal({})

    def _save_epoch(self, epoch: str) -> None:
        self.settings = self.settings.with_epoch(epoch)
        self.settings.save(self.folder)

    def _note_opening(self) -> None:
        self._note_lost_epoch()
        if self._store.is_new:
            public = self.keys.public.hex()
            self._note("set_up", {"street": self.settings.street, "community": self.settings.community, "key": public})
        if self._notes:
            # A full disk must not keep the station closed; the note goes with the next write.
            with suppress(NotSaved):
                self._write([], self.clock())

    def _note_lost_epoch(self) -> None:
        lost = self._store.lost_epoch()
        if lost and all(draft.data["note"] != "new_epoch" for draft in self._notes):
            epoch, seq = lost
            self._note("new_epoch", {"epoch": epoch, "last_seq": seq, "set_aside": list(self.set_aside)})

    def _note(self, note: str, details: Mapping[str, Any]) -> None:
        data = {"note": note, "details": dict(details)}
        self._notes.append(Draft("station_noted", self.clock(), "station", data=data))

    # --- the one way to write ---------------------------------------------------------------------------------------

    def _act(self, decide: Callable[[datetime], tuple[list[Draft], T]], then: Callable[[T], R]) -> R:
        """Reads the state, decides and writes in one step; `then` makes of what was decided what the caller is told."""
        with self._writing:
            now = self.clock()
            self._settle()
            drafts, outcome = decide(now)
            try:
                self._write(drafts, now)
            except NotSaved as error:
                raise NotSaved(str(error), drafts, partial(then, outcome)) from error
            return then(outcome)

    def _settle(self) -> None:
        """Takes in what a failed write left on the disk, and whether the log could go on after it."""
        self._fold(self._store.settle())
        self._note_lost_epoch()

    def _write(self, drafts: Sequence[Draft], now: datetime) -> None:
        everything = [*self._notes, *drafts]
        if everything:
            records = self._store.append(everything, at=now, campaign=(self.campaign.id, self.campaign.version))
            self._notes.clear()
            self._fold(self._store.settle())
            self._fold(records)

    def _fold(self, records: Sequence[Record]) -> None:
        with self._viewing:
            for record in records:
                self.history.add(record)

    def retry(self, failure: NotSaved) -> Any:
        """Writes again what could not be saved, under the same ids, and returns what the act would have returned.

        Raises:
            NotSaved: if it fails again.
        """
        with self._writing:
            self._settle()
            try:
                self._write(failure.drafts, self.clock())
            except NotSaved as error:
                raise NotSaved(str(error), failure.drafts, failure.outcome) from error
            return failure.outcome()

    # --- the lead's PIN ---------------------------------------------------------------------------------------------

    def check_pin(self, pin: str) -> bool:
        """Whether `pin` is the lead's; while the lead has to wait, no PIN is."""
        return self.keys.check_pin(pin, self.clock())

    def pin_wait(self) -> timedelta:
        """How long the lead has to wait before the next try."""
        return self.keys.pin_wait(self.clock())

    # --- views ------------------------------------------------------------------------------------------------------

    def today(self) -> date:
        """The service day of now."""
        return service_day(self.clock())

    def roster(self, day: date | None = None) -> list[Entry]:
        """The roster of a day, today's by default."""
        with self._viewing:
            return roster(self.history, day or self.today(), self.clock())

    def visit(self, volunteer: str) -> Visit | None:
        """The visit of a volunteer that is going on."""
        with self._viewing:
            return self.history.present(volunteer, self.clock())

    def directory(self) -> dict[str, bytes]:
        """The public keys of the stations whose badges count here, by station id."""
        return {self.settings.station: self.keys.public}

    def recognise(self, scanned: str) -> Recognition:
        """Who a scanned code or a typed number stands for."""
        now = self.clock()
        volunteer = parse_volunteer_number(scanned)
        if volunteer is None and badge.looks_like_code(scanned):
            checked = badge.check(
                scanned.strip().upper(),
                directory=self.directory(),
                campaign=self.campaign.id,
                today=service_day(now),
                revoked=self.history.revoked,
            )
            # A badge that has run out still says who this is; the daily questions decide, and a new one is made.
            if checked.reason not in (None, "expired") or checked.badge is None:
                return Recognition(checked.reason)
            volunteer = checked.badge.volunteer
        with self._viewing:
            person = self.history.people.get(volunteer) if volunteer else None
            if volunteer is None or person is None:
                return Recognition("no_such_number")
            return Recognition(
                None,
                person,
                self.history.present(volunteer, now),
                tuple(self.history.pending(volunteer, now)),
                self._must_renew(person, service_day(now)),
            )

    def _must_renew(self, person: Person, day: date) -> bool:
        # Only so far ahead was the upper age limit looked at; and a consent counts for the text that was read.
        wanted = {(consent.id, consent.version) for consent in self.campaign.consents}
        return day - person.registered > rules.RENEWAL or not wanted <= set(person.agreed)

    def badge_code(self, volunteer: str) -> str | None:
        """The badge's code that was issued last, unless it was revoked."""
        with self._viewing:
            issued = self.history.badge(volunteer)
            return str(issued["code"]) if issued else None

    # --- arriving ---------------------------------------------------------------------------------------------------

    def person_key(self, applicant: rules.Applicant) -> str | None:
        """By what the station recognises an applicant's ID number; None without one. Takes some 25 ms, on purpose."""
        return self.keys.person(rules.document_key(applicant)) if applicant.id_number else None

    def check_in(self, application: Application, *, key: str | None = None) -> Admission:
        """Holds an application against the clauses and, if they are met, opens a visit: one write.

        Somebody whom the station knows keeps their number; somebody who is checked in at that time is a `duplicate`.

        Args:
            application: what the person said.
            key: their `person_key`, where it was computed ahead.

        Raises:
            NotSaved: if it could not be made durable.
        """
        key = key or self.person_key(application.applicant)
        return self._act(partial(self._decide, application, key), _as_it_is)

    def _decide(self, application: Application, key: str | None, now: datetime) -> tuple[list[Draft], Admission]:
        applicant, stay = application.applicant, application.stay
        if stay.row_key is not None and stay.row_key in self.history.rows:
            ids = self.history.rows[stay.row_key]
            first = self.history.row_volunteers[stay.row_key]
            return [], Admission("duplicate", (), first, None, None, tuple(ids))
        arrived = stay.arrived or now
        day = service_day(arrived)
        masked = rules.mask_phone(applicant.phone)
        known = self.history.same_person(applicant.name, masked, key)
        if known is not None and (there := self._overlapping(known, arrived, stay.left)):
            ids = [record.id for record in self.history.records_of(there.id)]
            return [], Admission("duplicate", (), known, None, None, tuple(ids))
        verdict = rules.judge(
            self.campaign, day, application.answers, consented=application.consented, born=applicant.born
        )
        if not verdict.admitted:
            return self._refuse(verdict, arrived, stay.by, stay.row_key)
        volunteer = known or self._new_number()
        person = self.history.people.get(volunteer)
        home = (applicant.street, applicant.community)
        if person is not None:
            # Who says less than the last time has not unsaid it.
            key = key or person.key
            home = home if applicant.street else (person.street, person.community)
        drafts: list[Draft] = []
        if person is None or self._tells_more(person, application, key, home, day):
            drafts.append(self._registration(application, volunteer, key, home, verdict, arrived))
        return self._open_visit(drafts, stay, volunteer, verdict, home, now)

    def _new_number(self) -> str:
        while (number := new_volunteer_number(self._entropy)) in self.history.people:
            pass
        return number

    def _overlapping(self, volunteer: str, start: datetime, end: datetime | None) -> Visit | None:
        return next((visit for visit in self.history.visits_of(volunteer) if visit.overlaps(start, end)), None)

    def _tells_more(
        self,
        person: Person,
        application: Application,
        key: str | None,
        home: tuple[str | None, str | None],
        day: date,
    ) -> bool:
        applicant = application.applicant
        said = (applicant.name, rules.mask_phone(applicant.phone), key, *home)
        asked_once = {clause.id for clause in self.campaign.clauses_on(day) if clause.asked and not clause.daily}
        return (
            self._must_renew(person, day)
            or said != (person.name, person.phone_masked, person.key, person.street, person.community)
            or not asked_once <= person.known
            or bool(applicant.note)
        )

    def _refuse(
        self, verdict: Verdict, arrived: datetime, by: str, row_key: str | None = None
    ) -> tuple[list[Draft], Admission]:
        # Nothing about the person is kept: not who, and not how they answered.
        draft = Draft("refused", arrived, by, data={"reasons": list(verdict.reasons)}, row_key=row_key)
        return [draft], Admission("refused", verdict.reasons, None, None, None, (draft.id,))

    def _agreed(self, day: date, *, once: bool) -> list[dict[str, Any]]:
        """The texts that were agreed to: consents and pledges, with version and hash."""
        pledged = [c for c in self.campaign.clauses_on(day) if c.kind == "pledged" and c.daily is not once]
        texts: list[Consent | Clause] = [*(self.campaign.consents if once else ()), *pledged]
        return [
            {"text": item.id, "version": item.version, "hash": digest({"zh": item.text.zh, "en": item.text.en})}
            for item in texts
        ]

    def _once(self, answers: Mapping[str, str], *, once: bool) -> dict[str, str]:
        daily = {clause.id for clause in self.campaign.clauses if clause.daily or not clause.asked}
        return {name: answer for name, answer in answers.items() if (name not in daily) is once}

    def _registration(
        self,
        application: Application,
        volunteer: str,
        key: str | None,
        home: tuple[str | None, str | None],
        verdict: Verdict,
        arrived: datetime,
    ) -> Draft:
        applicant = application.applicant
        day = service_day(arrived)
        out = rules.ages_out(self.campaign, day, applicant.born)
        personal: dict[str, Any] = {
            "name": applicant.name,
            "phone_masked": rules.mask_phone(applicant.phone),
            "street": home[0],
            "community": home[1],
            "sealed": self.keys.seal(
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
        health = self._once(verdict.health, once=True)
        return Draft(
            "registered",
            arrived,
            application.stay.by,
            volunteer,
            data={"answers": self._once(verdict.answers, once=True), "agreed": self._agreed(day, once=True)},
            personal=personal,
            health={"answers": health} if health else None,
            row_key=application.stay.row_key,
        )

    def _open_visit(
        self,
        drafts: list[Draft],
        stay: Stay,
        volunteer: str,
        verdict: Verdict,
        home: tuple[str | None, str | None],
        now: datetime,
    ) -> tuple[list[Draft], Admission]:
        """Adds to `drafts` all that a visit opens with, and for back-entry also what it ends with."""
        by, arrived = stay.by, stay.arrived or now
        day = service_day(arrived)
        health = self._once(verdict.health, once=False)
        visit = Draft(
            "checked_in",
            arrived,
            by,
            volunteer,
            data={"answers": self._once(verdict.answers, once=False), "agreed": self._agreed(day, once=False)},
            health={"answers": health} if health else None,
            row_key=None if drafts else stay.row_key,
        )
        place = assignment.assign(
            self.campaign,
            street=home[0],
            community=home[1],
            station_community=self.settings.community,
            filled=self.history.filled(day, now),
            now=arrived,
        )
        placed = {"street": place.street, "community": place.community, "post": place.post, "why": place.why}
        drafts += [visit, Draft("assigned", arrived, by, volunteer, data={"visit": visit.id, **placed, "reason": None})]
        code, issued = self._badge(volunteer, arrived, by)
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
        return drafts, Admission("admitted", (), volunteer, code, place, ids)

    def _badge(self, volunteer: str, arrived: datetime, by: str) -> tuple[str, list[Draft]]:
        issued = self.history.badge(volunteer)
        day = service_day(arrived)
        if issued and issued["expires"] >= day.isoformat():
            return issued["code"], []
        expires = self.campaign.last or day + badge.NO_END
        serial = self.history.revoked.get(volunteer, 0) + 1
        made = badge.Badge(self.settings.station, volunteer, self.campaign.id, expires, serial)
        code = badge.issue(made, self.keys.sign)
        data = {"code": code, "serial": serial, "expires": expires.isoformat()}
        return code, [Draft("badge_issued", arrived, by, volunteer, data=data)]

    def decline(self) -> Admission:
        """Records that somebody did not consent, and nothing about them.

        Raises:
            NotSaved: if it could not be made durable.
        """
        code = self.campaign.consent_refused.code
        return self._act(lambda now: self._refuse(Verdict((code,), {}, {}), now, "volunteer"), _as_it_is)

    def check_in_again(self, volunteer: str, answers: Mapping[str, str]) -> Admission:
        """Opens a visit for a volunteer whom the station knows, after the questions of the day: one write.

        Raises:
            NotPossible: if nobody has that number, or their registration has to be renewed.
            NotSaved: if it could not be made durable.
        """

        def decide(now: datetime) -> tuple[list[Draft], Admission]:
            person = self._person(volunteer)
            day = service_day(now)
            if self._must_renew(person, day):
                raise NotPossible(_("Please register again: the last registration is over a year old."))
            if there := self._overlapping(volunteer, now, None):
                ids = tuple(record.id for record in self.history.records_of(there.id))
                return [], Admission("duplicate", (), volunteer, self.badge_code(volunteer), None, ids)
            verdict = rules.judge(
                self.campaign, day, answers, consented=True, ages_out=person.ages_out, known=person.known
            )
            if not verdict.admitted:
                return self._refuse(verdict, now, "volunteer")
            home = (person.street, person.community)
            return self._open_visit([], Stay(), volunteer, verdict, home, now)

        return self._act(decide, _as_it_is)

    def _person(self, volunteer: str) -> Person:
        person = self.history.people.get(volunteer)
        if person is None:
            raise NotPossible(_("Nobody here has the number {number}.").format(number=volunteer))
        return person

    # --- on duty ----------------------------------------------------------------------------------------------------

    def _present(self, volunteer: str, now: datetime) -> Visit:
        visit = self.history.present(volunteer, now)
        if visit is None:
            raise NotPossible(_("You are not checked in. Please check in first."))
        return visit

    def _ending(self, visit: Visit, now: datetime, by: str) -> list[Draft]:
        stint = visit.stint
        if stint is None:
            return []
        return [Draft("duty_ended", now, by, visit.volunteer, data={"visit": visit.id, "start": stint.id})]

    def start_duty(self, volunteer: str, duty: str, *, by: str = "volunteer") -> Visit:
        """Puts a volunteer on a duty; the one before it, if any, ends at the same moment: one write.

        Raises:
            NotPossible: if they are not checked in, are on that duty already, or there is no such duty.
            NotSaved: if it could not be made durable.
        """

        def decide(now: datetime) -> tuple[list[Draft], str]:
            visit = self._present(volunteer, now)
            if all(duty != known.id for known in self.campaign.duties):
                raise NotPossible(_("There is no such duty."))
            if visit.stint and visit.stint.duty == duty:
                raise NotPossible(_("You are on this duty already."))
            start = {"visit": visit.id, "duty": duty, "post": visit.post}
            return [*self._ending(visit, now, by), Draft("duty_started", now, by, volunteer, data=start)], visit.id

        return self._act(decide, self._after)

    def end_duty(self, volunteer: str, *, by: str = "volunteer") -> Visit:
        """Takes a volunteer off their duty; they stay checked in.

        Raises:
            NotPossible: if they are on no duty.
            NotSaved: if it could not be made durable.
        """

        def decide(now: datetime) -> tuple[list[Draft], str]:
            visit = self._present(volunteer, now)
            drafts = self._ending(visit, now, by)
            if not drafts:
                raise NotPossible(_("You are on no duty now."))
            return drafts, visit.id

        return self._act(decide, self._after)

    def check_out(self, volunteer: str, *, by: str = "volunteer") -> CheckedOut:
        """Ends the visit, and the duty that is going on: one write.

        Raises:
            NotPossible: if they are not checked in.
            NotSaved: if it could not be made durable.
        """

        def decide(now: datetime) -> tuple[list[Draft], str]:
            visit = self._present(volunteer, now)
            data = {"visit": visit.id, "late": False, "reason": None}
            return [*self._ending(visit, now, by), Draft("checked_out", now, by, volunteer, data=data)], visit.id

        return self._act(decide, self._counted)

    def _after(self, visit_id: str) -> Visit:
        with self._viewing:
            return self.history.visit(visit_id)

    def _counted(self, visit_id: str) -> CheckedOut:
        with self._viewing:
            visit = self.history.visit(visit_id)
            day = visit.day
            near = [v for v in self.history.visits_of(visit.volunteer) if abs(v.day - day) <= timedelta(days=1)]
            return CheckedOut(visit, minutes(near, self.clock())[visit_id] or 0)

    # --- the lead's word --------------------------------------------------------------------------------------------

    def sign_out_late(self, visit_id: str, left: datetime, reason: str) -> CheckedOut:
        """Enters afterwards when somebody left who did not sign out: one write.

        Raises:
            InvalidInput: `time_invalid` if `left` is before the visit's last event, in the future, or after the same
                person's next check-in.
            NotPossible: if the visit is closed, or no reason is given.
            NotSaved: if it could not be made durable.
        """

        def decide(now: datetime) -> tuple[list[Draft], str]:
            visit = self.history.visit(visit_id)
            if visit.checked_out is not None or visit.voided:
                raise NotPossible(_("This visit is signed out already."))
            self._demand(reason)
            others = [v.checked_in for v in self.history.visits_of(visit.volunteer) if v.checked_in > visit.checked_in]
            if not visit.last < left <= min([now, *others]):
                raise rules.invalid("time_invalid")
            data = {"visit": visit_id, "late": True, "reason": reason.strip()}
            out = Draft("checked_out", left, "lead", visit.volunteer, data=data)
            return [*self._ending(visit, left, "lead"), out], visit_id

        return self._act(decide, self._counted)

    def _demand(self, reason: str) -> None:
        if not reason.strip():
            raise NotPossible(_("Please enter a reason."))

    def correct(self, visit_id: str, record_id: str, occurred: datetime, reason: str) -> Visit:
        """Changes when something happened, by another fact that keeps both times.

        Raises:
            InvalidInput: `time_invalid` if the visit's events would come out of order, or lie in the future.
            NotPossible: if there is no such record in the visit, or no reason is given.
            NotSaved: if it could not be made durable.
        """

        def decide(now: datetime) -> tuple[list[Draft], str]:
            self._demand(reason)
            records = {record.id: record for record in self.history.records_of(visit_id)}
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
            if occurred > now or not self._in_order([*records.values()], draft):
                raise rules.invalid("time_invalid")
            return [draft], visit_id

        return self._act(decide, self._after)

    def _in_order(self, records: Sequence[Record], correction: Draft) -> bool:
        pretended = replace(
            records[0],
            document={**records[0].document, **correction.data},
            type=correction.type,
        )
        return not visit_from([*records, pretended]).clock or visit_from(records).clock

    def void(self, visit_id: str, reason: str) -> None:
        """Declares that a visit did not take place.

        Raises:
            NotPossible: if no reason is given.
            NotSaved: if it could not be made durable.
        """

        def decide(now: datetime) -> tuple[list[Draft], None]:
            self._demand(reason)
            visit = self.history.visit(visit_id)
            data = {"visit": visit_id, "target": visit_id, "reason": reason.strip()}
            return [Draft("voided", now, "lead", visit.volunteer, data=data)], None

        self._act(decide, _as_it_is)

    def reassign(self, visit_id: str, community: str, reason: str) -> Visit:
        """Sends a volunteer elsewhere; the history stays.

        Raises:
            NotPossible: if no reason is given.
            KeyError: if there is no such community.
            NotSaved: if it could not be made durable.
        """

        def decide(now: datetime) -> tuple[list[Draft], str]:
            self._demand(reason)
            visit = self.history.visit(visit_id)
            place = self.campaign.community_of(community)
            data = {"visit": visit_id, "street": place.street, "community": place.code, "post": None, "why": "lead"}
            draft = Draft("assigned", now, "lead", visit.volunteer, data={**data, "reason": reason.strip()})
            return [draft], visit_id

        return self._act(decide, self._after)

    def revoke_badge(self, volunteer: str, reason: str) -> None:
        """Makes the volunteer's badge worthless from now on.

        Raises:
            NotPossible: if the number has no badge.
            NotSaved: if it could not be made durable.
        """

        def decide(now: datetime) -> tuple[list[Draft], None]:
            if volunteer not in self.history.badges:
                raise NotPossible(_("The number {number} has no badge.").format(number=volunteer))
            issued = self.history.badge(volunteer)
            if issued is None:
                return [], None
            if issued["serial"] >= badge.LAST_SERIAL:
                raise NotPossible(_("This volunteer has had 255 badges. Please register them anew."))
            data = {"serial": issued["serial"], "reason": reason.strip()}
            return [Draft("badge_revoked", now, "lead", volunteer, data=data)], None

        self._act(decide, _as_it_is)
