"""A good badge of another station: the lead, who sees the person, enters the name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.widget import Widget
from textual.widgets import Static

from kiosk import rules
from kiosk.badge import Badge
from kiosk.i18n import N_, _
from kiosk.station import Station
from kiosk.widgets.fields import Field
from kiosk.widgets.form import FormPage


class VisitorPage(FormPage[str]):
    """Returns the name that the lead entered."""

    heading = N_("A volunteer of another station")

    def __init__(self, station: Station, visitor: Badge, *, doubt: Callable[[], str] = str) -> None:
        super().__init__(station)
        self._visitor, self._doubt = visitor, doubt

    def content(self) -> Iterable[Widget]:
        said = _("The badge {number} is genuine. It was made by station {station}.")
        said = said.format(number=self._visitor.volunteer, station=self._visitor.station)
        yield Static(said, markup=False, id="verdict")
        known = self.station.knows(self._visitor.volunteer)
        never = "" if known else _("It has not been seen at this station before.")
        yield Static("\n".join(filter(None, (never, self._doubt()))), markup=False, classes="doubt")
        asked = _("Site lead, please look at a document of this person and enter the name.")
        yield Static(asked, markup=False, classes="subtitle")
        yield Field("name", _("Name"), self.typed.get("name", ""), rules.parse_name, length=100)

    async def complete(self) -> None:
        self.dismiss(self.typed["name"])
