"""The station's handing over in the background: when the next try comes, what became of the last one, and who is told.

One thread does it, beside whoever is served. How an exchange goes is the business of `kiosk.sync`, and what lies at the
place says where the next one goes on: here nothing has to be remembered for that.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from kiosk import crashlog
from kiosk.canonical import canonical, is_as_written, parse_json, with_sum
from kiosk.durable import write_durably
from kiosk.errors import KioskError, RecordError
from kiosk.i18n import _
from kiosk.records import timestamp
from kiosk.remote import Credentials, Place, RemoteError, place_at
from kiosk.station import Station
from kiosk.sync import Outcome, Standing, exchange, read_place, save_place, standing
from kiosk.wording import cause

SOON: Final = 30.0
"""Seconds after the start, more or less, of the first try: whoever has just switched the kiosk on is served first."""
EVERY: Final = 15 * 60.0
"""Seconds from one exchange to the next."""
FIRST_PAUSE: Final = 60.0
"""Seconds at least until the next try after a failure; every further pause is twice as long."""
LONGEST_PAUSE: Final = 30 * 60.0
SEALING: Final = 60 * 60.0
"""Seconds at least between two times that the open segment is sealed, but for the lead's wish."""
GOODBYE: Final = 1.0
"""Seconds that `close` gives to an exchange that is going on."""
_REST: Final = 0.02
"""Seconds between two segments, in which the screen is not held up."""
_SUCCESS: Final = "synced.json"


class State(Struct, frozen=True):
    """How things stand with the handing over.

    Attributes:
        place: where to, as the lead has set it; empty for nowhere.
        busy: while an exchange is going on, how many segments of how many are handed over; (0, 0) until that is known.
        last_success: when everything was handed over and fetched, the time of an earlier start included.
        problem: what went wrong the last time, in a sentence; empty if nothing did.
        standing: how many records there are and are confirmed, as of the last try; None before the first.
        copied: whether somebody else goes on from a copy of the data folder.
        next_try: seconds until the next try by itself; None while one is going on, or without a place.
    """

    place: str = ""
    busy: tuple[int, int] | None = None
    last_success: datetime | None = None
    problem: str = ""
    standing: Standing | None = None
    copied: bool = False
    next_try: float | None = None


def pause_after(failures: int, chance: float) -> float:
    """Seconds until the next try after so many failures in a row.

    Between half of a time and all of it, which doubles with every failure: a thousand stations that lost the same
    server do not come back at the same moment.

    Args:
        failures: how many, from 1.
        chance: from 0 to 1.
    """
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 10))
    return longest / 2 * (1 + chance)


