"""Hands a station's sealed segments over, and fetches what headquarters answers: receipts, directory, campaigns.

It takes no lock and works beside a running kiosk: what is sealed is never changed but to take out what is forgotten.
What lies at the place itself says what was handed over there, so that sticks may be swapped and a try that was cut off
goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from kiosk import published
from kiosk.audit import RECEIPT
from kiosk.campaign_files import take_campaigns
from kiosk.canonical import canonical, is_as_written, parse_json, with_sum
from kiosk.durable import make_folder, write_durably
from kiosk.errors import KioskError, RecordError
from kiosk.forgetting import Rewritten, rewritten
from kiosk.i18n import _
from kiosk.keys import Keys
from kiosk.published import End, Envelope, Head, Receipt, Refused
from kiosk.records import timestamp
from kiosk.remote import Missing, Place, RemoteError, Unusable
from kiosk.segments import OPEN, Sealed, Unreadable, check_within, parse_segment, read_segment, sealed_segments
from kiosk.settings import Settings, read_settings
from kiosk.trust import KeysError, NotSigned

_PLACE: Final = "sync.json"
_UNKNOWN: Final = 2**50
"""How many count as rewritten before a list that cannot be read: more than in any list that can."""
_ENOUGH: Final = 3
"""So many failures one after the other, and the place counts as gone for this time."""


# --- where to -------------------------------------------------------------------------------------------------------


def read_place(folder: Path) -> str:
    """The URL that the station hands its segments over to, as the lead has set it; empty for none."""
    try:
        found = parse_json((folder / _PLACE).read_bytes())
        return str(found["url"]) if is_as_written(found, ("url",)) else ""
    except (OSError, ValueError, KeyError, TypeError, RecordError):
        return ""


def save_place(folder: Path, url: str) -> None:
    """Keeps the URL.

    Raises:
        OSError: if it could not be made durable.
    """
    write_durably(folder / _PLACE, canonical(with_sum({"url": url})), folder / "tmp")


# --- what is confirmed ----------------------------------------------------------------------------------------------


def read_receipt(folder: Path) -> Receipt | None:
    """The newest receipt that the station has taken in."""
    try:
        hq = Keys(folder / "keys", folder / "tmp").hq
        return Receipt.read((folder / RECEIPT).read_bytes(), hq)
    except (OSError, KeysError):
        return None


class Standing(Struct, frozen=True):
    """How many records a station has, and how many of them headquarters holds."""

    records: int
    confirmed: int

    @property
    def unconfirmed(self) -> int:
        """How many headquarters has not confirmed."""
        return self.records - self.confirmed


def standing(folder: Path) -> Standing:
    """How a station stands, as its files say."""
    last: dict[str, int] = {}
    for segment in sealed_segments(folder):
        last[segment.epoch] = max(segment.last_seq, last.get(segment.epoch, 0))
    with suppress(Unreadable, OSError):
        open_ = read_segment(folder / "records" / OPEN)
        last[open_.epoch] = max(open_.next_seq - 1, last.get(open_.epoch, 0))
    receipt = read_receipt(folder)
    held = receipt.held if receipt else {}
    return Standing(sum(last.values()), sum(min(seq, held.get(epoch, 0)) for epoch, seq in last.items()))


# --- one exchange ---------------------------------------------------------------------------------------------------


class Outcome(Struct):
    """What an exchange has brought.

    Attributes:
        published: how many segments were handed over.
        taken: what was new from headquarters: `receipt`, `directory`, `campaigns`.
        problems: what went wrong, each in a sentence; the first is the one to be shown.
        copied: whether somebody else goes on from a copy of this folder.
    """

    published: int = 0
    taken: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    copied: bool = False


Progress = Callable[[int, int], object]
"""Is told how many segments of how many are handed over."""


def exchange(
    folder: Path,
    place: Place,
    now: datetime,
    *,
    progress: Progress = lambda done, of: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Hands over what is sealed and not there yet, and fetches what headquarters has to say.

    One thing that fails does not stop the others; the next call goes on where this one has stopped.

    Args:
        folder: the data folder.
        place: where to.
        now: the time (aware).
        progress: is told how far it is.
        cancelled: asked between two files.

    Raises:
        KioskError: if there is no station, or its key cannot be read.
    """
    return _Exchange(folder, place, now, progress, cancelled).run()


