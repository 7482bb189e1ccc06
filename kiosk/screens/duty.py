"""On site: start a duty, switch, end it, check out. The tiles stand as the digits do on a number pad."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Static

from kiosk.i18n import _
from kiosk.station import CheckedOut, Station
from kiosk.telling import place_in_words
from kiosk.visits import Visit
from kiosk.widgets.choosing import ChoicePage
from kiosk.widgets.tiles import Choice

_OFF, _OUT = "9", "0"


class DutyPage(ChoicePage[Visit | CheckedOut]):
    """Returns the visit after a change of duty, or the ended visit with its minutes."""

    columns: ClassVar[int] = 3
    waits_for_lead = True

    def __init__(
        self, station: Station, volunteer: str, *, already: bool = False, doubt: Callable[[], str] = str
    ) -> None:
        """Makes the page.

        Args:
            station: the station.
            volunteer: whose page it is.
            already: whether to say that they are checked in already.
            doubt: gives a sentence on why it may be somebody else, or nothing.
        """
        super().__init__(station)
        self._volunteer, self._already, self._doubt = volunteer, already, doubt
        self._leaving = False  # whether checking out was asked for once

    def head(self) -> Iterable[Widget]:
        person = self.station.person(self._volunteer)
        asked = _("{name}, you are checked in already. What next?") if self._already else _("{name}, what next?")
        yield Static(asked.format(name=person.name), markup=False, classes="asked")
        yield Static(self._state(), markup=False, id="duty-state")
        if doubt := self._doubt():
            yield Static(doubt, markup=False, classes="doubt")

    def _visit(self) -> Visit | None:
        return self.station.visit(self._volunteer)

    def _state(self) -> str:
        visit = self._visit()
        if visit is None:
            return ""
        duty = self.station.campaign.duty(visit.stint.duty) if visit.stint else None
        if visit.stint and duty:
            said = _("On duty: {duty}, since {time}").format(duty=duty.text, time=f"{visit.stint.started:%H:%M}")
        else:
            said = _("Checked in at {time}, on no duty now").format(time=f"{visit.checked_in:%H:%M}")
        if visit.community == self.station.settings.community:
            return said
        return f"{said}  {place_in_words(self.station.campaign, visit.street, visit.community)}"

    def choices(self) -> Sequence[Choice]:
        visit = self._visit()
        current = visit.stint.duty if visit and visit.stint else None
        found = []
        for number, duty in enumerate(self.station.campaign.duties, start=1):
            # The digits end at 8: 9 and 0 mean the same on every day and at every station.
            label = _("{duty} (now)").format(duty=duty.text) if duty.id == current else str(duty.text)
            found.append(
                Choice(duty.id, label, str(number) if number <= 8 else "", "now" if duty.id == current else "tile")
            )
        found.insert(8, Choice(_OFF, _("Take a break"), _OFF, "tile" if current else "off"))
        leave = _("Press 0 once more to check out") if self._leaving else _("Check out and go home")
        return [*found, Choice(_OUT, leave, _OUT, "sure" if self._leaving else "leave", alone=True)]

    async def take(self, value: str) -> None:
        station = self.station
        if value == _OUT and not self._leaving:
            # The one step that cannot be taken back is asked for twice.
            await self._leave(True)
            return
        if value == _OUT and self.has_just_come_up(time.monotonic()):
            return
        if value == _OUT:
            out = await self.save(station.check_out, self._volunteer)
            if out is not None:
                self.dismiss(out)
            return
        if self._leaving:
            await self._leave(False)
        if value == _OFF:
            visit = await self.save(station.end_duty, self._volunteer)
        else:
            visit = await self.save(station.start_duty, self._volunteer, value)
        if visit is not None:
            self.dismiss(visit)

    async def _leave(self, leaving: bool) -> None:
        self._leaving = leaving
        self.cursor = _OUT if leaving else None
        await self.turn()
        if leaving:
            self.say(_("Check out for today? Press 0 or Enter once more. To stay, press Esc."), wrong=False)

    async def action_back(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        if self._leaving:
            await self._leave(False)
        else:
            self.dismiss(None)
