"""A tent with a kiosk in it: a seeded data folder, whom it knows, and the way to each page over a terminal."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk import demo, i18n
from kiosk.durable import FolderLock
from kiosk.errors import StoreBusy
from kiosk.i18n import _
from kiosk.screens.address import AddressPage
from kiosk.screens.assignment import AssignmentPage
from kiosk.screens.consent import ConsentPage
from kiosk.screens.eligibility import DailyPage, FirstDayPage
from kiosk.screens.identity import IdentityPage
from kiosk.screens.lead import LeadPinPage
from kiosk.screens.review import ReviewPage
from kiosk.screens.roster import RosterPage
from kiosk.screens.verdict import AdmittedPage, RefusedPage
from kiosk.station import system_clock
from tests import factories, plain
from tests.terminal import NotShown, Terminal

BORN: Final = "1995-05-20"
ESCAPE: Final = "\x1b[27u"
"""Esc in the kitty protocol, which needs no pause to be told from the beginning of a sequence."""
PERSON_GAP: Final = 0.09
"""Seconds between the keys of somebody who types fast; a scanner's are at most 50 ms apart."""
READING: Final = 0.3
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

    @property
    def guests(self) -> tuple[Guest, ...]:
        """Everybody who is known."""
        return self.here + self.gone

    def copied(self, folder: Path) -> Tent:
        """The same in another folder."""
        return Tent(Path(shutil.copytree(self.folder, folder)), self.here, self.gone, self.pin)

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
    demo.make(folder, system_clock)
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
    )


def marks() -> Mapping[str, str]:
    """By what each page is told on the screen, in the language in use."""
    pages = (
        ConsentPage,
        IdentityPage,
        AddressPage,
        FirstDayPage,
        ReviewPage,
        AdmittedPage,
        RefusedPage,
        AssignmentPage,
        DailyPage,
        LeadPinPage,
        RosterPage,
    )
    return {
        **{page.__name__: _(page.heading) for page in pages},
        "WelcomePage": _("Welcome, and thank you for coming"),
        "BadgePage": _("Your badge"),
        "DutyPage": _("{name}, what next?").format(name=""),
        "DonePage": _("On duty since {time}:").format(time="").strip(),
        "PersonPage": _("Late sign-out"),
    }


class Visitor:
    """Somebody before the kiosk, who types at a person's pace and waits for what they are shown."""

    def __init__(self, terminal: Terminal, tent: Tent, journal: Path | None = None) -> None:
        """Somebody before the kiosk in `terminal`; `journal` is what `tests.launcher` writes, if it does."""
        self.terminal, self.tent, self._journal = terminal, tent, journal
        self.newcomers = 0
        self._came = 0.0
        i18n.use("zh")
        self._marks = marks()

    @property
    def newcomer(self) -> str:
        """The name of whoever registers now; each time it is somebody else."""
        return factories.NAMES[self.newcomers % len(factories.NAMES)]

    def sees(self, page: str) -> None:
        """Waits until a page is up."""
        self.terminal.wait_for(self._marks[page])
        self._came = time.monotonic()

    def press(self, *keys: str) -> None:
        """Presses keys one after the other."""
        for key in keys:
            while key == "\r" and (left := self._came + READING - time.monotonic()) > 0:
                self.terminal.pump(left)
            self.terminal.send(key)
            self.terminal.settle(PERSON_GAP)

    def enter(self, text: str) -> None:
        """Fills a field in and goes on."""
        self.terminal.paste(text)
        self.press("\r")

    def scan(self, text: str, *, prefix: str = "", suffix: str = "\r", gap: float = 0.0) -> None:
        """Holds a code before the scanner."""
        self.terminal.send(f"{prefix}{text}{suffix}", gap=gap)

    def scans(self) -> list[str]:
        """What reached the station so far of scans and typed numbers, as it arrived."""
        assert self._journal is not None
        noted = (json.loads(line) for line in self._journal.read_text(encoding="utf-8").splitlines())
        return [what for kind, what in noted if kind == "scan"]

    def home(self) -> None:
        """Goes back to the welcome page from wherever it is."""
        welcome = []
        for language in i18n.LANGUAGES:
            i18n.use(language)
            welcome.append(marks()["WelcomePage"])
        i18n.use("zh")
        for _try in range(20):
            if any(mark in self.terminal.text for mark in welcome):
                # Between two pages of a story the welcome page may be seen for a moment.
                self.terminal.settle(0.5)
                if any(mark in self.terminal.text for mark in welcome):
                    return
            if not self._changes(ESCAPE):
                self._changes("\r")
        raise NotShown(f"no way back to the welcome page; the screen:\n{self.terminal.text}")

    def _changes(self, key: str) -> bool:
        """Presses a key; whether the screen is another within a second."""
        before = self.terminal.text
        self.terminal.send(key)
        try:
            self.terminal.until(lambda: self.terminal.text != before, "nothing happened", 1.0)
        except NotShown:
            return False
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
        self.press("1", "2", "\r")
        self.sees("IdentityPage")

    def _decline(self) -> None:
        self.press("0")

    def _identify(self) -> None:
        self.newcomers += 1
        self.enter(self.newcomer)
        self.enter(factories.phone(self.newcomers))
        self.press("\r", "\r")
        self.enter(BORN)
        self.sees("AddressPage")

    def _live(self) -> None:
        self.press("1")
        self.enter("农科院")
        self.sees("FirstDayPage")

    def _answer(self) -> None:
        self.press("1", "1", "1", "1", "\r")
        self.sees("ReviewPage")

    def _on(self) -> None:
        self.press("\r")

    def _first(self) -> None:
        taken = _("(now)")
        self.press("2" if any("1" in line and taken in line for line in self.terminal.lines) else "1")

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
        self.sees("RosterPage")


_STEPS: Final[Mapping[str, Callable[[Visitor], None]]] = {
    name: vars(Visitor)[f"_{name}"]
    for name in (
        *("begin", "consent", "decline", "identify", "live", "answer", "on"),
        *("first", "come_back", "come_by", "lead", "pin"),
    )
}
_REGISTERED: Final = ("begin", "consent", "identify", "live", "answer", "on")
WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "WelcomePage": (),
    "ConsentPage": ("begin",),
    "RefusedPage": ("begin", "decline"),
    "IdentityPage": _REGISTERED[:2],
    "AddressPage": _REGISTERED[:3],
    "FirstDayPage": _REGISTERED[:4],
    "ReviewPage": _REGISTERED[:5],
    "AdmittedPage": _REGISTERED,
    "AssignmentPage": (*_REGISTERED, "on"),
    "BadgePage": (*_REGISTERED, "on", "on"),
    "DailyPage": ("come_back",),
    "DutyPage": ("come_by",),
    "DonePage": ("come_by", "first"),
    "LeadPinPage": ("lead",),
    "RosterPage": ("lead", "pin"),
    "PersonPage": ("lead", "pin", "on"),
}
"""The way from the welcome page to each page."""
