"""Which combination has all Python files of another: their types are checked once."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from generator.matrix.job import Job


def note_larger(jobs: list[Job]) -> None:
    """Tell each job of one that has its files and more, or the same and comes first."""
    files = {job.combination.name: found for job in jobs if (found := _files(job))}
    order = sorted(files, key=lambda name: (-len(files[name]), name))
    for job in jobs:
        name = job.combination.name
        before = order[: order.index(name)] if name in files else []
        job.typed_with = next((other for other in before if files[name] <= files[other]), "")


def _files(job: Job) -> set[tuple[Path, bytes]]:
    """Return none if its types cannot be checked here."""
    with suppress(ValueError, LookupError, TypeError, OSError):  # for other stages to tell
        if job.is_for_this_python:
            return {(f.relative_to(job.project), f.read_bytes()) for f in job.sources()}
    return set()
