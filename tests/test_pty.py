"""The kiosk in a real terminal: nobody gets out, nothing breaks it, a signal leaves everything clean, scans arrive.

One process serves several checks, since each costs a second to start. Every page, gap and signal is gone through in
`test_pty_faults.py`.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests import plain
from tests.noise import EVERYTHING
from tests.tent import FINISH_FIRST, Tent, Visitor, standing
from tests.terminal import NotShown, Terminal, kiosk, terminal

pytestmark = pytest.mark.pty
MARK = "江晚舟的秘密"
LATER = partial(pytest.param, marks=pytest.mark.faults)
"""A case that is like another, and left to `make test-faults`."""


@pytest.fixture
def tent(pitched: Tent, tmp_path: Path) -> Tent:
    return pitched.copied(tmp_path / "data")


def stands_well(tent: Tent, screen: Terminal) -> None:
    """No error was noted, no code was shown, and the log holds."""
    assert tent.crash_log == ""
    for word in (b"Traceback", b"Error:", b"kiosk/screens"):
        assert word not in screen.raw
    verified = plain.kiosk(tent.folder, "verify")
    assert verified.returncode == 0, verified.stderr.decode()


def ends_clean(tent: Tent, screen: Terminal) -> None:
    """It ended well, the terminal is as it was, and the log is free for the next."""
    assert screen.wait_end() == 0
    assert screen.left_behind() == []
    assert tent.free
    stands_well(tent, screen)


# --- nobody gets out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["IdentityPage", LATER("WelcomePage"), LATER("RosterPage")])
def test_no_key_paste_sequence_byte_mouse_or_resize_leaves_or_breaks_it(tent: Tent, tmp_path: Path, page: str) -> None:
    with standing(tent, tmp_path) as visitor:
        screen = visitor.terminal
        visitor.to(page)
        for noise in EVERYTHING:
            if page == "RosterPage" and noise.name in ("ctrl+q", "kitty ctrl+q"):
                continue  # the lead may
            noise.make(screen)
            assert screen.alive, noise.name
        screen.resize(80, 24)
        screen.settle(1.5)  # a paste whose end does not come is given up after a second of silence
        visitor.home()
        visitor.scan(tent.here[0].code)
        screen.wait_for(tent.here[0].name)
        screen.signal(signal.SIGTERM)
        ends_clean(tent, screen)


def test_a_paste_without_an_end_keeps_nobody_waiting(tent: Tent, tmp_path: Path) -> None:
    with standing(tent, tmp_path) as visitor:
        screen = visitor.terminal
        screen.send("\x1b[200~x")
        for _key in range(8):  # each as somebody presses who wonders why nothing happens
            screen.pump(0.5)
            screen.send("\r")
            if visitor.page == "ConsentPage":
                break
        visitor.sees("ConsentPage")
        stands_well(tent, screen)


def test_a_terminal_that_is_too_small_says_so_and_what_was_typed_is_there_again(tent: Tent, tmp_path: Path) -> None:
    with standing(tent, tmp_path) as visitor:
        screen = visitor.terminal
        visitor.to("IdentityPage")
        screen.paste("顾清和")
        screen.wait_for("顾清和")
        for size in ((79, 24), (80, 23), (40, 12), (20, 6)):
            screen.resize(*size)
            screen.wait_for("80", "24")
            screen.wait_gone("顾清和")
        screen.resize(1, 1)
        screen.settle()
        screen.resize(300, 80)
        screen.wait_for("顾清和")
        screen.resize(80, 24)
        screen.settle()
        visitor.sees("IdentityPage")
        screen.wait_for("顾清和")
        stands_well(tent, screen)


def test_no_variable_takes_the_colours_away_by_which_choices_are_told(tent: Tent) -> None:
    with terminal(kiosk(tent.folder), env={"NO_COLOR": "1"}) as screen:
        screen.wait_for("第一次来")
        assert b"\x1b[38;2;" in screen.raw


def test_of_two_sizes_at_once_the_last_one_counts(tent: Tent, tmp_path: Path) -> None:
    with standing(tent, tmp_path, dawdle="yes") as visitor:
        screen = visitor.terminal
        screen.resize(60, 20)
        screen.pump(0.5)  # so that it has asked for that size
        screen.resize(80, 24)
        screen.settle(1.0)
        assert "60x20" not in screen.text
        screen.wait_for("第一次来")


# --- an internal error ----------------------------------------------------------------------------------------------

BREAKS: dict[str, tuple[str, Callable[[Visitor], None]]] = {
    "while a page is built": ("kiosk.screens.identity:IdentityPage.content", lambda v: v.press("1", "1")),
    "at a key": ("kiosk.screens.consent:ConsentPage.take", lambda v: v.press("0")),
    "in the writer": ("kiosk.station:Station.decline", lambda v: v.press("0")),
}


@pytest.mark.parametrize("where", ["while a page is built", LATER("at a key"), LATER("in the writer")])
def test_an_internal_error_is_noted_without_its_words_and_the_welcome_page_is_back(
    tent: Tent, tmp_path: Path, where: str
) -> None:
    method, cause = BREAKS[where]
    with standing(tent, tmp_path, **{"break": f"{method}={MARK}"}) as visitor:
        screen = visitor.terminal
        visitor.to("ConsentPage")
        cause(visitor)
        screen.until(lambda: tent.crash_log, "nothing was noted")
        screen.until(lambda: visitor.fresh("WelcomePage") == 2, "the welcome page is not back")
        screen.wait_for("请重新开始")  # what is typed before that may go down with the app that failed
        visitor.scan(tent.here[0].code)
        screen.wait_for(tent.here[0].name)
        assert "RuntimeError" in tent.crash_log
        for secret in (MARK, "13900000001", "this was about"):
            assert secret.encode() not in screen.raw
            assert plain.contains(tent.folder, secret) == []
        assert b"Traceback" not in screen.raw
        screen.signal(signal.SIGTERM)
        assert screen.wait_end() == 0
        assert screen.left_behind() == []


# --- signals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, LATER(signal.SIGHUP)])
def test_a_signal_ends_it_with_everything_clean(tent: Tent, tmp_path: Path, number: signal.Signals) -> None:
    with standing(tent, tmp_path) as visitor:
        screen = visitor.terminal
        visitor.to("IdentityPage")
        screen.paste("顾清和")
        screen.wait_for("顾清和")
        assert not tent.free
        screen.signal(number)
        ends_clean(tent, screen)
        assert plain.contains(tent.folder, "顾清和") == []


def test_a_terminal_that_is_closed_ends_it_with_the_log_free(tent: Tent, tmp_path: Path) -> None:
    with standing(tent, tmp_path) as visitor:
        screen = visitor.terminal
        visitor.to("ConsentPage")
        screen.hang_up()
        assert screen.process.wait(timeout=10) == 0
        assert tent.free
        stands_well(tent, screen)


def test_no_signal_changes_how_it_ends_up_to_the_very_end(tent: Tent, tmp_path: Path) -> None:
    with standing(tent, tmp_path, shake="yes") as visitor:
        visitor.terminal.signal(signal.SIGTERM)
        ends_clean(tent, visitor.terminal)


# --- scans ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def visitor(tent: Tent, tmp_path: Path) -> Iterator[Visitor]:
    with standing(tent, tmp_path) as somebody:
        yield somebody
        stands_well(tent, somebody.terminal)


def test_twenty_scans_in_a_row_arrive_whole_and_in_order(visitor: Visitor, tent: Tent) -> None:
    before = plain.ids(tent.folder)
    people = [tent.guests[place % len(tent.guests)] for place in range(20)]
    forms = [("", "\r"), ("~", "\r"), ("", "\r\n"), ("~", "\r\n")]
    for place, person in enumerate(people):
        prefix, suffix = forms[place % 4]
        code = person.code.lower() if place % 5 == 0 else person.code
        visitor.scan(code, prefix=prefix, suffix=suffix)
    with suppress(NotShown):  # what did come says more
        visitor.terminal.until(lambda: len(visitor.scans()) >= 20, "scans are missing")
    assert [scan.upper() for scan in visitor.scans()] == [person.code for person in people]
    visitor.terminal.wait_for(people[-1].name)
    assert plain.ids(tent.folder) == before


@pytest.mark.parametrize("gap", [LATER(0.01), 0.05])
def test_a_scan_at_the_pace_of_a_slow_scanner(visitor: Visitor, tent: Tent, gap: float) -> None:
    person = tent.here[0]
    visitor.scan(person.code, gap=gap)
    visitor.terminal.wait_for(person.name)
    assert visitor.scans() == [person.code]


def test_a_scan_during_a_registration_is_said_and_changes_nothing(visitor: Visitor, tent: Tent) -> None:
    screen = visitor.terminal
    visitor.to("IdentityPage")
    screen.paste("顾清和")
    screen.wait_for("顾清和")
    visitor.scan(tent.here[0].code)
    screen.wait_for(FINISH_FIRST)
    visitor.sees("IdentityPage")
    assert "顾清和" in screen.text
    assert tent.here[0].code[:8] not in screen.text


# --- idle -----------------------------------------------------------------------------------------------------------


def test_a_page_that_is_left_alone_counts_down_and_keeps_nothing(tent: Tent, tmp_path: Path) -> None:
    with standing(tent, tmp_path, idle="3") as visitor:
        screen = visitor.terminal
        visitor.to("IdentityPage")
        screen.paste("顾清和")
        screen.wait_for("顾清和")
        painted = len(screen.raw)
        screen.wait_gone("顾清和")
        visitor.sees("WelcomePage")
        assert any(f"{left}" in screen.raw[painted:].decode(errors="replace") for left in (3, 2, 1))
        visitor.to("IdentityPage")
        assert "顾清和" not in screen.text
        screen.signal(signal.SIGTERM)
        ends_clean(tent, screen)
