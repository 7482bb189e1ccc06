"""What can happen at a station: check in, refuse, start and end a duty, check out, sign out late, correct, revoke.

Each is a function of the log so far (in `arriving` and `serving`) and one write, all or nothing: read the state,
decide, write, under one lock, so that two fast scans cannot both succeed. The screens and `kiosk import` both call it.
It must not know of either.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from kiosk import arriving, audit, badge, forgetting, places, recovery, rules, serving, untold
from kiosk.arriving import Admission
from kiosk.campaign import Campaign
from kiosk.clock import Clock, Elapsed, StationClock, system_clock
from kiosk.desk import Decision, Desk
from kiosk.disclosure import Section, disclose
from kiosk.durable import close_to_others, move_durably
from kiosk.errors import InvalidInput, KioskError, NotPossible, NotSaved
from kiosk.i18n import _
from kiosk.index import Decayed, Index
from kiosk.keys import Keys
from kiosk.records import (
    Draft,
    Record,
    parse_volunteer_number,
    service_day,
    timestamp,
)
from kiosk.roster import Entry, History, Person, roster
from kiosk.rules import Application
from kiosk.segments import (
    Finding,
    check_within,
    names_an_ended_epoch,
    read_all,
    replaced_by_older,
    unexplained,
    was_in_the_way,
)
from kiosk.settings import FILE, Settings
from kiosk.store import Store, place_aside
from kiosk.summary import Summary, summarise
from kiosk.telling import Chapter, last_seen, tell
from kiosk.trust import Directory, KeysError
from kiosk.visits import Visit, minutes

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")
Q = ParamSpec("Q")


_JUST_NOW: Final = timedelta(minutes=1)
"""Within it, a badge that is shown again may be a photograph of it in somebody else's hand."""


_TOGETHER: Final = 100
"""Records in one write where there are thousands to be written."""


def _as_it_is(outcome: T) -> T:
    return outcome


class Recognition(Struct, frozen=True):
    """Who a scan or a typed number stands for, and their state.

    Attributes:
        refused: why it counts for nothing: one of the badge's reasons, `no_such_number`, or None.
        person: the volunteer, if this station knows them; where a badge of theirs is refused, for the lead's eyes only.
        visit: the visit that is going on.
        pending: earlier visits that are 待补签.
        number: the volunteer number, if it is a genuine one.
        renewal: whether name and birth date are asked for again, since the last registration is too old.
        seconds: since it was shown the last time, where that is less than a minute: perhaps by somebody else.
        visitor: the badge, if it is a good one of another station and its holder was never here, or has to agree anew.
    """

    refused: str | None
    person: Person | None = None
    visit: Visit | None = None
    pending: tuple[Visit, ...] = ()
    renewal: bool = False
    number: str | None = None
    seconds: int | None = None
    visitor: badge.Badge | None = None


class CheckedOut(Struct, frozen=True):
    """A visit that has ended.

    Attributes:
        visit: the visit.
        minutes: of this visit.
        today: of all visits of its day; None while one of them lacks its sign-out.
    """

    visit: Visit
    minutes: int
    today: int | None


def read_history(folder: Path) -> History:
    """The log of a data folder as far as it can be read, without the lock: for whoever only looks."""
    history = History()
    for segment in read_all(folder)[0]:
        for record in segment.records:
            history.add(record)
    return history


class Reading(Struct, frozen=True):
    """What somebody without the lock reads of a log.

    Attributes:
        history: what it says, as far as it can be read.
        damage: what is wrong with it.
        public_keys: all that the station has had.
    """

    history: History
    damage: list[Finding]
    public_keys: tuple[bytes, ...]


def read_log(folder: Path) -> Reading:
    """What the log says as far as it can be read, and what is wrong with it, without the lock.

    Raises:
        NotSetUp: if there is no station.
        SettingsError: if station.json cannot be read.
    """
    segments, found = audit.read_log(folder)
    history = History()
    for segment in segments:
        for record in segment.records:
            history.add(record)
    return Reading(history, found, audit.public_keys(audit.notes(segments)))


