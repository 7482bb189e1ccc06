"""The terminal as an unattended kiosk needs it: nothing that comes from it stops the app, and no signal but two.

Textual's own driver is made for a person at a shell: bytes that are no UTF-8 end it, Ctrl+Z's signal stops it, and a
terminal that hangs up leaves it waiting. This module knows of bytes and signals, and of no screen.
"""

from __future__ import annotations

import atexit
import os
import select
import selectors
import signal
import sys
import termios
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, Final, TextIO, cast

from textual import events
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message
from textual.messages import InBandWindowResize

from kiosk import crashlog

_CLOSING: Final = (signal.SIGTERM, signal.SIGHUP)
_IGNORED: Final = (
    *(signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF),
)
_PASTE_BEGINS, _PASTE_ENDS = "\x1b[200~", "\x1b[201~"
PASTE: Final = 1.0
"""Seconds from the beginning of a paste after which its end does not come any more, whatever else comes meanwhile."""
_TICK: Final = 0.1
"""Seconds between two looks whether the app has ended, and of silence after which Esc is the key and not a sequence."""


class _Output:
    """Where the driver draws; a terminal that is gone is drawn to in vain, and nothing waits for it."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        try:
            return self._file.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        try:
            self._file.flush()
        except (OSError, ValueError):
            return

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class Terminal(LinuxDriver):
    """Textual's driver, made to stay.

    Attributes:
        closing: whether the process was told to end.
    """

    closing: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._file = cast(Any, _Output(cast(TextIO, self._file)))
        self._hearing = False
        ignore(*_IGNORED)  # some are the driver's own
        for number in _CLOSING:
            # A handler of the loop hears of a signal through a pipe, which overflows while the loop is busy.
            signal.signal(number, self._close_soon)
        signal.set_wakeup_fd(signal.set_wakeup_fd(-1), warn_on_full_buffer=False)
        if Terminal.closing:
            self._loop.call_soon(self._close)

    def _close_soon(self, *_: int | FrameType | None) -> None:
        # Kept for the next app, too: an internal error may end this one before it has ended by itself.
        Terminal.closing = True
        self._soon(self._close)

    def _soon(self, do: Callable[[], None]) -> None:
        """Does something in the loop's turn, as a signal's handler must; not any more when the loop is gone."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(do)

    def _close(self) -> None:
        self._app.exit()

    def _sigcont_application(self, *_: int | FrameType | None) -> None:
        # Whoever stopped the process may have drawn over the screen meanwhile.
        self._soon(self._redraw)

    def _redraw(self) -> None:
        self._app.refresh(layout=True)

    def start_application_mode(self) -> None:
        """Takes the terminal over; from then on its size is asked for in the loop's turn.

        A handler that asks for it by itself may be interrupted by the next size, and tell the older one after that.
        """
        super().start_application_mode()  # type: ignore[no-untyped-call]
        signal.signal(signal.SIGWINCH, self._resized)
        self._resized()  # a size that came before that

    def _resized(self, *_: int | FrameType | None) -> None:
        self._soon(self._tell_size)

    def _tell_size(self) -> None:
        size = Size(*self._get_terminal_size())
        self._app.post_message(events.Resize(size, size))

    def _query_in_band_window_resize(self) -> None:
        """Sizes come by SIGWINCH alone, so that no sequence can pretend another size."""

    def process_message(self, message: Message) -> None:
        """Passes on what came, but for sizes."""
        if not isinstance(message, InBandWindowResize | events.Resize):
            super().process_message(message)

    def run_input_thread(self) -> None:
        """Reads keys until the app ends; a terminal that hangs up ends the app."""
        decode = getincrementaldecoder("utf-8")("ignore").decode
        reader = Reader(self.process_message)
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if not selector.select(_TICK):
                    reader.silence()
                    continue
                self._hearing = True
                data = self._read()
                if not data:
                    self._loop.call_soon_threadsafe(self._close)
                    return
                reader.feed(decode(data))
                self._hearing = False

    @property
    def behind(self) -> bool:
        """Whether something has come that is not yet passed on: the thread that reads may have been kept waiting."""
        # In this order: what is not there to be read any more is being passed on, or has been.
        return bool(select.select([self.fileno], [], [], 0)[0]) or self._hearing

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, 4096)
        except OSError:
            return b""


