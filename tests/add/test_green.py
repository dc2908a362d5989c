"""What is added passes the project's checks and its own tests at once, on real servers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from generator.add.new_slice import SliceRequest, add_slice
from generator.add.new_task import TaskRequest, add_task
from generator.template import questions
from tests.newcomer import make, render, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.add.added import Added

CHOICES = {question.name: question.choices for question in questions.load()}
LONG = "as_long_as_a_name_can_be_27"
COMBINATIONS = list(
    zip(CHOICES["task_backend"], itertools.cycle(reversed(CHOICES["database"])), strict=False)
)


def add_all(project: Path, examples: list[str]) -> Iterator[Added]:
    yield add_slice(SliceRequest("invoices", project))
    yield add_slice(SliceRequest(LONG, project))
    yield add_slice(SliceRequest("replies", project, model="HTTPAnswer"))
    yield add_task(TaskRequest("remind", project))
    for slice_ in ("invoices", LONG, *examples):
        yield add_task(TaskRequest(LONG, project, slice=slice_))
    (project / "src/shop/silent").mkdir()
    (project / "src/shop/silent/__init__.py").touch()
    yield add_task(TaskRequest("whisper", project, slice="silent"))


@pytest.mark.parametrize(("backend", "database"), COMBINATIONS)
def test_all_that_can_be_added(checkout: Path, tmp_path: Path, backend: str, database: str) -> None:
    """Slices and tasks, in slices old and new, with names of all lengths."""
    examples = [] if backend == "background" else list(CHOICES["examples"])
    project = render(
        checkout,
        tmp_path,
        task_backend=backend,
        database=database,
        examples=f"[{', '.join(examples)}]",
    )
    added = list(add_all(project, examples))
    make(project, "check")
    tests = [name for each in added for name in each.added if name.startswith("tests/")]
    assert len(tests) == len(added)
    run(project, "uv", "run", "pytest", "-q", "tests/test_migrations.py", *tests)
