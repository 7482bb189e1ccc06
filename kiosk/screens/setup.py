"""First use: which station this is, where it stands, the lead's PIN; then the passphrase, this once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.widget import Widget
from textual.widgets import Static

from kiosk import setup
from kiosk.campaign import Campaign
from kiosk.errors import KioskError
from kiosk.i18n import N_, _, language
from kiosk.keys import PIN_DIGITS
from kiosk.rules import invalid
from kiosk.screens.lead import check_new_pin, check_same_pin
from kiosk.setup import NewStation
from kiosk.widgets.fields import Field
from kiosk.widgets.form import FormPage
from kiosk.widgets.numberpad import PadForm
from kiosk.widgets.page import Key, Page
from kiosk.widgets.prose import Prose


class SetUpPage(FormPage[NewStation]):
    """Returns the new station."""

    heading = N_("Set up this station")
    idle = None
    may_close = True
    keys: ClassVar[tuple[Key, ...]] = (Key("Enter", N_("Next"), "next"), Key("Ctrl+Q", N_("Close"), "app.leave"))

    def __init__(self, folder: Path, campaign: Campaign) -> None:
        super().__init__(None)
        self._folder, self._campaign = folder, campaign
        self._working = False

    def content(self) -> Iterable[Widget]:
        yield Static(_("This is done once, by the site lead."), markup=False, classes="subtitle")
        with PadForm():
            yield from self._fields()

    def _fields(self) -> Iterable[Widget]:
        typed, pin = self.typed.get, PIN_DIGITS
        hint = _("Up to 8 letters and digits, as headquarters gave it")
        yield Field("station", _("Station number"), typed("station", ""), setup.parse_station_id, hint=hint, length=8)
        hint = _("Its name, its 12-digit code, or street and name")
        yield Field("community", _("Community"), typed("community", ""), self._check_community, hint=hint, length=40)
        yield Field("pin", _("New PIN"), typed("pin", ""), check_new_pin, password=True, length=pin, asks="digits")
        again = _("PIN once more")
        yield Field("again", again, typed("again", ""), self._check_again, password=True, length=pin, asks="digits")

    def _check_community(self, text: str) -> None:
        if setup.find_community(self._campaign, text) is None:
            raise invalid("community_unknown")

    def _check_again(self, text: str) -> None:
        check_same_pin(self.typed.get("pin", ""), text)

    async def complete(self) -> None:
        if self._working:
            return
        self._working = True
        self.say(_("The keys are being made, please wait ..."), wrong=False)
        try:
            made = await asyncio.to_thread(self._create)
        except (KioskError, OSError) as error:
            self.say(str(error))
        else:
            self.dismiss(made)
        finally:
            self._working = False

    def _create(self) -> NewStation:
        community = setup.find_community(self._campaign, self.typed["community"])
        return setup.prepare(
            self._folder,
            self._campaign,
            station=self.typed["station"],
            community=community.code if community else "",
            language=language(),
            pin=self.typed["pin"],
        )

    def action_back(self) -> None:
        """There is nothing behind set-up."""


class PassphrasePage(Page[None]):
    """Shows the passphrase until the lead says that it is written down."""

    heading = N_("Write this down now")
    idle = None
    keeps_draft = True
    keys: ClassVar[tuple[Key, ...]] = (Key("1", N_("I have written it down"), "written"),)

    def __init__(self, made: NewStation) -> None:
        super().__init__(None)
        self._made = made

    def content(self) -> Iterable[Widget]:
        yield Static(self._made.passphrase, markup=False, id="passphrase")
        yield Prose(
            _(
                "This passphrase opens the personal data and replaces a forgotten PIN. It is shown only now and kept "
                "nowhere. Write it on paper, check every letter, and keep it away from the kiosk."
            ),
            classes="reading",
        )

    def on_key(self, event: events.Key) -> None:
        if event.key == "1":
            event.stop()
            self.action_written()

    def action_written(self) -> None:
        self.dismiss(None)

    def action_next(self) -> None:
        self.say(_("When it is written down, press 1."), wrong=False)

    def action_back(self) -> None:
        """Nobody leaves this page by accident."""
