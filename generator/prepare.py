"""The change as a tree and the files that differ, refused where it would hide what is there."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from generator import apply, trees
from generator.errors import RefusedError
from generator.merge import Change, Kind, Labels, merge

if TYPE_CHECKING:
    from generator.plan import Version
    from generator.project import Project
    from generator.renders import Render
    from generator.trees import Tree


def prepared(found: Project, before: Render, after: Render, version: Version) -> apply.Prepared:
    names = [render.rendered.answers.get("package_name", "") for render in (before, after)]
    ours = trees.of_commit(found.root, found.head, found.prefix)
    labels = Labels("yours", f"template {version.old}", f"template {version.new}")
    merged = merge(
        found.root, _moved(before.tree, *names), _moved(ours, *names), after.tree, labels
    )
    _require_folders(merged.tree, ours)
    named = {change.path for change in merged.changes}
    moved = (place for path, place in _places(ours, *names).items() if path != place)
    merged.changes += [Change(path, Kind.MOVED) for path in moved if path not in named]
    files = apply.differences(ours, merged.tree, found.prefix)
    apply.require_room(found, files)
    return apply.Prepared(merged, files)


def _moved(tree: Tree, old: str, new: str) -> Tree:
    """Give the tree with the package's folder under its new name."""
    return {place: tree[path] for path, place in _places(tree, old, new).items()}


def _places(tree: Tree, old: str, new: str) -> dict[str, str]:
    """Say where each file is when the package has its new name."""
    start, end = f"src/{old}/", f"src/{new}/"
    there = [folder for folder in (start, end) if any(path.startswith(folder) for path in tree)]
    if old != new and len(there) == 2:
        raise RefusedError(
            f"The package cannot move from {start} to {end}: you have such a folder.",
            "Give that folder another name and commit it, or choose another --package-name.",
        )
    return {p: end + p.removeprefix(start) if p.startswith(start) else p for p in tree}


def _require_folders(merged: Tree, ours: Tree) -> None:
    """Refuse a file where another one needs a folder: git would drop one of the two."""
    for path in merged:
        for folder in map(str, PurePosixPath(path).parents):
            if folder in merged:
                yours, added = (folder, path) if folder in ours else (path, folder)
                raise RefusedError(
                    f"{yours} is in the way: the change adds {added}.",
                    "Move yours away and commit that, or remove it.",
                )
