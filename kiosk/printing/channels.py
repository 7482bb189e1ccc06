"""Bytes to a printer and back, over network and device files, and nothing that waits for longer than its time.

python-escpos has connections of its own; they open a device file that is not there as a new ordinary file, wait for a
stalled printer without end, and count as sent what only this machine's memory has taken. So it only makes the bytes.
It knows no printer's language.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fcntl import ioctl
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")
PATIENCE: Final = 10.0
"""Seconds without any progress after which a printer counts as stalled."""
_WHOLE: Final = 6
"""After so many times the patience it is enough, however steadily it dribbles."""
_CHUNK: Final = 4096
_LEFT: Final = getattr(select, "POLLRDHUP", 0)
"""The other side has closed, where the system tells."""
_LOOK: Final = 0.02
"""Seconds between two looks at what cannot be waited for."""
GOODBYE: Final = 0.5
"""Seconds that a network printer has to close its side."""


class Channel(Protocol):
    """A way to a printer and, where `ask` answers, back."""

    def send(self, content: bytes) -> None:
        """Returns when the printer has taken all of it.

        Raises:
            OSError: if it has not; TimeoutError if it stopped taking.
        """

    def ask(self, question: bytes, seconds: float) -> bytes:
        """What the printer answers within so many seconds; nothing if it does not, or cannot be heard.

        Raises:
            OSError: if the connection is gone.
        """


def within(seconds: float, call: Callable[[], T]) -> T:
    """What `call` returns, if it does so in time; for calls of the system that have no time-out.

    One that hangs is left behind in a thread of its own, which ends with the process at the latest.

    Raises:
        TimeoutError: if it takes longer.
        BaseException: what the call raised.
    """
    returned: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            returned.append(call())
        except BaseException as error:  # raised again by whoever waits
            raised.append(error)

    thread = threading.Thread(target=run, name="print-call", daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not returned:
        raise TimeoutError("no answer in time")
    return returned[0]


def _closed() -> OSError:
    return ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))


class _Descriptor:
    """A channel over a descriptor that does not block."""

    def __init__(self, descriptor: int, patience: float) -> None:
        self._descriptor, self._patience = descriptor, patience
        self.readable = True

    def send(self, content: bytes) -> None:
        left, end = memoryview(content), time.monotonic() + _WHOLE * self._patience
        while left:
            if not self._ready(select.POLLOUT, self._patience) or time.monotonic() > end:
                raise TimeoutError("the printer takes no more")
            try:
                left = left[os.write(self._descriptor, left[:_CHUNK]) :]
            except BlockingIOError:
                time.sleep(_LOOK)  # a driver that calls itself ready and is not

    def ask(self, question: bytes, seconds: float) -> bytes:
        if not self.readable:
            return b""
        self._forget_older()
        self.send(question)
        if not self._ready(select.POLLIN, seconds):
            return b""
        return self._read()

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, 64)
        except BlockingIOError:
            return b""

    def _forget_older(self) -> None:
        while self._ready(select.POLLIN, 0):
            if not self._read():
                return

    def _ready(self, event: int, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, event)
        return bool(poll.poll(seconds * 1000))


class _Socket(_Descriptor):
    """The same over a connection, whose other end may have closed it."""

    def __init__(self, connection: socket.socket, patience: float) -> None:
        connection.setblocking(False)
        super().__init__(connection.fileno(), patience)
        self._connection = connection

    def send(self, content: bytes) -> None:
        super().send(content)
        self._wait_until_taken()

    def _wait_until_taken(self) -> None:
        """Waits until the other side has confirmed every byte: this machine's memory takes a badge in any case."""
        before, since = self._unsent(), time.monotonic()
        while before:
            if time.monotonic() - since > self._patience:
                raise TimeoutError("the printer takes no more")
            time.sleep(_LOOK)
            if (left := self._unsent()) < before:
                before, since = left, time.monotonic()
            if left:
                self._ready(select.POLLOUT, 0)
        # What was not taken is forgotten, too, when the other side breaks off.
        if self._connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise _closed()

    def _ready(self, event: int, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, event | _LEFT)
        found = poll.poll(seconds * 1000)
        # No printer says that it has nothing more to say and goes on listening. Without this look the system would ask
        # the other side, which has gone, ever more rarely whether it takes more.
        if found and event == select.POLLOUT and found[0][1] & _LEFT:
            raise _closed()
        return bool(found)

    def _unsent(self) -> int:
        try:
            return int.from_bytes(ioctl(self._descriptor, termios.TIOCOUTQ, bytes(4)), "little")
        except OSError:
            return 0  # a system that cannot say

    def _read(self) -> bytes:
        found = super()._read()
        if not found and self._ready(select.POLLIN, 0):
            raise _closed()
        return found

    def say_goodbye(self) -> None:
        """Ends the connection such that the printer still reads what it was sent.

        Closed with an answer unread, the system would tell the printer to forget everything.
        """
        with suppress(OSError):  # it has taken everything, and may have closed by now
            self._connection.shutdown(socket.SHUT_WR)
        end = time.monotonic() + GOODBYE
        while (left := end - time.monotonic()) > 0 and self._ready(select.POLLIN, left):
            if not _Descriptor._read(self):
                return


@contextmanager
def to_network(host: str, port: int, patience: float) -> Iterator[Channel]:
    """A connection to a printer.

    Args:
        host: a name or an address.
        port: 9100 for nearly all.
        patience: seconds without progress until it counts as stalled.

    Raises:
        OSError: if there is no connection; TimeoutError if nobody answers in time.
    """
    # The look-up of a name has no time-out of its own.
    found = within(patience, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    with _connected(found[0], patience) as connection:
        channel = _Socket(connection, patience)
        yield channel
        channel.say_goodbye()


def _connected(found: tuple[socket.AddressFamily, socket.SocketKind, int, str, Any], patience: float) -> socket.socket:
    family, kind, protocol, _name, address = found
    connection = socket.socket(family, kind, protocol)
    try:
        connection.settimeout(patience)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def to_device(path: Path, patience: float) -> Iterator[Channel]:
    """A device file, such as /dev/usb/lp0, for writing and, where it allows that, reading.

    Args:
        path: the device; an ordinary file or a folder is none.
        patience: seconds without progress until it counts as stalled.

    Raises:
        OSError: if it is not there, or may not be used.
    """
    flags, readable = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, True
    try:
        descriptor = os.open(path, os.O_RDWR | flags)
    except PermissionError:
        descriptor, readable = os.open(path, os.O_WRONLY | flags), False
    try:
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        channel = _Descriptor(descriptor, patience)
        channel.readable = readable
        yield channel
    finally:
        # A driver may wait at the close until the printer has taken everything.
        with suppress(OSError):
            within(patience, lambda: os.close(descriptor))
