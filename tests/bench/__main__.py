"""`python -m tests.bench [--only NAME ...] [--json FILE]`: speed on PostgreSQL and Kafka, against ceilings of this run.

Each measurement starts what it needs, returns figures, and stands in the table of MEASUREMENTS. The exit status is 0
whether limits are kept or not, and 1 when something could not be measured.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import traceback
from pathlib import Path

from shared.log import configure_logging
from tests.bench.bench import Bench, Options
from tests.bench.figures import Figure, table, write_json

MEASUREMENTS = {
    "record": "tests.bench.record",
    "board": "tests.bench.board",
    "rank": "tests.bench.rank",
    "page": "tests.bench.page",
    "freshness": "tests.bench.freshness",
    "replay": "tests.bench.replay",
    "scale": "tests.bench.scale",
}
"""Name -> module, whose `measure(bench)` returns the figures `NAMES`."""


def main() -> int:
    configure_logging("WARNING")
    default = Options()
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--seconds", type=float, default=default.seconds, help="length of one turn (%(default)s)")
    parser.add_argument("--turns", type=int, default=default.turns, help="turns of each side (%(default)s)")
    parser.add_argument("--completions", type=int, default=default.completions, help="of an edition (%(default)s)")
    args = parser.parse_args()
    options = Options(seconds=args.seconds, turns=args.turns, completions=args.completions)
    figures: list[Figure] = []
    failed = []
    for name in args.only or MEASUREMENTS:
        try:
            found = measure(name, options)
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        print(table(found), flush=True)
        figures += found
    if args.json:
        write_json(figures, args.json)
    missed = [figure.name for figure in figures if not figure.holds]
    print(f"MISSED: {', '.join(missed)}" if missed else "Every limit measured holds.")
    if failed:
        print(f"NOT MEASURED: {', '.join(failed)}")
    return 1 if failed else 0


def measure(name: str, options: Options) -> list[Figure]:
    """One measurement, on servers of its own: what one leaves behind must not slow the next."""
    module = importlib.import_module(MEASUREMENTS[name])
    with tempfile.TemporaryDirectory(prefix="mpp-bench-") as folder, Bench(Path(folder), options) as bench:
        figures: list[Figure] = module.measure(bench)
    return figures


if __name__ == "__main__":
    sys.exit(main())
