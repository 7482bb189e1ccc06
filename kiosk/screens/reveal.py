"""One volunteer's whole phone number, for the lead who has the passphrase; the log says so before it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual.widget import Widget
from textual.widgets import Static

from kiosk.errors import InvalidInput
from kiosk.i18n import N_, _
from kiosk.screens.lead import check_passphrase
from kiosk.screens.verdict import spaced
from kiosk.station import Station
from kiosk.widgets.fields import Field
from kiosk.widgets.form import FormPage
from kiosk.widgets.page import Key, Page


class RevealPage(FormPage[Any]):
    """Returns what the station opens with reason and passphrase: a phone number, or the sections of a whole record."""

    heading = N_("Show the phone number")
    idle = 120

    def __init__(self, station: Station, volunteer: str, *, whole: bool = False) -> None:
        super().__init__(station)
        self._volunteer, self._whole = volunteer, whole

    def title_text(self) -> str:
        return _("Their own record") if self._whole else _("Show the phone number")

    def content(self) -> Iterable[Widget]:
        person = self.station.person(self._volunteer)
        yield Static(f"{person.name}   {self._volunteer}   {person.phone_masked}", markup=False, id="person")
        said = _("The log will say that this was shown, and why.")
        yield Static(said, markup=False, classes="subtitle")
        typed = self.typed.get
        hint = _("On paper since set-up, 25 letters and digits")
        yield Field("reason", _("Reason"), typed("reason", ""), self._reason, length=100)
        yield Field("words", _("Passphrase"), typed("words", ""), check_passphrase, hint=hint, length=40)

    def _reason(self, text: str) -> None:
        if not text.strip():
            raise InvalidInput("reason_missing", _("Please enter a reason."))

    def edited(self, field: Field) -> None:
        self.say("")

    async def complete(self) -> None:
        self.say(_("One moment please ..."), wrong=False)
        typed = self.typed
        opens = self.station.open_record if self._whole else self.station.reveal_phone
        found = await self.save(opens, self._volunteer, typed["words"], typed["reason"])
        if found is not None:
            self.dismiss(found)


class PhonePage(Page[None]):
    """Shows it for half a minute."""

    heading = N_("Phone number")
    idle = 30
    keys: ClassVar[tuple[Key, ...]] = (Key("Esc", N_("Back"), "back"),)

    def __init__(self, station: Station, volunteer: str, phone: str) -> None:
        super().__init__(station)
        self._volunteer, self._phone = volunteer, phone

    def content(self) -> Iterable[Widget]:
        name = self.station.person(self._volunteer).name
        yield Static(f"{name}   {self._volunteer}", markup=False, id="person")
        yield Static(spaced(self._phone), markup=False, id="phone-shown")

    def action_next(self) -> None:
        self.dismiss(None)
