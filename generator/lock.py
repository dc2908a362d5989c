"""One command at a time changes a project; whatever ends its process gives the lock back."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from generator import git
from generator.errors import RefusedError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTES = "fastapi-tasks"
"""The folder beside git's own notes."""


@contextmanager
def waited_for(project: Path) -> Iterator[None]:
    """Have the project alone, after those who are at work in it."""
    if git_dir := _git_dir(project):
        with opened(git_dir) as file:
            take(file.fileno(), wait=True)
            yield
    elif sys.platform == "win32":  # which locks no folder
        yield
    else:
        folder = os.open(project, os.O_RDONLY)
        try:
            take(folder, wait=True)
            yield
        finally:
            os.close(folder)


def _git_dir(project: Path) -> Path | None:
    if shutil.which("git") is None:
        return None
    git.prepare_environment(terminal=False)
    found = git.ended(project, "rev-parse", "--path-format=absolute", "--git-dir")
    return None if found.returncode else Path(git.text(found.stdout).removesuffix("\n"))


def opened(git_dir: Path) -> TextIO:
    folder = git_dir / NOTES
    with writing(folder):
        folder.mkdir(exist_ok=True)
        return (folder / "lock").open("w")


def take(file: int, *, wait: bool = False) -> None:
    """Lock it, or raise BlockingIOError or PermissionError if another process has."""
    if sys.platform == "win32":
        msvcrt.locking(file, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Refuse with a remedy what cannot be written in that folder of a repository's notes."""
    try:
        yield
    except OSError as error:
        raise unwritable(error.filename or folder, str(error.strerror), folder.parent) from error


def unwritable(place: Path, reason: str, git_dir: Path) -> RefusedError:
    return RefusedError(
        f"{place} cannot be written: {reason}.",
        f'Make it writable; if another user owns it: sudo chown -R "$USER" {git_dir}',
    )
