"""The station's badges on paper: what stands on one, who has ordered it, and the record of what became of the order.

The badge is a record before it is printed, and the outcome is one before the order is forgotten. How a badge is printed
is the business of `kiosk.printing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import Struct

from kiosk.campaign import Campaign
from kiosk.errors import WrongUsage
from kiosk.i18n import _
from kiosk.printing.failing import PrintFailed
from kiosk.printing.jobs import Job, new_id, read_all, remove
from kiosk.printing.label import Label
from kiosk.printing.printer import Printer, read_printer
from kiosk.printing.queue import Outcome, PrintQueue
from kiosk.printing.sending import print_label
from kiosk.records import Record, timestamp
from kiosk.serving import Printing
from kiosk.station import Station
from kiosk.visits import Visit
from kiosk.wording import cause

QUEUE: Final = "print-queue"
"""The folder in the data folder in which orders wait."""


class State(Struct, frozen=True):
    """How things stand with somebody's badge on paper.

    Attributes:
        kind: `none` (nothing was ordered), `waiting`, `failed` (it is tried again) or `printed`.
        sentence: why it failed, and what helps.
    """

    kind: str
    sentence: str = ""


def label_of(campaign: Campaign, issued: Record, name: str, visit: Visit | None, home: str) -> Label:
    """What stands on a badge.

    Args:
        campaign: gives the names of places and their contacts.
        issued: the record of the badge.
        name: the volunteer's.
        visit: their newest visit, which says where they serve.
        home: the code of the station's street, whose contact helps where there is no visit.
    """
    street, community = (visit.street, visit.community) if visit else (None, None)
    contact = campaign.contact_for(street or home)
    return Label(
        code=str(issued["code"]),
        number=str(issued.volunteer),
        name=name,
        lines=tuple(campaign.name_of(code) for code in (street, community) if code),
        contact=contact.contact,
        phone=contact.phone,
        title=str(campaign.name),
    )


def _label(station: Station, issued: Record) -> Label:
    number = str(issued.volunteer)
    name, visit = station.person(number).name, station.newest_visit(number)
    return label_of(station.campaign, issued, name, visit, station.settings.street)


def trial_label(station: Station) -> Label:
    """A badge of nobody, as large as a real one, to see how a printer prints."""
    campaign, settings = station.campaign, station.settings
    contact = campaign.contact_for(settings.street)
    return Label(
        code="TEST" * 37 + "T",
        number="TEST",
        name=_("Test print"),
        lines=(campaign.name_of(settings.street), settings.name),
        contact=contact.contact,
        phone=contact.phone,
        title=str(campaign.name),
        test=True,
    )


class PrintRoom:
    """Prints badges in the background, one after the other, while the station is open."""

    def __init__(self, station: Station, *, changed: Callable[[], object] = lambda: None, **queue: Any) -> None:
        """Takes up the orders that wait.

        Args:
            station: the open station; this has to be closed before it.
            changed: is told, on any thread, that `state` may say something else.
            queue: what else the `PrintQueue` is given.
        """
        self._station = station
        self._ended: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._used: dict[str, Printer] = {}
        self._not_ordered: dict[str, str] = {}
        self.queue: PrintQueue[Label] = PrintQueue(
            station.folder / QUEUE,
            station.folder / "tmp",
            label_of=self._label_of,
            send=self._send,
            done=self._done,
            changed=changed,
            time_of_day=lambda: timestamp(station.clock()),
            **queue,
        )
        station.on_badge = self._order_new
        while station.made_badges:
            self._order_new(station.made_badges.pop(0))

    def _order_new(self, volunteer: str) -> None:
        """Orders a badge that has just become a record; whoever waits before the screen is told if that cannot be."""
        if self.is_wanted:
            try:
                self.order(volunteer, new=True)
            except OSError as error:
                self._not_ordered[volunteer] = cause(error)

    @property
    def is_wanted(self) -> bool:
        """Whether badges are printed here: there is a printer, or its settings cannot be read, which has to be told."""
        printer, problem = read_printer(self._station.folder)
        return printer is not None or bool(problem)

    def order(self, volunteer: str, *, new: bool = False) -> None:
        """Has somebody's badge printed as soon as the printer can; one that waits already is tried again at once.

        Args:
            volunteer: the number.
            new: whether the badge has just become a record, and cannot have been printed before.

        Raises:
            OSError: if the order could not be made durable.
            KioskError: if it cannot be read whether the badge was printed before.
        """
        waiting = [each.job.id for each in self.queue.waiting() if each.job.volunteer == volunteer]
        issued = self._station.issued_badge(volunteer)
        if waiting:
            self.queue.again(waiting[0])
        elif issued is not None:
            printed = self._ended.pop(volunteer, None) == "printed"
            reprint = not new and (printed or was_printed(self._station.records_about(volunteer), issued["serial"]))
            self.queue.add(volunteer, issued["serial"], reprint=reprint)
            self._not_ordered.pop(volunteer, None)

    def state(self, volunteer: str) -> State:
        """How things stand with somebody's badge, since this was opened."""
        if volunteer in self._not_ordered:
            return State(
                "failed", _("The badge cannot be printed: {error}.").format(error=self._not_ordered[volunteer])
            )
        waiting = self.queue.waiting()
        for each in waiting:
            if each.job.volunteer == volunteer:
                # While a printer waits for paper, it does for everybody.
                others = next((other.sentence for other in waiting if other.sentence), "") if each.next_try else ""
                said = "" if each.printing else each.sentence or others
                return State("failed", said) if said else State("waiting")
        return State("printed" if self._ended.get(volunteer) == "printed" else "none")

    def close(self) -> None:
        """Ends the printing; what waits is printed after the next start."""
        self._station.on_badge = self._station.made_badges.append
        self.queue.close()

    # --- on the queue's thread --------------------------------------------------------------------------------------

    def _label_of(self, job: Job) -> Label | None:
        issued = self._station.issued_badge(job.volunteer)
        if issued is None or issued["serial"] != job.serial or not self._station.person(job.volunteer).name:
            return None
        return _label(self._station, issued)

    def _send(self, job: Job, label: Label) -> None:
        printer, problem = read_printer(self._station.folder)
        if printer is None:
            raise PrintFailed("not_set_up" if problem else "no_printer")
        print_label(printer, label, copies=job.copies or None)
        self._used[job.id] = printer

    def _done(self, job: Job, outcome: Outcome) -> None:
        if outcome.kind == "failed":
            self._reasons[job.id] = outcome.reason
            return
        self._ended[job.volunteer] = outcome.kind
        self._station.note_printing(printing(job, outcome.kind, self._used.get(job.id), self._reasons.get(job.id)))
        self._reasons.pop(job.id, None)
        self._used.pop(job.id, None)


