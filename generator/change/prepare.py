"""The change as a tree and the files that differ, refused where it would hide what is there."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from generator import git
from generator.change import apply, moves, needed, trees
from generator.change.merge import Change, Kind, Labels, merge
from generator.change.moves import Places
from generator.errors import RefusedError

if TYPE_CHECKING:
    from generator.change.moves import Table
    from generator.change.project import Project
    from generator.change.sides import Render, Version
    from generator.change.trees import Tree


def prepared(
    found: Project, before: Render, after: Render, version: Version, tables: list[Table]
) -> apply.Prepared:
    names = [render.rendered.answers.get("package_name", "") for render in (before, after)]
    ours = trees.of_commit(found.root, found.head, found.prefix)
    renamed = [_renamed(tree, *names) for tree in (before.tree, ours)]
    base, mine = _moved(before.tree, renamed[0]), _moved(ours, renamed[1])
    places = moves.places(tables, base, mine, after.tree)
    rendered = (f"template {version.old}", f"template {version.new}")
    labels = Labels("yours", *rendered, found.answers_file)
    base, mine = _moved(base, places.base), _moved(mine, places.ours)
    merged = merge(found.root, base, mine, after.tree, labels, places.moved)
    needed.bring_back(found.root, base, after.tree, merged)
    _require_folders(merged.tree, ours)
    of_base, of_ours = (
        {path: then[place] for path, place in first.items()}
        for first, then in zip(renamed, (places.base, places.ours), strict=True)
    )
    merged.changes = [_ignored_or_deleted(found, change) for change in merged.changes]
    merged.changes = _with_moves(merged.changes, Places(of_base, of_ours, places.taken))
    files = apply.differences(ours, merged.tree, found.prefix)
    apply.require_room(found, files)
    return apply.Prepared(merged, files, of_base | of_ours)


def _ignored_or_deleted(found: Project, change: Change) -> Change:
    """Say of a file that is there and in no commit that git ignores it, not that it is deleted."""
    if change.kind is not Kind.LEFT or not os.path.lexists(found.path / change.path):
        return change
    if not git.succeeds(found.path, "check-ignore", "--quiet", "--", change.path):
        return change
    reason = "git ignores it, so yours is of the old version: git add --force it before an update"
    return replace(change, reason=reason)


def _moved(tree: Tree, places: dict[str, str]) -> Tree:
    return {place: tree[path] for path, place in places.items()}


def _renamed(tree: Tree, old: str, new: str) -> dict[str, str]:
    """Say where each file is when the package has its new name."""
    start, end = f"src/{old}/", f"src/{new}/"
    there = [folder for folder in (start, end) if any(path.startswith(folder) for path in tree)]
    if old != new and len(there) == 2:
        raise RefusedError(
            f"The package cannot move from {start} to {end}: you have such a folder.",
            "Give that folder another name and commit it, or choose another --package-name.",
        )
    return {p: end + p.removeprefix(start) if p.startswith(start) else p for p in tree}


def _with_moves(changes: list[Change], places: Places) -> list[Change]:
    """Say what each file was called, which have only moved, and which stay for want of a place."""
    was = _former(places)
    told = [_told(replace(c, was=was.get(c.path, "")), places.taken) for c in changes]
    named = {change.path for change in told}
    moved = {place: path for path, place in places.ours.items() if path != place}
    told += [Change(p, Kind.MOVED, was=path) for p, path in moved.items() if p not in named]
    told += [
        Change(path, Kind.LEFT, f"its folder has moved, and {place} is there already")
        for path, place in places.taken.items()
        if path not in named
    ]
    return sorted(told, key=lambda change: change.path)


def _former(places: Places) -> dict[str, str]:
    """Give the path that each file had, also of those that the user has deleted."""
    there = set(places.ours.values())
    all_ = [(path, place) for path, place in places.base.items() if place not in there]
    return {place: path for path, place in [*all_, *places.ours.items()] if path != place}


def _told(change: Change, taken: dict[str, str]) -> Change:
    if change.kind is not Kind.CONFLICT or change.path not in taken:
        return change
    reason = f"you edited it, and {taken[change.path]}, its new place, is another file"
    return replace(change, reason=reason)


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
