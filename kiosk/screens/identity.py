"""Who you are: name and phone."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from kiosk import rules
from kiosk.i18n import N_, _
from kiosk.screens.draft import Draft
from kiosk.station import Station
from kiosk.widgets.fields import Field
from kiosk.widgets.form import FormPage
from kiosk.widgets.numberpad import PadForm


class IdentityPage(FormPage[str]):
    """Returns `next` when both fields are right."""

    heading = N_("Who you are")
    idle = 120

    def __init__(self, station: Station, draft: Draft, *, step: int) -> None:
        super().__init__(station, step=step, typed=draft.fields)

    def content(self) -> Iterable[Widget]:
        typed = self.typed
        with PadForm():
            yield Field("name", _("Name"), typed.get("name", ""), rules.parse_name, length=100)
            hint = _("11 digits")
            phone = typed.get("phone", "")
            yield Field("phone", _("Mobile number"), phone, rules.parse_phone, hint=hint, length=20, asks="digits")

    async def complete(self) -> None:
        self.dismiss("next")
