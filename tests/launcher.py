"""Starts the kiosk as its command does, rigged from outside: the product itself has no hooks for tests.

`python -m tests.launcher [--break MODULE:CLASS.METHOD=MARK] [--idle N] [--journal FILE] ... DATA [COMMAND ...]`

`--break` makes a method raise, with MARK in the error's words and in a local variable, as a person's name would be.
`--idle` sets how long a page waits for the next key. `--journal` appends what reached the station and which page came
up, a JSON line each. `--clock` lets the station's time go RATE times as fast since the time ORIGIN (seconds). `--hasty
yes` takes away the moment in which a page that has just come up takes no Enter. `--stacks` names a file in which
SIGRTMIN shows where the process is: for what hangs. `--written` names a file that gets the path of every file that the
process opens to write. `--dawdle yes` lets it linger over a size that is not 80x24, once it has asked for it, until
the terminal has another. `--shake yes` sends the process every signal that a person or a
service may send while it closes its log, and once more when Python ends.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import faulthandler
import gc
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any
from weakref import WeakSet


def break_method(place: str, mark: str) -> None:
    """Makes a method of the kiosk raise whenever it is called."""
    module, _, path = place.partition(":")
    owner_name, _, method = path.partition(".")
    owner = getattr(import_module(module), owner_name)

    @wraps(getattr(owner, method))
    def broken(*args: Any, **kwargs: Any) -> Any:
        name_of_a_person = f"{mark} 13900000001"
        raise RuntimeError(f"this was about {name_of_a_person}")

    setattr(owner, method, broken)


def shorten_idle(seconds: int) -> None:
    """Sets the idle limit of every page that has one."""
    from kiosk.widgets.page import Page

    import_module("kiosk.screens.flow")  # which knows every page
    pages: list[Any] = [Page]
    for page in pages:
        pages += page.__subclasses__()
        if vars(page).get("idle") is not None:
            page.idle = seconds


def keep_journal(file: Path) -> None:
    """Appends to `file` numbers that the station is asked about, pages, new or again, what has the focus, and ends."""
    from textual.app import App
    from textual.screen import Screen

    from kiosk.station import Station

    journal = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    seen: WeakSet[Screen[Any]] = WeakSet()

    def note(kind: str, what: str) -> None:
        os.write(journal, (json.dumps([kind, what]) + "\n").encode())

    recognise: Callable[..., Any] = Station.recognise
    screen: Any = Screen
    resumed: Callable[..., Any] = screen._on_screen_resume

    @wraps(recognise)
    def recognise_noted(self: Station, scanned: str) -> Any:
        note("scan", scanned)
        return recognise(self, scanned)

    @wraps(resumed)
    def resumed_noted(self: Screen[Any], *args: Any) -> Any:
        note("again" if self in seen else "page", type(self).__name__)
        seen.add(self)
        return resumed(self, *args)

    focus: Callable[..., Any] = screen.set_focus

    @wraps(focus)
    def focus_noted(self: Screen[Any], widget: Any, *args: Any, **kwargs: Any) -> Any:
        given = focus(self, widget, *args, **kwargs)
        note("focus", str(getattr(widget, "id", None)))
        return given

    exit_: Callable[..., Any] = App.exit

    @wraps(exit_)
    def exit_noted(self: App[Any], *args: Any, **kwargs: Any) -> Any:
        may = getattr(self.screen, "may_close", False)
        note("exit", f"may close: {may}\n" + "".join(traceback.format_stack(limit=8)))
        return exit_(self, *args, **kwargs)

    loop: Callable[..., Any] = App._process_messages_loop

    async def loop_noted(self: App[Any]) -> None:
        try:
            await loop(self)
        except BaseException:
            note("exit", traceback.format_exc())
            raise
        note("exit", f"the loop is over: {self._exit}, {self.return_code}")

    app: Any = App
    app.exit = exit_noted
    app._process_messages_loop = loop_noted
    Station.recognise = recognise_noted  # type: ignore[method-assign]
    screen._on_screen_resume = resumed_noted
    screen.set_focus = focus_noted


def hurry(origin: float, rate: float) -> None:
    """Lets the time of stations go `rate` times as fast since `origin` (seconds since 1970)."""
    from kiosk.records import SHANGHAI
    from kiosk.station import Station

    def hurried() -> datetime:
        return datetime.fromtimestamp(origin + (time.time() - origin) * rate, SHANGHAI)

    defaults = Station.__init__.__kwdefaults__
    assert defaults is not None
    defaults["clock"] = hurried


def show_stacks(file: Path) -> None:
    """Lets SIGRTMIN write to `file` where every thread and every task of the loop is, and which pages there are."""
    from kiosk.app import KioskApp
    from kiosk.widgets.page import Page

    apps: WeakSet[KioskApp] = WeakSet()
    begin: Callable[..., None] = KioskApp.__init__

    @wraps(begin)
    def begin_noted(self: KioskApp, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        apps.add(self)

    KioskApp.__init__ = begin_noted  # type: ignore[method-assign]

    def write(*_: Any) -> None:
        with file.open("w", encoding="utf-8") as out:
            for app in apps:
                named = ("_size", "_resize_event", "_resize_timer", "_batch_count", "_next_callbacks", "_running")
                state = {name: vars(app).get(name) for name in named}
                print(app.screen_stack, app._message_queue, state, file=out)
            for page in {page for page in (*gc.get_objects(), *app.screen_stack) if isinstance(page, Page)}:
                named = ("built", "_over", "arrived", "_closing", "_running", "_pruning")
                state = {name: vars(page).get(name) for name in named}
                seen = page.is_attached and (page.is_current, page.size)
                print(page, seen, page.busy, page.focused, state, file=out)
            for task in asyncio.all_tasks():
                print(task.get_name(), file=out)
                step: Any = task.get_coro()
                while (frame := getattr(step, "cr_frame", None)) is not None:
                    print(f"  {frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}", file=out)
                    step = step.cr_await
            faulthandler.dump_traceback(out, all_threads=True)

    signal.signal(signal.SIGRTMIN, write)


def forgive_bounces() -> None:
    """Lets a page take Enter as soon as it is up: a fuzzer's fingers do not bounce."""
    vars(import_module("kiosk.widgets.page"))["BOUNCE"] = 0.0


