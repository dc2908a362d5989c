"""Puts the commit that it is built from into a wheel, and into an sdist for the wheel of that.

What such a wheel renders is of that commit: no version says so between two releases.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAMES = {"wheel": "generator/_source/commit", "sdist": "commit"}
# What a project is rendered and updated from; release.py packs the same.
CONTENT = ("backends.yml", "copier.yml", "moves.yml", "reserved_names.yml", "template")


class CommitHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        commit = _commit(Path(self.root))
        if commit and version != "editable":
            with tempfile.NamedTemporaryFile("w", suffix=".commit", delete=False) as file:
                file.write(commit)
            self._file = Path(file.name)
            build_data["force_include"][file.name] = NAMES[self.target_name]

    def finalize(self, *_: object) -> None:
        if file := getattr(self, "_file", None):
            file.unlink()


def _commit(root: Path) -> str:
    """Name the commit of the template's files; none if they have been edited since."""
    if (root / "commit").is_file():
        return (root / "commit").read_text(encoding="utf-8")
    try:
        where, commit = _git(root, "rev-parse", "--show-toplevel", "HEAD").splitlines()
        edited = _git(root, "status", "--porcelain", "--", *CONTENT)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return ""
    return "" if edited or not root.samefile(where) else commit


def _git(root: Path, *arguments: str) -> str:
    words = ["git", "-C", str(root), *arguments]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout
