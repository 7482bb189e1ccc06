"""What lies at a place under the names that are wanted, opened and checked: by threads, or by processes if it pays."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from kiosk.errors import KioskError
from kiosk.hq.keys import HqKeys, opener_for
from kiosk.hq.opening import open_plain, open_published
from kiosk.hq.quarantine import Bad
from kiosk.hq.rows import Opened
from kiosk.published import Refused
from kiosk.remote import Credentials, Missing, Place, Unusable, place_at

_MANY: Final = 64
"""From so many objects on it pays to open them in several processes."""
_READERS: Final = 8
"""Heads are small; what takes time is the way to a server and back."""


class Objects:
    """The objects of one place; `close` ends what opens them."""

    def __init__(self, place: Place, keys: HqKeys, *, again: tuple[str, Credentials] | None) -> None:
        """Begins nothing yet.

        Args:
            place: the place.
            keys: headquarters'.
            again: URL and credentials by which another process gets to the place; None if none can.
        """
        self._place, self._again = place, again
        self._identities = keys.identities()
        self._opener = opener_for(self._identities)
        self._readers = ThreadPoolExecutor(_READERS)
        self._processes: ProcessPoolExecutor | None = None

    def read(self, names: Iterable[str], read: Callable[[str], bytes | None]) -> Iterator[bytes | None]:
        """What `read` gives for each name, several at once, in their order."""
        return self._readers.map(read, names)

    def opened(self, names: Sequence[str], *, plain: bool) -> Iterator[Opened | Bad | None]:
        """What lies under these names: checked segments, what is wrong with them, or None where nothing is.

        They are begun to be opened now, and given in their order.
        """
        if len(names) < _MANY or self._again is None or (os.cpu_count() or 1) < 2:
            return self._readers.map(lambda name: _open_one(self._place, name, self._opener, plain=plain), names)
        if self._processes is None:
            start = (*self._again, self._identities)
            self._processes = ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _begin_worker, start)
        return self._processes.map(partial(_work, plain=plain), names, chunksize=4)

    def close(self) -> None:
        """Ends what opens objects."""
        self._readers.shutdown(cancel_futures=True)
        if self._processes is not None:
            self._processes.shutdown(cancel_futures=True)


def _open_one(place: Place, name: str, opener: Callable[[bytes], bytes] | None, *, plain: bool) -> Opened | Bad | None:
    try:
        content = place.read(name)
    except Missing:
        return None
    except Unusable as error:
        return Bad(name, "unreadable", str(error), b"")
    try:
        return open_plain(Path(name.rpartition("/")[2]), content) if plain else open_published(name, content, opener)
    except Refused as error:
        return Bad(name, error.kind, str(error), content)
    except KioskError as error:
        return Bad(name, "unreadable", str(error), content)


_worker: dict[str, Any] = {}


def _begin_worker(url: str, credentials: Credentials, identities: Sequence[str]) -> None:
    os.nice(5)  # whoever writes into the database goes first: there is one of it, and the others are ahead
    gc.disable()  # it looks again and again through millions of rows that nothing can free
    _worker["place"], _worker["opener"] = place_at(url, credentials, make=False), opener_for(identities)


def _work(name: str, *, plain: bool) -> Opened | Bad | None:
    return _open_one(_worker["place"], name, _worker["opener"], plain=plain)
