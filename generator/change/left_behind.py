"""What has still the old name of a file that has moved, and is the user's to change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from generator.change import trees

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from generator.change.apply import Prepared
    from generator.change.project import Project
    from generator.change.trees import Tree

# By no parser of Python: a file in conflict is none until somebody has settled it.
_STATEMENT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import\b[ \t]*(\([^)]*|[^\n;]*)|import[ \t]+([^\n;]*))",
    re.MULTILINE,
)
_NAME = re.compile(r"(\w+)(?:\s+as\s+\w+)?")
_NO_CODE = re.compile(r"#[^\n]*|\\\r?\n")


@dataclass(frozen=True)
class OldImport:
    path: str
    line: int
    old: str
    """As it is written there."""
    new: str


def imports(found: Project, prepared: Prepared, rendered: Tree) -> list[OldImport]:
    """List the user's imports of modules that have another name now."""
    places = {old: new for old, new in prepared.places.items() if old.endswith(".py")}
    modules = {_module(old): _module(new) for old, new in places.items()}
    theirs = {
        path: entry
        for path, entry in sorted(prepared.merged.tree.items())
        if path.endswith(".py") and entry.is_file and entry != rendered.get(path)
    }
    if all(old == new for old, new in modules.items()) or not theirs:
        return []
    fresh = {path: rendered[path] for path in theirs if path in rendered}
    texts = trees.contents(found.root, [*theirs.values(), *fresh.values()])
    was = {new: old for old, new in places.items()}
    old_imports: dict[OldImport, None] = {}
    for path, entry in theirs.items():
        template = _imported(texts[fresh[path].oid]) if path in fresh else ()
        known = {name for _, name in template}
        for line, name in _imported(texts[entry.oid]):
            if name not in known and (new := _new_name(name, path, was.get(path, path), modules)):
                old_imports[OldImport(path, line, *new)] = None
    return list(old_imports)


def _imported(text: bytes) -> Iterator[tuple[int, str]]:
    """Give each name that is imported, a relative one with its dots, and its line."""
    whole = text.decode(errors="replace")
    code = _NO_CODE.sub(lambda found: " " * len(found[0]), whole)
    for found in _STATEMENT.finditer(code):
        line = whole.count("\n", 0, found.start()) + 1
        module, names, modules = found.groups()
        if modules:
            yield from ((line, each.split()[0]) for each in modules.split(",") if each.strip())
            continue
        start = module if module.endswith(".") else f"{module}."
        yield from ((line, start + name) for name in _NAME.findall(names) or [""])


def _new_name(
    name: str, path: str, old_path: str, modules: Mapping[str, str]
) -> tuple[str, str] | None:
    """Give the module as it is written and its new name, if it is not found by the old one."""
    meant = old = _absolute(name, old_path)
    while old and old not in modules:
        old = old.rpartition(".")[0]
    rest = meant.removeprefix(old)
    if not old or _absolute(name, path) == modules[old] + rest:
        return None
    return name.removesuffix(rest) or name, modules[old]


def _absolute(name: str, path: str) -> str:
    """Name a module as one outside of its package does."""
    plain = name.lstrip(".")
    if plain == name:
        return name
    folders = PurePosixPath(path.removeprefix("src/")).parts[: len(plain) - len(name)]
    return ".".join([*folders, plain]).rstrip(".")


def _module(path: str) -> str:
    parts = PurePosixPath(path.removeprefix("src/")).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unknown(found: Project, prepared: Prepared) -> list[str]:
    """List what git does not know in folders that have moved, but for what Python compiles."""
    moved = {old for old, new in prepared.places.items() if old != new}
    emptied = _folders(moved) - _folders(prepared.merged.tree)
    known = trees.of_commit(found.root, found.head, found.prefix)
    there = {path for folder in emptied for path in trees.on_disk(found.path, folder)}
    return sorted(path for path in there - known.keys() if "__pycache__" not in path)


def _folders(paths: Iterable[str]) -> set[str]:
    return {str(folder) for path in paths for folder in PurePosixPath(path).parents[:-1]}
