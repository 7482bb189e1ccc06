"""Programs in a terminal of their own, and when what they paint is there; seen as bytes, which costs little."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from tests.terminal import PATIENCE, NotShown, Terminal, terminal

QUIET: Final = 0.1
"""Seconds without a byte after which a screen is taken to be painted."""


def watched(command: Sequence[str], **env: str) -> Terminal:
    """Starts a program; `close` ends it."""
    return Terminal(command, blind=True, env=env)


def first_frame(command: Sequence[str], mark: str, **env: str) -> float:
    """Milliseconds from the start of a process until the last line of its first frame, which has `mark`, is there."""
    wanted = mark.encode()
    began = time.monotonic()
    with terminal(command, blind=True, env=env) as screen:
        screen.until(lambda: wanted in screen.raw, f"no {mark}")
        return (time.monotonic() - began) * 1000


def shows(screen: Terminal, sent: str, *marks: str) -> float:
    """Milliseconds from when something is typed until all the marks were painted anew; with nothing typed, at all.

    Raises:
        NotShown: if they are not in time.
    """
    seen = bytearray()
    wanted = [mark.encode() for mark in marks]
    screen.pump()
    if sent:
        del screen.raw[:]
    began = time.monotonic()
    screen.send(sent)
    while True:
        seen += screen.raw
        del screen.raw[:]
        if all(mark in seen for mark in wanted):
            return (time.monotonic() - began) * 1000
        if time.monotonic() - began > PATIENCE or not screen.alive:
            raise NotShown(f"{sent!r} did not bring {marks}, but {bytes(seen[-2000:])!r}")
        screen.pump(0.05)


def which(screen: Terminal, sent: str, *marks: str, quiet: float = QUIET) -> set[str]:
    """Which of the marks are painted, once something was typed and the screen has been quiet for so long."""
    del screen.raw[:]
    screen.send(sent)
    while screen.pump(PATIENCE if not screen.raw else quiet):
        pass
    return {mark for mark in marks if mark.encode() in screen.raw}


def painted(screen: Terminal, sent: str, *marks: str, quiet: float = QUIET) -> float:
    """Milliseconds from when something is typed until the marks and all that comes with them are painted."""
    began = time.monotonic()
    last = began + shows(screen, sent, *marks) / 1000
    while screen.pump(quiet):
        last = time.monotonic()
    return (last - began) * 1000


def rest(screen: Terminal, seconds: float) -> None:
    """Lets somebody look at the screen for so long."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        screen.pump(left)
