"""Take a change back, or what a killed one has left."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from generator import git
from generator.change import full_disk, journal, overlooked, project, trees
from generator.errors import GeneratorError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from generator.change.project import Project

KEPT = "refs/fastapi-tasks/kept"
HELD = "refs/fastapi-tasks/undo"
OLDER = "Older changes: git log, git revert."


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
    with full_disk.told(found), journal.interruptible(found), journal.locked(found):
        if entry := journal.running(found):
            _require_place(found, entry)
            if found.head not in (entry.head, entry.commit):
                raise RefusedError(
                    f"There are commits after the {entry.under_way}, which was killed half way.",
                    f"Run: git reset --soft {entry.head[:10]}; undo then keeps what they changed.",
                )
            # It was held by a git that was killed with its caller.
            (found.git_dir / "index.lock").unlink(missing_ok=True)
        else:
            entry = _last(found)
        overlooked.require_none(found.root, _touched(found, entry))
        kept = rescue(found, entry)
        commit = entry.commit or found.head
        journal.note(found, replace(entry, commit=commit, kept=kept, undoing=True))
        back(found, entry)
        return Undone(entry.head, entry.branch, kept)


def _touched(found: Project, entry: journal.Entry) -> set[str]:
    """List what the change has touched, or the user has staged since."""
    staged = git.call(found.root, "diff-index", "--cached", "-z", "--name-only", entry.head)
    return _changed(found, entry.head, entry.tree) | {*map(os.fsdecode, staged.split(b"\0"))}


def _last(found: Project) -> journal.Entry:
    entry = journal.last(found)
    if entry is None or (entry.commit and found.head == entry.head):
        raise RefusedError(f"There is nothing to undo in {found.path}.", OLDER)
    _require_place(found, entry)
    if found.head == entry.head:
        return entry
    parent = git.ended(found.root, "rev-parse", "HEAD^").stdout.decode().strip()
    made = entry.commit or _settled(found, entry)
    if parent != entry.head or found.head != made:
        raise _commits_after(entry, made)
    project.require_quiet(found)
    return entry


def _settled(found: Project, entry: journal.Entry) -> str:
    """Give the commit in which the change's conflicts were settled: it has the new answers."""
    wanted = ("rev-list", "--first-parent", "--reverse", f"{entry.head}..HEAD")
    first, *_ = git.ended(found.root, *wanted).stdout.decode().split() or [entry.head]
    file = entry.prefix + entry.answers_file
    asked = ("rev-parse", f"{first}:{file}", f"{entry.tree}:{file}")
    return first if len(set(git.ended(found.root, *asked).stdout.split())) == 1 else ""


def _commits_after(entry: journal.Entry, made: str) -> RefusedError:
    return RefusedError(
        f"There are commits after the {entry.command}, which undo would drop.",
        _revert(made) if made else OLDER,
    )


def _revert(made: str) -> str:
    return f"Take it back by a commit of its own: git revert {made[:10]}"


def _require_place(found: Project, entry: journal.Entry) -> None:
    """Refuse in another project of the repository, and on another branch."""
    if not (found.prefix.startswith(entry.prefix) or entry.prefix.startswith(found.prefix)):
        raise RefusedError(
            f"The last change in this repository was made to {entry.prefix}.",
            f"Run: fastapi-tasks undo {found.root / entry.prefix}",
        )
    here, there = project.branch(found), entry.made_branch or entry.branch
    if here not in (entry.branch, there) or (here != there and not journal.running(found)):
        raise RefusedError(
            f"The {entry.command} was made on the branch {there}, and this is {here}.",
            _way_there(found, entry, here),
        )
    if entry.made_branch and here == there:
        tip = _tip(found, entry.branch)
        if not tip:
            raise RefusedError(
                f"The branch {entry.branch}, to which undo goes back, is gone.",
                f"Run: git branch {entry.branch} {entry.head[:10]}",
            )
        if tip != entry.head:
            raise RefusedError(
                f"There are commits on {entry.branch} after the {entry.command}.",
                f"Leave its branch: git switch {entry.branch} && git branch -D {there}",
            )


def _way_there(found: Project, entry: journal.Entry, here: str) -> str:
    """Say what helps where another branch is checked out than that of the change, or it is gone."""
    there, is_running = entry.made_branch or entry.branch, journal.running(found)
    for name in (there, entry.branch) if is_running else (there,):
        if _tip(found, name):
            return f"Run: git switch {name}"
    if here != entry.branch and (is_running or not entry.commit):
        return f"If that is its new name, run: git branch --move {there}"
    made = entry.commit
    if made and git.succeeds(found.root, "merge-base", "--is-ancestor", made, found.head):
        return _revert(made)
    return OLDER


