"""The station's printer, for the lead: which one, its paper and copies, a test print, and the badges that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.widget import Widget
from textual.widgets import Static

from kiosk.errors import InvalidInput, WrongUsage
from kiosk.i18n import N_, _, ngettext
from kiosk.print_room import trial_label
from kiosk.printing.failing import PrintFailed
from kiosk.printing.finding import Candidate, found_printers
from kiosk.printing.printer import KINDS, MOST_COPIES, Printer, read_printer
from kiosk.printing.sending import print_label
from kiosk.station import Station
from kiosk.widgets.choosing import ChoicePage
from kiosk.widgets.fields import Field
from kiosk.widgets.form import FormPage
from kiosk.widgets.page import Key
from kiosk.widgets.tiles import Choice

if TYPE_CHECKING:
    from kiosk.print_room import PrintRoom
    from kiosk.printing.queue import Waiting

KIND_WORDS: Final[Mapping[str, str]] = {
    "escpos-network": N_("Receipt printer on the network"),
    "escpos-usb": N_("Receipt printer on USB"),
    "escpos-device": N_("Receipt printer"),
    "tspl-network": N_("Label printer on the network"),
    "tspl-device": N_("Label printer"),
    "cups": N_("Printer of this computer"),
    "pdf": N_("PDF files in a folder"),
    "png": N_("Pictures in a folder"),
}
PAPER_WORDS: Final[Mapping[str, str]] = {
    "80mm": N_("Roll, 80 mm"),
    "58mm": N_("Roll, 58 mm"),
    "40x30mm": N_("Label, 40 x 30 mm"),
    "card": N_("Card, 86 x 54 mm"),
    "A6": N_("Sheet, A6"),
}
_BY_HAND: Final = (("7", "escpos-network"), ("8", "tspl-network"), ("9", "pdf"), ("0", "png"))
"""What is not found by itself, by the digit that takes it."""


def describe(printer: Printer) -> str:
    """A printer in a line."""
    copies = ngettext("{count} copy", "{count} copies", printer.copies).format(count=printer.copies)
    return "  ".join((_(KIND_WORDS[printer.kind]), printer.target, _(PAPER_WORDS[printer.paper]), copies))


class _LeadChoicePage(ChoicePage[str]):
    idle = 180
    keys: ClassVar[tuple[Key, ...]] = (Key("F1", N_("Help"), "app.help"), Key("Esc", N_("Back"), "back"))

    async def take(self, value: str) -> None:
        self.dismiss(value)


class PrinterPage(_LeadChoicePage):
    """Returns `choose`, `copies` or `forget`; the test print and what waits are its own business."""

    heading = N_("Printer")

    def __init__(self, station: Station, room: PrintRoom | None, *, note: str = "") -> None:
        """Makes the page.

        Args:
            station: the station.
            room: where badges wait to be printed.
            note: what was done just now.
        """
        super().__init__(station)
        self._room, self._note = room, note
        self._sure = self._said = ""
        self.found: Sequence[Candidate] = ()

    def _waiting(self) -> Sequence[Waiting]:
        return self._room.queue.waiting() if self._room else ()

    def head(self) -> Iterable[Widget]:
        printer, problem = read_printer(self.station.folder)
        now = describe(printer) if printer else problem or _("Badges are not printed here: there is no printer.")
        yield Static(now, markup=False, classes="subtitle")
        yield Static(self._said, markup=False, id="printer-said")
        if waiting := self._waiting():
            said = ngettext("{count} badge waits.", "{count} badges wait.", len(waiting)).format(count=len(waiting))
            why = next((each.sentence for each in waiting if each.sentence), "")
            yield Static(" ".join(filter(None, (said, why))), markup=False, classes="doubt")

    def choices(self) -> Sequence[Choice]:
        printer, _problem = read_printer(self.station.folder)
        found = [Choice("choose", _("Another printer") if printer else _("Choose a printer"), "2")]
        if printer is not None:
            found.insert(0, Choice("test", _("Test print"), "1"))
            found.append(Choice("copies", _("Copies of each badge"), "3"))
        if self._waiting() and printer is not None:
            found.append(Choice("again", _("Print what waits now"), "4"))
        if self._waiting():
            found.append(Choice("give_up", _("Do not print what waits"), "5"))
        if printer is not None:
            found.append(Choice("forget", _("No printer any more"), "6", "leave"))
        return found

    def ready(self) -> None:
        super().ready()
        self.say(self._note, wrong=False)

    async def take(self, value: str) -> None:
        sure, self._sure = self._sure, value
        if value == "give_up" and sure != value:
            said = _("{count} badges would not be printed. If that is meant, press 5 once more.")
            self.say(said.format(count=len(self._waiting())))
        elif value == "test":
            # Beside the page: a printer that does not answer keeps nobody on it.
            self.run_worker(self._test(), exclusive=True, group="test-print")
        elif value == "choose":
            self.say(_("Looking for printers ..."), wrong=False)
            with self.working():
                self.found = await asyncio.to_thread(found_printers)
            self.dismiss(value)
        elif value == "again" and self._room is not None:
            self._room.queue.again()
            await self.turn()
        elif value == "give_up" and self._room is not None:
            for each in self._waiting():
                await asyncio.to_thread(self._room.queue.give_up, each.job.id)
            await self.turn()
        else:
            self.dismiss(value)

    async def _test(self) -> None:
        printer, _problem = read_printer(self.station.folder)
        if printer is None:
            return
        self._tell(_("Printing ..."))
        try:
            files = await asyncio.to_thread(print_label, printer, trial_label(self.station), copies=1)
        except PrintFailed as error:
            self._tell(str(error), wrong=True)
        else:
            said = _("Printed. Please scan it: it has to be read at once, and is nobody's badge.")
            self._tell(" ".join([said, *map(str, files)]))

    def _tell(self, said: str, *, wrong: bool = False) -> None:
        """Says something that takes more than a line."""
        self._said = said
        self.say("")
        for line in self.query("#printer-said").results(Static):
            line.update(said)
            line.set_class(wrong, "-wrong")


class ChoosePrinterPage(_LeadChoicePage):
    """Returns the place of one of the `found`, or the kind of one that is named by hand."""

    heading = N_("Which printer?")

    def __init__(self, station: Station, found: Sequence[Candidate]) -> None:
        super().__init__(station)
        # Ten of a kind hide none of another: what is on a cable comes before queues of the network.
        self._found = sorted(enumerate(found), key=lambda each: each[1].printer.kind == "cups")[:6]

    def head(self) -> Iterable[Widget]:
        if not self._found:
            said = _("No printer was found. Please switch it on, connect it, and come back here.")
            yield Static(said, markup=False, classes="fact")

    def choices(self) -> Sequence[Choice]:
        found = [Choice(str(at), each.name, str(place)) for place, (at, each) in enumerate(self._found, start=1)]
        return [*found, *(Choice(kind, _(KIND_WORDS[kind]), digit) for digit, kind in _BY_HAND)]


class PrinterTargetPage(FormPage[Printer]):
    """Returns the printer that was named: by its address, or a folder."""

    idle = 180
    heading = N_("Which printer?")

    def __init__(self, station: Station, kind: str) -> None:
        super().__init__(station)
        self._kind = kind

    def content(self) -> Iterable[Widget]:
        yield Static(_(KIND_WORDS[self._kind]), markup=False, classes="subtitle")
        folder = self._kind in ("pdf", "png")
        label = _("Folder") if folder else _("Address")
        hint = _("A folder with its whole path") if folder else _("Such as 192.168.1.50")
        yield Field("target", label, self.typed.get("target", ""), self._check, hint=hint, length=400)

    def _check(self, text: str) -> None:
        try:
            printer = Printer.of(self._kind, text)
        except WrongUsage as error:
            raise InvalidInput("printer_invalid", str(error)) from error
        if self._kind in ("pdf", "png") and not Path(printer.target).is_dir():
            raise InvalidInput("printer_invalid", _("There is no such folder."))

    async def complete(self) -> None:
        self.dismiss(Printer.of(self._kind, self.typed["target"]))


class PaperPage(_LeadChoicePage):
    """Returns the name of one of the papers of a kind of printer."""

    heading = N_("Which paper?")

    def __init__(self, station: Station, kind: str) -> None:
        super().__init__(station)
        self._kind = kind

    def head(self) -> Iterable[Widget]:
        return ()

    def choices(self) -> Sequence[Choice]:
        papers = enumerate(KINDS[self._kind], start=1)
        return [Choice(paper.name, _(PAPER_WORDS[paper.name]), str(number)) for number, paper in papers]


class CopiesPage(_LeadChoicePage):
    """Returns how many copies of each badge are printed, as a digit."""

    heading = N_("How many of each badge?")

    def head(self) -> Iterable[Widget]:
        return ()

    def choices(self) -> Sequence[Choice]:
        return [Choice(str(number), str(number), str(number)) for number in range(1, MOST_COPIES + 1)]
