"""Takes every combination through its stages, several at a time."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import signal
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from generator import disk, git
from generator.errors import GeneratorError, RefusedError, did_you_mean
from generator.matrix.combinations import Combination, combinations, select
from generator.matrix.crews import Crew
from generator.matrix.environments import Environments, Lane, declared
from generator.matrix.job import Job
from generator.matrix.larger import note_larger
from generator.matrix.many_renders import LIMIT, rendered
from generator.matrix.outcomes import NOT_DONE, History, Outcome, Status, shortened
from generator.matrix.processes import GRACE, Processes, heed_interrupts, kill_marked
from generator.matrix.stages import STAGES, Stage, recovers_nothing
from generator.matrix.verdict import judged
from generator.matrix.workspace import lay_over, remove, reserved, snapshot, workspace
from generator.template import questions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

# Settings of the person at this machine that would change what a project does.
FOREIGN = (
    *("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE"),
    *("UV_PYTHON", "UV_PROJECT_ENVIRONMENT"),
)
ODD = "a b (c) & d's"  # as people name folders: every command works there
POLL = 0.2  # seconds after which the main thread looks for Ctrl-C


@dataclass
class Request:
    only: dict[str, str] = field(default_factory=dict)
    stages: Sequence[str] = ()
    jobs: int = 2
    keep: Path | None = None
    failed_first: bool = False
    lane: Lane = Lane.LOCKED
    thorough: bool = False
    again: bool = False
    """Also what passed before, with the same text, versions and servers."""
    limit: float | None = None
    """Seconds for each command of a stage but installations, instead of the stage's own limit."""
    root: Path = questions.ROOT
    tell: Callable[[Outcome], None] = lambda _outcome: None


def chosen(request: Request) -> list[Combination]:
    found = combinations(request.root)
    return select(found, request.only, request.root) if request.only else found


def chosen_stages(names: Sequence[str]) -> list[Stage]:
    """Return the stages, with those that they need."""
    known = {stage.name: stage for stage in STAGES}
    for name in names:
        if name not in known:
            raise RefusedError(f'"{name}" is no stage.', did_you_mean(name, known))
    wanted = {*(names or known), "render"}
    wanted |= {known[name].needs for name in wanted}
    return [stage for stage in STAGES if stage.name in wanted]


def run(request: Request) -> list[Outcome]:
    stages, rows, history = chosen_stages(request.stages), chosen(request), History.load()
    rows.sort(key=lambda row: history.rank(row, failed_first=request.failed_first))
    _check_keep(request.keep, rows)
    heed_interrupts()
    git.prepare_environment(terminal=False)
    with ExitStack() as stack:
        folder = stack.enter_context(workspace())
        of_all = _Run(request, stages, folder, stack, history)
        try:
            return of_all.of(rows)
        finally:
            history.save(of_all.outcomes)


def _check_keep(keep: Path | None, rows: list[Combination]) -> None:
    for row in rows if keep else ():
        if keep and (keep / row.name).exists():
            raise RefusedError(f"{keep / row.name} exists.", "Choose another folder to keep.")