def _tip(found: Project, branch: str) -> str:
    tip = git.ended(found.root, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}")
    return tip.stdout.decode().strip()


def hold(found: Project, tree: str) -> None:
    """Keep git's garbage collection from the tree that an undo will compare with."""
    git.run(found.root, "update-ref", f"{HELD}/{tree}", tree)


def release(found: Project) -> None:
    """Let go of the trees that no undo needs any more; if that fails, the next change does it."""
    with suppress(GeneratorError):
        needed = journal.trees(found)
        for tree in git.run(found.root, "for-each-ref", "--format=%(objectname)", HELD).split():
            if tree not in needed:
                git.run(found.root, "update-ref", "-d", f"{HELD}/{tree}")


def rescue(found: Project, entry: journal.Entry) -> str:
    """Keep what was edited since in a commit, if anything was that is in none yet."""
    tree = trees.edited(found.root, found.git_dir, entry.head, entry.tree, entry.prefix)
    known = filter(None, (entry.head, entry.tree, entry.kept))
    if not set.intersection(*(_changed(found, each, tree) for each in known)):
        return entry.kept
    parent = entry.kept or entry.head
    words = ("commit-tree", tree, "-p", parent, "-m", f"Before undo of {entry.command}")
    kept = git.run(found.root, *words).strip()
    git.run(found.root, "update-ref", f"{KEPT}/{kept}", kept)
    return kept


def _changed(found: Project, start: str, end: str) -> set[str]:
    words = ("diff-tree", "-r", "-z", "--name-only", start, end)
    return {*map(os.fsdecode, git.call(found.root, *words).split(b"\0"))} - {""}


def back(found: Project, entry: journal.Entry) -> None:
    """Restore HEAD, the index and every file that the change may have touched."""
    wanted = ("-r", "-z", "--name-only", "--diff-filter=A")
    added = git.run(found.root, "diff-tree", *wanted, entry.head, entry.tree).split("\0")
    for path in filter(None, added):
        if trees.link_above(found.root, path):
            continue
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            (found.root / path).unlink()
        _remove_empty(found.root, (found.root / path).parent)
    if entry.made_branch:
        git.run(found.root, "symbolic-ref", "HEAD", f"refs/heads/{entry.branch}")
    _remove_links(found.root, entry)
    _reset(found.root, entry)
    if entry.made_branch:
        made = f"refs/heads/{entry.made_branch}"
        for tip in filter(None, (entry.head, entry.commit, found.head)):
            git.ended(found.root, "update-ref", "-d", made, tip)
    (found.git_dir / "MERGE_MSG").unlink(missing_ok=True)
    journal.forget(found, entry)
    release(found)


def _remove_links(root: Path, entry: journal.Entry) -> None:
    """Remove links where that commit has folders: a reset takes what is behind them for its own."""
    there = trees.of_commit(root, entry.head, "").keys() - overlooked.find(root).all
    names = [name for name in there if name.startswith(entry.prefix)]
    for link in filter(None, {trees.link_above(root, name) for name in names}):
        link.unlink()


def _reset(root: Path, entry: journal.Entry) -> None:
    """Restore all of the project but the files that git was told to overlook.

    A reset spares those that are skipped, and overwrites those that are only assumed to be
    unchanged: they are skipped meanwhile. In a sparse checkout git would look for them again.
    """
    found = overlooked.find(root)
    if not (assumed := found.assumed - found.skipped):
        _reset_hard(root, entry)
        return
    dense = ("-c", "core.sparseCheckout=false")
    mark = (*dense, "update-index", "-z")
    paths = b"\0".join(map(os.fsencode, assumed))
    try:
        git.call(root, *mark, "--skip-worktree", "--stdin", stdin=paths)
        _reset_hard(root, entry, *dense)
    finally:
        git.call(root, *mark, "--no-skip-worktree", "--stdin", stdin=paths)


def _reset_hard(root: Path, entry: journal.Entry, *settings: str) -> None:
    """Go back to that commit; what lies beside the project stays as it is."""
    if not entry.prefix:
        git.run(root, *settings, "reset", "--quiet", "--hard", entry.head)
        return
    place = ("--staged", "--worktree", "--", f":(top,literal){entry.prefix}")
    git.run(root, *settings, "restore", "--quiet", f"--source={entry.head}", *place)
    git.run(root, *settings, "reset", "--quiet", "--soft", entry.head)


def _remove_empty(root: Path, folder: Path) -> None:
    with suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent
