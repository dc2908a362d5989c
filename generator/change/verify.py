"""The project's own tests, before and after a change."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from generator.change.plan import Verdict
from generator.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path


# The environment of this command is none of the project's, nor is the make that may have called it.
FOREIGN = {"VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"}


def run_tests(project: Path) -> Verdict:
    """Run `make test` and give its verdict and last line."""
    env = {k: v for k, v in os.environ.items() if k not in FOREIGN}
    try:
        done = subprocess.run(
            ["make", "--silent", "test"],
            cwd=project,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
    except FileNotFoundError as error:
        raise RefusedError("make was not found on PATH.", "Leave --verify out.") from error
    said = [line for line in done.stdout.splitlines() if line.strip() and "make: ***" not in line]
    return Verdict(done.returncode == 0, said[-1].strip(" =") if said else "no output")
