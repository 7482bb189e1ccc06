"""Something done in a process of its own, which may be killed, and what it told until then."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable


def apart(act: Callable[[Callable[[bytes], object]], object]) -> tuple[bytes, int]:
    """Does it, given a way to tell something.

    Returns:
        What was told, and how the process ended, as `os.waitpid` says: 0 when all was done.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        # Nothing of the test runner may go on in this process, whatever happens.
        try:
            with os.fdopen(writing, "wb", buffering=0) as told:
                act(told.write)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as heard:
        found = heard.read()
    return found, os.waitpid(child, 0)[1]


def was_killed(status: int) -> bool:
    """Whether SIGKILL has ended the process."""
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
