"""What a person has to look at: computed from what is here, never kept, and what people have decided about it.

Each problem has a name of ten letters that stays the same, by which `resolve` speaks of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import combinations
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from kiosk.errors import WrongUsage
from kiosk.hq.database import (
    CLOCK,
    COUNTS,
    EPOCH,
    FORK,
    counting,
    quarantine,
    records,
    resolutions,
    segments,
    stations,
)
from kiosk.hq.gaps import missing
from kiosk.hq.keys import Opener
from kiosk.hq.service import SEALING
from kiosk.hq.standing import UNTRUSTED, settle
from kiosk.hq.stays import at_several_stations, stays
from kiosk.i18n import _
from kiosk.records import letters_of, timestamp
from kiosk.trust import fingerprint
from kiosk.visits import Visit

SAME_PERSON, TWO_PLACES, GAP = "same_person", "two_places", "gap"


class Problem(Struct, frozen=True):
    """Something that a person has to look at.

    Attributes:
        station: whose; of several the first.
        kind: what it is.
        detail: what exactly, in a sentence.
        about: what it is about, so that the same problem has the same name tomorrow.
        choices: what can be decided, where there is a choice.
        volunteers: whom it concerns.
    """

    station: str
    kind: str
    detail: str
    about: tuple[str, ...]
    choices: tuple[str, ...] = ()
    volunteers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        digest = hashlib.sha256("\0".join((self.kind, *self.about)).encode()).digest()
        return letters_of(digest, 10)


def problems(connection: sa.Connection, opener: Opener | None = None, *, decided: bool = False) -> list[Problem]:
    """All problems that nobody has decided about.

    Args:
        connection: to the database.
        opener: opens what was sealed to headquarters, where that key is at hand.
        decided: gives those that somebody has decided about, too.
    """
    done = set[str]() if decided else decided_about(connection)
    alike = same_people(connection, opener)
    found = [
        *_quarantined(connection),
        *_untrusted(connection),
        *_gaps(connection),
        *_forks(connection, decided=decided),
        *_clocks(connection),
        *_lost(connection),
        *alike,
        *two_places(connection, alike),
    ]
    return [problem for problem in found if problem.name not in done]


def decided_about(connection: sa.Connection) -> set[str]:
    """The names of problems that somebody has decided about."""
    return set(connection.scalars(sa.select(resolutions.c.problem)))


def doubtful(connection: sa.Connection) -> set[str]:
    """Numbers of volunteers who may be counted twice, while nobody has decided about them."""
    decided = decided_about(connection)
    alike = same_people(connection)
    open_ = (each for each in (*alike, *two_places(connection, alike)) if each.name not in decided)
    return {volunteer for each in open_ for volunteer in each.volunteers}


# --- what came --------------------------------------------------------------------------------------------------------


def _quarantined(connection: sa.Connection) -> Iterator[Problem]:
    columns = quarantine.c
    wanted = sa.select(columns.station, columns.kind, columns.detail, columns.name, columns.url, columns.digest)
    for row in connection.execute(wanted.order_by(columns.station, columns.name)):
        detail = f"{row.url}, {row.name}: {row.detail}"
        yield Problem(row.station, row.kind, detail, about_object(row.name, bytes(row.digest)))


def about_object(name: str, digest: bytes) -> tuple[str, ...]:
    """What a problem is about where an object could not be accepted."""
    return (name, digest.hex())


def _untrusted(connection: sa.Connection) -> Iterator[Problem]:
    columns = segments.c
    wanted = (
        sa.select(columns.station, columns.key, sa.func.count().label("many"))
        .where(columns.standing == UNTRUSTED, columns.key.is_not(None))
        .group_by(columns.station, columns.key)
        .order_by(columns.station)
    )
    for row in connection.execute(wanted):
        said = _("{many} segments are signed with the key {key}, which does not count for this station.")
        detail = said.format(many=row.many, key=fingerprint(bytes(row.key)))
        yield Problem(row.station, "bad_signature", detail, (row.station, bytes(row.key).hex()))


def _gaps(connection: sa.Connection) -> Iterator[Problem]:
    for station, epoch, first, last in missing(connection):
        sentence = _("The records {first} to {last} of epoch {epoch} are missing.")
        detail = sentence.format(first=first, last=last, epoch=epoch)
        yield Problem(station, GAP, detail, (station, epoch, str(first), str(last)))


def _forks(connection: sa.Connection, *, decided: bool) -> Iterator[Problem]:
    """Each place where a log goes on twice: the branches that begin there."""
    columns = segments.c
    wanted = sa.select(columns.station, columns.epoch, columns.first_seq, columns.hash, columns.prev, columns.records)
    forks = connection.execute(wanted.where(columns.standing == FORK).order_by(columns.station, columns.id)).all()
    branches = {row.hash for row in forks}
    decisions = sa.select(resolutions.c.decision, resolutions.c.over).where(resolutions.c.kind == FORK)
    settled = {(row.decision, hash_) for row in connection.execute(decisions) for hash_ in row.over.split()}
    for row in forks:
        if row.prev in branches:
            continue  # it follows on another one of the same branch
        same = (columns.station == row.station, columns.epoch == row.epoch, columns.standing == COUNTS)
        over = sa.select(columns.hash).where(
            *same, columns.first_seq < row.first_seq + row.records, columns.first_seq + columns.records > row.first_seq
        )
        counting = list(connection.scalars(over.order_by(columns.first_seq)))
        if not decided and any((hash_, row.hash) in settled for hash_ in counting):
            continue
        sentence = _(
            "From record {seq} of epoch {epoch} on there are two logs: {other} counts, {hash} does not. "
            "Perhaps a copy of the data folder is in use."
        )
        other = ", ".join(hash_[:12] for hash_ in counting) or "-"
        detail = sentence.format(seq=row.first_seq, epoch=row.epoch, other=other, hash=row.hash[:12])
        yield Problem(row.station, FORK, detail, (row.station, row.epoch, row.hash), (row.hash, *counting))


def _noted(connection: sa.Connection, what: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Notes of one kind that stations have made about themselves, with the station."""
    wanted = (
        counting(stations.c.station, records.c.document)
        .join(stations, stations.c.id == records.c.station)
        .where(records.c.visit == what)
        .order_by(stations.c.station, segments.c.id, records.c.seq)
    )
    return ((station, json.loads(document)) for station, document in connection.execute(wanted))


