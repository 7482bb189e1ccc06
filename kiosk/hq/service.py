"""The service record that order 67 of the Ministry of Civil Affairs (2021) asks for, visit by visit, and certificates.

It holds what a station has written down truthfully and nothing made up: an evaluation is left to whoever gives one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

import sqlalchemy as sa
from msgspec import Struct, field

from kiosk.campaign import Campaign
from kiosk.hq.database import counting, records
from kiosk.hq.keys import Opener
from kiosk.hq.reading import Elsewhere, Where, all_stations, history_of
from kiosk.hq.stays import counted_before
from kiosk.i18n import _
from kiosk.roster import History, minutes_of_day
from kiosk.rules import ID_TYPES
from kiosk.visits import Visit
from kiosk.wording import FLAGS

SEALING = ("registered", "sealed_again")
"""Records that hold what was sealed; the second kind where headquarters' keys became known later."""
_WITH_SEX = ("resident_id", "residence_permit", "foreign_pr")


class Identity(Struct, frozen=True):
    """Who a volunteer is, as far as it may be told; `sex` is that of the ID number (GB 11643-1999, position 17)."""

    name: str = ""
    phone: str = ""
    sex: str = ""
    birth_date: str = ""
    id_type: str = ""
    id_number: str = ""


class Service(Struct, frozen=True):
    """One visit in the service record.

    Attributes:
        volunteer: the volunteer number.
        who: the person.
        day: the service day.
        station: where it was recorded.
        visit: the visit.
        minutes: served; None while the sign-out is missing. Without what counts at another station.
        elsewhere: how many count there, of those that the station itself has counted.
        street, community: codes of where they served.
        campaign: id and version of the campaign under which they came.
    """

    volunteer: str
    who: Identity
    day: date
    station: Where
    visit: Visit
    minutes: int | None
    elsewhere: int
    street: str | None
    community: str | None
    campaign: tuple[str, int]


def services(
    connection: sa.Connection,
    now: datetime,
    *,
    opener: Opener | None = None,
    day: date | None = None,
    volunteer: str | None = None,
) -> list[Service]:
    """The visits that were not voided, by day and volunteer.

    Args:
        connection: to the database.
        now: the time (aware).
        opener: opens what was sealed to headquarters; without it phones are masked, and ID numbers are not told.
        day: only this day.
        volunteer: only this volunteer.
    """
    people = _people(connection, opener, volunteer)
    elsewhere = counted_before(connection, now, day=day)
    found: list[Service] = []
    for where in all_stations(connection):
        history = history_of(connection, where)
        for each in history.days() if day is None else {day}:
            found += _of_day(history, where, each, now, people, elsewhere, volunteer)
    return sorted(found, key=lambda service: (service.day, service.volunteer, service.visit.checked_in))


def _of_day(
    history: History,
    where: Where,
    day: date,
    now: datetime,
    people: Mapping[str, Identity],
    elsewhere: Elsewhere,
    volunteer: str | None,
) -> Iterator[Service]:
    mine: dict[str, list[Visit]] = {}
    for visit in sorted(history.visits_on(day), key=lambda visit: visit.checked_in):
        if volunteer in (None, visit.volunteer):
            mine.setdefault(visit.volunteer, []).append(visit)
    for number, visits in mine.items():
        person = history.people.get(number)
        who = people.get(number) or Identity(person.name if person else "", person.phone_masked if person else "")
        for visit, minutes in zip(visits, minutes_of_day(history, visits, now), strict=True):
            came = history.records_of(visit.id)[0]
            under = (came["campaign"], came["campaign_version"])
            there = min(elsewhere.get((where.id, visit.id), 0), minutes or 0)
            left = None if minutes is None else minutes - there
            yield Service(number, who, day, where, visit, left, there, visit.street, visit.community, under)


def _people(connection: sa.Connection, opener: Opener | None, volunteer: str | None) -> dict[str, Identity]:
    """Who registered, at whatever station; the last word counts, and who says less has not unsaid it."""
    wanted = counting(records.c.document).where(records.c.type.in_(SEALING), records.c.about.is_not(None))
    if volunteer is not None:
        wanted = wanted.where(records.c.about == volunteer)
    registered = [json.loads(document) for document in connection.scalars(wanted)]
    registered = sorted((each for each in registered if each.get("personal")), key=lambda each: str(each["occurred"]))
    sealed = [each["personal"].get("sealed", "") for each in registered]
    opened: Iterable[Mapping[str, str]] = ({} for _each in sealed) if opener is None else opener(sealed)
    told: dict[str, dict[str, str]] = {}
    for each, secret in zip(registered, opened, strict=True):
        person = each["personal"]
        known = told.setdefault(each["volunteer"], {})
        if each["type"] == "registered":
            known |= {"name": person.get("name", ""), "phone": person.get("phone_masked", "")}
        known |= {f"secret {name}": value for name, value in secret.items() if value}
    return {number: _identity(known) for number, known in told.items()}


def _identity(known: Mapping[str, str]) -> Identity:
    number, kind = known.get("secret id_number", ""), known.get("secret id_type", "")
    has_sex = kind in _WITH_SEX and len(number) == 18 and number[16].isdigit()
    birth = known.get("secret birth_date", "")
    if not birth and has_sex:
        birth = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    return Identity(
        name=known.get("name", ""),
        phone=known.get("secret phone") or known.get("phone", ""),
        sex=(_("male") if int(number[16]) % 2 else _("female")) if has_sex else "",
        birth_date=birth,
        id_type=kind,
        id_number=number,
    )


