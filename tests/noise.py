"""What rough hands, broken scanners and strange terminals send, each with a name: for tests and for the fuzzer."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.terminal import Terminal


@dataclass(frozen=True)
class Noise:
    """One thing that is done to the terminal."""

    name: str
    make: Callable[[Terminal], None]


def _sent(name: str, data: str | bytes) -> Noise:
    return Noise(name, lambda terminal: terminal.send(data))


def _resized(columns: int, lines: int) -> Noise:
    return Noise(f"{columns}x{lines}", lambda terminal: terminal.resize(columns, lines))


def _signalled(*numbers: signal.Signals) -> Noise:
    def send(terminal: Terminal) -> None:
        for number in numbers:
            terminal.signal(number)

    return Noise("+".join(number.name for number in numbers), send)


SIZES: Final = ((1, 1), (2, 2), (5, 1), (1, 30), (20, 6), (79, 23), (80, 24), (120, 40), (300, 80), (300, 1), (10, 80))
SIGNALS: Final = (
    (signal.SIGWINCH,),
    (signal.SIGCONT,),
    (signal.SIGINT,),
    (signal.SIGTSTP, signal.SIGCONT),
    (signal.SIGQUIT,),
    (signal.SIGUSR1,),
    (signal.SIGUSR2,),
)
"""Signals that must neither end the kiosk nor stop it for good."""
CONTROLS: Final[dict[str, bytes]] = {
    **{f"ctrl+{chr(code + 96)}": bytes([code]) for code in range(1, 27) if code != 13},
    "ctrl+@": b"\0",
    "ctrl+\\": b"\x1c",
    "ctrl+]": b"\x1d",
    "ctrl+^": b"\x1e",
    "ctrl+_": b"\x1f",
}
KITTY: Final[dict[str, bytes]] = {
    f"kitty {name}": f"\x1b[{code};{modifiers}u".encode()
    for name, code, modifiers in (
        *(("ctrl+c", 99, 5), ("ctrl+q", 113, 5), ("ctrl+z", 122, 5), ("ctrl+p", 112, 5), ("ctrl+backslash", 92, 5)),
        *(("alt+f4", 57377, 3), ("super+q", 113, 9), ("ctrl+shift+c", 99, 6), ("ctrl+d", 100, 5)),
    )
}
FUNCTION_KEYS: Final = {
    "f1": b"\x1bOP",
    "f2": b"\x1bOQ",
    "f3": b"\x1bOR",
    "f4": b"\x1bOS",
    **{f"f{5 + place}": b"\x1b[%d~" % code for place, code in enumerate((15, 17, 18, 19, 20, 21, 23, 24))},
}
BROKEN: Final[dict[str, bytes]] = {
    "invalid UTF-8": b"\xff\xfe\xc3\x28\xe4\xbd\xf0\x9f",
    "half a character": b"\xe4\xbd",
    "surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "over-long": b"\xc0\xaf\xe0\x80\xaf",
    "a lone CSI": b"\x1b[",
    "a CSI with too much": b"\x1b[" + b"1;" * 40 + b"m",
    "a key beyond Unicode": b"\x1b[1114112;1u",
    "a key far beyond": b"\x1b[99999999999999999999;5u",
    "text beyond Unicode": b"\x1b[97;1;9999999999u",
    "a modifier beyond": b"\x1b[97;99999999u",
    "a surrogate as a key": b"\x1b[55296;1u",
    "a surrogate as text": b"\x1b[97;;55296u",
    "an empty kitty key": b"\x1b[;;u",
    "a size of nothing": b"\x1b[48;0;0;0;0t",
    "a size of everything": b"\x1b[48;60000;60000;1;1t",
    "a click after it": b"\x1b[<0;5;5M\x1b[<0;5;5m",
    "a real size": b"\x1b[48;24;80;480;800t",
    "mode reports": b"\x1b[?2026;1$y\x1b[?2048;1$y\x1b[?2048;9$y",
    "a cursor far away": b"\x1b[99999;99999R",
    "an OSC": b"\x1b]0;title\x07\x1b]52;c;aGk=\x07",
    "a DCS": b"\x1bP+q544e\x1b\\",
    "device attributes": b"\x1b[?62;4;6c\x1b[>41;354;0c",
    "focus": b"\x1b[O\x1b[I",
    "C1": b"\xc2\x9b31m\xc2\x90\xc2\x9c",
    "nulls": b"\0" * 40,
    "deletes": b"\x7f" * 40,
    "a hundred escapes": b"\x1b" * 100,
}
PASTES: Final = (
    "[/]",
    "[@click=app.quit()]x[/]",
    "[bold red]",
    "{0.__class__}",
    "%s%n",
    "\u202e张三\u202c",
    "line\r\nline\nline\x00",
    "\x1b[31mred",
    "'; DROP TABLE records; --",
    "=HYPERLINK(1)",
    "𠮷\u0301\u200d👩\u200d👩\u200d👧",
    "长" * 3000,
    "",
)
MOUSE: Final[dict[str, bytes]] = {
    "a click at the corner": b"\x1b[<0;1;1M\x1b[<0;1;1m",
    "a drag": b"\x1b[<0;3;5M" + b"".join(b"\x1b[<32;%d;9M" % (3 + n) for n in range(40)) + b"\x1b[<0;43;15m",
    "a drag out of the window": b"\x1b[<0;3;5M\x1b[<32;9999;9999M\x1b[<0;9999;9999m",
    "a click at nowhere": b"\x1b[<0;0;0M\x1b[<0;-5;-5m",
    "other buttons": b"\x1b[<1;9;9M\x1b[<1;9;9m\x1b[<2;9;9M\x1b[<2;9;9m\x1b[<128;9;9M\x1b[<128;9;9m",
    "the wheel": b"\x1b[<64;9;9M\x1b[<65;9;9M\x1b[<66;9;9M\x1b[<67;9;9M" * 5,
    "moves": b"".join(b"\x1b[<35;%d;%dM" % (1 + n, 1 + n % 24) for n in range(60)),
    "X10": b"\x1b[M !!\x1b[M#!!",
    "urxvt": b"\x1b[32;5;5M\x1b[35;5;5M",
}


def _unfinished(terminal: Terminal) -> None:
    """A paste whose end never comes must not make the kiosk deaf."""
    terminal.send(b"\x1b[200~half a paste")
    terminal.settle()


EVERYTHING: Final = (
    *(_sent(name, data) for name, data in {**CONTROLS, **KITTY, **FUNCTION_KEYS, **BROKEN, **MOUSE}.items()),
    *(Noise(f"paste {text[:12]!r}", lambda terminal, text=text: terminal.paste(text)) for text in PASTES),  # type: ignore[misc]
    *(_signalled(*numbers) for numbers in SIGNALS),
    *(_resized(*size) for size in SIZES),
    _sent("letters", bytes(range(33, 127))),
    Noise("a paste without an end", _unfinished),
)
"""Once each; whoever has gone through all of it stands before a kiosk that works."""


def bytes_at_random(chance: random.Random) -> bytes:
    """Bytes as a broken line delivers them: random ones, or a known sequence with some of it changed."""
    if chance.random() < 0.3:
        return chance.randbytes(chance.randrange(1, 40))
    known = bytearray(chance.choice([*KITTY.values(), *FUNCTION_KEYS.values(), *BROKEN.values(), *MOUSE.values()]))
    for _change in range(chance.randrange(1, 4)):
        place = chance.randrange(len(known))
        if chance.random() < 0.5:
            known[place] = chance.randrange(256)
        else:
            del known[place:][: chance.randrange(1, 3)]
            known[place:place] = b"\x1b[" if chance.random() < 0.3 else bytes([chance.randrange(32, 127)])
    return bytes(known)
