"""The correction of a time: what was recorded, what is right, and why. Both stay in the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from kiosk import serving
from kiosk.errors import InvalidInput, NotPossible
from kiosk.i18n import N_, _
from kiosk.records import Record, service_day
from kiosk.screens.act import ActPage, Plan
from kiosk.station import Station
from kiosk.telling import moment_in_words, name_moment
from kiosk.visits import Visit
from kiosk.widgets.fields import Field
from kiosk.widgets.times import parse_clock


def named_moments(station: Station, visit: Visit) -> list[tuple[str, datetime, Sequence[Record]]]:
    """The moments of a visit, each in words, with its time and its records."""
    records = station.records_of(visit.id)
    return [
        (name_moment(group, records, visit, station.campaign), when, group) for when, group in serving.moments(records)
    ]


class CorrectPage(ActPage):
    """Changes the time of one moment of a visit."""

    heading = N_("Correct a time")

    def __init__(self, station: Station, visit: Visit, moment: tuple[str, datetime, Sequence[Record]]) -> None:
        super().__init__(station, visit.volunteer, visit)
        self._event, self._when, self._records = moment

    def _in_words(self, when: datetime) -> str:
        return moment_in_words(when, self.station.today())

    def facts(self) -> Iterable[str]:
        yield self._event
        yield _("Recorded time: {time}").format(time=self._in_words(self._when))

    def fields(self) -> Iterable[Field]:
        yield Field(
            "time",
            _("Right time"),
            self.typed.get("time", ""),
            self._right,
            hint=_("For example 17:30, or with the day: 2021-12-06 17:30"),
            length=16,
        )

    def _right(self, text: str) -> datetime:
        return parse_clock(text, service_day(self._when))

    def plan(self, reason: str) -> Plan:
        right = self._right(self.typed.get("time", ""))
        target = self._records[-1].id
        try:
            self.station.rehearse(serving.correct, self.visit.id, target, right, reason, self.station.clock())
        except InvalidInput as error:
            sentence = _(
                "This time cannot be: events keep their order, and no visit reaches into another or the future."
            )
            raise NotPossible(sentence) from error
        old, new = self._in_words(self._when), self._in_words(right)
        lines = [
            self._event,
            _("Recorded time: {time}").format(time=old),
            _("Right time: {time}").format(time=new),
            _("Reason: {reason}").format(reason=reason.strip()),
        ]
        done = _("Recorded: {event}, {old} corrected to {new}.").format(event=self._event, old=old, new=new)
        return Plan(lines, self.station.correct, (self.visit.id, target, right, reason), done)
