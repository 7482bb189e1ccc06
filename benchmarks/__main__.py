"""All that is measured, or some of it: `python -m benchmarks [NAME ...] [--quick | --full] [--out FILE]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from benchmarks import measuring
from benchmarks.stations import SIZES, Yard

NAMES: Final = ("first_paint", "keys", "scan", "writing", "visit", "desk", "badge", "collect", "memory")
OUT: Final = Path(__file__).parent / "results.json"


def measure(names: Sequence[str], size: str) -> Iterator[measuring.Result]:
    """Runs these benchmarks one after the other; what each took goes to stderr."""
    with tempfile.TemporaryDirectory(prefix="kiosk-bench-") as folder:
        yard = Yard(Path(folder), SIZES[size])
        for name in names:
            began = time.monotonic()
            yield from import_module(f"benchmarks.{name}").results(yard)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; with all names, or `--out`, it writes the JSON too."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures the kiosk beside its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(NAMES)}")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument(
        "--quick", dest="size", action="store_const", const="quick", help="small, within a minute or two"
    )
    sizes.add_argument("--full", dest="size", action="store_const", const="full", help="as large as the goals, an hour")
    sizes.add_argument("--tiny", dest="size", action="store_const", const="tiny", help="only whether it runs")
    parser.add_argument("--out", type=Path, help="where the JSON goes; benchmarks/results.json where all are measured")
    parser.add_argument("--markdown", action="store_true", help="print the table as in the documentation")
    parser.set_defaults(size="normal")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    found = list(measure(options.names or NAMES, options.size))
    if options.markdown:
        print(measuring.markdown(found))
    else:
        measuring.show(found)
    out = options.out or (None if options.names else OUT)
    if out is not None:
        measuring.write(found, out)
        print(f"written: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
