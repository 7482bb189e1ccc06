"""The badge: a QR code to take a picture of, and the number below it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from kiosk.assignment import Assignment
from kiosk.badge import half_blocks
from kiosk.errors import KioskError
from kiosk.i18n import N_, _
from kiosk.screens.verdict import spaced
from kiosk.station import Station
from kiosk.widgets.grounds import Beside, Stack
from kiosk.widgets.page import Key, Page
from kiosk.wording import cause

if TYPE_CHECKING:
    from kiosk.print_room import PrintRoom, State


class BadgePage(Page[str]):
    """Returns `duty` to go on duty at once, None to finish."""

    idle = 90
    keys: ClassVar[tuple[Key, ...]] = (
        Key("Enter", N_("Start a duty"), "next"),
        Key("Esc", N_("Finish"), "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("1", "print", show=False)]

    def __init__(self, station: Station, volunteer: str, code: str, assignment: Assignment | None) -> None:
        super().__init__(station)
        self._volunteer, self._code, self._assignment = volunteer, code, assignment
        self._said: State | None = None

    @property
    def _room(self) -> PrintRoom | None:
        """Where badges are printed, if there is a printer, or should be one."""
        room: PrintRoom | None = getattr(self.app, "print_room", None)
        return room if room is not None and room.is_wanted else None

    def offered(self) -> Iterable[Key]:
        offered = list(super().offered())
        if self._room is not None:
            offered.insert(len(self.keys), Key("1", N_("Print"), "print"))
        return offered

    def ready(self) -> None:
        self._said = None
        self._tell()

    def on_mount(self) -> None:
        self.set_interval(0.3, self._tell)

    def _tell(self) -> None:
        """Says how the printing goes, when that has changed."""
        room = self._room
        if room is None or not self.built or (state := room.state(self._volunteer)) == self._said:
            return
        self._said = state
        later = _("To try again, press 1. You can go on without: it is printed later.")
        said = {
            "waiting": _("Your badge is being printed."),
            "printed": _("Your badge is printed. Please take it."),
            "failed": f"{state.sentence}\n{later}",
        }
        told = self.query_one("#badge-print", Static)
        told.update(said.get(state.kind, ""))
        told.set_class(state.kind == "failed", "-wrong")

    async def action_print(self) -> None:
        """Has the badge printed, or tried again."""
        room = self._room
        if room is None or self.busy:
            return
        try:
            with self.working():
                await asyncio.to_thread(room.order, self._volunteer)
        except OSError as error:
            self.say(_("The badge cannot be printed: {error}.").format(error=cause(error)))
        except KioskError as error:
            self.say(str(error))
        else:
            self._tell()

    def content(self) -> Iterable[Widget]:
        person = self.station.person(self._volunteer)
        with Beside(id="badge"):
            yield Static("\n".join(half_blocks(self._code)), markup=False, id="qr")
            with Stack(id="badge-text"):
                yield Static(_("Your badge"), markup=False, id="badge-title")
                yield Static(person.name, markup=False, id="badge-name")
                yield Static(_("Volunteer number"), markup=False, classes="quiet")
                yield Static(self._volunteer, markup=False, id="badge-number")
                if self._assignment is not None:
                    yield from self._where(self._assignment)
                yield Static(
                    _("Take a picture of the code. Scan it here, or type the number, to start or end a duty."),
                    markup=False,
                    id="badge-hint",
                )
                yield Static("", markup=False, id="badge-print")

    def _where(self, place: Assignment) -> Iterable[Widget]:
        campaign = self.station.campaign
        where = campaign.name_of(place.street)
        if place.community:
            where += f" {campaign.name_of(place.community)}"
        contact = campaign.contact_for(place.street)
        yield Static(where, markup=False, classes="badge-line")
        yield Static(f"{contact.contact} {spaced(contact.phone)}", markup=False, classes="badge-line")

    def action_next(self) -> None:
        self.dismiss("duty")
