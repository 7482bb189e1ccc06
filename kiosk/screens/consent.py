"""Notice and consent: what happens with personal data, asked before anything is typed, one consent at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Static

from kiosk.arriving import Admission
from kiosk.campaign import Consent
from kiosk.i18n import N_, _
from kiosk.screens.draft import Draft
from kiosk.station import Station
from kiosk.widgets.choosing import SeriesPage
from kiosk.widgets.page import Key
from kiosk.widgets.prose import Prose
from kiosk.widgets.tiles import Choice

_YES, _NO = "yes", "no"


class ConsentPage(SeriesPage[str | Admission]):
    """Returns `next` when everything was agreed to, or the refusal when somebody said no."""

    columns = 1
    keeps_draft = True
    idle = 180  # it is read before it is answered
    waits_for_lead = True
    more: ClassVar[tuple[Key, ...]] = (Key("1", N_("I agree"), ""), Key("0", N_("I do not agree"), ""))

    def __init__(self, station: Station, draft: Draft, *, step: int | None = None) -> None:
        consents = station.campaign.consents
        agreed = all(consent.id in draft.agreed for consent in consents)
        super().__init__(station, total=len(consents), first=max(0, len(consents) - 1) if agreed else 0, step=step)
        self._draft = draft
        self.point()

    @property
    def _consent(self) -> Consent | None:
        """The consent that is asked for now; none if the campaign needs none."""
        consents = self.station.campaign.consents
        return consents[self.at] if consents else None

    def answered(self) -> str | None:
        consent = self._consent
        return _YES if consent is None or consent.id in self._draft.agreed else None

    def head(self) -> Iterable[Widget]:
        consent = self._consent
        if consent is not None:
            yield Static(str(consent.title), markup=False, classes="asked")
            yield Prose(str(consent.text), classes="card")

    def choices(self) -> Sequence[Choice]:
        agree = str(self._consent.agree) if self._consent else _("Next")
        return Choice(_YES, agree, "1"), Choice(_NO, _("I do not agree"), "0")

    def offered(self) -> Iterable[Key]:
        if self.cursor is not None:
            yield Key("Enter", N_("Next"), "next")
        yield from super().offered()

    async def take(self, value: str) -> None:
        if value == _NO:
            admission = await self.save(self.station.decline)
            if admission is not None:
                self.dismiss(admission)
            return
        if self._consent is not None:
            self._draft.agreed.add(self._consent.id)
        await self.advance()

    async def finish(self) -> None:
        self.dismiss("next")

    async def action_next(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        if self.cursor is None:
            self.say(_("To agree, please press 1. If you do not agree, press 0."), wrong=False)
        else:
            await super().action_next()
