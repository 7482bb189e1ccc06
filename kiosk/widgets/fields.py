"""A labelled field that says at once what is wrong, and keeps what was typed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from kiosk.errors import InvalidInput


class Entry(Input):
    """An Input that takes Enter in the order in which it was typed.

    Textual sends Enter round by the bindings, where fast letters overtake it; two scans in a row would merge.
    """

    @dataclass
    class BurstBegan(Message):
        """The next key may be a scanner's."""

    @dataclass
    class TakenBack(Message):
        """The keys since the burst began were a scanner's."""

    _before: tuple[str, int] = ("", 0)

    def on_entry_burst_began(self, event: BurstBegan) -> None:
        event.stop()
        self._before = (self.value, self.cursor_position)

    def on_entry_taken_back(self, event: TakenBack) -> None:
        event.stop()
        self.value, self.cursor_position = self._before
        self._before = ("", 0)

    def on_mount(self) -> None:
        self.cursor_blink = False  # a cursor that stands still is calmer, and easier to find

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            await self.action_submit()
        else:
            await super()._on_key(event)

    @property
    def _value(self) -> Text:
        # Textual hides a password behind bullets, which Chinese terminals draw twice as wide.
        return Text("*" * len(self.value), no_wrap=True, end="") if self.password else super()._value


class Field(Widget):
    """One line to type in, with its label before it and below it what is wrong, or a hint."""

    @dataclass
    class Edited(Message):
        """The text has changed."""

        field: Field
        value: str

    @dataclass
    class Entered(Message):
        """Enter was pressed, and nothing is wrong with the text."""

        field: Field

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
        """
        super().__init__(name=name, id=name, classes="field")
        self.label, self.check, self.hint = label, check, hint
        self._entry = Entry(
            value, password=password, max_length=length, compact=True, select_on_focus=False, id=f"{name}-entry"
        )
        self._judged = bool(value)

    def compose(self) -> ComposeResult:
        with Horizontal(classes="field-line"):
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
