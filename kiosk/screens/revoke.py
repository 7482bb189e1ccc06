"""Revoking a volunteer's badge."""

from __future__ import annotations

from collections.abc import Iterable

from kiosk import serving
from kiosk.errors import NotPossible
from kiosk.i18n import N_, _
from kiosk.screens.act import ActPage, Plan


class RevokePage(ActPage):
    """Makes the badge worthless; the next check-in makes a new one."""

    heading = N_("Revoke the badge")

    def facts(self) -> Iterable[str]:
        yield _("The badge opens nothing any more, at this station at once. The next check-in makes a new one.")

    def plan(self, reason: str) -> Plan:
        if not reason.strip():
            raise NotPossible(_("Please enter a reason."))
        self.station.rehearse(serving.revoke_badge, self.volunteer, reason, self.station.clock())
        issued = self.station.history.badge(self.volunteer)
        if issued is None:
            raise NotPossible(_("This badge was revoked before."))
        lines = [
            _("Badge {serial} of {number}: revoked").format(serial=issued["serial"], number=self.volunteer),
            _("Reason: {reason}").format(reason=reason.strip()),
        ]
        done = _("Recorded: badge {serial} is revoked.").format(serial=issued["serial"])
        return Plan(lines, self.station.revoke_badge, (self.volunteer, reason), done)
