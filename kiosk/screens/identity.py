"""Who you are: name and phone."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.widget import Widget

from kiosk import rules
from kiosk.i18n import N_, _
from kiosk.screens.draft import Draft
from kiosk.station import Station
from kiosk.widgets.fields import Field
from kiosk.widgets.numberpad import PadForm
from kiosk.widgets.page import Page


class IdentityPage(Page[str]):
    """Returns `next` when both fields are right."""

    heading = N_("Who you are")
    keeps_draft = True
    idle = 120

    def __init__(self, station: Station, draft: Draft, *, step: tuple[int, int]) -> None:
        super().__init__(station, step=step)
        self._draft = draft

    def content(self) -> Iterable[Widget]:
        typed = self._draft.fields
        with PadForm():
            yield Field("name", _("Name"), typed.get("name", ""), rules.parse_name, length=100)
            hint = _("11 digits")
            phone = typed.get("phone", "")
            yield Field("phone", _("Mobile number"), phone, rules.parse_phone, hint=hint, length=20, asks="digits")

    def ready(self) -> None:
        self.query_one("#name", Field).focus()

    @on(Field.Edited)
    def _remember(self, event: Field.Edited) -> None:
        self._draft.fields[event.field.name or ""] = event.value

    @on(Field.Entered)
    def _go_on(self, event: Field.Entered) -> None:
        if event.field.name == "name":
            self.query_one("#phone", Field).focus()
        else:
            self.action_next()

    def action_next(self) -> None:
        wrong = [field for field in self.query(Field) if field.problem() is not None]
        if wrong:
            wrong[0].focus()
        else:
            self.dismiss("next")
