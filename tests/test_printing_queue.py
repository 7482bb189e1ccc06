"""The queue of badges: none is lost to a crash, a printer without paper is left in peace, and nobody waits for it."""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from kiosk.canonical import with_sum
from kiosk.printing import jobs
from kiosk.printing.failing import PrintFailed
from kiosk.printing.jobs import Job
from kiosk.printing.queue import FIRST_PAUSE, LONGEST_PAUSE, Outcome, PrintQueue
from tests.conftest import FullDisk
from tests.factories import volunteer_number

SECONDS = 30
"""How long a test waits for what must happen; none waits for nothing to happen."""
NO_PAPER = PrintFailed("no_paper")


@dataclass
class Bench:
    """A queue with everything around it in the test's hands. Time stands still until `pass_time`.

    Attributes:
        printed: the labels that came out, in order.
        told: what the owner was told.
        tried: the volunteers whose badges went to the printer, in order.
        trouble: by volunteer, or "" for all, what the printer raises.
        nothing: volunteers of whom there is nothing to print.
        hold: while cleared, the printer hangs.
        owner: raised when the owner is told.
    """

    folder: Path
    printed: list[str] = field(default_factory=list)
    told: list[tuple[str, str, str]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    trouble: dict[str, BaseException] = field(default_factory=dict)
    nothing: set[str] = field(default_factory=set)
    hold: threading.Event = field(default_factory=threading.Event)
    owner: BaseException | None = None
    now: float = 1000.0
    idle: bool = False
    changes: int = 0
    condition: threading.Condition | None = None
    seen: threading.Condition = field(default_factory=threading.Condition)
    files_when_told: list[int] = field(default_factory=list)
    queues: list[PrintQueue[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hold.set()

    def start(self) -> PrintQueue[str]:
        queue = PrintQueue(
            self.folder / "print-queue",
            self.folder / "tmp",
            label_of=self.label_of,
            send=self.send,
            done=self.done,
            changed=self.changed,
            time_of_day=lambda: "2021-12-06T08:00:00+08:00",
            elapsed=lambda: self.now,
            wait=self.wait,
        )
        self.queues.append(queue)
        return queue

    def label_of(self, job: Job) -> str | None:
        if job.volunteer in self.nothing:
            return None
        return job.volunteer

    def send(self, job: Job, label: str) -> None:
        with self.seen:
            self.tried.append(label)
            self.seen.notify_all()
        assert self.hold.wait(SECONDS)
        for trouble in (self.trouble.get(label), self.trouble.get("")):
            if trouble is not None:
                raise trouble
        self.printed.append(label)

    def done(self, job: Job, outcome: Outcome) -> None:
        self.files_when_told.append(len(list((self.folder / "print-queue").glob("*.json"))))
        with self.seen:
            self.told.append((job.volunteer, outcome.kind, outcome.reason))
            self.seen.notify_all()
        if self.owner is not None:
            raise self.owner

    def changed(self) -> None:
        self.changes += 1

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """In place of a wait that would end by itself: only the test ends it, or the queue's own news."""
        assert seconds is None or seconds > 0
        with self.seen:
            self.condition, self.idle = condition, True
            self.seen.notify_all()
        condition.wait(SECONDS)
        self.idle = False

    def until(self, predicate: Callable[[], bool]) -> None:
        with self.seen:
            assert self.seen.wait_for(predicate, SECONDS), (self.told, self.tried)

    def settle(self) -> None:
        """Returns when the queue has nothing to do at this time."""
        queue = self.queues[-1]
        with queue._condition:  # whoever has just ordered something has woken it by now
            self.idle = False
            queue._condition.notify_all()
        self.until(lambda: self.idle)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.settle()

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "print-queue").glob("*"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.hold.set()
    for queue in made.queues:
        queue.close()


A, B, C, D = (volunteer_number(number) for number in range(4))


def test_badges_are_printed_in_order_and_forgotten(bench: Bench) -> None:
    queue = bench.start()
    bench.hold.clear()
    for volunteer in (A, B, C):
        queue.add(volunteer, 1)
    assert [waiting.job.volunteer for waiting in queue.waiting()] == [A, B, C]
    bench.hold.set()
    bench.settle()
    assert bench.printed == [A, B, C]
    assert bench.told == [(volunteer, "printed", "") for volunteer in (A, B, C)]
    assert queue.waiting() == ()
    assert bench.files() == []
    assert bench.changes >= 6


def test_an_order_is_on_the_disk_when_add_returns_and_says_nothing_of_a_person(bench: Bench) -> None:
    queue = bench.start()
    bench.hold.clear()
    queue.add(A, 1)
    bench.until(lambda: bench.tried == [A])
    job = queue.add(B, 2, copies=3, reprint=True)
    found = json.loads((bench.folder / "print-queue" / f"{job.id}.json").read_bytes())
    assert found == with_sum(
        {
            "id": job.id,
            "volunteer": B,
            "serial": 2,
            "added": "2021-12-06T08:00:00+08:00",
            "copies": 3,
            "reprint": True,
            "maybe_printed": False,
            "stage": "waiting",
        }
    )
    assert job.id[14] == "7", "a UUIDv7"


def test_the_owner_is_told_before_the_file_goes(bench: Bench) -> None:
    bench.start().add(A, 1)
    bench.until(lambda: len(bench.told) == 1)
    assert bench.files_when_told == [1]


def test_a_job_at_the_printer_is_shown_so(bench: Bench) -> None:
    queue = bench.start()
    bench.hold.clear()
    queue.add(A, 1)
    queue.add(B, 1)
    bench.until(lambda: bench.tried == [A])
    assert [waiting.printing for waiting in queue.waiting()] == [True, False]
    stages = [stage for _job, stage in read_as_it_is(bench)]
    assert stages == ["printing", "waiting"], "so that the next start knows, if the power goes now"


def read_as_it_is(bench: Bench) -> list[tuple[str, str]]:
    files = sorted((bench.folder / "print-queue").glob("*.json"))
    return [(found["id"], found["stage"]) for found in (json.loads(path.read_bytes()) for path in files)]


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_printer_without_paper_is_left_in_peace(bench: Bench) -> None:
    bench.trouble[""] = NO_PAPER
    queue = bench.start()
    for volunteer in (A, B, C):
        queue.add(volunteer, 1)
    bench.settle()
    assert bench.tried == [A], "not with each of the others"
    assert bench.told == [(A, "failed", "no_paper")]
    first, second, _third = queue.waiting()
    assert (first.reason, first.tries, first.next_try, first.sentence) == ("no_paper", 1, FIRST_PAUSE, str(NO_PAPER))
    assert (second.reason, second.tries, second.next_try) == ("", 0, FIRST_PAUSE)
    del bench.trouble[""]
    bench.pass_time(FIRST_PAUSE - 1)
    assert bench.printed == []
    bench.pass_time(1)
    assert bench.printed == [A, B, C]


def test_pauses_grow_to_five_minutes_and_begin_anew(bench: Bench) -> None:
    bench.trouble[""] = NO_PAPER
    queue = bench.start()
    queue.add(A, 1)
    bench.settle()
    pauses = []
    for _try in range(8):
        (waiting,) = queue.waiting()
        pauses.append(waiting.next_try)
        bench.pass_time(waiting.next_try)
    assert pauses == [15, 30, 60, 120, 240, 300, 300, 300]
    assert pauses[-1] == LONGEST_PAUSE
    del bench.trouble[""]
    queue.again()
    bench.settle()
    assert bench.printed == [A]
    bench.trouble[""] = NO_PAPER
    queue.add(B, 1)
    bench.settle()
    assert queue.waiting()[0].next_try == FIRST_PAUSE


def test_again_does_not_wait_for_the_pause(bench: Bench) -> None:
    bench.trouble[""] = NO_PAPER
    queue = bench.start()
    job = queue.add(A, 1)
    bench.settle()
    queue.again(job.id)
    bench.settle()
    assert bench.tried == [A, A]
    bench.trouble.clear()
    queue.again("unknown")  # the printer was seen to all the same
    bench.settle()
    assert bench.printed == [A]


def test_whoever_comes_after_a_long_pause_has_the_printer_looked_at(bench: Bench) -> None:
    bench.trouble[""] = NO_PAPER
    queue = bench.start()
    queue.add(A, 1)
    bench.settle()
    for pause in (15, 30, 60):
        bench.pass_time(pause)
    assert len(bench.tried) == 4
    bench.pass_time(5)
    queue.add(B, 1)
    bench.settle()
    assert len(bench.tried) == 4, "it was just looked at"
    bench.pass_time(FIRST_PAUSE - 5)
    assert len(bench.tried) == 5


def test_a_badge_that_cannot_be_printed_stops_no_other(bench: Bench) -> None:
    bench.trouble |= {A: ZeroDivisionError("secret"), C: PrintFailed("failed", detail="odd")}
    queue = bench.start()
    queue.add(A, 1)
    queue.add(B, 1)
    bench.settle()
    assert bench.printed == [B]
    queue.add(C, 1)
    queue.add(D, 1)
    bench.settle()
    assert bench.printed == [B, D]
    assert [(waiting.job.volunteer, waiting.reason) for waiting in queue.waiting()] == [(A, "failed"), (C, "failed")]
    assert "secret" not in queue.waiting()[0].sentence


def test_two_bad_badges_in_a_row_do_not_starve_the_third(bench: Bench) -> None:
    bench.trouble |= {A: PrintFailed("failed"), B: PrintFailed("failed")}
    queue = bench.start()
    bench.hold.clear()
    for volunteer in (A, B, C):
        queue.add(volunteer, 1)
    bench.hold.set()
    bench.settle()
    assert bench.tried == [A, B], "two in a row may be the printer's"
    bench.pass_time(FIRST_PAUSE)
    assert bench.printed == [C]


def test_a_label_that_cannot_be_made_is_never_the_printer_s_fault(bench: Bench) -> None:
    real = bench.label_of

    def broken(job: Job) -> str | None:
        if job.volunteer in (A, B):
            raise KeyError(job.volunteer)
        return real(job)

    bench.label_of = broken  # type: ignore[method-assign]
    queue = bench.start()
    for volunteer in (A, B, C):
        queue.add(volunteer, 1)
    bench.settle()
    assert bench.printed == [C]


def test_a_job_with_nothing_to_print_is_dropped(bench: Bench) -> None:
    bench.nothing.add(A)
    queue = bench.start()
    queue.add(A, 1)
    queue.add(B, 1)
    bench.settle()
    assert bench.told == [(A, "given_up", ""), (B, "printed", "")]
    assert (bench.tried, bench.files()) == ([B], [])


# --- giving up --------------------------------------------------------------------------------------------------------


def test_a_job_can_be_given_up(bench: Bench) -> None:
    bench.trouble[""] = NO_PAPER
    queue = bench.start()
    first, second = queue.add(A, 1), queue.add(B, 1)
    bench.settle()
    queue.give_up(first.id)
    queue.give_up("unknown")
    bench.settle()
    assert bench.told == [(A, "failed", "no_paper"), (A, "given_up", "")]
    assert bench.files() == [f"{second.id}.json"]
    assert [waiting.job for waiting in queue.waiting()] == [second]


@pytest.mark.parametrize(("trouble", "ends"), [(NO_PAPER, "given_up"), (None, "printed")])
def test_a_job_given_up_at_the_printer(bench: Bench, trouble: PrintFailed | None, ends: str) -> None:
    queue = bench.start()
    bench.hold.clear()
    if trouble:
        bench.trouble[A] = trouble
    job = queue.add(A, 1)
    bench.until(lambda: bench.tried == [A])
    queue.give_up(job.id)
    assert queue.waiting() == ()
    bench.hold.set()
    bench.settle()
    assert (bench.told, bench.files()) == ([(A, ends, "")], [])


# --- crashes and restarts ---------------------------------------------------------------------------------------------


def test_a_restart_takes_up_what_is_there_in_order(bench: Bench) -> None:
    bench.trouble[""] = NO_PAPER
    queue = bench.start()
    for volunteer in (A, B, C):
        queue.add(volunteer, 1)
    bench.settle()
    queue.close()
    bench.trouble.clear()
    again = bench.start()
    bench.settle()
    assert bench.printed == [A, B, C]
    assert again.waiting() == ()
    assert bench.files() == []


def test_a_crash_between_print_and_removal_tells_twice_and_prints_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crashed:
        crashed.setattr(jobs, "remove", lambda *_arguments: (_ for _ in ()).throw(OSError(errno.EIO, "gone")))
        queue = bench.start()
        queue.add(A, 1)
        bench.settle()
        assert bench.told == [(A, "printed", "")]
        assert queue.waiting() == (), "in this run it is done with"
        queue.close()
    bench.start()
    bench.settle()
    assert bench.told == [(A, "printed", "")] * 2
    assert bench.printed == [A]
    assert bench.files() == []


def test_a_job_that_was_printing_when_the_power_went_is_printed_again(bench: Bench) -> None:
    job = Job(jobs.new_id(), A, 1, "2021-12-06T08:00:00+08:00")
    for folder in ("print-queue", "tmp"):
        (bench.folder / folder).mkdir()
    jobs.write(bench.folder / "print-queue", bench.folder / "tmp", job, "printing")
    bench.hold.clear()
    queue = bench.start()
    bench.until(lambda: bench.tried == [A])
    assert [waiting.job for waiting in queue.waiting()] == [replace(job, maybe_printed=True)]
    bench.hold.set()
    bench.settle()
    assert bench.printed == [A]


def test_a_job_that_failed_is_not_called_maybe_printed(bench: Bench) -> None:
    bench.trouble[""] = NO_PAPER
    queue = bench.start()
    queue.add(A, 1)
    bench.settle()
    queue.close()
    assert [stage for _job, stage in jobs.read_all(bench.folder / "print-queue")] == ["waiting"]
    assert not bench.start().waiting()[0].job.maybe_printed


@pytest.mark.parametrize("stage", ["printed", "given_up"])
def test_what_the_owner_may_not_have_been_told_is_told_after_a_restart(bench: Bench, stage: str) -> None:
    job = Job(jobs.new_id(), A, 1, "2021-12-06T08:00:00+08:00")
    for folder in ("print-queue", "tmp"):
        (bench.folder / folder).mkdir()
    jobs.write(bench.folder / "print-queue", bench.folder / "tmp", job, stage)
    queue = bench.start()
    assert queue.waiting() == ()
    bench.settle()
    assert (bench.told, bench.tried, bench.files()) == ([(A, stage, "")], [], [])


def test_an_owner_who_cannot_take_note_is_told_again(bench: Bench) -> None:
    bench.owner = OSError(errno.ENOSPC, "full")
    queue = bench.start()
    queue.add(A, 1)
    bench.settle()
    assert (bench.told, len(bench.files())) == ([(A, "printed", "")], 1)
    bench.owner = None
    queue.add(B, 1)  # in the meantime the others are printed
    bench.settle()
    bench.pass_time(FIRST_PAUSE)
    assert bench.told == [(A, "printed", ""), (B, "printed", ""), (A, "printed", "")]
    assert (bench.printed, bench.files()) == ([A, B], [])


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"id": 5', b"x" * 20000])
def test_a_file_that_cannot_be_read_is_set_aside_and_stops_no_other(bench: Bench, content: bytes) -> None:
    bench.trouble[""] = NO_PAPER
    queue = bench.start()
    queue.add(A, 1)
    bench.settle()
    queue.close()
    folder = bench.folder / "print-queue"
    name = f"{jobs.new_id()}.json"
    (folder / name).write_bytes(content)
    (folder / "0.json.unreadable").write_bytes(b"older")
    bench.trouble.clear()
    queue = bench.start()
    bench.settle()
    assert bench.printed == [A]
    assert queue.set_aside() == ["0.json.unreadable", f"{name}.unreadable"]
    assert (folder / f"{name}.unreadable").read_bytes() == content


@pytest.mark.parametrize(
    "wrong",
    [{"serial": "1"}, {"copies": True}, {"stage": "x"}, {"id": "../x"}, {"id": "00000000-0000-7000-8000-000000000000"}],
    ids=str,
)
def test_a_file_that_says_what_no_kiosk_writes_is_set_aside(tmp_path: Path, wrong: dict[str, object]) -> None:
    job = Job(jobs.new_id(), A, 1, "2021-12-06T08:00:00+08:00")
    jobs.write(tmp_path, tmp_path, job, "waiting")
    path = jobs.path_of(tmp_path, job.id)
    members = {name: value for name, value in json.loads(path.read_bytes()).items() if name != "sum"}
    path.write_text(json.dumps(with_sum({**members, "newer": 1})))
    assert jobs.read_all(tmp_path) == [(job, "waiting")], "a newer kiosk's"
    path.write_text(json.dumps(with_sum({**members, **wrong})))
    assert jobs.read_all(tmp_path) == []
    assert jobs.set_aside(tmp_path) == [f"{path.name}.unreadable"]
    jobs.write(tmp_path, tmp_path, job, "waiting")
    path.write_bytes(path.read_bytes().replace(A.encode(), B.encode()))
    assert jobs.read_all(tmp_path) == [], "another's number"


# --- disks and ends ---------------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_to_whoever_adds_and_breaks_nothing(bench: Bench, full_disk: FullDisk) -> None:
    queue = bench.start()
    bench.hold.clear()
    queue.add(A, 1)
    bench.until(lambda: bench.tried == [A])
    full_disk.full = True
    with pytest.raises(OSError, match="space"):
        queue.add(B, 1)
    assert [waiting.job.volunteer for waiting in queue.waiting()] == [A]
    bench.hold.set()
    bench.settle()
    assert bench.printed == [A], "printed all the same"
    full_disk.full = False
    queue.add(C, 1)
    bench.settle()
    assert bench.printed == [A, C]
    assert not any(B in path.read_text() for path in (bench.folder / "print-queue").glob("*.json"))


def test_a_folder_that_cannot_be_made(bench: Bench) -> None:
    (bench.folder / "print-queue").write_bytes(b"a file")
    queue = bench.start()
    with pytest.raises(OSError, match="print-queue"):
        queue.add(A, 1)
    assert queue.waiting() == ()
    (bench.folder / "print-queue").unlink()
    queue.add(A, 1)
    bench.settle()
    assert bench.printed == [A]


def test_it_closes_while_the_printer_hangs_and_prints_again_after_the_next_start(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.printing.queue.GOODBYE", 0.05)
    queue = bench.start()
    bench.hold.clear()
    queue.add(A, 1)
    bench.until(lambda: bench.tried == [A])
    queue.close()
    assert queue._thread.is_alive(), "it hangs"
    assert queue._thread.daemon
    bench.hold.set()
    queue._thread.join(SECONDS)
    assert bench.told == [], "whoever would be told has closed"
    assert len(bench.files()) == 1
    again = bench.start()
    bench.settle()
    assert bench.told == [(A, "printed", "")]
    assert again.waiting() == ()


def test_a_badge_that_comes_out_while_closing_is_told(bench: Bench) -> None:
    queue = bench.start()
    bench.hold.clear()
    queue.add(A, 1)
    queue.add(B, 1)
    bench.until(lambda: bench.tried == [A])
    closing = threading.Thread(target=queue.close)
    closing.start()
    with queue._condition:
        assert queue._condition.wait_for(lambda: queue._closing, SECONDS)
    bench.hold.set()
    closing.join(SECONDS)
    assert bench.told == [(A, "printed", "")]
    assert bench.tried == [A], "no other is begun"
    assert len(bench.files()) == 1


def test_whoever_is_told_may_call_the_queue(bench: Bench) -> None:
    real = bench.done
    queues: list[PrintQueue[str]] = []

    def done(job: Job, outcome: Outcome) -> None:
        real(job, outcome)
        queues[0].waiting()
        if job.volunteer == A:
            queues[0].add(B, 1)

    bench.done = done  # type: ignore[method-assign]

    def changed() -> None:
        for queue in queues:
            queue.waiting()

    bench.changed = changed  # type: ignore[method-assign]
    queues.append(bench.start())
    queues[0].add(A, 1)
    bench.until(lambda: (B, "printed", "") in bench.told)


def test_a_screen_that_fails_stops_nothing(bench: Bench) -> None:
    def changed() -> None:
        raise ZeroDivisionError

    bench.changed = changed  # type: ignore[method-assign]
    bench.start().add(A, 1)
    bench.until(lambda: bench.told == [(A, "printed", "")])


def test_the_pause_really_passes_with_the_machine_s_own_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.printing.queue.FIRST_PAUSE", 0.02)
    printed, tries = threading.Event(), []

    def send(_job: Job, _label: str) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise NO_PAPER

    def done(_job: Job, outcome: Outcome) -> None:
        if outcome.kind == "printed":
            printed.set()

    queue = PrintQueue(
        tmp_path / "print-queue",
        tmp_path / "tmp",
        label_of=lambda job: job.volunteer,
        send=send,
        done=done,
        time_of_day=lambda: "2021-12-06T08:00:00+08:00",
    )
    queue.add(A, 1)
    assert printed.wait(SECONDS)
    queue.close()
