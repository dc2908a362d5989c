"""Texts that the type checkers passed: the same ones, in the same environment, pass again.

They take most of the time of all that only reads. What runs a project is run every time.
"""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import version
from typing import TYPE_CHECKING

from generator.environments import cache

if TYPE_CHECKING:
    from pathlib import Path

NOTE = "passed before: the same text and versions"


def marker(project: Path) -> Path:
    """Return the file that is there if these texts passed."""
    found = hashlib.sha256(version("pyright").encode())
    for file in [project / "pyproject.toml", *sorted(sources(project))]:
        text = file.read_bytes()
        found.update(f"{file.relative_to(project)} {len(text)}\n".encode() + text)
    for library in sorted((project / ".venv/lib").glob("python*/site-packages/*.dist-info")):
        found.update(f"{library.parent.parent.name} {library.name}\n".encode())
    return cache() / f"typed-{found.hexdigest()[:32]}"


def is_trusted(passed: Path) -> bool:
    """Tell whether they need not be checked; in CI they always are."""
    return passed.exists() and not os.environ.get("CI")


def sources(project: Path) -> list[Path]:
    folders = [f for f in project.iterdir() if f.is_dir() and not f.name.startswith(".")]
    return [file for folder in folders for file in folder.rglob("*.py")]
