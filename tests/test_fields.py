"""Fields: the number pad by touch, keys in the order typed however fast, and nothing that stays behind."""

from __future__ import annotations

import base64
import gc
import re
from collections.abc import Iterable, Iterator

import pytest
from msgspec import Struct
from msgspec.structs import asdict
from rich.cells import cached_cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widgets import OptionList

from kiosk.station import Station
from kiosk.widgets.fields import Entry, Field
from kiosk.widgets.form import FormPage
from kiosk.widgets.numberpad import NumberPad, PadKey
from tests import factories
from tests.conftest import PIN
from tests.walking import Walker, walking

TITLE_OR_CLIPBOARD = re.compile(r"\x1b\](0|1|2|52);")
SIZES = [(80, 24), (120, 40)]


def entry(walker: Walker) -> Entry:
    """The line that has the cursor."""
    focused = walker.app.focused
    assert isinstance(focused, Entry)
    return focused


async def tap(walker: Walker, text: Iterable[str]) -> None:
    """Touches keys of the pad."""
    for key in text:
        target = walker.page.query_one(f"#pad-{key.lower()}")
        await walker.until(lambda target=target: target.region.area > 0)  # type: ignore[misc]
        assert await walker.pilot.click(target)
    await walker.settle()


async def to_phone(walker: Walker) -> None:
    await walker.consent()
    await walker.type("林小满")
    await walker.press("enter")
    assert entry(walker).id == "phone-entry"


async def to_number(walker: Walker) -> None:
    await to_phone(walker)
    await walker.type("19900000001")
    await walker.press("enter")
    await walker.arrive("DocumentPage")
    assert entry(walker).id == "id_number-entry"


@pytest.mark.parametrize("size", SIZES)
async def test_below_each_field_stands_what_is_wanted_or_wrong(station: Station, size: tuple[int, int]) -> None:
    async with walking(station, size) as walker:
        await to_number(walker)
        await walker.shows("也可以不填，改填出生日期。")
        await walker.shows("例如 1990-01-31 或 19900131")
        await walker.type("33")
        await walker.press("enter")
        await walker.shows("证件号码不对")


async def layouts(walker: Walker, monkeypatch: pytest.MonkeyPatch, keys: str) -> int:
    """How often the page is laid out while these keys are typed."""
    counted = 0
    lay_out = Screen._refresh_layout

    def counting(self: Screen[object], *args: object, **options: object) -> None:
        nonlocal counted
        counted += 1
        lay_out(self, *args, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Screen, "_refresh_layout", counting)
        await walker.press(*keys)
    return counted


