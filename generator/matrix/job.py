"""What a stage is given, and how it says that it did not pass."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from generator.template.answers import ANSWERS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from queue import Queue

    from generator.matrix.combinations import Combination
    from generator.matrix.environments import Environments
    from generator.matrix.processes import Processes


class FoundError(Exception):
    """What a stage found wrong with the project, a line each."""

    def __init__(self, found: Iterable[str]) -> None:
        super().__init__("\n".join(found))


class SkippedError(Exception):
    """The stage cannot or need not be run; the message is the reason."""


@dataclass
class Job:
    """One combination on its way through the stages."""

    combination: Combination
    project: Path
    root: Path
    processes: Processes
    environments: Environments
    mypy_caches: Queue[Path]
    """Those that no process writes into; two at once would crash."""
    thorough: bool
    again: bool
    """Also what passed before."""
    limit: float | None
    recorded: dict[str, Any] = field(default_factory=dict)
    typed_with: str = ""
    """The combination that has all of its Python files, if one of the run's has."""

    @property
    def python(self) -> str:
        return str(self.project / ".venv/bin/python")

    @property
    def answers(self) -> dict[str, Any]:
        if not self.recorded:
            text = (self.project / ANSWERS_FILE).read_text(encoding="utf-8")
            self.recorded.update(yaml.safe_load(text))
        return self.recorded

    @property
    def is_for_this_python(self) -> bool:
        wanted = self.answers["python_version"]
        return tuple(map(int, wanted.split("."))) <= sys.version_info[:2]

    @property
    def prefix(self) -> str:
        """Of the project's settings in its environment."""
        return f"{self.answers['package_name'].upper()}_"

    def sources(self) -> list[Path]:
        folders = [f for f in self.project.iterdir() if f.is_dir() and f.name[0] != "."]
        return [file for folder in folders for file in folder.rglob("*.py")]

    def rendered(self) -> list[Path]:
        """Give all but the answers, which name the folder of this run."""
        listed = self.run("git", "ls-files", "-z", "--", ".", f":!{ANSWERS_FILE}")
        return [self.project / name for name in listed.split("\0") if name]

    def run(self, *command: str, limit: float = 300, **environment: str) -> str:
        return self.processes.run(command, self.project, self.limit or limit, **environment)

    def module(self, *arguments: str, limit: float = 300, **environment: str) -> str:
        """Run a module: the scripts of .venv belong to the environment it is linked to."""
        return self.run(self.python, "-m", *arguments, limit=limit, **environment)


def tool(name: str) -> str:
    """Find a program of the development dependencies, or on PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found:
        return found
    reason = f"{name} is not installed; it is one of the development dependencies"
    if os.environ.get("CI"):
        raise FoundError([reason])
    raise SkippedError(reason)
