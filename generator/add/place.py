"""The project that gets a task: where its package is, and what is there already."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from generator import lock
from generator.add.module import Module
from generator.add.width import width
from generator.errors import RefusedError, did_you_mean
from generator.template import answers, destination

if TYPE_CHECKING:
    from collections.abc import Iterator

_STANDS_ON = ("service/unit_of_work.py", "tasks/router.py", "tasks/engine")
_OURS = ("service", "tasks")
_UNIQUE = re.compile(
    r"""\b(?:__tablename__|Table|create_table|revision|prefix)(?::[^=\n]+|\s)*[=(]\s*["'](.+?)["']"""
)


@dataclass(frozen=True)
class Place:
    path: Path
    package: str
    width: int
    """Columns of a line, as the project's ruff has them."""

    @property
    def source(self) -> Path:
        return self.path / "src" / self.package

    def folder(self, slice_: str) -> str:
        """Name it by its path in the project, as files are named from here on."""
        return f"src/{self.package}/{slice_}"

    def slice(self, name: str) -> str:
        """Name the folder of a slice.

        Raises:
            RefusedError: there is none.

        """
        slices = [file.parent.name for file in sorted(self.source.glob("*/__init__.py"))]
        slices = [known for known in slices if known not in _OURS]
        if name not in slices:
            remedy = did_you_mean(name, slices) if slices else "Leave --slice out for a new one."
            raise RefusedError(f'There is no slice "{name}" in {self.source}.', remedy)
        return self.folder(name)

    def module(self, file: str) -> Module:
        _, *outer, _ = Path(file).parts
        return Module(self.path / file, ".".join(outer), (self.path / file).read_bytes())

    def require_new(self, *names: str) -> None:
        """Refuse a file or folder that is there, and a module beside one of its name."""
        for name in names:
            stem = self.path / name.removesuffix(".py")
            for there in (stem, stem.with_suffix(".py")):
                if os.path.lexists(there) and not _is_left_over(there):
                    raise RefusedError(f"{there} exists.", "Choose another name.")

    def require_unused(self, *texts: str) -> None:
        """Refuse the name of a table or revision, or the prefix of routes, that a file has."""
        for folder in (self.source, self.path / "migrations", self.path / "tests/engine/probe"):
            for file in sorted(folder.rglob("*.py")):
                found = _UNIQUE.findall(file.read_text(encoding="utf-8", errors="replace"))
                if taken := [text for text in texts if text in found]:
                    raise RefusedError(f'{file} has "{taken[0]}" already.', "Choose another name.")


@contextmanager
def alone(path: Path, answers_file: str | None) -> Iterator[Place]:
    """Read a project that no other command changes meanwhile."""
    found = find(path, answers_file)
    with lock.waited_for(found.path):
        yield find(path, answers_file)  # anew: the one before may have changed it


def find(path: Path, answers_file: str | None) -> Place:
    """Read a project.

    Raises:
        RefusedError: there is none, or it has not what new code stands on.

    """
    path = destination.expanded(path).absolute()
    if not path.is_dir():
        raise RefusedError(f"There is no folder {path}.", "Give the path of a project.")
    file = path / answers.file_name(path, answers_file)
    recorded = answers.read(file)
    if not isinstance(package := recorded.get("package_name"), str):
        raise RefusedError(
            f"{file} does not say package_name, so its project is none of this template.",
            "Give the path of one that is, or name its answers with --answers-file.",
        )
    place = Place(path, package, width(path))
    for needed in _STANDS_ON:
        if not (place.source / needed).exists():
            version = recorded.get("_commit", "no known version")
            raise RefusedError(
                f"{place.source / needed} is missing, on which what is added stands; the project "
                f"is of {version}.",
                "If that is older than 0.3.0, run fastapi-tasks update first.",
            )
    return place


def _is_left_over(folder: Path) -> bool:
    """Tell whether it has only what Python compiled of files that are gone."""
    return folder.is_dir() and all(entry.name == "__pycache__" for entry in folder.iterdir())
