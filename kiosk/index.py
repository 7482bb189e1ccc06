"""What the sealed part of the log says, kept in `cache/` so that a start reads no more than what is new.

It is derived from the segments and never needed: where it is missing, stale or damaged, they are read instead. One
SQLite file holds each answer that a station asks for (`roster.Known`) under its kind and key, with a checksum, and of a
record only where it stands. Only whoever holds the lock of the data folder may use it. It knows nothing of the segment
that is being written.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, ItemsView, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Generic, TypeVar, cast

import msgspec
from msgspec.structs import astuple

from kiosk.durable import PRIVATE_FILE, make_folder
from kiosk.i18n import _
from kiosk.records import Record, moment
from kiosk.roster import History, Known, Person, Row, Span
from kiosk.segments import (
    Finding,
    Forgotten,
    Log,
    Segment,
    Tail,
    Unreadable,
    check_links,
    check_within,
    follows,
    had,
    read_all,
    read_segment,
    tail_of,
    whole_log,
)
from kiosk.visits import Stint, Visit
from kiosk.wording import cause

FILE: Final = "cache/known.sqlite"
VERSION: Final = 4
"""Of what stands in the file. Whoever changes that, or what `History` makes of records, counts it up."""
CHUNK: Final = 20
"""Segments that are taken in at once."""
_ASKED_AGAIN: Final = 4_000
"""Answers of a kind that are kept in memory: a day's people are asked for again and again."""
_AT_HAND: Final = 16
"""Sealed segments that are kept in memory until `let_go`, half a megabyte each."""
_SCHEMA: Final = """
    CREATE TABLE known (kind TEXT, key TEXT, value TEXT NOT NULL, sum BLOB NOT NULL, PRIMARY KEY (kind, key))
        WITHOUT ROWID;
"""

K = TypeVar("K")
V = TypeVar("V")


class Decayed(Unreadable):
    """A segment that is known can be read no more; `finding` says what is wrong with it, under its whole name."""

    def __init__(self, finding: Finding) -> None:
        said = _("Records cannot be read: the file {file} is damaged. Please tell headquarters.")
        number = finding.file.partition("-")[0]
        super().__init__(said.format(file=f"{number}-\u2026"))
        self.finding = finding


class _Damaged(Exception):
    """What the file says cannot be true."""


def _sum(kind: str, key: str, value: str) -> bytes:
    return blake2b(f"{kind}\0{key}\0{value}".encode(), digest_size=8).digest()


def _mark(path: Path | os.DirEntry[str]) -> list[int]:
    """What changes when a file does: its size, the time of its last change (no program can set that), its inode."""
    found = path.stat()
    return [found.st_size, found.st_ctime_ns, found.st_ino]


class _Answers(Mapping[K, V], Generic[K, V]):
    """One kind of answer."""

    def __init__(
        self,
        index: Index,
        kind: str,
        decode: Callable[[Any], V],
        *,
        to_text: Callable[[K], str] = str,
        from_text: Callable[[str], K] = str,  # type: ignore[assignment] # most keys are text
        again: int = _ASKED_AGAIN,
    ) -> None:
        self._index, self._kind, self._decode = index, kind, decode
        self._to_text, self._from_text = to_text, from_text
        self._again, self._recent = again, dict[K, V]()

    def __getitem__(self, key: K) -> V:
        with self._index.lock:
            if key in self._recent:
                return self._recent[key]
            found = self._index.get(self._kind, self._to_text(key))
            if found is None:
                raise KeyError(key)
            answer = self._decode(json.loads(found))
            if len(self._recent) >= self._again:
                self._recent.clear()
            if self._again:
                self._recent[key] = answer
            return answer

    def __contains__(self, key: object) -> bool:
        key = cast("K", key)
        with self._index.lock:
            return key in self._recent or self._index.get(self._kind, self._to_text(key)) is not None

    def forget(self, changed: Iterable[K] | None = None) -> None:
        """Asks again next time, for what has changed, or for everything."""
        if changed is None:
            self._recent.clear()
        else:
            for key in changed:
                self._recent.pop(key, None)

    def __iter__(self) -> Iterator[K]:
        return map(self._from_text, self._index.all(self._kind))

    def __len__(self) -> int:
        return len(self._index.all(self._kind))

    def items(self) -> ItemsView[K, V]:
        """All of them, in one question."""
        told = self._index.all(self._kind)
        return {self._from_text(key): self._decode(json.loads(value)) for key, value in told.items()}.items()


