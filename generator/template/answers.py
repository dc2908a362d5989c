"""The file in which a project remembers its template and its answers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import yaml

from generator.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS_FILE = ".copier-answers.yml"
SOURCE = ("_src_path", "_commit")


def candidates(folder: Path) -> list[Path]:
    """List what may be answers to our template or another one, which may lie beside each other.

    Raises OSError for a folder that may not be read: Path.glob finds nothing there.
    """
    files = folder.iterdir() if folder.is_dir() else ()
    return sorted(file for file in files if file.match("*answers*.y*ml"))


def file_name(path: Path, named: str | None) -> str:
    if named:
        folder = (path / named).parent
        if (folder / "pyproject.toml").is_file() and not (path / "pyproject.toml").is_file():
            raise RefusedError(
                f"The project of {named} is {folder}, not {path}.", f"Give its path: {folder}"
            )
        return os.path.relpath(path / named, path)
    found = candidates(path)
    ours = [file.name for file in found if b"\ntask_backend:" in file.read_bytes()]
    if len(ours) > 1:
        raise RefusedError(
            f"{path} has several answers to our template: {', '.join(ours)}.",
            "Name one of them with --answers-file.",
        )
    if not ours and len(found) == 1:
        return found[0].name
    return ours[0] if ours else ANSWERS_FILE


def recorded(file: Path) -> dict[str, Any]:
    """Read an answers file; refuse one that does not say where its project came from."""
    recorded = read(file)
    for name in SOURCE:
        if not isinstance(recorded.get(name), str):
            raise RefusedError(
                f"{file} does not say {name}, so there is nothing to update from.",
                "A project made from a plain folder has none; otherwise bring an older file back: "
                f"git log -- {file.name}",
            )
    return recorded


def read(file: Path) -> dict[str, Any]:
    """Read an answers file; refuse what is none."""
    if not file.is_file():
        raise RefusedError(
            f"{file.parent} has no {file.name}, so it is no project of a template.",
            "Give the path of a project, or --answers-file if its answers have another name; if "
            f"they were deleted: git checkout HEAD~1 -- {file.name} (or an older commit).",
        )
    try:
        recorded = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeError):
        recorded = None
    if not isinstance(recorded, dict) or not all(isinstance(name, str) for name in recorded):
        raise RefusedError(
            f"{file} cannot be read: it is no longer YAML of answers.",
            f"Bring an older one back: git log -- {file.name}",
        )
    return recorded
