"""Who you are: name, phone, ID number or birth date."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from textual import on
from textual.widget import Widget

from kiosk import rules
from kiosk.errors import InvalidInput
from kiosk.i18n import N_, _
from kiosk.screens.draft import Draft
from kiosk.station import Station
from kiosk.widgets.choices import Question
from kiosk.widgets.fields import Field
from kiosk.widgets.page import Page

_SHORT: Final = {
    "resident_id": N_("ID card"),
    "residence_permit": N_("HK/MO/TW"),
    "foreign_pr": N_("PR card"),
    "passport": N_("Passport"),
    "other": N_("Other"),
}


class IdentityPage(Page[str]):
    """Returns `next` when every field is right."""

    heading = N_("Who you are")

    def __init__(self, station: Station, draft: Draft, *, step: tuple[int, int]) -> None:
        super().__init__(station, step=step)
        self._draft = draft

    def content(self) -> Iterable[Widget]:
        typed = self._draft.fields
        yield Field("name", _("Name"), typed.get("name", ""), rules.parse_name, length=100)
        yield Field("phone", _("Mobile number"), typed.get("phone", ""), rules.parse_phone, length=20)
        kinds = [(kind, _(label)) for kind, label in _SHORT.items()]
        kind = Question("id_type", _("Document"), kinds, typed.get("id_type", "resident_id"))
        kind.id = "id_type"
        kind.add_class("inline")
        yield kind
        required = self.station.campaign.id_number_required
        hint = "" if required else _("May be left empty; then enter your birth date.")
        yield Field("id_number", _("ID number"), typed.get("id_number", ""), self._check_number, hint=hint, length=40)
        hint = _("For example 1990-01-31")
        yield Field("birth_date", _("Birth date"), typed.get("birth_date", ""), self._check_birth, hint=hint, length=16)

    def ready(self) -> None:
        self.query_one("#name", Field).focus()
        self._show_birth()

    def _number(self) -> tuple[str, str, object]:
        kind, number = self._draft.fields.get("id_type", ""), self._draft.fields.get("id_number", "")
        return rules.parse_id_number(kind, number, self.station.today())

    def _check_number(self, text: str) -> None:
        kind = self._draft.fields.get("id_type", "")
        number = rules.parse_id_number(kind, text, self.station.today())[1]
        if self.station.campaign.id_number_required and not number:
            raise rules.invalid("id_invalid")

    def _from_number(self) -> object:
        try:
            return self._number()[2]
        except InvalidInput:
            return None

    def _check_birth(self, text: str) -> None:
        rules.parse_birth_date(text, self.station.today(), None)

    def _show_birth(self) -> None:
        # An ID number says it already: one question less.
        self.query_one("#birth_date", Field).display = self._from_number() is None

    @on(Field.Edited)
    def _remember(self, event: Field.Edited) -> None:
        self._draft.fields[event.field.name or ""] = event.value
        if event.field.name == "id_number":
            self._show_birth()
            if self._from_number() is not None:
                self._draft.fields["birth_date"] = ""

    @on(Question.Answered)
    def _remember_kind(self, event: Question.Answered) -> None:
        self._draft.fields["id_type"] = event.value
        number = self.query_one("#id_number", Field)
        if number.value:
            number.problem()
        self._show_birth()
        number.focus()

    @on(Field.Entered)
    def _go_on(self, event: Field.Entered) -> None:
        follow: dict[str, Callable[[], object]] = {
            "name": self.query_one("#phone", Field).focus,
            "phone": self.query_one("#id_type", Question).focus,
        }
        name = event.field.name or ""
        if name == "id_number" and self.query_one("#birth_date", Field).display:
            self.query_one("#birth_date", Field).focus()
        elif name in follow:
            follow[name]()
        else:
            self.action_next()

    def action_next(self) -> None:
        # Enter on the kind of document takes the one that is chosen.
        if self.focused is not None and self.focused.id == "id_type":
            self.query_one("#id_number", Field).focus()
            return
        wrong = [field for field in self.query(Field) if field.display and field.problem() is not None]
        if wrong:
            wrong[0].focus()
        else:
            self.dismiss("next")
