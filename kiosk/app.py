"""KioskApp: wiring, global keys, languages. It knows nothing of the domain; the flow tells the stories."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from kiosk import campaign_files, i18n
from kiosk.screens.welcome import WelcomePage
from kiosk.station import Clock, Station, system_clock
from kiosk.widgets.page import Page
from kiosk.widgets.themes import THEMES


class KioskApp(App[None]):
    """The station's screen."""

    CSS_PATH = "kiosk.tcss"
    TITLE = "kiosk"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "switch_language", show=False, priority=True),
        Binding("f3", "switch_theme", show=False, priority=True),
        Binding("ctrl+q", "leave", show=False, priority=True),
        # A kiosk has no other way out by the keyboard.
        Binding("ctrl+c", "stay", show=False, priority=True),
        Binding("ctrl+z", "stay", show=False, priority=True),
    ]

    def __init__(
        self, folder: Path, station: Station | None, *, clock: Clock = system_clock, demo_pin: str = ""
    ) -> None:
        """Makes the screen of a station.

        Args:
            folder: the data folder.
            station: the open station, or None to walk through set-up.
            clock: gives the time (aware).
            demo_pin: the lead's PIN, told to everybody in a demonstration, which anybody may also leave.
        """
        super().__init__()
        self._folder, self.station, self._clock, self._demo_pin = folder, station, clock, demo_pin

    def on_mount(self) -> None:
        for theme in THEMES.values():
            self.register_theme(theme)
        self.theme = THEMES["dark" if self.station is None else self.station.settings.theme].name
        if self.station is None:
            self._set_up()
        else:
            self._open(self.station)

    def _open(self, station: Station) -> None:
        i18n.use(station.settings.language)
        self.push_screen(WelcomePage(station, demo_pin=self._demo_pin))
        self.call_after_refresh(self._warm_up, station)

    @work(thread=True, group="warm-up")
    def _warm_up(self, station: Station) -> None:
        station.warm_up()

    @work(group="flow", exclusive=True)
    async def _set_up(self) -> None:
        from kiosk.screens.setup import PassphrasePage, SetUpPage

        made = await self.push_screen_wait(SetUpPage(self._folder, campaign_files.shipped()))
        assert made is not None
        await self.push_screen_wait(PassphrasePage(made))
        self.station = Station(self._folder, clock=self._clock)
        if self.theme == THEMES["light"].name:
            with suppress(OSError):
                self.station.keep_theme("light")
        self._open(self.station)

    @work(group="flow", exclusive=True)
    async def _follow(self, story: Callable[[Callable[[Page[Any]], Awaitable[Any]]], Awaitable[None]]) -> None:
        """Tells one story to its end; then the welcome screen is back in the station's language."""
        await story(self.push_screen_wait)
        if self.station is not None and i18n.language() != self.station.settings.language:
            await self.action_switch_language()

    @on(WelcomePage.NewVisitRequested)
    def _new_visit(self) -> None:
        from kiosk.screens import flow

        station = self._at()
        self._follow(lambda show: flow.new_visit(show, station))

    @on(WelcomePage.LeadRequested)
    def _lead(self) -> None:
        from kiosk.screens import flow

        station = self._at()
        self._follow(lambda show: flow.lead(show, station))

    @on(WelcomePage.BadgeScanned)
    def _scanned(self, event: WelcomePage.BadgeScanned) -> None:
        from kiosk.screens import flow

        station = self._at()
        found = station.recognise(event.text)
        if found.refused is None:
            self._follow(lambda show: flow.badge_scanned(show, station, found))
        elif isinstance(self.screen, Page):
            self.screen.say(flow.refusal(found))

    def _at(self) -> Station:
        assert self.station is not None
        return self.station

    async def action_switch_language(self) -> None:
        i18n.use(i18n.other_language())
        for screen in self.screen_stack:
            if isinstance(screen, Page):
                await screen.relabel()

    async def action_switch_theme(self) -> None:
        """Dark or light, whichever it is not now; the station keeps it."""
        dark = self.theme == THEMES["dark"].name
        self.theme = THEMES["light" if dark else "dark"].name
        if self.station is not None:
            # A disk that is full must not hold the screen up: then it looks so until the next start only.
            with suppress(OSError):
                await self.station.run(self.station.keep_theme, "light" if dark else "dark")

    def action_leave(self) -> None:
        """Ends the kiosk for whoever has the right to: the lead, and anybody in a demonstration."""
        if self._demo_pin or (isinstance(self.screen, Page) and self.screen.may_close):
            self.exit()

    def action_stay(self) -> None:
        """Does nothing, on purpose."""

    def get_default_screen(self) -> Screen[None]:
        return Screen(id="_default")
