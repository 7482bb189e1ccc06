"""Voiding a visit that did not take place."""

from __future__ import annotations

from collections.abc import Iterable

from kiosk import serving
from kiosk.i18n import N_, _
from kiosk.screens.act import ActPage, Plan
from kiosk.wording import day_in_words


class VoidPage(ActPage):
    """Declares a visit void."""

    heading = N_("Void a visit")

    def _which(self) -> str:
        day = day_in_words(self.visit.day, self.station.today())
        return _("Visit of {day}, checked in at {time}").format(day=day, time=f"{self.visit.checked_in:%H:%M}")

    def facts(self) -> Iterable[str]:
        yield self._which()
        yield _("A void visit counts for nothing. It stays in the log and cannot be brought back.")

    def plan(self, reason: str) -> Plan:
        self.station.rehearse(serving.void, self.visit.id, reason, self.station.clock())
        lines = [
            _("{visit}: void, no service").format(visit=self._which()),
            _("Reason: {reason}").format(reason=reason.strip()),
        ]
        done = _("Recorded: {visit} is void.").format(visit=self._which())
        return Plan(lines, self.station.void, (self.visit.id, reason), done)
