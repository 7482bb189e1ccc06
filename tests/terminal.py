"""The kiosk in a terminal of its own, seen from outside: a pty, what it paints read as a person would, how it ends.

Nothing here waits for time to pass. `wait_for` and its kin read until something is so, or fail with what was on the
screen. It knows nothing of the kiosk's screens and imports nothing of it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyte

from tests.plain import ROOT

PATIENCE: Final = 20.0
"""Seconds until what should be on the screen is missing for good; two cores may be shared by several runs."""
MODES: Final[Mapping[str, str]] = {
    "1049": "alternate screen",
    "1000": "mouse buttons",
    "1002": "mouse drags",
    "1003": "mouse moves",
    "1006": "mouse in SGR form",
    "1015": "mouse in urxvt form",
    "1016": "mouse in pixels",
    "2004": "bracketed paste",
    "2048": "resizes in the input",
    "1004": "focus reports",
}
"""What must be off when the kiosk has ended, by the number of DECSET."""
_MODE = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_KITTY = re.compile(rb"\x1b\[([<>])\d*u")
# What pyte would print as letters: private markers but `?`, queries of modes.
_FOREIGN = re.compile(rb"\x1b\[[<>=][\d;]*[a-zA-Z]|\x1b\[\?[\d;]*\$[a-z]")
_ALTERNATE = re.compile(rb"\x1b\[\?1049h.*?(?:\x1b\[\?1049l|\Z)", re.DOTALL)
_UNFINISHED = re.compile(rb"\x1b(\[[<>=?]?[\d;$]*)?\Z")


class NotShown(AssertionError):
    """What should have happened on the screen has not."""


class _Screen(pyte.Screen):
    """pyte's screen without what it gets wrong: SGR with colons or private marks is no colour."""

    def select_graphic_rendition(self, *attributes: int, **kwargs: Any) -> None:
        if not kwargs.get("private"):
            super().select_graphic_rendition(*attributes)

    def report_device_attributes(self, *args: Any, **kwargs: Any) -> None:
        """Answers nothing: whatever the terminal says is the test's to say."""

    report_device_status = report_device_attributes


class _Past(_Screen, pyte.HistoryScreen):
    """The same with its scrollback."""