# --- as a table -----------------------------------------------------------------------------------------------------


def headings() -> dict[str, str]:
    """What the columns of the service record are called, by the keys of its rows, in order."""
    return {
        "volunteer": _("Number"),
        "name": _("Name"),
        "sex": _("Sex"),
        "birth_date": _("Birth date"),
        "id_type": _("Kind of document"),
        "id_number": _("Document number"),
        "phone": _("Phone"),
        "activity": _("Activity"),
        "day": _("Day"),
        "street": _("Street"),
        "community": _("Community"),
        "content": _("Content"),
        "checked_in_at": _("Checked in"),
        "checked_out_at": _("Checked out"),
        "minutes": _("Minutes"),
        "hours": _("Hours"),
        "evaluation": _("Evaluation"),
        "in_charge": _("In charge"),
        "recorder": _("Recorded by"),
        "remarks": _("Remarks"),
    }


def row(service: Service, campaign: Campaign, others: Iterable[Campaign] = ()) -> dict[str, object]:
    """One line of the service record; minutes are whole, hours have two places, and are rounded here only.

    Args:
        service: the visit.
        campaign: gives places and duties their names.
        others: campaigns under one of which the visit may have been; one that is not known is named by its id.
    """
    names = {(each.id, each.version): str(each.name) for each in (campaign, *others)}
    visit, who = service.visit, service.who
    duties = dict.fromkeys(stint.duty for stint in visit.stints)
    named = [str(duty.text) if (duty := campaign.duty(each)) else each for each in duties]
    street = service.street or service.station.street
    kind = ID_TYPES.get(who.id_type, "")
    raised = {"late_sign_out": visit.late, "corrected": visit.corrected, "clock": visit.clock}
    remarks = [_(FLAGS[flag]) for flag, is_raised in raised.items() if is_raised]
    if service.elsewhere:
        sentence = _("{minutes} min count at another station, see kiosk hq problems")
        remarks.append(sentence.format(minutes=service.elsewhere))
    return {
        "volunteer": service.volunteer,
        "name": who.name,
        "sex": who.sex,
        "birth_date": who.birth_date,
        "id_type": _(kind) if kind else "",
        "id_number": who.id_number,
        "phone": who.phone,
        "activity": names.get(service.campaign, service.campaign[0]),
        "day": service.day,
        "street": campaign.name_of(street) if street else "",
        "community": campaign.name_of(service.community) if service.community else "",
        "content": ";".join(named),
        "checked_in_at": visit.checked_in,
        "checked_out_at": visit.checked_out,
        "minutes": service.minutes,
        "hours": "" if service.minutes is None else f"{service.minutes / 60:.2f}",
        "evaluation": "",
        "in_charge": campaign.contact_for(street).contact if street else "",
        "recorder": service.station.station,
        "remarks": ";".join([*remarks, *([_("No sign-out")] if service.minutes is None else [])]),
    }


class Certificate(Struct):
    """What is certified of one volunteer."""

    volunteer: str
    who: Identity
    lines: list[str] = field(default_factory=list)
    activities: dict[str, None] = field(default_factory=dict)
    minutes: int = 0
    pending: int = 0


def certificates(found: Iterable[Service], campaign: Campaign, others: Iterable[Campaign] = ()) -> list[Certificate]:
    """One certificate a volunteer: every day that has its end, the sum of the minutes, and under which campaigns."""
    others = [*others]
    made: dict[str, Certificate] = {}
    for service in found:
        mine = made.setdefault(service.volunteer, Certificate(service.volunteer, service.who))
        told = row(service, campaign, others)
        if service.minutes is None:
            mine.pending += 1
            continue
        mine.minutes += service.minutes
        mine.activities[str(told["activity"])] = None
        sentence = _("{day}  {place}  {content}  {minutes} min")
        place = " ".join(str(told[key]) for key in ("street", "community") if told[key])
        mine.lines.append(
            sentence.format(
                day=service.day.isoformat(), place=place, content=told["content"] or "-", minutes=service.minutes
            )
        )
    return [each for each in made.values() if each.lines]


def certificate_sections(
    certificate: Certificate, campaign: Campaign, today: date
) -> tuple[str, list[tuple[str, list[str]]]]:
    """Title and sections of the page that is handed out."""
    who = certificate.who
    told = [
        (_("Name"), who.name),
        (_("Volunteer number"), certificate.volunteer),
        (_("Document number"), who.id_number),
        (_("Activity"), ", ".join(certificate.activities)),
    ]
    total = _("{minutes} minutes in all, {hours} hours")
    end = [total.format(minutes=certificate.minutes, hours=f"{certificate.minutes / 60:.2f}")]
    if certificate.pending:
        left = _("{count} visits without a sign-out are not counted.")
        end.append(left.format(count=certificate.pending))
    association = campaign.association
    issued = _("{association}, {day}").format(association=association.name, day=today.isoformat())
    return _("Certificate of volunteer service"), [
        (_("Volunteer"), [f"{label}: {value}" for label, value in told if value]),
        (_("Service"), certificate.lines),
        (_("Total"), end),
        (_("Issued by"), [issued]),
    ]
