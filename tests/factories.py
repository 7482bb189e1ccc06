"""Fictional people, constructed numbers, and small logs to fold: what tests are made of.

Plain functions that give something valid by default; a test names only what it is about. ID numbers end in the order
code 000, which is given to nobody.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from kiosk.campaign import Campaign
from kiosk.campaign_files import parse, shipped
from kiosk.records import SHANGHAI, ZEROS, Draft, Record, new_volunteer_number, seal_record
from kiosk.roster import History
from kiosk.rules import Applicant
from kiosk.sheet import COLUMNS

STATION = "S016001"
COMMUNITY = "330102016001"
STREET = "330102016"
EPOCH = "00000000000000ab"
DAY = date(2026, 11, 23)
NAMES = ("林小满", "宋知远", "沈听澜", "江晚舟", "顾清和", "陆怀谷", "苏念安", "程云起")


def at(clock: str, day: date = DAY) -> datetime:
    """The time `clock` (such as 08:30) on `day`, in Asia/Shanghai."""
    return datetime.combine(day, time.fromisoformat(clock), SHANGHAI)


# --- people ---------------------------------------------------------------------------------------------------------


def check_character(seventeen: str) -> str:
    """The character that makes `seventeen` an ID number of GB 11643-1999, found by trying all eleven."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1)
    for value, character in enumerate("0123456789X"):
        values = [*(int(digit) for digit in seventeen), value]
        if sum(weight * value for weight, value in zip(weights, values, strict=True)) % 11 == 1:
            return character
    raise AssertionError(seventeen)


def id_number(born: date | str = date(1995, 5, 20), *, area: str = "330102", order: int = 0) -> str:
    """A constructed ID number; `born` may be an impossible date, as eight digits."""
    digits = born if isinstance(born, str) else f"{born:%Y%m%d}"
    seventeen = f"{area}{digits}{order:03d}"
    return seventeen + check_character(seventeen)


def phone(number: int = 0) -> str:
    """A constructed mobile number."""
    return f"199{number:08d}"


def volunteer_number(seed: int = 0) -> str:
    """A volunteer number, the same for the same seed."""
    return new_volunteer_number(random.Random(seed).randbytes)


def raw_applicant(**changes: str) -> dict[str, str]:
    """What a person typed, all of it in order but for `changes`."""
    typed = {"name": NAMES[0], "id_type": "", "id_number": "", "birth_date": "1995-05-20", "phone": phone()}
    return {**typed, "street": "笕桥街道", "community": "", "note": "", **changes}


def applicant(number: int = 0, **changes: Any) -> Applicant:
    """A checked person; each `number` is somebody else."""
    fields: dict[str, Any] = {
        "name": NAMES[number % len(NAMES)] + ("" if number < len(NAMES) else str(number)),
        "phone": phone(number),
        "id_type": "resident_id",
        "id_number": "",
        "born": date(1995, 5, 20),
        "street": STREET,
        "community": COMMUNITY,
    }
    return Applicant(**{**fields, **changes})


# --- campaigns ------------------------------------------------------------------------------------------------------


def campaign_source() -> dict[str, Any]:
    """The JSON of the shipped campaign, to be changed at will."""
    source: dict[str, Any] = json.loads(_shipped_text())
    return source


@cache
def _shipped_text() -> str:
    return json.dumps(shipped().source)


def campaign_with_posts(*posts: Mapping[str, Any], **changes: Any) -> Campaign:
    """The shipped campaign with these posts and other changes; what a post does not say is a default."""
    source = campaign_source()
    defaults = {"duty": "order", "from": "08:00", "until": "20:00", "wanted": 1, "place": {"zh": "东门", "en": "Gate"}}
    source["campaign"] |= {"posts": [{**defaults, **post} for post in posts], **changes}
    return parse(source)


def answers(campaign: Campaign, day: date = DAY, **changes: str) -> dict[str, str]:
    """An accepted answer to every question of `day`, but for `changes`."""
    asked = (clause for clause in campaign.clauses_on(day) if clause.asked)
    accepted = {clause.id: next(option.value for option in clause.options if option.accepted) for clause in asked}
    return {**accepted, **changes}


# --- logs -----------------------------------------------------------------------------------------------------------


