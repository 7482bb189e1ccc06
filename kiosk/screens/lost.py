"""No badge at hand: name and mobile or ID number, both as at first, say who it is."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Static

from kiosk import rules
from kiosk.errors import InvalidInput
from kiosk.i18n import N_, _
from kiosk.station import Recognition
from kiosk.widgets.fields import Field
from kiosk.widgets.form import FormPage
from kiosk.widgets.numberpad import PadForm
from kiosk.wording import BADGE_REFUSED


class LostBadgePage(FormPage[Recognition]):
    """Returns who it is, once the station knows."""

    heading = N_("Without your badge")
    idle = 90

    def content(self) -> Iterable[Widget]:
        said = _("Please enter your name and number as you did the first time.")
        yield Static(said, markup=False, classes="subtitle")
        with PadForm():
            yield Field("name", _("Name"), self.typed.get("name", ""), rules.parse_name, length=100)
            hint, told = _("Your mobile, ID card or passport number"), self.typed.get("told", "")
            yield Field("told", _("Mobile or ID"), told, self._check, hint=hint, length=40, asks="id_number")

    def _check(self, text: str) -> None:
        try:
            rules.parse_phone(text)
        except InvalidInput:
            if not rules.possible_documents(text, self.station.today()):
                raise

    def edited(self, field: Field) -> None:
        self.say("")

    async def complete(self) -> None:
        found = await self.save(self.station.find, self.typed["name"], self.typed["told"])
        if found is None:
            return
        if found.refused is not None:
            self.say(_(BADGE_REFUSED[found.refused]))
        else:
            self.dismiss(found)
