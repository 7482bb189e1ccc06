"""KioskApp: wiring, global keys, scanner, idle time, languages. It knows nothing of the domain; flows tell the stories.

An internal error ends the app, never the kiosk: `kiosk.commands.screen` puts up another one on the same station.
"""

from __future__ import annotations

import asyncio
import gc
import math
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events, on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.timer import Timer
from textual.worker import Worker

from kiosk import campaign_files, crashlog, i18n
from kiosk.clock import Clock, system_clock
from kiosk.i18n import _
from kiosk.scanner import SHORTEST, BurstBegan, Pressed, Scanned, Scanner, Told
from kiosk.screens.welcome import WelcomePage
from kiosk.station import Station
from kiosk.terminal import Terminal
from kiosk.widgets.fields import Entry
from kiosk.widgets.page import STYLES, Page, Story
from kiosk.widgets.themes import THEMES

if TYPE_CHECKING:
    from kiosk.print_room import PrintRoom
    from kiosk.sync_room import SyncRoom

CRASHED: Final = 70
"""The return code of an app that an internal error ended (EX_SOFTWARE of sysexits.h)."""
COUNTDOWN: Final = 15
"""Seconds before the end of a page's idle time from which on they are counted down."""
_CATCHING_UP: Final = 0.02
"""Seconds that the thread which reads the terminal gets to deliver what has come in."""
_THROUGH_THE_LOOP: Final = 4
"""Rounds of the loop after which what that thread has passed on lies in the app's queue: a callback, then a task."""
_LOOK: Final = 60
"""Seconds after which the clock is looked at again, and the welcome page shows the state of the day anew."""


