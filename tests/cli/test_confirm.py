"""At a terminal a promise is given up by who has seen what changes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests import projects

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Command

QUESTION = "lost when the API's process dies. Go on?"


@pytest.fixture
def shop(renders: projects.Renders, tmp_path: Path) -> Path:
    return renders.project(tmp_path / "shop", task_backend="outbox")


def answer(monkeypatch: pytest.MonkeyPatch, *, yes: bool) -> None:
    """Pretend a terminal, at which that is answered."""
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda question: print(question) or yes)


def test_yes(command: Command, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan is before the question, what was done behind it, and nothing is said twice."""
    answer(monkeypatch, yes=True)

    code, printed, _ = command(["switch", "shop", "--task-backend", "background"])

    assert code == 0
    before, after = printed.split(QUESTION)
    for text in (
        f"{shop}: template",
        "task_backend: outbox → background",
        "background.py",
        "promises:",
        "1. ",
    ):
        assert text in before
        assert text not in after
    assert "Committed as" in after
    assert "Take it back" in after


def test_no(command: Command, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, yes=False)
    code, printed, error = command(["switch", "shop", "--task-backend", "background"])
    assert code == 3
    assert "promises:" in printed.split(QUESTION)[0]
    assert "nothing was changed" in error
    assert projects.is_clean(shop)


def test_yes_in_advance(command: Command, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, yes=False)
    code, printed, _ = command(["switch", "shop", "--task-backend", "background", "--yes"])
    assert code == 0
    assert QUESTION not in printed
    assert printed.count(f"{shop}: template") == 1
