"""On site: start a duty, switch, end it, check out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import events, on
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from kiosk.i18n import N_, _
from kiosk.roster import Visit
from kiosk.station import CheckedOut, Station
from kiosk.widgets.page import Key, Page

_OFF, _OUT = "9", "0"


class DutyPage(Page[Visit | CheckedOut]):
    """Returns the visit after a change of duty, or the ended visit with its minutes."""

    keys: ClassVar[tuple[Key, ...]] = (Key("Esc", N_("Back"), "back"),)

    def __init__(self, station: Station, volunteer: str) -> None:
        super().__init__(station)
        self._volunteer = volunteer
        self._leaving = False

    def content(self) -> Iterable[Widget]:
        person = self.station.history.people[self._volunteer]
        yield Static(_("{name}, what next?").format(name=person.name), markup=False, id="verdict")
        yield Static(self._state(), markup=False, id="duty-state")
        yield OptionList(*self._options(), id="duties", markup=False, compact=True)

    def _visit(self) -> Visit | None:
        return self.station.visit(self._volunteer)

    def _state(self) -> str:
        visit = self._visit()
        if visit is None:
            return ""
        duty = self.station.campaign.duty(visit.stint.duty) if visit.stint else None
        if visit.stint and duty:
            return _("On duty: {duty}, since {time}").format(duty=duty.text, time=f"{visit.stint.started:%H:%M}")
        return _("Checked in at {time}, on no duty now").format(time=f"{visit.checked_in:%H:%M}")

    def _options(self) -> Iterable[Option]:
        visit = self._visit()
        current = visit.stint.duty if visit and visit.stint else None
        now, rest, home = _("(now)"), _("Break: off duty, staying here"), _("Check out and go home")
        for number, duty in enumerate(self.station.campaign.duties, start=1):
            # The digits end at 8: 9 and 0 mean the same on every day and at every station.
            digit = str(number) if number <= 8 else " "
            mark = f"  {now}" if duty.id == current else ""
            yield Option(f" {digit}  {duty.text}{mark}", id=duty.id, disabled=duty.id == current)
        yield Option(f" {_OFF}  {rest}", id=_OFF, disabled=current is None)
        yield Option(f" {_OUT}  {home}", id=_OUT)

    def ready(self) -> None:
        duties = self.query_one("#duties", OptionList)
        duties.focus()
        duties.highlighted = next((place for place, option in enumerate(duties.options) if not option.disabled), None)

    async def on_key(self, event: events.Key) -> None:
        digits = {str(number): duty.id for number, duty in enumerate(self.station.campaign.duties[:8], start=1)}
        digits |= {_OFF: _OFF, _OUT: _OUT}
        if event.key in digits:
            event.stop()
            await self._do(digits[event.key])

    @on(OptionList.OptionSelected, "#duties")
    async def _do_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self._leaving:
            await self._do(_OUT)
        else:
            await self._do(event.option_id or "")

    async def _do(self, what: str) -> None:
        station = self.station
        if what == _OUT and not self._leaving:
            # The one step that cannot be taken back is asked for twice.
            self._leaving = True
            self.say(_("Check out for today? Press 0 or Enter once more. To stay, press Esc."), wrong=False)
            return
        if what == _OUT:
            out = await self.save(station.check_out, self._volunteer)
            if out is not None:
                self.dismiss(out)
            return
        self._leaving = False
        if what == _OFF:
            visit = await self.save(station.end_duty, self._volunteer)
        else:
            visit = await self.save(station.start_duty, self._volunteer, what)
        if visit is not None:
            self.dismiss(visit)

    def action_back(self) -> None:
        if self._leaving:
            self._leaving = False
            self.say("")
        else:
            self.dismiss(None)
