"""The commands as a person or a program calls them: output, exit codes, and a sentence for whatever goes wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from kiosk import setup
from kiosk.arriving import Admission
from kiosk.campaign import Campaign
from kiosk.keys import Keys
from kiosk.rules import Application, Stay
from kiosk.station import Station
from tests import factories, plain
from tests.conftest import Run
from tests.elsewhere import Elsewhere

if TYPE_CHECKING:
    from tests.conftest import FakeClock

ROSTER_KEYS = [
    *("volunteer", "name", "phone_masked", "street", "community", "post", "status", "duty", "since"),
    *("checked_in_at", "checked_out_at", "minutes", "flags"),
]
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx")


@pytest.fixture
def people(station_folder: Path, campaign: Campaign, clock: FakeClock) -> list[Admission]:
    """A morning at the station, which is closed again: on duty, gone, just arrived; and one whose name is a formula."""
    opened = Station(station_folder, clock=clock)
    try:
        done = []
        for number, name in enumerate((*factories.NAMES[:3], "=cmd|'/C calc'!A1")):
            who = factories.applicant(number, name=name)
            given = factories.answers(campaign, clock.now.date())
            done.append(opened.check_in(Application(who, given, True, Stay())))
            clock.advance(minutes=1)
        opened.start_duty(done[0].volunteer or "", "order")
        opened.check_out(done[1].volunteer or "")
        clock.advance(minutes=26)
    finally:
        opened.close()
    return done


@pytest.fixture
def busy(station_folder: Path) -> Iterator[Station]:
    """The kiosk's screen runs on the folder."""
    opened = Station(station_folder)
    yield opened
    opened.close()


# --- roster ---------------------------------------------------------------------------------------------------------


def test_roster_for_programs(run: Run, people: list[Admission]) -> None:
    done = run("roster", "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert [list(row) for row in done.rows] == [ROSTER_KEYS] * 4
    assert [row["volunteer"] for row in done.rows] == [admission.volunteer for admission in people]
    assert [row["status"] for row in done.rows] == ["on_duty", "checked_out", "checked_in", "checked_in"]
    assert done.rows[0] | {"volunteer": ""} == {
        "volunteer": "",
        "name": factories.NAMES[0],
        "phone_masked": "199****0000",
        "street": "笕桥街道",
        "community": "笕桥社区",
        "post": None,
        "status": "on_duty",
        "duty": "秩序维护",
        "since": "2021-12-06T08:04:00.000+08:00",
        "checked_in_at": "2021-12-06T08:00:00.000+08:00",
        "checked_out_at": None,
        "minutes": 30,
        "flags": [],
    }
    assert done.rows[1]["checked_out_at"] == "2021-12-06T08:04:00.000+08:00"


def test_roster_of_a_day(run: Run, people: list[Admission], clock: FakeClock) -> None:
    clock.advance(days=2)
    assert run("roster", "--format", "json").rows == []
    rows = run("roster", "--day", "2021-12-06", "--format", "json").rows
    assert [row["status"] for row in rows] == ["pending_check_out", "checked_out", *["pending_check_out"] * 2]
    assert rows[0]["minutes"] is None
    assert run("roster", "--day", "2021-13-06").code == 2
    assert run("roster", "--day", "yesterday").code == 2


def test_roster_for_a_spreadsheet(run: Run, people: list[Admission]) -> None:
    done = run("roster", "--format", "csv")
    assert done.out.startswith("\ufeff")
    assert done.out.count("\r\n") == 5
    rows = list(csv.DictReader(io.StringIO(done.out.removeprefix("\ufeff"), newline="")))
    assert list(rows[0]) == ROSTER_KEYS
    assert [row["name"] for row in rows] == [*factories.NAMES[:3], "'=cmd|'/C calc'!A1"]
    assert rows[0]["minutes"] == "30"
    assert rows[0]["post"] == rows[0]["flags"] == ""


def test_roster_for_people(run: Run, people: list[Admission]) -> None:
    done = run("roster")
    assert done.code == 0
    for text in (*factories.NAMES[:3], "=cmd|'/C calc'!A1", "199****0000", people[0].volunteer or ""):
        assert text in done.out


def test_names_that_would_be_markup_or_control(run: Run, station_folder: Path, campaign: Campaign) -> None:
    opened = Station(station_folder)
    names = ["[/张]", "[red]李", "[@click=app.quit]王", "孙\u00adx"]
    for number, name in enumerate(names):
        who = factories.applicant(number, name=name)
        given = factories.answers(campaign, opened.today())
        opened.check_in(Application(who, given, True, Stay()))
    day = opened.today().isoformat()
    opened.close()
    table = run("roster", "--day", day)
    assert table.code == 0
    for name in names[:3]:
        assert name in table.out
    assert [row["name"] for row in run("roster", "--day", day, "--format", "json").rows] == names


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text: str) -> None:
    from kiosk.tables import csv_cell

    assert csv_cell(text) == f"'{text}"
    assert csv_cell(-5) == "-5"
    assert csv_cell(None) == ""
    assert csv_cell(("a", "b")) == "a;b"


