"""A whole day over a pty with marked people: then every byte that the process has written anywhere is searched.

What is in clear on purpose (names and masked phones, in the log and its index) is in docs/privacy.md.
"""

from __future__ import annotations

import base64
import io
import random
import re
import resource
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from kiosk.printing.printer import Printer
from tests import plain
from tests.searching import MASKED, NAME, NEVER, NUMBER, PHONE, World, fill_in, register
from tests.tent import READING
from tests.terminal import Terminal

pytestmark = pytest.mark.pty

LATER = partial(pytest.param, marks=pytest.mark.faults)
"""A case that is like another, and left to `make test-faults`."""


def titles(screen: Terminal) -> bytes:
    """What the window was called."""
    return b"".join(re.findall(rb"\x1b\]\d*;([^\x07\x1b]*)", bytes(screen.raw)))


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
    world.looks_well()
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
    world.looks_well()
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
    world.looks_well()
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
        world.looks_well()
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
    world.looks_well()
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
    world.looks_well()


@pytest.fixture
def cores() -> Iterator[None]:
    """A machine on which a program that dies leaves its memory behind."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    if before[1] == 0:
        pytest.skip("this machine allows no core files, so that none could be told from none wanted")
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


@pytest.mark.usefixtures("cores")
def test_no_crash_writes_the_memory_to_the_disk(world: World) -> None:
    with world.open() as visitor:
        limits = Path(f"/proc/{visitor.terminal.process.pid}/limits").read_text("utf-8")
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4] == "0"


def test_the_search_finds_what_is_there(world: World) -> None:
    """A control: each place that is searched would tell."""
    with world.open() as visitor:
        visitor.home()
    with zipfile.ZipFile(sheet := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", PHONE * 9)
    ways = {
        "utf-16": b"\0" + PHONE.encode("utf-16-le"),
        "hex": PHONE.encode("gb18030").hex().upper().encode(),
        **{f"base64 at {at}": base64.b64encode(bytes(at) + PHONE.encode() + b"}") for at in range(3)},
        "xlsx": sheet.getvalue(),
    }
    for place in ("HOME/x", "TMPDIR/y", "data/log/crash.log", "data/tmp/z"):
        path = world.folder / place
        path.parent.mkdir(exist_ok=True)
        for way, content in ways.items():
            path.write_bytes(content)
            assert world.found(*NEVER) == {place: PHONE}, way
        path.unlink()
    with world.written.open("a") as file:
        file.write("/var/tmp/somewhere\n")
    assert world.strangers() == {"/var/tmp/somewhere"}
