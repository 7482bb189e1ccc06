"""Printers for tests: what ESC/POS and TSPL bytes would put on paper, and printers to talk to that behave in many ways.

The interpreters are written from the manuals of the two languages and know only what a badge needs; anything else is an
error, so that bytes which a real printer would print as garbage fail.
"""

from __future__ import annotations

import os
import re
import select
import socket
import struct
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageOps

STATUS_PAPER = b"\x10\x04\x04"
STATUS_OFFLINE = b"\x10\x04\x02"
STATUS_IN_TURN = b"\x1dr\x01"
OPEN_COVER = b"\x16"
PAPER, NO_PAPER = b"\x12", b"\x72"


def on_receipts(stream: bytes, width: int) -> list[Image.Image]:
    """The pieces of paper that an ESC/POS printer of `width` dots cuts off, each with what is on it.

    Raises:
        AssertionError: for bytes that are no command of a badge, a picture wider than the paper, or paper never cut.
    """
    pieces: list[Image.Image] = []
    bands: list[Image.Image] = []
    fed, at = 0, 0
    while at < len(stream):
        rest = stream[at:]
        if rest.startswith(b"\x1b@"):
            at += 2
        elif rest.startswith((STATUS_PAPER, STATUS_OFFLINE, STATUS_IN_TURN)):
            at += 3
        elif rest.startswith(b"\x1dv0"):
            mode, columns, rows = struct.unpack_from("<BHH", rest, 3)
            assert mode == 0, "not one dot for each bit"
            assert columns * 8 <= width, f"{columns * 8} dots on {width}"
            data = rest[8 : 8 + columns * rows]
            assert len(data) == columns * rows, "a picture that ends too early"
            # A bit that is set is a dot that is printed.
            bands.append(ImageOps.invert(Image.frombytes("1", (columns * 8, rows), data).convert("L")))
            at += 8 + columns * rows
        elif rest.startswith(b"\x1bd"):
            fed = rest[2]
            at += 3
        elif rest.startswith(b"\x1dV\x00"):
            assert bands, "a cut with nothing printed"
            assert fed >= 4, "the knife is above the last lines"
            piece = Image.new("L", (width, sum(band.height for band in bands)), 255)
            top = 0
            for band in bands:
                piece.paste(band, (0, top))
                top += band.height
            pieces.append(piece)
            bands, fed = [], 0
            at += 3
        else:
            raise AssertionError(f"no command of a badge at {at}: {rest[:8]!r}")
    assert not bands, "paper that is never cut"
    return pieces


def on_labels(stream: bytes, dots_a_millimetre: int = 8) -> list[Image.Image]:
    """The labels that a TSPL printer makes, each with what is on it.

    Raises:
        AssertionError: as with `on_receipts`.
    """
    labels: list[Image.Image] = []
    size: tuple[int, int] | None = None
    canvas: Image.Image | None = None
    stream = stream.replace(b"\x1b!?", b"")
    at = 0
    while at < len(stream):
        bitmap = re.compile(rb"BITMAP (\d+),(\d+),(\d+),(\d+),(\d),").match(stream, at)
        if bitmap:
            x, y, columns, rows, mode = map(int, bitmap.groups())
            assert mode == 0, "not overwriting"
            assert canvas is not None, "a picture before CLS"
            data = stream[bitmap.end() : bitmap.end() + columns * rows]
            assert len(data) == columns * rows, "a picture that ends too early"
            # Here a bit that is not set is a dot that is printed.
            canvas.paste(Image.frombytes("1", (columns * 8, rows), data).convert("L"), (x, y))
            assert x + columns * 8 <= canvas.width
            assert y + rows <= canvas.height
            at = bitmap.end() + columns * rows
            assert stream[at : at + 2] == b"\r\n"
            at += 2
            continue
        end = stream.index(b"\r\n", at)
        line, at = stream[at:end].decode("ascii"), end + 2
        if found := re.fullmatch(r"SIZE ([\d.]+) mm,([\d.]+) mm", line):
            size = (round(float(found[1]) * dots_a_millimetre), round(float(found[2]) * dots_a_millimetre))
        elif line == "CLS":
            assert size, "CLS before SIZE"
            canvas = Image.new("L", size, 255)
        elif found := re.fullmatch(r"PRINT (\d+),(\d+)", line):
            assert canvas is not None, "nothing to print"
            labels += [canvas.copy() for _copy in range(int(found[1]) * int(found[2]))]
        else:
            assert re.fullmatch(r"GAP [\d.]+ mm,[\d.]+ mm|DENSITY \d+|DIRECTION [01]", line), line
    return labels


@dataclass
class FakePrinter:
    """A printer at the other end of a connection, in a thread.

    Attributes:
        answers: by the question, what it says; what is not in it stays without an answer.
        stalls_after: bytes after which it reads no more.
        leaves_after: bytes after which it closes the connection.
        received: what it was sent.
    """

    answers: dict[bytes, bytes] = field(default_factory=dict)
    stalls_after: int | None = None
    leaves_after: int | None = None
    received: bytearray = field(default_factory=bytearray)
    closed: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def serve(self, read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
        """Reads until the other side or the test has ended."""
        answered = 0
        while not self.ended.is_set():
            if self.stalls_after is not None and len(self.received) >= self.stalls_after:
                self.ended.wait()
                return
            if self.leaves_after is not None and len(self.received) >= self.leaves_after:
                return
            content = read(1024)
            if not content:
                return
            self.received += content
            for question, answer in self.answers.items():
                at = self.received.find(question, answered)
                if at >= 0:
                    write(answer)
                    answered = at + len(question)

    def on_network(self, listener: socket.socket) -> None:
        connection, _address = listener.accept()
        with connection:
            connection.settimeout(20)
            with suppress(OSError):
                self.serve(connection.recv, connection.sendall)
        self.closed.set()

    def on_terminal(self, descriptor: int) -> None:
        def read(size: int) -> bytes:
            while not self.ended.is_set():
                if select.select([descriptor], [], [], 0.02)[0]:
                    return os.read(descriptor, size)
            return b""

        with suppress(OSError):
            self.serve(read, lambda answer: os.write(descriptor, answer))
        self.closed.set()


@contextmanager
def network_printer(printer: FakePrinter) -> Iterator[str]:
    """The printer on loopback; gives host and port."""
    with socket.socket() as listener:
        # Small, or the machine's memory would take a whole badge for a printer that reads nothing.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        listener.settimeout(20)
        thread = threading.Thread(target=printer.on_network, args=(listener,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        if printer.stalls_after is not None:
            printer.ended.set()
        thread.join(20)


@contextmanager
def device_printer(printer: FakePrinter) -> Iterator[Path]:
    """The printer behind a device file: a terminal that passes bytes on as they are."""
    here, there = os.openpty()
    tty.setraw(there)
    thread = threading.Thread(target=printer.on_terminal, args=(here,), daemon=True)
    thread.start()
    try:
        yield Path(os.ttyname(there))
    finally:
        # All that was sent is read before the end.
        while printer.stalls_after is None and printer.leaves_after is None and select.select([here], [], [], 0.1)[0]:
            if printer.closed.is_set():
                break
        printer.ended.set()
        thread.join(20)
        os.close(here)
        os.close(there)
