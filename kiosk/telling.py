"""A volunteer's history in plain words: records in, sentences out, the latest visit first.

Pure. It says what the log says and judges nothing; a record of a type that it does not know is told as such, so that
nothing is passed over in silence. It must not know of files, keys or screens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from msgspec import Struct

from kiosk.campaign import Campaign
from kiosk.errors import RecordError
from kiosk.i18n import N_, _
from kiosk.records import Record, moment, service_day
from kiosk.roster import History
from kiosk.visits import Visit, corrected_times, minutes
from kiosk.wording import STATUS, day_in_words, duration

WHY: Final[Mapping[str, str]] = {
    "post_own_community": N_("their own community is short of people"),
    "post_own_street": N_("their own street is short of people"),
    "post_station": N_("this station is short of people"),
    "post_elsewhere": N_("the district needs people most there"),
    "home_community": N_("the community where they live or work"),
    "home_street": N_("the street where they live or work"),
    "station": N_("the station's own community"),
    "lead": N_("the site lead has decided so"),
}
"""Why an assignment was made, by code, as it is told about somebody and not to them."""


class Line(Struct, frozen=True):
    """One sentence: when it happened (after correction; when it was entered, for the lead's word), and what."""

    at: datetime
    text: str


class Chapter(Struct, frozen=True):
    """A visit and all that is told of it, or, without a visit, what is told of the person."""

    visit: Visit | None
    heading: str
    lines: tuple[Line, ...]


def time_in_words(when: datetime, day: date) -> str:
    """The time of day, with the day before it when it is not `day`."""
    on = service_day(when)
    return f"{when:%H:%M}" if on == day else f"{day_in_words(on, day)} {when:%H:%M}"


def moment_in_words(when: datetime, today: date) -> str:
    """Day and time."""
    return f"{day_in_words(service_day(when), today)} {when:%H:%M}"


def jump_in_words(expected: datetime, shown: datetime) -> str:
    """That the clock jumped, and from where to where."""
    said = _("The clock was changed from {expected} to {shown}.")
    return said.format(expected=f"{expected:%Y-%m-%d %H:%M}", shown=f"{shown:%Y-%m-%d %H:%M}")


def place_in_words(campaign: Campaign, street: str | None, community: str | None) -> str:
    """Street and community by name."""
    return " ".join(campaign.name_of(code) for code in (street, community) if code)


def last_seen(history: History, volunteer: str, campaign: Campaign, now: datetime) -> str:
    """When and where a volunteer did something last, and what they are doing now; empty for somebody who never came."""
    visit = history.newest_visit(volunteer)  # the visits of one person share no time
    if visit is None:
        return ""
    state = _(STATUS[visit.status(now)])
    if visit.stint and (duty := campaign.duty(visit.stint.duty)):
        state = f"{state} {duty.text}"
    said = _("Last seen: {time}, {state}, {place}.")
    place = place_in_words(campaign, visit.street, visit.community)
    return said.format(time=moment_in_words(visit.last, service_day(now)), state=state, place=place)


def tell(history: History, volunteer: str, campaign: Campaign, now: datetime) -> list[Chapter]:
    """All that the log holds about a volunteer.

    Args:
        history: the log so far.
        volunteer: the number.
        campaign: gives the names of duties and places.
        now: the moment of asking (aware).
    """
    about = history.records_about(volunteer)
    ids = dict.fromkeys(record.id for record in about if record.type == "checked_in")
    visits = [history.visit(visit_id) for visit_id in ids]
    served = minutes(visits, now)
    chapters = []
    for visit in sorted(visits, key=lambda visit: visit.checked_in, reverse=True):
        teller = _Teller(history.records_of(visit.id), visit, campaign, served.get(visit.id), now)
        chapters.append(Chapter(visit, _heading(visit, campaign, served.get(visit.id), now), tuple(teller.lines())))
    rest = [record for record in about if record.type != "checked_in" and not _of_visit(record, ids)]
    if rest:
        chapters.append(Chapter(None, _("Registration and badge"), tuple(_about_the_person(rest))))
    return chapters


def _of_visit(record: Record, ids: Collection[str]) -> bool:
    return isinstance(of := record.get("visit"), str) and of in ids


def _heading(visit: Visit, campaign: Campaign, served: int | None, now: datetime) -> str:
    said = [day_in_words(visit.day, service_day(now))]
    if visit.voided:
        said.append(_("Void"))
    else:
        said.append(_(STATUS[visit.status(now)]))
        if served is not None:
            said.append(duration(served))
    said.append(place_in_words(campaign, visit.street, visit.community))
    return "  ".join(part for part in said if part)


class _Teller:
    """Tells one visit."""

    def __init__(
        self, records: Sequence[Record], visit: Visit, campaign: Campaign, served: int | None, now: datetime
    ) -> None:
        self._records, self._visit, self._campaign, self._served = records, visit, campaign, served
        self._times = corrected_times(records)
        self._duties = {record.id: record["duty"] for record in records if record.type == "duty_started"}
        self._today = service_day(now)

    def lines(self) -> Iterator[Line]:
        records = self._records
        place = 0
        while place < len(records):
            group = self._one_act(place)
            place += len(group)
            yield Line(self._when(group[-1]), self._text(group))

    def _when(self, record: Record) -> datetime:
        return self._times.get(record.id, record.occurred)

    def _one_act(self, place: int) -> Sequence[Record]:
        """The records from `place` on that one sentence tells: a change of duty, the end of a duty at sign-out ..."""
        first, *rest = self._records[place : place + 3]
        together = {
            "checked_in": ("assigned",),
            "duty_ended": ("duty_started", "checked_out"),
        }.get(first.type, ())
        if rest and rest[0].type in together and self._when(rest[0]) == self._when(first):
            return (first, rest[0])
        group = [first]
        if first.type == "corrected":
            for record in self._records[place + 1 :]:
                if record.type != "corrected" or (record["at"], self._new(record)) != (first["at"], self._new(first)):
                    break
                group.append(record)
        return group

    def _new(self, record: Record) -> object:
        change = record["changes"].get("occurred")
        return change[1] if isinstance(change, list) and len(change) == 2 else change

    def _text(self, group: Sequence[Record]) -> str:
        record = group[-1]
        if group[0].type == "checked_in":
            return self._by(group[0], self._arrival(group))
        if record.type == "assigned":
            return self._assigned(record)
        if record.type == "duty_started" and len(group) == 2:
            old, new = self._duty(group[0]["start"]), self._duty(record.id)
            return self._by(record, _("Changed duty from {old} to {new}").format(old=old, new=new))
        if record.type == "duty_started":
            return self._by(record, _("On duty: {duty}").format(duty=self._duty(record.id)))
        if record.type == "duty_ended":
            return self._by(record, _("Off duty: {duty}").format(duty=self._duty(record["start"])))
        if record.type == "checked_out":
            return self._departure(record)
        if record.type == "corrected":
            return self._correction(group)
        if record.type == "voided":
            said = (
                _("The site lead declared this visit void. Reason: {reason}")
                if record["target"] == self._visit.id
                else _("The site lead declared an entry void. Reason: {reason}")
            )
            return said.format(reason=record["reason"])
        if record.type == "station_noted":
            return self._jump(record)
        return _unknown(record)

    def _jump(self, record: Record) -> str:
        try:
            expected, shown = (moment(record["details"].get(name)) for name in ("expected", "shown"))
        except RecordError:
            return _unknown(record)
        return " ".join([jump_in_words(expected, shown), _("The minutes of this visit may be wrong.")])

    def _by(self, record: Record, said: str) -> str:
        return _("{said} (entered from a paper sheet)").format(said=said) if record["by"] == "import" else said

    def _arrival(self, group: Sequence[Record]) -> str:
        if len(group) == 1:
            return _("Check-in")
        place = place_in_words(self._campaign, group[1]["street"], group[1]["community"])
        return _("Checked in, assigned to {place} ({why})").format(place=place, why=self._why(group[1]))

    def _why(self, record: Record) -> str:
        why: str = record["why"]
        return _(WHY[why]) if why in WHY else why

    def _assigned(self, record: Record) -> str:
        place = place_in_words(self._campaign, record["street"], record["community"])
        if record["reason"]:
            said = _("The site lead sent them to {place}. Reason: {reason}")
            return said.format(place=place, reason=record["reason"])
        return _("Assigned to {place} ({why})").format(place=place, why=self._why(record))

    def _duty(self, start: str) -> str:
        duty = self._duties.get(start)
        known = self._campaign.duty(duty) if duty else None
        return str(known.text) if known else duty or _("unknown")

    def _departure(self, record: Record) -> str:
        served = duration(self._served) if self._served is not None else _("unknown")
        if record["late"]:
            said = _("Late sign-out, entered by the site lead on {entered}; service {duration}. Reason: {reason}")
            entered = moment_in_words(record.at, self._today)
            return said.format(entered=entered, duration=served, reason=record["reason"])
        if self._visit.voided:
            return self._by(record, _("Check-out"))
        return self._by(record, _("Checked out, service {duration}").format(duration=served))

    def _correction(self, group: Sequence[Record]) -> str:
        # The last of what moves together has the better name: the sign-out, not the end of the duty before it.
        record = group[-1]
        target = next((other for other in self._records if other.id == record["target"]), None)
        new = self._new(record)
        if target is None or not isinstance(new, str):
            return _("The site lead corrected an entry. Reason: {reason}").format(reason=record["reason"])
        before = self._records[: self._records.index(group[0])]
        old = corrected_times(before).get(target.id, target.occurred)
        said = _("The site lead corrected the time of: {event}, from {old} to {new}. Reason: {reason}")
        return said.format(
            event=self.name(target),
            old=time_in_words(old, self._visit.day),
            new=time_in_words(moment(new), self._visit.day),
            reason=record["reason"],
        )

    def name(self, record: Record) -> str:
        if record.type == "duty_started":
            return _("On duty: {duty}").format(duty=self._duty(record.id))
        if record.type == "duty_ended":
            return _("Off duty: {duty}").format(duty=self._duty(record["start"]))
        return _("Check-in") if record.type == "checked_in" else _("Check-out")


def name_moment(group: Sequence[Record], records: Sequence[Record], visit: Visit, campaign: Campaign) -> str:
    """What happened at one moment of a visit (see `serving.moments`), in a few words."""
    teller = _Teller(records, visit, campaign, None, visit.last)
    first, last = group[0], group[-1]
    if (first.type, last.type) == ("duty_ended", "duty_started"):
        old, new = teller.name(first), teller.name(last)
        return f"{old}, {new}"
    return ", ".join(teller.name(record) for record in group if record.type != "duty_ended" or len(group) == 1)


def _about_the_person(records: Sequence[Record]) -> Iterator[Line]:
    registered = False
    for record in records:
        if record.type == "registered":
            name = (record.personal or {}).get("name", "")
            if not name:
                said = _("Registered; who it was has been forgotten since")
            elif registered:
                said = _("Registered again as {name}").format(name=name)
            else:
                said = _("Registered as {name}").format(name=name)
            registered = True
        elif record.type == "badge_issued":
            said = _("Badge {serial} issued, valid until {day}").format(serial=record["serial"], day=record["expires"])
        elif record.type == "phone_revealed":
            whole = _("The whole record was shown. Reason: {reason}")
            phone = _("The site lead saw the phone number. Reason: {reason}")
            said = (whole if record.get("whole") else phone).format(reason=record["reason"])
        elif record.type == "badge_printed":
            said = _printed(record)
        elif record.type == "badge_revoked":
            said = _("The site lead revoked badge {serial}. Reason: {reason}")
            said = said.format(serial=record["serial"], reason=record["reason"] or _("none given"))
        elif record.type == "forgotten":
            said = _("Personal data were taken out. Reason: {reason}").format(reason=record["reason"])
        else:
            said = _unknown(record)
        yield Line(record.occurred, said)


def _printed(record: Record) -> str:
    if record["outcome"] == "printed":
        said = _("Badge {serial} printed once more") if record["reprint"] else _("Badge {serial} printed")
    else:
        said = _("Badge {serial} was not printed")
    return said.format(serial=record["serial"])


def _unknown(record: Record) -> str:
    return _("A record of the type {type}, which this version does not know").format(type=record.type)
