"""Check of everything, and the moment at which it is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Static

from kiosk.arriving import Admission
from kiosk.i18n import N_, _
from kiosk.rules import ID_TYPES
from kiosk.screens.draft import Draft
from kiosk.station import Station
from kiosk.widgets.grounds import Beside, Scroll, Stack
from kiosk.widgets.page import Key, Page


class ReviewPage(Page[Admission]):
    """Returns what came of the application, once it is durable."""

    heading = N_("Is everything right?")
    keeps_draft = True
    idle = 120
    waits_for_lead = True
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("Yes, check me in"), "next"),
        Key("Esc", N_("Change something"), "back"),
    )

    def __init__(self, station: Station, draft: Draft, *, step: int) -> None:
        super().__init__(station, step=step)
        self._draft = draft

    def content(self) -> Iterable[Widget]:
        with Scroll(id="page"):
            for lines in (self._person(), self._answers()):
                with Stack(classes="card review"):
                    for label, value in lines:
                        with Beside(classes="review-line"):
                            yield Static(label, markup=False, classes="review-label")
                            yield Static(value, markup=False, classes="review-value")

    def ready(self) -> None:
        self.query_one("#page").focus()

    def _person(self) -> Iterable[tuple[str, str]]:
        campaign = self.station.campaign
        person = self._draft.applicant(campaign, self.station.today())
        if person is None:  # a scan or the idle time has ended the story, and the page is about to go
            return
        yield _("Name"), person.name
        yield _("Mobile number"), f"{person.phone[:3]} {person.phone[3:7]} {person.phone[7:]}"
        if person.id_number:
            yield _(ID_TYPES[person.id_type]), person.id_number
        yield _("Birth date"), person.born.isoformat()
        if person.community:
            yield _("Community"), f"{campaign.name_of(person.community[:9])} {campaign.name_of(person.community)}"

    def _answers(self) -> Iterable[tuple[str, str]]:
        for clause in self.station.campaign.clauses_on(self.station.today()):
            option = clause.option(self._draft.answers.get(clause.id, "")) if clause.asked else None
            if option is not None:
                yield str(clause.text), str(option.text)

    async def action_next(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        application = self._draft.application(self.station.campaign, self.station.today())
        admission = await self.save(self.station.check_in, application) if application else None
        if admission is not None:
            self.dismiss(admission)
