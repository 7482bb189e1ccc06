"""The page that asks one thing with large targets, and the one that asks several one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final, Generic, TypeVar

from rich.cells import cell_len
from textual import events, on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from kiosk.i18n import N_, _
from kiosk.station import Station
from kiosk.widgets.grounds import Scroll
from kiosk.widgets.page import Key, Page
from kiosk.widgets.tiles import Choice, Tiles

R = TypeVar("R")
CHATTER: Final = 0.06
"""Seconds in which the same key is the same press: worn and cold keyboards send it twice, and the next question may be
up already."""


def columns_for(labels: Sequence[str]) -> int:
    """How many tiles stand side by side: as on a number pad, or one below the other where their texts are long."""
    if any(cell_len(label) > 30 for label in labels):
        return 1
    if any(cell_len(label) > 18 for label in labels) or len(labels) in (2, 4):
        return 2
    return min(len(labels), 3) or 1


class ChoicePage(Page[R], Generic[R]):
    """One question and its answers as tiles: a digit or a tap takes one at once; arrow keys and Enter do as well.

    The keys are the page's own, whatever has the focus, so that digits that follow each other fast meet the question
    that they are meant for.
    """

    keys: ClassVar[tuple[Key, ...]] = (Key("Esc", N_("Back"), "back"),)
    columns: ClassVar[int] = 0
    """Tiles side by side; 0 for as many as their texts allow."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1, 0)", show=False),
        Binding("right", "move(1, 0)", show=False),
        Binding("up", "move(0, -1)", show=False),
        Binding("down", "move(0, 1)", show=False),
    ]

    def __init__(self, station: Station, *, step: int | None = None) -> None:
        super().__init__(station, step=step)
        self.cursor: str | None = None
        """The value of the tile that stands out, and that Enter takes."""
        self._pressed = ("", 0.0)

    def head(self) -> Iterable[Widget]:
        """What is asked."""
        raise NotImplementedError

    def choices(self) -> Sequence[Choice]:
        """The answers."""
        raise NotImplementedError

    async def take(self, value: str) -> None:
        """Does what the tile says."""
        raise NotImplementedError

    def content(self) -> Iterable[Widget]:
        choices = self.choices()
        with Scroll(id="asked", can_focus=False):
            yield from self.head()
            yield Tiles(choices, columns=self._columns(choices), id="tiles")

    def _columns(self, choices: Sequence[Choice]) -> int:
        return self.columns or columns_for([choice.label for choice in choices])

    def ready(self) -> None:
        self._mark()

    def _mark(self) -> None:
        for tiles in self.query(Tiles):
            tiles.choose(self.cursor)

    async def _take(self, value: str) -> None:
        # A key that was still on its way when the page was left is nobody's answer.
        if self.is_current and not self.busy:
            # What Enter tries again if it cannot be saved.
            self.cursor = value
            self._mark()
            await self.take(value)

    async def on_key(self, event: events.Key) -> None:
        last, self._pressed = self._pressed, (event.key, event.time)
        if last[0] == event.key and event.time - last[1] < CHATTER:
            event.stop()
            return
        for choice in self.choices():
            if choice.key and choice.key == event.key:
                event.stop()
                await self._take(choice.value)
                return

    @on(Tiles.Tapped)
    async def _take_tapped(self, event: Tiles.Tapped) -> None:
        event.stop()
        await self._take(event.value)

    def action_move(self, right: int, down: int) -> None:
        there = self.query_one(Tiles).next_to(self.cursor, right, down)
        if there is not None:
            self.cursor = there
            self._mark()

    async def action_next(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        if self.cursor is None:
            self.say(_("Please choose: press a digit, or tap."), wrong=False)
        else:
            await self._take(self.cursor)


class SeriesPage(ChoicePage[R], Generic[R]):
    """Questions in a row, one at a time: an answer brings the next, Esc the one before, and from the first one back."""

    def __init__(self, station: Station, *, total: int, first: int = 0, step: int | None = None) -> None:
        """Makes the page; once `answered` can be asked, `point` has to be called.

        Args:
            station: the station.
            total: how many questions there are; with none there is nothing to choose.
            first: the place, from 0, of the question that it begins with.
            step: which step of a first visit this is, from 1.
        """
        super().__init__(station, step=step)
        self.total = total
        self.at = first

    def answered(self) -> str | None:
        """The value that was chosen before for the question at `at`."""
        raise NotImplementedError

    async def finish(self) -> None:
        """Called with the last answer."""
        raise NotImplementedError

    def point(self) -> None:
        """Lets the tile stand out that was chosen before."""
        self.cursor = self.answered()

    async def _ask(self, place: int) -> None:
        self.at = place
        self.point()
        await self.turn()

    async def advance(self) -> None:
        """Asks the next question, or finishes."""
        if self.at + 1 < self.total:
            await self._ask(self.at + 1)
        else:
            await self.finish()

    async def action_back(self) -> None:  # type: ignore[override] # Textual awaits actions of either kind
        if self.at == 0:
            self.dismiss(None)
        else:
            await self._ask(self.at - 1)
