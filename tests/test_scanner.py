"""Bursts of a scanner and keys of a person, told apart by time alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.scanner import BurstBegan, Pressed, Scanned, Scanner, TakenBack, Told

CODE = "AEAVGMBRGYYDAMJQ2345" * 7 + "AEAVGMBRG"
ENDS = {"CR": ["enter"], "CRLF": ["enter", "ctrl+j"], "nothing": []}
FOREVER = 1e9


def pressed(key: str, time: float) -> Pressed:
    return Pressed(key, {"enter": "\r", "ctrl+j": "\n"}.get(key, key if len(key) == 1 else None), time)


def run(keys: Iterable[tuple[str, float]], *, typing: bool, to_the_end: bool = True) -> list[Told]:
    scanner = Scanner()
    told: list[Told] = []
    for key, time in keys:
        told += scanner.key(pressed(key, time), typing=typing)
    return told + list(scanner.expire(FOREVER)) if to_the_end else told


def burst(keys: Sequence[str], gap: float, start: float = 10.0) -> list[tuple[str, float]]:
    return [(key, start + place * gap) for place, key in enumerate(keys)]


def scans(told: Iterable[Told]) -> list[str]:
    return [item.text for item in told if isinstance(item, Scanned)]


def passed(told: Iterable[Told]) -> str:
    """What the screen's keys are in the end: those before a `TakenBack` are undone since the burst began."""
    kept: list[str] = []
    began = 0
    for item in told:
        if isinstance(item, BurstBegan):
            began = len(kept)
        elif isinstance(item, TakenBack):
            del kept[began:]
        elif isinstance(item, Pressed):
            kept.append(item.key)
    return "".join(kept)


@pytest.mark.parametrize("typing", [True, False])
@pytest.mark.parametrize("prefix", ["", "~"])
@pytest.mark.parametrize("gap", [0.0, 0.001, 0.01, 0.03, 0.05])
@pytest.mark.parametrize("end", ["CR", "CRLF"])
@pytest.mark.parametrize("caps", [False, True])
def test_twenty_scans_in_a_row_are_twenty_scans(typing: bool, prefix: str, gap: float, end: str, caps: bool) -> None:
    codes = [f"{CODE[:-2]}{place:02}" for place in range(20)]
    typed = [code.lower() if caps else code for code in codes]
    keys = [key for code in typed for key in [*prefix, *code, *ENDS[end]]]
    told = run(burst(keys, gap), typing=typing)
    assert scans(told) == codes
    assert passed(told) == ""


@pytest.mark.parametrize("typing", [True, False])
def test_a_scanner_without_enter_is_done_when_it_falls_silent(typing: bool) -> None:
    first, second = burst(CODE, 0.02), burst(CODE[::-1], 0.02, start=20.0)
    assert scans(run([*first, *second], typing=typing)) == [CODE, CODE[::-1]]


def test_where_text_is_typed_keys_come_at_once_and_a_scan_leaves_what_was_there() -> None:
    told = run([*burst("jqsq", 0.2, start=5.0), *burst([*CODE, "enter"], 0.03)], typing=True)
    assert passed(told) == "jqsq"
    assert scans(told) == [CODE]


@pytest.mark.parametrize("text", ["19900000001", "11010119900307851X", "jianqiaojiedao", "a", "7K2MQ-4RXWC"])
@pytest.mark.parametrize("gap", [0.0, 0.05, 0.3])
def test_what_is_typed_or_read_from_a_card_into_a_field_stays(text: str, gap: float) -> None:
    told = run(burst([*text, "enter"], gap), typing=True, to_the_end=False)
    assert passed(told) == f"{text}enter"
    assert scans(told) == []


@pytest.mark.parametrize("gap", [0.02, 0.1, 1.0])
def test_fast_fingers_answer_questions(gap: float) -> None:
    told = run(burst(["1", "1", "2", "1", "enter"], gap), typing=False, to_the_end=False)
    assert passed(told) == "1121enter"
    assert scans(told) == []


def test_a_digit_waits_no_longer_than_it_must() -> None:
    scanner = Scanner()
    assert scanner.key(pressed("1", 5.0), typing=False) == []
    assert scanner.deadline == pytest.approx(5.08)
    assert scanner.expire(5.05) == []
    assert passed(scanner.expire(5.081)) == "1"
    assert scanner.deadline is None


def test_a_busy_machine_that_delivers_late_presses_nothing() -> None:
    # 0.3 s between the letters that a code begins with and its first digit, which would answer a question.
    times = [*burst("AE", 0.05), *burst([*"234567ABCDEF" * 12, "enter"], 0.05, start=10.35)]
    told = run(times, typing=False)
    assert passed(told) == ""
    assert scans(told) == ["AE" + "234567ABCDEF" * 12]


@pytest.mark.parametrize("typing", [True, False])
def test_a_foreign_bar_code_answers_nothing(typing: bool) -> None:
    code = "6901234567892" if not typing else "HTTPS://EXAMPLE.ORG/HEALTH/CODE/123"
    told = run(burst([*code, "enter"], 0.04), typing=typing)
    assert (scans(told), passed(told)) == ([code], "")


def test_a_key_held_down_is_no_scan() -> None:
    told = run([("1", 1.0), *burst("1" * 60, 0.033, start=1.5)], typing=False)
    assert (scans(told), passed(told)) == ([], "1")


@pytest.mark.parametrize(("gap", "behind"), [(0.0, 11), (0.05, 11), (2.0, 0)])
def test_an_enter_knows_what_came_right_before_it(gap: float, behind: int) -> None:
    told = run(burst([*"S016A-00042", "enter"], gap), typing=True, to_the_end=False)
    (enter,) = [item for item in told if isinstance(item, Pressed) and item.key == "enter"]
    assert enter.behind == behind


def test_a_lone_prefix_is_a_character() -> None:
    assert passed(run([("~", 1.0), ("a", 3.0)], typing=True)) == "~a"


def test_a_scan_goes_on_when_the_focus_changes_within_it() -> None:
    scanner = Scanner()
    told: list[Told] = []
    for place, (key, time) in enumerate(burst([*CODE, "enter"], 0.0)):
        told += scanner.key(pressed(key, time), typing=place < 5)
    assert (scans(told), passed(told)) == ([CODE], "")


KEYS = st.sampled_from([*"aA12~-", "enter", "ctrl+j", "tab", "f2"])


@given(st.lists(st.tuples(KEYS, st.floats(0, 0.7)), max_size=60))
def test_no_key_of_a_person_is_lost_or_reordered(keys: list[tuple[str, float]]) -> None:
    """Whatever is pressed comes through in order, or is part of a scan: nothing is made up, nothing is doubled."""
    times: list[tuple[str, float]] = []
    now = 0.0
    for key, gap in keys:
        now += gap
        times.append((key, now))
    told = run(times, typing=False)
    out = [item for item in told if isinstance(item, Pressed)]
    assert all(one.time <= other.time for one, other in pairwise(out))
    assert len({id(item) for item in out}) == len(out)
    swallowed = sum(len(text) for text in scans(told))
    assert len(out) + swallowed <= len(keys)
    slow = [(key, place * 2.0) for place, (key, _) in enumerate(keys)]
    assert passed(run(slow, typing=False)) == "".join(key for key, _ in slow)
