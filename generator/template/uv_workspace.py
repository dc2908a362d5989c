"""The uv workspace that a project may lie in: its lock file and environment are not the project's."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from generator import globs

if TYPE_CHECKING:
    from pathlib import Path


def note(project: Path) -> str:
    """Say what is elsewhere for a member of a workspace; nothing of any other project."""
    for folder in project.parents:
        if workspace := _workspace(folder / "pyproject.toml"):
            path = project.relative_to(folder).as_posix()
            member = _listed(workspace, "members", path) and not _listed(workspace, "exclude", path)
            return _NOTE.format(root=folder, path=path) if member else ""
    return ""


_NOTE = (
    "It is a member of the uv workspace {root}: uv.lock and .venv are there, and the image, which "
    "sees no lock file, gets the newest versions. To have both in the project, add "
    '"{path}" to `exclude` of [tool.uv.workspace].'
)


def _workspace(file: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["uv"]["workspace"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # none, or one that uv itself complains of
    return found if isinstance(found, dict) else {}


def _listed(workspace: dict[str, Any], name: str, path: str) -> bool:
    return any(globs.matches(str(pattern), path) for pattern in workspace.get(name, []))
