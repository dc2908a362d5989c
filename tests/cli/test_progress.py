"""What takes more than a second says what it does: live at a terminal, in lines elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

from tests import projects, support

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Command

STEP = "Running the tests as they are …"


def at_a_terminal(*arguments: str, cwd: Path) -> str:
    """Return all that the command writes to its terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "generator", *arguments]
    environment = support.child_environment(support.ROOT, TERM="xterm-256color", COLUMNS="120")
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        return b"".join(iter(lambda: _read(ours), b"")).decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says so that nobody writes any more
        return b""


def with_tests(shop: Path) -> None:
    (shop / "Makefile").write_text("test:\n\t@echo 7 passed\n")
    support.commit(shop, "Test")


def test_lines(command: Command, renders: projects.Renders, tmp_path: Path) -> None:
    """Beside what is for a program, and not in it."""
    shop = renders.project(tmp_path / "shop")
    with_tests(shop)
    code, printed, error = command(["switch", "shop", "--ci", "none", "--verify", "--json"])
    assert (code, printed[0]) == (0, "{")
    assert error.splitlines() == [STEP, "Running the tests after the change …"]


def test_a_status(
    command: Command, renders: projects.Renders, template: Path, tmp_path: Path
) -> None:
    """Of one project it says what it fetches; of several, that it looks at them."""
    shop = renders.project(tmp_path / "shop")
    url = f"file://{template}"
    code, _, error = command(["status", "shop", "--template", url])
    assert (code, error) == (0, f"Fetching the template from {url} …\n")
    code, _, error = command(["status", "shop", str(shop), "--template", url])
    assert (code, error) == (0, "Looking at 2 projects …\n")


def test_at_a_terminal(renders: projects.Renders, tmp_path: Path) -> None:
    """It is live, and gone when it is done."""
    shop = renders.project(tmp_path / "shop")
    with_tests(shop)
    shown = at_a_terminal("switch", "shop", "--ci", "none", "--verify", cwd=tmp_path)
    assert STEP in shown
    assert shown.index(STEP) < shown.index("\x1b[2K", shown.index(STEP)) < shown.index("Committed")


def test_the_matrix_at_a_terminal(tmp_path: Path) -> None:
    """A bar with what is done and left, and no line for each stage that passes."""
    only = ("--only", "name=background-sqlite", "--stage", "compose")
    shown = at_a_terminal("matrix", "test", *only, cwd=tmp_path)
    assert "2/2 stages" in shown
    assert "left" in shown
    assert "[1/2]" not in shown
    assert "2 ok" in shown