class _Run:
    def __init__(
        self,
        request: Request,
        stages: list[Stage],
        folder: Path,
        stack: ExitStack,
        history: History,
    ) -> None:
        self._request = request
        self._first = [s for s in stages if s.name not in {"render", "tests"}]
        self._last = [s for s in stages if s.name == "tests"]
        self._folder = folder
        self._history = history
        self._source = folder / "source"
        self._mypy_caches = reserved(stack, "mypy", request.jobs)
        self._environments = Environments(request.lane, request.root, folder / "scratch")
        self._crew, self._timed = Crew(request.jobs), Crew(1)
        self._futures: list[Future[None]] = []
        self._numbers = itertools.count()
        self._jobs: list[Job] = []
        self._ready: list[Job] = []
        self._checked: list[Job] = []
        self._statuses: dict[str, dict[str, Status]] = {}
        self.outcomes: list[Outcome] = []
        self._telling = threading.Lock()

    def of(self, rows: list[Combination]) -> list[Outcome]:
        try:
            snapshot(self._request.root, self._source)
            lay_over(self._source)
            self._render([self._job(row) for row in rows])
            self._wait()
            self._start_tests()
            self._wait()
            self._end_crews()
        except BaseException as error:
            self._stop()
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise self._disk_full() from error
            raise
        return self.outcomes

    def _job(self, row: Combination) -> Job:
        number = next(self._numbers)
        scratch = self._folder / f"t{number}"
        scratch.mkdir()
        kept = {n: v for n, v in os.environ.items() if n not in FOREIGN and n[:4] != "GIT_"}
        mark = f"{self._folder.name}/{number}/"
        job = Job(
            combination=row,
            project=(self._request.keep or self._folder / ODD).absolute() / row.name,
            root=self._request.root,
            processes=Processes(mark, {**kept, "TMPDIR": str(scratch)}),
            environments=self._environments,
            mypy_caches=self._mypy_caches,
            thorough=self._request.thorough,
            again=self._request.again,
            limit=self._request.limit,
        )
        self._jobs.append(job)
        return job

    def _render(self, jobs: list[Job]) -> None:
        wanted = [(job.project, job.combination.answers) for job in jobs]
        limit = self._request.limit or LIMIT
        with closing(rendered(self._source, wanted, self._request.jobs, limit)) as renders:
            for job, (seconds, error) in zip(jobs, renders, strict=True):
                self._take(job, seconds, error)
        # Only now is it known what all of them have and declare.
        note_larger(self._ready)
        for rank, job in enumerate(self._ready):
            self._futures.append(self._crew.add(rank, partial(self._check, job)))

    def _take(self, job: Job, seconds: float, error: str) -> None:
        began = time.monotonic() - seconds
        if error:
            self._tell(job, "render", Status.FAILED, began, error)
            for stage in (*self._first, *self._last):
                self._tell(job, stage.name, Status.SKIPPED, time.monotonic(), NOT_DONE % "render")
        else:
            with suppress(ValueError, LookupError, TypeError, OSError):
                # What cannot be read is for the stages tree and install to tell.
                self._environments.declared.update(declared(job.project))
                job.processes.hide(job.prefix)
            self._ready.append(job)
            self._tell(job, "render", Status.OK, began)

    def _wait(self) -> None:
        pending = True
        while pending:
            wait(self._futures, POLL, FIRST_EXCEPTION)
            pending = any(not future.done() for future in self._futures)
            for future in self._futures:
                if future.done():
                    future.result()

    def _check(self, job: Job) -> None:
        for stage in self._first:
            self._attempt(job, stage)
        self._checked.append(job)

    def _start_tests(self) -> None:
        """Begin them when all is checked: they promise seconds, and a type checker takes those.

        For the same reason those of workers are run one after the other.
        """
        for job in self._checked:
            crew = self._crew if recovers_nothing(job.combination) else self._timed
            rank = -self._history.takes(job.combination, "tests")
            self._futures.append(crew.add(rank, partial(self._test, job)))

    def _test(self, job: Job) -> None:
        for stage in self._last:
            self._attempt(job, stage)
        if not self._request.keep:
            remove(job.project)

    def _attempt(self, job: Job, stage: Stage) -> None:
        statuses = self._statuses.setdefault(job.combination.name, {})
        began = time.monotonic()
        possible = {Status.OK, Status.SKIPPED} if stage.anyway else {Status.OK}
        if statuses.get(stage.needs, Status.OK) not in possible:
            statuses[stage.name] = Status.SKIPPED
            self._tell(job, stage.name, Status.SKIPPED, began, NOT_DONE % stage.needs)
            return
        status, detail = judged(job, stage)
        kill_marked(job.processes.mark)
        statuses[stage.name] = status
        self._tell(job, stage.name, status, began, detail)
        if status is Status.MACHINE and disk.FULL in detail:
            raise self._disk_full()

    def _tell(self, job: Job, stage: str, status: Status, began: float, detail: str = "") -> None:
        # A project's own path is of no use after the run: files are named from its root.
        short = shortened(detail.replace(f"{job.project}/", "").strip())
        outcome = Outcome(job.combination, stage, status, time.monotonic() - began, short)
        with self._telling:
            self.outcomes.append(outcome)
            self._request.tell(outcome)

    def _disk_full(self) -> GeneratorError:
        free = shutil.disk_usage(self._folder).free // 2**20 if self._folder.exists() else 0
        return GeneratorError(
            f"The disk of {self._folder} is full ({free} MB are free), so the run was ended.",
            "Free some space, or name another disk's folder with TMPDIR.",
        )

    def _stop(self) -> None:
        """End everything; a second Ctrl-C must not leave half of it behind."""
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        for job in self._jobs:
            job.processes.stop()
        self._end_crews(wait=False)
        wait([future for future in self._futures if not future.done()], GRACE)
        for job in self._jobs:
            job.processes.end()
        self._end_crews()
        signal.signal(signal.SIGINT, before)

    def _end_crews(self, *, wait: bool = True) -> None:
        for crew in (self._crew, self._timed):
            crew.end(wait=wait)
