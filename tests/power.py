"""A model of what a power cut leaves on a disk, worked out beside the real file system and as cruel as POSIX allows.

Only fsync makes anything last: that of a file its content, that of a folder the names in it. What was not synced is
lost, or, just as bad, has reached the disk before what it depends on.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

State = dict[str, bytes]
"""What survived: content by path; the path of a folder ends with a slash."""

CRUELTIES = ("nothing unsynced", "names without content", "names and half the content")


class Power:
    """Watches a folder; `cut` says what a power cut at this moment would leave of it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.before_sync: Callable[[], None] = lambda: None
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        self._folders: set[int] = set()
        self._held: list[int] = []
        self._real = os.fsync
        monkeypatch.setattr(os, "fsync", self._fsync)

    def _fsync(self, descriptor: int) -> None:
        before, self.before_sync = self.before_sync, lambda: None
        before()
        self.before_sync = before
        self._real(descriptor)
        status = os.fstat(descriptor)
        # A second descriptor keeps the number of the inode from being given to another file.
        self._held.append(os.dup(descriptor))
        if stat.S_ISDIR(status.st_mode):
            entries = list(os.scandir(descriptor))
            self._names[status.st_ino] = {entry.name: entry.inode() for entry in entries}
            self._folders |= {entry.inode() for entry in entries if entry.is_dir()}
        else:
            self._contents[status.st_ino] = os.pread(self._reading(descriptor), status.st_size, 0)

    def _reading(self, descriptor: int) -> int:
        reading = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY)
        self._held.append(reading)
        return reading

    def close(self) -> None:
        for descriptor in self._held:
            os.close(descriptor)

    def cut(self, cruelty: str) -> State:
        if cruelty == "nothing unsynced":
            return dict(self._synced(self.root.stat().st_ino, ""))
        found = {}
        for path in self.root.rglob("*"):
            if path.is_dir():
                found[f"{path.relative_to(self.root)}/"] = b""
            else:
                now = path.read_bytes()
                kept = self._contents.get(path.stat().st_ino, b"")
                if cruelty == "names and half the content" and now != kept:
                    kept = now[: len(now) // 2]
                found[str(path.relative_to(self.root))] = kept
        return found

    def _synced(self, folder: int, prefix: str) -> Iterator[tuple[str, bytes]]:
        for name, inode in self._names.get(folder, {}).items():
            if inode not in self._folders:
                yield prefix + name, self._contents.get(inode, b"")
            else:
                yield f"{prefix}{name}/", b""
                yield from self._synced(inode, f"{prefix}{name}/")


@contextmanager
def power(root: Path) -> Iterator[Power]:
    """Watches `root`, whose own name is taken to be durable."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        watched = Power(root, monkeypatch)
        try:
            yield watched
        finally:
            watched.close()


def restore(state: State, folder: Path) -> Path:
    """Lays out what survived in `folder`."""
    for name, content in state.items():
        path = folder / name
        if name.endswith("/"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            continue
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o600)
    return folder
