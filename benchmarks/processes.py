"""Processes of a contender: started, watched and ended with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

UNWANTED = {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "UV_PYTHON"}
PATIENCE = 20.0  # seconds for a worker to end by SIGTERM
TICKS = os.sysconf("SC_CLK_TCK")


class ContenderError(Exception):
    """A contender did not do its work; the message says which and shows what it said."""


Environment = dict[str, str]


def run(command: Sequence[str], folder: Path, environment: Environment | None = None) -> str:
    """Return what it prints. Raises ContenderError."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=_neutral(environment),
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ContenderError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


@dataclass(frozen=True)
class Worker:
    command: Sequence[str]
    process: subprocess.Popen[bytes]
    log: Path

    def __str__(self) -> str:
        """Return what it is and what it said of errors."""
        return f"{' '.join(self.command)}\n{self.log.read_text(errors='replace')[-2000:]}"


@contextmanager
def running(
    command: Sequence[str], folder: Path, environment: Environment, log: Path
) -> Iterator[Worker]:
    """Run it until the end of the block; its lines go nowhere, what it says of errors to log."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_neutral(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        try:
            yield Worker(command, process, log)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    members = family(process.pid)
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for member in members:
        _kill(member)


def _kill(pid: int) -> None:
    """Kill what a process has left behind."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def family(pid: int) -> list[int]:
    """Return the process and all that it started, by Linux's /proc."""
    found = [pid]
    for parent in found:
        for thread in Path(f"/proc/{parent}/task").glob("*"):
            found += map(int, _read(thread / "children").split())
    return found


def memory(pid: int) -> float:
    """Return the megabytes of a process and its children; shared ones counted once."""
    return sum(_proportional(member) for member in family(pid)) / 1024


def _proportional(pid: int) -> int:
    lines = _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def cpu_seconds(pid: int) -> float:
    """Return what a process and its living children have used, of user's and system's time."""
    return sum(_ticks(member) for member in family(pid)) / TICKS


def _ticks(pid: int) -> int:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def _read(file: Path) -> str:
    """Return nothing of a process that has ended meanwhile."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return file.read_text()
    return ""


def _neutral(environment: Environment | None) -> Environment:
    kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
    return kept | (environment or {})
