"""A good badge of another station: the lead, who sees the person, enters the name."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.widget import Widget
from textual.widgets import Static

from kiosk import rules
from kiosk.badge import Badge
from kiosk.i18n import N_, _
from kiosk.station import Station
from kiosk.widgets.fields import Field
from kiosk.widgets.page import Page


class VisitorPage(Page[str]):
    """Returns the name that the lead entered."""

    heading = N_("A volunteer of another station")
    keeps_draft = True

    def __init__(self, station: Station, visitor: Badge) -> None:
        super().__init__(station)
        self._visitor = visitor
        self._typed = ""

    def content(self) -> Iterable[Widget]:
        said = _("The badge {number} is genuine. It was made by station {station}.")
        said = said.format(number=self._visitor.volunteer, station=self._visitor.station)
        yield Static(said, markup=False, id="verdict")
        asked = _("Site lead, please look at a document of this person and enter the name.")
        yield Static(asked, markup=False, classes="subtitle")
        yield Field("name", _("Name"), self._typed, rules.parse_name, length=100)

    def ready(self) -> None:
        self.query_one("#name", Field).focus()

    @on(Field.Edited)
    def _remember(self, event: Field.Edited) -> None:
        self._typed = event.value

    @on(Field.Entered)
    def action_next(self) -> None:
        if self.query_one("#name", Field).problem() is None:
            self.dismiss(self._typed)
