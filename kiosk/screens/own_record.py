"""All that is held about one volunteer, for them to read, and as a PDF to take home."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from kiosk import export
from kiosk.disclosure import Section
from kiosk.i18n import N_, _
from kiosk.printing import files, sheets
from kiosk.printing.failing import PrintFailed
from kiosk.station import Station
from kiosk.widgets.grounds import Scroll
from kiosk.widgets.page import Key, Page
from kiosk.wording import cause


class OwnRecordPage(Page[None]):
    """Returns None."""

    heading = N_("Your own record")
    idle = 180
    keys: ClassVar[tuple[Key, ...]] = (
        Key("1", N_("Write as PDF"), "write"),
        Key("Esc", N_("Back"), "back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("1", "write", show=False)]

    def __init__(self, station: Station, volunteer: str, sections: Sequence[Section]) -> None:
        super().__init__(station)
        self._volunteer, self._sections = volunteer, sections

    def content(self) -> Iterable[Widget]:
        with Scroll(id="own-record"):
            for section in self._sections:
                yield Static(section.heading, markup=False, classes="subtitle")
                for line in section.lines:
                    yield Static(line, markup=False, classes="fact")

    def ready(self) -> None:
        self.query_one("#own-record").focus()

    async def action_write(self) -> None:
        """Writes the PDF onto a stick, to be taken along, and says where; it has no place on the kiosk's own disk."""
        if self.busy:
            return
        folder = export.stick()
        if folder is None:
            self.say(_("Please plug in a stick of this person's, and press 1 again."))
            return
        title = f"{_(self.heading)}  {self._volunteer}"
        self.say(_("Writing ..."), wrong=False)
        try:
            with self.working():
                path = await asyncio.to_thread(self._write, folder, title)
        except PrintFailed as error:
            self.say(str(error))
        except OSError as error:
            sentence = _("The file {file} cannot be written: {error}.")
            self.say(sentence.format(file=folder, error=cause(error)))
        else:
            self.say(str(path), wrong=False)

    def _write(self, folder: Path, title: str) -> Path:
        content = sheets.pdf(title, [(section.heading, section.lines) for section in self._sections])
        return files.put(folder, f"record-{self._volunteer}", ".pdf", content)

    def action_next(self) -> None:
        """Enter does nothing here: it is for reading."""
