"""Faults that are put into a copy of the template, and what the matrix says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from generator.matrix import matrix
from generator.matrix.outcomes import Status

Break = Callable[[str, str, str], Path]
"""Replaces a text in a file of the copy, and returns the copy; an empty text means the end."""


def found(root: Path, stage: str, *names: str, limit: float | None = None) -> dict[str, str]:
    """Run the stage, and return what it says of each combination that fails."""
    rows = {}
    for name in names:
        for outcome in matrix.run(
            matrix.Request({"name": name}, [stage], root=root, limit=limit, again=True)
        ):
            if outcome.status is not Status.OK:
                assert (outcome.stage, outcome.status) == (stage, Status.FAILED), outcome
                rows[name] = outcome.detail
    return rows
