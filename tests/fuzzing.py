"""A seeded fuzzer before the kiosk: keys, pastes, scans, clicks, drags, resizes, signals and bytes over a pty.

It knows the lead's PIN and the badges that the station has issued, and on each page something useful to do, so that it
gets deep; more than half of what it does is noise. It fails when the kiosk crashes, ends, hangs, shows code, leaves the
terminal in disorder, or when a record that was on the disk is gone or changed.

`python -m tests.fuzzing --events 20000 --seed 7` prints figures; when it fails it says how to do the same again.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from kiosk.durable import FolderLock
from kiosk.errors import StoreBusy
from kiosk.segments import verify
from kiosk.settings import read_settings
from tests.ledger import Ledger
from tests.noise import FUNCTION_KEYS, MOUSE, PASTES, SIGNALS, SIZES, bytes_at_random
from tests.steps import ACKNOWLEDGED, Steps
from tests.tent import ESCAPE, Tent, pitch
from tests.terminal import PATIENCE, NotShown, Terminal, rigged

RATE: Final = 120.0
"""A day of the station passes in 12 minutes, so that sign-outs go missing and segments are sealed."""
CHECKPOINT: Final = 500
"""Events between two looks at the disk and at whether the kiosk still answers."""


UNUSUAL: Final = ((78, 22), (77, 22), (76, 22))
"""Sizes that are too small, and that nothing else asks for; a size that the kiosk has already it does not tell again,
and of several that come at once it sees the last."""
CAPS: Final = (b" Esc ", b" F2 ")
"""Each page offers one of these keys, whatever else."""
BACKLOG: Final = 6 * PATIENCE
"""Seconds until what a riot has sent must be worked off, on cores that others use too."""


class Broken(AssertionError):
    """The kiosk did what it must not do."""


class Fuzzer:
    """One run."""

    def __init__(self, tent: Tent, out: Path, seed: int) -> None:
        """Prepares a run.

        Args:
            tent: where the kiosk stands.
            out: a folder for what was sent, and for the kiosk's journal.
            seed: of the choices; what is chosen also hangs on the pages that come up.
        """
        self.tent, self.out, self.seed = tent, out, seed
        self.chance = random.Random(seed)
        self.ledger = Ledger(tent.folder)
        self.steps = Steps(self.chance, tent, self.ledger)
        self.kinds: Counter[str] = Counter()
        self.pages: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.page = ""
        self.events = 0
        self.resident: list[int] = []
        self._unusual = cycle(UNUSUAL)
        self._origin = time.time()
        self._journal, self._stacks = out / "journal", out / "stacks"
        self._read = 0
        self._told = len(self.ledger.seen)
        self._ending: tuple[str, bool] | None = None
        self._left = ""
        self._sent = (out / "sent").open("w", encoding="utf-8")
        self.terminal = self._start()

    # --- one life of the kiosk --------------------------------------------------------------------------------------

    def _start(self) -> Terminal:
        self._journal.write_bytes(b"")
        self._read, self.page, self._ending, self._left = 0, "", None, ""
        self._sent.seek(0)
        self._sent.truncate()
        self._began = time.monotonic()
        rig = {"journal": str(self._journal), "stacks": str(self._stacks), "clock": f"{self._origin},{RATE}"}
        command = rigged(self.tent.folder, hasty="yes", idle="20", **rig)
        self.terminal = Terminal(command, blind=True)
        self._until(lambda: self.page == "WelcomePage", "the welcome page did not come up")
        return self.terminal

    def _until(self, what: Any, said: str, timeout: float = PATIENCE) -> None:
        def so() -> bool:
            self._follow()
            return bool(what())

        try:
            self.terminal.until(so, said, timeout)
        except NotShown as error:
            raise Broken(f"{said}; {self.terminal.raw[-300:]!r}; {self.tent.crash_log}\n{self._where()}") from error

    def _where(self) -> str:
        """What the screen shows, and where the process is."""
        shown = "\n".join(line for line in self.terminal.text.splitlines() if line.strip())
        self.terminal.signal(signal.SIGRTMIN)
        self.terminal.pump(0.5)
        return f"{shown}\n{self._stacks.read_text(encoding='utf-8')}"

    def _follow(self) -> None:
        """Reads which pages came up; what they acknowledge is on the disk."""
        with self._journal.open("rb") as journal:
            journal.seek(self._read)
            lines = journal.read().split(b"\n")
        for line in lines[:-1]:
            self._read += len(line) + 1
            kind, what = json.loads(line)
            if kind == "exit":
                self._left += what + "\n"
                continue
            if kind == "focus":
                continue
            if kind == "scan":
                self.kinds["codes that reached the station"] += 1
                continue
            self.page = what
            self.pages[what] += 1
            if kind == "page" and what in ACKNOWLEDGED:
                known = self.ledger.note()
                if known <= self._told:
                    raise Broken(f"{what} acknowledged what is not on the disk")
                self._told = known

    def _check(self) -> None:
        """Fails if something is wrong that can be seen at any time."""
        if self.tent.crash_log:
            raise Broken(f"an internal error was noted:\n{self.tent.crash_log}")
        for word in (b"Traceback", b"Error: ", b'.py"', b"kiosk/screens"):
            if word in self.terminal.raw:
                raise Broken(f"code was shown: {word!r}")

    def _why(self) -> str:
        return f"{self._left}\n{self.tent.crash_log}"

    def _ended(self) -> None:
        """The kiosk has ended: it was told to, and left everything in order."""
        self._until(lambda: not self.terminal.alive, "it does not end")
        code = self.terminal.wait_end()
        self._follow()
        how, clean = self._ending or ("the lead's Ctrl+Q", True)
        if self._ending is None and not ("may close: True" in self._left and "action_leave" in self._left):
            raise Broken(f"it ended by itself with {code}; {self.terminal.raw[-300:]!r}\n{self._why()}")
        if clean and code != 0:
            raise Broken(f"{how} ended it with {code}; {self.terminal.raw[-300:]!r}")
        if clean and (left := self.terminal.left_behind()):
            raise Broken(f"{how} left behind: {', '.join(left)}")
        self._check()
        self.terminal.close()
        try:
            FolderLock(self.tent.folder).release()
        except StoreBusy as error:
            raise Broken(f"{how} left the log locked") from error
        self.ledger.note()
        self.ends[how] += 1
        self._start()

    # --- events -----------------------------------------------------------------------------------------------------

    def do(self, kind: str, data: bytes) -> None:
        """Sends bytes, as one event."""
        self._note("send", data.hex())
        try:
            self.terminal.send(data)
        except NotShown as error:
            raise Broken(str(error)) from error
        self._count(kind)

    def _note(self, *what: Any) -> None:
        self._sent.write(json.dumps([round(time.monotonic() - self._began, 4), *what]) + "\n")

    def _count(self, kind: str) -> None:
        self.kinds[kind] += 1
        self.events += 1
        if self.events % CHECKPOINT == 0:
            self.checkpoint()

    def _resize(self, columns: int, lines: int) -> None:
        self._note("resize", columns, lines)
        self.terminal.resize(columns, lines)
        self._count("resize")

    def _signal(self, *numbers: signal.Signals) -> None:
        for number in numbers:
            self._note("signal", int(number))
            self.terminal.signal(number)
        self._count("signal")

    def end(self, number: signal.Signals) -> None:
        """Ends the kiosk by a signal and starts it again."""
        self._ending = (number.name, number != signal.SIGKILL)
        self._signal(number)
        if self._ending:  # otherwise a checkpoint has seen to it
            self._ended()

    def noise(self) -> None:
        """One event without sense."""
        chance = self.chance
        kind = chance.random()
        if kind < 0.28:
            self.do("key", chance.choice([*b"0123456789\r\x1b\t \x7fabz~[]@=/"]).to_bytes(1, "big"))
        elif kind < 0.36:
            self.do("key", chance.choice([*FUNCTION_KEYS.values(), b"\x1b[A", b"\x1b[B", b"\x1b[5~", b"\x1b[6~"]))
        elif kind < 0.50:
            self.do("bytes", bytes_at_random(chance))
        elif kind < 0.58:
            self.do("paste", b"\x1b[200~" + chance.choice(PASTES).encode() + b"\x1b[201~")
        elif kind < 0.581:
            self.do("paste without an end", b"\x1b[200~" + chance.choice(PASTES).encode())
        elif kind < 0.72:
            column, line = chance.randrange(1, 81), chance.randrange(1, 25)
            self.do("click", b"\x1b[<0;%d;%dM\x1b[<0;%d;%dm" % (column, line, column, line))
        elif kind < 0.80:
            self.do("drag", chance.choice([*MOUSE.values()]))
        elif kind < 0.88:
            self._resize(*chance.choice(SIZES))
            if chance.random() < 0.8:
                self._resize(80, 24)
        elif kind < 0.93:
            self._signal(*chance.choice(SIGNALS))
        elif kind < 0.94:
            self._signal(signal.SIGSTOP, signal.SIGCONT)
        else:
            self.do("scan", self.steps.scan())

    def useful(self) -> None:
        """Something that belongs on the page that is up, an event at a time."""
        for data in self.steps.on(self.page):
            before = self.page
            self.do("step", data)
            self._breathe(1.0 if data[-1:] in b"\r\n~u" else 0.01)
            if self.page != before:
                return

    def _visit(self) -> None:
        """Somebody who means well, with little noise."""
        self._resize(80, 24)
        for _step in range(self.chance.randrange(10, 40)):
            self._alive()
            if self.chance.random() < 0.04:
                self.noise()
            else:
                self.useful()

    def _riot(self) -> None:
        """Somebody who does not."""
        for _event in range(self.chance.randrange(20, 100)):
            self._alive()
            self.noise()
            self.terminal.pump()
        self._breathe(2.0)

    def _alive(self) -> None:
        if not self.terminal.alive:
            self._ended()

    def _breathe(self, seconds: float) -> None:
        """Waits until the page is another and painted, or nothing more comes of what was sent."""
        deadline, before = time.monotonic() + seconds, self.page
        while (left := deadline - time.monotonic()) > 0:
            painted = self.terminal.pump(min(left, 0.12))
            self._follow()
            if not painted and (self.page != before or not self.terminal.unread()):
                return

    def checkpoint(self) -> None:
        """The kiosk answers, nothing is wrong, and what is on the disk is noted."""
        if self._ending is None and self.terminal.alive:
            self._catch_up()
        if self._ending is None and self.terminal.alive:
            status = Path(f"/proc/{self.terminal.process.pid}/statm").read_text(encoding="ascii").split()
            self.resident.append(int(status[1]) * 4096)
        self._check()
        self.ledger.note()
        if self.events % (CHECKPOINT * 4) == 0:
            self.come_home()

    def _catch_up(self) -> None:
        """Waits until the kiosk has dealt with what was sent long ago; the last keys may be overtaken by the size."""
        self._check()
        self.terminal.raw.clear()
        columns, lines = next(self._unusual)
        self.terminal.resize(columns, lines)
        said = f"{columns}x{lines}"
        told = said.encode()
        self._until(lambda: told in self.terminal.raw or not self.terminal.alive, f"it does not say {said}", BACKLOG)
        self.terminal.raw.clear()
        self.terminal.resize(80, 24)
        # Keys that come before the page is large again are for nobody. Then its bottom line is painted, and not before.
        self._until(self._offers_keys, f"it stays at {said}", BACKLOG)

    def _offers_keys(self) -> bool:
        return any(cap in self.terminal.raw for cap in CAPS) or not self.terminal.alive

    def come_home(self) -> None:
        """From wherever it is, the welcome page can be reached, and takes a badge."""
        if self._ending or not self.terminal.alive:
            return
        self.terminal.send(b"\x1b[201~")
        for tried in range(60):
            self._catch_up()
            if self.page == "WelcomePage" or not self.terminal.alive:
                break
            # A page with several questions goes back by one a time, and forward again by Enter.
            self.terminal.send(b"\r" if tried % 8 == 7 else ESCAPE)
            self._breathe(0.5)  # the next size would overtake the key, which then is for nobody
        else:
            raise Broken(f"no way back from {self.page}\n{self._where()}")

    def run(self, events: int) -> None:
        """Does so many events, then ends the kiosk and holds the log against what was seen of it."""
        while self.events < events:
            self._visit() if self.chance.random() < 0.6 else self._riot()
            kind = self.chance.random()
            if kind < 0.01:
                self.end(signal.SIGKILL if kind < 0.003 else self.chance.choice((signal.SIGTERM, signal.SIGHUP)))
        self.end(signal.SIGTERM)
        self.terminal.close()
        if broken := self.ledger.broken():
            raise Broken(f"records are gone or changed: {broken[:5]}")
        if found := verify(self.tent.folder, read_settings(self.tent.folder).station):
            raise Broken(f"verify: {[finding.problem for finding in found]}")

    def figures(self, seconds: float) -> dict[str, Any]:
        """What the run has to show."""
        return {
            "seed": self.seed,
            "events": self.events,
            "seconds": round(seconds),
            "kinds": dict(self.kinds.most_common()),
            "pages": dict(self.pages.most_common()),
            "starts": 1 + sum(self.ends.values()),
            "ends": dict(self.ends),
            "records": len(self.ledger.seen),
            "visits": self.ledger.types.get("checked_in", 0),
            "types": self.ledger.types,
            "resident MB": [round(value / 1e6, 1) for value in (self.resident[0], max(self.resident))]
            if self.resident
            else [],
            "crash log": "empty" if not self.tent.crash_log else "NOT EMPTY",
        }


def fuzz(folder: Path, events: int, seed: int) -> dict[str, Any]:
    """Runs the fuzzer in `folder` and returns its figures.

    Raises:
        Broken: with how to do the same again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    fuzzer = Fuzzer(pitch(folder / "data"), folder, seed)
    try:
        fuzzer.run(events)
    except Broken as error:
        raise Broken(
            f"{error}\nafter {fuzzer.events} events on {fuzzer.page}\n"
            f"again: make soak EVENTS={events} SEED={seed}\n"
            f"the last life of it: .venv/bin/python -m tests.fuzzing --replay {folder / 'sent'}"
        ) from error
    finally:
        fuzzer.terminal.close()
        fuzzer._sent.close()
    return fuzzer.figures(time.monotonic() - began)


