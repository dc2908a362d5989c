"""Puts the commit that it is built from into a wheel, and into an sdist for the wheel of that.

What such a wheel renders is of that commit: no version says so between two releases. Of what is
packed as a release there is no such file, and of edited files an empty one.
"""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAMES = {"wheel": "generator/_source/commit", "sdist": "commit"}
# What a project is rendered and updated from; release.py packs the same.
CONTENT = ("backends.yml", "copier.yml", "moves.yml", "reserved_names.yml", "template")


class CommitHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if version != "editable" and not _is_packed(root, self.metadata.version):
            with tempfile.NamedTemporaryFile("w", suffix=".commit", delete=False) as file:
                file.write(_commit(root))
            self._file = Path(file.name)
            build_data["force_include"][file.name] = NAMES[self.target_name]

    def finalize(self, *_: object) -> None:
        if file := getattr(self, "_file", None):
            file.unlink()


def _is_packed(root: Path, version: str) -> bool:
    """Tell if the template's files are those of the release of that version."""
    archive = root / f"releases/v{version}.tar.gz"
    if not archive.is_file():
        return False
    with tarfile.open(archive) as tar:
        files = {entry.name: tar.extractfile(entry) for entry in tar}
        packed = {name: file.read() for name, file in files.items() if file}
    packed.pop("CHANGELOG.md", None)
    found = [path for name in CONTENT for path in (root / name, *(root / name).rglob("*"))]
    return packed == {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    }


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
