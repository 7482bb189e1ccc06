"""Notice and consent: what happens with personal data, asked before anything is typed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events, on
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from kiosk.arriving import Admission
from kiosk.i18n import N_, _
from kiosk.screens.draft import Draft
from kiosk.station import Station
from kiosk.widgets.choices import Tick
from kiosk.widgets.page import Key, Page


class ConsentPage(Page[str | Admission]):
    """Returns `next` when everything was agreed to, or the refusal when somebody said no."""

    heading = N_("Before we begin")
    keys: ClassVar[tuple[Key, ...]] = (*Page.keys, Key("0", N_("I do not agree"), "decline"))

    def __init__(self, station: Station, draft: Draft, *, step: tuple[int, int]) -> None:
        super().__init__(station, step=step)
        self._draft = draft

    def content(self) -> Iterable[Widget]:
        with VerticalScroll(id="page"):
            for number, consent in enumerate(self.station.campaign.consents, start=1):
                yield Static(str(consent.title), markup=False, classes="subtitle")
                yield Static(str(consent.text), markup=False, classes="reading")
                yield Tick(consent.id, number, str(consent.agree), ticked=consent.id in self._draft.agreed)

    def ready(self) -> None:
        self.query_one("#page").focus()

    async def on_key(self, event: events.Key) -> None:
        if event.key == "0":
            event.stop()
            await self.action_decline()
        for tick in self.query(Tick):
            if event.key == str(tick.number):
                event.stop()
                tick.toggle()

    @on(Tick.Toggled)
    def _remember(self, event: Tick.Toggled) -> None:
        name = event.tick.name or ""
        (self._draft.agreed.add if event.tick.ticked else self._draft.agreed.discard)(name)
        self.say("")

    async def action_decline(self) -> None:
        admission = await self.save(self.station.decline)
        if admission is not None:
            self.dismiss(admission)

    def action_next(self) -> None:
        missing = [tick for tick in self.query(Tick) if not tick.ticked]
        if missing:
            numbers = ", ".join(str(tick.number) for tick in missing)
            self.say(_("To agree, please press {numbers}. If you do not agree, press 0.").format(numbers=numbers))
        else:
            self.dismiss("next")
