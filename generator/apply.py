"""Bring a merged tree into the project in one step that can be taken back."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator import git, journal, project, trees
from generator.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from generator.merge import Merged
    from generator.project import Project
    from generator.trees import Entry, Tree

RESCUED = "refs/fastapi-tasks/undone"


@dataclass(frozen=True)
class Prepared:
    merged: Merged
    files: dict[str, Entry | None]
    """What becomes of each file that changes, by its path in the repository."""


@dataclass(frozen=True)
class Applied:
    commit: str
    """None was made if there are conflicts to settle first."""
    branch: str


def differences(ours: Tree, merged: Tree, prefix: str) -> dict[str, Entry | None]:
    """Give what has to become of each path, as the repository names it."""
    return {
        prefix + path: merged.get(path)
        for path in sorted({*ours, *merged})
        if ours.get(path) != merged.get(path)
    }


def require_room(found: Project, changes: dict[str, Entry | None]) -> None:
    """Refuse to write over a file that git does not know."""
    known = set(git.run(found.root, "ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0"))
    added = [path for path, entry in changes.items() if entry and path not in known]
    for path in added:
        if os.path.lexists(found.root / path):
            raise RefusedError(
                f"{path} is in the way: the change adds it, and git does not know yours.",
                "Commit it, move it away, or remove it.",
            )


def apply(found: Project, change: Prepared, command: str, message: str, new_branch: str) -> Applied:
    """Make the change in the work tree, and a commit of it if there are no conflicts.

    Raises:
        RefusedError: the project has changed since it was read.
        GeneratorError: it did not work. The project is as it was, unless the journal says that a
            change is still running.

    """
    merged, branch = change.merged, project.branch(found)
    _require_unchanged(found)
    tree = trees.combined(found.root, found.head, change.files)
    commit = "" if merged.conflicts else _commit(found, tree, message)
    entry = journal.Entry(command, found.head, branch, new_branch, tree, commit, os.getpid())
    journal.begin(found, entry)
    try:
        if new_branch:
            git.run(found.root, "update-ref", f"refs/heads/{new_branch}", found.head, "")
            git.run(found.root, "symbolic-ref", "HEAD", f"refs/heads/{new_branch}")
        git.run(found.root, "update-index", "-q", "--refresh")
        git.run(found.root, "read-tree", "-m", "-u", found.head, tree)
        if commit:
            git.run(found.root, "update-ref", "-m", message, "HEAD", commit, found.head)
        else:
            _mark(found, merged, message)
    except BaseException:
        _rescue(found, entry)
        _back(found, entry)
        raise
    journal.done(found)
    return Applied(commit, new_branch or branch)


def _require_unchanged(found: Project) -> None:
    """Refuse if somebody has worked on, for what follows would go back to what was read."""
    project.require_quiet(found)
    if git.run(found.root, "rev-parse", "HEAD").strip() != found.head:
        raise RefusedError(
            f"A commit was made in {found.root} meanwhile; nothing was changed.", "Run it again."
        )


def _commit(found: Project, tree: str, message: str) -> str:
    words = ("commit-tree", tree, "-p", found.head, "-m", message)
    return git.run(found.root, *words).strip()


def _mark(found: Project, merged: Merged, message: str) -> None:
    """Tell git of the conflicts, so that it makes no commit before they are settled."""
    lines = b""
    for path, sides in merged.conflicts.items():
        place = found.prefix + path
        lines += trees.index_line(place, None)
        for stage, entry in enumerate((sides.base, sides.ours, sides.theirs), start=1):
            lines += trees.index_line(place, entry, stage) if entry else b""
    git.call(found.root, "update-index", "-z", "--index-info", stdin=lines)
    (found.git_dir / "MERGE_MSG").write_text(f"{message}\n", encoding="utf-8")


@dataclass(frozen=True)
class Undone:
    head: str
    branch: str
    kept: str
    """A commit with what was there, if it was more than what the change had made."""


def undo(found: Project) -> Undone:
    """Go back to the commit and tree before the last change.

    Raises:
        RefusedError: there is none, or work stands on it.

    """
    entry = journal.running(found)
    if entry:
        if journal.is_alive(entry.pid):
            journal.require_none(found)
        # It was held by a git that was killed with its caller.
        (found.git_dir / "index.lock").unlink(missing_ok=True)
    else:
        entry = _last(found)
    kept = _rescue(found, entry)
    _back(found, entry)
    return Undone(entry.head, entry.branch, kept)


def _last(found: Project) -> journal.Entry:
    entry = journal.last(found)
    if entry is None:
        raise RefusedError(
            f"There is nothing to undo in {found.path}.", "Older changes: git log, git revert."
        )
    made = entry.commit or found.head
    if found.head == entry.head and not entry.commit:
        return entry
    parent = git.ended(found.root, "rev-parse", "HEAD^").stdout.decode().strip()
    if found.head != made or parent != entry.head:
        raise RefusedError(
            f"There are commits after the {entry.command}, which undo would drop.",
            f"Take it back by a commit of its own: git revert {made[:10]}",
        )
    project.require_quiet(found)
    return entry


def _rescue(found: Project, entry: journal.Entry) -> str:
    """Keep what was edited since in a commit, if anything was."""
    tree = trees.edited(found.root, found.git_dir, entry.head, entry.tree)
    if tree == entry.tree:
        return ""
    words = ("commit-tree", tree, "-p", entry.head, "-m", f"Before undo of {entry.command}")
    kept = git.run(found.root, *words).strip()
    git.run(found.root, "update-ref", RESCUED, kept)
    return kept


def _back(found: Project, entry: journal.Entry) -> None:
    """Restore HEAD, the index and every file that the change may have touched."""
    wanted = ("-r", "-z", "--name-only", "--diff-filter=A")
    added = git.run(found.root, "diff-tree", *wanted, entry.head, entry.tree).split("\0")
    for path in filter(None, added):
        (found.root / path).unlink(missing_ok=True)
        _remove_empty(found.root, (found.root / path).parent)
    if entry.made_branch:
        git.run(found.root, "symbolic-ref", "HEAD", f"refs/heads/{entry.branch}")
    git.run(found.root, "reset", "--quiet", "--hard", entry.head)
    if entry.made_branch:
        git.ended(found.root, "update-ref", "-d", f"refs/heads/{entry.made_branch}")
    (found.git_dir / "MERGE_MSG").unlink(missing_ok=True)
    journal.forget(found)


def _remove_empty(root: Path, folder: Path) -> None:
    with suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent
