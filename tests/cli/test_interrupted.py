"""Ctrl-C while a project is changed: what is said of it is so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from generator import git
from generator.change import journal, project, undo
from generator.change.plan import Verdict
from tests import projects

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Command

CLAIM = "nothing was left behind"


@pytest.fixture
def tests_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the project's tests pass once, and be interrupted then."""
    verdicts = iter([Verdict(passed=True, summary="7 passed")])

    def tests(_: Path) -> Verdict:
        for verdict in verdicts:
            return verdict
        raise KeyboardInterrupt

    monkeypatch.setattr("generator.change.verify.run_tests", tests)


@pytest.mark.usefixtures("tests_interrupted")
def test_during_the_tests_after(
    command: Command, renders: projects.Renders, tmp_path: Path
) -> None:
    """The change is made: the plan is printed, and how to take it back."""
    shop = renders.project(tmp_path / "shop")
    head = projects.head(shop)

    code, printed, error = command(["switch", "shop", "--ci", "none", "--verify"])

    assert code == 130
    assert "Tests before: passed (7 passed)\nTests after: interrupted\n" in printed
    assert "Committed as" in printed
    assert "Take it back: fastapi-tasks undo" in printed
    assert CLAIM not in error
    assert command(["undo", "shop"])[0] == 0
    assert projects.head(shop) == head


@pytest.mark.usefixtures("tests_interrupted")
def test_during_the_tests_after_in_json(
    command: Command, renders: projects.Renders, tmp_path: Path
) -> None:
    renders.project(tmp_path / "shop")
    code, printed, _ = command(["switch", "shop", "--ci", "none", "--verify", "--json"])
    made = json.loads(printed)
    assert code == made["exit_code"] == 130
    assert made["interrupted"]
    assert made["commit"]
    assert made["tests_after"] is None


@pytest.mark.parametrize("words", ["undo shop", "undo shop --json"])
def test_during_an_undo(
    command: Command,
    renders: projects.Renders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
) -> None:
    """It may be half done: another one ends it."""
    shop = renders.project(tmp_path / "shop")
    head = projects.head(shop)
    assert command(["switch", "shop", "--ci", "none"])[0] == 0
    interrupt(monkeypatch, "reset")

    code, printed, error = command(words.split())

    assert code == 130
    assert "fastapi-tasks undo" in printed + error
    assert CLAIM not in printed + error
    monkeypatch.undo()
    undo.undo(project.find(shop))
    assert projects.head(shop) == head


def test_during_a_change_and_its_way_back(
    command: Command,
    renders: projects.Renders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with two Ctrl-C: it is half done."""
    renders.project(tmp_path / "shop")
    interrupt(monkeypatch, "read-tree", "reset")

    code, _, error = command(["switch", "shop", "--ci", "none"])

    assert code == 130
    assert "fastapi-tasks undo" in error
    assert CLAIM not in error


def interrupt(monkeypatch: pytest.MonkeyPatch, *steps: str) -> None:
    """Interrupt these of git's commands, once a change or undo is journalled."""
    real = git.run

    def run(folder: Path, *words: str, **more: Any) -> str:
        if words[0] in steps and journal.running(project.find_repository(folder)):
            raise KeyboardInterrupt
        return real(folder, *words, **more)

    monkeypatch.setattr(git, "run", run)
