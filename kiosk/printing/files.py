"""A badge as a PDF or PNG, in memory or in a folder. It gives files the names that it is told."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.durable import PRIVATE_FILE, sync_folder

if TYPE_CHECKING:
    from PIL.Image import Image


def pdf(picture: Image, dpi: int, copies: int = 1) -> bytes:
    """A PDF with the picture on as many pages, each as large as the paper."""
    content = BytesIO()
    picture.save(content, "PDF", resolution=dpi, save_all=True, append_images=[picture] * (copies - 1))
    return content.getvalue()


def png(picture: Image, dpi: int) -> bytes:
    """A PNG in black and white."""
    content = BytesIO()
    picture.save(content, "PNG", dpi=(dpi, dpi), optimize=True)
    return content.getvalue()


def put(folder: Path, stem: str, suffix: str, content: bytes) -> Path:
    """Writes a new file into a folder that is there, for the owner alone; a name that is taken gets a number.

    Whoever looks into the folder sees the whole file or none.

    Args:
        folder: the folder; it is not created, since one that is missing may be a stick that is not mounted.
        stem: the name without a number and suffix.
        suffix: such as `.pdf`.
        content: of the file.

    Returns:
        The file.

    Raises:
        OSError: if that fails; nothing is left then.
    """
    draft = folder / f".{stem}{suffix}.{os.getpid()}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, PRIVATE_FILE)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - it has no path of its own
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        path = _named(draft, folder, stem, suffix)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    return path


def _named(draft: Path, folder: Path, stem: str, suffix: str) -> Path:
    number = 1
    while True:
        path = folder / (f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}")
        try:
            # Unlike a rename, a link never replaces what somebody has put there in the meantime.
            os.link(draft, path)
        except FileExistsError:
            number += 1
        except OSError:
            # FAT has no links: look, and rename.
            if os.path.lexists(path):
                number += 1
                continue
            return draft.rename(path)
        else:
            draft.unlink()
            return path
