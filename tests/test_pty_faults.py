"""The long part of `test_pty.py`: every page, every gap, every signal, and the fuzzer. `make test-faults` runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import plain
from tests.fuzzing import fuzz
from tests.tent import FINISH_FIRST, WAYS, Tent, standing
from tests.terminal import ENDING, kiosk, terminal
from tests.test_pty import ends_clean, stands_well, tent

__all__ = ["tent"]  # a fixture

pytestmark = [pytest.mark.pty, pytest.mark.faults, pytest.mark.timeout(1800)]  # for what hangs

FORMS = [(prefix, suffix, lower) for prefix in ("", "~") for suffix in ("\r", "\r\n") for lower in (False, True)]
DRAFTS = (
    *("ConsentPage", "IdentityPage", "DocumentPage", "AddressPage", "FirstDayPage", "ReviewPage"),
    *("LeadPinPage", "PersonPage"),
)
"""Pages on which a scan is told of, and waits."""


def _without_sense(folder: Path, events: int, seed: int) -> None:
    figures = fuzz(folder, events, seed)
    print(json.dumps(figures, ensure_ascii=False))
    assert figures["crash log"] == "empty"
    assert figures["visits"] > 20
    assert len(figures["pages"]) > 15


@pytest.mark.parametrize("gap", [0.0, 0.002, 0.01], ids=["0ms", "2ms", "10ms"])
def test_twenty_scans_in_a_row(tent: Tent, tmp_path: Path, gap: float) -> None:
    with standing(tent, tmp_path) as visitor:
        screen = visitor.terminal
        before = plain.ids(tent.folder)
        people = [tent.guests[place % len(tent.guests)] for place in range(20)]
        for place, person in enumerate(people):
            prefix, suffix, lower = FORMS[place % len(FORMS)]
            visitor.scan(person.code.lower() if lower else person.code, prefix=prefix, suffix=suffix, gap=gap)
        screen.until(lambda: len(visitor.scans()) >= 20, "scans are missing")
        assert visitor.scans() == [person.code for person in people]
        screen.wait_for(people[-1].name)
        assert plain.ids(tent.folder) == before
        stands_well(tent, screen)


@pytest.mark.parametrize("gap", [0.0, 0.05], ids=["0ms", "50ms"])
def test_a_scan_on_every_page(tent: Tent, tmp_path: Path, gap: float) -> None:
    with standing(tent, tmp_path) as visitor:
        screen = visitor.terminal
        for page in WAYS if gap == 0 else ("WelcomePage", "IdentityPage", "DutyPage"):
            visitor.to(page)
            records, scans = plain.ids(tent.folder), visitor.scans()
            # Somebody whose page nobody has asked for; the last letters of a code are told from those of another.
            person = tent.here[-1]
            visitor.scan(person.code, prefix="~" if page == "DutyPage" else "", gap=gap)
            if page in DRAFTS:
                screen.wait_for(FINISH_FIRST)
                visitor.sees(page)
            else:
                # On the roster the name stands already.
                screen.until(lambda scans=scans: visitor.scans() != scans, f"no scan on {page}")  # type: ignore[misc]
                screen.wait_for(person.name)
                assert visitor.scans() == [*scans, person.code], page
            screen.settle()
            assert plain.ids(tent.folder) == records, page
            assert person.code[:6] not in screen.text, page
            visitor.home()
        stands_well(tent, screen)


# The two that take longest stand apart: a worker has a test waiting behind the one that it runs, so that side by side
# both would be for the same worker, one after the other.
def test_ten_thousand_events_without_sense(tmp_path: Path) -> None:
    _without_sense(tmp_path / "fuzz", 10_000, seed=3)


@pytest.mark.parametrize("page", ["WelcomePage", "AddressPage", "ReviewPage", "BadgePage", "DutyPage", "RosterPage"])
@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_a_signal_on_a_page(tent: Tent, tmp_path: Path, page: str, number: signal.Signals) -> None:
    with standing(tent, tmp_path) as visitor:
        screen = visitor.terminal
        visitor.to(page)
        screen.signal(number)
        ends_clean(tent, screen)


def test_ten_thousand_other_events_without_sense(tmp_path: Path) -> None:
    _without_sense(tmp_path / "fuzz", 10_000, seed=4)


def test_a_signal_at_any_moment_of_the_start(tent: Tent, tmp_path: Path) -> None:
    for place in range(12):
        with terminal(kiosk(tent.folder)) as screen:
            painted = place * 700
            screen.until(lambda painted=painted: screen.painted > painted, "it paints nothing")  # type: ignore[misc]
            screen.signal(signal.SIGTERM)
            ends_clean(tent, screen)


def test_a_visit_leaves_no_widget_and_few_objects_in_memory() -> None:
    # In a process of its own: this one keeps what other tests have left.
    done = subprocess.run(
        [sys.executable, "-m", "tests.memory", "--visits", "60"],
        cwd=plain.ROOT,
        capture_output=True,
        check=True,
        timeout=600,
    )
    found = json.loads(done.stdout)
    assert found["widgets left"] == {}
    assert found["objects a visit"] < 25  # its records until they are sealed, and what the roster knows of it
    sizes = list(found["resident MB after so many visits"].values())
    assert sizes[-1] - sizes[0] < 3  # texts and bytes are no objects
