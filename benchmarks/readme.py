"""Rewrite the README's table of ratios from benchmarks/results/: `make bench-readme`."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from benchmarks import report, results
from benchmarks.lab import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.report import Ratio, Results

README = ROOT / "README.md"
BEGIN, END = "<!-- benchmarks: written by `make bench-readme` -->\n", "<!-- end of benchmarks -->\n"


def quoted(found: Sequence[tuple[Results, Sequence[Ratio]]]) -> str:
    """Return what stands between the README's marks."""
    if not found:
        return ""
    notes = textwrap.fill(report.notes(each for each, _ in found), 100, break_long_words=False)
    return f"{report.ratio_table(found)}\n\n{notes}\n"


def rewritten(text: str, table: str) -> str:
    """Return the README with another table. Raises ResultsError where it has no place for one."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(text):
        raise results.ResultsError(f"README.md has no line {BEGIN.strip()}: add it, and {END}")
    return pattern.sub(lambda _: f"{BEGIN}\n{table}\n{END}" if table else f"{BEGIN}{END}", text)


def main() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(rewritten(text, quoted(results.read())), encoding="utf-8")


if __name__ == "__main__":
    main()
