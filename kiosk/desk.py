"""What a decision at the station looks at: the log so far, the campaign, the station itself and its keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from kiosk.campaign import Campaign, Campaigns
from kiosk.keys import Keys
from kiosk.records import Draft
from kiosk.roster import History

T = TypeVar("T")
Decision = tuple[list[Draft], T]
"""The facts to write, all or none, and what to tell once they are written."""


@dataclass(slots=True)
class Desk:
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

    def on(self, day: date) -> Desk:
        """The same desk with the campaign that counts on `day`."""
        return replace(self, campaign=self.campaigns.on(day))
