"""A number pad for fingers, beside the fields that ask for digits.

It types into the field that has the cursor, by the same events as a keyboard, and never takes the cursor itself. It
knows no field: whichever has the cursor and asks for digits calls it up.
"""

from __future__ import annotations

from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Static

from kiosk.i18n import N_, _
from kiosk.widgets.fields import Entry
from kiosk.widgets.grounds import Stack

_KEYS: Final = (*"123456789", "x", "0", "backspace", "enter")
_WORDS: Final = {"backspace": N_("Delete"), "enter": N_("Next")}
_ROOMY: Final = 26
"""From how many lines on the pad and the fields are larger."""


class PadKey(Static):
    """One key of the pad; it shows that a finger is on it."""

    def __init__(self, key: str) -> None:
        super().__init__(_(_WORDS[key]) if key in _WORDS else key.upper(), markup=False, id=f"pad-{key}")
        self.key = key

    def typed(self) -> events.Key:
        """The event that a keyboard would send."""
        if self.key in _WORDS:
            return events.Key(self.key, None)
        return events.Key(self.key.upper(), self.key.upper())


class NumberPad(Widget):
    """The pad. Its place stays reserved while it is not wanted, so that nothing on the page moves."""

    def __init__(self) -> None:
        super().__init__(id="number-pad")
        self._entry: Entry | None = None

    def compose(self) -> ComposeResult:
        for key in _KEYS:
            yield PadKey(key)

    def on_mount(self) -> None:
        self.watch(self.screen, "focused", self._follow)

    def _follow(self, focused: Widget | None) -> None:
        self._entry = focused if isinstance(focused, Entry) and focused.asks != "text" else None
        self.visible = self._entry is not None
        self.query_one("#pad-x", PadKey).visible = self._entry is not None and self._entry.asks == "id_number"

    def _nearest(self, x: int, y: int) -> PadKey:
        # The gaps between the keys belong to the keys: cold fingers do not aim.
        def distance(key: PadKey) -> int:
            place = key.region
            return max(place.x - x, 0, x - place.right + 1) + 2 * max(place.y - y, 0, y - place.bottom + 1)

        return min((key for key in self.query(PadKey) if key.visible), key=distance)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        # At the touch, not when it is let go: a finger that slides a little is no mistake.
        event.stop()
        if self._entry is not None:
            key = self._nearest(*event.screen_offset)
            key.add_class("-pressed")
            self._entry.post_message(key.typed())

    def on_mouse_up(self) -> None:
        self._release()

    def on_leave(self) -> None:
        self._release()

    def _release(self) -> None:
        self.query(PadKey).remove_class("-pressed")


class PadForm(Stack):
    """A form with the number pad to its right; on larger screens both are larger."""

    def compose(self) -> ComposeResult:
        yield NumberPad()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height >= _ROOMY, "-roomy")
