"""Tells the bursts of a barcode scanner from the keys of a person, before any widget sees either.

A scanner is a keyboard: it types a badge's code at up to 50 ms a character and ends with Enter. Left to itself the code
would land in the field that has the focus, its digits would answer questions, and its Enter would press a button. So
each key goes through `Scanner.key`, which passes it on, holds it back for a moment, or swallows it as part of a scan.

Pure: keys and times in, keys and scans out. It must not know of Textual, of badges' meaning, or of any screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

PREFIX: Final = "~"
"""A scanner that is set to begin with this is known for certain at the first character."""
GAP: Final = 0.08
"""Seconds of silence that make a held digit a person's: scanners leave at most 0.05 between two characters."""
UNSURE: Final = 0.4
"""The same after a letter: where nothing is typed no person presses one, and a busy machine may deliver late."""
CERTAIN: Final = 1.0
"""Seconds of silence that end what is known to be a scan, for scanners that send no Enter."""
SHORTEST: Final = 6
"""Characters of the shortest scan where nothing is typed. Fewer are a person's fast keys."""
TYPED: Final = 24
"""Characters of the shortest scan where text is typed: an ID number has 18, and a reader of cards may type it."""
_ENTER: Final = ("enter", "ctrl+j")


class Pressed(Struct, frozen=True):
    """A key as the terminal told it.

    Attributes:
        key: its name, such as `enter`.
        character: what it types, or None.
        time: seconds on a monotonic clock, when it arrived.
        behind: how many characters came right before it, as fast as a scanner's may.
        event: whatever the caller wants back with it.
    """

    key: str
    character: str | None
    time: float
    event: Any = None
    behind: int = 0

    @property
    def typed(self) -> str:
        """The character, if a scanner could have sent it within a code."""
        char = self.character or ""
        return char if len(char) == 1 and "!" <= char <= "~" else ""


class Scanned(Struct, frozen=True):
    """A whole scan, in upper case, without prefix and Enter."""

    text: str


class BurstBegan(Struct, frozen=True):
    """The next key may be the first of a scan: what is typed so far is what `TakenBack` goes back to."""


class TakenBack(Struct, frozen=True):
    """The keys since the last `BurstBegan` were a scanner's: the text is to be as it was then."""


Told = Pressed | Scanned | BurstBegan | TakenBack


class Scanner:
    """What stands between the keyboard and the screens: what is held back, and what is being scanned."""

    def __init__(self) -> None:
        self._text = ""  # of the burst that is going on
        self._held: list[Pressed] = []
        self._scanning = False
        self._passed_on = False
        self._last = float("-inf")
        self._ended = float("-inf")

    def _patience(self) -> float:
        """Seconds of silence that end the burst."""
        if self._scanning:
            return CERTAIN
        return GAP if self._text.isdigit() or self._text == PREFIX else UNSURE

    @property
    def deadline(self) -> float | None:
        """When `expire` has to be called, unless a key comes before; None when nothing is held back."""
        return self._last + self._patience() if self._held or self._scanning else None

    def expire(self, now: float) -> Sequence[Told]:
        """Says what the silence until `now` means: a scan without Enter is over, a key that was held is a person's.

        Args:
            now: seconds on the same clock as the keys'.
        """
        return self._end_burst() if self._text and now - self._last > self._patience() else []

    def excuse(self, now: float) -> None:
        """What comes next has been kept waiting until now, so that the silence before it means nothing."""
        self._last = max(self._last, now)

    def key(self, pressed: Pressed, *, typing: bool) -> Sequence[Told]:
        """Takes the next key.

        Args:
            pressed: the key.
            typing: whether text is typed where the focus is. There, keys are passed on at once and taken back when they
                turn out to be a scanner's; elsewhere each is held until it is known whose it is, since it may press
                something.

        Returns:
            What the caller has to do, in order.
        """
        told = [*self.expire(pressed.time)]
        self._last = pressed.time
        if pressed.key == "ctrl+j" and pressed.time - self._ended <= GAP:
            return told  # the second half of CR and LF
        if pressed.typed:
            return [*told, *self._collect(pressed, typing)]
        scanned, behind = self._scanning, len(self._text)
        told += self._end_burst()
        if scanned and pressed.key in _ENTER:
            self._ended = pressed.time
            return told
        return [*told, replace(pressed, behind=behind)]

    def _collect(self, pressed: Pressed, typing: bool) -> Sequence[Told]:
        told: list[Told] = []
        if pressed.typed == PREFIX and not self._scanning:
            told += self._end_burst()
        elif typing and not self._text:
            told.append(BurstBegan())
        self._text += pressed.typed
        if self._scanning:
            return told
        self._held.append(pressed)
        if self._text == PREFIX:
            return told
        if self._text.startswith(PREFIX) or len(self._text) >= (TYPED if typing else SHORTEST):
            self._scanning = True
            self._held.clear()
            return [*told, TakenBack()] if self._passed_on else told
        if typing:
            told += self._held
            self._held.clear()
            self._passed_on = True
        return told

    def _end_burst(self) -> Sequence[Told]:
        text, held, scanned = self._text.removeprefix(PREFIX).upper(), self._held, self._scanning
        self._text, self._held, self._scanning, self._passed_on = "", [], False, False
        if not scanned:
            return held
        # A key that is held down repeats as fast as a scanner types; it is nobody's badge.
        return [Scanned(text)] if len(set(text)) > 1 else []
