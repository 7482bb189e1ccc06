"""What was just recorded, in one glance."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.containers import Center
from textual.widget import Widget
from textual.widgets import Static

from kiosk.i18n import N_, _
from kiosk.station import CheckedOut, Station
from kiosk.visits import Visit
from kiosk.widgets.cells import spread
from kiosk.widgets.digits import LargeDigits
from kiosk.widgets.grounds import Scroll
from kiosk.widgets.page import Key, Page
from kiosk.wording import duration


class DonePage(Page[None]):
    """Shows a change of duty, or the end of a visit with its minutes."""

    idle = 20
    keys: ClassVar[tuple[Key, ...]] = (Key("Enter", N_("Finish"), "next"),)

    def __init__(self, station: Station, done: Visit | CheckedOut) -> None:
        super().__init__(station)
        self._done = done

    def content(self) -> Iterable[Widget]:
        with Scroll(id="glance", can_focus=False):
            if isinstance(self._done, CheckedOut):
                yield from self._checked_out(self._done)
            else:
                yield from self._changed(self._done)

    def _changed(self, visit: Visit) -> Iterable[Widget]:
        duty = self.station.campaign.duty(visit.stint.duty) if visit.stint else None
        clock = f"{visit.last:%H:%M}"
        if visit.stint and duty:
            yield Static(_("On duty since {time}").format(time=clock), markup=False, classes="subtitle")
            yield Static(spread(str(duty.text)), markup=False, id="done")
            with Center():
                yield LargeDigits(clock, classes="glance-digits")
            yield Static(_("Thank you, {name}.").format(name=self._who(visit)), markup=False, classes="done-line")
        else:
            yield Static(_("Off duty since {time}").format(time=clock), markup=False, classes="subtitle")
            yield Static(spread(_("Have a good break")), markup=False, id="done")
            with Center():
                yield LargeDigits(clock, classes="glance-digits")
            said = _("The time until your next duty is a break. Scan your badge to go on.")
            yield Static(said, markup=False, classes="done-line")

    def _checked_out(self, done: CheckedOut) -> Iterable[Widget]:
        visit = done.visit
        yield Static(_("Checked out at {time}").format(time=f"{visit.last:%H:%M}"), markup=False, classes="subtitle")
        # Somebody may come several times a day; who came once need not be told so.
        once = done.today == done.minutes
        served = _("Your service today: {duration}") if once else _("Your service this time: {duration}")
        yield Static(served.format(duration=duration(done.minutes)), markup=False, id="done")
        with Center():
            yield LargeDigits(f"{done.minutes // 60}:{done.minutes % 60:02}", classes="glance-digits")
        yield Static(
            _("Thank you, {name}. Have a good rest.").format(name=self._who(visit)), markup=False, classes="done-line"
        )
        if not once and done.today is not None:
            said = _("All of today together: {duration}").format(duration=duration(done.today))
            yield Static(said, markup=False, classes="done-line")
        for stint in visit.stints:
            duty = self.station.campaign.duty(stint.duty)
            if stint.ended is not None and duty is not None:
                times = f"{stint.started:%H:%M}-{stint.ended:%H:%M}"
                yield Static(f"{times}  {duty.text}", markup=False, classes="done-stint")

    def _who(self, visit: Visit) -> str:
        return self.station.person(visit.volunteer).name

    def action_next(self) -> None:
        self.dismiss(None)