def _clocks(connection: sa.Connection) -> Iterator[Problem]:
    for station, note in _noted(connection, CLOCK):
        details = note["details"]
        sentence = _("The clock of the station jumped from {before} to {after}.")
        detail = sentence.format(before=details.get("expected"), after=details.get("shown"))
        yield Problem(station, "clock", detail, (note["id"],))


def _lost(connection: sa.Connection) -> Iterator[Problem]:
    """What stations themselves have lost or could not read: the first record of an epoch says so."""
    for station, note in _noted(connection, EPOCH):
        details = note["details"]
        aside = details.get("set_aside")
        if details.get("missing") is None and not aside:
            continue
        named = ", ".join(map(str, aside)) if isinstance(aside, list) and aside else "-"
        sentence = _(
            "The station could not go on with epoch {epoch} after record {seq}: a segment was gone ({missing}), or "
            "could not be read ({aside})."
        )
        missing_ = details.get("missing") if details.get("missing") is not None else "-"
        told = sentence.format(epoch=details.get("epoch"), seq=details.get("last_seq"), missing=missing_, aside=named)
        yield Problem(station, GAP, told, (note["id"],))


# --- people -----------------------------------------------------------------------------------------------------------


def same_people(connection: sa.Connection, opener: Opener | None = None) -> list[Problem]:
    """Numbers that may be of one person: by the ID number where headquarters' key opens it, else by name and phone."""
    found = {problem.name: problem for problem in _alike(connection)}
    if opener is not None:
        found |= {problem.name: problem for problem in _by_number(connection, opener)}
    return list(found.values())


def _registrations(
    connection: sa.Connection, *which: sa.ColumnElement[bool], types: Sequence[str] = ("registered",)
) -> Iterator[tuple[str, str, str]]:
    """Registrations that count: station, who, document."""
    wanted = (
        counting(stations.c.station, records.c.who, records.c.document)
        .join(stations, stations.c.id == records.c.station)
        .where(records.c.type.in_(types), *which)
        .order_by(records.c.segment, records.c.seq)
    )
    return ((row.station, row.who, row.document) for row in connection.execute(wanted))


def _alike(connection: sa.Connection) -> Iterator[Problem]:
    columns = records.c
    several = (
        sa.select(columns.who)
        .where(columns.who.is_not(None))
        .group_by(columns.who)
        .having(sa.func.count(sa.distinct(columns.about)) > 1)
    )
    groups: dict[str, dict[str, tuple[str, str | None]]] = {}
    for station, who, document in _registrations(connection, columns.who.in_(several)):
        registered = json.loads(document)
        key = (registered.get("personal") or {}).get("person")
        groups.setdefault(who, {})[registered["volunteer"]] = (station, key)
    for who, people in groups.items():
        pairs = (pair for pair in combinations(people, 2) if not _differ(people[pair[0]], people[pair[1]]))
        numbers = tuple(sorted({number for pair in pairs for number in pair}))
        if numbers:
            name, phone = json.loads(who)
            sentence = _("{name}, {phone} is registered under several numbers: {numbers}.")
            yield _one_person(
                people[numbers[0]][0], sentence.format(name=name, phone=phone, numbers=", ".join(numbers)), numbers
            )


