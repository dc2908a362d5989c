"""Where files of the template have gone: what moves.yml says, and what it means for a project."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from packaging import version as numbers

from generator.errors import RefusedError
from generator.template import releases

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from generator.change.sides import Version
    from generator.change.trees import Tree

FILE = "moves.yml"
PACKAGE = "{package_name}"
_PATH = re.compile(r"[^\s/{}\\]+(/[^\s/{}\\]+)*/?")
_SINCE = re.compile(r"-\d+-g[0-9a-f]+$")  # as git describes a commit after a release

Table = dict[str, str]
"""Old paths and new ones; those of folders end with a slash."""


@dataclass(frozen=True)
class Places:
    """Where each file belongs now, by the path that it had."""

    base: dict[str, str]
    ours: dict[str, str]
    taken: dict[str, str]
    """Files that stay where they are: another one is where they belong."""

    @property
    def moved(self) -> dict[str, str]:
        """The old path of each file that the template has moved, by its new one."""
        return {new: old for old, new in self.base.items() if old != new}


def between(version: Version, template: Path, package: str) -> list[Table]:
    """Give the moves of each release after the old version, oldest first."""
    file = template / FILE
    if version.old == version.new or not file.is_file():
        return []
    old = releases.parsed(_SINCE.sub("", version.old))
    tables = sorted(load(file).items())
    return [_of_package(table, package) for new, table in tables if old is None or old < new]


def load(file: Path) -> dict[numbers.Version, Table]:
    """Read a template's table of moves.

    Raises:
        RefusedError: it is not one.

    """
    try:
        return _tables(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise RefusedError(
            f"The template's {FILE} cannot be read: {reason}.",
            "It has old and new paths below each version. Tell the template's keepers, or choose "
            "another version with --to.",
        ) from error


def _tables(content: Any) -> dict[numbers.Version, Table]:
    if not isinstance(content, dict):
        raise ValueError("it is no table of versions")  # noqa: TRY004 (told as a wrong file)
    return {numbers.Version(str(version)): _table(moves) for version, moves in content.items()}


def _table(moves: Any) -> Table:
    if not isinstance(moves, dict):
        raise ValueError(f'"{moves}" is no table of old and new paths')  # noqa: TRY004 (told as a wrong file)
    for old, new in moves.items():
        for path in (old, new):
            if not isinstance(path, str) or not _is_inside(path.replace(PACKAGE, "x")):
                raise ValueError(f'"{path}" is no path inside a project')
        if old.endswith("/") != new.endswith("/"):
            raise ValueError(f'"{old}" and "{new}" are not both folders, which end with a slash')
    return moves


def _is_inside(path: str) -> bool:
    return bool(_PATH.fullmatch(path)) and not {".", ".."} & set(path.split("/"))


def _of_package(table: Table, package: str) -> Table:
    return {o.replace(PACKAGE, package): n.replace(PACKAGE, package) for o, n in table.items()}


def places(tables: Iterable[Table], base: Tree, ours: Tree, theirs: Tree) -> Places:
    """Say where each file belongs, of the old render and of the project.

    A file of the template goes where the new render has it; the user's own file goes with its
    folder. None goes where another one of the project is.
    """
    moving = _wanted(tables, base, ours, theirs)
    taken: dict[str, str] = {}
    while found := _taken(moving, base, ours, theirs):
        taken |= {path: moving.pop(path) for path in found}
    return Places(_placed(base, moving), _placed(ours, moving), taken)


def _placed(tree: Tree, moving: dict[str, str]) -> dict[str, str]:
    return {path: moving.get(path, path) for path in tree}


def _wanted(tables: Iterable[Table], base: Tree, ours: Tree, theirs: Tree) -> dict[str, str]:
    rendered = {path: path for path in base}
    own = {path: path for path, entry in ours.items() if path not in base and entry.is_file}
    for table in tables:
        folders = {
            old: new
            for old, new in table.items()
            if old.endswith("/") and any(place.startswith(old) for place in rendered.values())
        }
        rendered = {path: _moved(place, table) for path, place in rendered.items()}
        own = {path: _moved(place, folders) for path, place in own.items()}
    followed = {path: place for path, place in rendered.items() if place in theirs}
    return {path: place for path, place in (followed | own).items() if path != place}


def _moved(path: str, table: Table) -> str:
    """Give the path after those moves; one of a file counts before its folder's."""
    if path in table:
        return table[path]
    folders = [old for old in table if old.endswith("/") and path.startswith(old)]
    if not folders:
        return path
    folder = max(folders, key=len)
    return table[folder] + path.removeprefix(folder)


def _taken(moving: Table, base: Tree, ours: Tree, theirs: Tree) -> set[str]:
    """Find those that would come upon another file, or a user's own upon a new one."""
    found = {path for path, place in moving.items() if path not in base and place in theirs}
    for tree in (base, ours):
        there = Counter(moving.get(path, path) for path in tree)
        found |= {path for path in tree if path in moving and there[moving[path]] > 1}
    return found
