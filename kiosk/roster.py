"""Records in; the state of the day, hours and warnings out.

Pure: a fold over records, and views of it for a day and a moment. It takes any order of facts without failing, since a
log outlives the code that wrote it. It must not know of files, keys, the campaign's rules or screens.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Container, Iterable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any, Final, NamedTuple, TypeVar, cast, overload

from msgspec import Struct, field
from msgspec.structs import replace

from kiosk.errors import KioskError, RecordError
from kiosk.records import SHANGHAI, Record, moment, service_day
from kiosk.visits import STATUSES, Visit, minutes, pending_from, served, visit_from, whole_minutes

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")
FIRST_DAY: Final = date(1970, 1, 1)
"""No service is older: even a clock that has lost the time shows this day."""

_AT_HAND: Final = 20_000
"""Visits above which those of older days are dropped, though somebody may ask for them again."""
LAST: Final = "last"
"""The key of the last jump of the clock."""


class Person(Struct, frozen=True):
    """A volunteer as the station knows them; the empty name is that of somebody who asked to be forgotten.

    Attributes:
        home_station: the station that registered them, if it is not this one.
        key: by what their ID number is recognised; None without one.
        ages_out: the day from which they are too old, if it is near.
        registered: the service day of their registration.
        campaign: id and version of the campaign under which they registered.
        known: the clauses that they answered, each with the campaign under which it was last.
        agreed: the texts that they agreed to, with the version.
    """

    volunteer: str
    name: str
    phone_masked: str
    key: str | None
    street: str | None
    community: str | None
    ages_out: date | None
    registered: date
    campaign: tuple[str, int]
    known: Mapping[str, tuple[str, int]]
    agreed: frozenset[tuple[str, int]]
    home_station: str | None = None

    def with_answers(self, record: Record) -> Person:
        """The same person, who has now also answered and agreed to what `record` says."""
        under = (record["campaign"], record["campaign_version"])
        answers = dict.fromkeys([*record["answers"], *(record.health or {}).get("answers", {})], under)
        agreed = {(item["text"], item["version"]) for item in record["agreed"]}
        return replace(self, known={**self.known, **answers}, agreed=self.agreed | agreed)


class Span(NamedTuple):
    """From when to when a visit lasts: until its sign-out, or until it becomes 待补签."""

    visit: str
    start: datetime
    end: datetime


class Row(Struct, frozen=True):
    """What an imported row became: the ids of its records, and whose they are."""

    ids: tuple[str, ...]
    volunteer: str | None


class Known(Struct, frozen=True):
    """What a stretch of the log says, by what a station asks for; whatever is not there is not known.

    Attributes:
        people: by volunteer number.
        by_key: the volunteer, by what their ID number is recognised by.
        by_name: the volunteers, by name and masked phone.
        badges: the badge that was issued last, by volunteer.
        revoked: the highest serial that was revoked, by volunteer.
        rows: by the row's key.
        refused: how many were turned away, by service day.
        visits: by id.
        records: of a visit, in the order of the log, by its id.
        about: the records of a volunteer, of whatever type, in the order of the log.
        made: the visits of a volunteer that were not voided, in the order of the log.
        on_day: the ids of a service day's visits.
        unended: of visits without an end, by id, whose it is and when it becomes 待补签; None for one that has ended.
        notes: the details of what the station noted about itself, numbered in the order of the log.
        seen: the last seq, by epoch.
        jumps: under `LAST`, the note of the clock's last jump.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    by_key: Mapping[str, str] = field(default_factory=dict)
    by_name: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    badges: Mapping[str, Record] = field(default_factory=dict)
    revoked: Mapping[str, int] = field(default_factory=dict)
    rows: Mapping[str, Row] = field(default_factory=dict)
    refused: Mapping[date, int] = field(default_factory=dict)
    visits: Mapping[str, Visit] = field(default_factory=dict)
    records: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    about: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    made: Mapping[str, Sequence[Span]] = field(default_factory=dict)
    on_day: Mapping[date, Sequence[str]] = field(default_factory=dict)
    unended: Mapping[str, tuple[str, datetime] | None] = field(default_factory=dict)
    notes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    seen: Mapping[str, int] = field(default_factory=dict)
    jumps: Mapping[str, Record] = field(default_factory=dict)


