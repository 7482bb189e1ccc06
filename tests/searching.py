"""Marked people, and a search of every byte that a process has written for what must not stand there in clear."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk import demo
from tests import factories
from tests.plain import ROOT, surroundings
from tests.tent import Tent, Visitor
from tests.terminal import rigged, terminal

NAME, PHONE, MASKED = "江晚舟", "19912345678", "199****5678"
NUMBER = factories.id_number("19870916", order=42)
NEVER = (PHONE, NUMBER, NUMBER[:17], "1987-09-16", "19870916", demo.PIN)
"""What must stand nowhere in clear."""
IN_CLEAR = ("records/", "cache/known.sqlite")
"""Where names and masked phones may stand."""
_HOMES: Final = (
    *("HOME", "TMPDIR", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
    "XDG_RUNTIME_DIR",
)


def forms(mark: str) -> Iterator[bytes]:
    """The mark as a file may hold it: in three encodings, and each of them as hex, and as base64 wherever it begins."""
    for encoding in ("utf-8", "gb18030", "utf-16-le"):
        plain = mark.encode(encoding)
        yield plain
        yield plain.hex().encode()
        yield plain.hex().upper().encode()
        for before in range(3):  # so many bytes of something else are in the first group; its characters are not known
            first, end = -(-8 * before // 6), 8 * (before + len(plain)) // 6
            yield base64.b64encode(bytes(before) + plain)[first:end]


def holds(content: bytes, *marks: str) -> str:
    """The first of the marks that is in it, in one of its forms; empty where none is. Spreadsheets are unpacked."""
    parts = [content]
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts += [archive.read(name) for name in archive.namelist()]
    return next((mark for mark in marks for form in forms(mark) for part in parts if _stands(form, part)), "")


_AT_RANDOM: Final = re.compile(rb"[0-9A-Za-z+/-]{16,}")
"""Hashes, ids, salts and ciphertexts: six digits stand in them once in a hundred runs."""


def _stands(form: bytes, part: bytes) -> bool:
    """Whether a form is in it; one of six letters or digits only where it is not a piece of something random."""
    if form not in part:
        return False
    return len(form) > 6 or form in _AT_RANDOM.sub(b" ", part)


def found(folder: Path, *marks: str) -> dict[str, str]:
    """The files in a folder that hold a mark, and which."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    seen = {str(path.relative_to(folder)): holds(path.read_bytes(), *marks) for path in files}
    return {name: mark for name, mark in seen.items() if mark}


@dataclass(frozen=True)
class World:
    """All that the process can call its own, and what it has opened to write."""

    folder: Path
    journal: Path
    written: Path
    tent: Tent

    @property
    def surroundings(self) -> Mapping[str, str]:
        """The environment: every folder that a program may think of lies in here."""
        for name in _HOMES:
            (self.folder / name).mkdir(exist_ok=True)
        return {**{name: str(self.folder / name) for name in _HOMES}, "PYTHONDONTWRITEBYTECODE": "1"}

    @contextmanager
    def open(self, page: str = "WelcomePage") -> Iterator[Visitor]:
        """Somebody before the kiosk, once that page is up."""
        self.journal.unlink(missing_ok=True)
        command = rigged(self.tent.folder, journal=str(self.journal), written=str(self.written))
        with terminal(command, env=self.surroundings) as screen:
            visitor = Visitor(screen, self.tent, self.journal)
            visitor.sees(page)
            yield visitor

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts a command, with nobody to answer questions."""
        return subprocess.Popen(
            [*rigged(self.tent.folder, written=str(self.written)), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**surroundings(), **self.surroundings},
        )

    def run(self, *arguments: str) -> tuple[int, bytes, bytes]:
        """Runs a command: its exit code, what it printed, and what it complained of."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def found(self, *marks: str) -> dict[str, str]:
        """The files that hold a mark, and which."""
        return found(self.folder, *marks)

    def strangers(self) -> set[str]:
        """Files outside of the data folder that it has opened to write, whether they are there still or not."""
        paths = set(self.written.read_text("utf-8").splitlines())
        own = (str(self.tent.folder), str(self.journal), str(self.written), "/dev/", "/proc/self/")
        return {path for path in paths if not path.isdigit() and not path.startswith(own)}

    def looks_well(self) -> None:
        """Asserts that nothing stands in clear but names and masked phones, where they may."""
        assert self.found(*NEVER) == {}
        for file, mark in self.found(NAME, MASKED).items():
            assert file.removeprefix("data/").startswith(IN_CLEAR), (file, mark)
        assert self.strangers() == set()


def fill_in(visitor: Visitor) -> None:
    """Somebody with a name, a phone and an ID number, up to the last look before it is recorded."""
    visitor.to("IdentityPage")
    visitor.enter("name-entry", NAME)
    visitor.enter("phone-entry", PHONE)
    visitor.sees("DocumentPage")
    visitor.enter("id_number-entry", NUMBER)
    visitor.sees("AddressPage")
    visitor._live()
    visitor._answer()


def register(visitor: Visitor) -> None:
    """The same, up to the badge."""
    fill_in(visitor)
    visitor._check_in()
    visitor._look()
    visitor.press("\r")
    visitor.sees("BadgePage")