class KioskApp(App[None]):
    """The station's screen."""

    CSS_PATH = "kiosk.tcss"
    TITLE = "kiosk"
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", show=False, priority=True),
        Binding("f2", "switch_language", show=False, priority=True),
        Binding("f3", "switch_theme", show=False, priority=True),
        Binding("ctrl+q", "leave", show=False, priority=True),
        # A kiosk has no other way out by the keyboard.
        Binding("ctrl+c", "stay", show=False, priority=True),
        Binding("ctrl+z", "stay", show=False, priority=True),
    ]

    def __init__(
        self,
        folder: Path,
        station: Station | None,
        *,
        clock: Clock = system_clock,
        seconds: Callable[[], float] = time.monotonic,
        demo_pin: str = "",
        after_crash: bool = False,
        alone: bool = False,
    ) -> None:
        """Makes the screen of a station.

        Args:
            folder: the data folder.
            station: the open station, or None to walk through set-up.
            clock: gives the time (aware).
            seconds: gives seconds that only go forward, for idle time.
            demo_pin: the lead's PIN, told to everybody in a demonstration, which anybody may also leave.
            after_crash: whether the app before this one ended by an internal error, which the next person is told.
            alone: whether the process is for the app alone, so that it may choose when to look for garbage.
        """
        super().__init__(driver_class=Terminal)
        # Nothing here uses either, and each page would be made, styled and laid out with both.
        self._disable_tooltips = self._disable_notifications = True
        self._folder, self.station, self._clock, self._demo_pin = folder, station, clock, demo_pin
        for theme in THEMES.values():
            self.register_theme(theme)
        # Before the style sheets are read: with another theme later they would be read once more.
        self.set_reactive(App.theme, THEMES["dark" if station is None else station.settings.theme].name)
        self.stylesheet.set_variables(self.get_css_variables())
        self._seconds, self._after_crash, self._alone = seconds, after_crash, alone
        self._touched = seconds()
        self._scanner = Scanner()
        self._holding: Timer | None = None
        self._burst_in: Entry | None = None
        self._turn = asyncio.Lock()
        self._story: Worker[None] | None = None
        self.print_room: PrintRoom | None = None
        self.sync_room: SyncRoom | None = None
        self._opening, self._ended = threading.Lock(), False

    def on_mount(self) -> None:
        self.set_interval(1, self.watch_idle)
        self.set_interval(_LOOK, self.watch_clock)
        self.call_after_refresh(gc.enable)
        if self.station is None:
            self._read_styles()
            self._set_up()
        else:
            self._open(self.station)

    def _open(self, station: Station) -> None:
        i18n.use(station.settings.language)
        self.push_screen(WelcomePage(station, demo_pin=self._demo_pin, after_crash=self._after_crash))
        self.call_after_refresh(self._read_styles)
        self.call_after_refresh(self._warm_up, station)

    def _read_styles(self) -> None:
        """Reads the looks of the other pages while nobody waits; the first of them would read all looks anew."""
        from kiosk.widgets import scrolling

        scrolling.plain()
        if not self.stylesheet.has_source(str(STYLES)):
            self.stylesheet.read(STYLES)
            self.stylesheet.parse()

    @work(thread=True, group="warm-up")
    def _warm_up(self, station: Station) -> None:
        station.warm_up()
        from kiosk.print_room import PrintRoom
        from kiosk.screens import flow  # noqa: F401 - the first scan must not wait for it
        from kiosk.sync_room import SyncRoom

        with self._opening:
            if not self._ended:
                self.print_room = PrintRoom(station)
                self.sync_room = SyncRoom(station)
        if self._alone:
            # All this stays. To look through it for what nobody holds takes 70 ms, and would be done again and again
            # while somebody waits for a page.
            gc.collect()
            gc.freeze()

    def _tidy(self) -> None:
        """Lets go of the pages that somebody has been through: 5 ms between two people rather than while one waits."""
        if self._alone:
            gc.collect()

    def close_rooms(self) -> None:
        """Ends printing and handing over, before the station is closed or another app takes over; both go on later."""
        with self._opening:
            self._ended = True
            rooms = (self.print_room, self.sync_room)
            self.print_room = self.sync_room = None
        for room in rooms:
            if room is not None:
                room.close()

    def on_unmount(self) -> None:
        self.close_rooms()

    def get_default_screen(self) -> Screen[None]:
        return Screen(id="_default")

    def set_timer(self, *args: Any, **kwargs: Any) -> Timer:
        """Calls something once, after a while, however late.

        Textual's timers skip what is overdue when they begin, the only call too: where the machine stood still in that
        moment, a size would never be told, nor any size after it, and a digit that is held would stay so.
        """
        timer = super().set_timer(*args, **kwargs)
        timer._skip = False
        return timer

    def _handle_exception(self, error: Exception) -> None:
        """Notes an internal error and ends this app; nothing of it is ever printed."""
        crashlog.note(self._folder, error, self._clock())
        if self.is_headless:
            super()._handle_exception(error)  # a test wants to see it
        else:
            self._return_code = CRASHED
            self._close_messages_no_wait()

    # --- keys, before any widget sees them --------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        mine = isinstance(event, events.InputEvent | events.Paste) and not event.is_forwarded
        if mine and not isinstance(event, events.MouseMove):
            self._touch()
        if mine and isinstance(event, events.Key):
            pressed = Pressed(event.key, event.character, event.time, event)
            await self._obey(self._scanner.key(pressed, typing=isinstance(self.focused, Entry)))
        else:
            await super().on_event(event)

    async def _obey(self, told: Iterable[Told]) -> None:
        for item in told:
            if isinstance(item, Pressed):
                if self._counts(item):
                    await super().on_event(item.event)
            elif isinstance(item, Scanned):
                self._take_scan(item.text)
            elif isinstance(item, BurstBegan):
                # What the field has to do goes the way of its keys, so that it comes in their order.
                self._burst_in = self.focused if isinstance(self.focused, Entry) else None
                if self._burst_in is not None:
                    self._burst_in.post_message(Entry.BurstBegan())
            elif self._burst_in is not None:
                self._burst_in.post_message(Entry.TakenBack())
        if self._holding is not None:
            self._holding.stop()
        deadline = self._scanner.deadline
        self._holding = None
        if deadline is not None:
            self._holding = self.set_timer(max(0.0, deadline - time.monotonic()) + 0.005, self._silence)

    async def _silence(self) -> None:
        # What kept the loop busy has kept the next keys waiting, too: they are heard before the silence is judged.
        now = time.monotonic()
        while self._behind():
            self._scanner.excuse(time.monotonic())
            await asyncio.sleep(_CATCHING_UP)
        for _step in range(_THROUGH_THE_LOOP):
            await asyncio.sleep(0)
        self.call_later(self._judge_silence, now)

    def _behind(self) -> bool:
        return isinstance(self._driver, Terminal) and self._driver.behind

    async def _judge_silence(self, now: float) -> None:
        await self._obey(self._scanner.expire(now))

    async def let_keys_go(self) -> None:
        """Passes on at once what is held back as a possible scan, as if a second had passed."""
        await self._obey(self._scanner.expire(math.inf))

    def _counts(self, pressed: Pressed) -> bool:
        """Whether a key is for the page that is up: nobody answers what cannot be read or has only just appeared."""
        page = self.screen
        if not isinstance(page, Page):
            return False
        # A number that is scanned, or typed as fast, ends with an Enter that was meant.
        lone = pressed.key == "enter" and pressed.behind < SHORTEST
        return not page.too_small and not (lone and page.has_just_come_up(pressed.time))

    # --- stories ----------------------------------------------------------------------------------------------------

    @work(group="flow", exclusive=True)
    async def _set_up(self) -> None:
        from kiosk import setup
        from kiosk.screens.setup import PassphrasePage, SetUpPage

        made = await self.push_screen_wait(SetUpPage(self._folder, campaign_files.shipped()))
        assert made is not None
        await self.push_screen_wait(PassphrasePage(made))
        setup.finish(self._folder, made, clock=self._clock)
        self.station = Station(self._folder, clock=self._clock)
        if self.theme == THEMES["light"].name:
            with suppress(OSError):
                self.station.keep_theme("light")
        self._open(self.station)

    @work(group="flow", exclusive=True)
    async def _follow(self, story: Story) -> None:
        """Tells one story to its end; then the welcome screen is back in the station's language."""
        await story(self.push_screen_wait)
        await self._end_story()

    def _begin(self, story: Story) -> None:
        """Tells a story, unless somebody is being served: two keys pressed at once must not put two stories up."""
        if self._story is None or self._story.is_finished:
            self._story = self._follow(story)

    async def _go_home(self) -> None:
        """Ends whatever story is being told; its pages are gone with all that was typed into them."""
        if self.station is None:  # there is no home yet
            return
        self.workers.cancel_group(self, "flow")
        self._story = None
        self._burst_in = None
        while len(self.screen_stack) > 1 and not isinstance(self.screen, WelcomePage):
            await self.pop_screen()
        await self._end_story()

    async def _end_story(self) -> None:
        await self._speak_as_set()
        self.call_after_refresh(self._tidy)

    async def _speak_as_set(self) -> None:
        if self.station is not None and i18n.language() != self.station.settings.language:
            await self.action_switch_language()

    @on(WelcomePage.Asked)
    def _serve(self, event: WelcomePage.Asked) -> None:
        from kiosk.screens import flow

        station = self._at()
        if event.what == "lead":
            self._begin(lambda show: flow.lead(show, station, lambda: self.print_room, lambda: self.sync_room))
            return
        tell = {"new_visit": flow.new_visit, "lost_badge": flow.lost_badge}[event.what]
        self._begin(lambda show: tell(show, station))

    @on(WelcomePage.NumberTyped)
    def _number_typed(self, event: WelcomePage.NumberTyped) -> None:
        self._take_scan(event.text)

    @work(group="scans")
    async def _take_scan(self, text: str) -> None:
        """Serves one scan after the other, each when the page before has got its word from the disk."""
        async with self._turn:
            page = await self._settled_page()
            if page is None or page.too_small:
                return
            from kiosk.screens import flow

            station = self._at()
            found = station.recognise(text)
            if found.refused is not None:
                if not await page.refused(found):
                    page.say(flow.refusal(found))
            elif page.occupied:
                page.say(_("A badge was scanned. Please finish here first, or go back with Esc, and scan it again."))
            elif not await page.scanned(found):
                if found.visitor is None:  # of a visitor nothing is shown before the lead is there
                    station.note_shown(found)
                await self._go_home()
                self._begin(lambda show: flow.badge_scanned(show, station, found))

    async def _settled_page(self) -> Page[object] | None:
        """The page that is up, once nothing is being saved and no story is between two pages; None before set-up."""
        while self.station is not None:
            page = self.screen
            between = isinstance(page, WelcomePage) and self._story is not None and not self._story.is_finished
            if isinstance(page, Page) and page.is_mounted and not between:
                await page.saved()
                if page is self.screen:
                    return page
            await asyncio.sleep(0.01)
        return self.screen if isinstance(self.screen, Page) else None

    def _at(self) -> Station:
        assert self.station is not None
        return self.station

    # --- idle time --------------------------------------------------------------------------------------------------

    def _touch(self) -> None:
        self._touched = self._seconds()
        if isinstance(self.screen, Page) and self.screen.counting:
            self.screen.count_down(None)

    async def watch_idle(self) -> None:
        """Counts a page's idle time down, and takes everybody home when it is over."""
        page = self.screen
        if not isinstance(page, Page):
            return
        if page.patience is None or page.busy:
            page.count_down(None)
            return
        left = page.patience - (self._seconds() - self._touched)
        if left > 0:
            page.count_down(math.ceil(left) if left <= COUNTDOWN else None)
        elif isinstance(page, WelcomePage):
            page.forget()
            await self._speak_as_set()
        else:
            await self._go_home()

    @work(group="clock", exclusive=True)
    async def watch_clock(self) -> None:
        """Has a jump of the clock noted, and told on the welcome page."""
        if self.station is not None:
            await self.station.run(self.station.watch_clock)
            if isinstance(self.screen, WelcomePage):
                self.screen.renew()

    # --- global keys ------------------------------------------------------------------------------------------------

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

    def action_help(self) -> None:
        """Explains the keys of the page that is up; once more, and the page is back."""
        from kiosk.screens.help import HelpPage

        if isinstance(self.screen, HelpPage):
            self.screen.dismiss(None)
        elif isinstance(self.screen, Page) and not self.screen.busy:  # what is being saved is going to be told there
            self.push_screen(HelpPage(self.screen))

    def action_leave(self) -> None:
        """Ends the kiosk for whoever has the right to: the lead, and anybody in a demonstration."""
        if self._demo_pin or (isinstance(self.screen, Page) and self.screen.may_close):
            self.exit()

    def action_stay(self) -> None:
        """Does nothing, on purpose."""
