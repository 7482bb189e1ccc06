"""No badge at hand: name and mobile or ID number, both as at first, say who it is."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.widget import Widget
from textual.widgets import Static

from kiosk import rules
from kiosk.errors import InvalidInput
from kiosk.i18n import N_, _
from kiosk.station import Recognition, Station
from kiosk.widgets.fields import Field
from kiosk.widgets.numberpad import PadForm
from kiosk.widgets.page import Page
from kiosk.wording import BADGE_REFUSED


class LostBadgePage(Page[Recognition]):
    """Returns who it is, once the station knows."""

    heading = N_("Without your badge")
    keeps_draft = True
    idle = 90

    def __init__(self, station: Station) -> None:
        super().__init__(station)
        self._typed = {"name": "", "told": ""}

    def content(self) -> Iterable[Widget]:
        said = _("Please enter your name and number as you did the first time.")
        yield Static(said, markup=False, classes="subtitle")
        with PadForm():
            yield Field("name", _("Name"), self._typed["name"], rules.parse_name, length=100)
            hint, told = _("Your mobile, ID card or passport number"), self._typed["told"]
            yield Field("told", _("Mobile or ID"), told, self._check, hint=hint, length=40, asks="id_number")

    def ready(self) -> None:
        self.query_one("#name", Field).focus()

    def _check(self, text: str) -> None:
        try:
            rules.parse_phone(text)
        except InvalidInput:
            if not rules.possible_documents(text, self.station.today()):
                raise

    @on(Field.Edited)
    def _remember(self, event: Field.Edited) -> None:
        self._typed[event.field.name or ""] = event.value
        self.say("")

    @on(Field.Entered)
    async def _enter(self, event: Field.Entered) -> None:
        if event.field.name == "name":
            self.query_one("#told", Field).focus()
        else:
            await self.action_next()

    async def action_next(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        wrong = [field for field in self.query(Field) if field.problem() is not None]
        if wrong:
            wrong[0].focus()
            return
        found = await self.save(self.station.find, self._typed["name"], self._typed["told"])
        if found is None:
            return
        if found.refused is not None:
            self.say(_(BADGE_REFUSED[found.refused]))
        else:
            self.dismiss(found)
