"""The first screen: scan, type a number, or begin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from kiosk.arriving import demand_running
from kiosk.errors import NotPossible
from kiosk.i18n import N_, _, ngettext
from kiosk.station import Station
from kiosk.telling import jump_in_words
from kiosk.widgets import drawn
from kiosk.widgets.board import COLUMNS, LINES, Board, Tally
from kiosk.widgets.fields import Entry
from kiosk.widgets.grounds import Stack
from kiosk.widgets.page import Key, Page
from kiosk.widgets.tiles import Choice, Tiles

Wish = Literal["new_visit", "lost_badge", "lead"]
"""What somebody without a code may want."""


class WelcomePage(Page[None]):
    """What stands in the tent all day."""

    CSS_PATH = None
    idle = 30
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("First time here"), "next"),
        Key("F5", N_("Without your badge"), "lost"),
        Key("F9", N_("Site lead"), "lead"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f5", "lost", show=False), Binding("f9", "lead", show=False)]

    class Asked(Message):
        """Somebody is here for the first time, or without the badge, or wants to come in as the site lead."""

        def __init__(self, what: Wish) -> None:
            super().__init__()
            self.what = what

    class NumberTyped(Message):
        """A volunteer number, or a code, was typed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, station: Station, *, demo_pin: str = "", after_crash: bool = False) -> None:
        """Makes the page.

        Args:
            station: the station.
            demo_pin: in a demonstration, the lead's PIN; otherwise empty.
            after_crash: whether an internal error has just interrupted somebody, who is told so.
        """
        super().__init__(station)
        self._demo_pin, self._after_crash = demo_pin, after_crash

    def content(self) -> Iterable[Widget]:
        yield Static(_("Welcome, and thank you for coming"), markup=False, id="greeting")
        with Stack(id="scan-box"):
            yield Static(_("Scan your badge, or type your volunteer number"), markup=False, id="scan-label")
            yield Entry(id="scan", max_length=400)
        ways = [
            Choice("next", _("Here for the first time"), "Enter"),
            Choice("lost", _("Without your badge"), "F5"),
        ]
        yield Tiles(ways, columns=len(ways), id="ways")
        yield Static(self._people(), markup=False, id="state-of-day")
        yield Board(self._tallies(), id="board")
        yield Static(self._warn(), markup=False, id="notice")

    def ready(self) -> None:
        self.query_one("#scan").focus()
        if self._after_crash:
            self.say(_("Something went wrong here; what was confirmed is saved. Please start again."))

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Shows the state of the day anew, and keeps nothing that the last person typed."""
        drawn.forget()
        if self.built:
            self.renew()
            self.forget()
            self.ready()
            self._after_crash = False

    def renew(self) -> None:
        """Shows the state of the day, and what is wrong, as they are now."""
        people = self._people()
        for state in self.query("#state-of-day").results(Static):
            if state.content != people:
                state.update(people)
        warning = self._warn()
        for notice in self.query("#notice").results(Static):
            if notice.content != warning:  # what has decayed is found while the kiosk runs
                notice.update(warning)
        for board in self.query(Board):
            board.show(self._tallies())

    def forget(self) -> None:
        """Keeps nothing that the last person typed or was told."""
        entry = self.query_one("#scan", Entry)
        entry.value = ""
        entry.focus()
        self.say("", wrong=False)

    def _warn(self) -> str:
        """What is wrong, for which the page makes room."""
        warning = self._warning()
        self.set_class(bool(warning), "-warned")
        return warning

    def _warning(self) -> str:
        damage, clock = self._damage(), self._clock()
        if damage and clock:  # neither hides the other: the lead is told of each once only
            return f"{damage} {clock}"
        if damage:
            return " ".join([damage, _("Site lead, please tell headquarters.")])
        if clock:
            return clock
        if self.station.was_private is False:
            return _("Other users of this computer can read the data folder. Site lead, please tell headquarters.")
        if self.station.was_private:
            return _(
                "Other users of this computer could read the data folder; it is closed now. Site lead, please note."
            )
        if said := self._not_running():
            return said
        if self._demo_pin:
            said = _("Demonstration: all people are fictional. The lead's PIN is {pin}. To end it, press Ctrl+Q.")
            return said.format(pin=self._demo_pin)
        return ""

    def _damage(self) -> str:
        damage = self.station.damage or self.station.earlier_damage
        if not damage:
            return ""
        stem, dot, suffix = damage[0].file.rpartition("/")[2].rpartition(".")
        name = f"{stem[:10]}..{dot}{suffix}" if len(stem) > 20 else f"{stem}{dot}{suffix}"  # a hash tells nobody
        told = [f"{name}: {damage[0].problem}"]
        if len(damage) > 1:
            more = len(damage) - 1
            others = ngettext("{count} thing more is wrong.", "{count} things more are wrong.", more)
            told.append(others.format(count=more))
        return " ".join(told)

    def _clock(self) -> str:
        jump = self.station.jump
        if jump is None:
            return ""
        if self.station.clock.is_behind:
            said = _(
                "The clock of this computer has lost the time: it shows {shown}. The kiosk goes on from {expected}. "
                "Site lead, please have it set."
            )
            shown, expected = (f"{when:%Y-%m-%d %H:%M}" for when in (jump.shown, jump.expected))
            return said.format(shown=shown, expected=expected)
        return " ".join([jump_in_words(jump.expected, jump.shown), _("Site lead, please look at today's minutes.")])

    def _not_running(self) -> str:
        """Why nobody can be checked in today, if so."""
        try:
            demand_running(self.station.campaign, self.station.today())
        except NotPossible as error:
            return str(error)
        return ""

    def _tallies(self) -> Sequence[Tally]:
        """Who is on which duty now; where there is no room for all duties, those with people come first."""
        counts = self.station.on_duty()
        duties = self.station.campaign.duties
        shown = sorted(duties, key=lambda duty: not counts[duty.id])[: COLUMNS * LINES]
        return [Tally(counts[duty.id], str(duty.text)) for duty in duties if duty in shown]

    def _people(self) -> str:
        total = self.station.on_duty().total()
        if not total:
            return _("Nobody is on duty now.")
        return ngettext("{count} person on duty now", "{count} people on duty now", total).format(count=total)

    @on(Tiles.Tapped)
    async def _go(self, event: Tiles.Tapped) -> None:
        event.stop()
        await self.run_action(event.value)

    @on(Input.Submitted, "#scan")
    def _read(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        event.input.value = ""
        if text:
            self.post_message(self.NumberTyped(text))
        else:
            self.action_next()

    def action_next(self) -> None:
        if said := self._not_running():  # nobody tells their name for nothing
            self.say(said)
        else:
            self.post_message(self.Asked("new_visit"))

    def action_lost(self) -> None:
        self.post_message(self.Asked("lost_badge"))

    def action_lead(self) -> None:
        self.post_message(self.Asked("lead"))

    def action_back(self) -> None:
        self.query_one("#scan", Entry).value = ""
