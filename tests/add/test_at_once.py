"""Several commands in one project at once: one waits for the other, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest

from generator import lock
from generator.add.new_task import TaskRequest, add_task
from generator.change import journal, project
from tests import projects, support

if TYPE_CHECKING:
    from pathlib import Path


def all_at_once(shop: Path, *names: str) -> list[int]:
    """Add the tasks to one slice; give the exit codes."""
    command = [sys.executable, "-m", "generator", "add", "task"]
    started = [
        subprocess.Popen(
            [*command, name, str(shop), "--slice", "signup"],
            cwd=support.ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name in names
    ]
    return [process.wait(60) for process in started]


@pytest.mark.parametrize("in_repository", [True, False])
def test_other_tasks(shop: Path, *, in_repository: bool) -> None:
    """All of them are there in the end."""
    if in_repository:
        support.git(shop, "init", "--quiet")
    names = ["bar", "baz", "qux"]
    assert all_at_once(shop, *names) == [0, 0, 0]
    tasks = (shop / "src/shop/signup/tasks.py").read_text()
    router = (shop / "src/shop/signup/router.py").read_text()
    for name in names:
        assert tasks.count(f"async def {name}(") == 1
        assert router.count(f"async def enqueue_{name}(") == 1


def test_one_task_twice(shop: Path) -> None:
    """The second one finds that it exists."""
    assert sorted(all_at_once(shop, "foo", "foo")) == [0, 3]


def test_beside_an_update(
    renders: projects.Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task is written when the update has ended."""
    shop = renders.project(tmp_path / "shop")
    found, asked, take = project.find(shop), Event(), lock.take

    def asking(file: int, *, wait: bool = False) -> None:
        asked.set()
        take(file, wait=wait)

    entry = journal.Entry("update", found.head, "main", "", found.head, "")
    with ThreadPoolExecutor() as pool:
        with journal.begun(found, entry):
            monkeypatch.setattr(lock, "take", asking)
            added = pool.submit(add_task, TaskRequest("remind", shop))
            assert asked.wait(60)
            assert not added.done()
            assert projects.is_clean(shop)
            journal.done(found)
        assert added.result(60).written
