"""The lead's file: durable, never over another, and without a single formula."""

from __future__ import annotations

import csv
import errno
import io
import os
import zipfile
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from kiosk import export
from kiosk.errors import WrongUsage
from kiosk.records import SHANGHAI
from kiosk.tables import csv_cell
from tests.factories import DAY

NAMES = (
    "=1+1",
    "@x",
    "-2",
    "+86",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
    "http://x",
    "mailto:a@b",
    "1e5",
    "林小满",
)
HEADINGS = ("姓名", "时间", "分钟", "备注")
WHEN = datetime(2026, 11, 23, 8, 1, 2, tzinfo=SHANGHAI)
ROWS = [[name, WHEN, number, ("补签", "已更正") if number else None] for number, name in enumerate(NAMES)]
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def cells(content: bytes) -> tuple[list[list[tuple[str, str]]], ElementTree.Element]:
    """The cells of a spreadsheet as (type, text), read with nothing but the standard library, and its sheet."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.testzip() is None
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        assert not [name for name in book.namelist() if "externalLink" in name or name.endswith("sheet1.xml.rels")]
    strings = ["".join(part.text or "" for part in item.iter(f"{MAIN}t")) for item in shared]
    rows = []
    for row in sheet.iter(f"{MAIN}row"):
        found = []
        for cell in row.iter(f"{MAIN}c"):
            kind = cell.get("t", "n")
            value = cell.findtext(f"{MAIN}v") or ""
            found.append((kind, strings[int(value)] if kind == "s" else value))
        rows.append(found)
    return rows, sheet


def test_no_cell_of_a_spreadsheet_is_a_formula_or_a_link() -> None:
    rows, sheet = cells(export.xlsx_bytes(HEADINGS, ROWS))
    assert rows[0] == [("s", heading) for heading in HEADINGS]
    assert [row[0] for row in rows[1:]] == [("s", name) for name in NAMES]
    assert [row[1] for row in rows[1:]] == [("s", "2026-11-23 08:01")] * len(NAMES)
    assert [row[2] for row in rows[1:]] == [("n", str(number)) for number in range(len(NAMES))]
    assert rows[2][3] == ("s", "补签;已更正")
    assert len(rows[1]) == 3, "what is not there is no empty text"
    assert [element for element in sheet.iter() if element.tag in (f"{MAIN}f", f"{MAIN}hyperlink")] == []


def test_the_header_stays_in_sight_and_columns_are_wide_enough() -> None:
    _rows, sheet = cells(export.xlsx_bytes(HEADINGS, [["林" * 9, WHEN, 1, "x" * 200]]))
    pane = next(sheet.iter(f"{MAIN}pane"))
    assert (pane.get("state"), pane.get("ySplit")) == ("frozen", "1")
    widths = [float(column.get("width", 0)) for column in sheet.iter(f"{MAIN}col")]
    assert widths[0] >= 18
    assert widths[1] >= len("2026-11-23 08:01")
    assert widths[3] < 60


@pytest.mark.parametrize("name", NAMES[:8])
def test_no_cell_of_a_csv_file_is_a_formula(name: str) -> None:
    assert csv_cell(name) == f"'{name}"


def test_a_csv_file_for_people(tmp_path: Path) -> None:
    path = export.write(str(tmp_path), "S016001", DAY, "csv", HEADINGS, ROWS)
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert rows[1] == ["'=1+1", "2026-11-23 08:01", "0", ""]
    assert rows[-1] == ["林小满", "2026-11-23 08:01", "11", "补签;已更正"]


@pytest.mark.parametrize("form", export.FORMS)
def test_a_file_is_never_written_over_another(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "exports"  # made, since only the last part is missing
    paths = [export.write(str(folder), "S016001", DAY, form, HEADINGS, ROWS[:number]) for number in (1, 2, 3)]
    name = "kiosk-S016001-2026-11-23"
    assert [path.name for path in paths] == [f"{name}.{form}", f"{name}-2.{form}", f"{name}-3.{form}"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in paths)
    assert len({path.stat().st_size for path in paths}) == 3


@pytest.mark.parametrize("where", ["no/stick", "file/below", "~nobody-of-that-name/x", "a\0b"])
def test_a_folder_that_cannot_be_is_a_sentence(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("")
    folder = where if where.startswith("~") else str(tmp_path / where)
    with pytest.raises(WrongUsage) as error:
        export.write(folder, "S016001", DAY, "csv", HEADINGS, ROWS)
    assert "请换一个文件夹" in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_stick_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WrongUsage, match="No space left"):
        export.write(str(tmp_path), "S016001", DAY, "xlsx", HEADINGS, ROWS)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_that_is_suggested(tmp_path: Path) -> None:
    home, data, media = tmp_path / "home" / "lead", tmp_path / "data", tmp_path / "media"
    home.mkdir(parents=True)
    assert export.suggest_folder(data, home=home, sticks=[media]) == data / "exports"
    (home / "Documents").mkdir()
    assert export.suggest_folder(data, home=home, sticks=[media]) == home / "Documents"
    (media / "lead" / "USB").mkdir(parents=True)
    (media / "somebody" / "USB").mkdir(parents=True)
    assert export.suggest_folder(data, home=home, sticks=[tmp_path / "none", media]) == media / "lead" / "USB"
