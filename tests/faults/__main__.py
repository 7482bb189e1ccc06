"""Injects faults into scripts drawn by chance until there were enough; prints the seed first and the count last."""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import time
from collections import Counter

from tests.faults.cutting import cut_everywhere
from tests.faults.failing import fail_everywhere
from tests.faults.killing import kill_everywhere
from tests.faults.script import Broken, drawn, small_and_quick
from tests.faults.tracing import record, replay_everywhere

_SHARE = 300
"""Failing calls for each script: there are thousands of them, and other scripts find more than the rest of them."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=10_000, help="how many, at least")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    began, counts, number = time.monotonic(), Counter[str](), 0
    while counts.total() < options.faults:
        chance = random.Random(f"{options.seed} {number}")
        steps = drawn(chance)
        number += 1
        try:
            with small_and_quick() as folder:
                counts["kills"] += kill_everywhere(folder / "killed", steps)
                counts["failing calls"] += fail_everywhere(folder / "failed", steps, at_most=_SHARE, chance=chance)
                (folder / "cut").mkdir()
                counts["power cuts"] += cut_everywhere(folder / "cut", steps)
                (folder / "replayed").mkdir()
                events = record(folder / "replayed", steps, dies_after=chance.choice((None, *range(2, 12))))
                counts["power cuts at a call"] += replay_everywhere(folder, events, steps, chance.randrange(10**6))
        except Broken as broken:
            print(f"seed {options.seed}, script {number}: {[(step.act, len(step.ids)) for step in steps]}\n{broken}")
            return 1
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    print(f"{counts.total()} faults injected ({told}) in {time.monotonic() - began:.0f} s, all promises kept")
    return 0


if __name__ == "__main__":
    sys.exit(main())
