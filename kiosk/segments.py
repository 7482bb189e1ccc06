"""Reads and checks segment files, without TinyDB, without a lock, and without ever changing one.

A segment is one TinyDB file of consecutive records: `records/open.json` while it is written, then
`records/sealed/NNNNNN-<hash>.json`. The store writes them; whoever only wants to read or to check comes here.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from kiosk.canonical import canonical, is_as_written, parse_json
from kiosk.errors import KioskError, RecordError
from kiosk.i18n import _
from kiosk.records import FORMAT_VERSION, OBJECTS, ZEROS, Record, findings, segment_hash
from kiosk.settings import IN_THE_WAY
from kiosk.wording import cause

OPEN: Final = "open.json"
NEWEST: Final = "cache/newest.json"
"""Which record was acknowledged last."""
_SEALED_NAME: Final = re.compile(r"(\d{6})-([0-9a-f]{64})\.json")
HEADER: Final[Mapping[str, type]] = {"format": int, "station": str, "epoch": str, "first_seq": int, "prev": str}
"""The fields of a segment's one document in the table `segment`."""


class Unreadable(KioskError):
    """A file is no segment: cut off, empty, or not in the form of one."""


class NewerFormat(Unreadable):
    """A file is in a format that only a newer version of the kiosk reads."""


class Segment(Struct, frozen=True):
    """One segment file.

    Attributes:
        path: where it lies.
        header: the document in the table `segment`.
        records: in the order of the file.
    """

    path: Path
    header: Mapping[str, Any]
    records: tuple[Record, ...]

    @property
    def epoch(self) -> str:
        """The epoch that it belongs to."""
        return str(self.header["epoch"])

    @property
    def number(self) -> int | None:
        """Its number within the epoch, as its name says; None for the open one."""
        match = _SEALED_NAME.fullmatch(self.path.name)
        return int(match[1]) if match else None

    @property
    def hash(self) -> str:
        """Its hash, from its content."""
        return segment_hash([record.hash for record in self.records], self.header)

    @property
    def next_seq(self) -> int:
        """The seq that follows its last record."""
        return int(self.header["first_seq"]) + len(self.records)


def sealed_name(number: int, hash_: str) -> str:
    """The name of a sealed segment."""
    return f"{number:06d}-{hash_}.json"


def parse_segment(path: Path, content: bytes) -> Segment:
    """The segment in `content`.

    Raises:
        Unreadable: saying what is wrong.
    """
    if not content:
        raise Unreadable(_("The file is empty."))
    try:
        tables = parse_json(content)
        (header,) = tables["segment"].values()
        documents = list(tables.get("records", {}).values())
        # Other tables, or documents that are not numbered from 1 as TinyDB does, are damage that it would stumble over.
        for name, table in tables.items():
            if name not in ("segment", "records") or list(table) != [str(n + 1) for n in range(len(table))]:
                raise ValueError(name)
        canonical(header)  # nested too deeply, it would have no hash
    except (ValueError, KeyError, TypeError, AttributeError, RecordError) as error:
        raise Unreadable(_("The file is not a complete TinyDB file with the tables records and segment.")) from error
    if not isinstance(header, dict) or any(type(header.get(name)) is not kind for name, kind in HEADER.items()):
        raise Unreadable(_("The table segment does not hold what it must."))
    if header["format"] < 1:
        raise Unreadable(_("The table segment does not hold what it must."))
    if header["format"] > FORMAT_VERSION:
        raise NewerFormat(_("The file has the newer format {version}.").format(version=header["format"]))
    records = []
    for place, document in enumerate(documents, start=1):
        try:
            records.append(Record.from_json(document))
        except RecordError as error:
            raise Unreadable(_("Record {place} of the file: {problem}").format(place=place, problem=error)) from error
    return Segment(path, header, tuple(records))


def read_segment(path: Path) -> Segment:
    """The segment in the file `path`.

    Raises:
        Unreadable: if it is none, or cannot be read, twice: whoever takes a file for damaged puts it away.
        FileNotFoundError: if there is no such file.
    """
    for last in (False, True):
        try:
            return parse_segment(path, path.read_bytes())
        except FileNotFoundError:
            raise
        except OSError as error:
            if last:
                raise Unreadable(_("The file cannot be read: {error}.").format(error=cause(error))) from error
    raise AssertionError("the second time it is read or raises")


