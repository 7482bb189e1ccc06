"""A tent with a kiosk in it: a seeded data folder, whom it knows, and the way to each page over a terminal."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from kiosk import demo
from kiosk.clock import system_clock
from kiosk.durable import FolderLock
from kiosk.errors import StoreBusy
from tests import factories, plain
from tests.terminal import NotShown, Terminal, rigged, terminal

FINISH_FIRST: Final = "请先完成本页"
"""What is said on a page where a scan would cost somebody what they have typed."""
BORN: Final = "1995-05-20"
ESCAPE: Final = "\x1b[27u"
"""Esc in the kitty protocol, which needs no pause to be told from the beginning of a sequence."""
PERSON_GAP: Final = 0.09
"""Seconds between the keys of somebody who types fast; a scanner's are at most 50 ms apart."""
READING: Final = 0.6
"""Seconds from a page to the Enter of somebody who has seen it; a sooner one is a finger that bounced."""


@dataclass(frozen=True)
class Guest:
    """Somebody whom the station knows, with their badge."""

    name: str
    number: str
    code: str


@dataclass(frozen=True)
class Tent:
    """A data folder, and who is known in it: at the station now, or gone home."""

    folder: Path
    here: tuple[Guest, ...]
    gone: tuple[Guest, ...]
    pin: str = demo.PIN
    passphrase: str = ""

    @property
    def guests(self) -> tuple[Guest, ...]:
        """Everybody who is known."""
        return self.here + self.gone

    def copied(self, folder: Path) -> Tent:
        """The same in another folder."""
        return replace(self, folder=Path(shutil.copytree(self.folder, folder)))

    @property
    def free(self) -> bool:
        """Whether nobody has the log open."""
        try:
            FolderLock(self.folder).release()
        except StoreBusy:
            return False
        return True

    @property
    def crash_log(self) -> str:
        """What was noted of internal errors."""
        path = self.folder / "log" / "crash.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""


def pitch(folder: Path) -> Tent:
    """Makes the demo's station in `folder`, at the time of this machine."""
    made = demo.make(folder, system_clock)
    log = plain.log(folder)
    names = {r["volunteer"]: r["personal"]["name"] for r in log if r["type"] == "registered"}
    codes = {r["volunteer"]: r["code"] for r in log if r["type"] == "badge_issued"}
    gone = {r["volunteer"] for r in log if r["type"] == "checked_out"}
    guests = [Guest(name, number, codes[number]) for number, name in names.items()]
    # The first came the evening before and has never signed out.
    return Tent(
        folder,
        tuple(guest for guest in guests[1:] if guest.number not in gone),
        tuple(guest for guest in guests if guest.number in gone),
        passphrase=made.passphrase,
    )


