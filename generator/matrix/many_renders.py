"""Renders by Copier's public API, several at a time."""

from __future__ import annotations

import errno
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import active_children, get_context
from typing import TYPE_CHECKING, Any

from generator import git
from generator.template.faster import faster

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

LIMIT = 300.0  # seconds


def rendered(
    source: Path, wanted: list[tuple[Path, dict[str, Any]]], jobs: int, limit: float
) -> Generator[tuple[float, str]]:
    """Yield how long each took, and what was wrong.

    Copier changes the folder of its whole process: several at a time need one each.
    """
    work = partial(render, source, limit=limit)
    if len(wanted) == 1:
        yield work(*wanted[0])
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as processes:
        try:
            with _no_interrupt():
                renders = processes.map(work, *zip(*wanted, strict=True))
            yield from renders
        except BaseException:  # also of the caller
            for child in active_children():
                child.terminate()
            processes.shutdown(cancel_futures=True)
            raise


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Leave Ctrl-C to this process: those that it starts meanwhile never hear of it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the main thread when the time is over, whatever it is doing.

    Once a second from then on: a destructor, in which it may be raised, swallows it.
    """

    def over(*_: object) -> None:
        raise TimeoutError(f"ran for {seconds:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def render(
    source: Path, project: Path, answers: dict[str, Any], *, limit: float = LIMIT
) -> tuple[float, str]:
    """Return how long it took, and what was wrong."""
    import copier  # noqa: PLC0415 (takes a third of a second, which --help need not wait for)

    began = time.monotonic()
    try:
        with limited(limit), faster():
            copier.run_copy(
                str(source),
                project,
                data=answers,
                settings=copier.Settings(),  # what this person prefers is no part of the template
                defaults=True,
                quiet=True,
                unsafe=False,
            )
            git.run(project, "init", "--quiet", "--initial-branch=main")
            git.run(project, "add", "--all")
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise  # not the template's fault; whatever else is raised is what was found
        return time.monotonic() - began, f"{type(error).__name__}: {error}"
    return time.monotonic() - began, ""
