"""One person of the roster: what the day holds of them, and the late sign-out where it is missing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import ClassVar

from textual import on
from textual.widget import Widget
from textual.widgets import Static

from kiosk.errors import InvalidInput
from kiosk.i18n import N_, _
from kiosk.records import SHANGHAI
from kiosk.roster import Entry, Visit
from kiosk.rules import invalid
from kiosk.screens.done import duration
from kiosk.station import CheckedOut, Station
from kiosk.widgets.fields import Field
from kiosk.widgets.page import Key, Page
from kiosk.wording import STATUS


def parse_clock(text: str, visit: Visit) -> datetime:
    """The time of a sign-out that the lead typed as 17:30, 1730 or 17.30: of the visit's day, or the morning after.

    Raises:
        InvalidInput: `time_invalid`.
    """
    digits = "".join(char for char in text if char.isdecimal())
    try:
        clock = time(int(digits[:-2]), int(digits[-2:]))
    except ValueError as error:
        raise invalid("time_invalid") from error
    left = datetime.combine(visit.day, clock, SHANGHAI)
    return left if left > visit.checked_in else left + timedelta(days=1)


class PersonPage(Page[CheckedOut]):
    """Returns the visit that the lead has signed out, or None."""

    keys: ClassVar[tuple[Key, ...]] = (Key("Enter", N_("Save"), "next"), Key("Esc", N_("Back"), "back"))

    def __init__(self, station: Station, entry: Entry, visit: Visit) -> None:
        super().__init__(station)
        self._entry, self._visit = entry, visit
        self._typed = {"left": "", "reason": ""}

    @property
    def _open(self) -> bool:
        return self._visit.checked_out is None

    def content(self) -> Iterable[Widget]:
        entry, visit = self._entry, self._visit
        yield Static(f"{entry.name}   {entry.volunteer}   {entry.phone_masked}", markup=False, id="verdict")
        yield Static(f"{visit.day.isoformat()}  {_(STATUS[entry.status])}", markup=False, classes="subtitle")
        for line in self._lines():
            yield Static(line, markup=False, classes="done-line")
        if self._open:
            yield Static(_("Late sign-out"), markup=False, classes="subtitle")
            yield Field("left", _("Left at"), self._typed["left"], self._check, hint=_("For example 17:30"), length=5)
            yield Field("reason", _("Reason"), self._typed["reason"], lambda text: None, length=100)

    def _lines(self) -> Iterable[str]:
        visit = self._visit
        came, left = _("Checked in"), _("Checked out")
        yield f"{visit.checked_in:%H:%M}        {came}"
        for stint in visit.stints:
            duty = self.station.campaign.duty(stint.duty)
            ended = f"{stint.ended:%H:%M}" if stint.ended else "     "
            yield f"{stint.started:%H:%M}-{ended}  {duty.text if duty else stint.duty}"
        if visit.checked_out:
            yield f"{visit.checked_out:%H:%M}        {left}"
        if self._entry.minutes is not None:
            yield duration(self._entry.minutes)

    def offered(self) -> Iterable[Key]:
        return (key for key in super().offered() if self._open or key.cap != "Enter")

    def ready(self) -> None:
        if self._open:
            self.query_one("#left", Field).focus()

    def _check(self, text: str) -> None:
        parse_clock(text, self._visit)

    @on(Field.Edited)
    def _remember(self, event: Field.Edited) -> None:
        self._typed[event.field.name or ""] = event.value

    @on(Field.Entered)
    async def _enter(self, event: Field.Entered) -> None:
        if event.field.name == "left":
            self.query_one("#reason", Field).focus()
        else:
            await self.action_next()

    async def action_next(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        if not self._open:
            return
        try:
            left = parse_clock(self._typed["left"], self._visit)
        except InvalidInput as error:
            self.say(str(error))
            self.query_one("#left", Field).focus()
            return
        done = await self.save(self.station.sign_out_late, self._visit.id, left, self._typed["reason"])
        if done is not None:
            self.dismiss(done)
