"""Prints one badge, or says why not: from a label and a printer to the driver that it takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.printing import cups, escpos, files, tspl
from kiosk.printing.channels import PATIENCE, Channel, to_device, to_network
from kiosk.printing.failing import PrintFailed, from_folder, from_system
from kiosk.printing.label import Label, draw
from kiosk.printing.printer import Printer
from kiosk.printing.usb import to_usb

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from PIL.Image import Image


def print_label(
    printer: Printer, label: Label, *, copies: int | None = None, patience: float = PATIENCE
) -> tuple[Path, ...]:
    """Prints a badge and returns when the printer, CUPS or the folder has it.

    Args:
        printer: where to.
        label: what stands on it.
        copies: how many; the printer's own number if not given.
        patience: seconds without any progress until a printer counts as stalled.

    Returns:
        The files that were written, where the printer is a folder.

    Raises:
        PrintFailed: if it was not printed, or not wholly as far as is known. Printing it again is safe.
    """
    picture = draw_safely(label, printer)
    number = printer.copies if copies is None else copies
    if printer.kind in ("pdf", "png"):
        return _to_folder(printer, label, picture, number)
    if printer.kind == "cups":
        pdf = files.pdf(picture, printer.sheet.dpi)
        cups.send(printer.target, pdf, title=_stem(label), copies=number, patience=patience)
        return ()
    try:
        with _channel(printer, patience) as channel:
            if printer.kind.startswith("escpos"):
                escpos.send(channel, picture, number, patience)
            else:
                tspl.send(channel, picture, printer.sheet, number, patience)
    except OSError as error:
        raise from_system(error) from error
    return ()


def draw_safely(label: Label, printer: Printer) -> Image:
    """The picture of a label on a printer's paper.

    Raises:
        PrintFailed: `no_font` or `not_installed`, or `failed` if the font's file cannot be read.
    """
    try:
        return draw(label, printer.sheet)
    except OSError as error:
        raise from_folder(error) from error


def _channel(printer: Printer, patience: float) -> AbstractContextManager[Channel]:
    if printer.kind.endswith("-network"):
        return to_network(*printer.address, patience)
    if printer.kind.endswith("-usb"):
        return to_usb(*printer.usb, patience)
    return to_device(Path(printer.target), patience)


def _stem(label: Label) -> str:
    """The name of files and jobs: the volunteer number alone, in characters that no shell or file system minds."""
    return "badge-" + "".join(
        character for character in label.number if (character.isascii() and character.isalnum()) or character == "-"
    )


def _to_folder(printer: Printer, label: Label, picture: Image, copies: int) -> tuple[Path, ...]:
    folder, dpi = Path(printer.target), printer.sheet.dpi
    if not folder.is_dir():
        raise PrintFailed("no_folder", detail=str(folder))
    try:
        if printer.kind == "pdf":
            return (files.put(folder, _stem(label), ".pdf", files.pdf(picture, dpi, copies)),)
        content = files.png(picture, dpi)
        return tuple(files.put(folder, _stem(label), ".png", content) for _copy in range(copies))
    except OSError as error:
        raise from_folder(error) from error
