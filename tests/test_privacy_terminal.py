"""What the terminal itself has afterwards: a kiosk paints on the alternate screen, and nobody on the main one.

The alternate screen has no scrollback, and is gone with its end. A process that is killed ends nothing: its last page
stands there until something is painted over it.
"""

from __future__ import annotations

import signal
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.searching import MASKED, NAME, NEVER, NUMBER, PHONE, World, holds, register
from tests.tent import Visitor, standing
from tests.terminal import Terminal, kiosk, terminal

pytestmark = pytest.mark.pty

LATER = partial(pytest.param, marks=pytest.mark.faults)
"""A case that is like another, and left to `make test-faults`."""
CTRL_Q = "\x11"


def look_at_the_roster(visitor: Visitor) -> None:
    visitor._lead()
    visitor._pin()
    visitor.terminal.wait_for(NAME)


def holds_nobody(world: World, screen: Terminal) -> None:
    """Neither the main screen nor its scrollback holds anything of a person, and no letters at all are on it."""
    personal = (*NEVER, NAME, MASKED, world.tent.passphrase, *(guest.name for guest in world.tent.guests))
    assert holds(screen.on_main, *personal) == ""
    assert holds(screen.main.encode(), *personal) == ""
    assert screen.main.strip() == ""


@pytest.mark.parametrize("end", ["the lead", "SIGKILL", LATER("SIGTERM"), LATER("SIGHUP")])
def test_the_main_screen_and_its_scrollback_hold_nobody_however_it_ends(world: World, end: str) -> None:
    with world.open() as visitor:
        screen = visitor.terminal
        assert screen.modes["1049"], "it works on the alternate screen"
        register(visitor)
        visitor.home()
        look_at_the_roster(visitor)
        if end == "the lead":
            screen.send(CTRL_Q)
        else:
            screen.signal(signal.Signals[end])
        assert screen.wait_end() == (-signal.SIGKILL if end == "SIGKILL" else 0)
        for mark in (NAME, PHONE, NUMBER):  # a control: all of it was seen, on the alternate screen
            assert mark.encode() in screen.raw
        # Who is killed leaves the alternate screen up, and what was on it: nobody is there to take it away.
        assert screen.modes["1049"] == (end == "SIGKILL")
        holds_nobody(world, screen)


def test_what_is_typed_while_the_screen_is_down_after_an_error_is_not_on_the_main_one(
    world: World, tmp_path: Path
) -> None:
    """The screen that failed is taken down and another one put up: meanwhile the terminal itself would show keys."""
    with standing(world.tent, tmp_path, **{"break": f"kiosk.screens.export:ExportPage.content={NAME}"}) as visitor:
        screen = visitor.terminal
        register(visitor)  # shortly after midnight nobody else has come
        visitor.home()
        look_at_the_roster(visitor)
        screen.send("\x1b[21~")
        screen.until(lambda: not screen.modes["1049"], "the screen is not taken down")
        while not screen.modes["1049"]:
            screen.send("1")
            screen.pump(0.01)
        screen.wait_for("请重新开始")
        assert "RuntimeError" in world.tent.crash_log
        assert screen.raw.count(b"\x1b[?1049h") == 2
        screen.signal(signal.SIGTERM)
        assert screen.wait_end() == 0
        holds_nobody(world, screen)


def test_a_signal_before_the_screen_is_up_leaves_the_terminal_as_it_was(world: World) -> None:
    """The echo is off by then; whoever uses the terminal next sees what they type."""
    with terminal(kiosk(world.tent.folder)) as screen:
        screen.until(lambda: not screen.echoes, "it echoes")
        screen.signal(signal.SIGTERM)
        assert screen.wait_end() == 0
        assert screen.left_behind() == []
        assert screen.echoes
        holds_nobody(world, screen)


def test_what_is_painted_on_the_main_screen_is_found(world: World) -> None:
    """A control: there in the end, scrolled away, painted before the alternate screen, after it, and between two."""
    on, off = "\\x1b[?1049h", "\\x1b[?1049l"
    for said in (f"{NAME}", f"{NAME}{on}", f"{on}{off}{NAME}", f"{on}{off}{NAME}{on}{off}", NAME + "\\n" * 99):
        with terminal([sys.executable, "-c", f"print('{said}')"]) as screen:
            assert screen.wait_end() == 0
            assert NAME in screen.main
            with pytest.raises(AssertionError):
                holds_nobody(world, screen)
    for said in (f"{on}{NAME}", f"{on}{NAME}{off}", f"{on}{NAME}{off}{on}{NAME}"):
        with terminal([sys.executable, "-c", f"print('{said}')"]) as screen:
            assert screen.wait_end() == 0
            holds_nobody(world, screen)
