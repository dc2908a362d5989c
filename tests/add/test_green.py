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


def add_all(project: Path, slice_: str) -> Iterator[Added]:
    yield add_slice(SliceRequest("invoices", project))
    yield add_slice(SliceRequest(LONG, project))
    yield add_slice(SliceRequest("replies", project, model="HTTPAnswer"))
    yield add_task(TaskRequest("remind", project))
    yield add_task(TaskRequest(LONG, project, slice=slice_))
    yield add_task(TaskRequest("a_task_in_another_slice", project, slice=LONG))
    (project / "src/shop/silent").mkdir()
    (project / "src/shop/silent/__init__.py").touch()
    yield add_task(TaskRequest("whisper", project, slice="silent"))


@pytest.mark.parametrize(("backend", "database"), COMBINATIONS)
def test_all_that_can_be_added(checkout: Path, tmp_path: Path, backend: str, database: str) -> None:
    """Slices and tasks, in slices old and new, with names of all lengths."""
    examples = "[]" if backend == "background" else "[signup]"
    project = render(checkout, tmp_path, task_backend=backend, database=database, examples=examples)
    added = list(add_all(project, "invoices" if backend == "background" else "signup"))
    make(project, "check")
    tests = [name for each in added for name in each.added if name.startswith("tests/")]
    assert len(tests) == len(added)
    run(project, "uv", "run", "pytest", "-q", "tests/test_migrations.py", *tests)