async def test_no_letter_lays_the_page_out_anew(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.press("L")
        assert await layouts(walker, monkeypatch, "inXiao") == 0
        assert entry(walker).value == "LinXiao"
        await walker.shows("LinXiao")


async def test_a_line_that_is_too_long_shows_its_end_and_with_home_its_beginning(station: Station) -> None:
    async with walking(station) as walker:
        await walker.consent()
        entry(walker).insert_text_at_cursor("Beginning" + "-" * 82 + "TheEnd")  # fast letters would be a scan
        await walker.settle()
        await walker.press("home")
        await walker.shows("Beginning")
        await walker.press("end")
        await walker.shows("TheEnd")
        assert "Beginning" not in walker.text()
        await walker.press("end", "backspace", "backspace", "backspace")
        await walker.shows("-The")


# --- the pad --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_a_volunteer_types_all_digits_with_a_finger(station: Station, size: tuple[int, int]) -> None:
    async with walking(station, size) as walker:
        await to_phone(walker)
        await tap(walker, ["1", "9", "9", "8", "backspace", *"00000001"])
        assert entry(walker).value == "19900000001"
        await tap(walker, ["enter"])
        await walker.arrive("DocumentPage")
        number = next(n for order in range(20) if (n := factories.id_number(order=order)).endswith("X"))
        await tap(walker, number)
        assert entry(walker).value == number
        assert not walker.page.query_one("#birth_date").display
        await tap(walker, ["enter"])
        await walker.arrive("AddressPage")


async def test_digits_alone_are_a_birth_date(station: Station) -> None:
    async with walking(station) as walker:
        await to_number(walker)
        await tap(walker, ["enter"])
        assert entry(walker).id == "birth_date-entry"
        await tap(walker, [*"19900131", "enter"])
        await walker.arrive("AddressPage")


async def test_the_lead_types_the_pin_with_a_finger_and_nobody_sees_it(station: Station) -> None:
    async with walking(station) as walker:
        await walker.press("f9")
        await walker.arrive("LeadPinPage")
        await tap(walker, PIN)
        await walker.shows("******")
        assert PIN not in walker.text()
        await tap(walker, ["enter"])
        await walker.arrive("RosterPage")


@pytest.mark.parametrize("size", SIZES)
async def test_every_key_is_a_target_for_a_finger_and_stays_on_the_screen(
    station: Station, size: tuple[int, int]
) -> None:
    async with walking(station, size) as walker:
        await to_number(walker)
        keys = list(walker.page.query(PadKey))
        await walker.until(lambda: all(key.region.area for key in keys))
        assert len(keys) == 13
        for key in keys:
            assert key.region.width >= 6
            assert key.region.height >= 3
            assert walker.app.screen.region.contains_region(key.region)
            for other in keys:
                assert other is key or not key.region.overlaps(other.region)
        form = walker.page.query_one("#id_number").region
        assert not form.overlaps(walker.page.query_one(NumberPad).region)
        if size == (120, 40):
            assert all(key.region.width >= 12 and key.region.height >= 5 for key in keys)


async def test_the_pad_is_there_only_where_digits_are_asked_and_always_in_one_place(station: Station) -> None:
    places, fields = set(), set()

    async def pad(walker: Walker) -> tuple[bool, bool]:
        found = walker.page.query_one(NumberPad)
        if found.visible:
            await walker.until(lambda: found.region.area > 0)
            places.add(found.region)
        first = walker.page.query(Field).first().region
        fields.add((first.x, first.width))
        return found.visible, found.query_one("#pad-x").visible

    async with walking(station) as walker:
        await walker.consent()
        assert await pad(walker) == (False, False)  # the name
        await walker.type("林小满")
        await walker.press("enter")
        assert await pad(walker) == (True, False)  # the phone
        await walker.type("19900000001")
        await walker.press("enter")
        await walker.arrive("DocumentPage")
        assert await pad(walker) == (True, True)  # the number, at once
        await walker.press("up")
        assert await pad(walker) == (False, False)  # the kind of document
        await walker.press("1")
        assert await pad(walker) == (True, True)  # the number of an ID card
        await walker.press("enter")
        assert await pad(walker) == (True, False)  # the birth date
        await walker.press("shift+tab", "shift+tab", "4")
        assert entry(walker).id == "id_number-entry"
        assert await pad(walker) == (False, False)  # the number of a passport, which has letters
        await walker.press("f2")
        assert await pad(walker) == (False, False)
    assert len(places) == len(fields) == 1


async def test_a_tap_between_keys_counts_and_none_takes_the_cursor(station: Station) -> None:
    async with walking(station) as walker:
        await to_phone(walker)
        await walker.until(lambda: walker.page.query_one("#pad-1").region.area > 0)
        one = walker.page.query_one("#pad-1").region
        two = walker.page.query_one("#pad-2").region
        assert two.x - one.right == 1
        await walker.pilot.click(offset=(one.right, one.y + 1))
        await walker.settle()
        assert entry(walker).id == "phone-entry"
        assert entry(walker).value in ("1", "2")
        # where X would be there is none now: the nearest that is there
        gone = walker.page.query_one("#pad-x")
        await walker.pilot.click(offset=(one.x + 3, walker.page.query_one("#pad-0").region.y + 1))
        await walker.settle()
        assert not gone.visible
        assert "X" not in entry(walker).value
        assert entry(walker).id == "phone-entry"


async def test_full_width_digits_count_as_digits(station: Station) -> None:
    async with walking(station) as walker:
        await to_phone(walker)
        await walker.type("１９９００００００01")
        assert entry(walker).value == "19900000001"
        await walker.press("enter")
        await walker.arrive("DocumentPage")
        walker.app.post_message(events.Paste("３３ｘ"))
        await walker.until(lambda: entry(walker).value == "33x")


# --- what is wrong is said at once, and what was typed stays --------------------------------------------------------


async def test_a_field_says_what_is_wrong_and_keeps_what_was_typed(station: Station) -> None:
    async with walking(station) as walker:
        await to_phone(walker)
        await walker.type("199")
        assert "11位" not in walker.text()  # not in the middle of the first try
        await walker.press("enter")
        await walker.shows("手机号码是11位数字")
        assert entry(walker).value == "199"
        await walker.type("00000001")
        await walker.hides("手机号码是11位数字")  # gone at the key that makes it right
        await walker.press("f2")
        assert [field.value for field in walker.page.query(Field)] == ["林小满", "19900000001"]
        assert entry(walker).id == "phone-entry"
        await walker.press("enter")
        await walker.arrive("DocumentPage")
        await walker.press("escape")
        await walker.arrive("IdentityPage")
        assert [field.value for field in walker.page.query(Field)] == ["林小满", "19900000001"]


async def test_a_tap_on_the_label_is_a_tap_on_the_field(station: Station) -> None:
    async with walking(station) as walker:
        await walker.consent()
        await walker.pilot.click("#phone .field-label")
        await walker.settle()
        assert entry(walker).id == "phone-entry"
        await walker.type("199")
        await walker.pilot.click("#name-entry")
        await walker.pilot.click("#phone-entry", offset=(0, 0))
        await walker.type("00")
        assert entry(walker).value == "19900"
        await walker.pilot.click("#phone-entry", offset=(3, 1))
        await walker.type("3")
        assert entry(walker).value == "139900"


# --- the order of keys ----------------------------------------------------------------------------------------------


async def burst(walker: Walker, *keys: str) -> None:
    """Sends keys with nothing in between, as a terminal does that had them in its buffer."""
    for key in keys:
        walker._send(key, key if len(key) == 1 else None)
    await walker.settle()


BURSTS = [
    (("1", "2", "backspace", "3", "backspace", "backspace", "4"), "4"),
    (("1", "2", "left", "3", "left", "left", "4", "right", "5"), "41532"),
    (("1", "2", "home", "3", "end", "4"), "3124"),
    (("1", "2", "3", "home", "delete", "4", "delete", "5"), "453"),
    (("1", "2", "3", "left", "ctrl+k", "4", "ctrl+a", "5", "ctrl+e", "6"), "51246"),
    (("1", "2", "ctrl+u", "3"), "3"),
    (("1", "ctrl+w", "2", "ctrl+d", "3"), "23"),
]


@pytest.mark.parametrize(("keys", "value"), BURSTS)
async def test_keys_act_in_the_order_typed_however_fast(station: Station, keys: tuple[str, ...], value: str) -> None:
    async with walking(station) as walker:
        await to_phone(walker)
        await burst(walker, *keys)
        assert entry(walker).value == value


async def test_enter_after_a_correction_takes_what_was_corrected(station: Station) -> None:
    async with walking(station) as walker:
        await to_phone(walker)
        await burst(walker, *"1990000002", "backspace", *"01", "enter")
        await walker.arrive("DocumentPage")
        await walker.press("escape")
        await walker.arrive("IdentityPage")
        assert walker.page.query_one("#phone", Field).value == "19900000001"


async def test_arrows_and_letters_in_the_search_act_in_order(station: Station) -> None:
    async with walking(station) as walker:
        await to_address(walker)
        await burst(walker, *"jqx", "backspace", "down", "down", "up")
        matches = walker.page.query_one("#communities", OptionList)
        assert (entry(walker).value, matches.highlighted) == ("jq", 1)


# --- the community --------------------------------------------------------------------------------------------------


async def to_address(walker: Walker) -> None:
    await to_number(walker)
    await walker.press("enter")
    await walker.type("19950520")
    await walker.press("enter")
    await walker.arrive("AddressPage")
    await walker.press("1")
    assert entry(walker).id == "search"


def chosen(walker: Walker) -> str:
    matches = walker.page.query_one("#communities", OptionList)
    assert matches.highlighted is not None
    return str(matches.get_option_at_index(matches.highlighted).prompt)


async def test_initials_find_the_community_and_enter_takes_it(station: Station) -> None:
    async with walking(station) as walker:
        await to_address(walker)
        await walker.type("NKY")
        assert "农科院社区" in chosen(walker)
        assert "笕桥街道" in chosen(walker)
        await walker.press("enter")
        await walker.arrive("FirstDayPage")


async def test_a_digit_marks_its_row_and_never_gets_into_the_search(station: Station) -> None:
    async with walking(station) as walker:
        await to_address(walker)
        await walker.press("1")  # a key that bounced
        assert type(walker.app.screen).__name__ == "AddressPage"
        await walker.type("jq")
        await walker.press("3")
        assert entry(walker).value == "jq"
        third = chosen(walker)
        assert third.startswith(" 3 ")
        await walker.type("nky")
        await walker.press("9")  # there is no ninth
        assert chosen(walker).startswith(" 1 ")
        await walker.press("enter")
        await walker.arrive("FirstDayPage")


async def test_a_tap_takes_a_row_of_two_lines(station: Station) -> None:
    async with walking(station) as walker:
        await to_address(walker)
        await walker.type("jingf")
        matches = walker.page.query_one("#communities", OptionList)
        assert matches.option_count == 1
        await walker.pilot.click("#communities", offset=(4, 1))
        await walker.arrive("FirstDayPage")


async def test_a_tap_on_a_row_that_is_gone_since_it_was_painted_is_nothing(station: Station) -> None:
    async with walking(station) as walker:
        await to_address(walker)
        matches = walker.page.query_one("#communities", OptionList)
        gone = Style(meta={"option": matches.option_count - 1})
        await walker.type("jingf")
        assert matches.option_count == 1
        matches.post_message(events.Click(matches, 4, 30, 0, 0, 1, False, False, False, 4, 40, gone))
        await walker.settle()
        assert entry(walker).value == "jingf"
        await walker.arrive("AddressPage")


async def test_enter_in_a_field_that_is_gone_since_goes_nowhere(station: Station) -> None:
    async with walking(station) as walker:
        await to_phone(walker)
        gone = walker.page.query_one("#phone", Field)
        await walker.page.relabel()
        walker.page.post_message(Field.Entered(gone))
        await walker.settle()
        assert entry(walker).id == "phone-entry"
        await walker.arrive("IdentityPage")


# --- nothing stays --------------------------------------------------------------------------------------------------


async def test_nothing_is_copied_cut_or_selected(station: Station) -> None:
    async with walking(station) as walker:
        written = spy(walker)
        await to_phone(walker)
        await walker.type("1234567")
        for key in (
            "ctrl+shift+a",
            "shift+home",
            "ctrl+c",
            "ctrl+x",
            "super+c",
            "shift+left",
            "ctrl+v",
            "ctrl+shift+left",
        ):
            await burst(walker, key)
            assert entry(walker).selection.is_empty
        line = entry(walker).region
        await walker.pilot.mouse_down(offset=(line.x + 3, line.y + 1))
        await walker.pilot.hover(offset=(line.x + 8, line.y + 1))
        await walker.pilot.mouse_up(offset=(line.x + 8, line.y + 1))
        await walker.pilot.click("#phone-entry", times=3)
        await burst(walker, "ctrl+c", "ctrl+x")
        assert entry(walker).selection.is_empty
        assert entry(walker).value == "1234567"
        assert walker.app.clipboard == ""
        assert not TITLE_OR_CLIPBOARD.search("".join(written))


@pytest.mark.parametrize(
    ("pasted", "value"),
    [
        ("199\r\n0000\n", "1990000"),
        ("\x1b[31m1\x00\x07\t2", "[31m12"),
        ("1" * 500, "1" * 20),
        ("\n", ""),
    ],
)
async def test_a_paste_is_one_text_without_line_breaks(station: Station, pasted: str, value: str) -> None:
    async with walking(station) as walker:
        await to_phone(walker)
        walker.app.post_message(events.Paste(pasted))
        await walker.until(lambda: entry(walker).value == value)
        assert entry(walker).id == "phone-entry"
        if len(value) == 20:
            walker.app.post_message(events.Paste("2"))
            await walker.settle()
            assert entry(walker).value == value


def spy(walker: Walker) -> list[str]:
    """What the app sends to the terminal, and the titles it gives itself, from now on."""
    written: list[str] = []
    driver = walker.app._driver
    assert driver is not None
    driver.write = written.append  # type: ignore[method-assign, assignment]
    return written


def held(thing: object, seen: set[int], depth: int = 6) -> Iterator[str]:
    """Every text that an object holds, in its own containers as deep as somebody would look."""
    if id(thing) in seen or depth == 0:
        return
    seen.add(id(thing))
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, dict):
        for key, value in list(thing.items()):
            yield from held(key, seen, depth - 1)
            yield from held(value, seen, depth - 1)
    elif isinstance(thing, (list, tuple, set, frozenset)):
        for item in list(thing):
            yield from held(item, seen, depth - 1)
    elif isinstance(thing, Struct):
        yield from held(asdict(thing), seen, depth - 1)
    elif hasattr(thing, "__dict__") and not isinstance(thing, (type, Station)):
        yield from held(vars(thing), seen, depth - 1)


