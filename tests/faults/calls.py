"""Stands between the store and the operating system: counts each call, and kills or fails at a chosen one."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import tinydb.storages

CHANGING = ("open", "write", "fsync", "close", "replace", "rename", "unlink", "mkdir", "flock")
"""Calls that change what a disk holds, or who may write to it."""

READING = ("read", "listdir", "scandir")
"""`read` is the opening of a file to read it."""

_OWNERS: Mapping[str, Any] = dict.fromkeys((*CHANGING, *READING), os) | {"flock": fcntl, "read": io}


@dataclass(frozen=True)
class Call:
    """One call of the store: its number from 1, its name, and how to let it happen."""

    number: int
    name: str
    real: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: Mapping[str, Any] = field(default_factory=dict)

    def do(self) -> Any:
        return self.real(*self.arguments, **self.named)

    def do_half(self) -> Any:
        """A write that takes only half of what it is given."""
        descriptor, content = self.arguments
        return self.real(descriptor, bytes(content)[: max(1, len(content) // 2)])


class Calls:
    """The calls that one thread makes, or all do, from the time it was watched."""

    def __init__(self, on_call: Callable[[Call], Any], *, every_thread: bool = False) -> None:
        self.on_call = on_call
        self.names: list[str] = []
        self._thread = None if every_thread else threading.get_ident()
        self._counting = threading.Lock()

    def make(self, name: str, real: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if self._thread not in (None, threading.get_ident()):
            return real(*arguments, **named)
        with self._counting:
            self.names.append(name)
            number = len(self.names)
        return self.on_call(Call(number, name, real, arguments, named))

    def wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            return self.make(name, real, *arguments, **named)

        return call


@contextmanager
def watched(on_call: Callable[[Call], Any], *, every_thread: bool = False) -> Iterator[Calls]:
    """Every call to the operating system goes through `on_call`, also those of TinyDB's own storage.

    Args:
        on_call: is given each call, and lets it happen or not.
        every_thread: whether the calls of all threads do, and not of this one alone.
    """
    calls = Calls(on_call, every_thread=every_thread)

    class Raw(io.FileIO):
        """What lies beneath a file that TinyDB's own storage has opened."""

        def write(self, content: Any) -> Any:
            return calls.make("write", os.write, self.fileno(), content)

        def truncate(self, size: int | None = None) -> int:
            return int(calls.make("truncate", super().truncate, size))

    def opened(path: Path, mode: str, **_named: Any) -> io.TextIOWrapper:
        buffered = io.BufferedRandom if "+" in mode else io.BufferedWriter
        return io.TextIOWrapper(buffered(calls.make("open", Raw, path, mode)), encoding="utf-8")

    with pytest.MonkeyPatch.context() as patched:
        for name, owner in _OWNERS.items():
            attribute = "open" if name == "read" else name
            patched.setattr(owner, attribute, calls.wrapped(name, getattr(owner, attribute)))
        patched.setattr(tinydb.storages, "open", opened, raising=False)
        yield calls


@dataclass
class Kill:
    """The process is gone before, after, or (a write) in the middle of its call number `at`."""

    at: int
    when: str

    def __call__(self, call: Call) -> Any:
        if call.number != self.at:
            return call.do()
        if self.when == "half":
            call.do_half()
        if self.when == "after":
            call.do()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("killed, and still here")


_GIVING = ("open", "read", "scandir")
"""What gives something that would stay open if nobody got it."""

KINDS = ("error", "error after half", "error though done", "short")
"""How a call fails: nothing, half of a write, or all of it done; or half of a write done, and told so."""

SPANS = ("once", "this kind", "everything")
"""What fails from the call on: it alone, all of its kind, or all calls, until the disk is repaired."""


@dataclass
class Break:
    """Call number `at` fails, and after it what `span` says, until `repaired`."""

    at: int
    number: int = errno.EIO
    kind: str = "error"
    span: str = "once"
    repaired: bool = False
    injected: int = 0
    _name: str = ""

    def __call__(self, call: Call) -> Any:
        if call.number == self.at:
            self._name = call.name
        if self.repaired or call.number < self.at or not self._hits(call):
            return call.do()
        self.injected += 1
        if self.kind == "short":
            return call.do_half()
        if self.kind == "error after half" and call.name == "write":
            call.do_half()
        elif call.name == "close" or (self.kind == "error though done" and call.name not in _GIVING):
            call.do()  # a descriptor is gone even where its closing fails
        raise OSError(self.number, "injected")

    def _hits(self, call: Call) -> bool:
        if self.span == "everything":
            return True
        return call.name == self._name and (self.span == "this kind" or call.number == self.at)
