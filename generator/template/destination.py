"""The folder that becomes the project: untouched until everything is there, then whole."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from generator import git, lock
from generator.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STAGING_PREFIX = ".fastapi-tasks-"
KEPT = ".orig"
# What a forge or an editor puts into a new folder.
_BEFORE = re.compile(
    r"\.git|\.git(ignore|attributes|keep)|\.editorconfig|\.idea|\.vscode|\.DS_Store|"
    r"(readme|(un)?licen[cs]e|copying|notice|authors|security|code_of_conduct)\b.*",
    re.IGNORECASE,
)

_UNUSABLE = {
    ":": "a colon, and uv would not run there",
    "\n": "a line break, and no update would work there",
    "\\": "a backslash, and ruff would misread its settings there",
}


def expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise RefusedError(f"{path} is no path: there is no such home folder.") from error


def check(destination: Path) -> Path:
    """Refuse a folder that cannot become a project; return the nearest one that exists."""
    if destination.is_symlink() and not destination.exists():
        raise RefusedError(f"{destination} is a broken link.", "Remove it or choose another path.")
    path = Path(os.path.realpath(destination))
    for letter, why in _UNUSABLE.items():
        if any(letter in part for part in path.parts[1:]):
            raise RefusedError(f"The path {path} holds {why}.", "Choose another path.")
    _require_room(_entries(destination), destination)
    base = next(folder for folder in (destination, *destination.parents) if folder.exists())
    if not base.is_dir():
        raise RefusedError(f"{base} is a file, not a folder.", "Choose another path.")
    if not os.access(base, os.W_OK | os.X_OK):
        raise _not_writable(base, "permission denied")
    return base


def _entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def _require_room(there: list[str], destination: Path) -> None:
    if others := [name for name in there if not _BEFORE.fullmatch(name)]:
        raise RefusedError(
            f"{destination} exists and is not empty: it holds {', '.join(others[:3])}.",
            "Choose a new folder, or move that away; .git, README and LICENSE may stay. "
            "To update a project: fastapi-tasks update.",
        )


def repository(target: Path, base: Path) -> Path | None:
    """Give the repository that the project will be in; one that ignores it is none."""
    found = git.ended(base, "rev-parse", "--show-toplevel")
    if b"dubious ownership" in found.stderr:
        return next(folder for folder in (base, *base.parents) if (folder / ".git").exists())
    inside = str(target.relative_to(base) / "any-file")
    if found.returncode or git.succeeds(base, "check-ignore", "--quiet", "--no-index", inside):
        return None
    return Path(git.text(found.stdout).removesuffix("\n"))


@contextmanager
def staging(base: Path, name: str) -> Iterator[Path]:
    """Give a folder on the same disk to work in; whatever is left in it at the end goes."""
    try:
        outer = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=base))
    except OSError as error:
        raise _not_writable(base, str(error.strerror)) from error
    try:
        # Not the temporary folder itself: that one is closed to everybody else.
        inner = outer / name
        inner.mkdir()
        yield inner
    finally:
        with undisturbed():
            shutil.rmtree(outer, ignore_errors=True)


@contextmanager
def held(destination: Path) -> Iterator[None]:
    """Keep others from filling a folder that is there; refuse one that they have filled since."""
    if not destination.exists():
        yield
        return
    with _locked(destination):
        there = [name for name in _entries(destination) if not name.startswith(STAGING_PREFIX)]
        _require_room(there, destination)
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    if sys.platform == "win32":  # it opens no folder
        yield
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        _lock(opened, folder)
        yield
    finally:
        os.close(opened)


def _lock(opened: int, folder: Path) -> None:
    try:
        lock.take(opened)
    except BlockingIOError as error:
        raise RefusedError(
            f"Another fastapi-tasks new is making a project in {folder}.",
            "Wait for its end, or choose another path.",
        ) from error
    except OSError:
        pass  # not every file system has locks


@contextmanager
def settled(project: Path, destination: Path, kept: Iterable[str]) -> Iterator[None]:
    """Move the project into place; take it back if what follows does not end well.

    A folder that is there stays, for somebody may be in it. What is to be kept of the files that
    the project replaces gets the suffix .orig.
    """
    if destination.exists():
        with _replaced(project, destination, kept):
            yield
        return
    made = [folder for folder in destination.parents if not folder.exists()]
    with undisturbed():
        destination.parent.mkdir(parents=True, exist_ok=True)
        _rename(project, destination)
        project.parent.rmdir()
    try:
        yield
    except BaseException:
        with undisturbed(), suppress(OSError):
            shutil.rmtree(destination, ignore_errors=True)
            for folder in made:
                folder.rmdir()
        raise


def _rename(project: Path, destination: Path) -> None:
    try:
        project.rename(destination)
    except OSError:
        _require_room(_entries(destination), destination)
        raise


@contextmanager
def _replaced(project: Path, destination: Path, kept: Iterable[str]) -> Iterator[None]:
    before = project.with_name("before")
    before.mkdir()
    names, had_git = [entry.name for entry in project.iterdir()], (destination / ".git").exists()
    with undisturbed():
        _move(names, destination, before)
        _move(names, project, destination)
    try:
        yield
    except BaseException:
        with undisturbed():
            _move([*names, *([] if had_git else [".git"])], destination, project)
            _move(names, before, destination)
        raise
    for name in kept:
        (before / name).rename(destination / f"{name}{KEPT}")


def _move(names: list[str], old: Path, new: Path) -> None:
    for name in names:
        if os.path.lexists(old / name):
            (old / name).rename(new / name)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold Ctrl-C and its like back for a moment, so that they cannot leave half of the work."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    ends = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _not_writable(folder: Path, reason: str) -> RefusedError:
    return RefusedError(
        f"Nothing can be written in {folder}: {reason}.",
        "Choose another path, or change the folder's permissions.",
    )