def test_a_semicolon_makes_no_cell() -> None:
    from kiosk.tables import csv_bytes

    assert csv_bytes(["n"], [["\u6797;=1+1"]]).decode("utf-8-sig") == '"n"\r\n"\u6797;=1+1"\r\n'


# --- badges ---------------------------------------------------------------------------------------------------------


def test_badge_show(run: Run, people: list[Admission], tmp_path: Path) -> None:
    number, code = people[0].volunteer or "", people[0].code or ""
    picture = tmp_path / "badge.png"
    done = run("badge", "show", number.lower(), "--format", "json", "--png", str(picture))
    assert done.code == 0
    assert done.rows == [{"volunteer": number, "station": "S016001", "code": code, "expires": "2022-06-04"}]
    with Image.open(picture) as image:
        (found,) = zxingcpp.read_barcodes(image.convert("L"))
    assert found.text == code
    assert "\x1b" not in run("badge", "show", number).out


def test_badge_check(run: Run, people: list[Admission], clock: FakeClock) -> None:
    code = people[0].code or ""
    good = run("badge", "check", code)
    assert (good.code, good.err) == (0, "")
    assert good.rows == [
        {
            "valid": True,
            "reason": None,
            "volunteer": people[0].volunteer,
            "station": "S016001",
            "expires": "2022-06-04",
        }
    ]
    bad = run("badge", "check", code[:-1])
    assert (bad.code, bad.rows) == (
        1,
        [{"valid": False, "reason": "malformed", "volunteer": None, "station": None, "expires": None}],
    )
    assert bad.err.strip()
    clock.advance(days=181)
    expired = run("badge", "check", code)
    assert (expired.code, expired.rows[0]["reason"]) == (1, "expired")
    assert run("badge", "check", "").code == 1


@pytest.mark.usefixtures("light_wrapping")
def test_badge_of_another_station(run: Run, people: list[Admission], campaign: Campaign, tmp_path: Path) -> None:
    """Same id, other key; and an id that is not known."""
    other = tmp_path / "other"
    made = setup.prepare(other, campaign, station="S016001", community="330102016001")
    setup.finish(other, made)
    forged = run("badge", "check", people[0].code or "", folder=other)
    assert (forged.code, forged.rows[0]["reason"], forged.rows[0]["volunteer"]) == (1, "bad_signature", None)
    settings = json.loads((other / "station.json").read_text(encoding="utf-8"))
    (other / "station.json").write_text(json.dumps(settings | {"station": "S2"}), encoding="utf-8")
    foreign = run("badge", "check", people[0].code or "", folder=other)
    assert (foreign.code, foreign.rows[0]["reason"]) == (1, "unknown_station")


def test_badge_of_a_station_that_headquarters_has_signed(
    run: Run, station_folder: Path, clock: FakeClock, people: list[Admission]
) -> None:
    elsewhere, number = Elsewhere.known_to(station_folder), factories.volunteer_number(11)
    station = Station(station_folder, clock=clock)
    code = elsewhere.badge(number, station)
    station.close()
    good = run("badge", "check", code)
    assert (good.code, good.rows[0]["valid"], good.rows[0]["station"]) == (0, True, "S999")
    assert good.rows[0]["volunteer"] == number
    path = station_folder / "keys" / "directory.json"
    path.write_text(elsewhere.directory(Ed25519PrivateKey.generate()))
    assert run("badge", "check", code).rows[0]["reason"] == "unknown_station"
    assert run("badge", "check", people[0].code or "").code == 0  # its own count all the same


