"""Bring a merged tree into the project in one step that can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator import git
from generator.change import journal, overlooked, project, trees, undo
from generator.errors import GeneratorError, RefusedError

if TYPE_CHECKING:
    from generator.change.merge import Merged
    from generator.change.project import Project
    from generator.change.trees import Entry, Tree


@dataclass(frozen=True)
class Prepared:
    merged: Merged
    files: dict[str, Entry | None]
    """What becomes of each file that changes, by its path in the repository."""
    places: dict[str, str]
    """Where each file is now, by the path that it had."""


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
    known = trees.of_commit(found.root, "HEAD", "")
    added = [path for path, entry in changes.items() if entry and path not in known]
    for path in added:
        for there in trees.on_disk(found.root, path):
            if there not in known:
                raise RefusedError(
                    f"{there} is in the way: the change adds {path}, and git does not know yours.",
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
    overlooked.require_none(found.root, change.files.keys())
    if merged.conflicts:
        overlooked.require_there(found.root, {found.prefix + path for path in merged.conflicts})
    require_room(found, change.files)
    tree = trees.combined(found.root, found.head, change.files)
    commit = "" if merged.conflicts else _commit(found, tree, message)
    place = (found.prefix, found.answers_file)
    entry = journal.Entry(command, found.head, branch, new_branch, tree, commit, *place)
    with journal.begun(found, entry):
        try:
            undo.hold(found, tree)
            if new_branch:
                git.run(found.root, "update-ref", f"refs/heads/{new_branch}", found.head, "")
                git.run(found.root, "symbolic-ref", "HEAD", f"refs/heads/{new_branch}")
            git.run(found.root, "update-index", "-q", "--refresh")
            git.run(found.root, "read-tree", "-m", "-u", found.head, tree)
            if commit:
                git.run(found.root, "update-ref", "-m", message, "HEAD", commit, found.head)
            else:
                _mark(found, merged, message)
        except BaseException as error:
            kept = undo.rescue(found, entry)
            undo.back(found, entry)
            if isinstance(error, GeneratorError):
                raise _taken_back(error, kept) from error
            raise
        journal.done(found)
        undo.release(found)
    return Applied(commit, new_branch or branch)


def _taken_back(error: GeneratorError, kept: str) -> GeneratorError:
    also = f" What was edited meanwhile is kept: git show {kept[:10]}" if kept else ""
    return GeneratorError(
        f"{error.message.removesuffix('.')}. The project is as it was.",
        f"Set that right and try again.{also}",
    )


def _require_unchanged(found: Project) -> None:
    """Refuse if somebody has worked on, for what follows would go back to what was read."""
    project.require_quiet(found)
    if git.run(found.root, "rev-parse", "HEAD").strip() != found.head:
        raise RefusedError(
            f"A commit was made in {found.root} meanwhile; nothing was changed.", "Run it again."
        )


def _commit(found: Project, tree: str, message: str) -> str:
    return git.commit_tree(found.root, tree, found.head, message)


def _mark(found: Project, merged: Merged, message: str) -> None:
    """Tell git of the conflicts, so that it makes no commit before they are settled."""
    lines = b""
    for path, sides in merged.conflicts.items():
        place = found.prefix + path
        lines += trees.index_line(place, trees.gone(found.head))
        for stage, entry in enumerate((sides.base, sides.ours, sides.theirs), start=1):
            lines += trees.index_line(place, entry, stage) if entry else b""
    git.call(found.root, "update-index", "-z", "--index-info", stdin=lines)
    (found.git_dir / "MERGE_MSG").write_text(f"{message}\n", encoding="utf-8")
