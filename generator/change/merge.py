"""Carry a project from one render to another: three trees become one, and no edit is lost."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from generator import git
from generator.change import trees
from generator.change.trees import Entry, Tree
from generator.errors import GeneratorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


MIGRATIONS = "migrations/versions/"
"""What a database has run can be followed by another migration, but not be taken away."""


class Kind(StrEnum):
    ADDED = "added"
    UPDATED = "updated"
    MERGED = "merged"
    REMOVED = "removed"
    MOVED = "moved"
    LEFT = "left"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Change:
    path: str
    kind: Kind
    reason: str = ""
    was: str = ""
    """The path that it had in the project, if it has another now."""


@dataclass(frozen=True)
class Sides:
    """One file: as it was rendered, as the project has it, as it is rendered now."""

    base: Entry | None
    ours: Entry | None
    theirs: Entry | None


@dataclass(frozen=True)
class Labels:
    """What stands beside the markers of a conflict, and where there is none."""

    ours: str
    base: str
    theirs: str
    answers_file: str = ""
    """Never in conflict: it is always the new one."""


@dataclass
class Merged:
    tree: Tree = field(default_factory=dict)
    """A file in conflict has its markers or, where the new render lacks it, the user's text."""
    changes: list[Change] = field(default_factory=list)
    conflicts: dict[str, Sides] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    """What the user has renamed: the path in the renders, and the place in the project."""


def merge(  # noqa: PLR0913, PLR0917 (three trees, and what is known of them)
    repository: Path,
    base: Tree,
    ours: Tree,
    theirs: Tree,
    labels: Labels,
    moved: Mapping[str, str],
) -> Merged:
    """Make the changes between two renders in the project's tree.

    What the user renamed is followed, what they deleted stays deleted. Where they edited what the
    new render changes in the same lines, or drops, it is a conflict that keeps their text. So it
    is where they renamed what the template has ``moved`` to another folder, by its new path: its
    new text is for that one.
    """
    merged, unlike = Merged(renamed=renames(repository, base, ours, theirs)), {}
    for path, place, sides in _paired(merged.renamed, base, ours, theirs):
        if path in moved and PurePosixPath(path).parent != PurePosixPath(place).parent:
            _put(merged, path, sides.theirs)
            merged.changes.append(Change(path, Kind.ADDED))
            reason = f"you renamed {moved[path]} to it, and the template moved that to {path}"
            _conflict(merged, place, sides, reason)
        elif sides.theirs in (sides.ours, sides.base):
            _put(merged, place, sides.ours)
        elif sides.theirs is None and path.startswith(MIGRATIONS):
            _put(merged, place, sides.ours)
            reason = (
                "it is no longer rendered, and stays: a database may have run it. "
                "`make migration` writes what drops its tables: read that before `make migrate`"
            )
            merged.changes.append(Change(place, Kind.LEFT, reason))
        elif path == labels.answers_file or (
            sides.base == sides.ours and (path == place or sides.theirs)
        ):
            _put(merged, place, sides.theirs)
            merged.changes.append(Change(place, _kind(sides)))
        elif sides.ours is None:
            reason = "you deleted it, and the template has changed it since"
            merged.changes.append(Change(path, Kind.LEFT, reason))
        elif sides.theirs is None:
            did = "edited" if path == place else f"renamed {path} to"
            _conflict(merged, place, sides, f"you {did} it, and it is no longer rendered")
        else:
            unlike[place] = sides
    _merge_contents(repository, merged, unlike, labels)
    merged.changes.sort(key=lambda change: change.path)
    return merged


def _paired(
    renamed: dict[str, str], base: Tree, ours: Tree, theirs: Tree
) -> Iterator[tuple[str, str, Sides]]:
    """Give each file's path in the renders, its place in the project, and its three sides."""
    for path in sorted({*base, *ours, *theirs} - set(renamed.values())):
        place = renamed.get(path, path)
        yield path, place, Sides(base.get(path), ours.get(place), theirs.get(path))


