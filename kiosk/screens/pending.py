"""The list of 待补签: every visit of an earlier day that has no sign-out, until the lead has settled it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from kiosk.i18n import N_, _, ngettext
from kiosk.station import Station
from kiosk.telling import time_in_words
from kiosk.visits import Visit
from kiosk.widgets.page import Key, Page
from kiosk.widgets.rows import Column, RowList
from kiosk.wording import day_in_words


class PendingPage(Page[Visit]):
    """Returns the visit that is to be settled, or None to go on to the roster."""

    idle = 180
    keeps_draft = True
    heading = N_("Missing sign-outs")
    may_close = True
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("Late sign-out"), "next"),
        Key("F1", N_("Help"), "app.help"),
        Key("Esc", N_("Roster"), "back"),
    )
    more: ClassVar[tuple[Key, ...]] = (
        Key(N_("Up Down PgUp PgDn Home End"), N_("Move in the list"), ""),
        Key("Ctrl+Q", N_("Close the kiosk"), ""),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
    ]

    def __init__(self, station: Station, visits: Sequence[Visit], *, note: str = "") -> None:
        """Makes the page.

        Args:
            station: the station.
            visits: those that are 待补签.
            note: what was recorded just now.
        """
        super().__init__(station)
        self._visits, self._note = visits, note

    def content(self) -> Iterable[Widget]:
        count = len(self._visits)
        said = ngettext(
            "{count} visit has no sign-out. Its time counts for nothing until you have entered when it ended.",
            "{count} visits have no sign-out. Their time counts for nothing until you have entered when they ended.",
            count,
        )
        yield Static(said.format(count=count), markup=False, id="pending-count")
        columns = (
            Column(_("Day"), 14),
            Column(_("Name"), 10, share=1),
            Column(_("Number"), 11),
            Column(_("Tel."), 4),
            Column(_("In"), 5),
            Column(_("Last event"), 16, share=1),
        )
        yield RowList(columns, self._cells, id="pending")

    def ready(self) -> None:
        self._rows.show(self._visits)
        self.say(self._note, wrong=False)

    @property
    def _rows(self) -> RowList[Visit]:
        rows: RowList[Visit] = self.query_one("#pending", RowList)
        return rows

    def _cells(self, visit: Visit) -> Sequence[str]:
        person = self.station.history.people.get(visit.volunteer)
        duty = self.station.campaign.duty(visit.stint.duty) if visit.stint else None
        return (
            day_in_words(visit.day, self.station.today()),
            person.name if person else "",
            visit.volunteer,
            person.phone_masked[-4:] if person else "",
            f"{visit.checked_in:%H:%M}",
            " ".join([time_in_words(visit.last, visit.day), str(duty.text) if duty else ""]).strip(),
        )

    @on(RowList.Chosen)
    def _open_tapped(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_next()

    def action_move(self, by: int) -> None:
        self._rows.move(by)

    def action_page(self, by: int) -> None:
        self._rows.page_by(by)

    def action_next(self) -> None:
        self.dismiss(self._rows.chosen)
