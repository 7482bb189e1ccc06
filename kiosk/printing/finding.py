"""Which printers this machine offers, so that a lead picks one from a list. It prints nothing and changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from msgspec import Struct

from kiosk.errors import KioskError
from kiosk.i18n import _
from kiosk.printing import cups, usb
from kiosk.printing.printer import Printer

SECONDS: Final = 2.0
"""How long a lead waits for the list."""


class Candidate(Struct, frozen=True):
    """A printer that could be used: `name` is what people call it."""

    printer: Printer
    name: str


def found_printers(seconds: float = SECONDS, devices: Path = Path("/dev/usb")) -> list[Candidate]:
    """What the machine offers: CUPS queues, device files, USB printers; in this order, without an error ever.

    Receipt printers and label printers look the same from here, so each device file is offered for both.

    Args:
        seconds: how long all of it may take; what has not answered then is not there.
        devices: the folder of the kernel's USB printers.
    """
    looks: list[Callable[[], list[Candidate]]] = [
        lambda: _queues(seconds),
        lambda: _device_files(devices),
        _usb_printers,
    ]
    answers: SimpleQueue[tuple[int, list[Candidate]]] = SimpleQueue()
    for number, look in enumerate(looks):
        Thread(target=_answer, args=(answers, number, look), name="find-printers", daemon=True).start()
    end, found = time.monotonic() + seconds, dict[int, list[Candidate]]()
    while len(found) < len(looks):
        try:
            number, candidates = answers.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            break
        found[number] = candidates
    return [candidate for number in sorted(found) for candidate in found[number]]


def _answer(
    answers: SimpleQueue[tuple[int, list[Candidate]]], number: int, look: Callable[[], list[Candidate]]
) -> None:
    try:
        candidates = look()
    except Exception:  # a bus that cannot be looked at offers nothing
        candidates = []
    answers.put((number, candidates))


def _candidate(kind: str, target: str, name: str) -> list[Candidate]:
    try:
        return [Candidate(Printer.of(kind, target), name)]
    except KioskError:  # a queue whose name no command line takes
        return []


def _queues(seconds: float) -> list[Candidate]:
    return [
        candidate
        for queue in cups.queues(seconds)
        for candidate in _candidate("cups", queue, _("Printer of this computer: {name}").format(name=queue))
    ]


def _device_files(folder: Path) -> list[Candidate]:
    return [
        candidate
        for path in sorted(folder.glob("lp*"))
        for kind, name in (
            ("escpos-device", _("Receipt printer at {path}").format(path=path)),
            ("tspl-device", _("Label printer at {path}").format(path=path)),
        )
        for candidate in _candidate(kind, str(path), name)
    ]


def _usb_printers() -> list[Candidate]:
    return [
        candidate
        for identity in usb.present()
        for numbers in [f"{identity.vendor:04x}:{identity.product:04x}"]
        for candidate in _candidate(
            "escpos-usb", numbers, _("Receipt printer on USB: {name}").format(name=identity.name or numbers)
        )
    ]
