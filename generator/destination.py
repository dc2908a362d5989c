"""The folder that becomes the project: untouched until everything is there, then whole."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

STAGING_PREFIX = ".fastapi-tasks-"


def check(destination: Path) -> Path:
    """Refuse a folder that cannot become a project; return the nearest one that exists."""
    if destination.is_symlink() and not destination.exists():
        raise RefusedError(f"{destination} is a broken link.", "Remove it or choose another path.")
    if destination.is_dir() and any(destination.iterdir()):
        raise RefusedError(
            f"{destination} exists and is not empty.",
            "Choose a new folder; to update a project: fastapi-tasks update.",
        )
    base = next(folder for folder in (destination, *destination.parents) if folder.exists())
    if not base.is_dir():
        raise RefusedError(f"{base} is a file, not a folder.", "Choose another path.")
    if not os.access(base, os.W_OK | os.X_OK):
        raise _not_writable(base, "permission denied")
    return base


def surrounding_repository(base: Path) -> Path | None:
    return next((folder for folder in (base, *base.parents) if (folder / ".git").exists()), None)


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
        with _undisturbed():
            shutil.rmtree(outer, ignore_errors=True)


def settle(project: Path, destination: Path) -> None:
    """Move the project into place; an empty folder stays, for somebody may be in it."""
    with _undisturbed():
        if not destination.exists():
            destination.parent.mkdir(parents=True, exist_ok=True)
            project.rename(destination)
            return
        for entry in list(project.iterdir()):
            entry.rename(destination / entry.name)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold Ctrl-C back for a moment, so that it cannot leave half of the work."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _not_writable(folder: Path, reason: str) -> RefusedError:
    return RefusedError(
        f"Nothing can be written in {folder}: {reason}.",
        "Choose another path, or change the folder's permissions.",
    )
