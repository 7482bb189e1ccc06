"""printer.json: what a lead may choose, and a file that is damaged or missing stops nobody."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from kiosk.canonical import with_sum
from kiosk.errors import WrongUsage
from kiosk.printing.printer import FILE, KINDS, Printer, forget_printer, read_printer

PRINTERS = [
    Printer.of("escpos-network", "192.168.1.50"),
    Printer.of("escpos-network", "printer.example:9101", "58mm", 2),
    Printer.of("escpos-usb", "04B8:0202"),
    Printer.of("escpos-device", "/dev/usb/lp0"),
    Printer.of("tspl-network", " [fe80::1]:9100 "),
    Printer.of("tspl-device", "/dev/usb/lp1"),
    Printer.of("cups", "Brother_HL-1110", "card", 9),
    Printer.of("pdf", "/media/志愿者 stick"),
    Printer.of("png", "/srv/badges", "40x30mm"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tmp").mkdir()
    return tmp_path


@pytest.mark.parametrize("printer", PRINTERS, ids=lambda printer: printer.kind)
def test_a_printer_comes_back(printer: Printer, folder: Path) -> None:
    printer.save(folder)
    assert read_printer(folder) == (printer, "")
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert list((folder / "tmp").iterdir()) == []
    forget_printer(folder)
    forget_printer(folder)
    assert read_printer(folder) == (None, "")


def test_addresses() -> None:
    assert [printer.address for printer in PRINTERS if printer.kind.endswith("network")] == [
        ("192.168.1.50", 9100),
        ("printer.example", 9101),
        ("fe80::1", 9100),
    ]
    assert PRINTERS[2].usb == (0x04B8, 0x0202)


@pytest.mark.parametrize(
    ("kind", "target", "paper", "copies"),
    [
        ("laser", "x", "", 1),
        ("escpos-network", "", "", 1),
        ("escpos-network", "host:0", "", 1),
        ("escpos-network", "host:70000", "", 1),
        ("escpos-network", "two words", "", 1),
        ("escpos-usb", "04b8", "", 1),
        ("escpos-usb", "04b8:02zz", "", 1),
        ("escpos-device", "lp0", "", 1),
        ("escpos-device", "/dev/usb/lp0", "A6", 1),
        ("tspl-device", "/dev/usb/lp0", "80mm", 1),
        ("cups", "-n", "", 1),
        ("cups", "a b", "", 1),
        ("cups", "$(reboot)", "", 1),
        ("cups", "", "", 1),
        ("pdf", "relative", "", 1),
        ("pdf", "/x", "A4", 1),
        ("pdf", "/x", "", 0),
        ("pdf", "/x", "", 10),
    ],
)
def test_what_is_no_printer(kind: str, target: str, paper: str, copies: int) -> None:
    with pytest.raises(WrongUsage) as caught:
        Printer.of(kind, target, paper, copies)
    assert "{" not in str(caught.value)


GOOD: dict[str, Any] = {"kind": "pdf", "target": "/srv", "paper": "A6", "copies": 1}
DAMAGED = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"null",
    json.dumps(GOOD).encode(),
    json.dumps({**with_sum(GOOD), "target": "/etc"}).encode(),
    *(
        json.dumps(with_sum({**GOOD, **wrong})).encode()
        for wrong in (
            {"kind": "laser"},
            {"copies": True},
            {"copies": "1"},
            {"copies": 99},
            {"target": 5},
            {"target": None},
            {"paper": "A4"},
        )
    ),
    *(json.dumps(with_sum({n: v for n, v in GOOD.items() if n != missing})).encode() for missing in GOOD),
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_is_no_printer_and_said(content: bytes, folder: Path) -> None:
    (folder / FILE).write_bytes(content)
    printer, sentence = read_printer(folder)
    assert printer is None
    assert FILE in sentence
    assert (folder / FILE).read_bytes() == content


def test_a_folder_in_its_place_is_no_printer(folder: Path) -> None:
    (folder / FILE).mkdir()
    printer, sentence = read_printer(folder)
    assert (printer, FILE in sentence) == (None, True)


def test_what_a_newer_kiosk_has_added_is_no_damage(folder: Path) -> None:
    (folder / FILE).write_text(json.dumps(with_sum({**GOOD, "darkness": 3})), encoding="utf-8")
    assert read_printer(folder) == (Printer.of(**GOOD), "")


def test_every_kind_has_a_usual_paper() -> None:
    for kind, papers in KINDS.items():
        target = {"usb": "04b8:0202", "cups": "Office"}.get(kind.rpartition("-")[2], "/dev/usb/lp0")
        target = "host" if kind.endswith("network") else target
        assert Printer.of(kind, target).sheet is papers[0]