class Visitor:
    """Somebody before the kiosk, who types at a person's pace and waits for what they are shown."""

    def __init__(self, terminal: Terminal, tent: Tent, journal: Path) -> None:
        """Somebody before the kiosk in `terminal`; `journal` is what `tests.launcher` writes."""
        self.terminal, self.tent, self._journal = terminal, tent, journal
        self.newcomers = 0
        self._came = 0.0

    @property
    def newcomer(self) -> str:
        """The name of whoever registers now; each time it is somebody else."""
        return factories.NAMES[self.newcomers % len(factories.NAMES)]

    @property
    def page(self) -> str:
        """The page that came up last."""
        return next((what for kind, what in reversed(self._noted()) if kind in ("page", "again")), "")

    def fresh(self, page: str) -> int:
        """How many pages of that kind have come up, each counted once."""
        return self._noted().count(["page", page])

    def sees(self, page: str) -> None:
        """Waits until a page is up and painted."""
        self.terminal.until(lambda: self.page == page, f"no {page}, but {self.page}")
        self._came = time.monotonic()
        self.terminal.settle(0.05)

    def press(self, *keys: str) -> None:
        """Presses keys one after the other, each when what came of the one before is seen."""
        for key in keys:
            self._press(key)

    def _press(self, key: str) -> None:
        painted = self.terminal.painted
        self._hit(key)
        self.terminal.until(lambda: self.terminal.painted > painted, f"nothing comes of {key!r}")
        self.terminal.settle(PERSON_GAP)

    def _hit(self, key: str) -> None:
        while key == "\r" and (left := self._came + READING - time.monotonic()) > 0:
            self.terminal.pump(left)
        self.terminal.send(key)

    def enter(self, field: str, text: str) -> None:
        """Fills a field in once the cursor is there, sees it, and goes on."""
        self._reaches(field)
        self.terminal.paste(text)
        self.terminal.wait_for(text)
        self.press("\r")

    def scan(self, text: str, *, prefix: str = "", suffix: str = "\r", gap: float = 0.0) -> None:
        """Holds a code before the scanner."""
        self.terminal.send(f"{prefix}{text}{suffix}", gap=gap)

    def scans(self) -> list[str]:
        """What reached the station so far of scans and typed numbers, as it arrived."""
        return [what for kind, what in self._noted() if kind == "scan"]

    def _noted(self) -> list[list[str]]:
        text = self._journal.read_text(encoding="utf-8") if self._journal.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def home(self) -> None:
        """Goes back to the welcome page from wherever it is."""
        for _try in range(20):
            if self.page == "WelcomePage":
                self._catch_up()  # between two pages of a story the welcome page is up for a moment
                if self.page == "WelcomePage":
                    return
            if not self._changes(ESCAPE):
                self._changes("\r")
        raise NotShown(f"no way back from {self.page}; the screen:\n{self.terminal.text}")

    def _reaches(self, widget: str) -> None:
        """Waits until a widget has the focus."""
        self.terminal.until(lambda: self._focused == widget, f"the cursor is not at {widget}")

    @property
    def _focused(self) -> str:
        return next((what for kind, what in reversed(self._noted()) if kind == "focus"), "")

    def _catch_up(self) -> None:
        """Waits until the kiosk has dealt with all that was sent: a size waits in line behind the keys, and is told."""
        self.terminal.resize(78, 22)
        self.terminal.wait_for("78x22")
        self.terminal.resize(80, 24)
        self.terminal.wait_gone("78x22")

    def _changes(self, key: str) -> bool:
        """Presses a key; whether another page, or another question on it, is up within a second."""
        before = len(self._noted()), self.terminal.text
        self._hit(key)
        try:
            self.terminal.until(lambda: (len(self._noted()), self.terminal.text) != before, "nothing happened", 1.0)
        except NotShown:
            return False
        self._came = time.monotonic()
        self.terminal.settle()
        return True

    def to(self, page: str) -> None:
        """Goes to a page, from the welcome page."""
        self.sees("WelcomePage")
        for step in WAYS[page]:
            _STEPS[step](self)
        self.sees(page)

    # --- steps ------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.press("\r")
        self.sees("ConsentPage")

    def _consent(self) -> None:
        self.press("1", "1")
        self.sees("IdentityPage")

    def _decline(self) -> None:
        self.press("0")

    def _identify(self) -> None:
        self.newcomers += 1
        self.enter("name-entry", self.newcomer)
        self.enter("phone-entry", factories.phone(self.newcomers))
        self.sees("DocumentPage")

    def _prove(self) -> None:
        self._reaches("id_number-entry")
        self.press("\r")
        self.enter("birth_date-entry", BORN)
        self.sees("AddressPage")

    def _live(self) -> None:
        self.press("1")
        self.enter("search", "农科院")
        self.sees("FirstDayPage")

    def _answer(self) -> None:
        self.press("1", "1", "1", "1")
        self.sees("ReviewPage")

    def _check_in(self) -> None:
        self.press("\r")
        self.sees("AdmittedPage")

    def _look(self) -> None:
        self.press("\r")
        self.sees("AssignmentPage")

    def _on(self) -> None:
        self.press("\r")

    def _first(self) -> None:
        self.press(str(1 + self.newcomers % 7))
        self.newcomers += 1

    def _come_back(self) -> None:
        self.scan(self.tent.gone[0].code)
        self.sees("DailyPage")

    def _come_by(self) -> None:
        self.scan(self.tent.here[0].code)
        self.sees("DutyPage")

    def _lead(self) -> None:
        self.press("\x1b[20~")
        self.sees("LeadPinPage")

    def _pin(self) -> None:
        self.press(*self.tent.pin, "\r")
        self.sees("PendingPage")  # somebody of the evening before has never signed out
        self.press(ESCAPE)
        self.sees("RosterPage")


@contextmanager
def standing(tent: Tent, folder: Path, **rigging: str) -> Iterator[Visitor]:
    """A kiosk in a terminal and somebody before it; in `folder` lies the journal of what happened inside."""
    journal = folder / "journal"
    journal.unlink(missing_ok=True)
    with terminal(rigged(tent.folder, journal=str(journal), **rigging)) as screen:
        visitor = Visitor(screen, tent, journal)
        visitor.sees("WelcomePage")
        yield visitor


_STEPS: Final[Mapping[str, Callable[[Visitor], None]]] = {
    name: vars(Visitor)[f"_{name}"]
    for name in (
        *("begin", "consent", "decline", "identify", "prove", "live", "answer", "check_in", "look", "on"),
        *("first", "come_back", "come_by", "lead", "pin"),
    )
}
_REGISTERED: Final = ("begin", "consent", "identify", "prove", "live", "answer", "check_in")
WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "WelcomePage": (),
    "ConsentPage": ("begin",),
    "RefusedPage": ("begin", "decline"),
    "IdentityPage": _REGISTERED[:2],
    "DocumentPage": _REGISTERED[:3],
    "AddressPage": _REGISTERED[:4],
    "FirstDayPage": _REGISTERED[:5],
    "ReviewPage": _REGISTERED[:6],
    "AdmittedPage": _REGISTERED,
    "AssignmentPage": (*_REGISTERED, "look"),
    "BadgePage": (*_REGISTERED, "look", "on"),
    "DailyPage": ("come_back",),
    "DutyPage": ("come_by",),
    "DonePage": ("come_by", "first"),
    "LeadPinPage": ("lead",),
    "RosterPage": ("lead", "pin"),
    "PersonPage": ("lead", "pin", "on"),
}
"""The way from the welcome page to each page."""