def _take_terminal() -> None:
    """Makes the pty the process's controlling terminal: Ctrl+C and hang-ups reach it as in life."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A process in a pty of its own, and the person before it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str] | None = None,
        blind: bool = False,
    ) -> None:
        """Starts the process.

        Args:
            command: program and arguments.
            size: columns and lines.
            env: what the environment has besides this process's own; all variables of Textual are taken out.
            blind: whether the screen is not read, only its modes, so that hours of it cost little; `raw` then has only
                the last of what was painted.
        """
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        self._ready = select.poll()  # not select: a test run may have more than a thousand files open
        self._ready.register(self._master, select.POLLIN)
        self.cooked = termios.tcgetattr(self._slave)
        self._screen = _Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._held = b""
        self._blind = blind
        self.raw = bytearray()
        self.modes: dict[str, bool] = {}
        self.keyboard_depth = 0
        self.painted = 0
        self._set_size(size)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TEXTUAL", "COLUMNS"))}
        inherited.pop("LINES", None)
        surroundings = {**inherited, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        self.process = subprocess.Popen(
            list(command),
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            cwd=ROOT,
            env={**surroundings, **(env or {})},
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - the tests that start terminals have no threads
        )

    # --- seeing -----------------------------------------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """The screen's lines, as they stand."""
        columns = range(self._screen.columns)
        rows = (self._screen.buffer[line] for line in range(self._screen.lines))
        return ["".join(row[column].data for column in columns).rstrip() for row in rows]

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        return self._screen.columns, self._screen.lines

    def pump(self, seconds: float = 0.0) -> bool:
        """Reads what the process has painted, waiting at most so long for the first of it; whether there was any."""
        deadline = time.monotonic() + seconds
        seen = False
        while True:
            left = 0.0 if seen else max(0.0, deadline - time.monotonic())
            if not self._ready.poll(left * 1000):
                return seen
            try:
                data = os.read(self._master, 1 << 16)
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno == errno.EIO:
                    return seen
                raise
            if not data:
                return seen
            seen = True
            self._take(data)

    def _take(self, data: bytes) -> None:
        self.painted += len(data)
        self.raw += data
        if self._blind and len(self.raw) > 200_000:
            del self.raw[:100_000]
        data = self._held + data
        cut = _UNFINISHED.search(data)
        self._held = data[cut.start() :] if cut else b""
        data = data[: cut.start()] if cut else data
        for numbers, on in _MODE.findall(data):
            for number in numbers.split(b";"):
                self.modes[number.decode()] = on == b"h"
        for mark in _KITTY.findall(data):
            self.keyboard_depth += 1 if mark == b">" else -1
        if not self._blind:
            self._stream.feed(_FOREIGN.sub(b"", data))

    def until(self, what: Callable[[], object], said: str, timeout: float = PATIENCE) -> None:
        """Reads until something is so.

        Raises:
            NotShown: if it is not in time, with `said` and the screen.
        """
        deadline = time.monotonic() + timeout
        self.pump()
        while not what():
            left = deadline - time.monotonic()
            gone = self.process.poll() is not None
            if not self.pump(min(0.05, max(left, 0.0))) and (left <= 0 or gone):
                end = f"it ended with {self.process.returncode}" if gone else f"within {timeout:g} s"
                if what():
                    return
                raise NotShown(f"{said} ({end}); the screen:\n{self.text}")

    def wait_for(self, *texts: str, timeout: float = PATIENCE) -> None:
        """Reads until all the texts are on the screen."""
        self.until(lambda: all(text in self.text for text in texts), f"no {' + '.join(texts)}", timeout)

    def wait_gone(self, text: str, timeout: float = PATIENCE) -> None:
        """Reads until a text is not on the screen any more."""
        self.until(lambda: text not in self.text, f"{text} is still there", timeout)

    def settle(self, quiet: float = 0.12, timeout: float = PATIENCE) -> None:
        """Reads until all that was sent was taken in and nothing was painted for `quiet` seconds."""
        deadline = time.monotonic() + timeout
        while self.unread() or self.pump(quiet):
            if time.monotonic() > deadline or self.process.poll() is not None:
                break
            self.pump()

    @property
    def on_main(self) -> bytes:
        """What went to the main screen: all but what was painted on the alternate one, which has no scrollback."""
        return _ALTERNATE.sub(b"", bytes(self.raw))

    @property
    def main(self) -> str:
        """The main screen with all of its scrollback, as whoever uses the terminal next may read it."""
        screen = _Past(*self.size, history=100_000)
        pyte.ByteStream(screen).feed(_FOREIGN.sub(b"", self.on_main))
        rows = [*screen.history.top, *(screen.buffer[line] for line in range(screen.lines))]
        return "\n".join("".join(row[column].data for column in range(screen.columns)).rstrip() for row in rows)

    @property
    def echoes(self) -> bool:
        """Whether the terminal shows by itself what is typed."""
        return bool(termios.tcgetattr(self._slave)[3] & termios.ECHO)

    # --- doing ------------------------------------------------------------------------------------------------------

    def send(self, what: str | bytes, gap: float = 0.0, timeout: float = PATIENCE) -> None:
        """Types.

        Args:
            what: the characters or bytes.
            gap: seconds between two of them; 0 sends all at once, as far as the terminal takes them.
            timeout: seconds until a process that reads nothing counts as hanging.

        Raises:
            NotShown: if nobody reads what is typed.
        """
        data = what.encode() if isinstance(what, str) else what
        parts = [data[place : place + 1] for place in range(len(data))] if gap else [data]
        # The gap is kept against the clock, so that it does not grow by what reading and writing cost.
        due = time.monotonic()
        for part in parts:
            while (left := due - time.monotonic()) > 0:
                self.pump(left)
            self._write(part, timeout)
            due += gap
        self.pump()

    def _write(self, data: bytes, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while data:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                self.pump(0.01)
                if time.monotonic() > deadline and self.process.poll() is None:
                    raise NotShown(f"nobody reads what is typed; the screen:\n{self.text}") from None
            if self.process.poll() is not None:
                return

    def paste(self, text: str) -> None:
        """Pastes, as a terminal does in bracketed paste mode."""
        self.send(f"\x1b[200~{text}\x1b[201~")

    def click(self, column: int, line: int, *, to: tuple[int, int] | None = None) -> None:
        """Presses the left button at a cell (from 0) and releases it there, or after a drag at `to`."""
        last = to or (column, line)
        self.send(f"\x1b[<0;{column + 1};{line + 1}M")
        if to:
            self.send(f"\x1b[<32;{to[0] + 1};{to[1] + 1}M")
        self.send(f"\x1b[<0;{last[0] + 1};{last[1] + 1}m")

    def unread(self) -> int:
        """How many bytes were typed that the process has not read yet."""
        waiting = fcntl.ioctl(self._slave, termios.FIONREAD, struct.pack("i", 0))
        return int(struct.unpack("i", waiting)[0])

    def resize(self, columns: int, lines: int) -> None:
        """Makes the terminal another size, which its kernel tells the process."""
        self._screen.resize(lines, columns)
        self._set_size((columns, lines))

    def _set_size(self, size: tuple[int, int]) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def signal(self, number: int) -> None:
        """Sends a signal to the process."""
        if self.process.poll() is None:
            os.kill(self.process.pid, number)

    # --- the end ----------------------------------------------------------------------------------------------------

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self.process.poll() is None

    def wait_end(self, timeout: float = PATIENCE) -> int:
        """Reads until the process has ended, and returns its exit code."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise NotShown(f"it did not end within {timeout:g} s; the screen:\n{self.text}")
            self.pump(0.02)
        self.pump()
        return self.process.returncode

    def left_behind(self) -> list[str]:
        """What the ended process has left changed in the terminal; an empty list when it is as it was."""
        found = [name for number, name in MODES.items() if self.modes.get(number)]
        if not self.modes.get("25", True):
            found.append("no cursor")
        if not self.modes.get("7", True):
            found.append("no line wrap")
        if self.keyboard_depth > 0:
            found.append("kitty keyboard")
        if termios.tcgetattr(self._slave) != self.cooked:
            found.append("raw input")
        return found

    def hang_up(self) -> None:
        """Closes the terminal under the process, as when its window is closed."""
        for descriptor in (self._slave, self._master):
            os.close(descriptor)
        self._master = self._slave = -1

    def close(self) -> None:
        """Ends the process, if it is still there, and the terminal."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._master >= 0:
            self.hang_up()


def kiosk(folder: Path, *arguments: str) -> list[str]:
    """The command line of the kiosk on a data folder."""
    return [sys.executable, "-m", "kiosk", "--data", str(folder), *arguments]


def rigged(folder: Path, **rigging: str) -> list[str]:
    """The command line of the kiosk by way of `tests.launcher`, with these of its options."""
    options = [part for name, value in rigging.items() for part in (f"--{name.replace('_', '-')}", value)]
    return [sys.executable, "-m", "tests.launcher", *options, str(folder)]


@contextmanager
def terminal(command: Sequence[str], **options: Any) -> Iterator[Terminal]:
    """A process in a terminal, ended when the block ends."""
    made = Terminal(command, **options)
    try:
        yield made
    finally:
        made.close()


ENDING: Final = (signal.SIGTERM, signal.SIGHUP)
"""The signals that end the kiosk."""
