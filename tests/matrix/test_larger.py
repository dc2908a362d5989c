"""Types are checked where all of a combination's files are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.matrix import matrix
from tests.matrix.faults import only_stage

if TYPE_CHECKING:
    import pytest

    from generator.matrix.job import Job


def test_a_larger_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples add files, CI adds none of Python's; another package has others."""
    told: dict[str, str] = {}

    def check(job: Job) -> None:
        told[job.combination.name] = job.typed_with

    only_stage(monkeypatch, check)
    matrix.run(matrix.Request({"task_backend": "rq", "database": "sqlite"}))
    largest = "rq-sqlite~all-examples"
    assert told[largest] == ""
    assert told["rq-sqlite"] == told["rq-sqlite~no-examples~ci-gitlab"] == largest
    assert told["rq-sqlite~odd-project~odd-package~odd-description~python-3.12"] == ""
