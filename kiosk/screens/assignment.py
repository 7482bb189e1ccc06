"""Where the volunteer serves: street, community, whom to call, and why there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Static

from kiosk.assignment import WHY, Assignment
from kiosk.i18n import N_, _
from kiosk.screens.verdict import spaced
from kiosk.station import Station
from kiosk.widgets.cells import spread
from kiosk.widgets.digits import LargeDigits
from kiosk.widgets.grounds import Beside, Stack
from kiosk.widgets.page import Key, Page


class AssignmentPage(Page[str]):
    """Returns `next`."""

    heading = N_("Your place of service")
    keys: ClassVar[tuple[Key, ...]] = (Key("Enter", N_("Next"), "next"),)

    def __init__(self, station: Station, assignment: Assignment, *, badge: bool) -> None:
        """Makes the page.

        Args:
            station: the station.
            assignment: the place.
            badge: whether the badge comes next, which the bottom line then says.
        """
        super().__init__(station)
        self._assignment, self._badge = assignment, badge

    def offered(self) -> Iterable[Key]:
        following, *others = super().offered()
        yield Key("Enter", N_("My badge"), "next") if self._badge else following
        yield from others

    def content(self) -> Iterable[Widget]:
        campaign, place = self.station.campaign, self._assignment
        with Stack(id="place-card", classes="card"):
            yield Static(spread(campaign.name_of(place.street)), markup=False, id="place-street")
            if place.community:
                yield Static(spread(campaign.name_of(place.community)), markup=False, id="place-community")
            post = campaign.post(place.post)
            duty = campaign.duty(post.duty) if post else None
            if post and duty:
                hours = f"{post.starts:%H:%M}-{post.ends:%H:%M}"
                yield Static(f"{duty.text}  {post.place}  {hours}", markup=False, id="post")
            yield Static(_(WHY[place.why]), markup=False, id="why")
        contact = campaign.contact_for(place.street)
        with Stack(id="contact-card", classes="card"):
            with Beside(id="contact-line"):
                yield Static(_("Your contact there"), markup=False, id="contact-label")
                yield Static(spread(contact.contact), markup=False, id="contact")
                if contact.street is None:
                    yield Static(contact.name, markup=False, id="contact-of")
            yield LargeDigits(spaced(contact.phone), id="contact-phone")

    def action_next(self) -> None:
        self.dismiss("next")

    def action_back(self) -> None:
        """There is no way back: the visit is recorded."""
