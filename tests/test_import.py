"""Back-entry of a paper sheet: one answer a row, the same rules as at the screen, and nothing twice."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kiosk import clock as clock_module
from kiosk.__main__ import main
from kiosk.campaign import Campaign
from kiosk.records import SHANGHAI
from kiosk.roster import roster
from kiosk.rules import Application, Stay
from kiosk.sheet import COLUMNS
from kiosk.station import Station, read_history
from tests import factories, plain

if TYPE_CHECKING:
    from tests.conftest import FakeClock

KEYS = ["row", "outcome", "reasons", "volunteer", "ids"]
NAMES = factories.NAMES


@dataclass(frozen=True)
class Imported:
    code: int
    rows: list[dict[str, Any]]
    err: str

    @property
    def outcomes(self) -> list[str]:
        return [row["outcome"] for row in self.rows]


Import = Callable[..., Imported]


@pytest.fixture
def sheet(
    station_folder: Path,
    clock: FakeClock,
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Import:
    """Imports rows, or the bytes of a file, at 18:00 on Friday 2021-12-10."""
    clock.set("2021-12-10 18:00")
    real = Station.__init__

    def opened(self: Station, folder: Path) -> None:
        real(self, folder, clock=clock)

    monkeypatch.setattr(Station, "__init__", opened)
    monkeypatch.setattr(clock_module, "system_clock", clock)

    def call(*rows: Mapping[str, str], content: bytes | None = None) -> Imported:
        file = tmp_path / "sheet.csv"
        file.write_bytes(factories.sheet(*rows) if content is None else content)
        capfdbinary.readouterr()
        code = main(["--data", str(station_folder), "import", str(file)])
        out, err = (text.decode("utf-8") for text in capfdbinary.readouterr())
        assert "Traceback" not in out + err
        answers = [json.loads(line) for line in out.splitlines()]
        assert all(list(answer) == KEYS for answer in answers)
        return Imported(code, answers, err)

    return call


def row(number: int = 0, /, *, day: str = "2021-12-06", **changes: str) -> dict[str, str]:
    """A row about another person for each `number`, who was there on `day` from 08:00 to 11:30."""
    who = {"name": NAMES[number % 8] + ("" if number < 8 else str(number)), "phone": factories.phone(number)}
    when = {"arrived_at": f"{day} 08:00", "left_at": f"{day} 11:30"}
    return factories.sheet_row(**{**who, **when, **changes})


def records_of(folder: Path, answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    by_id = {document["id"]: document for document in plain.log(folder)}
    return [by_id[name] for name in answer["ids"]]


# --- one row --------------------------------------------------------------------------------------------------------


def test_a_row_that_is_in_order(sheet: Import, station_folder: Path) -> None:
    done = sheet(row(note="带了=工具"))
    assert (done.code, done.err) == (0, "")
    (answer,) = done.rows
    assert (answer["row"], answer["outcome"], answer["reasons"]) == (2, "admitted", [])
    records = records_of(station_folder, answer)
    assert [document["type"] for document in records] == [
        *("registered", "checked_in", "assigned", "badge_issued", "duty_started", "duty_ended", "checked_out"),
    ]
    assert records == plain.log(station_folder)[1:]
    assert {document["by"] for document in records} == {"import"}
    assert {document["volunteer"] for document in records} == {answer["volunteer"]}
    assert {document["at"] for document in records} == {"2021-12-10T18:00:00.000+08:00"}
    arrived, left = "2021-12-06T08:00:00.000+08:00", "2021-12-06T11:30:00.000+08:00"
    assert [document["occurred"] for document in records] == [arrived] * 5 + [left] * 2
    assert [name for name, document in enumerate(records) if "row_key" in document] == [0]
    assert records[0]["personal"]["note"] == "带了=工具"
    assert (records[4]["duty"], records[6]["late"]) == ("order", False)


def test_still_here(sheet: Import, station_folder: Path) -> None:
    done = sheet(row(day="2021-12-10", left_at=""), row(1, day="2021-12-10", left_at="", duty=""))
    assert done.outcomes == ["admitted", "admitted"]
    assert [document["type"] for document in records_of(station_folder, done.rows[0])][-1] == "duty_started"
    assert [document["type"] for document in records_of(station_folder, done.rows[1])][-1] == "badge_issued"
    assert sheet(row(day="2021-12-10", arrived_at="2021-12-10 09:00", left_at="")).outcomes == ["duplicate"]


def test_over_night(sheet: Import, station_folder: Path) -> None:
    done = sheet(row(arrived_at="2021-12-06 22:00", left_at="2021-12-07 06:00"))
    assert done.outcomes == ["admitted"]
    (visit,) = read_history(station_folder).visits_on(date(2021, 12, 6))
    assert visit.checked_out is not None
    assert visit.checked_out - visit.checked_in == timedelta(hours=8)


def test_refused(sheet: Import, station_folder: Path) -> None:
    done = sheet(row(vaccinated="否", travel_code="橙"), row(1, consent="否"), row(2, birth_date="2010-01-01"))
    assert done.code == 0
    assert done.outcomes == ["refused"] * 3
    assert [answer["reasons"] for answer in done.rows] == [
        ["not_vaccinated", "travel_code_not_green"],
        ["consent_not_given"],
        ["age_under"],
    ]
    assert [answer["volunteer"] for answer in done.rows] == [None] * 3
    records = plain.log(station_folder)[1:]
    assert [document["type"] for document in records] == ["refused"] * 3
    assert all("row_key" in document for document in records)
    assert not any({"personal", "health"} & document.keys() for document in records)
    assert plain.contains(station_folder, *NAMES[:3], factories.phone(0), "199****0000") == []
    (again,) = sheet(row(vaccinated="否", travel_code="橙")).rows
    assert again == done.rows[0] | {"outcome": "duplicate", "reasons": []}


BAD: list[tuple[dict[str, str], list[str]]] = [
    ({"name": " "}, ["name_missing"]),
    ({"name": "张" * 101}, ["name_invalid"]),
    ({"name": "张\u202e三"}, ["name_invalid"]),
    ({"id_number": "330102199505200001"}, ["id_invalid"]),
    ({"id_type": "library card"}, ["id_invalid"]),
    ({"phone": ""}, ["phone_invalid"]),
    ({"phone": "12345678901"}, ["phone_invalid"]),
    ({"birth_date": ""}, ["birth_date_invalid"]),
    ({"birth_date": "1995-02-30"}, ["birth_date_invalid"]),
    ({"birth_date": "2021-12-07"}, ["birth_date_invalid"]),
    ({"street": "没有街道"}, ["community_unknown"]),
    ({"community": "没有社区"}, ["community_unknown"]),
    ({"duty": "吃饭"}, ["duty_unknown"]),
    ({"vaccinated": ""}, ["answer_missing"]),
    ({"health_code": "blue"}, ["answer_missing"]),
    ({"health_code": "orange"}, ["answer_missing"]),
    ({"pledge": " "}, ["answer_missing"]),
    ({"consent": ""}, ["answer_missing"]),
    ({"lives_or_works": "maybe"}, ["answer_missing"]),
    ({"arrived_at": ""}, ["time_invalid"]),
    ({"arrived_at": "2021-12-06"}, ["time_invalid"]),
    ({"arrived_at": "2021-12-06 24:30"}, ["time_invalid"]),
    ({"arrived_at": "2021-11-30 08:00", "left_at": ""}, ["time_invalid"]),
    ({"arrived_at": "2021-12-11 08:00", "left_at": ""}, ["time_invalid"]),
    ({"left_at": "2021-12-06 08:00"}, ["time_invalid"]),
    ({"left_at": "2021-12-08 07:00"}, ["time_invalid"]),
    ({"left_at": "noon"}, ["time_invalid"]),
    (
        {"name": "", "phone": "1", "vaccinated": "", "duty": "?", "arrived_at": "?", "birth_date": "?"},
        ["name_missing", "birth_date_invalid", "phone_invalid", "duty_unknown", "answer_missing", "time_invalid"],
    ),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_every_kind_of_bad_row(sheet: Import, station_folder: Path, encoding: str) -> None:
    before = plain.fingerprint(station_folder / "records")
    rows = [row(number, **changes) for number, (changes, _) in enumerate(BAD)]
    done = sheet(content=factories.sheet(*rows, encoding=encoding))
    assert done.code == 1
    assert done.outcomes == ["invalid"] * len(BAD)
    assert [sorted(answer["reasons"]) for answer in done.rows] == [sorted(codes) for _, codes in BAD]
    assert [answer["row"] for answer in done.rows] == list(range(2, len(BAD) + 2))
    assert all(answer["volunteer"] is None and answer["ids"] == [] for answer in done.rows)
    assert len(done.err.splitlines()) == sum(len(codes) for _, codes in BAD)
    assert plain.fingerprint(station_folder / "records") == before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_good_rows_in_every_encoding(sheet: Import, station_folder: Path, encoding: str, newline: str) -> None:
    rows = [
        row(0, vaccinated="是", health_code="绿", travel_code="绿*", pledge="是", consent="是", duty="体温测量"),
        row(1, lives_or_works="居住", arrived_at="2021/12/6 8:00", left_at="2021/12/6 9:05"),
        row(2, name="䶮𠮷·=[/b]", phone="+86 199-0000-0002", note="第一行\n第二行"),
        row(3, name="", phone=""),
    ]
    done = sheet(content=factories.sheet(*rows, encoding=encoding, newline=newline))
    assert done.outcomes == ["admitted", "admitted", "admitted", "invalid"]
    assert [answer["row"] for answer in done.rows] == [2, 3, 4, 5]
    named = [d["personal"]["name"] for d in plain.log(station_folder) if d["type"] == "registered"]
    assert named == [NAMES[0], NAMES[1], "䶮𠮷·=[/b]"]
    # The same in another encoding, in other spellings of the answers: the same rows.
    assert sheet(*(row(0, health_code="绿码", travel_code="green*", duty="temperature"), *rows[1:])).outcomes == [
        *["duplicate"] * 3,
        "invalid",
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name,phone\r\n",
        b"\xff\xfe" + "name".encode("utf-16-le"),
        b"PK\x03\x04 an .xlsx file \xff\xff\xff",
        ",".join(COLUMNS[:-1]).encode(),
        factories.sheet().replace(b"note", b"memo"),
    ],
)
def test_what_is_no_sheet(sheet: Import, station_folder: Path, content: bytes) -> None:
    before = plain.fingerprint(station_folder)
    done = sheet(content=content)
    assert (done.code, done.rows, len(done.err.splitlines())) == (2, [], 1)
    assert plain.fingerprint(station_folder) == before


def test_no_file(station_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path / "nothing.csv", tmp_path):
        assert main(["--data", str(station_folder), "import", str(path)]) == 2
        out, err = capfd.readouterr()
        assert (out, len(err.splitlines())) == ("", 1)


def test_a_sheet_as_a_spreadsheet_leaves_it(sheet: Import) -> None:
    """Columns in another order and more of them, empty rows, short rows, quotes that are never closed."""
    header = [*reversed(COLUMNS), "remark"]
    cells = row()
    line = ",".join(cells.get(name, "x") for name in header)
    content = f"{','.join(header).upper()}\r\n{',' * 17}\r\n\r\n{line}\r\n".encode()
    done = sheet(content=content)
    assert [(answer["row"], answer["outcome"]) for answer in done.rows] == [(4, "admitted")]
    assert sheet(content=factories.sheet() + b"a,b\r\n").outcomes == ["invalid"]
    assert sheet(content=factories.sheet() + b'"never closed,b\r\n').outcomes == ["invalid"]


# --- the same again -------------------------------------------------------------------------------------------------


def test_a_second_import_adds_nothing(sheet: Import, station_folder: Path) -> None:
    rows = [
        row(0),
        row(1, health_code="red"),
        row(2, id_number=factories.id_number()),
        row(3, phone="no"),
        row(4, left_at="", day="2021-12-10"),
        row(0, day="2021-12-07"),
    ]
    first = sheet(*rows)
    assert first.outcomes == ["admitted", "refused", "admitted", "invalid", "admitted", "admitted"]
    before = plain.fingerprint(station_folder)
    second = sheet(*rows)
    assert (second.code, first.code) == (1, 1)
    assert second.outcomes == ["duplicate"] * 3 + ["invalid"] + ["duplicate"] * 2
    for one, two in zip(first.rows, second.rows, strict=True):
        assert (one["ids"], one["volunteer"], one["row"]) == (two["ids"], two["volunteer"], two["row"])
    assert all(answer["reasons"] == [] for answer in second.rows if answer["outcome"] == "duplicate")
    assert plain.fingerprint(station_folder) == before
    # A part of it, in another order: still nothing new.
    assert sheet(rows[5], rows[0]).rows == [second.rows[5] | {"row": 2}, second.rows[0] | {"row": 3}]
    assert plain.fingerprint(station_folder) == before


def test_the_same_row_twice_in_a_sheet(sheet: Import) -> None:
    one, two = sheet(row(), row()).rows
    assert (one["outcome"], two["outcome"]) == ("admitted", "duplicate")
    assert (one["ids"], one["volunteer"]) == (two["ids"], two["volunteer"])


def test_two_refusals_of_different_rows(sheet: Import, station_folder: Path) -> None:
    done = sheet(row(0, health_code="red"), row(0, health_code="yellow"), row(0, health_code="red"))
    assert done.outcomes == ["refused", "refused", "duplicate"]
    assert done.rows[2]["ids"] == done.rows[0]["ids"] != done.rows[1]["ids"]
    assert len(plain.log(station_folder)) == 3


# --- several visits -------------------------------------------------------------------------------------------------


def times(start: str, end: str) -> dict[str, str]:
    return {"arrived_at": f"2021-12-06 {start}", "left_at": f"2021-12-06 {end}" if end else ""}


@pytest.mark.parametrize(
    ("start", "end", "outcome"),
    [
        ("11:30", "12:00", "admitted"),  # straight after
        ("07:00", "08:00", "admitted"),  # straight before
        ("13:00", "14:00", "admitted"),
        ("11:29", "12:00", "duplicate"),
        ("07:00", "08:01", "duplicate"),
        ("09:00", "10:00", "duplicate"),
        ("07:00", "12:00", "duplicate"),
        ("08:00", "11:30", "duplicate"),
        ("07:00", "", "duplicate"),
        ("09:00", "", "duplicate"),
    ],
)
@pytest.mark.parametrize("known_by", ["name and phone", "ID number"])
def test_visits_that_overlap(
    sheet: Import, station_folder: Path, start: str, end: str, outcome: str, known_by: str
) -> None:
    number = factories.id_number() if known_by == "ID number" else ""
    first, second = sheet(row(id_number=number), row(id_number=number, duty="", **times(start, end))).rows
    assert (first["outcome"], second["outcome"]) == ("admitted", outcome)
    assert first["volunteer"] == second["volunteer"]
    if outcome == "duplicate":
        assert set(second["ids"]) < set(first["ids"])
        assert len(plain.log(station_folder)) == 1 + len(first["ids"])


def test_several_visits_a_day(sheet: Import, station_folder: Path) -> None:
    stays = [("08:00", "09:00"), ("14:00", "15:00"), ("10:00", "11:00"), ("09:00", "10:00"), ("11:00", "14:00")]
    done = sheet(*(row(**times(*stay)) for stay in stays))
    assert done.outcomes == ["admitted"] * 5
    assert len({answer["volunteer"] for answer in done.rows}) == 1
    assert [document["type"] for document in plain.log(station_folder)].count("registered") == 1
    assert [document["type"] for document in plain.log(station_folder)].count("checked_in") == 5
    keyed = [document["id"] for document in plain.log(station_folder) if "row_key" in document]
    assert keyed == [answer["ids"][0] for answer in done.rows]
    assert sheet(row(**times("08:30", "08:40"))).outcomes == ["duplicate"]


def test_somebody_who_is_at_the_screen_already(
    sheet: Import, station_folder: Path, campaign: Campaign, clock: FakeClock
) -> None:
    clock.set("2021-12-06 10:00")
    opened = Station(station_folder)
    given = factories.answers(campaign, clock.now.date())
    who = factories.applicant()
    there = opened.check_in(Application(who, given, True, Stay()))
    opened.close()
    clock.set("2021-12-06 18:00")
    done = sheet(row(**times("09:00", "11:00")), row(**times("08:00", "10:00")))
    assert done.outcomes == ["duplicate", "admitted"]
    assert done.rows[0]["volunteer"] == done.rows[1]["volunteer"] == there.volunteer
    assert set(done.rows[0]["ids"]) < set(there.ids)


def test_two_people_with_one_name(sheet: Import) -> None:
    same = {"name": NAMES[0], "phone": factories.phone(0)}
    done = sheet(row(0, id_number=factories.id_number()), row(1, **same, id_number=factories.id_number(order=2)))
    assert done.outcomes == ["admitted", "admitted"]
    assert done.rows[0]["volunteer"] != done.rows[1]["volunteer"]


# --- precedence -----------------------------------------------------------------------------------------------------


def test_invalid_then_duplicate_then_refused(sheet: Import) -> None:
    assert sheet(row()).outcomes == ["admitted"]
    overlapping = times("09:00", "10:00")
    done = sheet(
        row(**overlapping, vaccinated="no", phone="199 0000 0000", duty="?"),
        row(**overlapping, vaccinated="no", consent="no"),
        row(1, vaccinated="no", duty="?"),
        row(1, vaccinated="no"),
        row(**times("12:00", "13:00"), vaccinated="no"),
    )
    assert done.outcomes == ["invalid", "duplicate", "invalid", "refused", "refused"]
    assert [answer["reasons"] for answer in done.rows] == [
        ["duty_unknown"],
        [],
        ["duty_unknown"],
        ["not_vaccinated"],
        ["not_vaccinated"],
    ]


# --- acknowledged means durable -------------------------------------------------------------------------------------


def test_each_line_is_out_before_the_next_row(
    station_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stdout is buffered, as it is into a pipe: each line is flushed, after its records and before anything else."""
    pipe = io.BytesIO()
    rows = [row(0), row(1, phone="no"), row(2, health_code="red"), row(0), row(3)]
    file = tmp_path / "sheet.csv"
    file.write_bytes(factories.sheet(*rows))
    lines = []
    real = Station.check_in

    def check_in(self: Station, *arguments: Any, **named: Any) -> Any:
        answers = [json.loads(line) for line in pipe.getvalue().splitlines()]
        lines.append(len(answers))
        assert {name for answer in answers for name in answer["ids"]} <= set(plain.ids(station_folder))
        return real(self, *arguments, **named)

    monkeypatch.setattr(Station, "check_in", check_in)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding="utf-8"))
        assert main(["--data", str(station_folder), "import", str(file)]) == 1
    assert lines == [0, 2, 3, 4]