def test_badge_revoke(run: Run, people: list[Admission], station_folder: Path) -> None:
    number, code = people[0].volunteer or "", people[0].code or ""
    assert run("badge", "revoke", number, "--reason", "遗失").code == 0
    assert run("badge", "revoke", number).code == 0
    revoked = [document for document in plain.log(station_folder) if document["type"] == "badge_revoked"]
    assert [document["reason"] for document in revoked] == ["遗失"]
    assert run("badge", "check", code).rows[0]["reason"] == "revoked"
    shown = run("badge", "show", number)
    assert (shown.code, shown.out) == (1, "")
    assert shown.err.strip()


@pytest.mark.parametrize("command", ["show", "revoke"])
def test_badge_of_nobody(run: Run, people: list[Admission], station_folder: Path, command: str) -> None:
    before = plain.fingerprint(station_folder / "records")
    unknown = run("badge", command, factories.volunteer_number(99))
    assert (unknown.code, unknown.out) == (1, "")
    assert len(unknown.err.splitlines()) == 1
    for wrong in ("nobody", "", "330102199505200001", (people[0].volunteer or "")[:-1]):
        done = run("badge", command, wrong)
        assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert plain.fingerprint(station_folder / "records") == before


def test_a_picture_that_cannot_be_written(run: Run, people: list[Admission], tmp_path: Path) -> None:
    done = run("badge", "show", people[0].volunteer or "", "--png", str(tmp_path / "no" / "badge.png"))
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)


# --- init -----------------------------------------------------------------------------------------------------------


def test_init_without_questions(run: Run, tmp_path: Path, campaign: Campaign) -> None:
    folder = tmp_path / "deep" / "new"
    done = run("init", "--station", " s9 ", "--community", "笕桥社区", "--format", "json", folder=folder)
    assert (done.code, done.err) == (0, "")
    (row,) = done.rows
    assert list(row) == ["station", "street", "community", "data", "pin", "passphrase"]
    assert (row["station"], row["street"], row["community"], row["data"]) == ("S9", "笕桥街道", "笕桥社区", str(folder))
    assert re.fullmatch(r"\d{6}", row["pin"])
    assert re.fullmatch(r"([2-9A-HJ-NP-Z]{5}-){4}[2-9A-HJ-NP-Z]{5}", row["passphrase"])
    assert plain.contains(folder, row["passphrase"]) == []
    keys = Keys(folder / "keys", folder / "tmp")
    assert keys.check_pin(row["pin"], factories.at("08:00"))
    assert keys.open_sealed(keys.seal({"a": "b"}), row["passphrase"]) == {"a": "b"}
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    settings = json.loads((folder / "station.json").read_text(encoding="utf-8"))
    assert settings.keys() == {
        *["station", "street", "community", "name", "language", "epoch", "theme", "segment", "sum"]
    }
    assert (settings["language"], settings["community"]) == ("zh", "330102016001")
    (record,) = plain.log(folder)
    assert record["details"].keys() == {"street", "community", "key", "lead", "lead_age", "secret"}


