"""What a package that gets another name leaves under its old one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator import trees

if TYPE_CHECKING:
    from generator.merge import Merged
    from generator.project import Project
    from generator.trees import Tree

IMPORT = r"^\s*(from\s+{name}(\.[\w.]+)?\s+import\b|import\s+(.*,\s*)?{name}\b)"


def importing(found: Project, merged: Merged, rendered: Tree, package: str) -> list[str]:
    """List the user's files that import the package by its old name, if it has another now."""
    if not package:
        return []
    theirs = {
        path: entry
        for path, entry in merged.tree.items()
        if path.endswith(".py") and entry.is_file and entry != rendered.get(path)
    }
    texts = trees.contents(found.root, theirs.values())
    statement = re.compile(IMPORT.format(name=package).encode(), re.MULTILINE)
    return [path for path, entry in theirs.items() if statement.search(texts[entry.oid])]


def unknown(found: Project, package: str) -> list[str]:
    """List what git does not know in the package's old folder, but for what Python compiles."""
    if not package:
        return []
    known = trees.of_commit(found.root, found.head, found.prefix)
    there = trees.on_disk(found.path, f"src/{package}")
    return sorted(path for path in there if path not in known and "__pycache__" not in path)
