"""The badge: a QR code to take a picture of, and the number below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from kiosk.assignment import Assignment
from kiosk.badge import half_blocks
from kiosk.i18n import N_, _
from kiosk.screens.verdict import spaced
from kiosk.station import Station
from kiosk.widgets.page import Key, Page


class BadgePage(Page[str]):
    """Returns `duty` to go on duty at once, None to finish."""

    idle = 90
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("Start a duty"), "next"),
        Key("Esc", N_("Finish"), "back"),
    )

    def __init__(self, station: Station, volunteer: str, code: str, assignment: Assignment | None) -> None:
        super().__init__(station)
        self._volunteer, self._code, self._assignment = volunteer, code, assignment

    def content(self) -> Iterable[Widget]:
        person = self.station.person(self._volunteer)
        with Horizontal(id="badge"):
            yield Static("\n".join(half_blocks(self._code)), markup=False, id="qr")
            with Vertical(id="badge-text"):
                yield Static(_("Your badge"), markup=False, id="badge-title")
                yield Static(person.name, markup=False, id="badge-name")
                yield Static(_("Volunteer number"), markup=False, classes="quiet")
                yield Static(self._volunteer, markup=False, id="badge-number")
                if self._assignment is not None:
                    yield from self._where(self._assignment)
                yield Static(
                    _("Take a picture of the code. Scan it here, or type the number, to start or end a duty."),
                    markup=False,
                    id="badge-hint",
                )

    def _where(self, place: Assignment) -> Iterable[Widget]:
        campaign = self.station.campaign
        where = campaign.name_of(place.street)
        if place.community:
            where += f" {campaign.name_of(place.community)}"
        contact = campaign.contact_for(place.street)
        yield Static(where, markup=False, classes="badge-line")
        yield Static(f"{contact.contact} {spaced(contact.phone)}", markup=False, classes="badge-line")

    def action_next(self) -> None:
        self.dismiss("duty")
