"""What printers make of a badge's bytes, and what is said when they do not: over network, USB, device files, CUPS."""

from __future__ import annotations

import errno
import io
import os
import re
import socket
import stat
import struct
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image

from kiosk import i18n
from kiosk.printing import channels, cups, failing, usb
from kiosk.printing.failing import REASONS, PrintFailed
from kiosk.printing.finding import found_printers
from kiosk.printing.label import draw
from kiosk.printing.paper import PAPERS
from kiosk.printing.printer import KINDS, Printer
from kiosk.printing.sending import print_label
from tests import printers
from tests.badges import CODE, LABEL, NUMBER, needs_font, read
from tests.printers import (
    NO_PAPER,
    OPEN_COVER,
    PAPER,
    STATUS_IN_TURN,
    STATUS_OFFLINE,
    STATUS_PAPER,
    FakePrinter,
    device_printer,
    network_printer,
)

pytestmark = needs_font
PATIENCE = 0.3
ANSWERS = {STATUS_PAPER: PAPER, STATUS_IN_TURN: b"\0"}


def failure_of(printer: Printer, patience: float = PATIENCE) -> PrintFailed:
    began = time.monotonic()
    with pytest.raises(PrintFailed) as caught:
        print_label(printer, LABEL, patience=patience)
    assert time.monotonic() - began < 10 * patience + 2
    assert str(caught.value)
    assert NUMBER not in caught.value.detail
    assert LABEL.name not in caught.value.detail
    return caught.value


def as_drawn(printer: Printer) -> bytes:
    return draw(LABEL, printer.sheet).convert("L").tobytes()


# --- ESC/POS and TSPL -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("answers", [{}, ANSWERS], ids=["mute", "answering"])
@pytest.mark.parametrize("paper", ["80mm", "58mm"])
def test_a_receipt_printer_on_the_network(paper: str, answers: dict[bytes, bytes], copies: int) -> None:
    fake = FakePrinter(answers)
    with network_printer(fake) as target:
        printer = Printer.of("escpos-network", target, paper, copies)
        print_label(printer, LABEL, patience=PATIENCE)
    pieces = printers.on_receipts(bytes(fake.received), printer.sheet.width)
    assert [read(piece) for piece in pieces] == [[CODE]] * copies
    assert {piece.tobytes() for piece in pieces} == {as_drawn(printer)}


@pytest.mark.parametrize("copies", [1, 2])
def test_a_label_printer_on_the_network(copies: int) -> None:
    fake = FakePrinter({b"\x1b!?": b"\0"})
    with network_printer(fake) as target:
        printer = Printer.of("tspl-network", target, copies=copies)
        print_label(printer, LABEL, patience=PATIENCE)
    labels = printers.on_labels(bytes(fake.received))
    assert [read(label) for label in labels] == [[CODE]] * copies
    assert {label.tobytes() for label in labels} == {as_drawn(printer)}


@pytest.mark.parametrize("kind", ["escpos-device", "tspl-device"])
@pytest.mark.parametrize("answers", [{}, {**ANSWERS, b"\x1b!?": b"\0"}], ids=["mute", "answering"])
def test_a_printer_at_a_device_file(kind: str, answers: dict[bytes, bytes]) -> None:
    fake = FakePrinter(answers)
    with device_printer(fake) as path:
        printer = Printer.of(kind, str(path), copies=2)
        print_label(printer, LABEL, patience=5)
    made = (
        printers.on_receipts(bytes(fake.received), printer.sheet.width)
        if kind == "escpos-device"
        else printers.on_labels(bytes(fake.received))
    )
    assert [picture.tobytes() for picture in made] == [as_drawn(printer)] * 2


