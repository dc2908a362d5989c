"""Files that somebody deleted and that what a change adds imports: without them it cannot run."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from generator.change import trees
from generator.change.imports import absolute, imported, module
from generator.change.merge import Change, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from generator.change.merge import Merged
    from generator.change.trees import Tree


def bring_back(repository: Path, base: Tree, theirs: Tree, merged: Merged) -> None:
    """Add what an import needs that the old render did not have in that file.

    What somebody renamed is theirs to import by its new name.
    """
    there = {module(path) for path in (*_python(merged.tree), *merged.renamed)}
    absent = {module(path): path for path in _python(theirs) if module(path) not in there}
    if not absent:
        return
    entries = [tree[path] for tree in (base, theirs, merged.tree) for path in _python(tree)]
    texts = trees.contents(repository, entries)
    settled = merged.tree.keys() - merged.conflicts.keys()
    new = [path for path in _python(theirs) if theirs[path] != base.get(path) and path in settled]
    asking = {path: _names(texts, base, path) for path in new}
    while asking:
        path, known = asking.popitem()
        names = _names(texts, merged.tree, path) - known
        for place in [absent.pop(name) for name in names & absent.keys()]:
            asking[place] = set()
            merged.tree[place] = theirs[place]
            told = Change(place, Kind.ADDED, f"it was gone, and {path} imports it")
            merged.changes = [c for c in merged.changes if c.path != place] + [told]


def _python(tree: Tree) -> Iterable[str]:
    return [path for path, entry in tree.items() if path.endswith(".py") and entry.is_file]


def _names(texts: dict[str, bytes], tree: Tree, path: str) -> set[str]:
    """Give the modules that it imports, with the packages that they are in."""
    if path not in tree:
        return set()
    found = (absolute(name, path) for _, name in imported(texts[tree[path].oid]))
    dots = (name.split(".") for name in found)
    return {part for words in dots for part in accumulate(words, lambda a, b: f"{a}.{b}")}
