"""What it costs to judge a code: one that is good, and those that are refused: `python -m benchmarks.badge [CODES]`.

Good codes and forged ones (`tests/forging.py`: letters of chance, good codes with a change, signatures of other
keys) are judged in turn, in one run; medians and means are printed by what was said of them.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from collections import defaultdict
from functools import partial

from benchmarks.history import milliseconds
from tests import forging


def main(count: int) -> None:
    """Prints the figures."""
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
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
