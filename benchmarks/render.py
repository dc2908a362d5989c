"""`new`, `update`, `switch` and `status` beside plain `copier copy` and `copier update`."""

from __future__ import annotations

import shutil
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.lab import ROOT
from benchmarks.processes import run
from benchmarks.report import Ratio
from generator.template import releases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.lab import Lab
    from benchmarks.rounds import Contender, Figures

TIMES = 3  # of each command in a round, of which the fastest counts
OLD = "v0.1.0"
SECONDS = "seconds"
BIN = Path(sys.executable).parent
ADA = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"))
}
RATIOS = [
    Ratio("new / copier copy", SECONDS, "new", "copier copy", at_most=1.0, guard=1.3),
    Ratio("update / copier update", SECONDS, "update", "copier update", at_most=0.4, guard=0.7),
    Ratio("switch / copier update -d", SECONDS, "switch", "copier switch", at_most=0.4, guard=0.7),
    Ratio("status / copier update", SECONDS, "status", "copier update", at_most=0.3, guard=0.5),
]


def contenders_in(lab: Lab) -> dict[str, Contender]:
    template, newest = _released(lab.folder / "template")
    shop = lab.folder / "shop"
    source = ["--template", str(template), "--version", newest, "--defaults"]
    _ours(lab.folder, "new", str(shop), "--template", str(template), "--version", OLD, "--defaults")
    plain = ["copier", "update", "--quiet", "--defaults", "--vcs-ref"]
    made = lab.folder / "made"
    commands: dict[str, tuple[Path, list[str]]] = {
        "new": (made, ["fastapi-tasks", "new", str(made), *source]),
        "copier copy": (made, ["copier", "copy", *plain[2:], newest, str(template), str(made)]),
        "update": (shop, ["fastapi-tasks", "update", "--to", newest]),
        "copier update": (shop, [*plain, newest]),
        "switch": (shop, ["fastapi-tasks", "switch", "--task-backend", "rq"]),
        "copier switch": (shop, [*plain, ":current:", "--data", "task_backend=rq"]),
        "status": (shop, ["fastapi-tasks", "status"]),
    }
    return {name: partial(_fastest, *command) for name, command in commands.items()}


def _released(folder: Path) -> tuple[Path, str]:
    """Make a repository with a tag for each release; return it and the newest of them."""
    for version, archive in releases.found(ROOT).items():
        releases.unpack(archive, folder)
        _git(folder, "init", "--quiet")
        _git(folder, "add", "--all")
        _git(folder, "commit", "--quiet", "--message", version)
        _git(folder, "tag", version)
        newest = version
    return folder, newest


def _fastest(project: Path, command: Sequence[str]) -> Figures:
    return {SECONDS: min(_seconds(project, command) for _ in range(TIMES))}


def _seconds(project: Path, command: Sequence[str]) -> float:
    known = project.exists()
    start = _git(project, "rev-parse", "HEAD").strip() if known else ""
    program = [str(BIN / command[0]), *command[1:]]
    begun = time.perf_counter()
    run(program, project if known else project.parent, ADA)
    took = time.perf_counter() - begun
    if known:
        _git(project, "reset", "--quiet", "--hard", start)
        _git(project, "clean", "-fdq")
    else:
        shutil.rmtree(project)
    return took


def _ours(folder: Path, *arguments: str) -> None:
    run([str(BIN / "fastapi-tasks"), *arguments], folder, ADA)


def _git(folder: Path, *arguments: str) -> str:
    return run(["git", *arguments], folder, ADA)
