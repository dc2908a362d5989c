"""How long the matrix takes beside the naive way, for the same combinations and stages.

The naive way: one combination after the other, each with a virtual environment by `python -m venv`
and pip, then the project's own format check, lint, mypy and pyright. Both begin with the renders
done and with the packages in pip's and uv's caches. Choose combinations with `--only KEY=VALUE`, as
for `fastapi-tasks matrix test`; without it the product, 16 of them. What passed before is run
again, as in CI. Target: at most 1/5.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import tomllib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from generator.matrix import matrix
from generator.matrix.combinations import PRODUCT
from generator.template import questions

if TYPE_CHECKING:
    from collections.abc import Callable

STAGES = ["format", "lint", "types"]


def main() -> None:
    usual = {q.name: q.default for q in questions.load() if q.name not in PRODUCT}
    only = usual | dict(item.split("=", 1) for item in sys.argv[1:] if item != "--only")
    names = [row.name for row in matrix.chosen(matrix.Request(only=only))]
    with tempfile.TemporaryDirectory() as folder:
        projects = Path(folder) / "projects"
        for name in names:
            matrix.run(matrix.Request({"name": name}, ["render"], keep=projects))
        ours = [_seconds(lambda: _ours(only)) for _ in range(2)]
        naive = sum(_seconds(partial(_naive, projects / name)) for name in names)
    print(f"combinations  {', '.join(names)}")
    print(f"naive         {naive:.1f} s")
    print(f"matrix        {ours[1]:.1f} s, renders included (the first run: {ours[0]:.1f} s)")
    print(f"ratio         1/{naive / ours[1]:.1f} (target: at most 1/5)")


def _ours(only: dict[str, str]) -> None:
    command = [sys.executable, "-m", "generator", "matrix", "test"]
    for key, value in only.items():
        command += ["--only", f"{key}={value}"]
    for stage in STAGES:
        command += ["--stage", stage]
    _run(command, Path.cwd())


def _naive(project: Path) -> None:
    _run([sys.executable, "-m", "venv", ".venv"], project)
    python = str(project / ".venv/bin/python")
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = metadata["dependency-groups"]["dev"]
    _run([python, "-m", "pip", "install", "--quiet", *wanted, "--editable", "."], project)
    _run([python, "-m", "ruff", "format", "--check"], project)
    _run([python, "-m", "ruff", "check"], project)
    _run([python, "-m", "mypy"], project)
    checked = ["--pythonpath", python, "src", "tests", "dev"]
    _run([sys.executable, "-m", "pyright", *checked], project)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _run(command: list[str], folder: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=kept | {"CI": "true"},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