def left_behind(walker: Walker, markers: Iterable[str]) -> list[str]:
    """Where a text is found that somebody typed: in any living widget or app, in a line once drawn, or on show."""
    gc.collect()
    found = []
    drawn = [thing.text for thing in gc.get_objects() if isinstance(thing, Segment)]
    measured = [text for text in gc.get_referents(cached_cell_len) if isinstance(text, str)]
    for marker in markers:
        found += [f"{marker} drawn" for text in drawn if marker in text]
        found += [f"{marker} measured" for text in measured if marker in text]
    for thing in gc.get_objects():
        if isinstance(thing, MessagePump):
            seen: set[int] = set()
            texts = list(held(vars(thing), seen))
            found += [f"{marker} in {type(thing).__name__}" for marker in markers if any(marker in t for t in texts)]
    return found + [f"{marker} on the screen" for marker in markers if marker in walker.text()]


NAME, PHONE, NUMBER, BORN, SEARCH = "辛无痕", "19912345670", factories.id_number(), "1987-06-05", "农科院社区"


async def fill_in(walker: Walker) -> None:
    """Everything a person can type, up to the last question."""
    await walker.consent()
    await walker.type(NAME)
    await walker.press("enter")
    await walker.type(PHONE)
    await walker.press("enter")
    await walker.arrive("DocumentPage")
    await walker.press("enter")
    await walker.type(BORN)
    await walker.press("shift+tab")
    await walker.type(NUMBER)
    await walker.press("enter")
    await walker.arrive("AddressPage")
    await walker.press("1")
    await walker.type(SEARCH)