def test_init_with_a_name_that_no_line_can_hold(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    done = run("init", "--station", "S9", "--community", "笕桥社区", "--name", "一号\x1b[2J点", folder=folder)
    assert done.code == 2
    assert not (folder / "station.json").exists()


def test_init_never_replaces_the_keys_of_records(run: Run, station_folder: Path) -> None:
    (station_folder / "station.json").unlink()
    before = (station_folder / "keys" / "lead.age").read_bytes()
    done = run("init", "--station", "S9", "--community", "笕桥社区")
    assert done.code == 2
    assert "station.json" in done.err
    assert (station_folder / "keys" / "lead.age").read_bytes() == before


def test_a_day_that_is_none(run: Run) -> None:
    done = run("roster", "--day", "2021-13-01")
    assert done.code == 2
    assert "2021-12-01" in done.err
    assert "_day" not in done.err


def test_json_is_utf_8_whatever_the_terminal_speaks(station_folder: Path) -> None:
    station = Station(station_folder)
    admitted = factories.answers(station.campaign, station.today())
    station.check_in(Application(factories.applicant(name="𠀀小满"), admitted, True, Stay()))
    station.close()
    command = [sys.executable, "-m", "kiosk", "--data", str(station_folder), "roster", "--format"]
    environment = {**os.environ, "PYTHONIOENCODING": "gbk"}
    done = subprocess.run([*command, "json"], env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout)["name"] == "𠀀小满"
    table = subprocess.run([*command, "table"], env=environment, capture_output=True, check=True)
    assert "小满" in table.stdout.decode("gbk")


def test_init_twice(run: Run, station_folder: Path) -> None:
    before = plain.fingerprint(station_folder)
    done = run("init", "--station", "S2", "--community", "330102016001")
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert plain.fingerprint(station_folder) == before


@pytest.mark.parametrize(
    "options",
    [
        ["--station", "S2"],
        ["--community", "330102016001"],
        ["--station", "S2", "--community", "no such"],
        ["--station", "S2", "--community", "330102999001"],
        ["--station", "S-2", "--community", "330102016001"],
        ["--station", "S23456789", "--community", "330102016001"],
        ["--station", "", "--community", "330102016001"],
        ["--station", "S2", "--community", "330102016001", "--lead-pin", "一二三四五六"],
        ["--station", "S2", "--community", "330102016001", "--language", "fr"],
        ["--station", "S2", "--community", "330102016001", "--hq", "no-such-file"],
    ],
)
@pytest.mark.usefixtures("light_wrapping")
def test_init_with_what_cannot_be(run: Run, tmp_path: Path, options: list[str]) -> None:
    folder = tmp_path / "new"
    done = run("init", *options, folder=folder)
    assert (done.code, done.out) == (2, "")
    assert done.err.strip()
    assert not (folder / "station.json").exists()


# --- verify ---------------------------------------------------------------------------------------------------------


def test_verify(run: Run, people: list[Admission], station_folder: Path) -> None:
    good = run("verify")
    assert good.code == 0
    assert good.err == ""
    assert good.out.strip()
    assert run("verify", "--format", "json").out == ""
    path = station_folder / "records" / "open.json"
    path.write_bytes(path.read_bytes().replace(factories.NAMES[1].encode(), "某某人".encode()))
    before = plain.fingerprint(station_folder)
    bad = run("verify", "--format", "json")
    assert bad.code == 1
    assert [(row["file"], row["seq"]) for row in bad.rows] == [("records/open.json", 6)]
    assert len(bad.err.splitlines()) == 1
    assert "records/open.json" in bad.err
    assert "6" in bad.err
    (station_folder / "campaign" / "SC2021-1.json").unlink()
    assert len(run("verify", "--format", "csv").err.splitlines()) == 2
    assert set(plain.fingerprint(station_folder)) == before.keys() - {"campaign/SC2021-1.json"}


def test_verify_names_what_was_set_aside(run: Run, people: list[Admission], station_folder: Path) -> None:
    (station_folder / "records" / "open.json").write_bytes(b"")
    assert run("verify").code == 1
    Station(station_folder).close()
    done = run("verify", "--format", "json")
    assert (done.code, len(done.rows)) == (1, 1)
    assert re.fullmatch(r"set-aside/[0-9a-f]{16}-open\.json", done.rows[0]["file"])


# --- what goes wrong ------------------------------------------------------------------------------------------------

NEED_A_STATION = [
    ["roster"],
    ["verify"],
    ["import", "sheet.csv"],
    ["badge", "show", "7K2MQ-4RXWC"],
    ["badge", "check", "X"],
    ["badge", "revoke", "7K2MQ-4RXWC"],
]


@pytest.mark.parametrize("arguments", NEED_A_STATION, ids=" ".join)
def test_no_station(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "sheet.csv").write_bytes(factories.sheet(factories.sheet_row()))
    folder = tmp_path / "nothing"
    done = run(*(str(tmp_path / text) if text == "sheet.csv" else text for text in arguments), folder=folder)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert not folder.exists()


@pytest.mark.parametrize("arguments", NEED_A_STATION, ids=" ".join)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"station": "S1"}', b"\xff\xfe"])
def test_a_damaged_station(run: Run, station_folder: Path, arguments: list[str], content: bytes) -> None:
    (station_folder / "station.json").write_bytes(content)
    (station_folder / "sheet.csv").write_bytes(factories.sheet(factories.sheet_row()))
    done = run(*(str(station_folder / text) if text == "sheet.csv" else text for text in arguments))
    assert done.code in (1, 2)
    if arguments[0] == "import":  # who may write has made it anew from the log, and says so
        assert any("station.json" in line for line in done.err.splitlines())
    else:
        assert (done.out, len(done.err.splitlines())) == ("", 1)
    assert not (station_folder / "log").exists()  # none of it is an internal error


