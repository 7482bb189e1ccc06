"""The site lead's PIN."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.widget import Widget
from textual.widgets import Static

from kiosk.i18n import N_, _
from kiosk.keys import PIN_DIGITS
from kiosk.station import Station
from kiosk.widgets.fields import Field
from kiosk.widgets.numberpad import PadForm
from kiosk.widgets.page import Page


class LeadPinPage(Page[bool]):
    """Returns True when the PIN was right."""

    idle = 30
    heading = N_("Site lead")
    keeps_draft = True

    def __init__(self, station: Station, *, why: str = "") -> None:
        """Makes the page.

        Args:
            station: the station.
            why: what the lead is called for, if not for the desk.
        """
        super().__init__(station)
        self._why = why

    def content(self) -> Iterable[Widget]:
        if self._why:
            yield Static(self._why, markup=False, classes="subtitle")
        with PadForm():
            yield Field("pin", _("PIN"), "", lambda text: None, password=True, length=PIN_DIGITS, asks="digits")

    def ready(self) -> None:
        self.query_one("#pin", Field).focus()

    @on(Field.Entered)
    async def _enter(self) -> None:
        await self.action_next()

    async def action_next(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        field = self.query_one("#pin", Field)
        if not field.value:
            self.say(_("Please enter the six digits of your PIN."))
            return
        right = await self.save(self.station.check_pin, field.value)
        field.value = ""
        if right:
            self.dismiss(True)
        elif right is not None:
            wait = int(self.station.pin_wait().total_seconds())
            self.say(
                _("This PIN is wrong. Please wait {seconds} seconds.").format(seconds=wait)
                if wait
                else _("This PIN is wrong. Please try again.")
            )
