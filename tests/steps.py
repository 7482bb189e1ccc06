"""What somebody would do on each page of the kiosk, as bytes: the fuzzer's useful half."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from tests import factories
from tests.ledger import Ledger
from tests.tent import ESCAPE, Tent

ACKNOWLEDGED: Final = ("AdmittedPage", "RefusedPage", "DonePage")
"""Pages that say that something was recorded."""
_NAMES: Final = (*factories.NAMES, "[/张]", "O'Neil", "=1+1", "阿依古丽·买买提", "𠮷田", "{name}", "%s")
_PEOPLE: Final = 400
"""So many phone numbers: some come again, some share a name."""
_CLEAR: Final = b"\x05\x15"
"""To the end of the line, and away with all before it."""
_ENTER, _ESC, _DOWN, _UP = b"\r", ESCAPE.encode(), b"\x1b[B", b"\x1b[A"


def _digits(digits: str) -> list[bytes]:
    """Digits, each with a key behind it that does nothing: without one the kiosk waits whether a scanner goes on."""
    return [digit.encode() + b"\x1b[23~" for digit in digits]


def pasted(text: str) -> bytes:
    """A paste as a terminal sends it."""
    return f"\x1b[200~{text}\x1b[201~".encode()


class Steps:
    """Chooses what to do."""

    def __init__(self, chance: random.Random, tent: Tent, ledger: Ledger) -> None:
        self._chance, self._tent, self._ledger = chance, tent, ledger

    def on(self, page: str) -> Iterator[bytes]:
        """What to send on a page, an event at a time; pages that are not known get keys that mostly mean something."""
        return _ON.get(page, Steps._browse)(self)

    def scan(self) -> bytes:
        """A badge before the scanner: mostly one that counts, in one of the forms that scanners have."""
        chance = self._chance
        kind = chance.random()
        if kind < 0.75 and self._ledger.badges:
            code = chance.choice(list(self._ledger.badges.values()))
        elif kind < 0.85 and self._ledger.badges:
            code = chance.choice(list(self._ledger.badges))
        else:
            code = "".join(chance.choices(factories.STATION + "ABC234", k=chance.choice((6, 13, 130, 149, 400))))
        code = code.lower() if chance.random() < 0.2 else code
        return f"{chance.choice(('', '~'))}{code}{chance.choice((chr(13), chr(13) + chr(10)))}".encode()

    def _some(self, *choices: tuple[float, bytes]) -> bytes:
        return self._chance.choices([data for _, data in choices], [weight for weight, _ in choices])[0]

    # --- pages ------------------------------------------------------------------------------------------------------

    def _welcome(self) -> Iterator[bytes]:
        kind = self._chance.random()
        if kind < 0.45:
            yield self.scan()
        elif kind < 0.8:
            yield _ENTER
        elif kind < 0.92:
            yield b"\x1b[20~"
        elif kind < 0.95:
            yield b"\x1b[15~"
        else:
            yield pasted(self._chance.choice(list(self._ledger.badges)))
            yield _ENTER

    def _consent(self) -> Iterator[bytes]:
        if self._chance.random() < 0.06:
            yield from _digits("0")
        yield from _digits("11")

    def _identity(self) -> Iterator[bytes]:
        chance = self._chance
        yield _CLEAR + pasted(chance.choice(_NAMES))
        yield _ENTER
        yield _CLEAR + pasted(factories.phone(chance.randrange(_PEOPLE)) if chance.random() < 0.9 else "1380")
        yield _ENTER

    def _document(self) -> Iterator[bytes]:
        chance = self._chance
        born = date(1958, 1, 1) + timedelta(days=chance.randrange(18_500))
        if chance.random() < 0.8:
            born = date(1985, 1, 1) + timedelta(days=chance.randrange(6_000))
        number = factories.id_number(born) if chance.random() < 0.4 else ""
        if number:
            yield _CLEAR + pasted(number)
            yield _ENTER
        else:
            yield _CLEAR + _ENTER
            yield _CLEAR + pasted(born.isoformat())
            yield _ENTER

    def _lost(self) -> Iterator[bytes]:
        yield _CLEAR + pasted(self._chance.choice(_NAMES))
        yield _ENTER
        yield _CLEAR + pasted(factories.phone(self._chance.randrange(_PEOPLE)))
        yield _ENTER
        yield _ESC

    def _address(self) -> Iterator[bytes]:
        yield from _digits(self._chance.choice("1111223344"))
        yield _CLEAR + pasted(self._chance.choice(("农科院", "笕桥", "社区", "jq", "湖滨", "zzz", "")))
        yield self._some((2, _ENTER), (1, _DOWN))
        yield _ENTER

    def _questions(self) -> Iterator[bytes]:
        for _question in range(5):
            yield from _digits(self._chance.choice("1111111111111111123"))

    def _review(self) -> Iterator[bytes]:
        yield self._some((9, _ENTER), (1, _ESC))

    def _duty(self) -> Iterator[bytes]:
        kind = self._chance.random()
        if kind < 0.6:
            yield from _digits(self._chance.choice("12345678"))
        elif kind < 0.75:
            yield from _digits("9")
        elif kind < 0.92:
            yield from _digits("00")
        else:
            yield _ESC

    def _pin(self) -> Iterator[bytes]:
        yield (self._tent.pin if self._chance.random() < 0.93 else "000000").encode()
        yield _ENTER

    def _roster(self) -> Iterator[bytes]:
        for _more in range(self._chance.randrange(5)):
            yield self._some((4, _DOWN), (1, _UP), (1, b"\x1b[5~"), (1, b"\x1b[6~"))
        yield self._some((6, _ENTER), (2, _ESC), (1, pasted("林")), (1, b"\x7f"), (0.2, b"\x11"), (0.4, b"\x1b[24~"))

    def _sync(self) -> Iterator[bytes]:
        for _more in range(self._chance.randrange(3)):
            yield _ENTER
        yield self._some((1, b"\x1bOS"), (2, _ESC))

    def _sync_place(self) -> Iterator[bytes]:
        # A stick that is there, that is not in, or none.
        stick = self._chance.choice((f"{self._tent.folder}-stick", f"{self._tent.folder}-away/stick", ""))
        yield _CLEAR + pasted(stick)
        yield self._some((4, _ENTER), (1, _ESC))

    def _late(self) -> Iterator[bytes]:
        if self._chance.random() < 0.7:
            yield pasted(f"{self._chance.randrange(24)}:{self._chance.randrange(60):02d}")
            yield _ENTER
            yield pasted("忘记签退")
            yield _ENTER
        yield _ESC

    def _go_on(self) -> Iterator[bytes]:
        yield self._some((9, _ENTER), (1, _ESC))

    def _browse(self) -> Iterator[bytes]:
        for _more in range(self._chance.randrange(1, 6)):
            yield self._some(
                *((4, key) for key in (_ENTER, _ESC, _DOWN, _UP, b"\t")),
                *((1, key) for key in (b"1", b"2", b"3", b"9", b"0", b"\x1b[5~", b"\x1b[6~", b"/", b"y", b"n", b"h")),
                *(
                    (1, key)
                    for key in (pasted("17:30"), pasted("忘记签退"), pasted(self._tent.pin), b"\x7f", b"\x1b[Z")
                ),
            )
        yield self._some((2, _ENTER), (1, _ESC))


_ON: Final[Mapping[str, Callable[[Steps], Iterator[bytes]]]] = {
    "WelcomePage": Steps._welcome,
    "ConsentPage": Steps._consent,
    "IdentityPage": Steps._identity,
    "AddressPage": Steps._address,
    "FirstDayPage": Steps._questions,
    "DailyPage": Steps._questions,
    "ReviewPage": Steps._review,
    "AdmittedPage": Steps._go_on,
    "AssignmentPage": Steps._go_on,
    "BadgePage": Steps._go_on,
    "RefusedPage": Steps._go_on,
    "DonePage": Steps._go_on,
    "DutyPage": Steps._duty,
    "LeadPinPage": Steps._pin,
    "RosterPage": Steps._roster,
    "LatePage": Steps._late,
    "SyncPage": Steps._sync,
    "SyncPlacePage": Steps._sync_place,
    "DocumentPage": Steps._document,
    "LostBadgePage": Steps._lost,
}
