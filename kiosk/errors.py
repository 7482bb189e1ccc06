"""The errors that a caller may want to catch; each carries what its catcher needs.

The text of every error is one finished sentence in the reader's language: what is wrong and what to do.
This module knows nothing of the rest of the kiosk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class KioskError(Exception):
    """Something a person has to know about. `exit_code` is what a command ends with."""

    exit_code = 1


class WrongUsage(KioskError):
    """The command cannot do what was asked of it."""

    exit_code = 2


class CampaignError(KioskError):
    """The campaign's data is wrong.

    Attributes:
        file: the name of the file.
        entry: which entry of it, as a person would point at it.
        field: the field of that entry.
    """

    def __init__(self, sentence: str, *, file: str, entry: str, field: str) -> None:
        super().__init__(sentence)
        self.file, self.entry, self.field = file, entry, field


class InvalidInput(KioskError):
    """One field of what a person typed is missing or malformed; `code` is one of the input codes of the rules."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class RecordError(KioskError):
    """A record is not in the form that the format prescribes."""


class StoreBusy(KioskError):
    """Another process is writing to the data folder."""

    exit_code = 2


class NotSaved(KioskError):
    """The records could not be made durable; nothing was acknowledged.

    Attributes:
        drafts: what was to be written. Writing the same drafts again is safe, they keep their ids.
        outcome: gives what the caller is to be told once they are written.
    """

    def __init__(self, sentence: str, drafts: Sequence[Any], outcome: Callable[[], Any] = lambda: None) -> None:
        super().__init__(sentence)
        self.drafts, self.outcome = tuple(drafts), outcome


class NotPossible(KioskError):
    """What was asked does not fit the state of the day, such as checking out somebody who is not here."""
