"""A disk of which a power cut leaves what it likes: names and pages that were not synced, each by itself, or not.

Only fsync makes anything last: that of a file its content, that of a folder the names in it. Everything else is on the
disk or not when the power goes, in whatever order. Two things are taken for granted (docs/durability.md): a rename
happens wholly or not at all, and never leaves a file that moves under no name.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, product

from tests.power import State

PAGE = 4096
_MOST = 64
"""Of the states that one moment may leave, how many are looked at; of more than that a sample."""


@dataclass
class File:
    """What programs see of a file, and what of it lasts.

    Attributes:
        content: what programs see.
        kept: what lasts.
        pages: the ones in which the two may differ.
        shortest: the size down to which it was cut since then.
    """

    content: bytearray = field(default_factory=bytearray)
    kept: bytes = b""
    pages: set[int] = field(default_factory=set)
    shortest: int = 0

    def left(self, chance: random.Random) -> list[bytes]:
        """What may be there after a power cut, the whole of it first."""
        if not self.pages and len(self.content) == len(self.kept):
            return [self.kept]
        whole = bytes(self.content)
        found = [whole, self.kept, self.kept[: self.shortest], whole[: len(whole) // 2]]
        # Its size has grown, and these pages have not come: zeros, or what was there before.
        for came in _few([(0, 1)] * len(self.pages), chance):
            torn = bytearray(whole)
            for page, there in zip(sorted(self.pages), came, strict=True):
                if not there:
                    part = slice(page * PAGE, min((page + 1) * PAGE, len(whole)))
                    torn[part] = self.kept[part].ljust(len(torn[part]), b"\0")
            found.append(bytes(torn))
        return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Version:
    """What a name may stand for: an inode, or nothing; where a file moved away, only once it is `elsewhere`."""

    inode: int | None
    elsewhere: tuple[int, str, int] | None = None


@dataclass
class Folder:
    """What programs see of a folder, and, by name, what may be there: first what lasts, then what came since."""

    names: dict[str, int] = field(default_factory=dict)
    versions: dict[str, list[Version]] = field(default_factory=dict)

    def change(self, name: str, inode: int | None, elsewhere: tuple[int, str, int] | None = None) -> int:
        """Lets a name stand for something else; returns the number of the version."""
        if inode is None:
            del self.names[name]
        else:
            self.names[name] = inode
        known = self.versions.setdefault(name, [Version(None)])
        known.append(Version(inode, elsewhere))
        return len(known) - 1


class Disk:
    """A tree of folders and files, by paths relative to its root, whose own name lasts."""

    ROOT = 1

    def __init__(self) -> None:
        self.nodes: dict[int, File | Folder] = {self.ROOT: Folder()}
        self._next = self.ROOT + 1
        self._synced: dict[tuple[int, str], int] = {}  # how many versions of a name are out of question

    # --- what programs do -------------------------------------------------------------------------------------------

    def find(self, path: str) -> int:
        """The inode of a path.

        Raises:
            KeyError: if there is none.
        """
        inode = self.ROOT
        for name in filter(None, path.split("/")):
            inode = self.folder(inode).names[name]
        return inode

    def folder(self, inode: int) -> Folder:
        found = self.nodes[inode]
        assert isinstance(found, Folder)
        return found

    def file(self, inode: int) -> File:
        found = self.nodes[inode]
        assert isinstance(found, File)
        return found

    def place(self, path: str) -> tuple[int, str]:
        """The folder in which a path stands, and the name there."""
        above, _, name = path.strip("/").rpartition("/")
        return self.find(above), name

    def make(self, path: str, node: File | Folder) -> int:
        """Makes a new file or folder."""
        inode, self._next = self._next, self._next + 1
        self.nodes[inode] = node
        above, name = self.place(path)
        self.folder(above).change(name, inode)
        return inode

    def write(self, inode: int, offset: int, content: bytes) -> None:
        """Writes into a file."""
        file = self.file(inode)
        file.content.extend(bytes(max(0, offset - len(file.content))))
        file.content[offset : offset + len(content)] = content
        file.pages |= set(range(offset // PAGE, (offset + len(content) + PAGE - 1) // PAGE))

    def truncate(self, inode: int, size: int) -> None:
        """Cuts a file, or lets it grow."""
        file = self.file(inode)
        del file.content[size:]
        file.content.extend(bytes(size - len(file.content)))
        file.pages.add(size // PAGE)
        file.shortest = min(file.shortest, size)

    def rename(self, source: str, target: str) -> None:
        """Moves a file or folder, in place of whatever has that name."""
        here, name = self.place(source)
        there, new = self.place(target)
        inode = self.folder(here).names[name]
        version = self.folder(there).change(new, inode) + self._synced.get((there, new), 0)
        self.folder(here).change(name, None, (there, new, version))

    def remove(self, path: str) -> None:
        """Takes a name away."""
        above, name = self.place(path)
        self.folder(above).change(name, None)

    def sync(self, inode: int) -> None:
        """What fsync does: the content of the file, or the names in the folder, last from now on."""
        node = self.nodes[inode]
        if isinstance(node, File):
            node.kept, node.pages, node.shortest = bytes(node.content), set(), len(node.content)
            return
        for name, versions in node.versions.items():
            self._synced[inode, name] = self._synced.get((inode, name), 0) + len(versions) - 1
            del versions[:-1]

    # --- what a power cut leaves ------------------------------------------------------------------------------------

    def left(self, chance: random.Random) -> Iterator[State]:
        """The states in which a power cut at this moment may leave the disk; nothing unsynced and everything first."""
        open_ = [
            (inode, name, versions)
            for inode, node in self.nodes.items()
            if isinstance(node, Folder)
            for name, versions in node.versions.items()
            if len(versions) > 1
        ]
        # Of a name that changed many times without being synced: what lasts, and the last two changes.
        options = [sorted({0, max(0, len(versions) - 2), len(versions) - 1}) for *_place, versions in open_]
        for choice in _few(options, chance):
            chosen = {(inode, name): at for (inode, name, _), at in zip(open_, choice, strict=True)}
            if all(self._possible(versions[at], chosen) for (*_, versions), at in zip(open_, choice, strict=True)):
                yield from self._contents(chosen, chance)

    def _possible(self, version: Version, chosen: dict[tuple[int, str], int]) -> bool:
        if version.elsewhere is None:
            return True
        there, name, at = version.elsewhere
        newest = len(self.folder(there).versions[name]) - 1
        return self._synced.get((there, name), 0) + chosen.get((there, name), newest) >= at

    def _contents(self, chosen: dict[tuple[int, str], int], chance: random.Random) -> Iterator[State]:
        names = dict(self._names(self.ROOT, "", chosen))
        files = {path: self.file(inode).left(chance) for path, inode in names.items() if not path.endswith("/")}
        folders = {path: b"" for path in names if path.endswith("/")}
        for contents in _few([range(len(left)) for left in files.values()], chance):
            yield folders | {path: files[path][at] for path, at in zip(files, contents, strict=True)}

    def _names(self, inode: int, prefix: str, chosen: dict[tuple[int, str], int]) -> Iterator[tuple[str, int]]:
        for name, versions in self.folder(inode).versions.items():
            found = versions[chosen.get((inode, name), len(versions) - 1)].inode
            if found is None:
                continue
            if isinstance(self.nodes[found], Folder):
                yield f"{prefix}{name}/", found
                yield from self._names(found, f"{prefix}{name}/", chosen)
            else:
                yield prefix + name, found


def _few(options: Sequence[Sequence[int]], chance: random.Random) -> Iterator[tuple[int, ...]]:
    """All combinations, or, of too many, the first, the last, and others by chance."""
    total = 1
    for some in options:
        total *= len(some)
    if total <= _MOST:
        yield from product(*options)
        return
    yield tuple(some[0] for some in options)
    yield tuple(some[-1] for some in options)
    yield from islice((tuple(map(chance.choice, options)) for _ in range(_MOST - 2)), _MOST - 2)
