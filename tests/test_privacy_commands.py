"""Set-up, import and export with marked people: then every byte that was written anywhere, and printed, is searched."""

from __future__ import annotations

import csv
import json
import re
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Final

import pytest

from tests import factories, plain
from tests.searching import MASKED, NAME, NEVER, NUMBER, PHONE, World, forms, found, holds, register
from tests.tent import Tent

LATER = partial(pytest.param, marks=pytest.mark.faults)
"""A case that is like another, and left to `make test-faults`."""
PIN: Final = "864213"
GROUPS: Final = re.compile(r"\b[2-9A-Z]{5}(?:-[2-9A-Z]{5}){4}\b")
"""What a passphrase looks like."""
TYPED: Final = {"name": "陆怀谷", "phone": "19987654321", "birth_date": "1991-03-14", "id_number": "E99900017"}
"""Somebody with a passport, whose birth date is typed."""
REFUSED: Final = {"name": "苏念安", "phone": "19923456789", "birth_date": "1993-07-28"}
MISTAKEN: Final = {"name": "程云起", "phone": "1993456789", "birth_date": "1992-04-15", "note": "电话少一位"}
SECRETS: Final = (
    *NEVER,
    *(who[key] for who in (TYPED, REFUSED, MISTAKEN) for key in ("phone", "birth_date")),
    *(who["birth_date"].replace("-", "") for who in (TYPED, REFUSED, MISTAKEN)),
    TYPED["id_number"],
)
SHEET: Final = (
    factories.sheet_row(name=NAME, phone=PHONE, id_number=NUMBER, birth_date="", note="第九号手套"),
    factories.sheet_row(**TYPED, id_type="passport"),
    factories.sheet_row(**REFUSED, health_code="red"),
    factories.sheet_row(**MISTAKEN),
    factories.sheet_row(name=NAME, phone=PHONE, id_number=NUMBER, birth_date="", note="第九号手套"),
)
OTHERS: Final = tuple(
    factories.sheet_row(name=f"{factories.NAMES[0]}{number}", phone=factories.phone(number)) for number in range(30)
)
"""So many that the segment with the marked people is sealed, and the index knows them."""


@pytest.fixture
def empty(tmp_path: Path) -> World:
    """A machine without a station."""
    (folder := tmp_path / "world").mkdir()
    return World(folder, tmp_path / "journal", tmp_path / "written", Tent(folder / "data", (), ()))


def sheet_of(tmp_path: Path, encoding: str) -> str:
    """The sheet as the lead has it on a stick, beside all that is searched."""
    path = tmp_path / "stick.csv"
    path.write_bytes(factories.sheet(*SHEET, *OTHERS, encoding=encoding))
    return str(path)


def often(content: bytes, mark: str) -> int:
    """How often a mark stands in it, in whatever form."""
    return sum(content.count(form) for form in set(forms(mark)))


# --- set-up -----------------------------------------------------------------------------------------------------------


def secrets_of(passphrase: str) -> tuple[str, str]:
    return passphrase, passphrase.replace("-", "")


@pytest.mark.parametrize("form", ["json", LATER("table"), LATER("csv")])
def test_set_up_tells_pin_and_passphrase_once_and_writes_neither(empty: World, form: str) -> None:
    place = ("--station", "S016001", "--community", "330102016001")
    code, out, err = empty.run("init", *place, "--lead-pin", PIN, "--format", form)
    assert (code, err) == (0, b"")
    (passphrase,) = GROUPS.findall(out.decode())
    assert (often(out, PIN), often(out, passphrase)) == (1, 1)
    assert empty.found(PIN, *secrets_of(passphrase)) == {}
    assert empty.strangers() == set()
    again = empty.run("init", *place, "--lead-pin", PIN)
    assert (again[0], holds(again[1] + again[2], PIN, passphrase)) == (2, "")


@pytest.mark.pty
def test_set_up_on_the_screen_writes_neither_pin_nor_passphrase(empty: World) -> None:
    with empty.open("SetUpPage") as visitor:
        screen = visitor.terminal
        visitor.enter("station-entry", "S016001")
        visitor.enter("community-entry", "笕桥社区")
        for field in ("pin", "again"):
            visitor._reaches(f"{field}-entry")
            visitor.press(*PIN, "\r")
        visitor.sees("PassphrasePage")
        screen.until(lambda: GROUPS.search(screen.text), "no passphrase")
        (passphrase,) = GROUPS.findall(screen.text)
        assert empty.found(PIN, *secrets_of(passphrase)) == {}
        visitor.press("1")
        visitor.sees("WelcomePage")
        assert often(bytes(screen.raw), PIN) == 0
        screen.process.kill()
        screen.process.wait()
    assert empty.found(PIN, *secrets_of(passphrase)) == {}
    assert empty.strangers() == set()


