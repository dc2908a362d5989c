"""The folder that a run works in, which is gone when it ends, however it ends."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING

from generator.matrix.environments import cache, held
from generator.matrix.processes import kill_marked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import ExitStack

PREFIX = "fastapi-tasks-matrix-"
SETTLED = 60.0  # seconds after which a folder without an owner is taken for forgotten
TESTS = "template_tests"
SOURCE = ("copier.yml", "backends.yml", "reserved_names.yml")


@contextmanager
def workspace() -> Iterator[Path]:
    """Give a folder of this run alone; first clear away what killed runs have left."""
    _clear_forgotten()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    try:
        folder.chmod(0o711)  # PostgreSQL runs as another user if we are root
        (folder / "scratch").mkdir()
        with held(folder / "lock"):
            yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Remove it although a process that is just ending may still write into it."""
    deadline = time.monotonic() + 5
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=time.monotonic() < deadline)


def snapshot(root: Path, to: Path) -> None:
    """Copy the template as it is on disk: Copier would clone a repository for each render."""
    to.mkdir()
    for name in SOURCE:
        shutil.copy2(root / name, to)
    unwanted = shutil.ignore_patterns("__pycache__", ".*_cache", ".venv", "uv.lock")
    for part in ("template", TESTS):
        shutil.copytree(root / part, to / part, ignore=unwanted)


def lay_over(source: Path) -> None:
    """Add the tests of the template's machinery, which a user's project does not carry."""
    shutil.copytree(source / TESTS, source / "template", dirs_exist_ok=True)


def reserved(stack: ExitStack, name: str, count: int = 1) -> Queue[Path]:
    """Hold so many folders of the cache for as long as `stack` is open; others get others."""
    found: Queue[Path] = Queue()
    for number in itertools.count():
        if found.qsize() == count:
            break
        folder = cache() / f"{name}-{number}"
        folder.mkdir(exist_ok=True)
        if stack.enter_context(held(folder.with_suffix(".lock"))):
            found.put(folder)
    return found


def date_by_content(files: Iterable[Path]) -> None:
    """Make files of the same time and size differ in their time if they differ in their text.

    mypy compares nothing else with its cache; renders of one second have files of one time.
    """
    for file in files:
        seconds = zlib.crc32(file.read_bytes())
        os.utime(file, (seconds, seconds))


def _clear_forgotten() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(FileNotFoundError):  # its run has just ended
            if _is_settled(folder):
                with held(folder / "lock") as forgotten:
                    if forgotten:
                        kill_marked(f"{folder.name}/")
                        remove(folder)


def _is_settled(folder: Path) -> bool:
    about = folder.stat()
    return about.st_uid == os.getuid() and time.time() - about.st_mtime > SETTLED
