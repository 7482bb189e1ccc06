"""A real file system, through FUSE, whose power can be taken: `python -m tests.faults.forgetful FOLDER` mounts it.

What was not synced is then gone, there, or there in part, as `Disk` has it. It is told what to do by extended
attributes of its root: `user.reset` empties it, `user.cut` takes the power after so many more changes (`N SEED`; the
seed picks what is left), `user.on` gives it back. While the power is gone every call fails.

With a second folder, `python -m tests.faults.forgetful FOLDER KEPT`, it forgets nothing: in that one stands every byte
that was ever written, also of files that are gone.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from tests.faults.disk import Disk, File, Folder
from tests.power import State

_LEFT_AT_MOST = 200
_BESIDE = 128
"""Bytes on either side of a write that are kept with it: what two writes make together is whole in the second."""


def disk_of(state: State) -> Disk:
    """A disk on which nothing but `state` is, all of it synced."""
    disk = Disk()
    for path in sorted(state):
        if path.endswith("/"):
            disk.make(path.rstrip("/"), Folder())
        else:
            disk.write(disk.make(path, File()), 0, state[path])
    for inode in disk.nodes:
        disk.sync(inode)
    return disk


def missing() -> str:
    """Why there can be no such file system here; empty where there can be one."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is not there, or not for this user"
    try:
        import mfusepy  # noqa: F401
    except (ImportError, OSError) as error:
        return f"FUSE's library cannot be loaded: {error}"
    return "" if shutil.which("fusermount3") or os.geteuid() == 0 else "fusermount3 is not installed"