def renames(repository: Path, base: Tree, ours: Tree, theirs: Tree) -> dict[str, str]:
    """Find what the user has renamed, as git finds it: by what the files have in common."""
    gone = {path: entry for path, entry in base.items() if path not in ours}
    new = {p: entry for p, entry in ours.items() if p not in base and p not in theirs}
    if not gone or not new:
        return {}
    ids = trees.written_tree(repository, gone), trees.written_tree(repository, new)
    wanted = ("-r", "-z", "--name-status", "--diff-filter=R", "-M", "-l0", "--no-rename-empty")
    words = os.fsdecode(git.call(repository, "diff-tree", *wanted, *ids)).split("\0")
    return dict(zip(words[1::3], words[2::3], strict=True))


def _put(merged: Merged, path: str, entry: Entry | None) -> None:
    if entry:
        merged.tree[path] = entry


def _kind(sides: Sides) -> Kind:
    if sides.theirs is None:
        return Kind.REMOVED
    return Kind.UPDATED if sides.ours else Kind.ADDED


def _conflict(merged: Merged, path: str, sides: Sides, reason: str) -> None:
    _put(merged, path, sides.ours)
    merged.conflicts[path] = sides
    merged.changes.append(Change(path, Kind.CONFLICT, reason))


def _merge_contents(
    repository: Path, merged: Merged, unlike: dict[str, Sides], labels: Labels
) -> None:
    files = [e for s in unlike.values() for e in _entries(s) if e.is_file]
    texts = trees.contents(repository, files)
    results: dict[str, bytes] = {}
    for path, sides in unlike.items():
        lines = _merged_lines(repository, sides, texts, labels)
        if lines is None:
            _conflict(merged, path, sides, "you and the template changed it, and it is not text")
            continue
        results[path], clashes = lines
        if clashes:
            did = "changed the same lines" if sides.base else "each added it"
            _conflict(merged, path, sides, f"you and the template {did}")
        else:
            merged.changes.append(Change(path, Kind.MERGED))
    for path, oid in trees.written(repository, results).items():
        merged.tree[path] = Entry(_mode(unlike[path]), oid)


def _entries(sides: Sides) -> list[Entry]:
    return [entry for entry in (sides.base, sides.ours, sides.theirs) if entry]


def _merged_lines(
    repository: Path, sides: Sides, texts: dict[str, bytes], labels: Labels
) -> tuple[bytes, bool] | None:
    """Merge line by line; say whether lines clash. None: these are no texts."""
    if not all(entry.is_file for entry in _entries(sides)):
        return None
    ours, base, theirs = (
        texts[side.oid] if side else b"" for side in (sides.ours, sides.base, sides.theirs)
    )
    if b"\0" in ours + theirs:
        return None
    if ours.count(b"\r\n") * 2 > ours.count(b"\n") and b"\r\n" not in theirs:
        base, theirs = (text.replace(b"\n", b"\r\n") for text in (base, theirs))
    with tempfile.TemporaryDirectory(prefix="fastapi-tasks-") as scratch:
        files = [Path(scratch) / name for name in ("ours", "base", "theirs")]
        for file, text in zip(files, (ours, base, theirs), strict=True):
            file.write_bytes(text)
        shown = [
            word for label in (labels.ours, labels.base, labels.theirs) for word in ("-L", label)
        ]
        done = git.ended(repository, "merge-file", "-p", "-q", *shown, *map(str, files))
    if done.returncode < 0:
        raise GeneratorError(
            f"git merge-file was killed by signal {-done.returncode}, as when memory runs out.",
            "Nothing was changed: try again.",
        )
    # It ends with the number of conflicts, at most 127; what is above that is an error.
    return (done.stdout, done.returncode > 0) if done.returncode <= 127 else None


def _mode(sides: Sides) -> str:
    changed = sides.ours and sides.base and sides.ours.mode != sides.base.mode
    chosen = sides.ours if changed or not sides.theirs else sides.theirs
    return chosen.mode if chosen else ""
