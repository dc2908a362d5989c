"""Renders by Copier's public API, several at a time."""

from __future__ import annotations

import errno
import signal
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from generator.faster import faster

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


def rendered(
    source: Path, wanted: list[tuple[Path, dict[str, Any]]], jobs: int
) -> Generator[tuple[float, str]]:
    """Yield how long each took, and what was wrong.

    Copier changes the folder of its whole process: several at a time need one each.
    """
    if len(wanted) == 1:
        yield render(source, *wanted[0])
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), heed_no_interrupt) as processes:
        try:
            yield from processes.map(render, [source] * len(wanted), *zip(*wanted, strict=True))
        except BaseException:  # also of the caller
            processes.shutdown(cancel_futures=True)
            raise


def heed_no_interrupt() -> None:
    """Leave Ctrl-C to the process that waits for us."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def render(source: Path, project: Path, answers: dict[str, Any]) -> tuple[float, str]:
    """Return how long it took, and what was wrong."""
    import copier  # noqa: PLC0415 (takes a third of a second, which --help need not wait for)

    began = time.monotonic()
    try:
        with faster(str(source)):
            copier.run_copy(
                str(source),
                project,
                data=answers,
                settings=copier.Settings(),  # what this person prefers is no part of the template
                defaults=True,
                quiet=True,
                unsafe=False,
            )
        for command in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"]):
            subprocess.run(["git", *command], cwd=project, check=True, capture_output=True)
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise  # not the template's fault; whatever else is raised is what was found
        return time.monotonic() - began, f"{type(error).__name__}: {error}"
    return time.monotonic() - began, ""