def test_beside_a_running_kiosk(run: Run, people: list[Admission], busy: Station, tmp_path: Path) -> None:
    """Who only reads may; who would write is told to close the kiosk first."""
    (tmp_path / "sheet.csv").write_bytes(factories.sheet(factories.sheet_row()))
    before = plain.fingerprint(busy.folder)
    assert len(run("roster", "--format", "json").rows) == 4
    assert run("verify").code == 0
    assert run("badge", "check", people[0].code or "").code == 0
    assert run("badge", "show", people[0].volunteer or "").code == 0
    for writing in (["import", str(tmp_path / "sheet.csv")], ["badge", "revoke", people[0].volunteer or ""]):
        done = run(*writing)
        assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert run("init", "--station", "S2", "--community", "330102016001").code == 2
    assert plain.fingerprint(busy.folder) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["roster", "--format", "xml"],
        ["roster", "--no-such-option"],
        ["badge"],
        ["badge", "show"],
        ["badge", "no-such"],
        ["import"],
        ["--data"],
        ["--data", ""],
        ["--data", "-x"],
        ["roster", "extra"],
    ],
    ids=" ".join,
)
def test_wrong_usage(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("usage:") == 1


def test_help(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    for command in ("demo", "init", "import", "roster", "badge", "verify"):
        assert command in done.out


def test_a_disk_that_cannot_be_written(
    run: Run, people: list[Admission], monkeypatch: pytest.MonkeyPatch, station_folder: Path
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    done = run("badge", "revoke", people[0].volunteer or "")
    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)


def test_a_folder_that_cannot_be_set_up(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told in a sentence, not as an internal error."""

    def fsync(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "new"
    monkeypatch.setattr("os.fsync", fsync)
    done = run("init", "--station", "S2", "--community", "330102016001", folder=folder)
    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
    assert not (folder / "log").exists()
    assert not (folder / "station.json").exists()


def test_an_internal_error_says_nothing_personal(
    run: Run, people: list[Admission], monkeypatch: pytest.MonkeyPatch, station_folder: Path
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError(f"about {factories.NAMES[0]}")

    monkeypatch.setattr("kiosk.commands.roster.roster", fail)
    done = run("roster")
    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)
    noted = (station_folder / "log" / "crash.log").read_text(encoding="utf-8")
    assert "RuntimeError" in noted
    assert factories.NAMES[0] not in noted + done.err


# --- as processes ---------------------------------------------------------------------------------------------------


def test_a_process_in_a_bare_locale(station_folder: Path, people: list[Admission]) -> None:
    """The machine's language and encoding change nothing."""
    done = plain.kiosk(station_folder, "roster", "--day", "2021-12-06", "--format", "json")
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout.splitlines()[0])["name"] == factories.NAMES[0]


def test_a_process_whose_reader_has_enough(station_folder: Path, people: list[Admission]) -> None:
    command = plain.kiosk_command(station_folder, "roster", "--day", "2021-12-06", "--format", "json")
    with subprocess.Popen(command, cwd=plain.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(30) in (0, 1)
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["roster"], 0), (["verify"], 0), (["badge", "show", "x"], 2), (["badge", "check", "x"], 1), (["nonsense"], 2)],
    ids=["roster", "verify", "badge show", "badge check", "nonsense"],
)
def test_exit_codes_of_processes(station_folder: Path, arguments: list[str], code: int) -> None:
    done = plain.kiosk(station_folder, *arguments)
    assert done.returncode == code
    assert b"Traceback" not in done.stdout + done.stderr
    assert bool(done.stderr) is bool(code)


def test_the_screen_needs_a_terminal(station_folder: Path) -> None:
    for arguments in ([], ["demo"]):
        done = plain.kiosk(station_folder, *arguments)
        assert (done.returncode, done.stdout) == (2, b"")
        assert len(done.stderr.splitlines()) == 1
