"""A project as somebody new has it: rendered in an odd folder, its own commands run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import copier
import pytest

from generator.matrix.matrix import ODD
from tests import support

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 60.0  # seconds


def render(checkout: Path, folder: Path, **answers: str) -> Path:
    project = folder / ODD / "shop"
    copier.run_copy(
        str(checkout),
        project,
        data=answers,
        defaults=True,
        quiet=True,
        unsafe=False,
        vcs_ref="HEAD",
    )
    support.git(project, "init", "--quiet")
    return project


def make(project: Path, *arguments: str) -> None:
    run(project, "make", *arguments)


def run(project: Path, *command: str) -> None:
    done = subprocess.run(
        command,
        cwd=project,
        env=environment(project),
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    skip_without_servers(done.stdout)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}"


def skip_without_servers(printed: str) -> None:
    """Tell which server cannot be had here; in CI it has to be there."""
    if missing := re.search(r"^Error: (No \w+: .*)$", printed, re.MULTILINE):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing[1])


def environment(project: Path, **more: str) -> dict[str, str]:
    ours: dict[str, None] = dict.fromkeys(("VIRTUAL_ENV", "PYTHONPATH"))
    return support.child_environment(project, **ours, UV_PYTHON=sys.executable, **more)


def wait_for(ready: Callable[[], bool], log: Path, what: str = "") -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, f"{what}\n{log.read_text()}"
        time.sleep(0.1)
