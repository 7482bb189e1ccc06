"""What a badge costs, made, checked and refused: `python -m benchmarks.badge`, beside segno and Ed25519 itself.

`python -m benchmarks.badge CODES` tells what it costs to judge a good code, and those that are refused. Good
codes and forged ones (`tests/forging.py`: letters of chance, good codes with a change, signatures of other keys) are
judged in turn, in one run; medians and means are printed by what was said of them.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.measuring import Goal, Result, in_turn, milliseconds
from benchmarks.stations import Yard
from kiosk import badge
from kiosk.trust import Directory
from tests import forging

LEVEL: Final = "L"
MANY: Final = 5
"""Keys that a station has had which has lost four of them: the code does not say which one has signed it."""


def results(yard: Yard) -> Iterator[Result]:
    """The rows of the table."""
    stations = forging.make(1)
    made = itertools.cycle(stations.codes.items())
    key = stations.keys["S016001"]
    public, signature = key.public_key(), key.sign(message := b"x" * 50)
    forged = itertools.cycle([code for code, _kind in forging.codes(yard.size.codes, 1, stations)])
    lost = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in range(1, MANY)]
    others = [each.public_key().public_bytes_raw() for each in lost]
    keys = {name: known for name, (known,) in stations.directory.stations.items()}
    newest = Directory(stations={name: (*others, known) for name, known in keys.items()})
    oldest = Directory(stations={name: (known, *others) for name, known in keys.items()})

    def judged(codes: Iterator[str], directory: Directory) -> Callable[[], object]:
        return lambda: badge.check(next(codes), directory=directory, campaign="SC2021", today=forging.TODAY)

    good = itertools.cycle(stations.codes)

    def whole() -> None:
        _code, said = next(made)
        badge.modules(badge.issue(said, key.sign), level=LEVEL)

    def drawn() -> None:
        badge.modules(next(made)[0], level=LEVEL)

    things: dict[str, Callable[[], object]] = {
        "whole": whole,
        "drawn": drawn,
        "checked": lambda: stations.check(next(made)[0]),
        "refused": lambda: stations.check(next(forged)),
        "refused by many keys": judged(forged, newest),
        "checked by the newest": judged(good, newest),
        "checked by the oldest": judged(good, oldest),
        "signed": lambda: key.sign(message),
        "verified": lambda: public.verify(signature, message),
    }
    if find_spec("segno") is not None:
        import segno

        # The same symbol: alphanumeric, this level, the smallest version, the best mask.
        things["segno"] = lambda: segno.make(next(made)[0], error=LEVEL, boost_error=False, micro=False)
    for once in things.values():
        once()
    found = in_turn({name: partial(milliseconds, once) for name, once in things.items()}, yard.size.codes)
    peer, peer_name = (found["segno"].median, "segno, the QR alone") if "segno" in found else (None, None)
    yield Result(
        "a badge signed and drawn as a QR",
        *(found["whole"].median, "ms", peer, peer_name, found["signed"].median, "an Ed25519 signature"),
        spread=found["whole"].spread,
    )
    yield Result(
        "the QR alone",
        *(found["drawn"].median, "ms", peer, peer_name),
        goal=Goal("within 1.5 x of segno", "peer", 1.5),
        spread=found["drawn"].spread,
    )
    yield Result(
        "a scanned code checked",
        found["checked"].median,
        "ms",
        limit=found["verified"].median,
        limit_name="an Ed25519 verification",
        spread=found["checked"].spread,
    )
    # Means: what is made up in many ways is refused at many places, and whoever tries them all pays for all of them.
    mean = {name: statistics.mean(samples.values) for name, samples in found.items()}
    yield Result(
        "a forged code refused, mean over the kinds of forging",
        *(mean["refused"], "ms", mean["checked"], "a good code checked, mean"),
        goal=Goal("less than checking a good one", "peer", 1),
        spread=found["refused"].spread,
    )
    yield Result(
        f"the same, where each station has had {MANY} keys",
        *(mean["refused by many keys"], "ms", mean["checked by the oldest"], "a good code of the oldest key"),
        *(mean["checked by the newest"], "a good code of the newest key"),
        spread=found["refused by many keys"].spread,
    )


def forged(count: int) -> None:
    """Prints what judging costs."""
    stations = forging.make(1)
    good = itertools.cycle(stations.codes)
    taken: defaultdict[str, list[float]] = defaultdict(list)
    for code, _kind in forging.codes(count, 1, stations):
        taken["valid"].append(1000 * milliseconds(partial(stations.check, next(good))))
        spent = 1000 * milliseconds(partial(stations.check, code))
        taken[f"refused: {stations.check(code).reason}"].append(spent)
        taken["refused, all together"].append(spent)
    for said, times in sorted(taken.items()):
        middle, mean = statistics.median(times), statistics.mean(times)
        print(f"{said:32} {len(times):7,} codes: median {middle:7.1f} us, mean {mean:7.1f} us")


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].isdecimal():
        forged(int(sys.argv[1]))
    else:
        from benchmarks.__main__ import main

        sys.exit(main([Path(__file__).stem, *sys.argv[1:]]))
