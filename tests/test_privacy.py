"""A whole day over a pty with marked people: then every byte that the process has written anywhere is searched.

What is in clear on purpose (names and masked phones, in the log and its index) is in docs/privacy.md.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from kiosk import demo
from kiosk.printing.printer import Printer
from tests import factories, plain
from tests.tent import READING, Tent, Visitor, pitch
from tests.terminal import Terminal, rigged, terminal

pytestmark = pytest.mark.pty

LATER = partial(pytest.param, marks=pytest.mark.faults)
"""A case that is like another, and left to `make test-faults`."""
NAME, PHONE, MASKED = "江晚舟", "19912345678", "199****5678"
NUMBER = factories.id_number("19870916", order=42)
NEVER = (PHONE, NUMBER, NUMBER[:17], "1987-09-16", "19870916", demo.PIN)
"""What must stand nowhere in clear."""
IN_CLEAR = ("records/", "cache/known.sqlite")
"""Where names and masked phones may stand."""


@dataclass(frozen=True)
class World:
    """All that the process can call its own, and what it has opened to write."""

    folder: Path
    journal: Path
    written: Path
    tent: Tent

    @property
    def surroundings(self) -> Mapping[str, str]:
        """The environment: every folder that a program may think of lies in here."""
        homes = (
            "HOME",
            "TMPDIR",
            "XDG_DATA_HOME",
            "XDG_STATE_HOME",
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_RUNTIME_DIR",
        )
        for name in homes:
            (self.folder / name).mkdir(exist_ok=True)
        return {**{name: str(self.folder / name) for name in homes}, "PYTHONDONTWRITEBYTECODE": "1"}

    @contextmanager
    def open(self) -> Iterator[Visitor]:
        """Somebody before the kiosk."""
        self.journal.unlink(missing_ok=True)
        command = rigged(self.tent.folder, journal=str(self.journal), written=str(self.written))
        with terminal(command, env=self.surroundings) as screen:
            visitor = Visitor(screen, self.tent, self.journal)
            visitor.sees("WelcomePage")
            yield visitor

    def found(self, *marks: str) -> dict[str, str]:
        """The files that hold a mark, and which."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                content = path.read_bytes()
                for mark in marks:
                    if any(mark.encode(code) in content for code in ("utf-8", "gb18030", "utf-16-le")):
                        found[str(path.relative_to(self.folder))] = mark
        return found

    def strangers(self) -> set[str]:
        """Files outside of the data folder that it has opened to write, whether they are there still or not."""
        paths = set(self.written.read_text("utf-8").splitlines())
        own = (str(self.tent.folder), str(self.journal), str(self.written), "/dev/", "/proc/self/")
        return {path for path in paths if not path.isdigit() and not path.startswith(own)}


@pytest.fixture
def world(tmp_path: Path) -> World:
    folder = tmp_path / "world"
    folder.mkdir()
    return World(folder, tmp_path / "journal", tmp_path / "written", pitch(folder / "data"))


def fill_in(visitor: Visitor) -> None:
    """Somebody with a name, a phone and an ID number, up to the last look before it is recorded."""
    visitor.to("IdentityPage")
    visitor.enter("name-entry", NAME)
    visitor.enter("phone-entry", PHONE)
    visitor.sees("DocumentPage")
    visitor.enter("id_number-entry", NUMBER)
    visitor.sees("AddressPage")
    visitor._live()
    visitor._answer()


def register(visitor: Visitor) -> None:
    """The same, up to the badge."""
    fill_in(visitor)
    visitor._check_in()
    visitor._look()
    visitor.press("\r")
    visitor.sees("BadgePage")


def titles(screen: Terminal) -> bytes:
    """What the window was called."""
    return b"".join(re.findall(rb"\x1b\]\d*;([^\x07\x1b]*)", bytes(screen.raw)))


def looks_well(world: World) -> None:
    assert world.found(*NEVER) == {}
    for file, mark in world.found(NAME, MASKED).items():
        assert file.removeprefix("data/").startswith(IN_CLEAR), (file, mark)
    assert world.strangers() == set()


def test_a_day_leaves_nothing_behind_but_the_log(world: World) -> None:
    (world.folder / "paper").mkdir()
    with world.open() as visitor:
        screen = visitor.terminal
        register(visitor)
        visitor.home()
        screen.settle(0.3)
        after = len(screen.raw)
        visitor.press("\x1b[B", "\x1bOQ", "\x1bOQ")  # somebody else looks around: another language, and back
        screen.settle(0.2)
        seen = bytes(screen.raw[after:])
        assert not any(mark.encode() in seen for mark in (*NEVER, NAME, MASKED)), "the screen of the next person"
        assert NAME not in screen.text
        visitor._lead()
        visitor._pin()
        visitor.sees("RosterPage")
        screen.wait_for(NAME)
        visitor.home()
        badge = plain.log(world.tent.folder)[-1]
        assert badge["type"] == "badge_issued"
        visitor.scan(badge["code"])
        visitor.sees("DutyPage")
        visitor.press("1")
        visitor.sees("DonePage")
        visitor.home()
        assert not any(mark.encode() in titles(screen) for mark in (*NEVER, NAME, MASKED))
        typed = [PHONE, NUMBER]
        assert not any(mark.encode() in bytes(screen.raw[after:]) for mark in typed)
    looks_well(world)
    assert NAME in {(d.get("personal") or {}).get("name") for d in plain.log(world.tent.folder)}


