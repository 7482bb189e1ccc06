"""Chinese first, English by one key: the texts of the kiosk in the language of whoever stands before it.

The language is the one deliberate piece of state of the process (one screen, one reader); it is never taken from the
locale of the machine. Texts of the campaign come with it in both languages and are chosen by `language()`.
"""

from __future__ import annotations

import gettext as _gettext
from functools import cache
from pathlib import Path
from typing import Final

LANGUAGES: Final = ("zh", "en")

_current = "zh"


@cache
def _catalog(language: str) -> _gettext.NullTranslations:
    # The messages in the code are English, so English needs no catalog; a missing Chinese one is an error.
    if language == "en":
        return _gettext.NullTranslations()
    # Opened by its name: to look for it among the machine's languages takes as long as reading it.
    with (Path(__file__).parent / "locale" / "zh_CN" / "LC_MESSAGES" / "kiosk.mo").open("rb") as file:
        return _gettext.GNUTranslations(file)


def use(language: str) -> None:
    """Switches to `language`, one of `LANGUAGES`.

    Raises:
        ValueError: for any other language.
    """
    global _current  # noqa: PLW0603 - see the docstring of the module
    if language not in LANGUAGES:
        raise ValueError(language)
    _current = language


def language() -> str:
    """The language in use."""
    return _current


def other_language() -> str:
    """The language that the language key switches to."""
    return LANGUAGES[1 - LANGUAGES.index(_current)]


def _(message: str) -> str:
    """`message` in the language in use."""
    return _catalog(_current).gettext(message)


def ngettext(one: str, many: str, number: int) -> str:
    """The form of the message that goes with `number`."""
    return _catalog(_current).ngettext(one, many, number)


def N_(message: str) -> str:
    """Marks a message for translation where it is defined; `_` translates it where it is shown."""
    return message
