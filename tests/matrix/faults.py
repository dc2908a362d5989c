"""Faults that are put into a copy of the template, and what the matrix says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from generator.matrix import matrix, stages
from generator.matrix.outcomes import Status

if TYPE_CHECKING:
    import pytest

    from generator.matrix.job import Job

ONLY = {"name": "background-sqlite"}
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


def only_stage(monkeypatch: pytest.MonkeyPatch, check: Callable[[Job], None]) -> None:
    """Have the matrix render, and then run nothing but this check."""
    monkeypatch.setattr(matrix, "STAGES", [stages.STAGES[0], stages.Stage("check", check)])
