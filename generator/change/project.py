"""A rendered project in its git repository, and the states in which it cannot be updated."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import git
from generator.errors import RefusedError
from generator.template import answers
from generator.template.answers import ANSWERS_FILE, SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = "In the project's folder, run: git init && git add --all && git commit --message 'As it is'"
# What git keeps while it is in the middle of something, and what gives that up.
_UNFINISHED = {
    "MERGE_HEAD": ("merge", "git merge --abort"),
    "CHERRY_PICK_HEAD": ("cherry-pick", "git cherry-pick --abort"),
    "REVERT_HEAD": ("revert", "git revert --abort"),
    "rebase-merge": ("rebase", "git rebase --abort"),
    "rebase-apply/applying": ("git am", "git am --abort"),
    "rebase-apply": ("rebase", "git rebase --abort"),
    "BISECT_LOG": ("bisect", "git bisect reset"),
}


@dataclass(frozen=True)
class Project:
    path: Path
    root: Path
    """The repository's folder: the project's own, or one around it."""
    git_dir: Path
    common_dir: Path
    """Where the objects are; another folder than git_dir only in a linked worktree."""
    head: str
    recorded: dict[str, Any]
    """The answers file as a whole."""
    answers_file: str = ANSWERS_FILE

    @property
    def prefix(self) -> str:
        """The project's place in the repository, with a slash behind it, or nothing."""
        inside = self.path.relative_to(self.root).as_posix()
        return "" if inside == "." else f"{inside}/"

    @property
    def url(self) -> str:
        return str(self.recorded["_src_path"])

    @property
    def version(self) -> str:
        return str(self.recorded["_commit"])

    @property
    def answers(self) -> dict[str, Any]:
        return {name: value for name, value in self.recorded.items() if name not in SOURCE}


def find(path: Path, answers_file: str | None = None) -> Project:
    """Read a project.

    Raises:
        RefusedError: there is none, or it does not say where it came from.

    """
    with _readable(path):
        path = _folder(path)
        name = answers.file_name(path, answers_file)
        return replace(_located(path, answers.recorded(path / name)), answers_file=name)


def find_repository(path: Path) -> Project:
    """Find a project whatever is left of its answers: all that can be done is to undo."""
    with _readable(path):
        return _located(_folder(path), {})


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        place = getattr(error, "filename", None) or path
        raise RefusedError(
            f"{place} cannot be read: {getattr(error, 'strerror', None) or error}.",
            "Give the path of a project. If it is one, make it readable.",
        ) from error


def _folder(path: Path) -> Path:
    path = expanded(str(path)).resolve()
    if not path.is_dir():
        fact = f"No project matches {path}." if "*" in str(path) else f"There is no folder {path}."
        raise RefusedError(fact, "Give the path of a project.")
    return path


def expanded(path: str) -> Path:
    return Path(os.path.expanduser(path))  # noqa: PTH111 (leaves ~ of an unknown user)


def _located(path: Path, recorded: dict[str, Any]) -> Project:
    asked = ("--path-format=absolute", "--show-toplevel", "--git-dir", "--git-common-dir", "HEAD")
    found = git.ended(path, "rev-parse", *asked)
    lines = git.text(found.stdout).removesuffix("\n").split("\n")
    if len(lines) < 3:
        raise _unopened(path, found.stderr.decode(errors="replace"))
    if len(lines) > 4:
        raise RefusedError(f"{path} has a line break in its path.", "Give its folder another name.")
    if found.returncode:
        raise RefusedError(
            f"The repository {lines[0]} has no commit yet.",
            "Run: git add --all && git commit --message 'As it is'",
        )
    return Project(path, Path(lines[0]), Path(lines[1]), Path(lines[2]), lines[3], recorded)


def _unopened(path: Path, said: str) -> RefusedError:
    around = (folder / ".git" for folder in (path, *path.parents))
    closed = [git_dir for git_dir in around if git_dir.is_dir() and not _is_open(git_dir)]
    if closed:
        return RefusedError(
            f"{closed[0]} cannot be read: Permission denied.",
            f'Make it readable; if another user owns it: sudo chown -R "$USER" {closed[0]}',
        )
    if re.search("not a git repository|must be run in a work tree", said):
        return RefusedError(
            f"{path} is not in a git repository, so no change to it could be taken back.", OWN
        )
    trust = re.search(r"git config --global --add safe\.directory .*", said)
    return RefusedError(
        f"git cannot open the repository of {path}: {git.complaint(said)}.",
        f"If you trust it, run: {trust[0]}" if trust else "Set that right and try again.",
    )


