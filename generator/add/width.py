"""How long a line may be, by the settings of ruff that hold for a project."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

_FILES = (".ruff.toml", "ruff.toml", "pyproject.toml")  # of one folder, the first one counts
_DEFAULT = 88


def width(project: Path) -> int:
    """Give the columns of the nearest settings, in the project's folder or above it."""
    files = (folder / name for folder in (project, *project.parents) for name in _FILES)
    return next(filter(None, map(_width, files)), _DEFAULT)


def _width(file: Path) -> int:
    """Give what a file says, with the file that it extends; 0 if it has no settings of ruff."""
    try:
        settings: Any = tomllib.loads(file.read_text(encoding="utf-8"))
        if file.name == "pyproject.toml":
            settings = settings["tool"]["ruff"]
        if "line-length" not in settings and "extend" in settings:
            return _width(file.parent / Path(settings["extend"]).expanduser()) or _DEFAULT
        return int(settings.get("line-length", _DEFAULT))
    except (OSError, ValueError, LookupError, TypeError):
        return 0
