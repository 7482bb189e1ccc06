"""The lead's roster of a day: found by typing, filtered and sorted by keys, on any day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final

from msgspec import Struct
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from kiosk.errors import InvalidInput
from kiosk.i18n import N_, _, ngettext
from kiosk.records import parse_volunteer_number, service_day
from kiosk.roster import FIRST_DAY, Entry, counts
from kiosk.rules import parse_date
from kiosk.station import Recognition, Station
from kiosk.visits import STATUSES
from kiosk.widgets.fields import Entry as TextEntry
from kiosk.widgets.grounds import Beside
from kiosk.widgets.page import Key, Page
from kiosk.widgets.rows import Column, RowList
from kiosk.wording import FLAGS, STATUS, day_in_words

SORTS: Final[tuple[tuple[str, Callable[[Entry], Any]], ...]] = (
    (N_("arrival"), lambda entry: entry.checked_in_at),
    # GB 2312, which GB 18030 contains, has its 3,755 commonest characters in the order of their pinyin.
    (N_("name"), lambda entry: entry.name.encode("gb18030", "replace")),
    (N_("status"), lambda entry: STATUSES.index(entry.status)),
    (N_("minutes"), lambda entry: -1 if entry.minutes is None else entry.minutes),
)


class View(Struct):
    """What the lead looks at, kept while other pages are up.

    Attributes:
        day: the service day.
        search: what was typed.
        status: only people in this state; all when None.
        duty: only people who have been on this duty on the day; all when None.
        sort: the place in `SORTS`.
        volunteer: under the cursor.
    """

    day: date
    search: str = ""
    status: str | None = None
    duty: str | None = None
    sort: int = 0
    volunteer: str | None = None


class Chip(Static):
    """A filter: its key, what it is set to, and a tap does what the key does."""

    def __init__(self, action: str, id: str) -> None:
        super().__init__("", markup=False, id=id, classes="roster-filter")
        self._action = action

    async def on_click(self) -> None:
        await self.screen.run_action(self._action)


class RosterPage(Page[Entry | Recognition | str]):
    """Returns the person whom the lead chose, or `pending`, `summary`, `printer`, `export` or `sync`."""

    idle = 180
    heading = N_("Roster")
    may_close = True
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("Open"), "next"),
        Key("F4", N_("Missing"), "leave_for('pending')"),
        Key("F8", N_("Summary"), "leave_for('summary')"),
        Key("F10", N_("Export"), "leave_for('export')"),
        Key("F1", N_("Help"), "app.help"),
        Key("Esc", N_("Leave"), "back"),
    )
    more: ClassVar[tuple[Key, ...]] = (
        Key("A-Z 0-9", N_("Search by name, number, end of the phone number, or state"), ""),
        Key("2021-12-06", N_("A date and Enter: go to that day"), ""),
        Key(N_("Left Right"), N_("The day before, the day after"), ""),
        Key(N_("Up Down PgUp PgDn Home End"), N_("Move in the list"), ""),
        Key("F4", N_("Missing sign-outs of all days"), ""),
        Key("F5", N_("Only people in one state"), ""),
        Key("F6", N_("Only people on one duty"), ""),
        Key("F7", N_("Another order"), ""),
        Key("F8", N_("Summary of the day, with bars by duty and hour"), ""),
        Key("F9", N_("The printer of the badges"), ""),
        Key("F10", N_("Export the day as XLSX or CSV"), ""),
        Key("F12", N_("Handing over to headquarters"), ""),
        Key("Ctrl+Q", N_("Close the kiosk"), ""),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "day(-1)", show=False, priority=True),
        Binding("right", "day(1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("home", "move(-1000000)", show=False, priority=True),
        Binding("end", "move(1000000)", show=False, priority=True),
        Binding("f4", "leave_for('pending')", show=False),
        Binding("f5", "next_status", show=False),
        Binding("f6", "next_duty", show=False),
        Binding("f7", "next_sort", show=False),
        Binding("f8", "leave_for('summary')", show=False),
        Binding("f9", "leave_for('printer')", show=False),
        Binding("f10", "leave_for('export')", show=False),
        Binding("f12", "leave_for('sync')", show=False),  # F11 makes the windows of terminals large and small
    ]

    def __init__(self, station: Station, view: View, *, warn: Callable[[], str] = lambda: "") -> None:
        """Makes the page.

        Args:
            station: the station.
            view: what the lead looks at.
            warn: gives what the lead has to know besides, in a sentence; empty for nothing.
        """
        super().__init__(station)
        self.view, self._warn = view, warn
        self._everybody: Sequence[Entry] = ()
        self._said: dict[str, str] = {}
        self._duties: dict[str, set[str]] | None = None  # asked for when the first filter by duty wants it

    def title_text(self) -> str:
        today = self.station.today()
        # The two signs are what the arrow keys do.
        said = f"{_(self.heading)}  < {day_in_words(self.view.day, today)} >"
        now = _("today")
        return f"{said}  {now}" if self.view.day == today else said

    def content(self) -> Iterable[Widget]:
        with Beside(id="roster-bar"):
            yield Static(_("Search"), markup=False, classes="field-label")
            yield TextEntry(self.view.search, id="roster-search", max_length=100)
            yield Chip("next_status", "roster-status")
            yield Chip("next_duty", "roster-duty")
            yield Chip("next_sort", "roster-sort")
        yield Static("", markup=False, id="roster-counts")
        yield Static("", markup=False, id="roster-duties")
        columns = (
            Column(_("Name"), 8, share=2),
            Column(_("Number"), 11),
            Column(_("Tel."), 4),
            Column(_("Status"), 12, share=2),
            Column(_("Duty"), 14, share=3),
            Column(_("In"), 5),
            Column(_("Out"), 7),
            Column(_("Min."), 5, right=True),
        )
        yield RowList(columns, self._cells, id="roster")

    async def scanned(self, found: Recognition) -> bool:
        """Opens the history of whoever's badge the lead scans, also of one that does not count."""
        if found.person is not None:
            self.dismiss(found)
        return found.person is not None

    async def refused(self, found: Recognition) -> bool:
        """The same for a badge that does not count: the lead has to see whose it is."""
        return await self.scanned(found)

    def ready(self) -> None:
        self.query_one("#roster-search").focus()
        self._take_day()

    def offered(self) -> Iterable[Key]:
        # The line is full. F2 works here too, and the help says so.
        return self.keys

    # --- what is listed ---------------------------------------------------------------------------------------------

    def _take_day(self) -> None:
        """Asks for the day's people: once a day, not at each key."""
        self._everybody = self.station.roster(self.view.day)
        self._said.clear()
        self._duties = self.station.duties_on(self.view.day) if self.view.duty else None
        self.query_one("#title", Static).update(self.title_text())
        status = counts(self._everybody)
        total = ngettext("{count} person", "{count} people", len(self._everybody)).format(count=len(self._everybody))
        states = [f"{_(STATUS[name])} {count}" for name, count in status.items() if count]
        self.query_one("#roster-counts", Static).update("   ".join([total, *states]))
        on_duty = Counter(entry.duty for entry in self._everybody if entry.status == "on_duty")
        duties = [f"{duty.text} {on_duty[duty.id]}" for duty in self.station.campaign.duties if on_duty[duty.id]]
        self.query_one("#roster-duties", Static).update("   ".join(duties))
        self._list()

    def _list(self) -> None:
        view, duties = self.view, self._duties or {}
        wanted = "".join(view.search.split()).replace("-", "").casefold()
        if wanted and not self._said:
            words = {status: _(STATUS[status]) for status in STATUSES}
            self._said = {entry.volunteer: _searched(entry, words[entry.status]) for entry in self._everybody}
        shown = [
            entry
            for entry in self._everybody
            if (not wanted or wanted in self._said[entry.volunteer])
            and (view.status is None or entry.status == view.status)
            and (view.duty is None or view.duty in duties.get(entry.volunteer, ()))
        ]
        shown.sort(key=SORTS[view.sort][1], reverse=SORTS[view.sort][0] == "minutes")
        place = next((place for place, entry in enumerate(shown) if entry.volunteer == view.volunteer), 0)
        self._rows.show(shown, place)
        self._show_filters()
        if not self._everybody:
            self.say(_("Nobody was here on this day."), wrong=False)
        elif not shown:
            self.say(_("Nobody on this day matches."), wrong=False)
        elif len(shown) < len(self._everybody):
            said = ngettext("{count} person found", "{count} people found", len(shown))
            self.say(said.format(count=len(shown)), wrong=False)
        else:
            self.say(self._warn())

    def _show_filters(self) -> None:
        view = self.view
        duty = self.station.campaign.duty(view.duty) if view.duty else None
        for name, key, label, value, is_set in (
            ("status", "F5", _("State"), _(STATUS[view.status]) if view.status else _("all"), view.status),
            ("duty", "F6", _("Duty"), str(duty.text) if duty else _("all"), view.duty),
            ("sort", "F7", _("Order"), _(SORTS[view.sort][0]), view.sort),
        ):
            chip = self.query_one(f"#roster-{name}", Static)
            said = f"{key} {label} {value}"
            if chip.content != said:  # the page is laid out anew when it is told, and most keys change none of them
                chip.update(said)
            chip.set_class(bool(is_set), "-set")

    @property
    def _rows(self) -> RowList[Entry]:
        rows: RowList[Entry] = self.query_one("#roster", RowList)
        return rows

    def _cells(self, entry: Entry) -> Sequence[str]:
        duty = self.station.campaign.duty(entry.duty) if entry.duty else None
        return (
            entry.name,
            entry.volunteer,
            entry.phone_masked[-4:],
            " ".join([_(STATUS[entry.status]), *(_(FLAGS[flag]) for flag in entry.flags)]),
            str(duty.text) if duty else "",
            self._clock(entry.checked_in_at),
            self._clock(entry.checked_out_at),
            "" if entry.minutes is None else str(entry.minutes),
        )

    def _clock(self, when: datetime | None) -> str:
        if when is None:
            return ""
        later = (service_day(when) - self.view.day).days
        return f"{when:%H:%M}+{later}" if later else f"{when:%H:%M}"

    # --- keys -------------------------------------------------------------------------------------------------------

    @on(Input.Changed, "#roster-search")
    def _search(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self.view.search:
            self.view.search = event.value
            self._list()

    @on(Input.Submitted, "#roster-search")
    def _open(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_next()

    @on(RowList.Chosen)
    def _open_tapped(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_next()

    @on(RowList.Moved)
    def _remember(self, event: RowList.Moved) -> None:
        event.stop()
        if (entry := self._rows.chosen) is not None:
            self.view.volunteer = entry.volunteer

    def action_move(self, by: int) -> None:
        self._rows.move(by)

    def action_page(self, by: int) -> None:
        self._rows.page_by(by)

    def action_day(self, by: int) -> None:
        self._go_to(self.view.day + timedelta(days=by))

    def _go_to(self, day: date) -> None:
        if day > self.station.today():
            self.say(_("This day has not come yet."), wrong=False)
            return
        if day < FIRST_DAY:
            self.say(_("There was no kiosk yet on that day."), wrong=False)
            return
        self.view.day = day
        self.view.duty = None
        self._take_day()

    def action_next_status(self) -> None:
        here = counts(self._everybody)
        wanted = [None, *(status for status in STATUSES if here[status])]
        self.view.status = _after(self.view.status, wanted)
        self._list()

    def action_next_duty(self) -> None:
        if self._duties is None:
            self._duties = self.station.duties_on(self.view.day)
        done = set().union(*self._duties.values())
        self.view.duty = _after(self.view.duty, [None, *(d.id for d in self.station.campaign.duties if d.id in done)])
        self._list()

    def action_next_sort(self) -> None:
        self.view.sort = (self.view.sort + 1) % len(SORTS)
        self._list()

    def action_leave_for(self, where: str) -> None:
        self.dismiss(where)

    def action_next(self) -> None:
        entry = self._rows.chosen
        if entry is not None:
            self.dismiss(entry)
            return
        number = parse_volunteer_number(self.view.search)
        if number is not None and self.station.knows(number):
            # Somebody of another day, or whose visit was voided, has no row to be chosen.
            self.dismiss(Recognition(None, self.station.person(number)))
            return
        try:
            day = parse_date(self.view.search)
        except InvalidInput:
            return
        self._search_for_nothing()
        self._go_to(day)

    def _search_for_nothing(self) -> None:
        self.query_one("#roster-search", TextEntry).value = ""
        self.view.search = ""

    def action_back(self) -> None:
        """Shows everybody again; leaves the desk if everybody is shown."""
        if not (self.view.search or self.view.status or self.view.duty):
            self.dismiss(None)
            return
        self._search_for_nothing()
        self.view.status = self.view.duty = None
        self._list()


def _searched(entry: Entry, status: str) -> str:
    """All that somebody is found by, in the form that `_list` gives to what is typed."""
    said = f"{entry.name}|{entry.volunteer}|{entry.phone_masked}|{status}"
    return said.replace(" ", "").replace("-", "").casefold()


def _after(value: str | None, values: Sequence[str | None]) -> str | None:
    place = values.index(value) if value in values else -1
    return values[(place + 1) % len(values)]
