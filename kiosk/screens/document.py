"""The ID number, or without one the birth date."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from textual import on
from textual.widget import Widget

from kiosk import rules
from kiosk.errors import InvalidInput
from kiosk.i18n import N_, _
from kiosk.screens.draft import Draft
from kiosk.station import Station
from kiosk.widgets.choices import Question
from kiosk.widgets.fields import Asks, Field
from kiosk.widgets.form import FormPage
from kiosk.widgets.numberpad import PadForm

_SHORT: Final = {
    "resident_id": N_("ID card"),
    "residence_permit": N_("HK/MO/TW"),
    "foreign_pr": N_("PR card"),
    "passport": N_("Passport"),
    "other": N_("Other"),
}


class DocumentPage(FormPage[str]):
    """Returns `next` when number and birth date are right."""

    heading = N_("Your ID number or birth date")
    idle = 120

    def __init__(self, station: Station, draft: Draft, *, step: int) -> None:
        super().__init__(station, step=step, typed=draft.fields)

    @property
    def _kind(self) -> str:
        return self.typed.get("id_type", "resident_id")

    def content(self) -> Iterable[Widget]:
        typed = self.typed
        with PadForm():
            question = Question("id_type", _("Document"), [(k, _(label)) for k, label in _SHORT.items()], self._kind)
            question.id = "id_type"
            yield question
            hint = "" if self.station.campaign.id_number_required else _("Or leave it empty and enter your birth date.")
            number, asks = typed.get("id_number", ""), self._number_asks()
            yield Field("id_number", _("ID number"), number, self._check_number, hint=hint, length=40, asks=asks)
            hint, born = _("For example 1990-01-31 or 19900131"), typed.get("birth_date", "")
            yield Field("birth_date", _("Birth date"), born, self._check_birth, hint=hint, length=16, asks="digits")

    def ready(self) -> None:
        # Where nearly everybody goes on typing: a digit on the row above would choose another document.
        self.query_one("#id_number", Field).focus()
        self._show_birth()

    def _number_asks(self) -> Asks:
        # Passports have letters, which the pad has not.
        return "id_number" if self._kind in rules.EIGHTEEN else "text"

    def _check_number(self, text: str) -> None:
        number = rules.parse_id_number(self._kind, text, self.station.today())[1]
        if self.station.campaign.id_number_required and not number:
            raise rules.invalid("id_invalid")

    def _number_tells_birth(self) -> bool:
        number = self.typed.get("id_number", "")
        try:
            return rules.parse_id_number(self._kind, number, self.station.today())[2] is not None
        except InvalidInput:
            return False

    def _check_birth(self, text: str) -> None:
        rules.parse_birth_date(text, self.station.today(), None)

    def _show_birth(self) -> None:
        # An ID number says it already: one question less.
        self.query_one("#birth_date", Field).display = not self._number_tells_birth()

    def edited(self, field: Field) -> None:
        if field.name == "id_number":
            self._show_birth()
            if self._number_tells_birth():
                # What is not shown is not said: neither here nor in the draft.
                self.query_one("#birth_date", Field).value = self.typed["birth_date"] = ""

    @on(Question.Answered)
    def _remember_kind(self, event: Question.Answered) -> None:
        self.typed["id_type"] = event.value
        number = self.query_one("#id_number", Field)
        number.asks = self._number_asks()
        if number.value:
            number.problem()
        self._show_birth()
        number.focus()

    async def action_next(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        # Enter on the kind of document takes the one that is chosen.
        if self.focused is not None and self.focused.id == "id_type":
            self.query_one("#id_number", Field).focus()
        else:
            await super().action_next()

    async def complete(self) -> None:
        self.dismiss("next")