class _Layered(ChainMap[K, V]):
    """A mapping over what is known already, which stays as it is: what is set is kept above it.

    Every record asks some of these, so that what ChainMap does for any number of mappings is done for two.
    """

    def __init__(self, below: Mapping[K, V]) -> None:
        # ChainMap writes to its first mapping only, which its type does not say.
        super().__init__({}, cast("MutableMapping[K, V]", below))

    def __contains__(self, key: object) -> bool:
        above, below = self.maps
        return key in above or key in below

    def __getitem__(self, key: K) -> V:
        above, below = self.maps
        return above[key] if key in above else below[key]

    @overload
    def get(self, key: K, default: None = ...) -> V | None: ...
    @overload
    def get(self, key: K, default: V) -> V: ...
    @overload
    def get(self, key: K, default: D) -> V | D: ...
    def get(self, key: K, default: object = None) -> object:
        """What is set, or known, of the key."""
        above, below = self.maps
        return above[key] if key in above else below.get(key, default)


class History:
    """What the log has said so far, indexed for the questions that a station asks. `add` takes the next record.

    It may stand on what is `Known` of the older part of the log, and then holds the newer part only.
    """

    def __init__(self, past: Known | None = None, *, since: date = date.min) -> None:
        """Begins after `past`, by default at the beginning of the log.

        Args:
            past: what is known already.
            since: the visits of which day on stay at hand once they were asked for.
        """
        self._past, self._since = past or Known(), since
        self.people: _Layered[str, Person] = _Layered(self._past.people)
        self.by_key: _Layered[str, str] = _Layered(self._past.by_key)
        self.by_name: _Layered[tuple[str, str], Sequence[str]] = _Layered(self._past.by_name)
        self.badges: _Layered[str, Record] = _Layered(self._past.badges)
        self.revoked: _Layered[str, int] = _Layered(self._past.revoked)
        self.rows: _Layered[str, Row] = _Layered(self._past.rows)
        self.refused: _Layered[date, int] = _Layered(self._past.refused)
        self.notes: _Layered[int, Mapping[str, Any]] = _Layered(self._past.notes)
        self._made: _Layered[str, Sequence[Span]] = _Layered(self._past.made)
        self._on_day: _Layered[date, Sequence[str]] = _Layered(self._past.on_day)
        self._unended: _Layered[str, tuple[str, datetime] | None] = _Layered(self._past.unended)
        self._seen: _Layered[str, int] = _Layered(self._past.seen)
        # Of a visit and of a person, only what came since; what is older is asked for when somebody wants to see it.
        self._records: dict[str, list[Record]] = {}
        # Of visits that go on in what is new, what is older: what has been read once need not be readable later.
        self._older: dict[str, Sequence[Record]] = {}
        self._reached: set[str] = set()  # those of them that were not there at the last sealing
        self._about: dict[str, list[Record]] = {}
        self._folded: dict[str, Visit] = {}
        self._left: dict[str, dict[date, Entry]] = {}
        self._row: Record | None = None
        self._jumps: _Layered[str, Record] = _Layered(self._past.jumps)

    def add(self, record: Record) -> None:
        """Takes the next record of the log. Types that it does not know change nothing, nor does one seen before.

        Raises:
            Unreadable: if it is about a visit whose older records cannot be read; `reach` tells before.
        """
        if record.seq <= self._seen.get(record.epoch, 0):
            return
        self._seen[record.epoch] = record.seq
        self._follow_row(record)
        volunteer = record.volunteer
        if volunteer:
            self._about.setdefault(volunteer, []).append(record)
            self._left.pop(volunteer, None)
        if record.type == "registered" and volunteer:
            self._register(record, volunteer)
        elif record.type == "refused":
            day = service_day(record.occurred)
            self.refused[day] = self.refused.get(day, 0) + 1
        elif record.type == "station_noted":
            self.notes[len(self.notes)] = record["details"]
            if record["note"] == "clock_changed":
                self._jumps[LAST] = record
                self._flag_across(record)
        elif record.type == "badge_issued" and volunteer:
            self.badges[volunteer] = record
        elif record.type == "badge_revoked" and volunteer:
            self.revoked[volunteer] = max(self.revoked.get(volunteer, 0), record["serial"])
        elif record.type == "checked_in" and volunteer and not self._has(record.id):
            self._records[record.id] = [record]
            span = Span(record.id, record.occurred, pending_from(record.occurred))
            self._unended[record.id] = (volunteer, span.end)
            self._made[volunteer] = [*self._made.get(volunteer, ()), span]
            if volunteer in self.people:
                self.people[volunteer] = self.people[volunteer].with_answers(record)
            self._put_on(service_day(record.occurred), record.id)
            jump = self._jumps.get(LAST)
            if jump and record["by"] != "import" and record.occurred < jump.occurred:
                self._records[record.id].append(jump)  # it could not be saved before the clock jumped
        elif isinstance(of := record.get("visit"), str) and self._has(of):
            before = self.visit(of).day if record.type == "corrected" else None
            self._left.pop(self.visit(of).volunteer, None)  # whoever the record says that it is about
            self._file(of, record)
            if record.type in ("checked_out", "voided", "corrected"):  # it may be the sign-out that is void
                self._reckon(self.visit(of))
            if before is not None and (after := self.visit(of).day) != before:
                self._on_day[before] = [visit_id for visit_id in self._on_day[before] if visit_id != of]
                self._put_on(after, of)

    def _flag_across(self, record: Record) -> None:
        """Files a jump of the clock with the visits that went on across it."""
        try:
            before = moment(record["details"].get("expected"))
        except RecordError:  # what cannot be read flags everybody who has not left
            before = datetime.min.replace(tzinfo=SHANGHAI)
        for visit in self._open(lambda _who, pending: before < pending):
            with suppress(KioskError):  # whose older records cannot be read is not shown after the next start either
                self._file(visit.id, record)

    def reach(self, visit_id: str) -> None:
        """Takes the older records of a visit in hand, of which there is going to be a new one.

        Raises:
            Unreadable: if they cannot be read.
        """
        if visit_id not in self._records and visit_id not in self._older:
            older = self._past.records.get(visit_id)
            if older is not None:  # else it is about to begin
                self._older[visit_id] = older
                self._reached.add(visit_id)

    def _file(self, visit_id: str, record: Record) -> None:
        self.reach(visit_id)
        self._records.setdefault(visit_id, []).append(record)
        self._folded.pop(visit_id, None)

    def _reckon(self, visit: Visit) -> None:
        """Takes in how long a visit lasts now."""
        ended = visit.voided or visit.checked_out is not None
        self._unended[visit.id] = None if ended else (visit.volunteer, visit.pending_from)
        span = Span(visit.id, visit.checked_in, visit.checked_out or visit.pending_from)
        made = (span if other.visit == visit.id else other for other in self._made.get(visit.volunteer, ()))
        self._made[visit.volunteer] = [each for each in made if each is not span or not visit.voided]

    def _has(self, visit_id: str) -> bool:
        return visit_id in self._records or visit_id in self._past.visits

    def _put_on(self, day: date, visit_id: str) -> None:
        ids = self._on_day.maps[0].get(day)
        if isinstance(ids, list):  # a busy day has thousands: they are copied once, not at each arrival
            ids.append(visit_id)
        else:
            self._on_day[day] = [*self._on_day.get(day, ()), visit_id]

    def _follow_row(self, record: Record) -> None:
        # The records of one imported row are one write: they stand together, and the first carries the row's key.
        first = self._row
        if record.get("row_key") is not None:
            self._row = record
            self.rows[record["row_key"]] = Row((record.id,), record.volunteer)
        elif first is not None and (record["by"], record.volunteer, record["at"]) == (
            "import",
            first.volunteer,
            first["at"],
        ):
            row = self.rows[first["row_key"]]
            self.rows[first["row_key"]] = replace(row, ids=(*row.ids, record.id))
        else:
            self._row = None

    def _register(self, record: Record, volunteer: str) -> None:
        about = record.personal or {}
        out = about.get("ages_out")
        person = Person(
            volunteer=volunteer,
            name=about.get("name", ""),
            phone_masked=about.get("phone_masked", ""),
            key=about.get("person"),
            street=about.get("street"),
            community=about.get("community"),
            ages_out=date.fromisoformat(out) if out else None,
            registered=service_day(record.occurred),
            campaign=(record["campaign"], record["campaign_version"]),
            known={},
            agreed=frozenset(),
            home_station=record.get("home_station"),
        ).with_answers(record)
        before = self.people.get(volunteer)
        if before is not None:  # whoever shares the name that they had may have been taken for them
            for other in self.by_name.get((before.name, before.phone_masked), ()):
                self._left.pop(other, None)
        if before is None or before.registered <= person.registered:
            self.people[volunteer] = person
        elif before.key is None:  # an old sheet tells nothing newer than is known, but perhaps the ID number
            self.people[volunteer] = replace(before, key=person.key)
        if person.key:
            self.by_key[person.key] = volunteer
        if person.name:
            called = (person.name, person.phone_masked)
            same = self.by_name.get(called, ())
            if volunteer not in same:
                self.by_name[called] = [*same, volunteer]
            for other in same:  # from now on each may be the other
                self._left.pop(other, None)

    # --- what is new, for whoever keeps what is known ---------------------------------------------------------------

    def news(self) -> Known:
        """What has changed since `past`: of each key its whole new value, but of `records` and `about` only the new."""
        return Known(
            self.people.maps[0],
            self.by_key.maps[0],
            self.by_name.maps[0],
            self.badges.maps[0],
            self.revoked.maps[0],
            self.rows.maps[0],
            self.refused.maps[0],
            {visit_id: self.visit(visit_id) for visit_id in self._records},
            self._records,
            self._about,
            self._made.maps[0],
            self._on_day.maps[0],
            self._unended.maps[0],
            self.notes.maps[0],
            self._seen.maps[0],
            self._jumps.maps[0],
        )

    def stand_on_past(self, since: date) -> None:
        """Drops what is new, for `past` now says it; visits since that day, and open ones, stay at hand."""
        # The past is not asked: it may have forgotten them. What was reached is for a record that is being written.
        told = {
            visit_id: (*self._older.get(visit_id, ()), *self._records.get(visit_id, ()))
            for visit_id in {*self._older, *self._records}
        }
        expected = self._reached - self._records.keys()
        self._older = {
            visit_id: records
            for visit_id, records in told.items()
            if visit_id in expected or self._goes_on(visit_from(records), since)
        }
        self._reached.clear()
        for layered in (
            *(self.people, self.by_key, self.by_name, self.badges, self.revoked, self.rows, self.refused),
            *(self.notes, self._made, self._on_day, self._unended, self._seen, self._jumps),
        ):
            layered.maps[0].clear()
        self._records.clear()
        self._about.clear()
        self._since = since
        self._keep_at_hand()
        self._row = None

    @staticmethod
    def _goes_on(visit: Visit, since: date) -> bool:
        """Whether there is likely to be another record of a visit."""
        return visit.checked_out is None and not visit.voided and visit.day >= since

    def _keep_at_hand(self) -> None:
        kept = (visit for visit in self._folded.values() if visit.day >= self._since or visit.checked_out is None)
        self._folded = {visit.id: visit for visit in kept}

    def begin_anew(self, records: Iterable[Record]) -> None:
        """Takes in again what is new, where `past` has changed its mind."""
        self._older.clear()
        self._records.clear()
        self.stand_on_past(self._since)
        self._folded.clear()
        self._left.clear()
        for record in records:
            self.add(record)

    # --- questions --------------------------------------------------------------------------------------------------

    def badge(self, volunteer: str) -> Record | None:
        """The volunteer's last badge, as it was issued, unless it was revoked since."""
        issued = self.badges.get(volunteer)
        return None if issued is None or issued["serial"] <= self.revoked.get(volunteer, 0) else issued

    def visit(self, visit_id: str) -> Visit:
        """The visit with that id.

        Raises:
            KeyError: if there is none.
        """
        # Folded once until its next record comes: a busy day is asked for all its visits at each check-in.
        folded = self._folded.get(visit_id)
        if folded is None:
            newer = visit_id in self._records
            folded = visit_from(self.records_of(visit_id)) if newer else self._past.visits[visit_id]
            if len(self._folded) > _AT_HAND:
                self._keep_at_hand()
            self._folded[visit_id] = folded
        return folded

    def records_of(self, visit_id: str) -> Sequence[Record]:
        """The records of a visit, in the order of the log.

        Raises:
            KeyError: if there is none with that id.
        """
        if not self._has(visit_id):
            raise KeyError(visit_id)
        newer = self._records.get(visit_id, ())
        older = self._older.get(visit_id, ())
        return (*older, *newer) if older or newer else self._past.records.get(visit_id, ())

    def spans_of(self, volunteer: str) -> Sequence[Span]:
        """When the visits of a volunteer were that were not voided, in the order of the log."""
        return self._made.get(volunteer, ())

    def visits_of(self, volunteer: str, days: Container[date] | None = None) -> list[Visit]:
        """The visits of a volunteer that were not voided, in the order of the log.

        Args:
            volunteer: the volunteer.
            days: of which service days; by default of all.
        """
        spans = self.spans_of(volunteer)
        return [self.visit(span.visit) for span in spans if days is None or service_day(span.start) in days]

    def newest_visit(self, volunteer: str) -> Visit | None:
        """A volunteer's last visit that was not voided, whether it goes on or not."""
        newest = max(self.spans_of(volunteer), key=lambda span: span.start, default=None)
        return None if newest is None else self.visit(newest.visit)

    def days(self) -> set[date]:
        """The service days on which there was a visit or somebody was refused."""
        return {*(day for day, ids in self._on_day.items() if ids), *self.refused}

    def visits_on(self, day: date) -> list[Visit]:
        """All visits of a service day that were not voided."""
        found = (self.visit(visit_id) for visit_id in self._on_day.get(day, ()))
        return [visit for visit in found if not visit.voided]

    def entry(self, volunteer: str, visits: Sequence[Visit], now: datetime) -> Entry:
        """A person on the roster of a day.

        Args:
            volunteer: the person.
            visits: their visits of the day, in the order of their arrival, at least one.
            now: the moment of asking (aware).
        """
        day = visits[0].day
        known = self._left.get(volunteer, {}).get(day)
        if known is None:
            known = _entry(self, volunteer, visits, now)
            # Whoever has left stays as they are, whatever the time is, until the log says something new of them.
            left = all(visit.checked_out is not None and not visit.ahead for visit in visits)
            if left and not self.reaching(visits[0]):
                if len(self._left) > _AT_HAND:
                    self._left.clear()
                self._left.setdefault(volunteer, {})[day] = known
        return known

    def reaching(self, visit: Visit) -> list[str]:
        """The ids of a person's visits of days before that go on when this one begins."""
        spans = self.spans_of(visit.volunteer)
        earlier = (span for span in spans if span.end > visit.checked_in and span.start < visit.checked_in)
        return [span.visit for span in earlier if service_day(span.start) < visit.day]

    def _open(self, wanted: Callable[[str, datetime], bool]) -> list[Visit]:
        """The visits without an end that are wanted, by whose they are and when they become 待补签."""
        newer = self._unended.maps[0]
        older = {visit_id: told for visit_id, told in self._past.unended.items() if visit_id not in newer}
        return [self.visit(visit_id) for visit_id, told in (*older.items(), *newer.items()) if told and wanted(*told)]

    def all_present(self, now: datetime) -> list[Visit]:
        """The visits of everybody who is at the station."""
        return self._open(lambda _who, pending: now < pending)

    def _open_of(self, volunteer: str) -> list[Visit]:
        # Of hundreds of visits of somebody who comes every day, at most a few are open.
        mine = {visit.id: visit for visit in self._open(lambda who, _pending: who == volunteer)}
        return [mine[span.visit] for span in self.spans_of(volunteer) if span.visit in mine] if mine else []

    def present(self, volunteer: str, now: datetime) -> Visit | None:
        """The visit of a volunteer who is at the station."""
        # Not over all that nobody has signed out: of a long log these are thousands, and this is asked at every act.
        going_on = (self.visit(span.visit) for span in reversed(self.spans_of(volunteer)) if span.end > now)
        return next((visit for visit in going_on if visit.present(now)), None)

    def pending(self, volunteer: str, now: datetime) -> list[Visit]:
        """The visits of a volunteer that are 待补签."""
        return [visit for visit in self._open_of(volunteer) if visit.status(now) == "pending_check_out"]

    def all_pending(self, now: datetime) -> list[Visit]:
        """The visits of all days and people that are 待补签, the latest first."""
        overdue = self._open(lambda _who, pending: now >= pending)
        return sorted(overdue, key=lambda visit: visit.checked_in, reverse=True)

    def records_about(self, volunteer: str) -> Sequence[Record]:
        """All records of a volunteer, of whatever type, in the order of the log."""
        return (*self._past.about.get(volunteer, ()), *self._about.get(volunteer, ()))

    def is_named(self, volunteer: str) -> bool:
        """Whether there is a record of a volunteer; none is read for it, and one may be damaged."""
        return volunteer in self._about or volunteer in self._past.about

    def same_person(self, name: str, phone_masked: str, key: str | None) -> str | None:
        """The number of the volunteer that this person is, by ID number, or else by name and masked phone.

        Two people may share a name and seven digits. Where both gave an ID number and these differ, they are two; where
        it cannot be told which of several it is, the answer is None, and the new number is flagged `same_person`.
        """
        if key is not None and key in self.by_key:
            return self.by_key[key]
        alike = [other for other in self.by_name.get((name, phone_masked), ()) if not self._differ(key, other)]
        return alike[0] if len(alike) == 1 else None

    def _differ(self, key: str | None, volunteer: str) -> bool:
        theirs = self.people[volunteer].key
        return key is not None and theirs is not None and key != theirs

    def maybe_same_person(self, volunteer: str) -> bool:
        """Whether another number may belong to the same person."""
        person = self.people.get(volunteer)
        if person is None:
            return False
        alike = self.by_name.get((person.name, person.phone_masked), ())
        return len(alike) > 1 and any(other != volunteer and not self._differ(person.key, other) for other in alike)

    def filled(self, when: datetime) -> dict[str, int]:
        """How many people each post has at that time of its service day, by post id."""
        counts: dict[str, int] = {}
        for visit in self.visits_on(service_day(when)):
            if visit.post and visit.covers(when):
                counts[visit.post] = counts.get(visit.post, 0) + 1
        return counts


