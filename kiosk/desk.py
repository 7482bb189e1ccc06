"""What a decision at the station looks at: the log so far, the campaign, the station itself and its keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from kiosk.badge import is_let_go
from kiosk.campaign import Campaign, Campaigns
from kiosk.keys import Keys
from kiosk.records import Draft, Record
from kiosk.roster import History
from kiosk.trust import Directory

T = TypeVar("T")
Decision = tuple[list[Draft], T]
"""The facts to write, all or none, and what to tell once they are written."""


def badge_that_counts(history: History, directory: Directory, volunteer: str) -> Record | None:
    """The badge that was issued last, unless this station has revoked it or headquarters lets it count no more."""
    issued = history.badge(volunteer)
    return None if issued is None or is_let_go(str(issued["code"]), directory) else issued


class Desk(Struct):
    """What is known at a station; the history grows with each record.

    Attributes:
        station: the station's id.
        community: the code of the community that it stands in.
        campaigns: all that the station has.
        campaign: the one that counts on the day in question.
        keys: sign badges and seal personal data.
        entropy: gives n random bytes.
        history: what the log has said so far.
    """

    station: str
    community: str
    campaigns: Campaigns
    campaign: Campaign
    keys: Keys
    entropy: Callable[[int], bytes]
    history: History

    def badge_of(self, volunteer: str) -> Record | None:
        """The badge of a volunteer that counts, if there is one."""
        return badge_that_counts(self.history, self.keys.others(), volunteer)

    def revoked_up_to(self, volunteer: str) -> int:
        """The serial up to which somebody's badges were revoked, here or elsewhere."""
        return max(self.history.revoked.get(volunteer, 0), self.keys.others().revoked.get(volunteer, 0))

    def on(self, day: date) -> Desk:
        """The same desk with the campaign that counts on `day`."""
        return replace(self, campaign=self.campaigns.on(day))
