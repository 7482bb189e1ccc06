"""Taking out what is personal about a volunteer, who wishes so."""

from __future__ import annotations

from collections.abc import Iterable

from kiosk import serving
from kiosk.errors import NotPossible
from kiosk.forgetting import left_to_people
from kiosk.i18n import N_, _
from kiosk.screens.act import ActPage, Plan


class ForgetPage(ActPage):
    """Name, phone, document and health answers go; hours and numbers stay."""

    heading = N_("Forget somebody")

    def facts(self) -> Iterable[str]:
        yield _("Name, phone, document and health answers are taken out for good. Hours and the volunteer number stay.")
        if left := left_to_people(self.station.folder):
            said = _("These files may still tell of them, and are left to you: {files}")
            yield said.format(files=", ".join(left))

    def plan(self, reason: str) -> Plan:
        if not reason.strip():
            raise NotPossible(_("Please enter a reason."))
        self.station.rehearse(serving.forget, self.volunteer, reason, self.station.clock())
        lines = [
            _("Personal data of {number}: taken out, and never back").format(number=self.volunteer),
            _("Reason: {reason}").format(reason=reason.strip()),
        ]
        done = _("Recorded: what was personal about {number} is gone.").format(number=self.volunteer)
        return Plan(lines, self.station.forget, (self.volunteer, reason), done)