class _Few(_Answers[K, V]):
    """Answers of which there are few: all of them are kept in memory until something is taken in."""

    _all: ItemsView[K, V] | None = None

    def items(self) -> ItemsView[K, V]:
        with self._index.lock:
            if self._all is None:
                self._all = super().items()
            return self._all

    def forget(self, changed: Iterable[K] | None = None) -> None:
        self._all = None
        super().forget(changed)


class Index:
    """What is known of the sealed segments of one data folder.

    Attributes:
        known: the answers; they are there for as long as the index is open, whatever happens to its file.
        relearned: whether the file was found damaged and all was learned again; what was asked before may be wrong.
        contradicted: whether `examine` has come upon an object of which the log says that it was taken out and that is
            here, or the other way round.
        lacking: whether it has come upon an object that was taken out.
    """

    def __init__(self, folder: Path) -> None:
        """Touches nothing yet.

        Args:
            folder: the data folder.
        """
        self._folder = folder
        self.lock = threading.RLock()  # the writer takes in, while screens ask
        self._db: sqlite3.Connection | None = None
        self._tail: Tail | None = None
        self._count = 0  # of the answers
        self._marks: dict[str, list[int]] = {}  # of the segments that are known, by name, in their order
        self._serving = False
        self.relearned = self.contradicted = self.lacking = False
        self._at_hand: OrderedDict[int, Segment] = OrderedDict()
        self.known = Known(
            people=_Answers(self, "person", _person),
            by_key=_Answers(self, "key", str),
            by_name=_Answers(self, "name", list, to_text=json.dumps, from_text=_pair),
            badges=_Answers(self, "badge", Record.from_json),
            revoked=_Answers(self, "revoked", int),
            rows=_Answers(self, "row", lambda row: Row(tuple(row[0]), row[1])),
            refused=_Answers(self, "refused", int, to_text=date.isoformat, from_text=date.fromisoformat),
            visits=_Answers(self, "visit", _visit, again=0),  # the history keeps the ones of these days itself
            records=_Answers(self, "records", self._records, again=0),
            about=_Answers(self, "about", self._records, again=0),
            made=_Answers(self, "made", _spans, again=0),
            on_day=_Answers(self, "day", list, to_text=date.isoformat, from_text=date.fromisoformat),
            unended=_Few(self, "unended", lambda told: (told[0], moment(told[1]))),
            notes=_Answers(self, "note", dict, to_text=_padded, from_text=int),
            seen=_Answers(self, "seen", int),
            jumps=_Answers(self, "jump", Record.from_json),
        )

    # --- reading the log --------------------------------------------------------------------------------------------

    def read(self, folder: Path) -> Log:
        """The log without what is known of it; all of it where the index does not fit any more, which it then forgets.

        Once it has begun to answer it forgets nothing: what was read was there.
        """
        with self.lock:
            if self._db is None:
                self._open()
            unchanged = self._unchanged()
            if unchanged and self._tail is not None:
                segments, found = read_all(folder, without=unchanged)
                if follows(segments, self._tail):
                    self._serving = True
                    return Log(segments, found, self._tail)
            if not self._serving:
                self._serving = True
                if self._marks:
                    self._forget()
            return whole_log(folder)

    def _unchanged(self) -> set[str]:
        """The names of the segments that are known; none if one of them is not as it was."""
        there: dict[str, list[int]] = {}
        with suppress(OSError), os.scandir(self._folder / "records" / "sealed") as entries:
            there = {entry.name: _mark(entry) for entry in entries}
        return set(self._marks) if all(there.get(name) == mark for name, mark in self._marks.items()) else set()

    # --- the file ---------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        path = self._folder / FILE
        try:
            make_folder(path.parent)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE))
            self._connect(str(path))
            self._learn_names()
        except (OSError, sqlite3.Error, _Damaged, ValueError, TypeError):
            self._forget()

    def _connect(self, name: str) -> None:
        if self._db is not None:
            self._db.close()
        self._db = db = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
        # Nobody else may look, so no memory need be shared; what was replaced is overwritten, since it is of people.
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("PRAGMA cache_size=-512")  # KiB; few answers are asked for twice
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            raise _Damaged
        if version == 0:
            db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")

    def _learn_names(self) -> None:
        told = map(msgspec.json.decode, self._look_through("segment").values())
        self._marks = {name: mark for name, *mark in told}
        tail = self._look_up("tail", "")
        self._tail, self._count = None, 0
        if tail is not None:
            self._count, epoch, number, hash_, next_seq, last, newest, over = json.loads(tail)
            newest = (newest[0], newest[1]) if newest else None
            self._tail = Tail(epoch, number, hash_, next_seq, last, newest, tuple(over))

    def _forget(self) -> None:
        """Begins anew with an empty file, or without one where there can be none."""
        self._marks, self._tail, self._count = {}, None, 0
        self._at_hand.clear()
        self._forget_answers()
        path = self._folder / FILE
        try:
            if self._db is not None:
                self._db.close()
                self._db = None
            for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
                name.unlink(missing_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE))
            self._connect(str(path))
        except (OSError, sqlite3.Error):
            self._connect(":memory:")

    def close(self) -> None:
        """Closes the file."""
        with self.lock:
            if self._db is not None:
                with suppress(sqlite3.Error):
                    self._db.close()
                self._db = None

    # --- answering --------------------------------------------------------------------------------------------------

    def _ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        assert self._db is not None
        return self._db.execute(sql, values).fetchall()

    def _look_up(self, kind: str, key: str) -> str | None:
        found = self._ask("SELECT value, sum FROM known WHERE kind = ? AND key = ?", kind, key)
        if not found:
            return None
        ((value, told),) = found
        if not isinstance(value, str) or told != _sum(kind, key, value):
            raise _Damaged
        return value

    def get(self, kind: str, key: str) -> str | None:
        """The answer of a kind to a key, as JSON, or None."""
        with self.lock:
            try:
                return self._look_up(kind, key)
            except (sqlite3.Error, _Damaged, UnicodeError):
                self._relearn()
                return self._look_up(kind, key)

    def all(self, kind: str) -> dict[str, str]:
        """The answers of a kind, as JSON, by key in its order."""
        with self.lock:
            try:
                return self._look_through(kind)
            except (sqlite3.Error, _Damaged, UnicodeError):
                self._relearn()
                return self._look_through(kind)

    def _look_through(self, kind: str) -> dict[str, str]:
        found = self._ask("SELECT key, value, sum FROM known WHERE kind = ? ORDER BY key", kind)
        if any(told != _sum(kind, key, value) for key, value, told in found):
            raise _Damaged
        return {key: value for key, value, _told in found}

    def _relearn(self) -> None:
        """Learns everything again from the segments, without the file, which cannot be believed; that takes a while.

        Raises:
            Unreadable: if no segment can be read now. Nothing is answered then, and the next question tries again.
        """
        try:
            segments = [segment for segment in read_all(self._folder)[0] if segment.path.name in self._marks]
        except OSError as error:
            raise Unreadable(_("The file cannot be read: {error}.").format(error=cause(error))) from error
        self._marks, self._tail, self._count = {}, None, 0
        self.relearned = True
        self._forget_answers()
        path = self._folder / FILE
        with suppress(OSError):
            path.unlink()
        with suppress(sqlite3.Error):
            self._connect(":memory:")
        self.learn(segments)

    def distrust(self) -> None:
        """Forgets everything, on the disk as well: `read` gives the whole log then."""
        with self.lock:
            self._forget()

    def learn_again(self, segments: Sequence[Segment]) -> list[Segment]:
        """Forgets everything, on the disk as well, and learns what the segments say now that they were rewritten.

        Args:
            segments: all that are sealed, in the order of the log.

        Returns:
            Those that could not be taken in.
        """
        with self.lock:
            self._forget()
            return self.learn(segments)

    def _records(self, places: Iterable[Sequence[int]]) -> tuple[Record, ...]:
        return tuple(self._segment(number).records[place] for number, place in places)

    @property
    def last(self) -> Record | None:
        """The newest record that is known and can be read."""
        return next((segment.records[-1] for _number, segment in self._readable() if segment.records), None)

    def _readable(self) -> Iterator[tuple[int, Segment]]:
        """The segments that can be read, by their numbers, the newest first."""
        for number in range(len(self._marks), 0, -1):
            with suppress(Unreadable, OSError):
                yield number, self._segment(number)

    def _segment(self, number: int) -> Segment:
        with self.lock:
            if number in self._at_hand:
                self._at_hand.move_to_end(number)
                return self._at_hand[number]
            name = json.loads(self.get("segment", _padded(number)) or "[null]")[0]
            self._at_hand[number] = segment = self._read(name)
            while len(self._at_hand) > _AT_HAND:
                self._at_hand.popitem(last=False)
            return segment

    def _read(self, name: str) -> Segment:
        try:
            return read_segment(self._folder / "records" / "sealed" / name)
        except FileNotFoundError as error:
            raise Decayed(Finding(f"records/sealed/{name}", None, _("The file is missing."))) from error
        except Unreadable as error:
            raise Decayed(Finding(f"records/sealed/{name}", None, str(error))) from error

    def let_go(self) -> None:
        """Keeps no segment in memory any longer: whoever asked for several records has asked for all of them."""
        with self.lock:
            self._at_hand.clear()

    # --- looking at it in peace -------------------------------------------------------------------------------------

    def examine(self, station: str, newest: Iterable[Record] = ()) -> Iterator[Finding | None]:
        """Looks through the index and every segment that it knows, a little at a time.

        A start trusts both where they were not touched. A disk may decay all the same: what is wrong with a segment is
        told, what is wrong with the index is learned again.

        Args:
            station: the id of the station.
            newest: the records that come after those of these segments, in their order.
        """
        names = list(self._marks)
        if not (yield from self._is_whole()):
            with self.lock:
                self._relearn()
        # From the end to the beginning, since only later records say of an object that it was taken out.
        forgotten, following = Forgotten(), dict[str, Segment]()
        self._weigh(forgotten, newest)
        for name in reversed(names):
            try:
                segment = self._read(name)
            except Decayed as error:
                yield error.finding
                continue
            wrong = check_within(segment, station)
            yield from wrong
            if segment.epoch in following:
                yield from check_links([following[segment.epoch]], tail_of(segment))
            following[segment.epoch] = segment
            self._weigh(forgotten, () if wrong else segment.records)
            yield None
        for first in following.values():
            yield from check_links([first])

    def _weigh(self, forgotten: Forgotten, records: Iterable[Record]) -> None:
        for record in reversed(list(records)):
            forgotten.take(record)
            self.contradicted = self.contradicted or forgotten.contradicts(record)
            taken_out = (name for name in had(record) if record.get(name) is None and forgotten.covers(record, name))
            self.lacking = self.lacking or any(taken_out)

    def _is_whole(self) -> Generator[None, None, bool]:
        """Whether every answer is as it was kept and none is gone; as long as nothing is taken in meanwhile."""
        asked = "SELECT kind, key, value, sum FROM known WHERE (kind, key) > (?, ?) ORDER BY kind, key LIMIT 500"
        count, began, last = 0, len(self._marks), ("", "")
        while True:
            try:
                with self.lock:
                    if self._db is None:
                        return True
                    rows = self._ask(asked, *last)
            except (sqlite3.Error, UnicodeError):
                return False
            if any(told != _sum(kind, key, value) for kind, key, value, told in rows):
                return False
            count += len(rows)
            if not rows:
                return len(self._marks) != began or count == self._count + (1 if self._count else 0)
            last = (rows[-1][0], rows[-1][1])
            yield None

    # --- taking in --------------------------------------------------------------------------------------------------

    def learn(self, segments: Iterable[Segment]) -> list[Segment]:
        """Takes in what sealed segments say, which come next in the log; returns those that could not be taken in."""
        history, chunk = History(self.known), list[Segment]()
        for segment in segments:
            for record in segment.records:
                history.add(record)
            chunk.append(segment)
            if len(chunk) == CHUNK and self.take(history.news(), chunk):
                history, chunk = History(self.known), []
        return [] if self.take(history.news(), chunk) else chunk

    def take(self, news: Known, segments: Sequence[Segment]) -> bool:
        """Takes in sealed segments and what a history over `known` made of them; False, and nothing, if it cannot.

        Args:
            news: what has changed by the records of these segments, and of no others.
            segments: the segments that come next in the log; those that are known already are passed over.
        """
        with self.lock:
            if self._db is None:
                return False
            segments = [segment for segment in segments if segment.path.name not in self._marks]
            numbers = {s.path.name: len(self._marks) + place for place, s in enumerate(segments, start=1)}
            tail = self._tail
            try:
                places = self._places(news, segments, numbers)
                if self._tail is not tail:  # all was learned again meanwhile, and is numbered anew
                    raise _Damaged
                marks = {segment.path.name: _mark(segment.path) for segment in segments}
                self._db.execute("BEGIN")
                for segment in segments:
                    tail, name = tail_of(segment, tail), segment.path.name
                    places.append(("segment", _padded(numbers[name]), [name, *marks[name]]))
                count = self._count + sum(self._put(*told) for told in (*_written(news), *places))
                if tail is not None:
                    self._put("tail", "", [count, *astuple(tail)])
                self._db.execute("COMMIT")
            except (sqlite3.Error, OSError, _Damaged):
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                return False
            self._marks |= marks
            self._tail, self._count = tail, count
            self._forget_answers(news)
            return True

    def _put(self, kind: str, key: str, value: object) -> int:
        """Keeps an answer, or drops it where it is None; returns by how many their number has grown."""
        assert self._db is not None
        if value is None:
            return -self._db.execute("DELETE FROM known WHERE kind = ? AND key = ?", (kind, key)).rowcount
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        row = (text, _sum(kind, key, text), kind, key)
        if self._db.execute("UPDATE known SET value = ?, sum = ? WHERE kind = ? AND key = ?", row).rowcount:
            return 0
        self._db.execute("INSERT INTO known (value, sum, kind, key) VALUES (?, ?, ?, ?)", row)
        return 1

    def _forget_answers(self, changed: Known | None = None) -> None:
        for name in Known.__struct_fields__:
            answers: _Answers[Any, Any] = getattr(self.known, name)
            answers.forget(None if changed is None else getattr(changed, name))

    def _places(
        self, news: Known, segments: Iterable[Segment], numbers: Mapping[str, int]
    ) -> list[tuple[str, str, object]]:
        """Where the records of visits and people stand, the ones that were known before included.

        Raises:
            _Damaged: if the news are not what these segments say.
        """
        places: dict[str, list[int]] = {}
        for segment in segments:
            if {**self.known.seen, **news.seen}.get(segment.epoch, 0) < segment.next_seq - 1:
                raise _Damaged
            for place, record in enumerate(segment.records):
                places.setdefault(record.hash, [numbers[segment.path.name], place])
        found: list[tuple[str, str, object]] = []
        for kind, filed in (("records", news.records), ("about", news.about)):
            for key, records in filed.items():
                for record in records:
                    if record.hash not in places:
                        # With a visit that could only be saved later, a jump of the clock that was noted before.
                        places[record.hash] = self._place_of(record)
                before = json.loads(self._look_up(kind, key) or "[]")
                found.append((kind, key, [*before, *(places[record.hash] for record in records)]))
        return found

    def _place_of(self, record: Record) -> list[int]:
        """Where a record that is known already stands, looked for from the newest segment back.

        Raises:
            _Damaged: if no segment that can be read has it.
        """
        for number, segment in self._readable():
            for place, other in enumerate(segment.records):
                if other.hash == record.hash:
                    return [number, place]
        raise _Damaged


