"""The late sign-out (补签): when somebody left who did not sign out, and how the lead knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from kiosk import serving
from kiosk.errors import InvalidInput, KioskError, NotPossible
from kiosk.i18n import N_, _
from kiosk.records import service_day
from kiosk.screens.act import ActPage, Plan
from kiosk.telling import moment_in_words, name_moment, time_in_words
from kiosk.visits import served
from kiosk.widgets.fields import Field
from kiosk.widgets.times import parse_clock
from kiosk.wording import day_in_words, duration


class LatePage(ActPage):
    """Enters when they left."""

    heading = N_("Late sign-out")

    def facts(self) -> Iterable[str]:
        visit = self.visit
        yield day_in_words(visit.day, self.station.today())
        try:
            records = self.station.records_of(visit.id)
        except KioskError as error:
            yield str(error)
            return
        for when, group in serving.moments(records):
            event = name_moment(group, records, visit, self.station.campaign)
            yield f"{time_in_words(when, visit.day)}  {event}"

    def fields(self) -> Iterable[Field]:
        yield Field(
            "left",
            _("Left at"),
            self.typed.get("left", ""),
            self._left,
            hint=_("For example 17:30, or with the day: 2021-12-06 17:30"),
            length=16,
        )

    def _left(self, text: str) -> datetime:
        """The time that was typed: of the visit's day, or, if that was before they came, of the morning after."""
        left = parse_clock(text, self.visit.day)
        came = self.visit.checked_in.replace(second=0, microsecond=0)
        return left if left >= came or len(text.strip()) > len("17:30") else left + timedelta(days=1)

    def plan(self, reason: str) -> Plan:
        now, visit = self.station.clock(), self.visit
        left = self._left(self.typed.get("left", ""))
        try:
            self.station.rehearse(serving.sign_out_late, visit.id, left, reason, now)
        except InvalidInput as error:
            until = min(now, self.station.came_after(visit) or now)
            sentence = _("The time has to be after {last} and not after {until}.")
            last, until_said = (moment_in_words(when, now.date()) for when in (visit.last, until))
            raise NotPossible(sentence.format(last=last, until=until_said)) from error
        said_left = moment_in_words(left, now.date())
        minutes = duration(int(served(visit, left).total_seconds() // 60))
        lines = [
            _("Left at: {time}").format(time=said_left),
            _("Entered at: {time}, by the site lead").format(time=moment_in_words(now, now.date())),
            _("Service: {duration}").format(duration=minutes),
            _("Reason: {reason}").format(reason=reason.strip()),
        ]
        if service_day(left) != visit.day:
            lines.insert(1, _("Mind: that is on the day after they came."))
        done = _("Recorded: left at {time}, service {duration}.").format(time=said_left, duration=minutes)
        return Plan(lines, self.station.sign_out_late, (visit.id, left, reason), done)