class Sealed(Struct, frozen=True):
    """A sealed segment as its name and the beginning of its file tell of it, unread otherwise.

    Attributes:
        path: where it lies.
        epoch, number, hash: which one it is.
        last_seq: the seq of its last record.
    """

    path: Path
    epoch: str
    number: int
    hash: str
    last_seq: int


_HEADER_FIRST: Final = re.compile(rb'\{"segment":\{"1":(\{[^{}]*\})\}')
"""How a segment file begins: the store writes the header before any record."""


def sealed_segments(folder: Path) -> list[Sealed]:
    """The sealed segments of a data folder, each epoch's in order; those of which nothing can be read are left out.

    Raises:
        OSError: if the folder cannot be listed.
    """
    found: dict[str, list[tuple[int, int, str, Path]]] = {}
    place = folder / "records" / "sealed"
    for path in sorted(place.iterdir()) if place.is_dir() else []:
        match = _SEALED_NAME.fullmatch(path.name)
        with suppress(OSError, Unreadable, ValueError, KeyError, TypeError):
            if match:
                header = _header(path)
                found.setdefault(header["epoch"], []).append((int(match[1]), header["first_seq"], match[2], path))
    sealed = []
    for epoch, segments in found.items():
        for place_, (number, first, hash_, path) in enumerate(segments):
            follows = place_ + 1 < len(segments) and segments[place_ + 1][0] == number + 1
            with suppress(OSError, Unreadable):
                last = segments[place_ + 1][1] - 1 if follows else read_segment(path).next_seq - 1
                sealed.append(Sealed(path, epoch, number, hash_, max(last, first - 1)))
    return sealed


