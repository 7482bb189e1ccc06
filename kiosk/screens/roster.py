"""The lead's roster of a day, and the way to somebody's late sign-out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import DataTable, Input, Static

from kiosk.i18n import N_, _, ngettext
from kiosk.roster import Entry, counts
from kiosk.station import Station
from kiosk.widgets.fields import Entry as TextEntry
from kiosk.widgets.page import Key, Page
from kiosk.wording import FLAGS, STATUS

_WIDTHS: Final = (8, 11, 4, 11, 16, 5, 5, 4)
"""Cells of the columns: together with a cell of padding on each side, 80 columns hold them."""


class RosterPage(Page[Entry]):
    """Returns the person whom the lead chose."""

    heading = N_("Roster")
    may_close = True
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("Open"), "next"),
        Key("PgUp", N_("Earlier"), "day(-1)"),
        Key("PgDn", N_("Later"), "day(1)"),
        Key("Esc", N_("Leave"), "back"),
        Key("Ctrl+Q", N_("Close"), "app.leave"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "day(-1)", show=False, priority=True),
        Binding("pagedown", "day(1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
    ]

    def __init__(self, station: Station, day: date) -> None:
        super().__init__(station)
        self.day = day
        self._search = ""
        self._shown: list[Entry] = []

    def title_text(self) -> str:
        weekday = self.day.isoformat()
        return f"{_(self.heading)}  {weekday}"

    def content(self) -> Iterable[Widget]:
        with Horizontal(id="roster-bar"):
            yield Static(_("Search"), markup=False, classes="field-label")
            yield TextEntry(self._search, id="roster-search")
            yield Static("", markup=False, id="roster-counts")
        yield DataTable(id="roster", cursor_type="row", zebra_stripes=True)

    def ready(self) -> None:
        table = self.query_one("#roster", DataTable)
        table.can_focus = False
        headings = (_("Name"), _("Number"), _("Tel."), _("Status"), _("Duty"), _("In"), _("Out"), _("Min."))
        for label, width in zip(headings, _WIDTHS, strict=True):
            table.add_column(label, width=width)
        self.query_one("#roster-search").focus()
        self._list()

    def _matches(self, entry: Entry) -> bool:
        wanted = self._search.casefold().replace(" ", "").replace("-", "")
        said = f"{entry.name}{entry.volunteer.replace('-', '')}{entry.phone_masked}{_(STATUS[entry.status])}"
        return wanted in said.casefold().replace(" ", "")

    def _list(self) -> None:
        everybody = self.station.roster(self.day)
        self._shown = [entry for entry in everybody if self._matches(entry)]
        table = self.query_one("#roster", DataTable)
        table.clear()
        for entry in self._shown:
            table.add_row(*(Text(cell, no_wrap=True) for cell in self._cells(entry)))
        said = [f"{_(STATUS[status])} {count}" for status, count in counts(everybody).items() if count]
        self.query_one("#roster-counts", Static).update("  ".join(said))
        missing = self._pending_note()
        if missing:
            self.say(missing)
        elif not everybody:
            self.say(_("Nobody was here on this day."), wrong=False)
        elif not self._shown:
            self.say(_("Nobody on this day matches."), wrong=False)
        else:
            self.say("")

    def _pending_note(self) -> str:
        yesterday = self.day - timedelta(days=1)
        missing = sum(entry.status == "pending_check_out" for entry in self.station.roster(yesterday))
        said = ngettext(
            "The day before, {count} sign-out is missing.", "The day before, {count} sign-outs are missing.", missing
        )
        return said.format(count=missing) if missing else ""

    def _cells(self, entry: Entry) -> Iterable[str]:
        duty = self.station.campaign.duty(entry.duty) if entry.duty else None
        yield entry.name
        yield entry.volunteer
        yield entry.phone_masked[-4:]
        yield " ".join([_(STATUS[entry.status]), *(_(FLAGS[flag]) for flag in entry.flags)])
        yield str(duty.text) if duty else ""
        yield f"{entry.checked_in_at:%H:%M}"
        yield f"{entry.checked_out_at:%H:%M}" if entry.checked_out_at else ""
        yield "" if entry.minutes is None else f"{entry.minutes:4}"

    @on(Input.Changed, "#roster-search")
    def _search_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._search:
            self._search = event.value
            self._list()

    @on(Input.Submitted, "#roster-search")
    def _open(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_next()

    @on(DataTable.RowSelected)
    def _open_tapped(self, event: DataTable.RowSelected) -> None:
        event.stop()
        self.action_next()

    def action_move(self, by: int) -> None:
        table = self.query_one("#roster", DataTable)
        table.move_cursor(row=table.cursor_row + by)

    async def action_day(self, by: int) -> None:
        day = self.day + timedelta(days=by)
        if day <= self.station.today():
            self.day = day
            self.query_one("#title", Static).update(self.title_text())
            self._list()

    def action_next(self) -> None:
        row = self.query_one("#roster", DataTable).cursor_row
        if 0 <= row < len(self._shown):
            self.dismiss(self._shown[row])
