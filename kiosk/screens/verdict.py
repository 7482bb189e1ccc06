"""What the clauses say: welcome, or every reason, kindly, and whom to call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Static

from kiosk.arriving import Admission
from kiosk.campaign import Contact
from kiosk.i18n import N_, _
from kiosk.station import Station
from kiosk.widgets.grounds import Scroll
from kiosk.widgets.page import Key, Page


def spaced(phone: str) -> str:
    """A phone number in three groups, as people read it out."""
    return f"{phone[:3]} {phone[3:7]} {phone[7:]}"


class AdmittedPage(Page[str]):
    """Every clause is met."""

    heading = N_("You can help")
    keys: ClassVar[tuple[Key, ...]] = (Key("Enter", N_("Where do I go?"), "next"),)

    def __init__(self, station: Station, name: str, *, note: str = "") -> None:
        """Makes the page.

        Args:
            station: the station.
            name: the volunteer's.
            note: what else they have to know, such as a missing sign-out.
        """
        super().__init__(station)
        self._volunteer_name, self._note = name, note

    def content(self) -> Iterable[Widget]:
        said = _("{name}, thank you. You are checked in.").format(name=self._volunteer_name)
        yield Static(said, markup=False, id="verdict")
        if self._note:
            yield Static(self._note, markup=False, id="missing-sign-out")
        with Scroll(id="met-list", classes="card", can_focus=False):
            yield Static(_("All requirements are met:"), markup=False, classes="quiet")
            for clause in self.station.campaign.clauses_on(self.station.today()):
                yield Static(str(clause.text), markup=False, classes="met")

    def action_next(self) -> None:
        self.dismiss("next")

    def action_back(self) -> None:
        """There is no way back: the visit is recorded."""


class RefusedPage(Page[None]):
    """Every clause that is not met, and whom to call."""

    heading = N_("Not this time")
    keys: ClassVar[tuple[Key, ...]] = (Key("Enter", N_("Finish"), "next"),)

    def __init__(self, station: Station, admission: Admission) -> None:
        super().__init__(station)
        self._admission = admission

    def content(self) -> Iterable[Widget]:
        campaign = self.station.campaign
        yield Static(_("Thank you for coming. Today we cannot assign you:"), markup=False, id="verdict")
        many = len(self._admission.reasons) > 4
        with Scroll(id="reasons", classes="card -many" if many else "card"):
            for code in self._admission.reasons:
                reason = campaign.reason(code)
                if reason is not None:
                    yield Static(str(reason.text), markup=False, classes="reason")
        yield Static(_("Questions? Please call:"), markup=False, classes="subtitle")
        for contact in (campaign.contact_for(self.station.settings.street), campaign.association):
            yield Static(self._line(contact), markup=False, classes="contact-line")

    def ready(self) -> None:
        self.query_one("#reasons").focus()

    def _line(self, contact: Contact) -> str:
        return f"{contact.name}  {contact.contact}  {spaced(contact.phone)}"

    def action_next(self) -> None:
        self.dismiss(None)
