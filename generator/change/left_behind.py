"""What has still the old name of a file that has moved, and is the user's to change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from generator.change import trees
from generator.change.imports import absolute, imported, module

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from generator.change.apply import Prepared
    from generator.change.project import Project
    from generator.change.trees import Tree


@dataclass(frozen=True)
class OldImport:
    path: str
    line: int
    old: str
    """As it is written there."""
    new: str


def imports(found: Project, prepared: Prepared, rendered: Tree) -> list[OldImport]:
    """List imports of modules that have another name now, each once."""
    listed = [*_of_moved(found, prepared, rendered), *_of_renamed(found, prepared, rendered)]
    return sorted(dict.fromkeys(listed), key=lambda each: (each.path, each.line))


def _of_moved(found: Project, prepared: Prepared, rendered: Tree) -> Iterator[OldImport]:
    """Give the user's imports of what the template has moved."""
    places = {old: new for old, new in prepared.places.items() if old.endswith(".py")}
    modules = {module(old): module(new) for old, new in places.items()}
    theirs = {
        path: entry
        for path, entry in sorted(prepared.merged.tree.items())
        if path.endswith(".py") and entry.is_file and entry != rendered.get(path)
    }
    if all(old == new for old, new in modules.items()) or not theirs:
        return
    fresh = {path: rendered[path] for path in theirs if path in rendered}
    texts = trees.contents(found.root, [*theirs.values(), *fresh.values()])
    was = {new: old for old, new in places.items()}
    for path, entry in theirs.items():
        template = imported(texts[fresh[path].oid]) if path in fresh else ()
        known = {name for _, name in template}
        for line, name in imported(texts[entry.oid]):
            if name not in known and (new := _new_name(name, path, was.get(path, path), modules)):
                yield OldImport(path, line, *new)


def _of_renamed(found: Project, prepared: Prepared, rendered: Tree) -> Iterator[OldImport]:
    """Give the template's imports that lead nowhere, where the user has renamed one of the two."""
    if not (renamed := prepared.merged.renamed):
        return
    tree, places = prepared.merged.tree, {path: renamed.get(path, path) for path in rendered}
    files = {
        path: place
        for path, place in places.items()
        if path.endswith(".py") and place in tree and tree[place].is_file
    }
    modules = {module(path): module(place) for path, place in files.items()}
    there = {module(path) for path in tree if path.endswith(".py")}
    entries = [entry for path in files for entry in (rendered[path], tree[files[path]])]
    texts = trees.contents(found.root, entries)
    for path, place in files.items():
        known = {name for _, name in imported(texts[rendered[path].oid])}
        for line, name in imported(texts[tree[place].oid]):
            new = _new_name(name, place, path, modules) if name in known else None
            if new and absolute(new[0], place) not in there:
                yield OldImport(place, line, *new)


def _new_name(
    name: str, path: str, old_path: str, modules: Mapping[str, str]
) -> tuple[str, str] | None:
    """Give the module as it is written and its new name, if it is not found by the old one."""
    meant = old = absolute(name, old_path)
    while old and old not in modules:
        old = old.rpartition(".")[0]
    rest = meant.removeprefix(old)
    if not old or absolute(name, path) == modules[old] + rest:
        return None
    return name.removesuffix(rest) or name, modules[old]


def unknown(found: Project, prepared: Prepared) -> list[str]:
    """List what git does not know in folders that have moved, but for what Python compiles."""
    moved = {old for old, new in prepared.places.items() if old != new}
    emptied = _folders(moved) - _folders(prepared.merged.tree)
    known = trees.of_commit(found.root, found.head, found.prefix)
    there = {path for folder in emptied for path in trees.on_disk(found.path, folder)}
    return sorted(path for path in there - known.keys() if "__pycache__" not in path)


def _folders(paths: Iterable[str]) -> set[str]:
    return {str(folder) for path in paths for folder in PurePosixPath(path).parents[:-1]}