def test_a_reader_of_the_pipe_need_not_wait_for_the_end(station_folder: Path, tmp_path: Path) -> None:
    """It sees a line while the rest is not yet written; the ids in it are in the files by then."""
    file = tmp_path / "sheet.csv"
    file.write_bytes(factories.sheet(*(row(number) for number in range(300))))
    command = plain.kiosk_command(station_folder, "import", str(file))
    with subprocess.Popen(command, cwd=plain.ROOT, env=plain.surroundings(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        there = plain.ids(station_folder)
        rest = [json.loads(line) for line in process.stdout]
    assert process.returncode == 0
    assert set(first["ids"]) <= set(there)
    assert 1 < len(there) < 300 * 7
    assert [answer["row"] for answer in (first, *rest)] == list(range(2, 302))


def test_a_departure_that_is_yet_to_come_counts_up_to_now(sheet: Import, station_folder: Path) -> None:
    """The sheet says 06:00 tomorrow and it is 18:00: ten hours were served, not twenty-two."""
    (done,) = sheet(row(arrived_at="2021-12-10 08:00", left_at="2021-12-11 06:00")).rows
    assert done["outcome"] == "admitted"
    history = read_history(station_folder)
    for hour, served in ((18, 600), (23, 900)):
        (entry,) = roster(history, date(2021, 12, 10), datetime(2021, 12, 10, hour, tzinfo=SHANGHAI))
        assert entry.minutes == served
    (entry,) = roster(history, date(2021, 12, 10), datetime(2021, 12, 12, tzinfo=SHANGHAI))
    assert entry.minutes == 22 * 60
    (before,) = roster(history, date(2021, 12, 10), datetime(1970, 1, 1, tzinfo=SHANGHAI))
    assert before.minutes == 0


def test_no_line_without_its_records(sheet: Import, station_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full in the middle: what was acknowledged is there, the rest comes when there is room again."""
    real = os.fsync
    calls = [0]

    def fsync(descriptor: int) -> None:
        calls[0] += 1
        if calls[0] > 9:
            raise OSError(28, "No space left on device")
        real(descriptor)

    rows = [row(number) for number in range(10)]
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        done = sheet(*rows)
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert 0 < len(done.rows) < 10
    there = plain.ids(station_folder)
    assert {name for answer in done.rows for name in answer["ids"]} <= set(there)
    again = sheet(*rows)
    assert again.code == 0
    assert again.outcomes[: len(done.rows)] == ["duplicate"] * len(done.rows)
    assert [answer["ids"] for answer in again.rows[: len(done.rows)]] == [answer["ids"] for answer in done.rows]
    assert len(plain.ids(station_folder)) == len(set(plain.ids(station_folder))) == 1 + 7 * 10


def test_answers_stay_the_same_when_a_crash_came_between(sheet: Import, station_folder: Path) -> None:
    """Records that were written but never acknowledged are acknowledged by the next import, under the same ids."""
    lost = sheet(row()).rows[0]  # as if this line had never reached its reader
    again = sheet(row(), row(1)).rows
    assert (again[0]["outcome"], again[0]["ids"]) == ("duplicate", lost["ids"])
    assert again[1]["outcome"] == "admitted"
