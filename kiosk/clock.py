"""The time of a station: the machine's, as far as it can be believed, and when it jumped.

A board without a battery starts in 1970, or where its image was built; a radio or a person sets a clock while the kiosk
runs. No time is ever corrected here. What is told is that the clock jumped, and from where to where: the station notes
it in its log, and whoever was there at the time has minutes that somebody has to look at.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from kiosk.records import SHANGHAI

Clock = Callable[[], datetime]
"""Gives the time (aware)."""
Elapsed = Callable[[], float]
"""Gives seconds that only go forward, whatever the clock shows."""
EARLIEST: Final = datetime(2021, 1, 1, tzinfo=SHANGHAI)
"""There was no kiosk before: a clock that shows an earlier time has lost it."""
JUMP: Final = timedelta(minutes=1)
"""How far a clock may be from where it should be: service is counted in whole minutes."""


def system_clock() -> datetime:
    """The time of the machine."""
    return datetime.now(SHANGHAI)


def since_boot() -> float:
    """Seconds since the machine was started, those included in which it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


_MACHINE: Final = system_clock
"""The clock of which it is known how much time has really passed."""


class Jump(Struct, frozen=True):
    """A clock that was somewhere else than it should have been.

    Attributes:
        expected: what it should have shown; at a start that is at least the time of the newest record.
        shown: what it showed.
    """

    expected: datetime
    shown: datetime


class StationClock:
    """Gives the time that a station records with.

    While the station is open it follows the machine's clock wherever that is set to. Where that has lost the time at
    the start, the station's goes on from the newest record until somebody sets the machine's, so that who was on duty
    before a power cut is still on duty after it.
    """

    def __init__(self, clock: Clock, elapsed: Elapsed | None = None) -> None:
        """Makes the clock.

        Args:
            clock: the machine's.
            elapsed: tells how much time has really passed; by default the machine's, and for another clock than the
                machine's none, which is then believed.
        """
        self._clock = clock
        self._elapsed = elapsed or (since_boot if clock is _MACHINE else None)
        self._lock = threading.Lock()
        self._behind = timedelta()
        self._jumps: list[Jump] = []
        self._look()

    def _look(self) -> None:
        self._shown, self._at = self._clock(), self._elapsed() if self._elapsed else 0.0

    def __call__(self) -> datetime:
        """The time to record with (aware)."""
        with self._lock:
            before, at = self._shown, self._at
            self._look()
            if self._elapsed is not None:
                expected = before + timedelta(seconds=self._at - at)
                if abs(self._shown - expected) > JUMP:
                    self._jumps.append(Jump(expected + self._behind, self._shown))
                    self._behind = timedelta()  # somebody has set it, and knows better
            return self._shown + self._behind

    def start_after(self, newest: datetime) -> None:
        """Takes in when the newest record was made: a clock that has lost the time starts there.

        A later clock that is before that record may be right, and the record's wrong; that is a jump, and followed.
        """
        with self._lock:
            self._look()
            if newest - self._shown > JUMP:
                self._jumps = [Jump(newest, self._shown)]
            if self._shown < EARLIEST:
                self._behind = max(newest - self._shown, timedelta())

    @property
    def is_behind(self) -> bool:
        """Whether the machine's clock has lost the time, and nobody has set it yet."""
        return self._behind > JUMP

    def take_jumps(self) -> list[Jump]:
        """The jumps that were not taken before."""
        with self._lock:
            jumps, self._jumps = self._jumps, []
        return jumps
