"""Days and commands on a file system of ours that keeps every byte it was ever given, also of what is gone again.

`test_privacy.py` searches what is there in the end. Here nothing that a process has written anywhere for a moment, into
a draft, a database or a temporary file, gets away: its data folder, its home and its TMPDIR all lie on this disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import plain
from tests.faults.forgetful import missing, mounted
from tests.searching import MASKED, NAME, NEVER, World, found, holds, register
from tests.tent import pitch
from tests.test_privacy_commands import OTHERS, SECRETS, sheet_of

pytestmark = [
    pytest.mark.faults,
    pytest.mark.pty,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(missing()), reason=f"no file system of our own: {missing()}"),
]
PERSONAL = ("records|", "tmp|", "cache|known")
"""How files begin, by the name under which they came to be, in which names and masked phones may ever have stood."""


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    (folder := tmp_path / "kept").mkdir()
    return folder


@pytest.fixture
def world(tmp_path: Path, kept: Path) -> Iterator[World]:
    """Everything that a process can call its own, on the disk that keeps all of it."""
    (folder := tmp_path / "world").mkdir()
    with mounted(folder, kept):
        yield World(folder, tmp_path / "journal", tmp_path / "written", pitch(folder / "data"))


def was_written(kept: Path, *marks: str) -> dict[str, str]:
    """The files that have ever held a mark, by what they were called first, and which."""
    return {name.partition(" ")[2]: mark for name, mark in found(kept, *marks).items()}


def wrote_well(world: World, kept: Path, *secrets: str) -> None:
    assert was_written(kept, *NEVER, *secrets) == {}
    for file in was_written(kept, NAME, MASKED):
        assert file.removeprefix("data|").startswith(PERSONAL), file
    assert holds((kept / "names").read_bytes(), *NEVER, *secrets, NAME, MASKED) == ""
    assert world.strangers() == set()


def test_a_day_has_written_nothing_that_is_gone_again(world: World, kept: Path) -> None:
    """A registration, the roster, one phone number shown, a forgetting, a kill in the middle of the next person."""
    passphrase = world.tent.passphrase
    with world.open() as visitor:
        screen = visitor.terminal
        register(visitor)
        visitor.home()
        visitor._lead()
        visitor._pin()
        screen.paste(NAME)
        screen.wait_for(MASKED[-4:])
        visitor.press("\r")
        visitor.sees("PersonPage")
        visitor.press("7")
        visitor.sees("RevealPage")
        visitor.enter("reason-entry", "手套落在站点")
        visitor._reaches("words-entry")
        screen.paste(passphrase)
        screen.wait_for(passphrase[:5])
        visitor.press("\r")
        visitor.sees("PhonePage")
        visitor.press("\x1b[27u")
        visitor.sees("PersonPage")
        visitor.press("8")
        visitor.sees("ForgetPage")
        visitor.enter("reason-entry", "本人要求")
        screen.wait_for("不能恢复")
        visitor.press("\r")
        visitor.sees("PersonPage")
        visitor.home()
        visitor.to("IdentityPage")
        visitor.enter("name-entry", NAME)
        screen.paste(NEVER[0])
        screen.wait_for(NEVER[0])
        screen.process.kill()
        screen.process.wait()
    assert [d["type"] for d in plain.log(world.tent.folder)][-2:] == ["phone_revealed", "forgotten"]
    wrote_well(world, kept, passphrase)
    # The control: who is forgotten is not there, and of what was written every byte is.
    assert world.found(NAME, MASKED) == {}
    assert was_written(kept, NAME)


def test_an_import_has_written_nothing_that_is_gone_again(world: World, kept: Path, tmp_path: Path) -> None:
    code, out, _err = world.run("import", sheet_of(tmp_path, "utf-8"))
    assert (code, out.count(b"admitted")) == (1, 2 + len(OTHERS))
    wrote_well(world, kept, *SECRETS)
    assert was_written(kept, NAME)


def test_a_file_that_is_written_and_taken_away_again_is_found(world: World, kept: Path) -> None:
    """A control: whole, in two halves, in the middle of other bytes, unlinked while it is open, and in a name."""
    secret = NEVER[0].encode()
    before = set(kept.iterdir())
    for place in ("data/tmp/draft", "HOME/note", "TMPDIR/sheet"):
        path = world.folder / place
        path.parent.mkdir(exist_ok=True)
        for parts in ([secret], [secret[:4], secret[4:]], [bytes(9000), secret, bytes(9000)]):
            with path.open("wb", buffering=0) as file:
                for part in parts:
                    file.write(part)
            path.unlink()
            assert set(was_written(kept, *NEVER)) == {place.replace("/", "|")}
            for file_kept in set(kept.iterdir()) - before - {kept / "names"}:
                file_kept.unlink()
    with tempfile.TemporaryFile(dir=world.folder / "TMPDIR") as file:
        file.write(secret)
    assert len(was_written(kept, *NEVER)) == 1
    assert world.found(*NEVER) == {}
    (world.folder / "data" / "tmp" / NEVER[0]).mkdir()
    assert holds((kept / "names").read_bytes(), *NEVER) == NEVER[0]
