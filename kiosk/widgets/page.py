"""The frame that all screens share: station and time above, keys below, a message line, two languages.

A page gets the station handed in, tells it what happened, and returns a result by `dismiss`; where to go next is the
flow's business.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, ParamSpec, TypeVar

from msgspec import Struct
from rich.console import RenderableType
from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Static

from kiosk.errors import KioskError, NotSaved
from kiosk.i18n import N_, _, language
from kiosk.station import Recognition, Station
from kiosk.trust import KeysError
from kiosk.widgets.grounds import Stack
from kiosk.widgets.topbar import TopBar
from kiosk.wording import WEEKDAYS

R = TypeVar("R")
T = TypeVar("T")
P = ParamSpec("P")

SMALLEST = (80, 24)
"""Columns and lines below which no page can be read."""
FETCHING: Final = 15 * 60
"""Seconds that a volunteer may be away to fetch the site lead."""
BOUNCE: Final = 0.25
"""Seconds in which what has come up takes no lone Enter, and nothing that cannot be taken back: fingers press twice."""


class Key(Struct, frozen=True):
    """A key that the bottom line offers: how it is called, what it does in words, and the action."""

    cap: str
    label: str
    action: str


class KeyBar(Widget):
    """The bottom line: the keys, and what they do; a tap does what the key does."""

    def __init__(self, keys: Iterable[Key]) -> None:
        super().__init__(id="key-bar")
        self._hints = [_hint(key) for key in keys]

    def render(self) -> Content:
        room = self.size.width - sum(hint.cell_length for hint in self._hints)
        return Content(" " if room >= len(self._hints) else "").join(self._hints)

    def on_click(self, event: events.Click) -> None:
        if action := event.style.meta.get("action"):
            # In the app's turn, as the key's would be: the page may be built anew, and this with it.
            self.app.call_next(self.screen.run_action, action)


def _hint(key: Key) -> Content:
    cap = Content.styled(f" {key.cap} ", "bold $background on $secondary")
    return Content.assemble(cap, f" {_(key.label)} ").stylize(Style.from_meta({"action": key.action}))


STYLES: Final = Path(__file__).parent.parent / "pages.tcss"
"""The looks of all pages but the first one, which must not wait until they are read."""


class Page(Screen[R], Generic[R]):
    """A screen of the kiosk.

    Attributes:
        heading: the title, a marked message; none where the page asks one thing in words of its own.
        may_close: whether the kiosk may be ended from here.
        keeps_draft: whether it holds somebody's answers; see `occupied`.
        counting: whether the seconds are being counted that are left before the kiosk goes back to welcome.
        built: whether the widgets are there; False while the page is built anew, and when it goes away before that.
        idle: seconds without a key after which the kiosk goes back to welcome; None for never.
        waits_for_lead: whether a volunteer is here, who fetches the site lead when something cannot be saved.
        keys: what the bottom line offers, besides the language key.
        more: keys that only the help page lists, where there is no room in the bottom line.
    """

    heading: ClassVar[str] = ""
    may_close: ClassVar[bool] = False
    keeps_draft: ClassVar[bool] = False
    idle: int | None = 60
    waits_for_lead: ClassVar[bool] = False
    keys: ClassVar[tuple[Key, ...]] = (Key("Enter", N_("Next"), "next"), Key("Esc", N_("Back"), "back"))
    more: ClassVar[tuple[Key, ...]] = ()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", show=False),
        Binding("escape", "back", show=False),
    ]
    CSS_PATH: ClassVar[Path | None] = STYLES
    AUTO_FOCUS = None
    # On a large terminal the style sheet gives everything more room: both classes have to be there.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-tall")]

    def __init__(self, station: Station | None, *, step: int | None = None) -> None:
        """Makes the page.

        Args:
            station: the station, or None before set-up.
            step: which step of a first visit this is, from 1.
        """
        super().__init__()
        self._station = station
        self.step = step
        self._failure: tuple[object, NotSaved | None] | None = None
        self._saved = asyncio.Event()
        self._saved.set()
        self._over = False
        self._focused_before: Widget | None = None
        self._laid_out: Size | None = None
        self.built = False
        self.counting = False
        self._drawing = asyncio.Lock()
        self.arrived = math.inf

    @property
    def station(self) -> Station:
        """The station, which is there on all pages but those of set-up."""
        assert self._station is not None
        return self._station

    # --- the frame --------------------------------------------------------------------------------------------------

    @property
    def is_current(self) -> bool:
        """Whether this page is the one that is seen; Textual lays out the one beneath, too, lest it shine through."""
        return self.app.screen_stack[-1:] == [self]

    def _screen_resized(self, size: Size) -> None:
        # Textual calls this also for the page beneath, which is laid out when it comes back, and again for a page whose
        # first layout has just told it its size.
        if self.is_current and size != self._compositor.size:
            super()._screen_resized(size)

    def compose(self) -> ComposeResult:
        # As a resize will find them, but before anything is in the page: then nothing is styled and laid out twice.
        room = zip(self.app.size, (self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS), strict=True)
        classes = (next(name for least, name in reversed(steps) if size >= least) for size, steps in room)
        self.add_class(*classes, update=False)
        yield TopBar(self._place(), self._time())
        if self.step:
            from kiosk.widgets.steps import StepBar  # the welcome page has none

            yield StepBar(self.step)
        if self.heading:
            yield Static(self.title_text(), markup=False, id="title", classes="" if self.step else "-alone")
        with Stack(id="body"):
            yield from self.content()
        yield Static("", markup=False, id="message")
        yield KeyBar(self.offered())

    @property
    def BLANK(self) -> bool:  # type: ignore[override] # noqa: N802 - Textual asks each time, of the class or of this
        """Whether nothing stands behind everything, which then need not be drawn line by line."""
        return not self.has_class("-too-small")

    def render(self) -> RenderableType:
        """What stands behind everything: nothing, unless the terminal is too small, which hides the rest."""
        if not self.has_class("-too-small"):
            return super().render()
        said = _("This window is too small: {width}x{height}. The kiosk needs 80x24.")
        size = self.app.size
        return Content(said.format(width=size.width, height=size.height))

    def title_text(self) -> str:
        """The title in the language in use."""
        return _(self.heading)

    def content(self) -> Iterable[Widget]:
        """The widgets between title and keys."""
        raise NotImplementedError

    def offered(self) -> Iterable[Key]:
        """The keys of the bottom line."""
        yield from self.keys
        # The other language is named in its own words, for whoever cannot read this one.
        yield Key("F2", "English" if language() == "zh" else "\u4e2d\u6587", "app.switch_language")

    def _place(self) -> str:
        return "" if self._station is None else f" {self._station.settings.name}  {self._station.campaign.name}"

    def _time(self) -> str:
        if self._station is None:
            return ""
        now = self._station.clock()
        day = _("{month}/{day}").format(month=now.month, day=now.day)
        return f"{day} {_(WEEKDAYS[now.weekday()])} {now:%H:%M} "

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Notes when the page came up: an Enter that comes with it was meant for the page before."""
        if self.arrived == math.inf:
            event.refresh_styles = False  # its widgets were styled as they were made, just now
        self.arrived = time.monotonic()

    def has_just_come_up(self, when: float) -> bool:
        """Whether a key of that time (as `time.monotonic` gives it) was pressed before anybody could have read this."""
        return when - self.arrived < BOUNCE

    def dismiss(self, result: R | None = None) -> AwaitComplete:
        """Returns `result` to the story, once: whatever is pressed after that is not for this page any more."""
        # Textual takes away whatever is on top: a page that a scan or the idle time has removed must not take another.
        if self._over or not self.is_current:
            return AwaitComplete()
        self._over = True
        return super().dismiss(result)

    def on_mount(self) -> None:
        self._make_ready()

    def _make_ready(self) -> bool:
        """Calls `ready`; not on a page that goes away before it is built, by a scan or with the app."""
        self.built = self.is_attached and not self._pruning and bool(self.query("#message"))
        if self.built:
            self.ready()
        return self.built

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be done to a page that is just being built, or on its way out."""
        return self.built and not self._over and not self._pruning

    def count_down(self, seconds: int | None) -> None:
        """Shows how many seconds are left before the kiosk goes back to welcome; None shows the time of day."""
        said = _("Back to the start in {seconds} s; any key to stay ").format(seconds=seconds) if seconds else ""
        self.counting = bool(said)
        for bar in self.query(TopBar):  # not there while the page is being built, or is going
            bar.show(said or self._time(), counting=bool(said))

    @property
    def too_small(self) -> bool:
        """Whether the terminal is too small for any page."""
        return self.size.width < SMALLEST[0] or self.size.height < SMALLEST[1]

    def on_resize(self, event: events.Resize) -> None:
        # Sizes may come faster than pages are laid out. Of those that pile up only the newest counts, and it comes too.
        # A page that comes back is laid out without being told, so that both have to be asked.
        if event.size != self.app.size or event.size == self._laid_out == self._compositor.size:
            event.prevent_default()
            return
        self._laid_out = event.size
        if self.too_small and not self.has_class("-too-small"):
            self._focused_before = self.focused
        elif not self.too_small and self.has_class("-too-small") and self._focused_before is not None:
            # What is hidden loses the cursor; it comes back with what was typed.
            self.call_after_refresh(self._focused_before.focus)
        self.set_class(self.too_small, "-too-small")

    async def scanned(self, found: Recognition) -> bool:
        """Takes a badge that was scanned while this page was up; False leaves it to the app, which shows the person."""
        return False

    async def refused(self, found: Recognition) -> bool:
        """Takes a badge that was refused while this page was up; False leaves it to the app, which says why."""
        return False

    def ready(self) -> None:
        """Called when the widgets are there: at first, and again in the other language."""

    async def rebuild(self) -> None:
        """Builds the page anew; what somebody else has begun to build is finished first."""
        async with self._drawing:
            self.built = False
            await self.recompose()
            # Textual remembers what was found on a page, a thousand times over: with it all widgets that are gone.
            self._query_one_cache.clear()
            self._make_ready()

    async def turn(self) -> None:
        """Builds the page anew with something else to be read, as if it had just come up."""
        await self.rebuild()
        self.arrived = time.monotonic()

    async def relabel(self) -> None:
        """Builds the page anew in the language in use; what was typed and where the cursor was stays."""
        built = asyncio.Event()
        # In the page's own turn, so that nothing that comes meanwhile (a key's message, the time, a resize) finds it
        # without its widgets. A page that goes away before its turn comes is never built.
        self.call_next(self._build_anew, built)
        while self.is_running and not built.is_set():  # noqa: ASYNC110 - either of two things ends it
            await asyncio.sleep(0.005)

    async def _build_anew(self, built: asyncio.Event) -> None:
        focused = self.focused.id if self.focused else None
        wrong = bool(self.query("#message.-wrong"))
        await self.rebuild()
        if self.built and focused and (found := self.query(f"#{focused}")):
            self.set_focus(found.first())  # for the keys that wait already
            found.first().focus()  # after what `ready` may have asked for
        built.set()
        if self.built and self._failure:
            self.say(self._not_saved(), wrong=wrong)

    # --- words and deeds --------------------------------------------------------------------------------------------

    def say(self, text: str, *, wrong: bool = True) -> None:
        """Shows a sentence above the keys."""
        # While the page is built anew there is no such line, and nothing to be read.
        said = f" {text}" if text else ""
        for message in self.query("#message").results(Static):
            if message.content != said:
                message.update(said, layout=False)  # its lines are there, whatever it says
            message.set_class(wrong, "-wrong")

    def _not_saved(self) -> str:
        return _("This could not be saved. Please press Enter to try again, or call the site lead.")

    async def save(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Has the station do something and waits until it is durable.

        What fails is said on the page and None is returned; doing the same again then is a retry under the same ids.
        """
        if self.busy or self._over or not self.is_current:
            return None
        wanted = (act, args, kwargs)
        try:
            with self.working():
                failed = self._failure[1] if self._failure and self._failure[0] == wanted else None
                if failed is not None:
                    outcome: T = await self.station.run(self.station.retry, failed)
                else:
                    outcome = await self.station.run(act, *args, **kwargs)
            self._failure = None
        except NotSaved as error:
            self._failure = (wanted, error)
            self.say(self._not_saved())
            return None
        except KeysError as error:
            if self.waits_for_lead:  # without the keys nothing can be sealed, and nothing was written yet
                self._failure = (wanted, None)
            self.say(f"{error} {self._not_saved()}" if self.waits_for_lead else str(error))
            return None
        except KioskError as error:
            self.say(str(error))
            return None
        return outcome

    @contextmanager
    def working(self) -> Iterator[None]:
        """While it lasts the page is busy: nothing else is begun, and nobody is taken away from it."""
        self._saved.clear()
        try:
            yield
        finally:
            self._saved.set()

    @property
    def busy(self) -> bool:
        """Whether something is being made durable."""
        return not self._saved.is_set()

    @property
    def _lead_is_fetched(self) -> bool:
        return self.waits_for_lead and self._failure is not None

    @property
    def patience(self) -> int | None:
        """Seconds without a key after which the page goes; None for never."""
        return FETCHING if self._lead_is_fetched else self.idle

    @property
    def occupied(self) -> bool:
        """Whether somebody's answers would be lost if the page went away; a scan then waits for them."""
        return self.keeps_draft or self._lead_is_fetched

    async def saved(self) -> None:
        """Waits until nothing is being made durable."""
        await self._saved.wait()

    def action_back(self) -> None:
        self.dismiss(None)

    def action_next(self) -> None:
        """What Enter does; nothing unless a page says otherwise."""

    def on_click(self, event: events.Click) -> None:
        # A tap beside everything must not take the focus from where the next key is expected.
        event.stop()


Show = Callable[[Page[Any]], Awaitable[Any]]
"""Puts a page up and returns what it was dismissed with."""
Story = Callable[[Show], Awaitable[None]]
"""Which page follows which, told to its end."""
