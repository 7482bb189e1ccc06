"""Sending a volunteer to another community."""

from __future__ import annotations

from collections.abc import Iterable

from kiosk import serving
from kiosk.i18n import N_, _
from kiosk.screens.act import ActPage, Plan
from kiosk.station import Station
from kiosk.telling import place_in_words
from kiosk.visits import Visit


class ReassignPage(ActPage):
    """Sends somebody to `community`."""

    heading = N_("Send elsewhere")

    def __init__(self, station: Station, visit: Visit, community: str) -> None:
        super().__init__(station, visit.volunteer, visit)
        self._community = community

    def _places(self) -> tuple[str, str]:
        campaign = self.station.campaign
        new = campaign.community_of(self._community)
        old = place_in_words(campaign, self.visit.street, self.visit.community)
        return old, place_in_words(campaign, new.street, new.code)

    def facts(self) -> Iterable[str]:
        old, new = self._places()
        yield _("Serves now at: {place}").format(place=old)
        yield _("To be sent to: {place}").format(place=new)

    def plan(self, reason: str) -> Plan:
        self.station.rehearse(serving.reassign, self.visit.id, self._community, reason, self.station.clock())
        old, new = self._places()
        lines = [
            _("From {old} to {new}, by the site lead").format(old=old, new=new),
            _("Reason: {reason}").format(reason=reason.strip()),
        ]
        done = _("Recorded: sent to {place}.").format(place=new)
        return Plan(lines, self.station.reassign, (self.visit.id, self._community, reason), done)
