"""The lead's file of a day: which form, which folder, and where it stands afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date
from typing import ClassVar, Final

from textual import on
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static

from kiosk import export
from kiosk.errors import KioskError
from kiosk.i18n import N_, _, ngettext
from kiosk.station import Station
from kiosk.tables import roster_headings, roster_rows
from kiosk.widgets.choices import Question
from kiosk.widgets.fields import Field
from kiosk.widgets.form import BETWEEN_FIELDS
from kiosk.widgets.page import Key, Page
from kiosk.wording import day_in_words

_FORMS: Final = (("xlsx", N_("XLSX (Excel, WPS)")), ("csv", "CSV"))


class ExportPage(Page[None]):
    """Writes the file and says where it is."""

    idle = 180
    keeps_draft = True
    heading = N_("Export")
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("Write the file"), "next"),
        Key("F1", N_("Help"), "app.help"),
        Key("Esc", N_("Back"), "back"),
    )
    more: ClassVar[tuple[Key, ...]] = (
        Key("1 2", N_("XLSX or CSV, while the question has the cursor"), ""),
        Key("Tab", N_("To the other field"), ""),
    )

    BINDINGS: ClassVar[list[BindingType]] = BETWEEN_FIELDS

    def __init__(self, station: Station, day: date) -> None:
        super().__init__(station)
        self._day = day
        self._form = "xlsx"
        self._folder = str(export.suggest_folder(station.folder))

    def title_text(self) -> str:
        return f"{_(self.heading)}  {day_in_words(self._day, self.station.today())}"

    def content(self) -> Iterable[Widget]:
        said = _("The file holds names and the ends of phone numbers. Please give it to nobody who need not have it.")
        yield Static(said, markup=False, classes="fact")
        question = Question("form", _("Which file?"), [(value, _(label)) for value, label in _FORMS], self._form)
        question.id = "form"
        yield question
        yield Field("folder", _("Folder"), self._folder, lambda text: None, length=400)
        yield Static("", markup=False, id="written")

    def ready(self) -> None:
        self.query_one("#form").focus()

    @on(Question.Answered)
    def _choose(self, event: Question.Answered) -> None:
        self._form = event.value

    @on(Field.Edited)
    def _remember(self, event: Field.Edited) -> None:
        self._folder = event.value

    @on(Field.Entered)
    async def _enter(self) -> None:
        await self.action_next()

    async def action_next(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        if self.busy:
            return
        station = self.station
        entries = station.roster(self._day)
        headings = roster_headings()
        rows = [[row[key] for key in headings] for row in roster_rows(entries, station.campaign)]
        written = self.query_one("#written", Static)
        written.update("")
        self.say(_("Writing ..."), wrong=False)
        where = (self._folder, station.settings.station, self._day, self._form)
        try:
            with self.working():
                path = await asyncio.to_thread(export.write, *where, [*headings.values()], rows)
        except KioskError as error:
            self.say(str(error))
        else:
            said = ngettext("Written: {count} person.", "Written: {count} people.", len(rows))
            self.say(said.format(count=len(rows)), wrong=False)
            written.update(str(path))
