"""A labelled field that says at once what is wrong, and keeps what was typed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Literal

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Input, Static

from kiosk.errors import InvalidInput
from kiosk.widgets.grounds import Beside

Asks = Literal["text", "digits", "id_number"]
"""What a field asks for: digits, the number of an ID card (17 digits, then a digit or an X), or anything."""

_EDITING: Final[Mapping[str, str]] = {
    "left": "cursor_left",
    "right": "cursor_right",
    "home": "home",
    "ctrl+a": "home",
    "end": "end",
    "ctrl+e": "end",
    "backspace": "delete_left",
    "delete": "delete_right",
    "ctrl+d": "delete_right",
    "ctrl+w": "delete_left_word",
    "ctrl+u": "delete_left_all",
    "ctrl+k": "delete_right_all",
}


class Entry(Input, inherit_bindings=False, inherit_css=False):
    """An Input for a screen that everybody uses: it takes its keys in the order typed, and keeps nothing.

    Textual sends Enter, Backspace and the arrows round by the bindings, where fast letters overtake them (#6605); two
    scans in a row would merge. Here no editing key is a binding. With the bindings go copy, cut and paste: Textual's
    clipboard would outlive the person, and its copies go to the terminal's too. Without a selection there is nothing
    to copy, neither by keys nor by dragging. There is no undo. What a terminal pastes comes as one text.

    How it looks is said in `kiosk.tcss` alone: an Input's own looks are sixty lines, to be read before the first paint.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = Input.COMPONENT_CLASSES  # they go with the looks

    class BurstBegan(Message):
        """The next key may be a scanner's."""

    class TakenBack(Message):
        """The keys since the burst began were a scanner's."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0))
    """How far the text reaches. Textual lays the whole page out when it changes, which is at each key; here the page
    gives a line its size whatever it holds, and what it holds is painted anew."""

    _before: tuple[str, int] = ("", 0)

    def on_entry_burst_began(self, event: BurstBegan) -> None:
        event.stop()
        self._before = (self.value, self.cursor_position)

    def on_entry_taken_back(self, event: TakenBack) -> None:
        event.stop()
        self.value, self.cursor_position = self._before
        self._before = ("", 0)

    def __init__(self, value: str = "", *, asks: Asks = "text", **options: Any) -> None:
        """Makes the line.

        Args:
            value: what it holds at first.
            asks: what for; whatever asks for digits takes them in their full-width forms too.
            options: as `Input` has them.
        """
        super().__init__(value, select_on_focus=False, **options)
        self.asks = asks

    def on_mount(self) -> None:
        self.cursor_blink = False  # a cursor that stands still is calmer, and easier to find

    def focus(self, scroll_visible: bool = True) -> Entry:
        """Puts the cursor here at once: Textual does so later, and keys that come right behind would be lost."""
        if self.is_attached:
            self.screen.set_focus(self, scroll_visible)
        return self

    def on_unmount(self) -> None:
        self._before = ("", 0)
        self.set_reactive(Input.value, "")  # a page that was left may live on for a moment, what was typed does not
        # Input has subscribed with a function that holds it: it would stay in memory for as long as its page.
        self.screen.text_selection_started_signal.unsubscribe(self)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            await self.action_submit()
        elif event.key in _EDITING:
            getattr(self, f"action_{_EDITING[event.key]}")()
        else:
            return  # a letter: Input's own handler comes next
        event.stop()
        event.prevent_default()

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = "".join(char for char in event.text if char.isprintable())
        room = self.max_length - len(self.value) if self.max_length else len(text)
        if text[:room]:
            self.insert_text_at_cursor(text[:room])

    def insert_text_at_cursor(self, text: str) -> None:
        # An input method that was left on types digits in full width.
        super().insert_text_at_cursor(text if self.asks == "text" else unicodedata.normalize("NFKC", text))

    async def _on_mouse_down(self, event: events.MouseDown) -> None:
        event.prevent_default()  # dragging selects nothing
        place = event.get_content_offset_capture(self)
        # A tap on a letter puts the cursor there; one anywhere else in the box wants to go on typing.
        on_a_letter = place.y == 0 and place.x >= 0
        self.cursor_position = self._cell_offset_to_index(place.x) if on_a_letter else len(self.value)

    @property
    def _value(self) -> Text:
        # Textual hides a password behind bullets, which Chinese terminals draw twice as wide.
        return Text("*" * len(self.value), no_wrap=True, end="") if self.password else super()._value


class Field(Widget):
    """One line to type in, with its label before it and below it what is wrong, or a hint."""

    BLANK = True

    class Edited(Message):
        """The text has changed."""

        def __init__(self, field: Field, value: str) -> None:
            super().__init__()
            self.field, self.value = field, value

    class Entered(Message):
        """Enter was pressed, and nothing is wrong with the text."""

        def __init__(self, field: Field) -> None:
            super().__init__()
            self.field = field

    def __init__(
        self,
        name: str,
        label: str,
        value: str,
        check: Callable[[str], object],
        *,
        hint: str = "",
        password: bool = False,
        length: int = 100,
        asks: Asks = "text",
    ) -> None:
        """Shows a field.

        Args:
            name: what it is called in messages, and its id.
            label: stands before it.
            value: what was typed already.
            check: raises `InvalidInput` if the text is wrong.
            hint: stands below it while nothing is wrong.
            password: whether the text is hidden.
            length: the most characters.
            asks: what for; the number pad shows itself for digits.
        """
        super().__init__(name=name, id=name, classes="field")
        self.label, self.check, self.hint = label, check, hint
        self._entry = Entry(value, password=password, max_length=length, id=f"{name}-entry", asks=asks)
        self._judged = bool(value)

    def compose(self) -> ComposeResult:
        with Beside(classes="field-line"):
            yield Static(self.label, markup=False, classes="field-label")
            yield self._entry
        yield Static(self.hint, markup=False, classes="field-note")

    def on_mount(self) -> None:
        if self._judged:
            self.problem()

    @property
    def value(self) -> str:
        """What was typed."""
        return self._entry.value

    @value.setter
    def value(self, text: str) -> None:
        self._entry.value = text

    @property
    def asks(self) -> Asks:
        """What it asks for."""
        return self._entry.asks

    @asks.setter
    def asks(self, asks: Asks) -> None:
        self._entry.asks = asks

    def on_click(self) -> None:
        # The label and the line below belong to what a finger hits.
        self.focus()

    def focus(self, scroll_visible: bool = True) -> Field:
        """Puts the cursor into the field."""
        self._entry.focus(scroll_visible)
        return self

    def problem(self) -> InvalidInput | None:
        """Judges the text now, shows what is wrong with it, and returns it."""
        self._judged = True
        found: InvalidInput | None = None
        try:
            self.check(self.value)
        except InvalidInput as error:
            found = error
        self.set_class(found is not None, "-wrong")
        for note in self.query(".field-note").results(Static):  # none while the page is being built or taken away
            note.update(str(found) if found else self.hint)
        return found

    @on(Input.Changed)
    def _pass_change_on(self, event: Input.Changed) -> None:
        event.stop()
        # Nobody is told off in the middle of the first try; from then on the word is there at every key.
        if self._judged:
            self.problem()
        self.post_message(self.Edited(self, event.value))

    @on(Input.Blurred)
    def _judge_when_left(self, event: Input.Blurred) -> None:
        event.stop()
        if event.value:
            self.problem()

    @on(Input.Submitted)
    def _enter(self, event: Input.Submitted) -> None:
        event.stop()
        if self.problem() is None:
            self.post_message(self.Entered(self))
