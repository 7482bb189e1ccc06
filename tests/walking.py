"""Walks through the screens as a person does: by keys, waiting for what they cause and never for time to pass.

Presses that are not a person's own data are counted, since somebody with cold hands pays for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual import events
from textual._queue import Queue
from textual.keys import _character_to_key
from textual.message import Message
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Static

from kiosk.app import KioskApp
from kiosk.screens.welcome import WelcomePage
from kiosk.station import Station
from kiosk.widgets.choosing import ChoicePage
from kiosk.widgets.page import Page
from kiosk.widgets.tiles import Tiles

_CHARACTERS = {"enter": "\r", "escape": "\x1b", "backspace": "\x7f", "tab": "\t"}
_TURNS = 5
"""Turns of the loop in which a future wakes a task, and that another, and so on, without a message."""
PERSON = {"name": "林小满", "phone": "19900000001", "birth_date": "1995-05-20"}


def _waits(pump: MessagePump) -> bool:
    """Whether it waits for its next message, or will never deal with one again."""
    queue: Queue[Message | None] = pump._message_queue
    return bool(queue.empty() and queue.ready_event._waiters) or pump._closing or pump._closed


@dataclass
class Walker:
    """A person before the screen."""

    app: KioskApp
    pilot: Pilot[None]
    presses: int = 0

    @property
    def page(self) -> Page[object]:
        """The page that is up."""
        assert isinstance(self.app.screen, Page)
        return self.app.screen

    async def press(self, *keys: str) -> None:
        """Presses keys that count, one after the other."""
        for key in keys:
            self.presses += 1
            self._send(key, _CHARACTERS.get(key, key if len(key) == 1 else None))
            await self._rest()
            await self.app.let_keys_go()  # a person's next key comes later than a scanner's would
            await self.settle()

    async def tap(self, value: str) -> None:
        """Taps a tile."""
        tiles = self.page.query_one(Tiles)
        await self.pilot.click(tiles, offset=tiles.region_of(value).translate((1, 1)).offset)
        await self.settle()

    async def type(self, text: str) -> None:
        """Types data, which does not count, as fast as a scanner."""
        for character in text:
            self._send(_character_to_key(character), character)
        await self.settle()

    def _send(self, key: str, character: str | None, *, after: float = 0.0) -> None:
        # As the terminal's driver does. Pilot.press sleeps 40 ms a key, and hides what fast keys do.
        event = events.Key(key, character)
        event.set_sender(self.app)
        event.time += after
        assert self.app._driver is not None
        self.app._driver.send_message(event)

    async def settle(self) -> None:
        """Waits until every widget has dealt with its messages and with those that came of them, and all is drawn."""
        await self._rest()
        while self._is_up() and self._to_be_drawn():
            self.app.screen._on_timer_update()  # as a 60th of a second would
            await self._rest()
        if isinstance(self.app.screen, Page):
            self.app.screen.arrived = 0.0  # a person looks at a page before they press Enter
        if isinstance(self.app.screen, ChoicePage):
            self.app.screen._pressed = ("", 0.0)  # and lets a key go before they press it again

    async def _rest(self) -> None:
        """Waits until the app and every widget of its screen wait for a message, for some turns of the loop.

        Pilot does so by a message to each widget, which costs more than what is waited for.
        """
        quiet = 0
        while self._is_up() and quiet < _TURNS:
            waiting = all(map(_waits, (self.app, *self.app.screen.walk_children(with_self=True))))
            quiet = quiet + 1 if waiting else 0
            await asyncio.sleep(0 if waiting else 0.001)  # what is not over yet gets room

    def _is_up(self) -> bool:
        return self.app._running and not self.app._exit and not self.app._exception_event.is_set()

    def _to_be_drawn(self) -> bool:
        screen = self.app.screen
        return bool(
            screen._layout_required
            or screen._scroll_required
            or screen._repaint_required
            or screen._recompose_required
            or screen._dirty_widgets
            or screen._callbacks
        )

    async def until(self, what: Callable[[], bool]) -> None:
        """Waits until something is so; the test's time-out ends what never is."""
        while not what():
            await self.settle()
            await asyncio.sleep(0.005)
        await self.settle()

    async def arrive(self, page: str) -> None:
        """Waits until the page of that class is up and drawn."""
        await self.until(lambda: type(self.app.screen).__name__ == page and self.app.screen.is_attached)
        assert self.page.query("#message")

    def strips(self) -> list[Strip]:
        """The screen as it is drawn, a strip a line."""
        return self.app.screen._compositor.render_strips()

    def text(self) -> str:
        """Everything that stands on the screen, line by line."""
        return "\n".join(strip.text for strip in self.strips())

    async def shows(self, text: str) -> None:
        """Waits until `text` stands on the screen."""
        await self.until(lambda: text in self.text())

    async def hides(self, text: str) -> None:
        """Waits until `text` is gone from the screen."""
        await self.until(lambda: text not in self.text())

    def said(self) -> str:
        """The sentence above the keys."""
        return str(self.page.query_one("#message", Static).content).strip()

    # --- stretches of the way ---------------------------------------------------------------------------------------

    async def consent(self) -> None:
        """From the welcome page through the consents."""
        await self.arrive("WelcomePage")
        await self.press("enter")
        await self.arrive("ConsentPage")
        await self.press("1", "1")
        await self.arrive("IdentityPage")

    async def identify(self, **changes: str) -> None:
        """Who they are, and where they live."""
        person = {**PERSON, **changes}
        await self.type(person["name"])
        await self.press("enter")
        await self.type(person["phone"])
        await self.press("enter")
        await self.arrive("DocumentPage")
        await self.type(person.get("id_number", ""))
        await self.press("enter")
        if not person.get("id_number"):
            await self.type(person["birth_date"])
            await self.press("enter")
        await self.arrive("AddressPage")
        await self.press("1")
        await self.type("农科院")
        await self.press("enter")
        await self.arrive("FirstDayPage")

    async def answer(self, *digits: str) -> None:
        """The clauses, then the check of everything, up to the verdict."""
        await self.press(*digits)
        await self.arrive("ReviewPage")
        await self.press("enter")
        await self.until(lambda: type(self.app.screen).__name__ in ("AdmittedPage", "RefusedPage", "DutyPage"))

    async def to_admission(self, **changes: str) -> None:
        """Somebody without a badge, from the welcome page to the good news."""
        await self.consent()
        await self.identify(**changes)
        await self.answer("1", "1", "1", "1")
        await self.arrive("AdmittedPage")

    async def to_badge(self, **changes: str) -> None:
        """The same, to the badge."""
        await self.to_admission(**changes)
        await self.press("enter")
        await self.arrive("AssignmentPage")
        await self.press("enter")
        await self.arrive("BadgePage")

    async def scan(self, text: str) -> None:
        """A badge or a number on the welcome page."""
        await self.arrive("WelcomePage")
        await self.type(text)
        await self.press("enter")

    async def lead(self, pin: str, page: str = "RosterPage") -> None:
        """The site lead, up to the roster, or to what comes before it."""
        await self.arrive("WelcomePage")
        await self.press("f9")
        await self.pin(pin, page)

    async def pin(self, pin: str, page: str) -> None:
        """From where the lead is asked for to what comes then."""
        await self.arrive("LeadPinPage")
        await self.type(pin)
        await self.press("enter")
        await self.arrive(page)


@asynccontextmanager
async def walking(station: Station, size: tuple[int, int] = (80, 24), *, alone: bool = False) -> AsyncIterator[Walker]:
    """The app on an open station, and a person before it; `alone` in a process of its own."""
    app = KioskApp(station.folder, station, clock=station.clock, alone=alone)
    async with app.run_test(size=size) as pilot:
        walker = Walker(app, pilot)
        await walker.until(lambda: isinstance(app.screen, WelcomePage))
        yield walker