def _header(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:
        match = _HEADER_FIRST.match(file.read(1000))
    header: Mapping[str, Any] = parse_json(match[1]) if match else read_segment(path).header
    if any(type(header.get(name)) is not kind for name, kind in HEADER.items()):
        raise Unreadable(_("The table segment does not hold what it must."))
    return header


def named_station(folder: Path) -> str | None:
    """The station of one segment that can be read, as its file begins, the open one first; None if there is none."""
    # There may be thousands, which nobody has to list who finds the first one.
    for path in chain((folder / "records" / OPEN,), (folder / "records" / "sealed").glob("*")):
        with suppress(OSError, Unreadable, ValueError, KeyError, TypeError):
            return str(_header(path)["station"])
    return None


def _unless_exhausted(error: Unreadable) -> Unreadable:
    """The error, if it says something of the file.

    Raises:
        OSError: if the process or the machine has no room for another open file: every file is unreadable then.
    """
    reason = error.__cause__
    if isinstance(reason, OSError) and reason.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        raise reason
    return error


class Finding(Struct, frozen=True):
    """Something wrong in the data folder: which file, which record (its seq, or None), and what, in a sentence."""

    file: str
    seq: int | None
    problem: str


class Tail(Struct, frozen=True):
    """Where a stretch of sealed segments ends: all that must be known of it to go on after it.

    Attributes:
        epoch, number, hash: of its last segment.
        next_seq: the seq that follows its last record.
        last: the hash of the last record of that epoch.
        newest: the newest epoch of which it holds a record, and that record's seq; None where it holds none.
        over: the epochs that are over, as far as it tells.
    """

    epoch: str
    number: int
    hash: str
    next_seq: int
    last: str
    newest: tuple[str, int] | None
    over: tuple[str, ...] = ()


def tail_of(segment: Segment, before: Tail | None = None) -> Tail:
    """The end of a stretch that ended with `before` and goes on with this sealed segment."""
    assert segment.number is not None
    last = before.last if before and before.epoch == segment.epoch else ZEROS
    newest = before.newest if before else None
    if segment.records:
        last, newest = segment.records[-1].hash, (segment.epoch, segment.next_seq - 1)
    over = epochs_over([segment], before)
    return Tail(segment.epoch, segment.number, segment.hash, segment.next_seq, last, newest, over)


def epochs_over(segments: Iterable[Segment], before: Tail | None = None) -> tuple[str, ...]:
    """The epochs that must not be gone on with: a later one has a record, or says that it began in their place.

    Args:
        segments: the log, in its order.
        before: the end of the stretch that they follow.
    """
    over = dict.fromkeys(before.over if before else ())
    newest = before.newest[0] if before and before.newest else None
    for segment in segments:
        if segment.records:
            ended = [newest, *_named_epochs(segment.records[0])]
            over |= dict.fromkeys(epoch for epoch in ended if epoch not in (None, segment.epoch))
            newest = segment.epoch
    return tuple(over)


class Log(Struct, frozen=True):
    """A station's log as it was read.

    Attributes:
        segments: those that could be read, in the order of the log.
        unreadable: what could not be read, or does not belong there.
        tail: the end of what was known before and was not read again; what was read follows it.
    """

    segments: Sequence[Segment]
    unreadable: Sequence[Finding]
    tail: Tail | None = None


def whole_log(folder: Path) -> Log:
    """The log of a data folder from its beginning."""
    return Log(*read_all(folder))


def newest_number(mine: Iterable[Segment], unreadable: Iterable[Finding], tail: Tail | None = None) -> int:
    """The number of the newest segment of an epoch that holds a record, 0 for none.

    Args:
        mine: the epoch's segments that can be read.
        unreadable: what cannot be read, which may be of that epoch, too.
        tail: the end of what is known of the epoch already.
    """
    mine = list(mine)
    names = (finding.file.rpartition("/")[2] for finding in unreadable)
    passed_over = (int(match[1]) for name in names if (match := _SEALED_NAME.fullmatch(name)))
    sealed = [tail.number if tail else 0, *(segment.number for segment in mine if segment.number), *passed_over]
    holding = (segment.number or max(sealed) + 1 for segment in mine if segment.records)
    return max(holding, default=tail.number if tail else 0)


def falls_short(folder: Path, epoch: str, mine: Iterable[Segment], tail: Tail | None = None) -> tuple[int, int] | None:
    """The last seq of an epoch that the station has acknowledged and the last that is there, if that is less.

    What was acknowledged is noted without waiting for the disk, so the note may lag behind after a power cut, but it
    never runs ahead: a log that has less was replaced by an older one.

    Args:
        folder: the data folder.
        epoch: the epoch.
        mine: its segments.
        tail: the end of what is known of it already.
    """
    named, last = _last_acknowledged(folder)
    there = max([tail.next_seq - 1 if tail else 0, *(segment.next_seq - 1 for segment in mine)])
    return (last, there) if named == epoch and there < last else None


def _last_acknowledged(folder: Path) -> tuple[str, int]:
    with suppress(OSError, ValueError, KeyError, TypeError, RecordError):
        found = parse_json((folder / NEWEST).read_bytes())
        if is_as_written(found) and type(found["seq"]) is int:
            return str(found["epoch"]), found["seq"]
    return "", 0


def names_an_ended_epoch(epoch: str) -> str:
    """What is said of a station.json whose epoch is over."""
    return _("The file is an older copy: it names epoch {epoch}, which has ended.").format(epoch=epoch)


def was_in_the_way() -> str:
    """What is said of what stood in the place of a folder of the kiosk."""
    return _("It was in the way of the kiosk and was set aside; please hand it to headquarters.")


def replaced_by_older(epoch: str, last: int, there: int) -> str:
    """What is said of an epoch that has fewer records than it had."""
    sentence = _("Epoch {epoch} had {last} records, and only {there} of them are there.")
    return sentence.format(epoch=epoch, last=last, there=there)


def follows(segments: Sequence[Segment], tail: Tail) -> bool:
    """Whether these segments, in the order of the log, all come after the stretch that ends with `tail`."""
    epochs = {tail.epoch: tail.next_seq}
    for segment in segments:
        begins = segment.epoch not in epochs and (not segment.records or _named_epoch(segment.records[0]) in epochs)
        if segment.header["first_seq"] < epochs.get(segment.epoch, 1) or not (segment.epoch in epochs or begins):
            return False
        epochs[segment.epoch] = segment.next_seq
    return True


def read_all(folder: Path, without: Container[str] = ()) -> tuple[list[Segment], list[Finding]]:
    """All segments of a data folder that can be read, in the order of the log, and what was found on the way.

    The open one comes last. It is read first: were it sealed in between, it would otherwise be missed; now it is seen
    twice, and counts once. What does not belong there is found, too.

    Args:
        folder: the data folder.
        without: names of sealed segments that need not be read.

    Raises:
        OSError: if no file can be opened at all, or a folder cannot be listed.
    """
    records = folder / "records"
    found: list[Finding] = []
    segments: list[Segment] = []
    try:
        segments.append(read_segment(records / OPEN))
    except FileNotFoundError:
        pass
    except Unreadable as error:
        found.append(Finding(f"records/{OPEN}", None, str(_unless_exhausted(error))))
    for path in sorted(records.glob("*")):
        if path.name not in (OPEN, "sealed"):
            found.append(Finding(f"records/{path.name}", None, _("This file does not belong here.")))
    there = os.listdir(records / "sealed") if (records / "sealed").is_dir() else []  # noqa: PTH208 - thousands of names
    for path in (records / "sealed" / name for name in sorted(there) if name not in without):
        name = f"records/sealed/{path.name}"
        if not _SEALED_NAME.fullmatch(path.name):
            found.append(Finding(name, None, _("This is not the name of a sealed segment.")))
            continue
        try:
            segment = read_segment(path)
        except FileNotFoundError:  # a link that leads nowhere
            found.append(Finding(name, None, _("The file is missing.")))
            continue
        except Unreadable as error:
            found.append(Finding(name, None, str(_unless_exhausted(error))))
            continue
        if segments and segments[0].path.name == OPEN and segments[0].header == segment.header:
            segments.pop(0)
            if _is_older(records / OPEN, segment):
                found.append(Finding(f"records/{OPEN}", None, _("This segment is sealed already.")))
        segments.append(segment)
    return _in_order(segments), found


def _is_older(path: Path, sealed: Segment) -> bool:
    """Whether `path` is another state of the sealed segment: not just renamed, nor cut off between its two names."""
    try:
        left = read_segment(path)
    except (FileNotFoundError, Unreadable):
        return False
    return left.header == sealed.header and left.hash != sealed.hash


def _in_order(segments: Iterable[Segment]) -> list[Segment]:
    by_epoch: dict[str, list[Segment]] = {}
    for segment in segments:
        by_epoch.setdefault(segment.epoch, []).append(segment)
    for same in by_epoch.values():
        same.sort(key=lambda segment: (segment.header["first_seq"], segment.number is None))
    firsts = {epoch: same[0].records[0] if same[0].records else None for epoch, same in by_epoch.items()}
    return [segment for epoch in by_age(firsts) for segment in by_epoch[epoch]]


def by_age(firsts: Mapping[str, Record | None]) -> list[str]:
    """The epochs of a log, the oldest first.

    Args:
        firsts: by epoch its first record, or None where it has none. It names the epoch before it; where that is lost,
            the time-ordered ids have to do.
    """
    before = {epoch: _named_epoch(first) for epoch, first in firsts.items()}
    ids = {epoch: first.id if first else "" for epoch, first in firsts.items()}
    placed: dict[str, None] = {}

    def place(epoch: str) -> None:
        older = before.get(epoch)
        if epoch in placed or epoch not in firsts:
            return
        before.pop(epoch, None)  # a circle, which only a forger can make, ends here
        if older:
            place(older)
        placed[epoch] = None

    for epoch in sorted(firsts, key=lambda name: ids[name]):
        place(epoch)
    return list(placed)


def _named_epoch(first: Record | None) -> str | None:
    named = _named_epochs(first) if first else []
    return named[-1] if named else None


def _named_epochs(record: Record) -> list[str]:
    """The epochs that a note says were before its own, the newest first.

    Where that is wholly gone, the note names the one before it, too.
    """
    if record.type != "station_noted" or record["note"] != "new_epoch":
        return []
    details = record["details"]
    before = details.get("before")
    told = (each.get("epoch") for each in (details, before) if isinstance(each, dict))
    return [epoch for epoch in told if isinstance(epoch, str)]


def _named(segment: Segment) -> str:
    """The file's path within the data folder, as a person is told it."""
    return f"records/{'sealed/' if segment.number is not None else ''}{segment.path.name}"


def _within(segment: Segment, name: str, station: str) -> Iterator[Finding]:
    """What is wrong inside one segment."""
    if segment.header["station"] != station:
        other = segment.header["station"]
        yield Finding(name, None, _("The file belongs to station {station}.").format(station=other))
    prev = None
    for place, record in enumerate(segment.records):
        seq = segment.header["first_seq"] + place
        if (record.station, record.epoch) != (segment.header["station"], segment.epoch):
            yield Finding(name, record.seq, _("The record belongs to another station or epoch."))
        if record.seq != seq:
            yield Finding(name, record.seq, _("Here record {seq} should stand.").format(seq=seq))
        if prev is not None and record.prev != prev:
            yield Finding(name, record.seq, _("The chain is broken: the record before it is not the one it names."))
        prev = record.hash
        try:
            problems = findings(record)
        except RecordError as error:
            problems = [str(error)]
        for problem in problems:
            yield Finding(name, record.seq, problem)
    match = _SEALED_NAME.fullmatch(segment.path.name)
    if match and match[2] != segment.hash:
        yield Finding(name, None, _("The file's content does not match the hash in its name."))


def check_within(segment: Segment, station: str) -> list[Finding]:
    """What is wrong inside one segment: its records, their hashes and chain, and the hash in its name."""
    return list(_within(segment, _named(segment), station))


def check_links(segments: Iterable[Segment], after: Tail | None = None) -> Iterator[Finding]:
    """What is wrong between segments, in the order of the log: numbers, seqs, the hashes of the one before.

    Args:
        segments: the segments.
        after: the end of the stretch that they follow; by default the beginning of the log.
    """
    # What the next segment of an epoch must be: number, first seq, hash of the segment and of the record before it.
    expected: dict[str, tuple[int, int, str, str]] = {}
    if after is not None:
        expected[after.epoch] = (after.number + 1, after.next_seq, after.hash, after.last)
    opened: set[str] = set()
    for segment in segments:
        name = _named(segment)
        if segment.epoch in opened:
            opened.remove(segment.epoch)  # it is said once
            yield Finding(f"records/{OPEN}", None, _("This is an older segment: sealed ones follow on it."))
        if segment.number is None:
            opened.add(segment.epoch)
        number, first_seq, prev, prev_record = expected.get(segment.epoch, (1, 1, ZEROS, ZEROS))
        if segment.number is not None and segment.number != number:
            sentence = _("Segment {number} of epoch {epoch} is missing, or is there twice.")
            yield Finding(name, None, sentence.format(number=number, epoch=segment.epoch))
        if segment.header["first_seq"] != first_seq:
            yield Finding(name, None, _("The file should begin with record {seq}.").format(seq=first_seq))
        if segment.header["prev"] != prev:
            yield Finding(name, None, _("The segment before it is not the one it names."))
        elif segment.records and segment.records[0].prev != prev_record:
            problem = _("The chain is broken: the record before it is not the one it names.")
            yield Finding(name, segment.records[0].seq, problem)
        last = segment.records[-1].hash if segment.records else prev_record
        expected[segment.epoch] = ((segment.number or number) + 1, segment.next_seq, segment.hash, last)


def _repeated_ids(segments: Iterable[Segment]) -> Iterator[Finding]:
    ids: dict[str, tuple[str, int]] = {}
    for segment in segments:
        for record in segment.records:
            if record.id in ids:
                file, seq = ids[record.id]
                sentence = _("The same id stands in {file}, record {seq}.").format(file=file, seq=seq)
                yield Finding(_named(segment), record.seq, sentence)
            ids.setdefault(record.id, (_named(segment), record.seq))


class Forgotten:
    """What `forgotten` records say of the records before them: to be told of the log from its end to its beginning."""

    def __init__(self) -> None:
        """Nothing is said yet."""
        self._said: set[tuple[str | None, str, str | None]] = set()

    def take(self, record: Record) -> None:
        """Takes the next older record."""
        if record.type == "forgotten":
            ended = record.get("ended")
            campaigns = [name for name in ended if isinstance(name, str)] if isinstance(ended, list) else [None]
            self._said |= {(record.volunteer, part, name) for part in record["objects"] for name in campaigns}

    def covers(self, record: Record, part: str) -> bool:
        """Whether a later record says that this part of an older one was taken out."""
        about = ((who, part, name) for who in (record.volunteer, None) for name in (record["campaign"], None))
        return not self._said.isdisjoint(about)

    def contradicts(self, record: Record) -> bool:
        """Whether an object of a record is gone and no later record says so, or is here although one does."""
        return any(self.covers(record, name) == (record.get(name) is not None) for name in had(record))


def had(record: Record) -> list[str]:
    """The names of the objects about people that a record has, or had."""
    return [name for name in OBJECTS if f"{name}_hash" in record.document or record.get(name) is not None]


def objects(
    segments: Sequence[Segment], believed: Container[Path] | None = None
) -> Iterator[tuple[Segment, int, Record, str, bool]]:
    """The objects about people that records have or had, from the end of the log to its beginning.

    Args:
        segments: the log, in its order.
        believed: the segments whose word counts; all if not given.

    Yields:
        The segment, the record's place in it from 1, the record, the object's name, and whether a later record says
        that it was taken out.
    """
    forgotten = Forgotten()
    for segment in reversed(segments):
        for place, record in reversed(list(enumerate(segment.records, start=1))):
            if believed is None or segment.path in believed:
                forgotten.take(record)
            for name in had(record):
                yield segment, place, record, name, forgotten.covers(record, name)


def unexplained(
    segments: Sequence[Segment], believed: Container[Path] | None = None
) -> tuple[list[Finding], list[Finding]]:
    """Objects that are gone and that no later `forgotten` record covers, and objects that one covers and are here.

    Args:
        segments: the log, in its order.
        believed: the segments whose word counts; all if not given.
    """
    gone, here = list[Finding](), list[Finding]()
    for segment, _place, record, name, covered in objects(segments, believed):
        if covered and record.get(name) is not None:
            sentence = _("The object {name} is here, and a later record says that it was taken out.")
            here.append(Finding(_named(segment), record.seq, sentence.format(name=name)))
        elif not covered and record.get(name) is None:
            sentence = _("The object {name} is gone, and no later record says so.")
            gone.append(Finding(_named(segment), record.seq, sentence.format(name=name)))
    return gone[::-1], here[::-1]


def _ended_epochs(segments: Sequence[Segment]) -> Iterator[Finding]:
    """What the first records of epochs say of the epochs before them, and is not so, or was not even then."""
    reached: dict[str, int] = {}
    for segment in segments:
        if segment.records:
            reached[segment.epoch] = max(segment.records[-1].seq, reached.get(segment.epoch, 0))
    for segment in segments:
        for record in segment.records:
            if record.type != "station_noted" or record["note"] != "new_epoch":
                continue
            details = record["details"]
            before, missing = details.get("before"), details.get("missing")
            for told in (details, *([before] if isinstance(before, dict) else [])):
                epoch, last = told.get("epoch"), told.get("last_seq")
                if not isinstance(epoch, str) or type(last) is not int:
                    yield Finding(_named(segment), record.seq, _("The note does not say what epoch was before it."))
                elif (there := reached.get(epoch, 0)) < last:
                    yield Finding(_named(segment), record.seq, replaced_by_older(epoch, last, there))
                else:
                    yield from _gone_on_with(segments, epoch, last, record)
            if missing is not None:
                sentence = _("Segment {number} of epoch {epoch} was gone, and what it held is not here.")
                yield Finding(_named(segment), record.seq, sentence.format(number=missing, epoch=details.get("epoch")))


def _gone_on_with(segments: Iterable[Segment], epoch: str, last: int, note: Record) -> Iterator[Finding]:
    """The first record of an epoch that was written after it had ended: its number was perhaps used twice."""
    for segment in segments:
        for record in segment.records if segment.epoch == epoch and segment.next_seq > last + 1 else ():
            # What was found again since, and put back, is older than the note. Ids sort by time.
            if record.seq > last and record.id > note.id:
                sentence = _("The record was written after its epoch had ended with record {last}.")
                yield Finding(_named(segment), record.seq, sentence.format(last=last))
                return


def check(folder: Path, station: str) -> tuple[list[Segment], list[Finding]]:
    """The log as far as it can be read, and all that is wrong with it, found by looking only.

    Args:
        folder: the data folder.
        station: the id of the station that it belongs to.
    """
    segments, found = read_all(folder)
    for segment in segments:
        found += check_within(segment, station)
    gone, here = unexplained(segments)
    found += [*check_links(segments), *_repeated_ids(segments), *gone, *here, *_ended_epochs(segments)]
    for path in (*sorted((folder / "set-aside").glob("*")), *sorted(folder.glob(f"{IN_THE_WAY}*"))):
        problem = _("The file could not be read and was set aside; please hand it to headquarters.")
        if path.name.startswith(IN_THE_WAY):
            problem = was_in_the_way()
        found.append(Finding(str(path.relative_to(folder)), None, problem))
    return segments, found


def verify(folder: Path, station: str) -> list[Finding]:
    """All that is wrong with the log of a data folder; `audit` looks at the rest of the folder, too."""
    return check(folder, station)[1]
