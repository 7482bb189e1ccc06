"""Makes files durable and folders exclusive: the few calls on which every promise about lost power rests.

It knows of paths and bytes only.
"""

from __future__ import annotations

import fcntl
import itertools
import os
from pathlib import Path

from kiosk.errors import StoreBusy
from kiosk.i18n import _

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def make_folder(path: Path) -> None:
    """Creates `path` and its parents, for the owner alone, and makes the names of those that it created durable.

    Raises:
        OSError: if that fails.
    """
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        sync_folder(folder.parent)


def close_to_others(folder: Path) -> bool | None:
    """Takes from everybody else what they may do with a folder.

    Returns:
        None if it was the owner's alone, whether it is now otherwise.
    """
    mode = folder.stat().st_mode & 0o777
    if not mode & 0o077:
        return None
    try:
        folder.chmod(PRIVATE_FOLDER)
    except OSError:
        return False
    return not folder.stat().st_mode & 0o077  # a stick's file system may take it and do nothing


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable: a rename is only safe after this."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, content: bytes, temporary: Path) -> None:
    """Replaces the file `path` by `content`, wholly or not at all, and returns when that would survive a power cut.

    Args:
        path: the file.
        content: all of it.
        temporary: a folder on the same file system for the file in the making.

    Raises:
        OSError: when any step failed. The file then has its old content, or, if only the last step failed, the new
            one; the temporary file is removed.
    """
    _replace(path, content, temporary / f"{path.name}.{os.getpid()}")


def write_beside(path: Path, content: bytes) -> None:
    """The same with the file in the making hidden in the folder itself, for a stick that holds nothing else of ours.

    Raises:
        OSError: when any step failed, as with `write_durably`.
    """
    _replace(path, content, path.with_name(f".{path.name}.{os.getpid()}"))


def _replace(path: Path, content: bytes, draft: Path) -> None:
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def unused(path: Path) -> Path:
    """The path, or where that is taken, the same with a number before its suffix."""
    numbers = itertools.count(2)
    free = path
    while os.path.lexists(free):
        free = path.with_name(f"{path.stem}-{next(numbers)}{path.suffix}")
    return free


def move_durably(source: Path, target: Path) -> None:
    """Renames a file into another folder and makes both names durable.

    Raises:
        OSError: when any step failed; the file is then under one of the two names.
    """
    source.rename(target)
    sync_folder(target.parent)
    sync_folder(source.parent)


class FolderLock:
    """The right to write to a data folder, held by one process at a time, given back when the process ends."""

    def __init__(self, folder: Path) -> None:
        """Takes the lock.

        Raises:
            StoreBusy: if another process has it.
            OSError: if nobody can say.
        """
        self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            if not isinstance(error, BlockingIOError):
                raise
            raise StoreBusy(
                _("The kiosk is running on this data folder. Please close it first, then try again.")
            ) from error

    def release(self) -> None:
        """Gives the lock back, once: the number of a closed descriptor may be somebody else's by the next call."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