async def test_the_search_for_what_was_typed_finds_it_while_it_is_there(station: Station) -> None:
    async with walking(station) as walker:
        await fill_in(walker)
        found = left_behind(walker, [NAME, PHONE, NUMBER, SEARCH])
        for marker in (NAME, PHONE, NUMBER, SEARCH):
            assert any(marker in place for place in found)
        assert f"{SEARCH} drawn" in found
        assert f"{SEARCH} measured" in found


@pytest.mark.parametrize("finished", [False, True])
async def test_nothing_typed_is_there_for_the_next_person(station: Station, finished: bool) -> None:
    async with walking(station) as walker:
        written = spy(walker)
        await fill_in(walker)
        await walker.press("enter")
        await walker.arrive("FirstDayPage")
        if finished:
            await walker.answer("1", "1", "1", "1")
            await walker.arrive("AdmittedPage")
            await walker.press("enter")
            await walker.arrive("AssignmentPage")
            await walker.press("enter")
            await walker.arrive("BadgePage")
            await walker.press("escape")
        else:
            for page in ("AddressPage", "DocumentPage", "IdentityPage", "ConsentPage", "ConsentPage", "WelcomePage"):
                await walker.press("escape")
                await walker.arrive(page)
        await walker.arrive("WelcomePage")
        await walker.type("7K2MQ")
        await walker.press("escape")
        await walker.settle()
        # The name of somebody who is here stands in the log, which the station holds and no widget. What a page's
        # clock still holds is gone within its second.
        typed = [NAME, PHONE, NUMBER, BORN, SEARCH, "7K2MQ"]
        await walker.until(lambda: left_behind(walker, typed) == [])
        assert walker.app.clipboard == ""
        secrets = [NAME, PHONE, NUMBER, BORN, SEARCH]
        secrets += [base64.b64encode(text.encode()).decode() for text in secrets]
        sent = "".join(written)
        assert not any(text in sent for text in secrets if not text.isascii() or len(text) > 20)
        assert not TITLE_OR_CLIPBOARD.search(sent)
        assert all(text not in f"{walker.app.title}{walker.app.sub_title}" for text in secrets)