def _is_open(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)


def branch(project: Project) -> str:
    """Name the branch that is checked out.

    Raises:
        RefusedError: none is.

    """
    # git's own --short gives heads/NAME if a tag has that name too.
    name = git.ended(project.root, "symbolic-ref", "--quiet", "HEAD")
    if name.returncode:
        _require_finished(project)  # a rebase has left it
        raise RefusedError(
            f"{project.root} is on no branch (detached HEAD), so a commit could get lost.",
            "Run: git switch --create NAME",
        )
    return name.stdout.decode().strip().removeprefix("refs/heads/")


def require_new_branch(project: Project, name: str) -> None:
    wanted = f"refs/heads/{name}"
    # With --branch it refuses HEAD, and takes @{-1} for the branch before.
    checks = (("check-ref-format", wanted), ("check-ref-format", "--branch", name))
    if not all(git.succeeds(project.root, *check) for check in checks):
        raise RefusedError(f'"{name}" cannot name a branch.', "Choose another name for --branch.")
    for known in git.run(project.root, "for-each-ref", "--format=%(refname)", "refs/heads").split():
        if f"{known}/".startswith(f"{wanted}/") or wanted.startswith(f"{known}/"):
            raise RefusedError(
                f"The branch {known.removeprefix('refs/heads/')} exists.",
                "Choose another name for --branch.",
            )


def require_quiet(project: Project) -> None:
    """Refuse while git is in the middle of something, or changes are not committed."""
    _require_finished(project)
    if (project.git_dir / "index.lock").exists():
        raise RefusedError(
            f"Another git process is at work in {project.root}, or was killed.",
            f"Wait for its end; if there is none, remove {project.git_dir / 'index.lock'}.",
        )
    if conflicts := unmerged(project):
        raise RefusedError(
            f"There are uncommitted changes in {project.root}, conflicts in {_few(conflicts)}.",
            "Settle and commit them; or fastapi-tasks undo, if it was an update or switch.",
        )
    if changed := _changed(project):
        raise RefusedError(
            f"There are uncommitted changes in {project.root}: {_few(changed)}.",
            "Commit them, or put them aside with git stash.",
        )


def _require_finished(project: Project) -> None:
    for name, (what, give_up) in _UNFINISHED.items():
        if (project.git_dir / name).exists():
            raise RefusedError(
                f"A {what} is in progress in {project.root}.",
                f"Finish it, or give it up: {give_up}",
            )


def unmerged(project: Project) -> list[str]:
    """List the files whose conflicts nobody has settled yet."""
    found = git.run(project.root, "diff-files", "--name-only", "--diff-filter=U", "-z")
    return found.split("\0")[:-1]


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")


def require_committed(project: Project) -> None:
    """Refuse a project that was made in a repository around it, which gets no commit of it."""
    answers = f"HEAD:{project.prefix}{project.answers_file}"
    if not git.succeeds(project.root, "rev-parse", "--verify", "--quiet", answers):
        if git.succeeds(project.path, "check-ignore", "--quiet", project.answers_file):
            raise RefusedError(
                f"The repository {project.root} ignores {project.path}, so no change could be "
                "taken back.",
                OWN,
            )
        raise RefusedError(
            f"The project {project.path} is not committed yet, so no change could be taken back.",
            "In the project's folder, run: git add . && git commit --message 'As it is'",
        )


def _changed(project: Project) -> list[str]:
    """List the project's changed files; those that git does not know are in nobody's way yet.

    Git's status has also those whose lines only end otherwise, of which no commit can be made. The
    index is told that they are as it has them.
    """
    words = ("status", "--porcelain", "-z", "--untracked-files=no", "--", ".")
    lines = [line for line in git.run(project.path, *words).split("\0") if line[2:3] == " "]
    unstaged = {line[3:] for line in lines if line[0] == " "}
    same = unstaged - _differing(project) if unstaged else set()
    if same:
        given = b"\0".join(map(os.fsencode, same))
        git.call(project.root, "update-index", "-z", "--stdin", stdin=given)
    return [name for line in lines if (name := line[3:]) not in same]


def _differing(project: Project) -> set[str]:
    """List the files whose content, as git would store it, is not that of the index."""
    shown = ("diff", "--name-only", "-z", "--no-relative", "--no-renames")
    words = ("-c", "diff.autoRefreshIndex=true", *shown, "--ignore-submodules=none", "--", ".")
    return set(git.run(project.path, *words).split("\0"))