def _written(news: Known) -> Iterator[tuple[str, str, object]]:
    """What changes in the file: kind, key, and the value or None."""
    for who, person in news.people.items():
        known = {clause: list(under) for clause, under in person.known.items()}
        dates = [person.ages_out and person.ages_out.isoformat(), person.registered.isoformat()]
        rest = [person.volunteer, person.name, person.phone_masked, person.key, person.street, person.community]
        yield "person", who, [*rest, *dates, person.campaign, known, sorted(person.agreed), person.home_station]
    for visit_id, visit in news.visits.items():
        stints = [[s.id, s.duty, s.post, _text(s.started), _text(s.ended)] for s in visit.stints]
        running = [[_text(start), _text(end)] for start, end in visit.running]
        times = [_text(visit.checked_in), _text(visit.checked_out)]
        place = [visit.street, visit.community, visit.post, visit.why]
        flags = [visit.voided, visit.late, visit.corrected, visit.clock, visit.ahead]
        yield "visit", visit_id, [visit_id, visit.volunteer, *times, stints, running, *place, *flags, _text(visit.last)]
    yield from (("key", key, who) for key, who in news.by_key.items())
    yield from (("name", json.dumps(called), list(who)) for called, who in news.by_name.items())
    yield from (("badge", who, badge.document) for who, badge in news.badges.items())
    yield from (("jump", which, jump.document) for which, jump in news.jumps.items())
    yield from (("revoked", who, serial) for who, serial in news.revoked.items())
    yield from (("row", key, [row.ids, row.volunteer]) for key, row in news.rows.items())
    yield from (("refused", day.isoformat(), count) for day, count in news.refused.items())
    for who, spans in news.made.items():
        yield "made", who, [[span.visit, _text(span.start), _text(span.end)] for span in spans]
    yield from (("day", day.isoformat(), list(ids)) for day, ids in news.on_day.items())
    for visit_id, told in news.unended.items():
        yield "unended", visit_id, [told[0], _text(told[1])] if told else None
    yield from (("note", _padded(place), details) for place, details in news.notes.items())
    yield from (("seen", epoch, seq) for epoch, seq in news.seen.items())


