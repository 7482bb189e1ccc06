"""The summary of a day: numbers, and bars by duty and by hour."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from kiosk.i18n import N_, _
from kiosk.roster import FIRST_DAY
from kiosk.station import Station
from kiosk.summary import Served, Summary
from kiosk.widgets.bars import Bars
from kiosk.widgets.grounds import Beside, Scroll, Stack
from kiosk.widgets.page import Key, Page
from kiosk.wording import day_in_words, duration


class SummaryPage(Page[date]):
    """Returns the day that was looked at last."""

    idle = 180
    keeps_draft = True
    heading = N_("Summary")
    keys: ClassVar[tuple[Key, ...]] = (
        Key("F1", N_("Help"), "app.help"),
        Key("Esc", N_("Back"), "back"),
    )
    more: ClassVar[tuple[Key, ...]] = (
        Key(N_("Left Right"), N_("The day before, the day after"), ""),
        Key(N_("Up Down PgUp PgDn"), N_("Scroll"), ""),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "day(-1)", show=False, priority=True),
        Binding("right", "day(1)", show=False, priority=True),
    ]

    def __init__(self, station: Station, day: date) -> None:
        super().__init__(station)
        self._day = day

    def offered(self) -> Iterable[Key]:
        yield Key(_("Left Right"), _("Other days"), "day(-1)")
        yield Key(_("Up Down"), _("Scroll"), "")
        yield from super().offered()

    def title_text(self) -> str:
        return f"{_(self.heading)}  < {day_in_words(self._day, self.station.today())} >"

    def content(self) -> Iterable[Widget]:
        found = self.station.summary(self._day)
        with Scroll(id="summary"):
            with Beside(id="summary-numbers"):
                for label, value in self._numbers(found):
                    with Stack(classes="number"):
                        yield Static(value, markup=False, classes="number-value")
                        yield Static(label, markup=False, classes="number-label")
            if found.by_status["pending_check_out"]:
                said = _("The minutes of those without sign-out are missing here until you have entered them.")
                yield Static(said, markup=False, id="summary-pending")
            with Beside(id="summary-bars"):
                with Stack(id="by-duty"):
                    yield Static(_("By duty: minutes, people"), markup=False, classes="subtitle")
                    yield Bars([self._bar(item) for item in found.by_duty], id="duty-bars")
                with Stack(id="by-hour"):
                    yield Static(_("By hour: people here"), markup=False, classes="subtitle")
                    hours = [(f"{hour:02}", people, str(people)) for hour, people in found.by_hour.items()]
                    yield Bars(hours, id="hour-bars")

    def _numbers(self, found: Summary) -> Iterable[tuple[str, str]]:
        yield _("People"), str(found.people)
        yield _("Check-ins"), str(found.check_ins)
        yield _("Refused"), str(found.refused)
        yield _("On duty"), str(found.by_status["on_duty"])
        yield _("No sign-out"), str(found.by_status["pending_check_out"])
        yield _("Service"), duration(found.minutes)

    def _bar(self, item: Served) -> tuple[str, int, str]:
        duty = self.station.campaign.duty(item.duty) if item.duty else None
        label = str(duty.text) if duty else item.duty or _("no duty")
        return label, item.minutes, f"{item.minutes} {item.people:5}"

    def ready(self) -> None:
        self.query_one("#summary").focus()

    async def action_day(self, by: int) -> None:
        day = self._day + timedelta(days=by)
        if FIRST_DAY <= day <= self.station.today():
            self._day = day
            await self.relabel()

    def action_back(self) -> None:
        self.dismiss(self._day)

    def action_next(self) -> None:
        self.action_back()