# --- import -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", LATER("gb18030")])
def test_an_import_leaves_names_and_masked_phones_in_the_log_and_prints_neither(
    world: World, tmp_path: Path, encoding: str
) -> None:
    code, out, err = world.run("import", sheet_of(tmp_path, encoding))
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [answer["outcome"] for answer in answers][:5] == ["admitted", "admitted", "refused", "invalid", "duplicate"]
    assert {answer["outcome"] for answer in answers[5:]} == {"admitted"}
    assert world.found(*SECRETS) == {}
    world.looks_well()
    for who in (REFUSED, MISTAKEN):
        assert world.found(who["name"], who["phone"][:3] + "****" + who["phone"][-4:], who.get("note", NAME * 9)) == {}
    personal = (NAME, MASKED, TYPED["name"], "199****4321", REFUSED["name"], MISTAKEN["name"])
    assert holds(out + err, *SECRETS, *personal) == ""
    assert err.count(b"\n") == 1, "of the row with the mistake it says which and what, and nothing that stood in it"
    # A note is what somebody at the station wrote about the day: it goes with the person's name, into the log alone.
    (sealed,) = {name for name in world.found("第九号手套") if name.startswith("data/records/sealed/")}
    assert world.found("第九号手套") == {sealed: "第九号手套"}
    # The control: these rows were taken in, and what must be found is.
    assert {NAME, TYPED["name"]} <= {(d.get("personal") or {}).get("name") for d in plain.log(world.tent.folder)}
    assert {sealed, "data/cache/known.sqlite"} <= world.found(MASKED).keys()
    assert found(tmp_path, PHONE) == {"stick.csv": PHONE}


@pytest.mark.parametrize("rows", [1, LATER(2), LATER(3)])
def test_an_import_that_is_killed_leaves_no_more(world: World, tmp_path: Path, rows: int) -> None:
    """Killed as soon as so many rows are acknowledged: the next one is being written then, or is not."""
    with world.start("import", sheet_of(tmp_path, "utf-8")) as process:
        assert process.stdout is not None
        told = b"".join(process.stdout.readline() for _ in range(rows))
        process.kill()
    assert told.count(b"\n") == rows
    assert world.found(*SECRETS) == {}
    assert world.found(REFUSED["name"], MISTAKEN["name"]) == {}
    assert world.strangers() == set()


# --- what is handed out -----------------------------------------------------------------------------------------------


@pytest.mark.pty
@pytest.mark.parametrize("form", ["csv", LATER("xlsx")])
def test_the_lead_s_file_holds_names_and_masked_phones_and_nothing_else_is_written(world: World, form: str) -> None:
    (stick := world.folder / "stick").mkdir()
    with world.open() as visitor:
        screen = visitor.terminal
        register(visitor)
        visitor.home()
        visitor._lead()
        visitor._pin()
        visitor.press("\x1b[21~")
        visitor.sees("ExportPage")
        visitor.press(*(["2"] if form == "csv" else []), "\t")
        visitor._reaches("folder-entry")
        screen.send("\x1b[F")  # of which nothing comes where the cursor is at the end
        visitor.press("\x15")  # what was suggested goes
        screen.paste(str(stick))
        screen.settle()
        visitor.press("\r")
        screen.until(lambda: any(stick.glob("kiosk-*")), "no file")
        visitor.home()
    (file,) = stick.iterdir()
    assert file.name.startswith("kiosk-S016001-")
    assert file.suffix == f".{form}"
    assert holds(file.read_bytes(), NAME) == NAME
    assert holds(file.read_bytes(), MASKED) == MASKED
    assert world.found(*NEVER) == {}
    elsewhere = {name for name in world.found(NAME, MASKED) if not name.startswith(("data/records/", "data/cache/"))}
    assert elsewhere == {f"stick/{file.name}"}
    # Not even for a moment: the file in the making lies beside it, and no spreadsheet is put together in TMPDIR.
    assert {str(Path(path).parent) for path in world.strangers()} == {str(stick)}


def test_the_roster_that_is_printed_holds_names_and_masked_phones(world: World, tmp_path: Path) -> None:
    world.run("import", sheet_of(tmp_path, "utf-8"))
    before = plain.fingerprint(world.folder)
    code, out, err = world.run("roster", "--day", SHEET[0]["arrived_at"][:10], "--format", "csv")
    assert (code, err) == (0, b"")
    rows = list(csv.DictReader(StringIO(out.decode("utf-8-sig"), newline="")))
    assert {NAME, TYPED["name"]} <= {cell for row in rows for cell in row.values()}
    assert holds(out, MASKED) == MASKED
    assert holds(out, *SECRETS, REFUSED["name"], MISTAKEN["name"]) == ""
    assert plain.fingerprint(world.folder) == before, "it writes nothing"


# --- a control --------------------------------------------------------------------------------------------------------


def test_what_a_command_writes_is_found_wherever_it_is(world: World) -> None:
    """A command that leaves a secret in its own temporary folder, and one that takes it away again, are both told."""
    _code, out, _err = world.run("roster", "--format", "json")
    assert holds(out, *NEVER) == ""
    assert holds(out + PHONE.encode(), *NEVER) == PHONE
    for place in ("TMPDIR/sheet", "HOME/.cache", "XDG_STATE_HOME/x", "data/tmp/x", "data/exports/x"):
        path = world.folder / place
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(PHONE.encode())
        assert world.found(*SECRETS) == {place: PHONE}
        path.unlink()
    away = world.folder / "TMPDIR" / "gone"
    code, _out, _err = world.run("badge", "show", world.tent.guests[0].number, "--png", str(away))
    away.unlink()
    assert code == 0
    assert {path.rpartition("/")[0] for path in world.strangers()} == {str(away.parent)}
