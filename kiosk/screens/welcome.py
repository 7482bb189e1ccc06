"""The first screen: scan, type a number, or begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Center, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from kiosk.i18n import N_, _, ngettext
from kiosk.station import Station
from kiosk.widgets.fields import Entry
from kiosk.widgets.page import Key, Page


class WelcomePage(Page[None]):
    """What stands in the tent all day."""

    idle = 30
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("First time here"), "next"),
        Key("F9", N_("Site lead"), "lead"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f9", "lead", show=False)]

    class NewVisitRequested(Message):
        """Somebody without a badge wants to check in."""

    class LeadRequested(Message):
        """The site lead wants to come in."""

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
        with Vertical(id="welcome"):
            yield Static(_("Welcome, and thank you for coming"), markup=False, id="greeting")
            yield Static(self.station.settings.name, markup=False, id="welcome-place")
            with Center(), Vertical(id="scan-box"):
                yield Static(_("Have a badge? Scan it, or type the number on it"), markup=False)
                yield Entry(compact=True, id="scan", max_length=400)
            yield Static(_("Here for the first time? Press Enter"), markup=False, id="first-time")
            yield Static(self._day(), markup=False, id="state-of-day")
            yield Static(self._warning(), markup=False, id="notice")

    def ready(self) -> None:
        self.query_one("#scan").focus()
        if self._after_crash:
            self.say(_("Something went wrong here; what was confirmed is saved. Please start again."))

    def on_screen_resume(self) -> None:
        """Shows the state of the day anew, and keeps nothing that the last person typed."""
        super().on_screen_resume()
        if not self.built:
            return
        self.query_one("#state-of-day", Static).update(self._day())
        self.forget()
        self.ready()
        self._after_crash = False

    def forget(self) -> None:
        """Keeps nothing that the last person typed or was told."""
        self.query_one("#scan", Entry).value = ""
        self.say("")
        self.query_one("#scan").focus()

    def _warning(self) -> str:
        if self.station.set_aside:
            return _("A file could not be read and was set aside. Site lead, please tell headquarters.")
        if self._demo_pin:
            said = _("Demonstration: all people are fictional. The lead's PIN is {pin}. To end it, press Ctrl+Q.")
            return said.format(pin=self._demo_pin)
        return ""

    def _day(self) -> str:
        on_duty = Counter(entry.duty for entry in self.station.roster() if entry.status == "on_duty")
        total = sum(on_duty.values())
        if not total:
            return _("Nobody is on duty yet today.")
        said = ngettext("{count} person on duty now", "{count} people on duty now", total).format(count=total)
        duties = [f"{duty.text} {on_duty[duty.id]}" for duty in self.station.campaign.duties if on_duty[duty.id]]
        return f"{said}\n{'   '.join(duties)}"

    @on(Input.Submitted, "#scan")
    def _read(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        event.input.value = ""
        self.post_message(self.NumberTyped(text) if text else self.NewVisitRequested())

    def action_next(self) -> None:
        self.post_message(self.NewVisitRequested())

    def action_lead(self) -> None:
        self.post_message(self.LeadRequested())

    def action_back(self) -> None:
        self.query_one("#scan", Entry).value = ""
