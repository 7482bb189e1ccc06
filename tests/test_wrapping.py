"""Sentences broken into lines."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from kiosk.widgets.wrapping import wrapped

TEXTS = st.text(st.sampled_from("ab1, 在岗（"), max_size=60)


@given(TEXTS, st.integers(-20, 30))
def test_no_word_is_lost_and_no_line_too_long_however_small_the_window(text: str, width: int) -> None:
    lines = list(wrapped(text, width))
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    # Only a Chinese sign in a single cell stands over.
    assert all(cell_len(line) <= max(width, 2) for line in lines)


def test_an_english_word_is_broken_only_when_it_must_be() -> None:
    assert list(wrapped("on duty: thermometry", 8)) == ["on duty:", "thermome", "try"]
    assert list(wrapped("thermometry", 0)) == list("thermometry")
    assert list(wrapped("", 5)) == [""]


def test_a_bracket_opens_on_the_line_of_what_it_holds() -> None:
    assert list(wrapped("往来人员信息登记（现在）", 18)) == ["往来人员信息登记", "（现在）"]
    assert list(wrapped("（（现在", 2)) == ["（", "（", "现", "在"]