async def test_no_key_is_lost_while_the_language_changes(station: Station) -> None:
    async with walking(station) as walker:
        await to_phone(walker)
        for key in ("1", "3", "9", "f2", "8", "7", "f2", "6", "5"):
            walker._send(key, key if len(key) == 1 else None)
        await walker.until(lambda: entry(walker).value == "1398765")
        assert entry(walker).id == "phone-entry"


async def test_a_number_is_typed_at_once_and_up_and_down_lead_to_the_other_fields(station: Station) -> None:
    async with walking(station) as walker:
        await to_number(walker)
        for letter in "EB1234567":
            await walker.press(letter)
        assert entry(walker).value == "EB1234567"
        assert walker.said() == ""
        await walker.press("down")
        assert entry(walker).id == "birth_date-entry"
        await walker.press("up", "up")
        focused = walker.app.focused
        assert focused is not None
        assert focused.id == "id_type"
        await walker.press("3")
        assert entry(walker).id == "id_number-entry"


async def test_what_was_judged_goes_on_though_word_of_the_last_letters_is_still_on_its_way(station: Station) -> None:
    async with walking(station) as walker:
        await to_phone(walker)
        page = walker.page
        assert isinstance(page, FormPage)
        page.query_one("#phone", Field).value = "19900000001"
        # A tap on the bottom line reaches the page at once: no field has told it of the letters yet.
        await page.action_next()
        assert page.typed["phone"] == "19900000001"
        await walker.arrive("DocumentPage")