class Entry(Struct, frozen=True):
    """One person on the roster of a day; the fields are the keys of `kiosk roster --format json`."""

    volunteer: str
    name: str
    phone_masked: str
    street: str | None
    community: str | None
    post: str | None
    status: str
    duty: str | None
    since: datetime
    checked_in_at: datetime
    checked_out_at: datetime | None
    minutes: int | None
    flags: tuple[str, ...]


def roster(history: History, day: date, now: datetime) -> list[Entry]:
    """The people of a service day, in the order of their arrival.

    Args:
        history: the log so far.
        day: the service day (Asia/Shanghai).
        now: the moment of asking (aware).
    """
    people: dict[str, list[Visit]] = {}
    for visit in sorted(history.visits_on(day), key=lambda visit: visit.checked_in):
        people.setdefault(visit.volunteer, []).append(visit)
    return [history.entry(volunteer, visits, now) for volunteer, visits in people.items()]


def minutes_of_day(history: History, visits: Sequence[Visit], now: datetime) -> list[int | None]:
    """The minutes of each of a person's visits of a day, as `minutes` counts them."""
    first = visits[0]
    reaching = history.reaching(first)  # what they share counts there
    if len(visits) == 1 and not reaching and not first.ahead:
        # A visit's own stretches never overlap, so that there is nothing to compare.
        return [None if first.status(now) == "pending_check_out" else whole_minutes(served(first, now))]
    counts = minutes([*map(history.visit, reaching), *visits], now)
    return [counts[visit.id] for visit in visits]