class _Exchange:
    def __init__(
        self, folder: Path, place: Place, now: datetime, progress: Progress, cancelled: Callable[[], bool]
    ) -> None:
        self._folder, self._place, self._now = folder, place, now
        self._progress, self._cancelled = progress, cancelled
        self._settings: Settings = read_settings(folder)
        self._keys = Keys(folder / "keys", folder / "tmp")
        self._key = self._keys.public
        self._outcome = Outcome()
        self._failures = 0

    def run(self) -> Outcome:
        sealed = sealed_segments(self._folder)
        # Before anything is read: what is taken out meanwhile comes the next time. Unknown, it may be everything.
        listed = rewritten(self._folder) or Rewritten(tuple(each.path.name for each in sealed), _UNKNOWN)
        try:
            known, content = self._head()
            receipt = self._fetch_receipt()
            wanted = self._wanted(sealed, listed, known, content, receipt)
            missing = self._publish(wanted)
            if not self._cancelled():
                self._write_head(self._next_head(sealed, listed, known, missing), known)
            self._fetch_answers()
        except RemoteError as error:
            self._outcome.problems.append(str(error))
        # That the place itself is gone says more than what could not be done there.
        self._outcome.problems = list(dict.fromkeys(self._outcome.problems))
        return self._outcome

    # --- out --------------------------------------------------------------------------------------------------------

    def _head(self) -> tuple[Head | None, bytes]:
        """What the place says was handed over; None if nothing, or nothing that can be believed."""
        try:
            content = self._place.read(published.head_name(self._settings.station))
        except (Missing, Unusable):
            return None, b""
        try:
            head = Head.read(content)
        except Refused:  # cut off, or nonsense: it is written anew, once everything is there
            return None, content
        if head.station != self._settings.station or head.key != self._key:
            return None, content
        return head, content

    def _wanted(
        self,
        sealed: Sequence[Sealed],
        listed: Rewritten,
        head: Head | None,
        content: bytes,
        receipt: Receipt | None,
    ) -> list[Sealed]:
        """The segments that are to be handed over, the oldest first."""
        ends = {end.epoch: end for end in head.ends} if head else {}
        mine = {(each.epoch, each.number, each.hash) for each in sealed}
        ends = {epoch: end for epoch, end in ends.items() if (epoch, end.number, end.hash) in mine}
        again = listed.since(head.rewritten if head else 0)
        # Headquarters has seen just this head, and lacks what it names: so it was lost on the way.
        lacks = receipt is not None and bool(content) and receipt.head == hashlib.sha256(content).hexdigest()
        held = receipt.held if receipt else {}
        there = set() if head else self._there()
        found = []
        for each in sealed:
            name = self._name(each)
            end = ends.get(each.epoch)
            named = end is not None and each.number <= end.number and head is not None and name not in head.missing
            lies_there = named or (name in there and self._is_whole(name))
            # Written again only if it really is: headquarters may lack it for other reasons.
            is_lost = lacks and each.last_seq > held.get(each.epoch, 0) and not self._is_whole(name)
            if not lies_there or is_lost or each.path.name in again:
                found.append(each)
        return found

    def _name(self, each: Sealed) -> str:
        return published.segment_name(self._settings.station, each.epoch, each.number, each.hash)

    def _there(self) -> set[str]:
        """What seems to lie there already: a hint that is looked into before it is believed."""
        return set(self._place.files(self._settings.station))

    def _is_whole(self, name: str) -> bool:
        try:
            envelope = published.open_envelope(self._place.read(name))
        except (Refused, RemoteError):
            return False
        return envelope.name == name and envelope.key == self._key

    def _publish(self, wanted: Sequence[Sealed]) -> set[Path]:
        """Hands segments over; returns those that could not be."""
        missing = {each.path for each in wanted}
        for done, each in enumerate(wanted):
            self._progress(done, len(wanted))
            if self._cancelled():
                break
            try:
                content = self._enveloped(each)
            except FileNotFoundError:
                continue
            except (Unreadable, OSError):
                sentence = _("{file} is damaged and was not handed over; please tell headquarters.")
                self._outcome.problems.append(sentence.format(file=f"records/sealed/{each.path.name}"))
                continue
            try:
                self._place.write(self._name(each), content)
            except RemoteError as error:
                self._outcome.problems.append(str(error))
                self._failures += 1
                if self._failures >= _ENOUGH:
                    raise
                continue
            self._failures = 0
            self._outcome.published += 1
            missing.discard(each.path)
        self._progress(len(wanted), len(wanted))
        return missing

    def _enveloped(self, each: Sealed) -> bytes:
        content = each.path.read_bytes()
        segment = parse_segment(each.path, content)
        for finding in check_within(segment, self._settings.station):
            raise Unreadable(finding.problem)
        encrypted, body = self._keys.encrypt_to_hq(content)
        envelope = Envelope(
            self._settings.station, each.epoch, each.number, each.hash, self._key, body, encrypted=encrypted
        )
        return published.enclose(envelope, self._keys.sign)

    def _next_head(self, sealed: Sequence[Sealed], listed: Rewritten, before: Head | None, missing: set[Path]) -> Head:
        ends = {
            each.epoch: End(each.epoch, each.number, each.hash, each.last_seq)
            for each in sealed
            if each.path not in missing
        }
        gone = (
            each
            for each in sealed
            if each.path in missing and each.epoch in ends and each.number < ends[each.epoch].number
        )
        known = {(each.epoch, each.number, each.hash) for each in sealed}
        told = (*before.ends, *before.others) if before else ()
        others = tuple(dict.fromkeys(end for end in told if (end.epoch, end.number, end.hash) not in known))
        self._outcome.copied = bool(others)
        again = missing & {each.path for each in sealed if each.path.name in listed.names}
        where = self._settings
        return Head(
            where.station,
            where.name,
            where.street,
            where.community,
            timestamp(self._now),
            tuple(ends.values()),
            others,
            tuple(self._name(each) for each in gone),
            before.rewritten if again and before else 0 if again else listed.count,
        )

    def _write_head(self, head: Head, before: Head | None) -> None:
        if before is not None and replace(before, at=head.at, key=head.key) == head:
            return  # nothing has changed, and a head is what headquarters looks at
        content = head.sign(self._key, self._keys.sign)
        self._place.write(published.head_name(self._settings.station), content)

    # --- in ---------------------------------------------------------------------------------------------------------

    def _fetch_receipt(self) -> Receipt | None:
        """Takes headquarters' receipt in; returns the newest."""
        known = read_receipt(self._folder)
        with suppress(NotSigned, KeysError, Missing, Unusable, OSError):
            content = self._place.read(published.receipt_name(self._settings.station))
            told = Receipt.read(content, self._keys.hq)
            if told.station == self._settings.station and told.number > (known.number if known else 0):
                make_folder((self._folder / RECEIPT).parent)
                write_durably(self._folder / RECEIPT, content, self._folder / "tmp")
                self._outcome.taken.append("receipt")
                return told
        return known

    def _fetch_answers(self) -> None:
        """Takes in what headquarters tells all stations: one that cannot be taken does not keep the other out."""
        if not self._keys.knows_hq:
            return
        for name, take in ((published.DIRECTORY, self._take_directory), (published.CAMPAIGNS, self._take_campaigns)):
            if self._cancelled():
                return
            try:
                content = self._place.read(name)
                if take(content):
                    self._outcome.taken.append(name.rpartition("/")[2])
            except Missing:
                continue
            except (KioskError, OSError) as error:
                said = str(error) if isinstance(error, KioskError) else _("This could not be saved.")
                self._outcome.problems.append(f"{name}: {said}")

    def _take_directory(self, content: bytes) -> bool:
        before = self._keys.others().number
        return self._keys.take_directory(content).number > before

    def _take_campaigns(self, content: bytes) -> bool:
        return bool(take_campaigns(self._folder, content, self._keys.hq))