def dawdle() -> None:
    """Between asking for the terminal's size and telling it the process is kept waiting until that is another."""
    from kiosk.terminal import Terminal

    ask: Callable[[Any], tuple[int, int]] = Terminal._get_terminal_size

    def ask_slowly(self: Any) -> tuple[int, int]:
        size = ask(self)
        deadline = time.monotonic() + 2
        while size != (80, 24) and ask(self) == size and time.monotonic() < deadline:
            time.sleep(0.01)
        return size

    Terminal._get_terminal_size = ask_slowly  # type: ignore[method-assign]


def shake() -> None:
    """Sends this process signals when it believes that all is done."""
    from kiosk.station import Station

    close: Callable[[Station], None] = Station.close

    def all_signals() -> None:
        for number in (signal.SIGINT, signal.SIGCONT, signal.SIGWINCH, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)

    @wraps(close)
    def close_shaken(self: Station) -> None:
        all_signals()
        close(self)
        all_signals()

    Station.close = close_shaken  # type: ignore[method-assign]
    atexit.register(all_signals)


def note_what_is_written(file: Path) -> None:
    """Appends the path of every file that the process opens for writing, renames, links or lets SQLite open."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            paths = [args[0]]
        elif event in ("os.rename", "os.link", "os.symlink", "shutil.copyfile", "shutil.move"):
            paths = [args[1]]
        elif event in ("sqlite3.connect", "os.mkdir", "os.mkfifo"):
            paths = [args[0]]
        else:
            return
        for path in paths:
            name = path if isinstance(path, int) else os.path.realpath(os.fsdecode(path))
            os.write(descriptor, f"{name}\n".encode())

    sys.addaudithook(note)


def main() -> int:
    """Rigs the kiosk and runs it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    parser.add_argument("--break", dest="broken", default="")
    parser.add_argument("--idle", type=int)
    parser.add_argument("--journal", type=Path)
    parser.add_argument("--clock", default="")
    parser.add_argument("--stacks", type=Path)
    parser.add_argument("--written", type=Path)
    parser.add_argument("--hasty", choices=("yes", "no"), default="no")
    parser.add_argument("--dawdle", choices=("yes", "no"), default="no")
    parser.add_argument("--shake", choices=("yes", "no"), default="no")
    options = parser.parse_args()
    if options.broken:
        break_method(*options.broken.split("=", 1))
    if options.idle:
        shorten_idle(options.idle)
    if options.journal:
        keep_journal(options.journal)
    if options.clock:
        origin, rate = options.clock.split(",")
        hurry(float(origin), float(rate))
    if options.stacks:
        show_stacks(options.stacks)
    if options.written:
        note_what_is_written(options.written)
    if options.hasty == "yes":
        forgive_bounces()
    if options.dawdle == "yes":
        dawdle()
    if options.shake == "yes":
        shake()
    from kiosk.__main__ import main as kiosk

    return kiosk(["--data", str(options.data), *options.command])


if __name__ == "__main__":
    sys.exit(main())