def _entry(history: History, volunteer: str, visits: Sequence[Visit], now: datetime) -> Entry:
    person = history.people.get(volunteer)
    last = visits[-1]
    status = last.status(now)
    mine = minutes_of_day(history, visits, now)
    stint = last.stint if status == "on_duty" else None
    if stint is not None:
        since = stint.started
    elif status == "pending_check_out":
        since = last.checked_in
    else:
        since = last.last
    return Entry(
        volunteer=volunteer,
        name=person.name if person else "",
        phone_masked=person.phone_masked if person else "",
        street=last.street,
        community=last.community,
        post=last.post,
        status=status,
        duty=stint.duty if stint else None,
        since=since,
        checked_in_at=visits[0].checked_in,
        checked_out_at=last.checked_out,
        minutes=None if None in mine else sum(value for value in mine if value is not None),
        flags=_flags(history, person, visits),
    )


def _flags(history: History, person: Person | None, visits: Sequence[Visit]) -> tuple[str, ...]:
    late = corrected = clock = False
    for visit in visits:
        late |= visit.late
        corrected |= visit.corrected
        clock |= visit.clock
    raised = {
        "late_sign_out": late,
        "corrected": corrected,
        "clock": clock,
        "same_person": person is not None and history.maybe_same_person(person.volunteer),
        "elsewhere": person is not None and person.home_station is not None,
    }
    return tuple(name for name, is_raised in raised.items() if is_raised)


def counts(entries: Iterable[Entry]) -> Mapping[str, int]:
    """How many people are in each of `STATUSES`."""
    found = dict.fromkeys(STATUSES, 0)
    for entry in entries:
        found[entry.status] += 1
    return found
