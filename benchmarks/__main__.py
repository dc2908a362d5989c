"""`make bench`: measure, and write what was found into benchmarks/results/."""

from __future__ import annotations

import argparse
import sys
from time import monotonic
from typing import TYPE_CHECKING

from benchmarks import results
from benchmarks.lab import Lab
from benchmarks.machine import Machine
from benchmarks.processes import ContenderError
from benchmarks.rounds import interleaved
from benchmarks.subjects import SUBJECTS, chosen

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 3


def main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    if options.guard:
        return _guard(options.only)
    machine, begun = Machine(options.rounds), monotonic()

    def tell(text: str) -> None:
        print(f"{monotonic() - begun:6.0f} s  {text}", flush=True)

    with Lab() as lab:
        for name in options.only:
            tell(f"{name}: {(SUBJECTS[name].__doc__ or '').splitlines()[0]}")
            runs = interleaved(name, SUBJECTS[name].contenders_in(lab), options.rounds, tell)
            results.write(name, machine.described(), runs)
    print(results.summary(options.only))
    return 0


def _guard(names: Sequence[str]) -> int:
    """Check what was measured last against the guards' bounds; return the exit code."""
    broken = list(results.broken(names))
    for each in broken:
        print(f"out of bounds: {each}")
    print("" if broken else "all ratios are within the guard's bounds")
    return 1 if broken else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", type=chosen, default=list(SUBJECTS), metavar="SUBJECT,…")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--guard", action="store_true", help="check the last run's ratios")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1: a ratio needs a round.")
    return options


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ContenderError, results.ResultsError) as error:
        sys.exit(f"Error: {error}")
