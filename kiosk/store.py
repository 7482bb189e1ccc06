"""The station's log: append, seal, recover. The only module that imports TinyDB.

One process writes (an exclusive lock on the data folder), in one thread at a time. `append` returns when its records
would survive a power cut, all of them or none. What it cannot read it sets aside untouched, and goes on under a new
epoch. It knows nothing of volunteers, rules or keys.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from kiosk.canonical import canonical, parse_json, with_sum
from kiosk.durable import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    FolderLock,
    make_folder,
    move_durably,
    sync_folder,
    unused,
    write_durably,
)
from kiosk.errors import NotSaved
from kiosk.i18n import _
from kiosk.records import FORMAT_VERSION, ZEROS, Draft, Record, seal_record, segment_hash, service_day
from kiosk.segments import (
    NEWEST,
    OPEN,
    Log,
    Segment,
    check_links,
    check_within,
    epochs_over,
    falls_short,
    newest_number,
    sealed_name,
    tail_of,
    whole_log,
)

if TYPE_CHECKING:
    from tinydb import TinyDB

SEGMENT_SIZE: Final = 200
"""Records in a full segment: rewriting it costs about a millisecond, however long the station has been running."""


class DurableStorage:
    """A storage for TinyDB whose `write` returns when the content would survive a power cut.

    It has the methods of `tinydb.storages.Storage`, and is none, for TinyDB is read in when something is written.
    Temporary file, fsync, rename, fsync of the folder. The content is cached; the cache is dropped before each write,
    so that after a failed one the next read sees what the file really holds.
    """

    def __init__(self, path: Path | str, temporary: Path | str | None = None) -> None:
        """Prepares the storage; nothing is read or created yet.

        Args:
            path: the file.
            temporary: a folder on the same file system for files in the making; by default the file's own.
        """
        self._path = Path(path)
        self._temporary = Path(temporary) if temporary is not None else self._path.parent
        self._cache: dict[str, dict[str, Any]] | None = None

    def read(self) -> dict[str, dict[str, Any]] | None:
        """All tables, or None if there is no file.

        Raises:
            ValueError: if the file is empty or not JSON: that is damage, not a new database.
            OSError: if it cannot be read.
        """
        if self._cache is None:
            try:
                content = self._path.read_bytes()
            except FileNotFoundError:
                return None
            tables = parse_json(content)
            if not isinstance(tables, dict):
                raise ValueError(f"{self._path.name} is not a TinyDB file")
            self._cache = tables
        return self._cache

    def write(self, data: Mapping[str, Mapping[str, Any]]) -> None:
        """Replaces the file's content by `data`, whose values are such that `canonical` takes them.

        Raises:
            OSError: if it could not be made durable.
        """
        self._cache = None
        write_durably(self._path, msgspec.json.encode(data), self._temporary)
        self._cache = {name: dict(table) for name, table in data.items()}

    def close(self) -> None:
        """Forgets the cached content."""
        self._cache = None


class Store:
    """A station's log, open for writing.

    Attributes:
        epoch: the epoch in which records are written now.
        set_aside: names of the files that were set aside when the log was opened.
        missing: the number of a segment of the epoch `ended` that held a record once and is no longer there, or None.
        behind: of the epoch `ended`, the last seq that was acknowledged and the last that is there, if they differ.
        before: where all of the lost epoch is gone, the one before it and its last seq.
        resumed: an epoch that the settings named although it was over, or None.
        ended: the epoch that could not be continued when the log was read last, or None.
        sealed: the sealed segments that whoever gave `read` does not know yet, in the order of the log; they empty it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        station: str,
        epoch: str,
        save_epoch: Callable[[str], None],
        segment: int = 0,
        save_segment: Callable[[int], None] = lambda number: None,
        anew: bool = False,
        read: Callable[[Path], Log] = whole_log,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Takes the lock and finds the end of the log.

        Args:
            folder: the data folder.
            station: the station's id.
            epoch: the epoch in force, as the station's settings have it.
            save_epoch: makes a new epoch durable in the station's settings.
            segment: the number of the newest segment of the epoch that is known to hold a record, 0 for none.
            save_segment: makes that number durable, once a segment.
            anew: begins a new epoch after this one, whatever is found.
            read: reads the log, or as much of it as is not known already.
            entropy: gives n random bytes.

        Raises:
            StoreBusy: if another process is writing.
            OSError: if the folder cannot be used.
        """
        self.epoch = epoch
        self.set_aside: list[str] = []
        self.missing: int | None = None
        self.behind: tuple[int, int] | None = None
        self.before: tuple[str, int] | None = None
        self.resumed: str | None = None
        self.ended: str | None = None
        self._folder = folder
        self._records = folder / "records"
        self._temporary = folder / "tmp"
        self._station = station
        self._save_epoch = save_epoch
        self._known_segment = segment
        self._save_segment = save_segment
        self._anew = anew
        self._entropy = entropy
        make_folder(folder)
        self._lock = FolderLock(folder)
        self._db: TinyDB | None = None
        self._in_doubt = False
        self._doubtful: set[str] = set()
        self._late: dict[str, Record] = {}
        self._untold: list[Record] = []
        self._lost: tuple[str, int] | None = None
        self.sealed: list[Segment] = []
        self._read = read
        try:
            self.find_end()
            for leftover in self._temporary.iterdir():
                with suppress(OSError):  # whatever it is, it is in nobody's way
                    leftover.unlink()
        except BaseException:
            self._lock.release()
            raise

    # --- where the log ends -----------------------------------------------------------------------------------------

    def find_end(self) -> None:
        """Reads the folder anew: everything that the writer believes comes from what is on the disk."""
        self._db = None
        for name in ("records", "records/sealed", "tmp", "set-aside", "cache"):
            if not (self._folder / name).is_dir():
                (self._folder / name).mkdir(mode=PRIVATE_FOLDER)
        # What was just made, or what a crash or a failed write left, would perhaps not survive a power cut.
        # The folder into which a segment moves comes before the one that it leaves: in between it is in one of them.
        for path in (self._records / "sealed", self._records, self._folder):
            sync_folder(path)
        log = self._without_forgeries(self._read(self._folder))
        segments = list(log.segments)
        open_ = next((segment for segment in segments if segment.number is None), None)
        mine = [segment for segment in segments if segment.epoch == self.epoch]
        tail = log.tail if log.tail and log.tail.epoch == self.epoch else None
        # An older station.json: whatever it says of the epoch, its numbers may be in what was set aside when it ended.
        wrong = bool(open_ and check_within(open_, self._station))
        over = self.epoch in epochs_over([each for each in segments if each is not open_ or not wrong], log.tail)
        gone = not over and newest_number(mine, log.unreadable, tail) < self._known_segment
        behind = None if over or gone or log.unreadable else falls_short(self._folder, self.epoch, mine, tail)
        if (
            over
            or gone  # its numbers must not be given again
            or behind
            or (self._anew and (mine or tail))
            or log.unreadable
            or (open_ and (open_.epoch != self.epoch or wrong))
            or any(check_links(mine, tail))
        ):
            self.behind = behind
            if over:
                self.resumed = self.epoch
            self._begin_epoch(segments, open_, log, gone)
            open_, mine, tail = None, [], None
        elif open_:
            mine.remove(open_)
        if open_ is None and (self._records / OPEN).exists():
            # A power cut while it was sealed left one content under two names.
            (self._records / OPEN).unlink()
            sync_folder(self._records)
        self._segments = segments
        self.sealed = [segment for segment in segments if segment.number is not None]
        self._number = (tail.number if tail else 0) + len(mine) + 1
        self._header = open_.header if open_ else None
        self._open = list(open_.records) if open_ else []
        for segment in mine:
            tail = tail_of(segment, tail)
        self._prev_segment = tail.hash if tail else ZEROS
        self._prev = self._open[-1].hash if self._open else tail.last if tail else ZEROS
        self._seq = open_.next_seq if open_ else tail.next_seq if tail else 1
        epochs = {segment.epoch for segment in segments} | {tail.epoch for tail in [log.tail] if tail}
        if self._seq == 1 and self._lost is None and epochs - {self.epoch}:
            self._lost = self._last_known(log)  # the crash came before the new epoch had a record

    def _without_forgeries(self, log: Log) -> Log:
        """The log without sealed segments that can be read and do not hold what was written: they count for nothing."""
        sound, found = list[Segment](), list(log.unreadable)
        for segment in log.segments:
            wrong = check_within(segment, self._station) if segment.number is not None else []
            if wrong:
                found.append(wrong[0])
            else:
                sound.append(segment)
        return Log(sound, found, log.tail)

    def _last_known(self, log: Log) -> tuple[str, int]:
        """The newest epoch of which there is a record, and its last seq."""
        last = next((segment for segment in reversed(log.segments) if segment.records), None)
        known = (last.epoch, last.next_seq - 1) if last else log.tail.newest if log.tail else None
        return known or (self.epoch, 0)

    def _begin_epoch(self, segments: list[Segment], open_: Segment | None, log: Log, gone: bool) -> None:
        # The new epoch is durable before anything is moved: a crash in between must never lead to the old epoch being
        # continued without the records that could not be read.
        known = [record.seq for segment in segments if segment.epoch == self.epoch for record in segment.records]
        if log.tail and log.tail.epoch == self.epoch:
            known.append(log.tail.next_seq - 1)
        newest = self._last_known(log)
        unreadable = [finding.file for finding in log.unreadable]
        lost = (self.epoch, max(known)) if known else self._lost or newest
        if self.behind and known:
            lost = (self.epoch, self.behind[0])
        if self.resumed == self.epoch:
            lost = newest
        if gone and not known:
            # All of the epoch is gone, with it what it said of the one before: both must be named.
            lost, self.before = (self.epoch, 0), newest if newest[0] != self.epoch else None
        if gone and not any(self._may_be(name, self._known_segment) for name in unreadable):
            self.missing = self._known_segment
        epoch, ended = new_epoch(self._entropy), self.epoch
        self._save_epoch(epoch)
        self.ended, self._anew = ended, False
        number = self._known_segment - 1 if open_ and open_.epoch == ended and open_.records else 0
        self.epoch, self._lost, self._known_segment = epoch, lost, 0
        for name in unreadable:
            self._set_aside(self._folder / name)
        if open_ is None:
            return
        siblings = [segment for segment in segments if segment.epoch == open_.epoch and segment is not open_]
        tail = log.tail if log.tail and log.tail.epoch == open_.epoch else None
        follows = not any(finding.file == f"records/{OPEN}" for finding in check_links([*siblings, open_], tail))
        # What it should follow on may be what cannot be read. That is no fault of today's records.
        gap = open_.header["first_seq"] > max([tail.next_seq if tail else 1, *(s.next_seq for s in siblings)])
        place = segments.index(open_)
        if check_within(open_, self._station) or not (follows or gap):
            del segments[place]
            self._set_aside(open_.path)
        else:  # nothing is wrong with it but that its epoch is over
            number = max([number, tail.number if tail else 0, *(segment.number or 0 for segment in siblings)]) + 1
            path = self._records / "sealed" / sealed_name(number, open_.hash)
            move_durably(open_.path, path)
            segments[place] = replace(open_, path=path)

    @staticmethod
    def _may_be(name: str, number: int) -> bool:
        return name == f"records/{OPEN}" or name.startswith(f"records/sealed/{number:06d}-")

    def _set_aside(self, source: Path) -> None:
        move_durably(source, place_aside(self._folder, self.epoch, source.name))
        self.set_aside.append(source.name)

    @property
    def is_new(self) -> bool:
        """Whether the station has never written a record."""
        return self._seq == 1 and self._lost is None

    def lost_epoch(self) -> tuple[str, int] | None:
        """The epoch that could not be continued and the last seq known of it, until the new epoch has a record."""
        return self._lost if self._seq == 1 else None

    # --- reading ----------------------------------------------------------------------------------------------------

    def take_segments(self) -> Sequence[Segment]:
        """The segments that were read when the log was opened, in its order. They are handed out once, not kept."""
        segments, self._segments = self._segments, []
        return segments

    @property
    def last(self) -> Record | None:
        """The newest record of the log, as far as it was read and until its segments are taken."""
        if self._open:
            return self._open[-1]
        return next((segment.records[-1] for segment in reversed(self._segments) if segment.records), None)

    @property
    def newest(self) -> Iterator[Record]:
        """The records of the segments in `sealed`, then those of the open one."""
        for segment in self.sealed:
            yield from segment.records
        yield from self._open

    # --- writing ----------------------------------------------------------------------------------------------------

    def append(self, drafts: Sequence[Draft], *, at: datetime, campaign: tuple[str, int]) -> list[Record]:
        """Writes the drafts, all or none, and returns them as records when they would survive a power cut.

        Drafts whose ids are already there (a retry after a failure that came too late to undo) are not written twice.

        Args:
            drafts: what belongs together; at most `SEGMENT_SIZE`.
            at: when they are recorded (aware).
            campaign: id and version of the campaign in force.

        Raises:
            NotSaved: if they could not be made durable. A retry with the same drafts is safe.
        """
        try:
            self._database()
            there = self._late | {record.id: record for record in self._open}
            missing = [draft for draft in drafts if draft.id not in there]
            if not missing:
                return [there[draft.id] for draft in drafts]
            full = len(self._open) + len(missing) > SEGMENT_SIZE
            if self._open and (full or service_day(self._open[0].at) != service_day(at)):
                self._seal()
            self._begin_segment()
            fresh: list[Record] = []
            for draft in missing:
                prev = fresh[-1].hash if fresh else self._prev
                fresh.append(
                    seal_record(
                        draft,
                        station=self._station,
                        epoch=self.epoch,
                        seq=self._seq + len(fresh),
                        prev=prev,
                        at=at,
                        campaign=campaign,
                        entropy=self._entropy,
                    )
                )
            self._database().table("records").insert_multiple(record.document for record in fresh)
        except (OSError, ValueError) as error:
            # What the disk holds now is not known; the next append looks before it writes.
            self._in_doubt = True
            self._doubtful |= {draft.id for draft in drafts}
            raise NotSaved(_("This could not be saved. Please call the site lead."), drafts) from error
        self._note_segment()
        self._open += fresh
        self._prev = fresh[-1].hash
        self._seq += len(fresh)
        self._note_newest()
        there |= {record.id: record for record in fresh}
        return [there[draft.id] for draft in drafts]

    def settle(self) -> list[Record]:
        """After a write that failed, the records that reached the disk all the same, each told once; otherwise nothing.

        Raises:
            NotSaved: if the disk cannot be asked either. What is known of the log is then not fit to decide upon.
        """
        if self._in_doubt:
            try:
                self._database()
            except OSError as error:
                raise NotSaved(_("This could not be saved. Please call the site lead."), ()) from error
        told, self._untold = self._untold, []
        return told

    def _database(self) -> TinyDB:
        if self._in_doubt:
            self.find_end()
            self._in_doubt = False
            # Kept for good: a retry may come when they were sealed long ago.
            found = [r for segment in self._segments for r in segment.records if r.id in self._doubtful]
            self._untold += found
            self._late |= {record.id: record for record in found}
            self._doubtful.clear()
            self._segments = []
        if self._db is None:
            from tinydb import TinyDB  # no start need wait for it

            self._db = TinyDB(self._records / OPEN, storage=DurableStorage, temporary=self._temporary)
        return self._db

    def _begin_segment(self) -> None:
        if self._header is None:
            header = {
                "format": FORMAT_VERSION,
                "station": self._station,
                "epoch": self.epoch,
                "first_seq": self._seq,
                "prev": self._prev_segment,
            }
            self._database().table("segment").insert(header)
            self._header = header

    def _note_newest(self) -> None:
        content = canonical(with_sum({"epoch": self.epoch, "seq": self._seq - 1}))
        with suppress(OSError):
            # Over what it said before, and truncated only where that was longer: a file that is emptied first is one
            # that ext4 begins to write out as it is closed, which costs as much as a fifth of a record.
            descriptor = os.open(self._folder / NEWEST, os.O_WRONLY | os.O_CREAT, PRIVATE_FILE)
            try:
                os.write(descriptor, content)
                if os.fstat(descriptor).st_size > len(content):
                    os.ftruncate(descriptor, len(content))
            finally:
                os.close(descriptor)

    def _note_segment(self) -> None:
        if self._number > self._known_segment:
            # The records are durable; where only this fails, nobody need be told, and the next write tries it again.
            with suppress(OSError):
                self._save_segment(self._number)
                self._known_segment = self._number

    def _seal(self) -> None:
        assert self._header is not None
        hash_ = segment_hash([record.hash for record in self._open], self._header)
        path = self._records / "sealed" / sealed_name(self._number, hash_)
        move_durably(self._records / OPEN, path)
        self.sealed.append(Segment(path, self._header, tuple(self._open)))
        self._db = None
        self._number += 1
        self._prev_segment = hash_
        self._header = None
        self._open = []

    def seal(self) -> None:
        """Seals the open segment, if it holds a record.

        Raises:
            NotSaved: if that could not be made durable; no record is lost by it.
        """
        try:
            self._database()
            if self._open:
                self._seal()
        except (OSError, ValueError) as error:
            self._in_doubt = True
            raise NotSaved(_("The segment could not be sealed."), ()) from error

    def close(self) -> None:
        """Gives the lock back."""
        self._lock.release()


def place_aside(folder: Path, epoch: str, name: str) -> Path:
    """Where in a data folder a file is set aside, under the epoch; what lies there already stays."""
    return unused(folder / "set-aside" / f"{epoch}-{name}")


def new_epoch(entropy: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A random name for an epoch."""
    return entropy(8).hex()
