"""The keys of a page, in large plain words: those of its bottom line, the others, and those that work everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from textual.widget import Widget
from textual.widgets import Static

from kiosk.i18n import N_, _
from kiosk.widgets.grounds import Beside, Scroll
from kiosk.widgets.page import Key, Page


class HelpPage(Page[None]):
    """Stands over the page that it explains, and goes away by Esc, Enter or F1."""

    keeps_draft = True
    heading = N_("Help")
    keys: ClassVar[tuple[Key, ...]] = (Key("Esc", N_("Back"), "back"),)

    def __init__(self, below: Page[Any]) -> None:
        """Makes the page.

        Args:
            below: the page that is explained.
        """
        super().__init__(below._station)
        self._below = below
        self.idle = below.patience  # set-up waits for ever, also while its keys are explained

    def title_text(self) -> str:
        page = _(self._below.heading) if self._below.heading else ""
        return f"{_(self.heading)}  {page}".rstrip()

    def offered(self) -> Iterable[Key]:
        yield Key(_("Up Down"), _("Scroll"), "")
        yield from super().offered()

    def content(self) -> Iterable[Widget]:
        with Scroll(id="help"):
            for cap, said in self._lines():
                with Beside(classes="help-line"):
                    yield Static(cap, markup=False, classes="help-key")
                    yield Static(said, markup=False, classes="help-text")

    def _lines(self) -> Iterator[tuple[str, str]]:
        told = set()
        for key in self._below.more:
            told.add(key.cap)
            yield _(key.cap), _(key.label)
        for key in self._below.keys:
            if key.cap not in told and key.cap != "F1":
                yield _(key.cap), _(key.label)
        yield "F1", _("This help, on every page")
        yield "F2", _("Chinese or English")
        yield "F3", _("Dark or light")

    def ready(self) -> None:
        self.query_one("#help").focus()

    def action_next(self) -> None:
        self.dismiss(None)