def _differ(one: tuple[str, str | None], other: tuple[str, str | None]) -> bool:
    """Whether two are two: at one station, the keyed hashes of their ID numbers say so."""
    return one[0] == other[0] and None not in (one[1], other[1]) and one[1] != other[1]


def _by_number(connection: sa.Connection, opener: Opener) -> Iterator[Problem]:
    people: dict[str, dict[str, str]] = {}
    told: list[tuple[str, str, str]] = []
    for station, _who, document in _registrations(connection, types=SEALING):
        registered = json.loads(document)
        if sealed := (registered.get("personal") or {}).get("sealed"):
            told.append((station, registered["volunteer"], sealed))
    for (station, volunteer, _sealed), opened in zip(told, opener([each[2] for each in told]), strict=True):
        if number := opened.get("id_number"):
            people.setdefault(f"{opened.get('id_type')} {number}", {})[volunteer] = station
    for numbers_of in people.values():
        if len(numbers_of) > 1:
            numbers = tuple(sorted(numbers_of))
            sentence = _("One ID number is registered under several numbers: {numbers}.")
            yield _one_person(numbers_of[numbers[0]], sentence.format(numbers=", ".join(numbers)), numbers)


def _one_person(station: str, detail: str, numbers: tuple[str, ...]) -> Problem:
    return Problem(station, SAME_PERSON, detail, numbers, volunteers=numbers)


def two_places(connection: sa.Connection, alike: Iterable[Problem]) -> list[Problem]:
    """People who were checked in at two stations at once, under one number or under several that may be theirs.

    Args:
        connection: to the database.
        alike: what `same_people` has found.
    """
    groups = {(volunteer,) for volunteer in at_several_stations(connection)} | {each.volunteers for each in alike}
    found: dict[str, Problem] = {}
    for theirs in stays(connection, groups).values():
        visits = {stay.visit.id: (stay.where.station, stay.visit) for stay in theirs}
        found |= {problem.name: problem for problem in _at_once(visits.values())}
    return list(found.values())


def _at_once(visits: Iterable[tuple[str, Visit]]) -> Iterator[Problem]:
    in_turn = sorted(visits, key=lambda told: (told[1].checked_in, told[1].id))
    for (here, one), (there, other) in combinations(in_turn, 2):
        if here == there or one.voided or other.voided:
            continue
        if one.overlaps(other.checked_in, other.checked_out or other.pending_from):
            who = tuple(sorted({one.volunteer, other.volunteer}))
            sentence = _("{volunteer} was checked in at {here} and at {there} at once, on {day}.")
            volunteer = " = ".join(who)
            detail = sentence.format(volunteer=volunteer, here=here, there=there, day=one.day.isoformat())
            yield Problem(here, TWO_PLACES, detail, tuple(sorted((one.id, other.id))), volunteers=who)


# --- decisions --------------------------------------------------------------------------------------------------------


def resolve(
    connection: sa.Connection, name: str, decision: str, reason: str, now: datetime, opener: Opener | None = None
) -> Problem:
    """Writes down what somebody has decided about a problem; of a fork, which branch counts from now on.

    Args:
        connection: in a transaction.
        name: the problem's.
        decision: of a fork the hash of the segment whose branch counts, or how it begins; of others anything.
        reason: why, for those who ask later.
        now: the time (aware).
        opener: opens what was sealed to headquarters, where that key is at hand.

    Raises:
        WrongUsage: if there is no such problem, no such branch, or no reason is given.
    """
    wanted = "".join(name.upper().split()).replace("-", "")
    found = next(
        (each for each in problems(connection, opener, decided=True) if each.name.replace("-", "") == wanted), None
    )
    if found is None or (found.kind != FORK and found.name in decided_about(connection)):
        raise WrongUsage(_("There is no open problem {name}.").format(name=name))
    if not reason.strip():
        raise WrongUsage(_("Please say why: --reason"))
    if found.kind == FORK:
        chosen = [hash_ for hash_ in found.choices if decision and hash_.startswith(decision.lower())]
        if len(chosen) != 1:
            sentence = _("Please say which branch counts, by the beginning of its hash: {hashes}")
            raise WrongUsage(sentence.format(hashes=", ".join(hash_[:12] for hash_ in found.choices)))
        decision = chosen[0]
    row = {
        "problem": found.name,
        "kind": found.kind,
        "station": found.station,
        "detail": ", ".join(found.about),  # no name: it would outlive a forgetting
        "decision": decision,
        "over": " ".join(choice for choice in found.choices if choice != decision),
        "reason": reason.strip(),
        "at": timestamp(now),
    }
    connection.execute(resolutions.insert(), row)
    if found.kind == FORK:
        settle(connection, [found.station])
    return found
