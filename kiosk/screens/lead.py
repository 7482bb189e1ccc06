"""The site lead's PIN, and a new one for whoever has the passphrase."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from kiosk.errors import InvalidInput
from kiosk.i18n import N_, _
from kiosk.keys import PIN_DIGITS
from kiosk.station import Station
from kiosk.trust import KeysError
from kiosk.widgets.fields import Field
from kiosk.widgets.form import FormPage
from kiosk.widgets.numberpad import PadForm
from kiosk.widgets.page import Key, Page


def check_new_pin(text: str) -> None:
    """Makes sure that a PIN may be set.

    Raises:
        InvalidInput: `pin_invalid`.
    """
    if len(text) != PIN_DIGITS or not text.isdecimal():
        raise InvalidInput("pin_invalid", _("The PIN must have {count} digits.").format(count=PIN_DIGITS))


def check_same_pin(pin: str, again: str) -> None:
    """Makes sure that a PIN was typed twice alike.

    Raises:
        InvalidInput: `pin_differs`.
    """
    if pin != again:
        raise InvalidInput("pin_differs", _("The two PINs differ."))


def check_passphrase(text: str) -> None:
    """Whether anything was entered.

    Raises:
        InvalidInput: if not.
    """
    if not text.strip():
        raise InvalidInput("passphrase_missing", _("Please enter the passphrase."))


class LeadPinPage(Page[str]):
    """Returns `in` when the PIN was right, `forgotten` for a lead who does not know it."""

    idle = 30
    keys: ClassVar[tuple[Key, ...]] = (*Page.keys, Key("F6", N_("Forgotten"), "forgotten"))
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f6", "forgotten", show=False)]
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
        try:
            waiting = bool(self.station.pin_wait())
        except KeysError:
            self.say(_("The PIN's file is damaged. Press F6 and set a new one with the passphrase."))
            return
        right = await self.save(self.station.check_pin, field.value)
        if not waiting:
            field.value = ""
        if right:
            self.dismiss("in")
        elif right is not None:
            wait = math.ceil(self.station.pin_wait().total_seconds())
            if waiting:
                said = _("Please wait {seconds} seconds before you try again.")
            elif wait:
                said = _("This PIN is wrong. Please wait {seconds} seconds.")
            else:
                said = _("This PIN is wrong. Please try again.")
            self.say(said.format(seconds=wait))

    def action_forgotten(self) -> None:
        self.dismiss("forgotten")


class ForgottenPinPage(FormPage[bool]):
    """Returns True when a new PIN is set."""

    heading = N_("A new PIN")
    idle = 180

    def content(self) -> Iterable[Widget]:
        typed, pin = self.typed.get, PIN_DIGITS
        with PadForm():
            hint = _("On paper since set-up, 25 letters and digits")
            yield Field("passphrase", _("Passphrase"), typed("passphrase", ""), check_passphrase, hint=hint, length=40)
            yield Field("pin", _("New PIN"), typed("pin", ""), check_new_pin, password=True, length=pin, asks="digits")
            again = _("PIN once more")
            yield Field("again", again, typed("again", ""), self._check_again, password=True, length=pin, asks="digits")

    def _check_again(self, text: str) -> None:
        check_same_pin(self.typed.get("pin", ""), text)

    def edited(self, field: Field) -> None:
        self.say("")

    async def complete(self) -> None:
        self.say(_("One moment please ..."), wrong=False)
        if await self.save(self.station.reset_pin, self.typed["passphrase"], self.typed["pin"]):
            self.dismiss(True)
