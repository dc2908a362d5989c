"""A rendered project in its git repository, and the states in which it cannot be updated."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from generator import git
from generator.errors import RefusedError
from generator.new import ANSWERS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = ("_src_path", "_commit")
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
        name = _answers_file(path, answers_file)
        return replace(_located(path, recorded(path / name)), answers_file=name)


def answers_files(folder: Path) -> list[Path]:
    """List what may be answers to our template or another one, which may lie beside each other."""
    return sorted(folder.glob("*answers*.y*ml"))


def _answers_file(path: Path, named: str | None) -> str:
    if named:
        folder = (path / named).parent
        if (folder / "pyproject.toml").is_file() and not (path / "pyproject.toml").is_file():
            raise RefusedError(
                f"The project of {named} is {folder}, not {path}.", f"Give its path: {folder}"
            )
        return os.path.relpath(path / named, path)
    found = answers_files(path)
    ours = [file.name for file in found if b"\ntask_backend:" in file.read_bytes()]
    if len(ours) > 1:
        raise RefusedError(
            f"{path} has several answers to our template: {', '.join(ours)}.",
            "Name one of them with --answers-file.",
        )
    if not ours and len(found) == 1:
        return found[0].name
    return ours[0] if ours else ANSWERS_FILE


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
    if re.search("not a git repository|must be run in a work tree", said):
        return RefusedError(
            f"{path} is not in a git repository, so no change to it could be taken back.", OWN
        )
    trust = re.search(r"git config --global --add safe\.directory .*", said)
    return RefusedError(
        f"git cannot open the repository of {path}: {git.complaint(said)}.",
        f"If you trust it, run: {trust[0]}" if trust else "Set that right and try again.",
    )


def recorded(file: Path) -> dict[str, Any]:
    """Read an answers file; refuse one that does not say where its project came from."""
    if not file.is_file():
        raise RefusedError(
            f"{file.parent} has no {file.name}, so it is no project of a template.",
            "Give the path of a project, or --answers-file if its answers have another name; if "
            f"they were deleted: git checkout HEAD~1 -- {file.name} (or an older commit).",
        )
    try:
        recorded = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeError):
        recorded = None
    if not isinstance(recorded, dict) or not all(isinstance(name, str) for name in recorded):
        raise RefusedError(
            f"{file} cannot be read: it is no longer YAML of answers.",
            f"Bring an older one back: git log -- {file.name}",
        )
    for name in SOURCE:
        if not isinstance(recorded.get(name), str):
            raise RefusedError(
                f"{file} does not say {name}, so there is nothing to update from.",
                "A project made from a plain folder has none; otherwise bring an older file back: "
                f"git log -- {file.name}",
            )
    return recorded


def branch(project: Project) -> str:
    """Name the branch that is checked out.

    Raises:
        RefusedError: none is.

    """
    # git's own --short gives heads/NAME if a tag has that name too.
    name = git.ended(project.root, "symbolic-ref", "--quiet", "HEAD")
    if name.returncode:
        raise RefusedError(
            f"{project.root} is on no branch (detached HEAD), so a commit could get lost.",
            "Run: git switch --create NAME",
        )
    return name.stdout.decode().strip().removeprefix("refs/heads/")


def require_new_branch(project: Project, name: str) -> None:
    wanted = f"refs/heads/{name}"
    if name.startswith("-") or not git.succeeds(project.root, "check-ref-format", wanted):
        raise RefusedError(f'"{name}" cannot name a branch.', "Choose another name for --branch.")
    for known in git.run(project.root, "for-each-ref", "--format=%(refname)", "refs/heads").split():
        if f"{known}/".startswith(f"{wanted}/") or wanted.startswith(f"{known}/"):
            raise RefusedError(
                f"The branch {known.removeprefix('refs/heads/')} exists.",
                "Choose another name for --branch.",
            )


def require_quiet(project: Project) -> None:
    """Refuse while git is in the middle of something, or changes are not committed."""
    for name, (what, give_up) in _UNFINISHED.items():
        if (project.git_dir / name).exists():
            raise RefusedError(
                f"A {what} is in progress in {project.root}.",
                f"Finish it, or give it up: {give_up}",
            )
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
    """List the project's changed files; those that git does not know are in nobody's way yet."""
    words = ("status", "--porcelain", "-z", "--untracked-files=no", "--", ".")
    printed = git.run(project.path, *words)
    return [line[3:] for line in printed.split("\0") if line[2:3] == " "]