def _padded(number: int) -> str:
    return f"{number:08d}"


def _pair(text: str) -> tuple[str, str]:
    name, phone = json.loads(text)
    return name, phone


def _text(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment(text)


def _person(fields: Sequence[Any]) -> Person:
    (who, name, phone, key, street, community, ages_out, registered, campaign, known, agreed, home) = fields
    return Person(
        who,
        name,
        phone,
        key,
        street,
        community,
        date.fromisoformat(ages_out) if ages_out else None,
        date.fromisoformat(registered),
        (campaign[0], campaign[1]),
        {clause: (under[0], under[1]) for clause, under in known.items()},
        frozenset((text, version) for text, version in agreed),
        home,
    )


def _spans(told: Iterable[Sequence[str]]) -> list[Span]:
    parse = datetime.fromisoformat  # they were written with the offset
    return [Span(visit_id, parse(start), parse(end)) for visit_id, start, end in told]


def _visit(fields: Sequence[Any]) -> Visit:
    visit_id, who, came, left, stints, running, street, community, post, why, voided, late, corrected, *rest = fields
    clock, ahead, last = rest
    return Visit(
        visit_id,
        who,
        moment(came),
        _moment(left),
        tuple(Stint(of, duty, post, moment(start), _moment(end)) for of, duty, post, start, end in stints),
        tuple((moment(start), _moment(end)) for start, end in running),
        street,
        community,
        post,
        why,
        voided,
        late,
        corrected,
        clock,
        ahead,
        moment(last),
    )
