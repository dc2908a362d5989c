"""An environment per combination that holds just what it declares, in a fraction of a second.

Everything that any combination needs is installed and compiled once, into one environment. Each
combination gets a tree of hard links to it, from which uv takes away what is not its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
import threading
import time
import tomllib
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import GeneratorError
from generator.matrix.processes import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.matrix.processes import Processes

LOCK = "requirements-matrix.txt"
LIMIT = 600.0  # seconds for a download of everything
POLL = 0.2  # seconds between two tries of a lock
_PIN = re.compile(r"^([\w.-]+==[^\\\n]*[^\\\s])", re.MULTILINE)
_CONSTRAINTS = re.compile(r"^\[manifest\]\nconstraints = \[\n.*?^\]\n\n", re.MULTILINE | re.DOTALL)
KEPT = 7 * 24 * 3600  # seconds for which what is not used stays


class Lane(Enum):
    """Which versions are installed."""

    LOCKED = "locked"
    """Those of requirements-matrix.txt."""
    LATEST = "latest"
    """The newest that the project allows."""
    OLDEST = "oldest"
    """The oldest that it allows of what it declares itself."""


class Environments:
    def __init__(self, lane: Lane, root: Path, scratch: Path) -> None:
        self.declared: set[str] = set()
        """By any of the combinations; complete before the first one is installed."""
        self._lane = lane
        self._root = root
        self._scratch = scratch
        self._lock = threading.Lock()
        self._union: tuple[Path, Path] | None = None

    def install(self, project: Path, processes: Processes) -> None:
        """Give the project a .venv with what it declares, and with itself."""
        pins = self.lend(project / ".venv", processes)
        own = self._scratch / f"{project.name}.txt"
        constrained = ["--constraint", str(pins), "--group", "dev"]
        self._compile(processes, project / "pyproject.toml", own, *constrained)
        self._check(own, pins)
        with own.open("a") as file:
            file.write(f"-e {project.as_uri()}\n")
        python = str(project / ".venv/bin/python")
        processes.run([uv(), "pip", "sync", "-q", "--python", python, str(own)], project, LIMIT)

    def lend(self, venv: Path, processes: Processes) -> Path:
        """Give it what any combination declares, and return the list of it."""
        union, pins = self._get_union(processes)
        shutil.copytree(union, venv, symlinks=True, copy_function=link)
        return pins

    def lock(self, project: Path, to: Path, processes: Processes) -> None:
        """Write the project's uv.lock, with the versions of all."""
        folder = self._scratch / f"{project.name}.lock"
        folder.mkdir()
        _, pins = self._get_union(processes)
        constraints = json.dumps(_PIN.findall(pins.read_text(encoding="utf-8")))
        text = (project / "pyproject.toml").read_text(encoding="utf-8")
        table = f"\n[tool.uv]\nconstraint-dependencies = {constraints}\n"
        (folder / "pyproject.toml").write_text(text + table, encoding="utf-8")
        processes.run([uv(), "lock", "-q", "--python", sys.executable], folder, LIMIT)
        locked = (folder / "uv.lock").read_text(encoding="utf-8")
        to.write_text(_CONSTRAINTS.sub("", locked), encoding="utf-8")

    def _get_union(self, processes: Processes) -> tuple[Path, Path]:
        with self._lock:
            if self._union is None:
                pins = self._pins(processes)
                self._union = self._near(_union(pins, processes)), pins
            return self._union

    def _near(self, union: Path) -> Path:
        """Return it, or a copy where hard links of this run can lead to it."""
        if union.stat().st_dev == self._scratch.stat().st_dev:
            return union
        return shutil.copytree(union, self._scratch / union.name, symlinks=True)

    def _pins(self, processes: Processes) -> Path:
        if self._lane is Lane.LOCKED:
            return self._root / LOCK
        wanted = self._scratch / "declared.in"
        wanted.write_text("\n".join(sorted(self.declared)), encoding="utf-8")
        pins = self._scratch / "pins.txt"
        which = "lowest-direct" if self._lane is Lane.OLDEST else "highest"
        self._compile(processes, wanted, pins, "--resolution", which, "--upgrade")
        return pins

    def _compile(self, processes: Processes, source: Path, to: Path, *options: str) -> None:
        command = [uv(), "pip", "compile", "-q", "--no-header", "--no-annotate", "--no-build"]
        command += ["--python", sys.executable, *options, str(source), "-o", str(to)]
        processes.run(command, source.parent, LIMIT)

    def _check(self, own: Path, pins: Path) -> None:
        missing = names(own.read_text()) - names(pins.read_text(encoding="utf-8"))
        if missing:
            raise GeneratorError(
                f"{LOCK} lacks {', '.join(sorted(missing))}.", "make lock adds it."
            )


def declared(project: Path) -> list[str]:
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    return [*metadata["project"]["dependencies"], *metadata["dependency-groups"]["dev"]]


def names(pins: str) -> set[str]:
    return set(re.findall(r"^([\w.-]+)==", pins, re.MULTILINE))


def cache() -> Path:
    """Return the folder for what later runs use again."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "fastapi-tasks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold that lock file against other runs on this machine; tell whether it could be had."""
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _union(pins: Path, processes: Processes) -> Path:
    """Find or make the environment that holds all of the pins."""
    text = pins.read_text(encoding="utf-8")
    key = hashlib.sha256(f"{sys.version}{sys.executable}{text}".encode()).hexdigest()[:16]
    venv = cache() / f"union-{key}"
    while True:
        with held(cache() / "union.lock") as ours:
            if ours:
                _forget_unused()
                if not venv.exists():
                    _make(venv, pins, processes)
                os.utime(venv)
                return venv
        if processes.stopped.wait(POLL):
            raise StoppedError


def _make(venv: Path, pins: Path, processes: Processes) -> None:
    part = venv.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    quiet = [uv(), "venv", "-q", "--python", sys.executable, str(part)]
    processes.run(quiet, cache(), LIMIT)
    sync = [uv(), "pip", "sync", "-q", "--compile-bytecode", "--python", str(part / "bin/python")]
    processes.run([*sync, str(pins)], cache(), LIMIT)
    part.rename(venv)


def _forget_unused() -> None:
    for path in [*cache().glob("union-*"), *cache().glob("passed-*")]:
        if time.time() - path.stat().st_mtime > KEPT:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def link(source: str, to: str) -> None:
    """Make a hard link, or a copy where none can be."""
    with suppress(OSError):  # too many links
        os.link(source, to)
        return
    shutil.copy2(source, to)


def uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise GeneratorError("uv was not found beside this Python or on PATH.", "pip install uv")
    return found
