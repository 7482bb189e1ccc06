"""Reads a data folder as anybody could: with plain TinyDB, and byte by byte. It uses nothing of the kiosk."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinydb import TinyDB

ROOT = Path(__file__).parent.parent


def segment_files(folder: Path) -> list[Path]:
    """The files under `records/`, sealed ones first, in the order of their numbers."""
    records = folder / "records"
    opened = records / "open.json"
    return [*sorted((records / "sealed").iterdir()), *([opened] if opened.exists() else [])]


def documents(path: Path, table: str = "records") -> list[dict[str, Any]]:
    """The documents of one table of one TinyDB file."""
    with TinyDB(path, access_mode="r") as db:
        return [dict(document) for document in db.table(table)]


def log(folder: Path) -> list[dict[str, Any]]:
    """Every record of a data folder that has known one epoch, in the order of the log."""
    return [document for path in segment_files(folder) for document in documents(path)]


def ids(folder: Path) -> list[str]:
    """The ids of all records, as often as they are there."""
    return [document["id"] for document in log(folder)]


def fingerprint(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in the folder, by its path within."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def contains(folder: Path, *needles: str) -> list[tuple[str, str]]:
    """Which of the needles stand in clear in which file, as UTF-8, GB18030 or JSON's escapes."""
    found = []
    for path in (path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        for needle in needles:
            forms = {needle.encode(), needle.encode("gb18030"), needle.encode("unicode_escape")}
            found += [(path.name, needle) for form in forms if form in content]
    return found


def kiosk(folder: Path, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[bytes]:
    """Runs `kiosk --data FOLDER ARGUMENTS` in a process of its own, with nobody to answer questions."""
    return subprocess.run(
        kiosk_command(folder, *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        cwd=ROOT,
        env=surroundings(),
        check=False,
    )


def kiosk_command(folder: Path, *arguments: str) -> Sequence[str]:
    """The command line of that process."""
    return [sys.executable, "-m", "kiosk", "--data", str(folder), *arguments]


def surroundings() -> dict[str, str]:
    """The environment of that process: this one's, in a locale that must not matter."""
    return {**os.environ, "PYTHONIOENCODING": "utf-8", "LC_ALL": "C"}