def test_copies_may_be_those_of_the_job() -> None:
    fake = FakePrinter()
    with network_printer(fake) as target:
        print_label(Printer.of("escpos-network", target, copies=3), LABEL, copies=1, patience=PATIENCE)
    assert len(printers.on_receipts(bytes(fake.received), 576)) == 1


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        (b"\x1b@\x1dV\x00", "nothing printed"),
        (b"\x1b@text", "no command"),
        (b"\x1dv0\x00\x49\x00\x01\x00" + bytes(73), "on 576"),
        (b"\x1dv0\x00\x01\x00\x01\x00\xff\x1dV\x00", "above the last"),
        (b"\x1dv0\x00\x01\x00\x01\x00\xff", "never cut"),
    ],
)
def test_the_interpreter_of_receipts_takes_no_garbage(stream: bytes, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        printers.on_receipts(stream, 576)


@pytest.mark.parametrize("stream", [b"CLS\r\n", b"SIZE 40 mm,30 mm\r\nPRINT 1,1\r\n", b"TEXT 1,1\r\n"])
def test_the_interpreter_of_labels_takes_no_garbage(stream: bytes) -> None:
    with pytest.raises(AssertionError):
        printers.on_labels(stream)


def test_making_the_bytes_writes_nothing_to_the_screen_and_leaves_no_folder(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import subprocess

    script = (
        "from PIL import Image; from kiosk.printing import escpos; "
        "assert escpos.commands(Image.new('1', (576, 300), 1)).count(b'\\x1dv0') == 2"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert list(tmp_path.iterdir()) == []


# --- what can go wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["escpos-network", "tspl-network"])
@pytest.mark.parametrize("after", [0, 3000])
def test_a_printer_that_stalls(kind: str, after: int) -> None:
    with network_printer(FakePrinter(stalls_after=after)) as target:
        printer = Printer.of(kind, target)
        # Larger than what the machine's memory takes in its stead.
        assert failure_of(replace(printer, copies=9 if kind == "escpos-network" else 1)).reason == "timed_out"


def test_a_device_that_stalls() -> None:
    with device_printer(FakePrinter(stalls_after=0)) as path:
        assert failure_of(Printer.of("escpos-device", str(path))).reason == "timed_out"


def test_a_printer_that_refuses() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = unused.getsockname()[1]
        assert failure_of(Printer.of("escpos-network", f"127.0.0.1:{port}")).reason == "refused"


@pytest.mark.parametrize("answers", [{}, ANSWERS], ids=["mute", "answering"])
@pytest.mark.parametrize("after", [1, 2000, 20000])
def test_a_printer_that_leaves_half_way(after: int, answers: dict[bytes, bytes]) -> None:
    with network_printer(FakePrinter(answers, leaves_after=after)) as target:
        assert failure_of(Printer.of("escpos-network", target), patience=2).reason == "disconnected"


def test_a_printer_that_hangs_up_and_reads_no_more() -> None:
    """It has closed its side and its memory is full: nothing moves, and no time-out is needed to know."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        connections: list[socket.socket] = []

        def hang_up() -> None:
            connections.append(listener.accept()[0])
            connections[0].recv(3)
            connections[0].shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        printer = Printer.of("escpos-network", f"127.0.0.1:{listener.getsockname()[1]}")
        assert failure_of(printer, patience=5).reason == "disconnected"
        thread.join(20)
        connections[0].close()


@pytest.mark.parametrize("kind", ["network", "device"])
def test_a_receipt_printer_without_paper(kind: str) -> None:
    fake = FakePrinter({STATUS_PAPER: NO_PAPER})
    with (network_printer if kind == "network" else device_printer)(fake) as target:
        failure = failure_of(Printer.of(f"escpos-{kind}", str(target)), patience=2)
    assert failure.reason == "no_paper"
    assert bytes(fake.received) == STATUS_PAPER, "nothing is sent to a printer without paper"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cover_that_is_open(when: str) -> None:
    """Some printers still tell of their paper then, and print nothing."""

    class Opened(FakePrinter):
        def serve(self, read: Any, write: Any) -> None:
            def told(answer: bytes) -> None:
                write(answer)
                if STATUS_OFFLINE in self.received:  # it was asked once
                    self.answers[STATUS_OFFLINE] = OPEN_COVER

            super().serve(read, told)

    offline = {STATUS_OFFLINE: OPEN_COVER} if when == "before" else {STATUS_OFFLINE: b"\x12"}
    fake = Opened({STATUS_PAPER: PAPER, **offline})
    with network_printer(fake) as target:
        assert failure_of(Printer.of("escpos-network", target), patience=2).reason == "refused"
    assert (len(fake.received) > 1000) == (when == "after")


def test_paper_that_ends_in_the_middle() -> None:
    class Ending(FakePrinter):
        def serve(self, read: Any, write: Any) -> None:
            def told(answer: bytes) -> None:
                write(answer)
                self.answers = {STATUS_PAPER: NO_PAPER}

            super().serve(read, told)

    with network_printer(Ending({STATUS_PAPER: PAPER})) as target:
        assert failure_of(Printer.of("escpos-network", target), patience=1).reason == "no_paper"


@pytest.mark.parametrize(("status", "reason"), [(4, "no_paper"), (5, "no_paper"), (1, "refused"), (0x10, "refused")])
def test_a_label_printer_that_is_not_ready(status: int, reason: str) -> None:
    with network_printer(FakePrinter({b"\x1b!?": bytes([status])})) as target:
        assert failure_of(Printer.of("tspl-network", target), patience=2).reason == reason


@pytest.mark.parametrize("noise", [b"\xff", b"\x00hello", bytes(40)])
def test_noise_is_no_answer(noise: bytes) -> None:
    fake = FakePrinter({STATUS_PAPER: noise})
    with network_printer(fake) as target:
        print_label(Printer.of("escpos-network", target), LABEL, patience=PATIENCE)
    assert len(printers.on_receipts(bytes(fake.received), 576)) == 1


def test_a_device_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "lp0"
    assert failure_of(Printer.of("escpos-device", str(path))).reason == "not_found"
    assert not path.exists()
    path.write_bytes(b"somebody's")
    assert failure_of(Printer.of("escpos-device", str(path))).reason == "not_found"
    assert path.read_bytes() == b"somebody's"


def test_a_look_up_that_hangs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_named: ended.wait(20))
    assert failure_of(Printer.of("escpos-network", "printer.example")).reason == "timed_out"
    ended.set()


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOENT, "not_found"),
        (errno.ENODEV, "not_found"),
        (errno.ENXIO, "not_found"),
        (errno.EHOSTUNREACH, "not_found"),
        (errno.EACCES, "no_permission"),
        (errno.EPERM, "no_permission"),
        (errno.ECONNREFUSED, "refused"),
        (errno.EBUSY, "refused"),
        (errno.ETIMEDOUT, "timed_out"),
        (errno.EPIPE, "disconnected"),
        (errno.ECONNRESET, "disconnected"),
        (errno.ENOSPC, "no_paper"),
        (errno.EMFILE, "failed"),
        (socket.EAI_NONAME, "not_found"),
    ],
)
def test_errors_of_the_system_are_named(number: int, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> Any:
        raise OSError(number, os.strerror(abs(number)))

    monkeypatch.setattr("kiosk.printing.sending.to_device", broken)
    assert failure_of(Printer.of("escpos-device", "/dev/usb/lp0")).reason == reason


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_reason_has_a_sentence_of_its_own(language: str) -> None:
    i18n.use(language)
    said = {str(PrintFailed(reason, install="apt install cups-client")) for reason in REASONS}
    assert len(said) == len(REASONS)
    assert sum("apt install cups-client" in sentence for sentence in said) == 2
    assert "{" not in "".join(said)
    assert "/srv" in str(PrintFailed("failed", detail="/srv"))


# --- USB --------------------------------------------------------------------------------------------------------------


class FakeUsb:
    """A device as pyusb shows it, with one interface of a printer."""

    idVendor, idProduct = 0x04B8, 0x0202  # noqa: N815 - pyusb's names
    manufacturer, product = "Example", "TM"

    def __init__(self, answers: dict[bytes, bytes], *, kind: int = 7, broken: OSError | None = None) -> None:
        self.answers, self.broken = answers, broken
        self.received = bytearray()
        self.driver = True

        class Part(list[Any]):
            bConfigurationValue = 1  # noqa: N815
            bInterfaceClass, bInterfaceNumber = kind, 0  # noqa: N815

        class Point:
            bmAttributes = 2  # noqa: N815

            def __init__(self, address: int) -> None:
                self.bEndpointAddress = address

        self.configuration = Part([Part([Point(0x81), Point(0x02)])])

    def __iter__(self) -> Any:
        return iter([self.configuration])

    def get_active_configuration(self) -> Any:
        return self.configuration

    def is_kernel_driver_active(self, _number: int) -> bool:
        return self.driver

    def detach_kernel_driver(self, _number: int) -> None:
        self.driver = False

    def attach_kernel_driver(self, _number: int) -> None:
        self.driver = True

    def write(self, endpoint: int, content: bytes, timeout: int) -> int:
        assert (endpoint, timeout > 0, self.driver) == (2, True, False)
        if self.broken:
            raise self.broken
        self.received += content
        return len(content)

    def read(self, endpoint: int, _size: int, timeout: int) -> bytes:
        from usb.core import USBTimeoutError

        assert (endpoint, timeout > 0) == (0x81, True)
        for question, answer in self.answers.items():
            if self.received.endswith(question):
                return answer
        raise USBTimeoutError("timed out")


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> list[FakeUsb]:
    devices: list[FakeUsb] = []

    def find(find_all: bool = False, custom_match: Any = None, **wanted: int) -> Any:
        found = [d for d in devices if all(getattr(d, name) == value for name, value in wanted.items())]
        return filter(custom_match, found) if find_all else next(iter(found), None)

    monkeypatch.setattr("usb.core.find", find)
    monkeypatch.setattr("usb.util.claim_interface", lambda _device, _number: None)
    monkeypatch.setattr("usb.util.dispose_resources", lambda _device: None)
    return devices


def test_a_receipt_printer_on_usb(bus: list[FakeUsb]) -> None:
    bus.append(FakeUsb(ANSWERS))
    printer = Printer.of("escpos-usb", "04B8:0202", copies=2)
    print_label(printer, LABEL, patience=PATIENCE)
    pieces = printers.on_receipts(bytes(bus[0].received), 576)
    assert [piece.tobytes() for piece in pieces] == [as_drawn(printer)] * 2
    assert bus[0].driver, "the kernel has its printer back"


def test_what_can_go_wrong_on_usb(bus: list[FakeUsb], monkeypatch: pytest.MonkeyPatch) -> None:
    from usb.core import NoBackendError, USBError, USBTimeoutError

    printer = Printer.of("escpos-usb", "04b8:0202")
    assert failure_of(printer).reason == "not_found"
    for device, reason in (
        (FakeUsb({STATUS_PAPER: NO_PAPER}), "no_paper"),
        (FakeUsb({}, kind=3), "not_found"),
        (FakeUsb({}, broken=USBError("gone", errno=errno.ENODEV)), "not_found"),
        (FakeUsb({}, broken=USBError("no", errno=errno.EACCES)), "no_permission"),
        (FakeUsb({}, broken=USBError("busy", errno=errno.EBUSY)), "refused"),
        (FakeUsb({}, broken=USBTimeoutError("slow", errno=errno.ETIMEDOUT)), "timed_out"),
    ):
        bus[:] = [device]
        assert failure_of(printer).reason == reason
        assert device.driver

    def no_library(**_wanted: object) -> None:
        raise NoBackendError("no backend")

    monkeypatch.setattr("usb.core.find", no_library)
    failure = failure_of(printer)
    assert (failure.reason, failure.install) == ("not_installed", usb.INSTALL)


# --- folders ----------------------------------------------------------------------------------------------------------


def pages(content: bytes) -> list[tuple[Image.Image, float, float]]:
    """The picture of every page of a PDF by Pillow, and the page's size in millimetres.

    Each page is one picture in CCITT group 4; a header makes a TIFF of it.
    """
    found = []
    boxes = re.findall(rb"/MediaBox \[ ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) \]", content)
    picture = rb"/Width (\d+)\n/Height (\d+)\n.*?/K -1\n/BlackIs1 (true|false)\n.*?/Length (\d+)\n>>stream\n"
    for part in re.finditer(picture, content, re.DOTALL):
        width, height, black, length = part.groups()
        data = content[part.end() : part.end() + int(length)]
        entries = [(256, int(width)), (257, int(height)), (258, 1), (259, 4), (262, int(black == b"true"))]
        entries += [(273, 8 + 2 + 12 * 8 + 4), (278, int(height)), (279, len(data))]
        tiff = b"II*\0" + struct.pack("<IH", 8, len(entries))
        tiff += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries) + bytes(4) + data
        found.append(Image.open(io.BytesIO(tiff)).convert("L"))
    sizes = [(float(box[2]) * 25.4 / 72, float(box[3]) * 25.4 / 72) for box in boxes]
    assert len(found) == len(boxes)
    return [(picture, *size) for picture, size in zip(found, sizes, strict=True)]


@pytest.mark.parametrize("paper", PAPERS)
def test_a_pdf_has_a_page_for_each_copy(paper: str, tmp_path: Path) -> None:
    printer = Printer.of("pdf", str(tmp_path), paper, 2)
    (path,) = print_label(printer, LABEL)
    found = pages(path.read_bytes())
    assert len(found) == 2
    sheet = printer.sheet
    for picture, width, height in found:
        assert read(picture) == [CODE]
        assert picture.tobytes() == as_drawn(printer)
        assert width == pytest.approx(sheet.width * 25.4 / sheet.dpi, abs=0.1)
        assert height == pytest.approx(picture.height * 25.4 / sheet.dpi, abs=0.1)


def test_a_file_is_named_by_the_number_and_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / f"badge-{NUMBER}.png").write_bytes(b"somebody's")
    first = print_label(Printer.of("png", str(tmp_path), copies=2), LABEL)
    second = print_label(Printer.of("png", str(tmp_path)), LABEL)
    names = [path.name for path in (*first, *second)]
    assert names == [f"badge-{NUMBER}-{number}.png" for number in (2, 3, 4)]
    assert (tmp_path / f"badge-{NUMBER}.png").read_bytes() == b"somebody's"
    for path in (*first, *second):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with Image.open(path) as picture:
            assert picture.mode == "1"
            assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
            assert read(picture) == [CODE]
    assert len(list(tmp_path.iterdir())) == 4, "no draft is left"


def test_a_strange_number_leaves_the_folder_alone(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (path,) = print_label(Printer.of("png", str(folder)), replace(LABEL, number="../../x\0 y"))
    assert path == folder / "badge-xy.png"


def test_a_folder_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_arguments: object) -> None:
        raise PermissionError(errno.EPERM, "no links on FAT")

    monkeypatch.setattr(os, "link", refused)
    made = [print_label(Printer.of("png", str(tmp_path)), LABEL)[0].name for _time in range(2)]
    assert made == [f"badge-{NUMBER}.png", f"badge-{NUMBER}-2.png"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert failure_of(Printer.of("pdf", str(tmp_path / "stick"))).reason == "no_folder"
    assert not (tmp_path / "stick").exists(), "a stick that is not mounted is no folder of ours"

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    failure = failure_of(Printer.of("pdf", str(tmp_path)))
    assert (failure.reason, "磁盘" in str(failure) or "空间" in str(failure)) == ("failed", True)
    assert list(tmp_path.iterdir()) == []


# --- CUPS -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands first on PATH; what its `lp` is called with is kept in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def test_cups_gets_a_pdf_through_a_pipe(commands: Path) -> None:
    script(
        commands / "lp",
        f'printf "%s\\n" "$@" > {commands}/arguments; echo $LC_ALL > {commands}/language; cat > {commands}/pdf',
    )
    print_label(Printer.of("cups", "Office", copies=3), LABEL, patience=10)
    arguments = (commands / "arguments").read_text().splitlines()
    assert arguments[:6] == ["-d", "Office", "-n", "3", "-t", f"badge-{NUMBER}"]
    assert LABEL.name not in " ".join(arguments)
    assert (commands / "language").read_text() == "C\n"
    ((picture, _width, _height),) = pages((commands / "pdf").read_bytes())
    assert read(picture) == [CODE]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("lp: The printer or class does not exist.", "not_found"),
        ('lp: Error - unable to access \\"X\\" - No such file or directory', "not_found"),
        ("lp: Error - scheduler not responding.", "refused"),
        ('lp: Destination \\"X\\" is not accepting jobs.', "refused"),
        ("lp: Unauthorized", "no_permission"),
        ("lp: Forbidden", "no_permission"),
        ("lp: something else", "failed"),
        ("", "failed"),
    ],
)
def test_what_lp_says_is_named(commands: Path, said: str, reason: str) -> None:
    script(commands / "lp", f'cat >/dev/null; echo "{said}" >&2; exit 1')
    failure = failure_of(Printer.of("cups", "Office"), patience=10)
    assert failure.reason == reason
    assert failure.detail


def test_lp_that_reads_nothing_or_hangs_or_is_missing(commands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(commands / "lp", "exit 1")
    assert failure_of(Printer.of("cups", "Office"), patience=10).reason == "failed"
    script(commands / "lp", "exec sleep 20")
    assert failure_of(Printer.of("cups", "Office")).reason == "timed_out"
    monkeypatch.setenv("PATH", str(commands / "empty"))
    failure = failure_of(Printer.of("cups", "Office"))
    assert (failure.reason, failure.install) == ("not_installed", "apt install cups-client")
    assert "cups-client" in str(failure)


# --- what the machine offers ------------------------------------------------------------------------------------------


def test_what_the_machine_offers(commands: Path, tmp_path: Path, bus: list[FakeUsb]) -> None:
    script(commands / "lpstat", '[ "$1" = -e ] && echo Office && echo "-n" && echo Label_Writer')
    devices = tmp_path / "usb"
    devices.mkdir()
    (devices / "lp0").touch()
    (devices / "hiddev0").touch()
    bus += [FakeUsb({}), FakeUsb({}, kind=3)]
    found = found_printers(10, devices)
    assert [(candidate.printer.kind, candidate.printer.target) for candidate in found] == [
        ("cups", "Office"),
        ("cups", "Label_Writer"),
        ("escpos-device", str(devices / "lp0")),
        ("tspl-device", str(devices / "lp0")),
        ("escpos-usb", "04b8:0202"),
    ]
    assert "Office" in found[0].name
    assert "Example TM" in found[-1].name


def test_a_machine_that_offers_nothing_or_hangs(
    commands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bus: list[FakeUsb]
) -> None:
    script(commands / "lpstat", "exec sleep 20")
    (tmp_path / "lp1").touch()
    monkeypatch.setattr(usb, "present", lambda: time.sleep(20))
    began = time.monotonic()
    assert [candidate.printer.kind for candidate in found_printers(0.3, tmp_path)] == ["escpos-device", "tspl-device"]
    assert time.monotonic() - began < 5
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "usb.core", None)
    monkeypatch.undo()
    monkeypatch.setattr(usb, "present", lambda: 1 / 0)
    monkeypatch.setattr(cups, "queues", lambda _seconds: [])
    assert found_printers(5, tmp_path / "missing") == []


# --- printer.json -----------------------------------------------------------------------------------------------------


def test_every_kind_and_paper_prints_somewhere() -> None:
    for kind, papers in KINDS.items():
        assert papers, kind
        assert {paper.name for paper in papers} <= set(PAPERS)


def test_time_out_is_of_the_channel() -> None:
    with pytest.raises(TimeoutError):
        channels.within(0.05, lambda: time.sleep(2))
    with pytest.raises(ZeroDivisionError):
        channels.within(5, lambda: 1 / 0)
    assert channels.within(5, lambda: 7) == 7
    assert failing.from_system(TimeoutError()).reason == "timed_out"
