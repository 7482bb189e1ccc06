"""Notes an internal error in a file, without anything personal: where it happened and its kind, never its words.

An exception's text and the values of variables may hold a name or a number, so neither is written.
"""

from __future__ import annotations

import traceback
from datetime import datetime
from pathlib import Path

_LARGEST = 1_000_000


def note(folder: Path, error: BaseException, when: datetime) -> None:
    """Appends the error to `log/crash.log` in the data folder; a log that cannot be written is let go."""
    lines = [f"{when.isoformat(timespec='seconds')} {type(error).__module__}.{type(error).__qualname__}"]
    for frame in traceback.extract_tb(error.__traceback__):
        lines.append(f"  {frame.filename}:{frame.lineno} {frame.name}")
    path = folder / "log" / "crash.log"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > _LARGEST:
            path.replace(path.with_suffix(".old"))
        path.touch(mode=0o600)
        with path.open("a", encoding="utf-8") as log:
            log.write("\n".join(lines) + "\n")
    except OSError:
        return
