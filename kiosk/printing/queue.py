"""Prints badges one after the other, oldest first, and loses none: not when the power goes, and not when paper ends.

One thread prints. It knows no station: what a badge says, how it is printed and who is told are given to it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Generic, TypeVar

from msgspec import Struct

from kiosk.durable import make_folder
from kiosk.printing import jobs
from kiosk.printing.failing import PrintFailed, sentence
from kiosk.printing.jobs import Job

L = TypeVar("L")
FIRST_PAUSE: Final = 15.0
"""Seconds until the second try; every further pause is twice as long."""
LONGEST_PAUSE: Final = 300.0
GOODBYE: Final = 1.0
"""Seconds that `close` gives to a badge that is being printed."""


class Outcome(Struct, frozen=True):
    """How a try ended.

    Attributes:
        kind: `printed`, `failed` (it is tried again) or `given_up` (by a person, or since there is nothing to print).
        reason: of a failure, as in `PrintFailed`.
        sentence: of a failure, for a person.
    """

    kind: str
    reason: str = ""
    sentence: str = ""


class Waiting(Struct, frozen=True):
    """A job as the screens show it.

    Attributes:
        job: the job.
        printing: whether it is at the printer now.
        tries: how often it failed.
        reason: of the last failure, empty before the first.
        sentence: of the last failure, in the language in use.
        next_try: seconds until the next try by itself, 0 if it is due.
    """

    job: Job
    printing: bool
    tries: int
    reason: str
    sentence: str
    next_try: float


class _Entry(Struct):
    job: Job
    stage: str = "waiting"
    tries: int = 0
    due: float = 0.0
    failure: PrintFailed | None = None
    strikes: int = 0
    """How often it failed in a way that may be its own: those that never did go first, or a bad one would stop them."""
    wanted: bool = True
    """False once somebody has given it up."""


class _Pause(Struct):
    """Grows with every failure in a row."""

    count: int = 0
    until: float = 0.0

    def grow(self, now: float) -> None:
        self.until = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self.count, 10))
        self.count += 1

    def end(self) -> None:
        self.count, self.until = 0, 0.0


class PrintQueue(Generic[L]):
    """The badges that wait to be printed.

    `add`, `again`, `give_up` and `waiting` may be called from any thread. `label_of`, `send`, `done` and `changed` are
    called on the queue's thread (`changed` on the caller's as well), with no lock held, and may call the queue.
    """

    def __init__(
        self,
        folder: Path,
        temporary: Path,
        *,
        label_of: Callable[[Job], L | None],
        send: Callable[[Job, L], object],
        done: Callable[[Job, Outcome], object],
        changed: Callable[[], object] = lambda: None,
        time_of_day: Callable[[], str],
        elapsed: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Condition, float | None], object] = threading.Condition.wait,
    ) -> None:
        """Takes up what is in the folder and begins to print.

        Args:
            folder: of the jobs; created by the first `add`.
            temporary: for files in the making, on the same file system.
            label_of: makes what is to be printed; None drops the job, as given up.
            send: prints it, or raises `PrintFailed`.
            done: is told of the end of every try, before the file of a finished job is removed: what was printed may be
                told twice, after a crash in between, and is told at least once. If it raises, it is told again later.
            changed: is told that `waiting` says something else.
            time_of_day: now, as ISO 8601.
            elapsed: seconds that only go forward.
            wait: waits for the condition, at most so many seconds; tests have their own.
        """
        self._folder, self._temporary = folder, temporary
        self._label_of, self._send, self._done, self._changed = label_of, send, done, changed
        self._time_of_day, self._elapsed, self._wait = time_of_day, elapsed, wait
        self._condition = threading.Condition()
        self._disk = threading.Lock()
        self._closing = self._gone = False
        self._printer = _Pause()
        self._last_try: float | None = None
        self._failed_before: str | None = None
        self._entries = {job.id: _Entry(job, stage) for job, stage in jobs.read_all(folder)}
        self._thread = threading.Thread(target=self._run, name="print-queue", daemon=True)
        self._thread.start()

    # --- from any thread ---------------------------------------------------------------------------------------------

    def add(self, volunteer: str, serial: int, *, copies: int = 0, reprint: bool = False) -> Job:
        """Orders a badge; it will be printed, whatever happens to the machine after this has returned.

        Args:
            volunteer: the volunteer number.
            serial: the badge's.
            copies: how many; 0 for as many as the printer is set to.
            reprint: whether it was printed before.

        Raises:
            OSError: if the order could not be made durable; there is none then.
        """
        job = Job(jobs.new_id(), volunteer, serial, self._time_of_day(), copies, reprint)
        make_folder(self._folder)
        make_folder(self._temporary)
        try:
            with self._disk:
                jobs.write(self._folder, self._temporary, job, "waiting")
        except OSError:
            with suppress(OSError):
                jobs.remove(self._folder, job.id)  # the last step may have failed after the rename
            raise
        with self._condition:
            self._entries[job.id] = _Entry(job)
            # Somebody stands there, and may have put in paper: one look, unless there was one just now.
            if self._last_try is not None:
                self._printer.until = min(self._printer.until, self._last_try + FIRST_PAUSE)
            self._condition.notify_all()
        self._tell_changed()
        return job

    def again(self, job_id: str = "") -> None:
        """Tries a job again at once, or all of them: somebody has seen to the printer. An unknown id is let go."""
        with self._condition:
            self._printer.until = 0.0
            for entry in self._entries.values():
                if job_id in ("", entry.job.id):
                    entry.due = 0.0
            self._condition.notify_all()
        self._tell_changed()

    def give_up(self, job_id: str) -> None:
        """Takes a job out; one that is at the printer may still come out. An unknown id is let go."""
        with self._condition:
            entry = self._entries.get(job_id)
            if entry is None or entry.stage == "printed":
                return
            entry.wanted = False
            if entry.stage == "waiting":
                entry.stage, entry.due = "given_up", 0.0
            self._condition.notify_all()
        self._keep(entry)
        self._tell_changed()

    def waiting(self) -> tuple[Waiting, ...]:
        """The jobs that are not printed yet, oldest first."""
        with self._condition:
            now = self._elapsed()
            return tuple(
                Waiting(
                    entry.job,
                    entry.stage == "printing",
                    entry.tries,
                    entry.failure.reason if entry.failure else "",
                    sentence(entry.failure.reason, entry.failure.detail, entry.failure.install)
                    if entry.failure
                    else "",
                    0.0 if entry.stage == "printing" else max(0.0, entry.due - now, self._printer.until - now),
                )
                for entry in self._entries.values()
                if entry.wanted and entry.stage in ("waiting", "printing")
            )

    def set_aside(self) -> list[str]:
        """The names of the files that could not be read, for the site lead."""
        return jobs.set_aside(self._folder)

    def close(self) -> None:
        """Ends the thread; a badge that hangs in a printer is left, and printed again after the next start."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(GOODBYE)
        with self._condition:
            self._gone = True  # from now on whoever would be told is closed, too

    # --- on the queue's thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            if entry.stage in ("printed", "given_up"):
                self._finish(entry)
            else:
                self._try(entry)
            self._tell_changed()

    def _next(self) -> _Entry | None:
        """Waits for the oldest job that is due; None when closing."""
        with self._condition:
            while not self._closing:
                now, entries = self._elapsed(), list(self._entries.values())
                times = {entry.job.id: self._due(entry) for entry in entries}
                if due := [entry for entry in entries if times[entry.job.id] <= now]:
                    entry = min(due, key=lambda entry: entry.strikes)
                    entry.stage = "printing" if entry.stage == "waiting" else entry.stage
                    return entry
                self._wait(self._condition, min(times.values()) - now if times else None)
            return None

    def _due(self, entry: _Entry) -> float:
        # To tell of what is done with takes no printer.
        return max(entry.due, self._printer.until) if entry.stage == "waiting" else entry.due

    def _keep(self, entry: _Entry) -> None:
        """Makes what memory says of a job durable, as far as the disk allows: a badge is printed in any case."""
        with self._disk, suppress(OSError):
            with self._condition:
                job, stage, there = entry.job, entry.stage, entry.job.id in self._entries and not self._gone
            if there:
                jobs.write(self._folder, self._temporary, job, stage)

    def _try(self, entry: _Entry) -> None:
        self._keep(entry)
        self._tell_changed()
        failure: PrintFailed | None = None
        label: L | None = None
        sent = False
        try:
            if (label := self._label_of(entry.job)) is not None:
                sent = True
                self._send(entry.job, label)
        except PrintFailed as error:
            failure = error
        except Exception as error:  # whatever one badge has, the others are printed
            failure = PrintFailed("failed", detail=type(error).__name__)
        with self._condition:
            if self._gone:
                return  # the next start prints it again
            now = self._elapsed()
            if sent:
                self._last_try = now
            if failure is not None:
                stage = "waiting" if entry.wanted else "given_up"
                self._pause(entry, failure, now, sent=sent)
            elif sent:
                stage = "printed"
                self._printer.end()
                self._failed_before = None
            else:
                stage = "given_up"  # there is nothing to print
            entry.stage = stage
        self._keep(entry)
        if stage != "waiting":
            self._finish(entry)
        elif failure is not None:
            with suppress(Exception):
                self._done(entry.job, Outcome("failed", failure.reason, str(failure)))

    def _pause(self, entry: _Entry, failure: PrintFailed, now: float, *, sent: bool) -> None:
        """Decides whether this badge waits, or all: the printer's troubles are not tried out with each of them."""
        entry.failure, entry.tries = failure, entry.tries + 1
        if sent and failure.reason != "failed":
            self._printer.grow(now)
            return
        own = _Pause(entry.strikes)
        own.grow(now)
        entry.strikes, entry.due = entry.strikes + 1, own.until
        if sent:
            # Without a known reason it may be the badge's; with two badges in a row it is the printer's.
            if self._failed_before not in (None, entry.job.id):
                self._printer.grow(now)
            self._failed_before = entry.job.id

    def _finish(self, entry: _Entry) -> None:
        """Tells the owner, then forgets the job."""
        outcome = Outcome("printed" if entry.stage == "printed" else "given_up")
        try:
            self._done(entry.job, outcome)
        except Exception:  # the owner's disk may be full: the job stays until it has been told
            pause = _Pause(entry.tries)
            with self._condition:
                pause.grow(self._elapsed())
                entry.tries, entry.due = entry.tries + 1, pause.until
            return
        with self._condition:
            self._entries.pop(entry.job.id, None)
        # A file that cannot be removed is told of and removed after the next start.
        with self._disk, suppress(OSError):
            jobs.remove(self._folder, entry.job.id)

    def _tell_changed(self) -> None:
        with suppress(Exception):
            self._changed()