@pytest.mark.parametrize("seed", [0, LATER(1), LATER(2)])
def test_a_kill_at_any_moment_leaves_no_more(world: World, seed: int) -> None:
    """Killed in the middle of typing, of a page, and just after a record."""
    chance = random.Random(seed)
    pages = ["IdentityPage", "DocumentPage", "AddressPage"]
    with world.open() as visitor:
        visitor.to("IdentityPage")
        visitor.enter("name-entry", NAME)
        visitor.terminal.paste(PHONE)
        visitor.terminal.wait_for(PHONE)
        if pages[seed] != "IdentityPage":
            visitor.press("\r")
            visitor.sees("DocumentPage")
            visitor.terminal.paste(NUMBER)
            visitor.terminal.wait_for(NUMBER)
        if pages[seed] == "AddressPage":
            visitor.press("\r")
            visitor.sees("AddressPage")
        visitor.terminal.pump(chance.random() * 0.05)
        visitor.terminal.process.kill()
        visitor.terminal.process.wait()
    looks_well(world)
    assert world.found(NAME) == {}, "nobody is known who has not agreed to the end"


@pytest.mark.parametrize("seed", map(LATER, range(6)))
def test_a_kill_while_it_is_recorded_leaves_the_log_or_nothing(world: World, seed: int) -> None:
    """Killed within a tenth of a second of the Enter that records: after a start it is there whole, or nobody is."""
    chance = random.Random(f"recorded {seed}")
    with world.open() as visitor:
        fill_in(visitor)
        visitor.terminal.settle(READING)
        visitor.terminal.send("\r")
        visitor.terminal.pump(chance.random() * 0.1)
        visitor.terminal.process.kill()
        visitor.terminal.process.wait()
    assert world.found(*NEVER) == {}
    known = [d for d in plain.log(world.tent.folder) if (d.get("personal") or {}).get("name") == NAME]
    with world.open() as visitor:  # the log in the making may lie in tmp/ until then
        visitor.home()
    looks_well(world)
    assert len(known) == (1 if world.found(NAME) else 0)


@pytest.mark.faults
def test_what_the_lead_opens_is_gone_with_the_page_and_who_is_forgotten_is(world: World) -> None:
    """One phone number is shown; then the person wishes to be forgotten: neither is anywhere afterwards."""
    passphrase = world.tent.passphrase
    with world.open() as visitor:
        screen = visitor.terminal
        register(visitor)
        visitor.home()
        visitor._lead()
        visitor._pin()
        visitor.sees("RosterPage")
        screen.paste(NAME)
        screen.wait_for(MASKED[-4:])
        visitor.press("\r")
        visitor.sees("PersonPage")
        visitor.press("7")
        visitor.sees("RevealPage")
        visitor.enter("reason-entry", "手套落在站点")
        visitor._reaches("words-entry")
        screen.paste(passphrase)
        screen.wait_for(passphrase[:5])
        visitor.press("\r")
        visitor.sees("PhonePage")
        screen.wait_for(f"{PHONE[:3]} {PHONE[3:7]} {PHONE[7:]}")
        looks_well(world)
        assert world.found(passphrase) == {}
        visitor.press("\x1b[27u")
        visitor.sees("PersonPage")
        screen.wait_gone(PHONE[3:7])
        visitor.press("8")
        visitor.sees("ForgetPage")
        visitor.enter("reason-entry", "本人要求")
        screen.wait_for("不能恢复")
        visitor.press("\r")
        visitor.sees("PersonPage")
        visitor.home()
        screen.settle(0.3)
        after = len(screen.raw)
        visitor.press("\x1bOQ", "\x1bOQ")
        assert not any(mark.encode() in bytes(screen.raw[after:]) for mark in (*NEVER, NAME, MASKED, passphrase))
    looks_well(world)
    assert world.found(NAME, MASKED, passphrase) == {}
    types = [d["type"] for d in plain.log(world.tent.folder)]
    assert types[-2:] == ["phone_revealed", "forgotten"]


def test_a_badge_that_waits_to_be_printed_names_nobody(world: World) -> None:
    Printer("png", str(world.folder / "nowhere"), "A6").save(world.tent.folder)
    with world.open() as visitor:
        register(visitor)
        visitor.terminal.wait_for("文件夹不在")
        visitor.terminal.process.kill()
        visitor.terminal.process.wait()
    assert list((world.tent.folder / "print-queue").iterdir())
    looks_well(world)


def test_no_crash_writes_the_memory_to_the_disk(world: World) -> None:
    with world.open() as visitor:
        limits = Path(f"/proc/{visitor.terminal.process.pid}/limits").read_text("utf-8")
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4] == "0"


def test_the_search_finds_what_is_there(world: World) -> None:
    """A control: each place that is searched would tell."""
    with world.open() as visitor:
        visitor.home()
    for place in ("HOME/x", "TMPDIR/y", "data/log/crash.log", "data/tmp/z"):
        path = world.folder / place
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\0" + PHONE.encode("utf-16-le"))
        assert world.found(*NEVER) == {place: PHONE}
        path.unlink()
    with world.written.open("a") as file:
        file.write("/var/tmp/somewhere\n")
    assert world.strangers() == {"/var/tmp/somewhere"}
