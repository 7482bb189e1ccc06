"""CUPS through its commands `lp` and `lpstat`: a PDF into a queue, and which queues there are.

No temporary file: the PDF goes through a pipe, and the job's title carries the volunteer number only.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Final

from kiosk.printing.failing import PrintFailed

INSTALL: Final = "apt install cups-client"
_SAID: Final[Mapping[str, str]] = {
    "does not exist": "not_found",
    "unknown destination": "not_found",
    "no such file": "not_found",
    "no default destination": "not_found",
    "not accepting": "refused",
    "rejecting": "refused",
    "scheduler": "refused",
    "connection refused": "refused",
    "unable to connect": "refused",
    "bad file descriptor": "refused",
    "too many": "refused",
    "forbidden": "no_permission",
    "unauthorized": "no_permission",
    "not authorized": "no_permission",
    "permission denied": "no_permission",
    "not allowed": "no_permission",
    "timeout": "timed_out",
    "timed out": "timed_out",
    "out of paper": "no_paper",
    "media-empty": "no_paper",
}
"""What lp writes in English, in small letters, and the reason that it means."""


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "LANG": "C"}


def send(queue: str, pdf: bytes, *, title: str, copies: int, patience: float) -> None:
    """Hands a PDF to a queue; CUPS has it when this returns, and sees to the printing.

    Args:
        queue: the queue's name.
        pdf: one page.
        title: of the job, as others on this network may read it.
        copies: how many.
        patience: seconds that lp has.

    Raises:
        PrintFailed: with the reason that fits what lp says; `not_installed` if there is no lp.
    """
    # No size of paper: asked for one that is not in its tray, an office printer waits for somebody to put it in.
    command = ["lp", "-d", queue, "-n", str(copies), "-t", title, "-o", "print-scaling=auto-fit", "-"]
    try:
        done = subprocess.run(
            command, input=pdf, capture_output=True, timeout=patience, check=False, env=_environment()
        )
    except FileNotFoundError as error:
        raise PrintFailed("not_installed", detail="lp", install=INSTALL) from error
    except subprocess.TimeoutExpired as error:
        raise PrintFailed("timed_out", detail="lp") from error
    except PermissionError as error:
        raise PrintFailed("no_permission", detail="lp") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        detail = said[0].removeprefix("lp: ")[:200] if said else f"lp {done.returncode}"
        small = " ".join(said).lower()
        raise PrintFailed(next((reason for words, reason in _SAID.items() if words in small), "failed"), detail=detail)


def queues(seconds: float) -> list[str]:
    """The names of the queues that lp could print to; none where CUPS is missing or silent."""
    try:
        done = subprocess.run(
            ["lpstat", "-e"],
            capture_output=True,
            timeout=seconds,
            check=False,
            env=_environment(),
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.decode("utf-8", "replace").split() if not done.returncode else []