def replay(file: Path) -> None:
    """Does again what was sent to one life of the kiosk, at the same pace, and shows the screen."""
    with tempfile.TemporaryDirectory() as name:
        tent = pitch(Path(name) / "data")
        terminal = Terminal(rigged(tent.folder, hasty="yes"))
        try:
            terminal.wait_for("Enter")
            began = time.monotonic()
            for line in file.read_text(encoding="utf-8").splitlines():
                when, kind, *what = json.loads(line)
                while (left := began + when - time.monotonic()) > 0:
                    terminal.pump(left)
                if kind == "send":
                    terminal.send(bytes.fromhex(what[0]))
                elif kind == "resize":
                    terminal.resize(*what)
                else:
                    terminal.signal(what[0])
                if not terminal.alive or tent.crash_log:
                    break
            terminal.settle(1.0)
            print(terminal.text, f"\nended: {terminal.process.poll()}\n{tent.crash_log}")
        finally:
            terminal.close()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--replay", type=Path)
    options = parser.parse_args()
    if options.replay:
        replay(options.replay)
        return 0
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    folder = Path(tempfile.mkdtemp(prefix="kiosk-fuzz-"))
    print(f"fuzzing: EVENTS={options.events} SEED={seed}, in {folder}", flush=True)
    try:
        print(json.dumps(fuzz(folder, options.events, seed), indent=1, ensure_ascii=False))
    except Broken as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