class SyncRoom:
    """Hands over in the background while the station is open.

    `state`, `now` and `use` may be called from any thread. Nobody waits for a server here, but the room's own thread.
    """

    def __init__(
        self,
        station: Station,
        *,
        changed: Callable[[], object] = lambda: None,
        open_place: Callable[..., Place] = place_at,
        exchange: Callable[..., Outcome] = exchange,
        elapsed: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Condition, float], object] = threading.Condition.wait,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Begins to wait for the first try.

        Args:
            station: the open station; this has to be closed before it.
            changed: is told, on any thread, that `state` says something else.
            open_place: gives the place of a URL, as `place_at` does.
            exchange: hands over and fetches, as `kiosk.sync.exchange` does.
            elapsed: seconds that only go forward: a clock that somebody sets neither stops nor hurries anything.
            wait: waits for the condition, at most so many seconds; tests have their own.
            chance: a random number from 0 to 1.
        """
        self._station, self._folder = station, station.folder
        self._changed, self._open_place, self._exchange = changed, open_place, exchange
        self._elapsed, self._wait, self._chance = elapsed, wait, chance
        self._condition = threading.Condition()
        self._closing = self._wished = self._moved = self._is_new = False
        self._failures = 0
        self._due = elapsed() + SOON * (0.5 + chance())
        self._may_seal: float | None = None
        self._state = State(place=read_place(self._folder), last_success=_read_success(self._folder))
        self._thread = threading.Thread(target=self._run, name="sync-room", daemon=True)
        self._thread.start()

    # --- from any thread --------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """How things stand now."""
        with self._condition:
            waits = self._state.place and self._state.busy is None
            return replace(self._state, next_try=max(0.0, self._due - self._elapsed()) if waits else None)

    def now(self) -> None:
        """Hands over at once, and seals what is open before: the lead wishes it."""
        with self._condition:
            self._wished = True
            self._condition.notify_all()

    def use(self, url: str) -> None:
        """Hands over to another place from now on, the first time at once; nowhere, if it is empty.

        Raises:
            OSError: if the place could not be kept; the one before counts on.
        """
        save_place(self._folder, url)
        with self._condition:
            self._moved = self._is_new = self._wished = True  # an exchange with the place before ends
            self._set(place=url, problem="", copied=False)
            self._failures = 0
            self._condition.notify_all()
        self._tell_changed()

    def close(self) -> None:
        """Ends the thread; one that hangs at a server is left, and goes no further than the file at which it is."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(GOODBYE)

    # --- on the room's thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        while self._is_time():
            self._try()
            self._tell_changed()

    def _is_time(self) -> bool:
        """Waits until it is time for a try; False when closing."""
        with self._condition:
            while not self._closing:
                left = self._due - self._elapsed()
                if self._wished or left <= 0:
                    return True
                self._wait(self._condition, left)
            return False

    def _try(self) -> None:
        with self._condition:
            wished, is_new = self._wished, self._is_new
            self._wished = self._moved = False
        url = read_place(self._folder)  # `kiosk sync` may have set it beside this
        outcome = Outcome()
        try:
            self._set(place=url, busy=(0, 0) if url else None)
            if url:
                self._tell_changed()
                self._look()
                outcome = self._hand_over(url, wished=wished, is_new=is_new)
                self._look()
        except KioskError as error:
            outcome.problems.append(str(error))
        except OSError as error:
            sentence = _("Handing over was not possible: {error}.")
            outcome.problems.append(sentence.format(error=cause(error)))
        except BaseException as error:  # a panic of a library in Rust is no Exception, and must not end this either
            crashlog.note(self._folder, error, self._station.clock())
            outcome.problems.append(_("Handing over went wrong within the kiosk. Please tell headquarters."))
        self._conclude(url, outcome)

    def _hand_over(self, url: str, *, wished: bool, is_new: bool) -> Outcome:
        with _alone(self._folder):
            # Only when the lead has just named it is a folder made there: where a stick was pulled out later, a folder
            # of its name on the machine's own disk would look like it.
            place = self._open_place(url, Credentials.find(self._folder), make=is_new)
            try:
                with self._condition:
                    self._is_new = self._is_new and self._moved
                unsealed = self._seal(wished=wished)
                how = {"progress": self._progress, "cancelled": self._is_cancelled}
                outcome = self._exchange(self._folder, place, self._station.clock(), **how)
            finally:
                place.close()
        if "campaigns" in outcome.taken and not self._closing:
            self._station.take_campaigns()
        outcome.problems += [unsealed] if unsealed else []
        return outcome

    def _seal(self, *, wished: bool) -> str:
        """Seals what is open, if it is time; only once the place is there, lest a long absence leave many segments."""
        now = self._elapsed()
        if self._may_seal is None:
            self._may_seal = now + SEALING - min(SEALING, self._since_sealed())
        if self._closing or (now < self._may_seal and not wished):
            return ""
        try:
            self._station.seal()
        except KioskError as error:  # what is sealed already is handed over all the same
            return str(error)
        self._may_seal = now + SEALING
        return ""

    def _since_sealed(self) -> float:
        """Seconds since the newest segment was sealed, before this start too; long ago, where the clocks disagree."""
        with suppress(OSError):
            newest = max(
                (path.stat().st_mtime for path in (self._folder / "records" / "sealed").iterdir()), default=0.0
            )
            since = self._station.clock().timestamp() - newest
            return since if since >= 0 else SEALING
        return SEALING

    def _conclude(self, url: str, outcome: Outcome) -> None:
        """Takes in how the try ended, and decides when the next one comes."""
        with self._condition:
            self._set(busy=None)
            if self._closing or self._moved:
                return  # cut off: nothing is said of it
            now, problem = self._elapsed(), outcome.problems[0] if outcome.problems else ""
            self._failures = self._failures + 1 if problem else 0
            self._due = now + (pause_after(self._failures, self._chance()) if problem else EVERY)
            # A try that was cut short has not looked whether there is a copy.
            copied = outcome.copied or (bool(problem) and self._state.copied)
            self._set(problem=problem, copied=copied and bool(url))
        if url and not problem:
            at = self._station.clock()
            self._set(last_success=at)
            with suppress(OSError):  # then it is known until the next start only
                write_durably(self._folder / _SUCCESS, _said(at), self._folder / "tmp")

    def _look(self) -> None:
        with suppress(OSError):
            self._set(standing=standing(self._folder))

    def _progress(self, done: int, of: int) -> None:
        self._set(busy=(done, of))
        self._tell_changed()
        with self._condition:
            self._condition.wait_for(self._is_cancelled, _REST)

    def _is_cancelled(self) -> bool:
        return self._closing or self._moved

    def _set(self, **values: Any) -> None:
        with self._condition:
            self._state = replace(self._state, **values)

    def _tell_changed(self) -> None:
        with suppress(Exception):
            self._changed()


# --- one at a time --------------------------------------------------------------------------------------------------

_going_on: Final[set[Path]] = set()
"""The data folders with which an exchange is going on in this process: one that hangs may outlive its room."""
_looking: Final = threading.Lock()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While it lasts, no other exchange of this process has the folder.

    Raises:
        RemoteError: if one has it already.
    """
    with _looking:
        if folder in _going_on:
            raise RemoteError(_("The try before this one still waits for an answer."))
        _going_on.add(folder)
    try:
        yield
    finally:
        with _looking:
            _going_on.discard(folder)


# --- the last success -----------------------------------------------------------------------------------------------


def _said(at: datetime) -> bytes:
    return canonical(with_sum({"at": timestamp(at)}))


def _read_success(folder: Path) -> datetime | None:
    """When everything was handed over the last time; None if that is not known."""
    try:
        found = parse_json((folder / _SUCCESS).read_bytes())
        at = datetime.fromisoformat(found["at"]) if is_as_written(found, ("at",)) else None
        return at if at is not None and at.tzinfo else None
    except (OSError, ValueError, KeyError, TypeError, RecordError):
        return None