def serve(mountpoint: str, kept: str = "") -> None:
    """Mounts the file system and serves it until it is unmounted; keeps what is written in `kept`, if that is given."""
    import mfusepy

    def refuse(number: int) -> Any:
        raise mfusepy.FuseOSError(number)

    class Forgetful(mfusepy.Operations):  # type: ignore[misc] # it has no types
        """The calls of FUSE, on a `Disk`."""

        use_ns = True

        def __init__(self) -> None:
            self.disk = Disk()
            self.changes = 0
            self.cut_at: int | None = None
            self.chance = random.Random(0)
            self.left: State | None = None
            self.names: dict[int, str] = {}

        def _keep(self, inode: int, offset: int, size: int) -> None:
            """Appends to a file of its own what now stands where was written."""
            if kept:
                content = self.disk.file(inode).content[max(0, offset - _BESIDE) : offset + size + _BESIDE]
                with Path(kept, f"{inode} {self.names[inode]}").open("ab") as file:
                    file.write(b"\n\n" + content)

        def _name(self, path: str) -> None:
            """Notes what something is called, or was, for a moment."""
            if kept:
                with Path(kept, "names").open("a") as file:
                    file.write(f"{path}\n")

        # --- the power ----------------------------------------------------------------------------------------------

        def setxattr(self, path: str, name: str, value: bytes, options: int, position: int = 0) -> int:
            if name == "user.reset":
                self.disk, self.changes, self.cut_at, self.left = Disk(), 0, None, None
            elif name == "user.cut":
                after, seed = map(int, value.split())
                self.cut_at, self.chance = self.changes + after, random.Random(seed)
                self._look()
            elif name == "user.on":
                self.disk, self.cut_at, self.left = disk_of(self.left or {}), None, None
            return 0

        def getxattr(self, path: str, name: str, position: int = 0) -> bytes:
            return str(self.changes).encode() if name == "user.changes" else refuse(errno.ENODATA)

        def _look(self) -> None:
            if self.changes == self.cut_at and self.left is None:
                self.left = self.chance.choice(list(islice(self.disk.left(self.chance), _LEFT_AT_MOST)))

        def _changed(self) -> int:
            self.changes += 1
            self._look()
            return 0

        def _inode(self, path: str) -> int:
            if self.left is not None:
                refuse(errno.EIO)
            try:
                return self.disk.find(path)
            except (KeyError, AssertionError):
                return int(refuse(errno.ENOENT))

        # --- looking ------------------------------------------------------------------------------------------------

        def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
            if path == "/":  # also without power: whoever gives it back has to find it
                return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
            node = self.disk.nodes[self._inode(path)]
            if isinstance(node, Folder):
                return {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": len(node.content)}

        def readdir(self, path: str, fh: int) -> Iterator[str]:
            yield from (".", "..", *self.disk.folder(self._inode(path)).names)

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            if self.left is not None:
                refuse(errno.EIO)
            return bytes(self.disk.file(fh).content[offset : offset + size])

        def open(self, path: str, flags: int) -> int:
            return self._inode(path)

        def opendir(self, path: str) -> int:
            return self._inode(path)

        # --- changing -----------------------------------------------------------------------------------------------

        def create(self, path: str, mode: int, fi: Any = None) -> int:
            self._inode(os.path.dirname(path))  # noqa: PTH120 - a path of the disk, not of this machine
            inode = self.disk.make(path, File())
            self.names[inode] = path.strip("/").replace("/", "|")
            self._name(path)
            self._changed()
            return inode

        def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
            if self.left is not None:
                refuse(errno.EIO)
            self.disk.write(fh, offset, data)
            self._keep(fh, offset, len(data))
            self._changed()
            return len(data)

        def truncate(self, path: str, length: int, fh: int | None = None) -> int:
            self.disk.truncate(self._inode(path), length)
            return self._changed()

        def fsync(self, path: str, datasync: int, fh: int) -> int:
            if self.left is not None:
                refuse(errno.EIO)
            self.disk.sync(fh)
            return self._changed()

        def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
            return self.fsync(path, datasync, fh)

        def rename(self, old: str, new: str) -> int:
            self._inode(old)
            self.disk.rename(old, new)
            self._name(new)
            return self._changed()

        def unlink(self, path: str) -> int:
            self._inode(path)
            self.disk.remove(path)
            return self._changed()

        def rmdir(self, path: str) -> int:
            if self.disk.folder(self._inode(path)).names:
                refuse(errno.ENOTEMPTY)
            return self.unlink(path)

        def mkdir(self, path: str, mode: int) -> int:
            self._inode(os.path.dirname(path))  # noqa: PTH120
            self.disk.make(path, Folder())
            self._name(path)
            return self._changed()

        def chmod(self, path: str, mode: int) -> int:
            return 0

        def utimens(self, path: str, times: Any = None) -> int:
            return 0

    forget = {"entry_timeout": 0, "attr_timeout": 0, "negative_timeout": 0}
    mfusepy.FUSE(Forgetful(), mountpoint, foreground=True, nothreads=True, fsname="forgetful", **forget)


class Power:
    """The switch of a mounted file system."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def reset(self) -> None:
        """Empties the disk; the power is there."""
        os.setxattr(self.root, "user.reset", b"1")

    def cut(self, after: int, seed: int) -> None:
        """Takes the power after so many more changes."""
        os.setxattr(self.root, "user.cut", f"{after} {seed}".encode())

    def on(self) -> None:
        """Gives the power back; on the disk is what was left."""
        os.setxattr(self.root, "user.on", b"1")

    @property
    def changes(self) -> int:
        """How many changes there were since the disk was empty."""
        return int(os.getxattr(self.root, "user.changes"))


@contextmanager
def mounted(folder: Path, kept: Path | None = None) -> Iterator[Power]:
    """A forgetful file system, mounted at `folder` for as long as it lasts; in `kept` stands what was ever written."""
    folders = [str(folder), *([str(kept)] if kept else [])]
    server = subprocess.Popen([sys.executable, "-m", "tests.faults.forgetful", *folders])
    try:
        while not os.path.ismount(folder):
            if server.poll() is not None:
                raise OSError(f"the file system ended with {server.returncode}")
            os.sched_yield()
        yield Power(folder)
    finally:
        unmount = ["fusermount3", "-u", "-z"] if shutil.which("fusermount3") else ["umount", "-l"]
        subprocess.run([*unmount, str(folder)], check=False)
        server.wait(20)


if __name__ == "__main__":
    serve(*sys.argv[1:])