def was_printed(records: Iterable[Record], serial: int) -> bool:
    """Whether the badge of that serial was printed before, as these records of a volunteer say."""
    return any(
        record.type == "badge_printed" and (record["serial"], record["outcome"]) == (serial, "printed")
        for record in records
    )


def print_now(station: Station, volunteer: str) -> None:
    """Prints somebody's badge and waits for it; nothing is left to wait where that fails.

    Raises:
        PrintFailed: if it was not printed.
        WrongUsage: if there is no printer.
        NotSaved: if it was printed, and that could not be recorded.
    """
    printer, problem = read_printer(station.folder)
    if printer is None:
        raise WrongUsage(problem or _("No printer is set up. The site lead does that on the screen."))
    issued = station.issued_badge(volunteer)
    if issued is None:
        raise WrongUsage(_("The badge of {number} does not count any more.").format(number=volunteer))
    reprint = was_printed(station.records_about(volunteer), issued["serial"])
    waiting = [job for job, _stage in read_all(station.folder / QUEUE) if job.volunteer == volunteer]
    print_label(printer, _label(station, issued))
    # What was ordered before is done with this.
    for job in waiting or [Job(new_id(), volunteer, issued["serial"], timestamp(station.clock()), reprint=reprint)]:
        station.note_printing(printing(job, "printed", printer, None))
    for job in waiting:
        remove(station.folder / QUEUE, job.id)


def printing(job: Job, outcome: str, printer: Printer | None, reason: str | None) -> Printing:
    """The record of what became of an order.

    Args:
        job: the order.
        outcome: `printed` or `given_up`.
        printer: the one that printed it, as far as that is known.
        reason: the code of the last failure, if there was one.
    """
    copies = job.copies or (printer.copies if printer else 1)
    return Printing(
        order=job.id,
        volunteer=job.volunteer,
        serial=job.serial,
        outcome=outcome,
        copies=copies if outcome == "printed" else 0,
        printer=printer.kind if printer else None,
        paper=printer.paper if printer else None,
        reprint=job.reprint,
        reason=reason,
    )
