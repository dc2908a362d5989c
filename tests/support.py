"""What the tests of this repository share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from generator.matrix import tree_checks

Command = Callable[[list[str]], tuple[int, str, str]]

ROOT = Path(__file__).parent.parent


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def snapshot(folder: Path) -> None:
    """Copy what git knows or would add, as it is on disk."""
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def fastapi_tasks(
    checkout: Path, cwd: Path, *arguments: str, **environment: str | None
) -> subprocess.CompletedProcess[str]:
    """Run the command of that checkout as a user does, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "generator", *arguments],
        cwd=cwd,
        env=child_environment(checkout, **environment),
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def child_environment(checkout: Path, **changes: str | None) -> dict[str, str]:
    merged = {**os.environ, "PYTHONPATH": str(checkout), **changes}
    return {name: value for name, value in merged.items() if value is not None}


def files(project: Path) -> dict[str, bytes]:
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in sorted(project.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(project).parts
    }


def answers(project: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((project / ".copier-answers.yml").read_text())
    return found


def check_documents(root: Path) -> None:
    assert list(tree_checks.documents(root)) == []


def run_shell(commands: str, cwd: Path) -> None:
    """Run what a message told to."""
    subprocess.run(commands, shell=True, cwd=cwd, check=True, capture_output=True)  # noqa: S602 (as it is told)