class Station:
    """One station, open for writing: its log, campaign, keys and clock.

    `jump` is the last jump of the clock that the lead does not know of, or None.
    `on_badge` is called with the number of whoever gets a new badge, on the writing thread, once that is durable; until
    somebody wants to know they are kept in `made_badges`.
    `was_private` is None if nobody else could read the data folder when it was opened, and else whether that is so now.

    The methods block until their records are durable; the screens call them through `run`, which does so in the
    writer's own thread. Views (`roster`, `recognise` ...) answer at once.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock = system_clock,
        elapsed: Elapsed | None = None,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Opens the station in `folder`.

        Args:
            folder: the data folder.
            clock: gives the time (aware).
            elapsed: tells whether that clock jumps; as in `StationClock`.
            entropy: gives n random bytes, for volunteer numbers, salts and epochs.

        Raises:
            NotSetUp: if there is no station.
            StoreBusy: if another process has it open.
            KioskError: if its settings or campaign are damaged.
        """
        self.folder = folder
        self._moved = recovery.make_room(folder)
        self.settings, recovered = recovery.settings_of(folder, entropy)
        self._damaged = [FILE] if recovered else []
        self.campaigns = recovery.campaigns_of(folder)
        self.clock = StationClock(clock, elapsed)
        self.was_private = close_to_others(folder)
        self.keys = Keys(folder / "keys", folder / "tmp")
        self._writing = threading.RLock()
        self._viewing = threading.RLock()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kiosk-writer")
        self._closing = threading.Event()
        self._examiner: threading.Thread | None = None
        self._decayed: list[Finding] = []
        self._notes: list[Draft] = []
        self._key_is_named = False
        self._closed = False
        self._entropy = entropy
        self.made_badges: list[str] = []
        self.on_badge: Callable[[str], object] = self.made_badges.append
        self._shown: dict[str, datetime] = {}
        self._index = Index(folder)
        self._store = Store(
            folder,
            station=self.settings.station,
            epoch=self.settings.epoch,
            save_epoch=self._save_epoch,
            segment=self.settings.segment,
            save_segment=self._save_segment,
            anew=recovered,
            read=self._index.read,
            entropy=entropy,
        )
        newest = self._store.last or self._index.last
        if newest is not None:
            self.clock.start_after(newest.at)
        self.history = History(self._index.known, since=self.today() - timedelta(days=1))
        where = self.settings
        self._desk = Desk(
            where.station, where.community, self.campaigns, self.campaign, self.keys, entropy, self.history
        )
        try:
            self._learn()
        except Decayed:
            # The index vouches for what has decayed since it was learned. Without it all is read, and that set aside.
            self._index.distrust()
            self._store.find_end()
            self.history.begin_anew(())
            self._learn()
        told = list(self.history.notes.values())
        self._untold = untold.since_told(folder, told)
        self.jump = untold.jump(self._untold)
        self._own_keys = audit.public_keys(told)
        self._renew_keys(audit.keys_noted(told), entropy)
        self._note_opening()
        with suppress(OSError, KioskError):  # whoever comes is served; the next start tries it again
            self._list_rewritten_anew()
            if forgetting.is_begun(folder):
                self._finish_forgetting(relearn=True)

    @property
    def campaign(self) -> Campaign:
        """The campaign that counts today; one may end, and another begin, while the kiosk is running."""
        return self.campaigns.on(self.today())

    @property
    def set_aside(self) -> Sequence[str]:
        """Names of what could not be read and was set aside, and of what was gone, since the station was opened."""
        return [finding.file.rpartition("/")[2] for finding in self.damage]

    @property
    def earlier_damage(self) -> list[Finding]:
        """What was wrong at earlier starts, as the log tells it, of which the lead does not know yet."""
        return list(untold.damage(self._untold))

    @property
    def damage(self) -> list[Finding]:
        """The same with what is wrong, in sentences, and the campaigns that cannot be read."""
        found = [*map(untold.was_renewed, self._damaged)]
        if self.keys.was_withdrawn:
            withdrawn = _("Headquarters has withdrawn the station's key, and the station goes on with another.")
            found = [Finding(each.file, None, withdrawn) if each.file == "keys/station.key" else each for each in found]
        if self._store.resumed is not None and FILE not in self._damaged:
            found.append(Finding(FILE, None, names_an_ended_epoch(self._store.resumed)))
        found += [Finding(name, None, was_in_the_way()) for name in self._moved]
        found += map(untold.was_set_aside, self._store.set_aside)
        if self._store.missing is not None:
            found.append(untold.was_gone(self._store.missing, self._store.ended or self.settings.epoch))
        if self._store.behind is not None:
            ended = self._store.ended or self.settings.epoch
            found.append(Finding("records", None, replaced_by_older(ended, *self._store.behind)))
        found += [Finding("campaign", None, problem) for problem in self.campaigns.damaged]
        return [*found, *self._decayed]

    def close(self) -> None:
        """Waits for the writer and gives the data folder back."""
        with self._viewing:  # the station may be warming up in another thread
            self._closing.set()
        if self._examiner is not None:
            self._examiner.join()
        self._writer.shutdown()
        with self._writing:  # others may be writing, such as whoever has just printed a badge
            self._closed = True
            self._index.close()
            self._store.close()

    async def run(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls one of the station's acts in the writer's thread, one at a time, in the order of the calls."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, partial(act, *args, **kwargs))

    def warm_up(self) -> None:
        """Loads what the first check-in needs, so that nobody waits for it and the first screen does not either.

        After that it begins to `examine`.
        """
        with suppress(KeysError):  # whoever comes is told
            self.keys.sign(b"")
            self.keys.seal({})
        places.readings("\u4e00")
        with self._viewing:
            if self._examiner is None and not self._closing.is_set():
                self._examiner = threading.Thread(target=self.examine, name="kiosk-examiner", daemon=True)
                self._examiner.start()

    def examine(self, *, after: float = 10, pause: float = 0.05) -> None:
        """Looks through all that a start does not read, and keeps what it finds in `damage`; ends with the station.

        For a thread of its own. A disk decays also where nobody writes.

        Args:
            after: seconds to wait first: somebody may stand before a kiosk that was just switched on.
            pause: seconds between two steps of some milliseconds, in which the screen is not held up.
        """
        if self._closing.wait(after):
            return
        with self._writing:
            newest = list(self._store.newest)
        for finding in self._index.examine(self.settings.station, newest):
            if finding is not None:
                self._decayed.append(finding)
            if self._index.relearned:
                self._begin_anew()
            if self._closing.wait(pause):
                return
        if self._index.contradicted:
            self._set_right_what_was_forgotten()
        with suppress(OSError):
            self._list_rewritten_anew(lacking=self._index.lacking)
        known = {finding.file for finding in self.damage}
        self._decayed += [finding for finding in audit.documents(self.folder) if finding.file not in known]
        with self._viewing:
            noted = audit.keys_noted(self.history.notes.values())
        for name, problem in self.keys.problems(noted):
            if f"keys/{name}" not in known:
                self._decayed.append(Finding(f"keys/{name}", None, problem))

    def _set_right_what_was_forgotten(self) -> None:
        """Tells objects that are gone although nobody has forgotten them, and takes out again those that are back.

        A segment that was copied back from a backup brings them.
        """
        with self._writing:
            if self._closed:
                return
            segments, _found = read_all(self.folder)
            sound = {each.path for each in segments if not check_within(each, self.settings.station)}
            gone, here = unexplained(segments, sound)
            self._decayed += gone
            if not here:
                return
            try:
                forgetting.begin(self.folder)
                self._finish_forgetting(relearn=True)
            except (OSError, KioskError):  # the next start tries it again
                self._decayed += here
                return
            again = _(
                "What had been taken out of it was here again, perhaps from a backup, and was taken out once more."
            )
            self._decayed += [Finding(file, None, again) for file in dict.fromkeys(each.file for each in here)]

    def _list_rewritten_anew(self, *, lacking: bool = False) -> None:
        """Where the list of what was rewritten is damaged, or gone although segments are `lacking` something."""
        path = self.folder / forgetting.REWRITTEN
        with self._writing:
            there = os.path.lexists(path)
            if self._closed or (forgetting.rewritten(self.folder) is not None if there else not lacking):
                return
            if there:
                self._set_aside(path)
            forgetting.list_anew(self.folder, read_all(self.folder)[0], self._entropy)
            self._decayed.append(Finding(path.name, None, _("The file could not be read, and was made anew.")))

    def _begin_anew(self) -> None:
        with self._writing, self._viewing:
            self._index.relearned = False
            self.history.begin_anew(self._store.newest)

    def _change_settings(self, change: Callable[[Settings], Settings]) -> None:
        # The writer changes some of them itself, so there is one way, and one at a time.
        with self._writing:
            changed = change(self.settings)
            changed.save(self.folder)
            self.settings = changed

    def _save_epoch(self, epoch: str) -> None:
        self._change_settings(lambda settings: settings.with_epoch(epoch))

    def _save_segment(self, number: int) -> None:
        self._change_settings(lambda settings: replace(settings, segment=number))

    def _renew_keys(self, noted: Mapping[str, Any], entropy: Callable[[int], bytes]) -> None:
        """Whoever comes is registered, also where a key was damaged; the log says first what the new one is."""
        self._note_keys(self.keys.renew(noted, entropy))

    def _note_keys(self, names: Sequence[str]) -> None:
        if names:
            self._damaged += names
            self._note("new_keys", {"files": list(names), **self.keys.marks(names)})

    def _set_aside(self, path: Path) -> None:
        move_durably(path, place_aside(self.folder, self._store.epoch, path.name))

    def keep_theme(self, theme: str) -> None:
        """Keeps how the screen looks, for the next start too.

        Raises:
            OSError: if that could not be made durable.
        """
        self._change_settings(lambda settings: settings.with_theme(theme))

    def _note_opening(self) -> None:
        self._note_lost_epoch()
        self._note_jumps()
        if self._store.is_new:
            where = {"street": self.settings.street, "community": self.settings.community}
            self._note("set_up", {**where, **self.keys.marks()})
        self._write_notes()

    def _note_lost_epoch(self) -> None:
        lost = self._store.lost_epoch()
        if lost and all(draft.data["note"] != "new_epoch" for draft in self._notes):
            epoch, seq = lost
            aside = [*([FILE] if FILE in self._damaged else []), *self._store.set_aside]
            details: dict[str, Any] = {"epoch": epoch, "last_seq": seq, "set_aside": aside}
            details |= {"street": self.settings.street, "community": self.settings.community}
            if self._store.missing is not None:
                details["missing"] = self._store.missing
            if self._store.before is not None:
                details["before"] = dict(zip(("epoch", "last_seq"), self._store.before, strict=True))
            # An epoch begins with it: whatever else is to be noted comes behind.
            self._note("new_epoch", details, first=True)

    def _note_jumps(self) -> None:
        for jump in self.clock.take_jumps():
            self.jump = jump
            self._note("clock_changed", {"expected": timestamp(jump.expected), "shown": timestamp(jump.shown)})

    def watch_clock(self) -> None:
        """Notes that the clock has jumped, if it has, so that the lead is told before somebody else comes.

        What cannot be saved now goes with the next write.
        """
        with self._writing:
            self.clock()
            self._note_jumps()
            self._write_notes()

    def _write_notes(self) -> None:
        """Writes what is to be noted; a full disk keeps nobody out for that, and it goes with the next write."""
        if self._notes:
            with suppress(NotSaved):
                self._settle()
                self._write([], self.clock())

    def lead_was_told(self) -> None:
        """The lead has seen what the welcome page said; that a clock has lost the time is told until it is set."""
        self._untold = ()
        untold.keep_told(self.folder, list(self.history.notes.values()))
        if not self.clock.is_behind:
            self.jump = None

    def _note(self, note: str, details: Mapping[str, Any], *, first: bool = False) -> None:
        data = {"note": note, "details": dict(details)}
        draft = Draft("station_noted", self.clock(), "station", data=data)
        self._notes.insert(0 if first else len(self._notes), draft)

    # --- the one way to write ---------------------------------------------------------------------------------------

    def _act(self, decide: Callable[[Desk, datetime], Decision[T]], then: Callable[[T], R]) -> R:
        """Reads the state, decides and writes in one step; `then` makes of what was decided what the caller is told."""
        with self._writing:
            self._demand_open()
            now = self.clock()
            self._note_jumps()
            self._renew_withdrawn_key()
            try:
                self._settle()
            except NotSaved as error:
                # Nothing may be decided on what is perhaps no longer so: that is done when it is tried again.
                raise NotSaved(str(error), (), partial(self._act, decide, then)) from error
            drafts, outcome = self._decided(decide, now)
            try:
                self._write(drafts, now)
            except NotSaved as error:
                raise NotSaved(str(error), drafts, partial(then, outcome)) from error
            return then(outcome)

    def _decided(self, decide: Callable[[Desk, datetime], Decision[T]], now: datetime) -> Decision[T]:
        """What is decided, after all has been read that it goes back to: nothing is written that cannot be taken in."""
        try:
            drafts, outcome = decide(self._desk.on(service_day(now)), now)
            with self._viewing:
                for visit_id in {draft.data["visit"] for draft in drafts if "visit" in draft.data}:
                    self.history.reach(visit_id)
        except Decayed as error:
            if error.finding.file not in {finding.file for finding in self._decayed}:
                self._decayed.append(error.finding)
            raise
        return drafts, outcome

    def _settle(self) -> None:
        """Takes in what a failed write left on the disk, and whether the log could go on after it."""
        self._fold(self._store.settle())
        self._note_lost_epoch()

    def _note_key(self) -> None:
        """Whatever signs a badge is named in the log before it, also where somebody has exchanged the key."""
        if self._key_is_named or "station.key" in self._damaged:
            return
        self._key_is_named = True
        if not self.keys.is_noted("station.key", audit.keys_noted(self.history.notes.values())):
            self._note_keys(["station.key"])

    def _demand_open(self) -> None:
        if self._closed:  # the log may be somebody else's by now
            raise NotSaved(_("The kiosk is closed."), ())

    def _renew_withdrawn_key(self) -> None:
        """A key that headquarters has withdrawn signs no badge more, also where it has just become known."""
        if self.keys.is_withdrawn:
            self._own_keys = (*self._own_keys, self.keys.public)
            self._renew_keys(audit.keys_noted(self.history.notes.values()), self._entropy)

    def _write(self, drafts: Sequence[Draft], now: datetime) -> None:
        self._demand_open()
        if any(draft.type == "badge_issued" for draft in drafts):
            self._note_key()
        everything = [*self._notes, *drafts]
        if everything:
            # Of back-entry, the campaign that was in force on its day.
            campaign = self.campaigns.on(service_day(drafts[0].occurred if drafts else now))
            records = self._store.append(everything, at=now, campaign=(campaign.id, campaign.version))
            self._notes.clear()
            self._fold(self._store.settle())
            self._hand_over()
            with suppress(OSError):  # tried again with the next write; the log names the new keys already
                self.keys.keep_renewed(self._set_aside)
            self._fold(records)
            self._index.let_go()
            for record in records:
                if record.type == "badge_issued" and record["by"] != "import":
                    self.on_badge(str(record.volunteer))

    def _learn(self) -> None:
        """At the start: the index takes in what it does not know yet of the sealed segments, the history the rest."""
        self._store.sealed = self._index.learn(self._store.sealed)
        for segment in self._store.take_segments():
            self._fold(segment.records)
        self._index.let_go()

    def _hand_over(self) -> None:
        """Once a segment is sealed the index knows what it says, so that memory and the next start stay small.

        The history then holds just what the segments in `sealed` say: whoever calls sees to that.
        """
        with self._viewing:
            if self._store.sealed and self._index.take(self.history.news(), self._store.sealed):
                self._store.sealed.clear()
                self.history.stand_on_past(self.today() - timedelta(days=1))

    def _fold(self, records: Sequence[Record]) -> None:
        with self._viewing:
            for record in records:
                self.history.add(record)

    def retry(self, failure: NotSaved) -> Any:
        """Writes again what could not be saved, under the same ids, and returns what the act would have returned.

        Raises:
            NotSaved: if it fails again.
        """
        with self._writing:
            try:
                self._settle()
                self._write(failure.drafts, self.clock())
            except NotSaved as error:
                raise NotSaved(str(error), failure.drafts, failure.outcome) from error
            return failure.outcome()

    # --- handing over -----------------------------------------------------------------------------------------------

    def seal(self) -> None:
        """Seals what is open, so that it can be handed over; nothing where nothing is.

        Raises:
            NotSaved: if that could not be made durable; no record is lost by it.
        """
        with self._writing:
            self._demand_open()
            self._settle()
            self._store.seal()
            self._hand_over()

    def take_campaigns(self) -> None:
        """Takes up campaigns that have come from headquarters since the station was opened.

        Raises:
            CampaignError: if none can be read; those that were known go on.
        """
        with self._writing, self._viewing:
            self.campaigns = self._desk.campaigns = recovery.campaigns_of(self.folder)

    # --- the lead's PIN ---------------------------------------------------------------------------------------------

    def check_pin(self, pin: str) -> bool:
        """Whether `pin` is the lead's; while the lead has to wait, no PIN is."""
        return self.keys.check_pin(pin, self.clock())

    def reset_pin(self, passphrase: str, pin: str) -> bool:
        """Sets a new PIN for whoever has the passphrase; the log notes that it was done, and nothing of either.

        Raises:
            KeysError: if the passphrase is not the lead's, or the PIN is not six digits.
            OSError: if the PIN could not be made durable.
        """
        with self._writing:
            self.keys.reset_pin(passphrase, pin)
            self._note("pin_reset", {})
            self._write_notes()
        return True

    def pin_wait(self) -> timedelta:
        """How long the lead has to wait before the next try."""
        return self.keys.pin_wait(self.clock())

    # --- views ------------------------------------------------------------------------------------------------------

    def today(self) -> date:
        """The service day of now."""
        return service_day(self.clock())

    def roster(self, day: date | None = None) -> list[Entry]:
        """The roster of a day, today's by default."""
        with self._viewing:
            return roster(self.history, day or self.today(), self.clock())

    def duties_on(self, day: date) -> dict[str, set[str]]:
        """The duties that each volunteer was on, on a day, by volunteer number."""
        found: dict[str, set[str]] = {}
        with self._viewing:
            for visit in self.history.visits_on(day):
                if visit.stints:
                    found.setdefault(visit.volunteer, set()).update(stint.duty for stint in visit.stints)
        return found

    def pending(self) -> list[Visit]:
        """The visits of all days that are 待补签, the latest first."""
        with self._viewing:
            return self.history.all_pending(self.clock())

    def tell(self, volunteer: str) -> list[Chapter]:
        """A volunteer's whole history in plain words, the latest visit first."""
        with self._viewing:
            return tell(self.history, volunteer, self.campaign, self.clock())

    def last_seen(self, volunteer: str) -> str:
        """When and where they did something last, and what they are doing now; empty for somebody who never came."""
        with self._viewing:
            return last_seen(self.history, volunteer, self.campaign, self.clock())

    def summary(self, day: date) -> Summary:
        """A day in numbers."""
        with self._viewing:
            return summarise(self.history, day, self.clock())

    def on_duty(self) -> Counter[str]:
        """How many people are on each duty now, by duty; those who came last evening are among them."""
        with self._viewing:
            present = self.history.all_present(self.clock())
            return Counter(visit.stint.duty for visit in present if visit.stint)

    def person(self, volunteer: str) -> Person:
        """A volunteer as the station knows them: without a name if the segment is gone in which they registered."""
        with self._viewing:
            nobody = Person(volunteer, "", "", None, None, None, None, date.min, ("", 0), {}, frozenset())
            return self.history.people.get(volunteer, nobody)

    def knows(self, volunteer: str) -> bool:
        """Whether the log names that volunteer."""
        with self._viewing:
            return volunteer in self.history.people

    def visit(self, volunteer: str) -> Visit | None:
        """The visit of a volunteer that is going on."""
        with self._viewing:
            return self.history.present(volunteer, self.clock())

    def visits_of(self, volunteer: str, day: date) -> list[Visit]:
        """The visits of a volunteer on a day that were not voided, in the order of the log."""
        with self._viewing:
            return self.history.visits_of(volunteer, {day})

    def newest_visit(self, volunteer: str) -> Visit | None:
        """Their last visit that was not voided, whether it goes on or not."""
        with self._viewing:
            return self.history.newest_visit(volunteer)

    def came_after(self, visit: Visit) -> datetime | None:
        """When the volunteer of a visit came the next time."""
        with self._viewing:
            starts = (span.start for span in self.history.spans_of(visit.volunteer))
            return min((start for start in starts if start > visit.checked_in), default=None)

    def pending_of(self, volunteer: str) -> list[Visit]:
        """The visits of a volunteer that are 待补签."""
        with self._viewing:
            return self.history.pending(volunteer, self.clock())

    def records_of(self, visit_id: str) -> Sequence[Record]:
        """The records of a visit, in the order of the log."""
        with self._viewing:
            return self.history.records_of(visit_id)

    def directory(self) -> Directory:
        """The stations whose badges count here."""
        # Badges that were signed with a key that was lost since stay good.
        return self.keys.others().with_own(self.settings.station, (*self._own_keys, self.keys.public))

    def recognise(self, scanned: str) -> Recognition:
        """Who a scanned code or a typed number stands for, and whether it was shown just before."""
        found = self._recognised(scanned, now := self.clock())
        before = self._shown.get(found.number or "")
        recent = before is not None and timedelta() <= now - before < _JUST_NOW
        return replace(found, seconds=(now - before).seconds) if before and recent else found

    def note_shown(self, found: Recognition) -> None:
        """Remembers for a minute that a badge was shown by whoever was served then."""
        now = self.clock()
        self._shown = {who: when for who, when in self._shown.items() if timedelta() <= now - when < _JUST_NOW}
        if found.number is not None:
            self._shown[found.number] = now

    def _recognised(self, scanned: str, now: datetime) -> Recognition:
        """The same without what was shown before."""
        volunteer = parse_volunteer_number(scanned)
        visitor: badge.Badge | None = None
        if volunteer is None and badge.looks_like_code(scanned):
            checked = badge.check(
                badge.as_typed(scanned),
                directory=self.directory(),
                campaign=self.campaign.id,
                today=service_day(now),
                revoked=self.history.revoked,
            )
            # A badge that has run out still says who this is; the daily questions decide, and a new one is made.
            if checked.badge is None or checked.reason == "unknown_station":
                return Recognition(checked.reason)
            volunteer = checked.badge.volunteer
            if checked.reason not in (None, "expired"):
                with self._viewing:
                    return Recognition(checked.reason, self.history.people.get(volunteer), number=volunteer)
            if checked.valid and checked.badge.station != self.settings.station:
                visitor = checked.badge
        with self._viewing:
            if volunteer is None or volunteer not in self.history.people:
                return Recognition(None if visitor else "no_such_number", number=volunteer, visitor=visitor)
            found = self._known(volunteer, now)
            # A visitor who has not agreed to what is asked by now, or was forgotten, comes as at the first time.
            person = self.history.people[volunteer]
            is_new = found.renewal or arriving.must_agree(self._desk.on(service_day(now)), person)
            comes = found.visit is None and is_new and person.home_station is not None
            return replace(found, number=volunteer, visitor=visitor if comes else None)

    def find(self, name: str, told: str) -> Recognition:
        """Who somebody without a badge is: by their name and their mobile or ID number, both as at first.

        Takes some 25 ms for each kind of document that the number may be of.

        Args:
            name: as registered.
            told: a mobile number, or else the number of a document.
        """
        now = self.clock()
        name = name.strip()
        masked, keys = "", list[str]()
        try:
            masked = rules.mask_phone(rules.parse_phone(told))
        except InvalidInput:
            documents = rules.possible_documents(told, service_day(now))
            keys = [self.keys.person(rules.document_key(*document)) for document in documents]
        with self._viewing:
            history = self.history
            found = history.same_person(name, masked, None) if masked else None
            found = found or next((history.by_key[key] for key in keys if key in history.by_key), None)
            if found is None or history.people[found].name != name:
                return Recognition("not_known")
            return self._known(found, now)

    def _known(self, volunteer: str, now: datetime) -> Recognition:
        """What a volunteer whom the station knows is told of themselves."""
        person = self.history.people[volunteer]
        day = service_day(now)
        desk = self._desk.on(day)
        return Recognition(
            None,
            replace(person, known=arriving.known_clauses(desk, person)),
            self.history.present(volunteer, now),
            tuple(self.history.pending(volunteer, now)),
            arriving.must_renew(desk, person, day),
        )

    def records_about(self, volunteer: str) -> Sequence[Record]:
        """All records about a volunteer, in the order of the log."""
        with self._viewing:
            return self.history.records_about(volunteer)

    def issued_badge(self, volunteer: str) -> Record | None:
        """The badge that was issued last, unless it was revoked, or the key that signed it was withdrawn."""
        with self._viewing:
            return self._desk.badge_of(volunteer)

    def badge_code(self, volunteer: str) -> str | None:
        """The code of that badge."""
        issued = self.issued_badge(volunteer)
        return str(issued["code"]) if issued else None

    # --- arriving ---------------------------------------------------------------------------------------------------

    def person_key(self, applicant: rules.Applicant) -> str | None:
        """By what the station recognises an applicant's ID number; None without one. Takes some 25 ms, on purpose."""
        number = applicant.id_number
        return self.keys.person(rules.document_key(applicant.id_type, number)) if number else None

    def check_in(self, application: Application, *, key: str | None = None) -> Admission:
        """Holds an application against the clauses and, if they are met, opens a visit: one write.

        Somebody whom the station knows keeps their number; somebody who is checked in at that time is a `duplicate`.

        Args:
            application: what the person said.
            key: their `person_key`, where it was computed ahead.

        Raises:
            NotSaved: if it could not be made durable.
        """
        key = key or self.person_key(application.applicant)
        return self._act(lambda desk, now: arriving.check_in(desk, application, key, now), _as_it_is)

    def decline(self) -> Admission:
        """Records that somebody did not consent, and nothing about them.

        Raises:
            NotSaved: if it could not be made durable.
        """
        return self._act(arriving.decline, _as_it_is)

    def check_in_again(self, volunteer: str, answers: Mapping[str, str]) -> Admission:
        """Opens a visit for a volunteer whom the station knows, after the questions of the day: one write.

        Raises:
            NotPossible: if nobody has that number, or their registration has to be renewed.
            NotSaved: if it could not be made durable.
        """
        return self._act(lambda desk, now: arriving.check_in_again(desk, volunteer, answers, now), _as_it_is)

    def admit_visitor(
        self, visitor: badge.Badge, name: str, answers: Mapping[str, str], *, consented: bool
    ) -> Admission:
        """Opens a visit for a volunteer of another station, whose badge was checked and whom the lead has named.

        Args:
            visitor: the badge.
            name: theirs.
            answers: option values by clause id.
            consented: whether all consents were given here.

        Raises:
            InvalidInput: `name_missing` or `name_invalid`.
            NotPossible: if no campaign is running.
            NotSaved: if it could not be made durable.
        """
        named = rules.parse_name(name)
        return self._act(
            lambda desk, now: arriving.admit_visitor(desk, visitor, named, answers, now, consented=consented), _as_it_is
        )

    # --- on duty ----------------------------------------------------------------------------------------------------

    def start_duty(self, volunteer: str, duty: str, *, by: str = "volunteer") -> Visit:
        """Puts a volunteer on a duty; the one before it, if any, ends at the same moment: one write.

        Raises:
            NotPossible: if they are not checked in, are on that duty already, or there is no such duty.
            NotSaved: if it could not be made durable.
        """
        return self._act(lambda desk, now: serving.start_duty(desk, volunteer, duty, by, now), self._after)

    def end_duty(self, volunteer: str, *, by: str = "volunteer") -> Visit:
        """Takes a volunteer off their duty; they stay checked in.

        Raises:
            NotPossible: if they are on no duty.
            NotSaved: if it could not be made durable.
        """
        return self._act(lambda desk, now: serving.end_duty(desk, volunteer, by, now), self._after)

    def check_out(self, volunteer: str, *, by: str = "volunteer") -> CheckedOut:
        """Ends the visit, and the duty that is going on: one write.

        Raises:
            NotPossible: if they are not checked in.
            NotSaved: if it could not be made durable.
        """
        return self._act(lambda desk, now: serving.check_out(desk, volunteer, by, now), self._counted)

    def _after(self, visit_id: str) -> Visit:
        with self._viewing:
            return self.history.visit(visit_id)

    def _counted(self, visit_id: str) -> CheckedOut:
        with self._viewing:
            visit = self.history.visit(visit_id)
            day = visit.day
            near = self.history.visits_of(visit.volunteer, {day + timedelta(days=days) for days in (-1, 0, 1)})
            counts = minutes(near, self.clock())
            today = [counts[other.id] for other in near if other.day == day]
            return CheckedOut(visit, counts[visit_id] or 0, None if None in today else sum(filter(None, today)))

    # --- the lead's word --------------------------------------------------------------------------------------------

    def rehearse(
        self, decide: Callable[Concatenate[Desk, Q], Decision[Any]], *args: Q.args, **kwargs: Q.kwargs
    ) -> None:
        """Decides as one of `serving`'s functions would and writes nothing: the lead hears what is wrong.

        Args:
            decide: the function.
            args: all that it is given besides the desk, the time included.
            kwargs: the same.

        Raises:
            KioskError: as the act itself would.
        """
        with self._viewing:
            decide(self._desk.on(self.today()), *args, **kwargs)

    def sign_out_late(self, visit_id: str, left: datetime, reason: str) -> CheckedOut:
        """Enters afterwards when somebody left who did not sign out: one write.

        Raises:
            InvalidInput: `time_invalid` if `left` is before the visit's last event, in the future, or after the same
                person's next check-in.
            NotPossible: if the visit is closed, or no reason is given.
            NotSaved: if it could not be made durable.
        """
        return self._act(lambda desk, now: serving.sign_out_late(desk, visit_id, left, reason, now), self._counted)

    def correct(self, visit_id: str, record_id: str, occurred: datetime, reason: str) -> Visit:
        """Changes when something happened, by another fact that keeps both times.

        Raises:
            InvalidInput: `time_invalid` if the visit's events would come out of order, lie in the future, or share time
                with another visit of the same person.
            NotPossible: if there is no such event in the visit, it was voided, the time is the one that is recorded, or
                no reason is given.
            NotSaved: if it could not be made durable.
        """
        changed = (visit_id, record_id, occurred, reason)
        return self._act(lambda desk, now: serving.correct(desk, *changed, now), self._after)

    def void(self, visit_id: str, reason: str) -> Visit:
        """Declares that a visit did not take place.

        Raises:
            NotPossible: if it was voided before, or no reason is given.
            NotSaved: if it could not be made durable.
        """
        return self._act(lambda desk, now: serving.void(desk, visit_id, reason, now), self._after)

    def reassign(self, visit_id: str, community: str, reason: str) -> Visit:
        """Sends a volunteer elsewhere; the history stays.

        Raises:
            NotPossible: if the visit was voided, they serve there already, or no reason is given.
            KeyError: if there is no such community.
            NotSaved: if it could not be made durable.
        """
        return self._act(lambda desk, now: serving.reassign(desk, visit_id, community, reason, now), self._after)

    # --- what is sealed ---------------------------------------------------------------------------------------------

    def reveal_phone(self, volunteer: str, passphrase: str, reason: str) -> str:
        """A volunteer's whole phone number, once the log says that it was shown. Takes a second, on purpose.

        Raises:
            KeysError: if the passphrase is not the lead's, or what was sealed was not sealed to the lead's key.
            NotPossible: if there is no number of theirs here, or no reason is given.
            NotSaved: if it could not be recorded; nothing is shown then.
        """
        if not self._sealed(volunteer):
            raise NotPossible(_("No phone number of this person is kept here."))
        sealed = self._unsealed(volunteer, passphrase)
        return self._act(
            lambda desk, now: serving.reveal(desk, volunteer, reason, now), lambda _who: sealed.get("phone", "")
        )

    def open_record(self, volunteer: str, passphrase: str, reason: str) -> list[Section]:
        """All that is held about a volunteer, for them to read, once the log says that it was shown.

        Of a visitor nothing is sealed here, but what they did is theirs to read, too.

        Raises:
            KeysError: if the passphrase is not the lead's, or what was sealed was not sealed to the lead's key.
            NotPossible: if nobody here has that number, or no reason is given.
            NotSaved: if it could not be recorded; nothing is shown then.
        """
        if volunteer not in self.history.people:
            raise NotPossible(_("Nobody here has the number {number}.").format(number=volunteer))
        sealed = self._unsealed(volunteer, passphrase)

        def told(_who: str) -> list[Section]:
            with self._viewing:
                return disclose(self.history, volunteer, self.campaign, sealed, self.clock())

        return self._act(lambda desk, now: serving.reveal(desk, volunteer, reason, now, whole=True), told)

    def sealed_to_lead_alone(self) -> Sequence[Record]:
        """Registrations of which headquarters cannot open what was sealed, although its keys are known by now.

        It looks through the whole log, which takes seconds where there are years of it.
        """
        if not self.keys.knows_hq:
            return []
        done, found = set[str](), list[Record]()
        for segment in read_all(self.folder)[0]:
            for record in segment.records:
                if record.type == "sealed_again":
                    done.add(record["target"])
                elif "sealed" in (about := record.personal or {}) and not self.keys.is_for_two(about["sealed"]):
                    found.append(record)
        return [record for record in found if record.id not in done]

    def seal_again(self, passphrase: str) -> int:
        """Seals to headquarters, too, what was sealed before its keys were known; returns for how many registrations.

        Raises:
            KeysError: if the passphrase is not the lead's.
            NotSaved: if it could not be made durable; what was before is recorded and not done again.
        """
        wanted = self.sealed_to_lead_alone()
        opened = self.keys.open_all([(record.personal or {})["sealed"] for record in wanted], passphrase)
        told = [
            (record.volunteer or "", record.id, self.keys.seal(secret))
            for record, secret in zip(wanted, opened, strict=True)
        ]
        for start in range(0, len(told), _TOGETHER):
            some = told[start : start + _TOGETHER]
            self._act(partial(self._seal_again, some), _as_it_is)
        return len(told)

    @staticmethod
    def _seal_again(told: Sequence[tuple[str, str, str]], desk: Desk, now: datetime) -> Decision[int]:
        return serving.seal_again(desk, told, now)

    def _unsealed(self, volunteer: str, passphrase: str) -> dict[str, str]:
        # Who comes again and says less has not unsaid it.
        opened = self.keys.open_all(self._sealed(volunteer), passphrase)
        return {name: value for told in opened for name, value in told.items() if value}

    def _sealed(self, volunteer: str) -> list[str]:
        registered = sorted(
            (record for record in self.records_about(volunteer) if record.type == "registered"),
            key=lambda record: record.occurred,
        )
        return [str(about["sealed"]) for record in registered if "sealed" in (about := record.personal or {})]

    # --- forgetting -------------------------------------------------------------------------------------------------

    def forget(self, volunteer: str, reason: str) -> str:
        """Takes whatever is personal about a volunteer out of every segment; returns the volunteer.

        It takes seconds where there are years of records. A kill in the middle is finished at the next start.

        Raises:
            NotPossible: if the log does not name that volunteer.
            NotSaved: if nothing could be recorded, and nothing was taken out.
            KioskError: if it was recorded and could not be finished now.
        """
        return self._forget(lambda desk, now: serving.forget(desk, volunteer, reason, now))

    def purge(self, reason: str = "") -> Sequence[str]:
        """Takes the health answers out that were given under campaigns that have ended; returns these.

        Raises:
            NotSaved: if nothing could be recorded, and nothing was taken out.
            KioskError: if it was recorded and could not be finished now.
        """
        today = self.today()
        names = sorted({each.id for each in self.campaigns.known})
        ended = [name for name in names if self.campaigns.has_ended(name, today)]
        return self._forget(lambda desk, now: serving.purge(desk, ended, reason, now))

    def _forget(self, decide: Callable[[Desk, datetime], Decision[T]]) -> T:
        with self._writing:
            self._demand_open()
            now = self.clock()
            decide(self._desk.on(service_day(now)), now)  # what cannot be leaves no mark
            unfinished = forgetting.is_begun(self.folder)
            try:
                forgetting.begin(self.folder)
            except OSError as error:
                said = _("This could not be saved. Please call the site lead.")
                raise NotSaved(said, (), partial(self._forget, decide)) from error
            try:
                return self._finished(self._act(decide, _as_it_is), relearn=unfinished)
            except NotSaved as error:
                later = error.outcome
                raise NotSaved(str(error), error.drafts, lambda: self._finished(later(), relearn=True)) from error

    def _finished(self, outcome: T, *, relearn: bool) -> T:
        try:
            left = self._finish_forgetting(relearn=relearn)
        except (OSError, NotSaved) as error:
            raise KioskError(_("It is recorded, and will be finished at the next start of the kiosk.")) from error
        if left:
            said = _("It is recorded, but {file} is damaged and may still hold something. Please tell headquarters.")
            raise KioskError(said.format(file=left[0].file))
        return outcome

    def _finish_forgetting(self, *, relearn: bool) -> list[Finding]:
        """Takes out what the log says was taken out; what was learned of it is forgotten, too.

        Args:
            relearn: whether it was begun before, so that files may be clean and the index not.

        Returns:
            What is wrong with segments, so that not all may be out; the next start tries again.
        """
        with self._writing:
            self._store.seal()
            segments, found = read_all(self.folder)
            wrong = {each.path: check_within(each, self.settings.station) for each in segments}
            sound = [each for each in segments if not wrong[each.path]]
            found += [findings[0] for findings in wrong.values() if findings]
            self._list_rewritten_anew(lacking=bool(forgetting.lacking(segments)))
            rewritten = forgetting.take_out(self.folder, segments, sound)
            if rewritten or relearn:
                sealed = [rewritten.get(each.path, each) for each in sound if each.number is not None]
                with self._viewing:
                    self._store.sealed = self._index.learn_again(sealed)
                    self.history.begin_anew(self._store.newest)
            if not found:
                forgetting.end(self.folder)
            known = {finding.file for finding in self.damage}
            self._decayed += [finding for finding in found if finding.file not in known]
            return found

    def note_printing(self, printing: serving.Printing) -> str:
        """Records what became of the order to print a badge; told again, it changes nothing.

        Raises:
            NotSaved: if the record could not be made durable.
        """
        return self._act(lambda desk, now: serving.note_printing(desk, printing, now), _as_it_is)

    def revoke_badge(self, volunteer: str, reason: str) -> str:
        """Makes the volunteer's badge worthless from now on; returns the volunteer.

        Raises:
            NotPossible: if the number has no badge.
            NotSaved: if it could not be made durable.
        """
        return self._act(lambda desk, now: serving.revoke_badge(desk, volunteer, reason, now), _as_it_is)
