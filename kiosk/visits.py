"""One stay of a volunteer at the station, out of its records, and the minutes that it counts.

The clock runs from check-in. 离岗 stops it, 上岗 starts it again, 签退 ends it. So nobody who forgot to scan a duty is
left with nothing, and nobody is paid a break (docs/decisions/0003-minutes.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final

from msgspec import Struct

from kiosk.errors import RecordError
from kiosk.records import SHANGHAI, Record, moment, service_day

PENDING_AFTER: Final = timedelta(hours=12)
"""A visit without sign-out is 待补签 when its service day is over and this long has passed since check-in."""
STATUSES: Final = ("on_duty", "checked_in", "checked_out", "pending_check_out")


class Stint(Struct, frozen=True):
    """One duty, from its start to its end (None while it lasts)."""

    id: str
    duty: str
    post: str | None
    started: datetime
    ended: datetime | None


class Visit(Struct, frozen=True, dict=True):
    """One stay of a volunteer at the station, as all its records tell it.

    Attributes:
        id: of the `checked_in` record.
        checked_in, checked_out: times after correction, never out of order.
        stints: the duties, in order.
        running: the stretches of time that count as service; the last may be open (None).
        late, corrected, clock: signed out afterwards; changed by the lead; the clock jumped or ran back within it.
        ahead: whether the end was entered before it came, as a paper sheet may.
        last: the time of the latest event.
    """

    id: str
    volunteer: str
    checked_in: datetime
    checked_out: datetime | None
    stints: tuple[Stint, ...]
    running: tuple[tuple[datetime, datetime | None], ...]
    street: str | None
    community: str | None
    post: str | None
    why: str | None
    voided: bool
    late: bool
    corrected: bool
    clock: bool
    ahead: bool
    last: datetime

    # Each is computed once: a busy day's roster asks for them at every opening, for each of thousands of visits.

    @cached_property
    def day(self) -> date:
        """The service day: that of the check-in, also overnight."""
        return service_day(self.checked_in)

    @cached_property
    def pending_from(self) -> datetime:
        """When the visit, if still open, becomes 待补签."""
        return pending_from(self.checked_in)

    @cached_property
    def ended(self) -> timedelta:
        """How long the stretches of `running` last that have ended."""
        return sum((end - start for start, end in self.running if end is not None), timedelta())

    @property
    def stint(self) -> Stint | None:
        """The duty that is going on."""
        return self.stints[-1] if self.stints and self.stints[-1].ended is None and not self.checked_out else None

    def status(self, now: datetime) -> str:
        """One of `STATUSES`, as of `now`."""
        if self.checked_out is not None:
            return "checked_out"
        if now >= self.pending_from:
            return "pending_check_out"
        return "on_duty" if self.stint else "checked_in"

    def present(self, now: datetime) -> bool:
        """Whether the volunteer is at the station, as of `now`."""
        return not self.voided and self.status(now) in ("on_duty", "checked_in")

    def overlaps(self, start: datetime, end: datetime | None) -> bool:
        """Whether a stay from `start` to `end` (None: still here) would share time with this one."""
        mine, theirs = self.checked_out or self.pending_from, end or pending_from(start)
        return not self.voided and start < mine and theirs > self.checked_in

    def covers(self, when: datetime) -> bool:
        """Whether the volunteer was here at that time."""
        return not self.voided and self.checked_in <= when < (self.checked_out or self.pending_from)


def pending_from(checked_in: datetime) -> datetime:
    """When a stay that began at `checked_in` and has no end becomes 待补签."""
    midnight = datetime.combine(service_day(checked_in) + timedelta(days=1), datetime.min.time(), SHANGHAI)
    return max(midnight, checked_in + PENDING_AFTER)


def corrected_times(records: Iterable[Record]) -> dict[str, datetime]:
    """The right time of each record of a visit that was corrected, by its id."""
    times: dict[str, datetime] = {}
    for record in records:
        if record.type == "corrected":
            change = record["changes"].get("occurred")
            if isinstance(change, list) and len(change) == 2:
                with suppress(RecordError):  # a change that cannot be read changes nothing, and keeps nobody out
                    times[record["target"]] = moment(change[1])
    return times


def visit_from(records: Sequence[Record]) -> Visit:
    """The visit that the records (in the order of the log, the first a `checked_in`) tell of."""
    voided = {record["target"] for record in records if record.type == "voided"}
    times = corrected_times(records)
    first = records[0]
    clock = late = ahead = False
    out: datetime | None = None
    now = start = times.get(first.id, first.occurred)
    stints: list[Stint] = []
    running: list[tuple[datetime, datetime | None]] = []
    since: datetime | None = start
    placed: Record | None = None

    def stop(at: datetime) -> None:
        nonlocal since
        if since is not None and at > since:
            running.append((since, at))
        since = None

    for record in records[1:]:
        if record.type == "assigned":
            placed = record
        clock = clock or record.type == "station_noted"  # of all notes only a jump of the clock is filed with a visit
        if record.type not in ("duty_started", "duty_ended", "checked_out") or record.id in voided or out is not None:
            continue
        when = times.get(record.id, record.occurred)
        # Order is by the log, not by the clock: a clock that ran backwards gives no minutes and takes none.
        clock = clock or when < now
        now = max(now, when)
        if stints and stints[-1].ended is None:
            if record.type == "duty_ended" and record["start"] != stints[-1].id:
                continue
            last = stints[-1]
            stints[-1] = Stint(last.id, last.duty, last.post, last.started, now)
        if record.type == "duty_started":
            stints.append(Stint(record.id, record["duty"], record["post"], now, None))
            since = now if since is None else since
        else:
            stop(now)
        if record.type == "checked_out":
            out, late, ahead = now, record["late"], record.at < record.occurred
    if out is None and since is not None:
        running.append((since, None))
    return Visit(
        id=first.id,
        volunteer=first.volunteer or "",
        checked_in=start,
        checked_out=out,
        stints=tuple(stints),
        running=_joined(running),
        street=placed["street"] if placed else None,
        community=placed["community"] if placed else None,
        post=placed["post"] if placed else None,
        why=placed["why"] if placed else None,
        voided=first.id in voided,
        late=late,
        corrected=bool(voided) or any(record.type == "corrected" for record in records),
        clock=clock,
        ahead=ahead,
        last=now,
    )


def _joined(stretches: Iterable[tuple[datetime, datetime | None]]) -> tuple[tuple[datetime, datetime | None], ...]:
    # A change of duty ends one stretch and begins the next at the same moment: for minutes they are one.
    joined: list[tuple[datetime, datetime | None]] = []
    for start, end in stretches:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def counted(visits: Iterable[Visit], now: datetime) -> dict[str, list[tuple[datetime, datetime]] | None]:
    """The stretches of time that count as service, by visit id; no moment of a person is in two of them.

    Args:
        visits: of one person; open ones count up to `now`, 待补签 ones are None.
        now: the moment of asking (aware).
    """
    found: dict[str, list[tuple[datetime, datetime]] | None] = {}
    covered: datetime | None = None
    for visit in sorted((visit for visit in visits if not visit.voided), key=lambda visit: visit.checked_in):
        if visit.status(now) == "pending_check_out":
            found[visit.id] = None
            continue
        stretches = []
        for start, end in visit.running:
            begin = start if covered is None else max(start, covered)
            # A sheet may say when somebody is going to leave. Time that is yet to come was not served.
            finish = now if end is None else min(end, now) if visit.ahead else end
            if finish > begin:
                stretches.append((begin, finish))
                covered = finish
        found[visit.id] = stretches
    return found


def minutes(visits: Iterable[Visit], now: datetime) -> dict[str, int | None]:
    """Whole minutes of service by visit id; no moment of a person counts twice.

    Args:
        visits: of one person; open ones count up to `now`, 待补签 ones are None: never zero, never full, until the
            lead's word.
        now: the moment of asking (aware).
    """
    return {
        visit_id: None
        if stretches is None
        else whole_minutes(sum((end - start for start, end in stretches), timedelta()))
        for visit_id, stretches in counted(visits, now).items()
    }


def served(visit: Visit, now: datetime) -> timedelta:
    """How long a visit has served by itself, if it goes on, or ends, at `now`."""
    start, end = visit.running[-1] if visit.running else (now, now)
    return visit.ended + max(now - start, timedelta()) if end is None else visit.ended


def whole_minutes(time: timedelta) -> int:
    """The minutes of a time that was served: rounded down, for each visit by itself."""
    return int(time.total_seconds() // 60)
