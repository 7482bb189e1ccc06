"""Bare Textual apps beside which the kiosk is measured: each does one thing and nothing else.

`python -m benchmarks.bare still | input | append FILE | table PEOPLE`. This module is imported by the process that is
measured, and imports nothing besides Textual.
"""

from __future__ import annotations

import os
import sys

from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widgets import DataTable, Input, Static

STILL = "a bare app"
DONE = "written"
TABLE = "the last column"


class Still(App[None]):
    """One Static."""

    def compose(self) -> ComposeResult:
        yield Static(STILL)


class Typing(App[None]):
    """One Input."""

    def compose(self) -> ComposeResult:
        yield Input(compact=True)
        yield Static(STILL)

    def on_mount(self) -> None:
        self.query_one(Input).cursor_blink = False


class Appending(App[None]):
    """One Input; at Enter a line is appended to a file, made durable, and told."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._told = 0

    def compose(self) -> ComposeResult:
        yield Input(compact=True)
        yield Static(STILL)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        os.write(self._file, event.value.encode() + b"." * 300 + b"\n")
        os.fdatasync(self._file)
        event.input.value = ""
        self._told += 1
        self.query_one(Static).update(f"{DONE}{self._told}.")


class Listed(Screen[None]):
    """All people in a DataTable, and a search that fills it anew at each key."""

    BINDINGS = [("escape", "app.pop_screen", "")]

    def __init__(self, people: list[tuple[str, ...]]) -> None:
        super().__init__()
        self._people = people

    def compose(self) -> ComposeResult:
        yield Input(compact=True)
        yield Static("", id="found")
        yield DataTable[str]()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns(*[f"column {place}" for place in range(7)], TABLE)
        self._fill("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def _fill(self, wanted: str) -> None:
        table = self.query_one(DataTable)
        table.clear()
        shown = [person for person in self._people if any(wanted in cell for cell in person)]
        table.add_rows(shown)
        self.query_one("#found", Static).update(f"found {len(shown)} for <{wanted}>")


class Table(App[None]):
    """A list of people in memory; Enter shows it."""

    BINDINGS = [("enter", "people", "")]

    def __init__(self, count: int) -> None:
        super().__init__()
        states = ("on duty", "checked in", "checked out")
        self._people = [
            (f"王{n}", f"{n:05d}-{n:05d}", f"{n % 10000:04d}", states[n % 3], "order", "08:00", "11:00", "180")
            for n in range(count)
        ]

    def compose(self) -> ComposeResult:
        yield Static(STILL)

    def action_people(self) -> None:
        self.push_screen(Listed(self._people))


def main(arguments: list[str]) -> None:
    """Runs one of them."""
    app: App[None]
    match arguments:
        case ["still"]:
            app = Still()
        case ["input"]:
            app = Typing()
        case ["append", file]:
            app = Appending(file)
        case ["table", people]:
            app = Table(int(people))
        case _:
            raise SystemExit(__doc__)
    app.run()


if __name__ == "__main__":
    main(sys.argv[1:])
