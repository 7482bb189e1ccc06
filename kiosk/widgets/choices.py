"""Questions with numbered answers within a form: by digit, by arrow keys, by a tap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from kiosk.widgets.grounds import Beside


class Chip(Static):
    """One answer; it says when it was tapped."""

    class Tapped(Message):
        """The answer was tapped."""

        def __init__(self, value: str) -> None:
            super().__init__()
            self.value = value

    def __init__(self, value: str, label: str, *, chosen: bool) -> None:
        super().__init__(f" {label} ", markup=False, classes="-chosen" if chosen else "")
        self.value = value

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Tapped(self.value))


class Question(Widget, can_focus=True):
    """A question and its answers, of which one is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
    ]

    class Answered(Message):
        """An answer was chosen."""

        def __init__(self, question: Question, value: str) -> None:
            super().__init__()
            self.question, self.value = question, value

        @property
        def control(self) -> Question:
            """The question."""
            return self.question

    def __init__(self, name: str, text: str, options: Sequence[tuple[str, str]], answer: str | None) -> None:
        """Shows a question.

        Args:
            name: what it is called in messages; its id is `q-` and the name's place is the caller's choice.
            text: the question.
            options: value and label of each answer, at most 9.
            answer: the value that is chosen already.
        """
        super().__init__(name=name, classes="question")
        self.text, self.options, self.answer = text, options, answer

    def compose(self) -> ComposeResult:
        yield Static(self.text, markup=False, classes="question-text")
        with Beside(classes="chips"):
            for number, (value, label) in enumerate(self.options, start=1):
                yield Chip(value, f"{number} {label}", chosen=value == self.answer)

    def choose(self, value: str) -> None:
        """Chooses an answer and says so."""
        self.answer = value
        for chip in self.query(Chip):
            chip.set_class(chip.value == value, "-chosen")
        self.remove_class("-missing")
        self.post_message(self.Answered(self, value))

    def on_key(self, event: events.Key) -> None:
        if event.key.isdecimal() and 1 <= int(event.key) <= len(self.options):
            event.stop()
            self.choose(self.options[int(event.key) - 1][0])

    def action_step(self, by: int) -> None:
        values = [value for value, _label in self.options]
        place = values.index(self.answer) + by if self.answer in values else 0
        if 0 <= place < len(values):
            self.choose(values[place])

    @on(Chip.Tapped)
    def _choose_tapped(self, event: Chip.Tapped) -> None:
        event.stop()
        self.focus()
        self.choose(event.value)
