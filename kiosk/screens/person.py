"""One volunteer: all that the log holds of them in plain words, and what the lead can do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import ClassVar, Final

from msgspec import Struct
from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from kiosk.errors import KioskError
from kiosk.i18n import N_, _
from kiosk.station import Station
from kiosk.telling import Chapter, time_in_words
from kiosk.visits import Visit
from kiosk.widgets.page import Key, Page
from kiosk.widgets.rows import Column, RowList
from kiosk.widgets.wrapping import wrapped


class Act(Struct, frozen=True):
    """What the lead wants to do, one of `ACTS`, and to which visit."""

    what: str
    visit: Visit | None


class Row(Struct, frozen=True):
    """A line of the history and the visit that it belongs to."""

    text: str
    visit: Visit | None
    heading: bool


ACTS: Final = ("late", "correct", "void", "reassign", "badge", "revoke", "phone", "forget", "record")


class PersonPage(Page[Act]):
    """Returns what the lead wants to do, or None."""

    idle = 180
    keeps_draft = True
    heading = N_("Volunteer")
    keys: ClassVar[tuple[Key, ...]] = (
        Key("1", N_("Late"), "act('late')"),
        Key("2", N_("Time"), "act('correct')"),
        Key("3", N_("Void"), "act('void')"),
        Key("4", N_("Move"), "act('reassign')"),
        Key("5", N_("Badge"), "act('badge')"),
        Key("6", N_("Revoke"), "act('revoke')"),
        Key("F1", N_("Help"), "app.help"),
        Key("Esc", N_("Back"), "back"),
    )
    more: ClassVar[tuple[Key, ...]] = (
        Key(N_("Up Down"), N_("Choose the visit that 1 to 4 are about"), ""),
        Key("1", N_("Late sign-out: enter when somebody left who did not sign out"), ""),
        Key("2", N_("Correct the time of an event; both times stay in the log"), ""),
        Key("3", N_("Declare a visit void that did not take place"), ""),
        Key("4", N_("Send them to another community"), ""),
        Key("5", N_("Show the badge again, to be photographed"), ""),
        Key("6", N_("Revoke the badge; the next check-in makes a new one"), ""),
        Key("7", N_("Show the whole phone number, with the passphrase; the log says so"), ""),
        Key("8", N_("Take out what is personal about them, if they wish so"), ""),
        Key("9", N_("Show them all that is held about them, with the passphrase, and write it as a PDF"), ""),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
        *(Binding(str(digit), f"act('{what}')", show=False) for digit, what in enumerate(ACTS, start=1)),
    ]

    def __init__(self, station: Station, volunteer: str, *, visit: str | None = None, note: str = "") -> None:
        """Makes the page.

        Args:
            station: the station.
            volunteer: the number.
            visit: the id of the visit that the cursor is to stand on.
            note: what was recorded just now.
        """
        super().__init__(station)
        self._volunteer, self._wanted, self._note = volunteer, visit, note
        self._chapters: Sequence[Chapter] = ()
        self._unread = ""  # why their history cannot be shown

    def content(self) -> Iterable[Widget]:
        person = self.station.person(self._volunteer)
        name = person.name or _("(no name)")
        yield Static(f"{name}   {self._volunteer}   {person.phone_masked}", markup=False, id="person")
        yield Static(self.station.last_seen(self._volunteer), markup=False, id="last-seen")
        yield RowList([Column("", 10, share=1)], lambda row: (row.text,), kind=_kind, id="history")

    def offered(self) -> Iterable[Key]:
        # The line is full. F2 works here too, and the help says so.
        return self.keys

    def ready(self) -> None:
        try:
            self._chapters = self.station.tell(self._volunteer)
        except KioskError as error:  # the disk may decay under a running kiosk
            self._unread = str(error)
            self.say(f"{self._note} {self._unread}".strip())
            return
        self._unread = ""
        self._lay_out()
        self.say(self._note, wrong=False)

    def on_resize(self, event: events.Resize) -> None:
        if self._chapters:
            self._lay_out()

    def _lay_out(self) -> None:
        shown = list(self._lines())
        if self._rows.chosen is not None and self._rows.chosen.visit is not None:
            self._wanted = self._rows.chosen.visit.id
        first = next((place for place, row in enumerate(shown) if row.visit and row.visit.id == self._wanted), 0)
        self._rows.show(shown, first)

    def _lines(self) -> Iterator[Row]:
        width = max(20, self.size.width - 6)
        for chapter in self._chapters:
            visit = chapter.visit
            # What is told of the person has no day of its own, so that each line says its day.
            day = visit.day if visit else self.station.today() + timedelta(days=1)
            yield Row(chapter.heading, visit, heading=True)
            for line in chapter.lines:
                when = time_in_words(line.at, day)
                # Under a visit most times are short; what was entered on another day only begins with a longer one.
                hanging = 9 if visit else 4 + cell_len(when)
                begin = f"  {when}  " if cell_len(when) + 4 == hanging else "  "
                text = line.text if begin.strip() else f"{when}  {line.text}"
                for part in wrapped(text, width - hanging):
                    yield Row(begin + part, visit, heading=False)
                    begin = " " * hanging

    @property
    def _rows(self) -> RowList[Row]:
        rows: RowList[Row] = self.query_one("#history", RowList)
        return rows

    def action_move(self, by: int) -> None:
        self._rows.move(by)

    def action_page(self, by: int) -> None:
        self._rows.page_by(by)

    def action_act(self, what: str) -> None:
        row = self._rows.chosen
        visit = row.visit if row else None
        problem = self._problem(what, visit)
        if problem:
            self.say(problem)
        else:
            self.dismiss(Act(what, visit))

    def _problem(self, what: str, visit: Visit | None) -> str:
        """Why an act cannot be, before anything is typed for it."""
        if what in ("phone", "forget", "record"):
            known = bool(self.station.person(self._volunteer).name)
            return "" if known else _("What was personal about this volunteer was taken out already.")
        if what in ("badge", "revoke"):
            if self.station.badge_code(self._volunteer) is not None:
                return ""
            if self.station.person(self._volunteer).home_station is not None:
                return _("Their badge is of another station, which alone can make it again or revoke it.")
            return _("There is no badge: it was revoked. The next check-in makes a new one.")
        if visit is None:
            return self._unread or _("Please choose a visit with the arrow keys first.")
        if visit.voided:
            return _("This visit was voided. It cannot be changed any more.")
        if what == "late" and visit.checked_out is not None:
            return _("This visit is signed out already.")
        return ""

    def action_next(self) -> None:
        """Enter does what is most likely wanted: the late sign-out where it is missing."""
        row = self._rows.chosen
        if row is not None and row.visit is not None and not self._problem("late", row.visit):
            self.action_act("late")


def _kind(row: Row, chosen: Row | None) -> str:
    if row.heading:
        return "quiet"
    same = chosen is not None and row.visit is not None and chosen.visit is not None and row.visit.id == chosen.visit.id
    return "other" if same else "row"