def registered(volunteer: str, occurred: datetime, *, name: str = NAMES[0], **personal: Any) -> Draft:
    """Somebody is registered; `personal` replaces or adds what is about the person."""
    about = {"name": name, "phone_masked": "199****0000", "street": STREET, "community": COMMUNITY, **personal}
    agreed = [{"text": "notice", "version": 1, "hash": ZEROS}, {"text": "health", "version": 1, "hash": ZEROS}]
    return Draft(
        "registered",
        occurred,
        "volunteer",
        volunteer,
        data={"answers": {"age": "met", "district": "met"}, "agreed": agreed},
        personal=about,
        health={"answers": {"vaccinated": "met"}},
    )


def checked_in(volunteer: str, occurred: datetime) -> Draft:
    """Somebody arrives; the draft's id is the visit's."""
    health = {"answers": {"health_code": "met", "travel_code": "met"}}
    return Draft("checked_in", occurred, "volunteer", volunteer, data={"answers": {}, "agreed": []}, health=health)


def assigned(visit: Draft, occurred: datetime | None = None, *, community: str = COMMUNITY, **changes: Any) -> Draft:
    """The visit gets its place."""
    place = {"street": community[:9], "community": community, "post": None, "why": "station", "reason": None}
    data = {"visit": visit.id, **place, **changes}
    return Draft("assigned", occurred or visit.occurred, "volunteer", visit.volunteer, data=data)


def duty_started(visit: Draft, occurred: datetime, duty: str = "order", post: str | None = None) -> Draft:
    """On duty."""
    data = {"visit": visit.id, "duty": duty, "post": post}
    return Draft("duty_started", occurred, "volunteer", visit.volunteer, data=data)


def duty_ended(visit: Draft, start: Draft, occurred: datetime) -> Draft:
    """Off duty: the end of what `start` began."""
    data = {"visit": visit.id, "start": start.id}
    return Draft("duty_ended", occurred, "volunteer", visit.volunteer, data=data)


def checked_out(visit: Draft, occurred: datetime, *, late: bool = False) -> Draft:
    """The visit ends; `late` when the lead enters it afterwards."""
    data = {"visit": visit.id, "late": late, "reason": "忘记签退" if late else None}
    return Draft("checked_out", occurred, "lead" if late else "volunteer", visit.volunteer, data=data)


def corrected(visit: Draft, target: Draft, occurred: datetime, *, now: datetime) -> Draft:
    """The lead says, at `now`, that `target` happened at `occurred`."""
    changes = {"occurred": [target.occurred.isoformat(), occurred.isoformat()]}
    data = {"visit": visit.id, "target": target.id, "changes": changes, "reason": "时间记错"}
    return Draft("corrected", now, "lead", visit.volunteer, data=data)


def voided(visit: Draft, target: Draft, *, now: datetime) -> Draft:
    """The lead says, at `now`, that `target` did not happen."""
    data = {"visit": visit.id, "target": target.id, "reason": "登记错人"}
    return Draft("voided", now, "lead", visit.volunteer, data=data)


def chain(drafts: Sequence[Draft], *, epoch: str = EPOCH, start: Sequence[Record] = ()) -> list[Record]:
    """The drafts as the consecutive records of one epoch, after those of `start`; each is recorded as it happens."""
    records = list(start)
    for draft in drafts:
        records.append(
            seal_record(
                draft,
                station=STATION,
                epoch=epoch,
                seq=len(records) + 1,
                prev=records[-1].hash if records else ZEROS,
                at=draft.occurred,
                campaign=("SC2021", 1),
            )
        )
    return records[len(start) :]


def folded(records: Iterable[Record]) -> History:
    """What the log says."""
    history = History()
    for record in records:
        history.add(record)
    return history


def foreign(record: Record, **changes: Any) -> Record:
    """The record as another version might have written it: changed without care for its hash."""
    document = json.loads(json.dumps(dict(record.document)))
    return Record.from_json({**document, **changes})


# --- sheets ---------------------------------------------------------------------------------------------------------


def sheet_row(**changes: str) -> dict[str, str]:
    """One row of a paper sign-in sheet as typed, all of it in order but for `changes`."""
    row = {
        **dict.fromkeys(COLUMNS, ""),
        **raw_applicant(),
        "lives_or_works": "lives",
        "vaccinated": "yes",
        "health_code": "green",
        "travel_code": "green",
        "pledge": "yes",
        "consent": "yes",
        "duty": "order",
        "arrived_at": f"{DAY - timedelta(days=1)} 08:00",
        "left_at": f"{DAY - timedelta(days=1)} 11:30",
    }
    return {**row, **changes}


def sheet(*rows: Mapping[str, str], encoding: str = "utf-8", newline: str = "\r\n") -> bytes:
    """The CSV file with these rows."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator=newline)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)