class Reader:
    """Makes messages of characters; what no terminal sends is dropped, and reading begins anew behind it."""

    def __init__(self, tell: Callable[[Message], None], seconds: Callable[[], float] = time.monotonic) -> None:
        self._tell, self._seconds = tell, seconds
        self._parser = XTermParser()
        self._end = ""
        self._pasting = False
        self._began = self._heard = 0.0

    def feed(self, text: str) -> None:
        """Takes what has come."""
        # What came at once has one time, however long it takes to make keys of it: a scan must not fall apart.
        self._heard = self._seconds()
        recent = self._end + text
        begun, ended = recent.rfind(_PASTE_BEGINS), recent.rfind(_PASTE_ENDS)
        if ended < 0:
            self._give_up_paste()
        if begun > ended and not (self._pasting and ended < 0):
            self._began = self._heard
        if begun != ended:  # -1 both: nothing was said of it
            self._pasting = begun > ended
        self._end = recent[-len(_PASTE_BEGINS) + 1 :]
        self._parse(text)

    def silence(self) -> None:
        """Nothing has come for a tick: a lone Esc is a key."""
        self._heard = self._seconds()
        self._give_up_paste()
        if not self._pasting:
            self._parse("")

    def _give_up_paste(self) -> None:
        # Counted from its beginning: with every key that is pressed in vain silence would only begin anew.
        if self._pasting and self._heard - self._began >= PASTE:
            self._begin_anew()

    def _parse(self, text: str) -> None:
        try:
            if text:
                for message in self._parser.feed(text):
                    self._pass_on(message)
            for message in self._parser.tick():
                self._pass_on(message)
        except (ValueError, LookupError, ArithmeticError, ParseError):
            self._begin_anew()

    def _pass_on(self, message: Message) -> None:
        message.time = self._heard
        self._tell(message)

    def _begin_anew(self) -> None:
        self._parser = XTermParser()
        self._pasting = False
        self._end = ""


def ignore(*numbers: signal.Signals) -> None:
    """Makes signals do nothing."""
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def begin() -> None:
    """Takes the signals over before there is a loop: asyncio would take SIGINT, and give it back too soon.

    From now on to the end of the process the terminal echoes nothing: what somebody types while no screen is up, as
    after an internal error, would stand on the main screen.
    """
    ignore(*_IGNORED)
    for number in _CLOSING:  # else it would end without giving the echo back; the first app closes at once
        signal.signal(number, lambda *_: setattr(Terminal, "closing", True))
    with suppress(termios.error):
        before = termios.tcgetattr(0)
        atexit.register(_give_back, before)
        termios.tcsetattr(0, termios.TCSANOW, [*before[:3], before[3] & ~termios.ECHO, *before[4:]])


def _give_back(attributes: list[Any]) -> None:
    with suppress(termios.error):  # the terminal may be gone
        termios.tcsetattr(0, termios.TCSANOW, attributes)


def end() -> None:
    """Lets no signal change how the process ends, from now on to its very end."""
    ignore(*_IGNORED, *_CLOSING)


def quiet(folder: Path) -> None:
    """Sends to the crash log what Python would print on the terminal when something fails in a thread or a destructor.

    Args:
        folder: the data folder.
    """
    import logging

    logging.lastResort = None  # asyncio tells of lost tasks there, with the text of their errors

    def note(error: BaseException | None) -> None:
        if error is not None:
            crashlog.note(folder, error, datetime.now().astimezone())

    threading.excepthook = lambda failed: note(failed.exc_value)
    sys.unraisablehook = lambda failed: note(failed.exc_value)
