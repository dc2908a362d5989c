"""What the matrix prints: a line per combination and stage, then a table and every failure."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

from generator.matrix.environments import Lane
from generator.matrix.outcomes import BAD, NOT_DONE, History, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress

    from generator.matrix.combinations import Combination
    from generator.matrix.matrix import Request
    from generator.matrix.stages import Stage


class Live:
    """What has just been done, of how much: a line each, or a bar and the failures."""

    def __init__(
        self, rows: Sequence[Combination], stages: Sequence[Stage], *, quiet: bool
    ) -> None:
        self._total = len(rows) * len(stages)
        self._takes = {
            (row.name, s.name): History.load().takes(row, s.name) for row in rows for s in stages
        }
        self.told: list[Outcome] = []
        self._quiet = quiet
        self._bar = _bar(sum(self._takes.values())) if sys.stdout.isatty() and not quiet else None

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def tell(self, outcome: Outcome) -> None:
        self.told.append(outcome)
        line = self._line(outcome)
        if self._bar:
            done = self._takes[outcome.combination.name, outcome.stage]
            self._bar.update(self._bar.task_ids[0], advance=done, stages=self._count())
            if _bad(outcome):
                self._bar.console.print(line, markup=False, highlight=False)
        elif not self._quiet:
            print(line, flush=True)

    def _line(self, outcome: Outcome) -> str:
        name = f"{outcome.combination.name:<40} {outcome.stage:<10}"
        first = _first_line(outcome)[:150]
        line = (
            f"[{self._count()}] {name} {outcome.status.value:<7} {outcome.seconds:6.1f} s  {first}"
        )
        return line.rstrip()

    def _count(self) -> str:
        return f"{len(self.told):>{len(str(self._total))}}/{self._total}"


def _bar(seconds: float) -> Progress:
    """Return a bar of that length: a stage counts as much as it took last time."""
    from rich.progress import (  # noqa: PLC0415 (slow to load)
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    stages, left = TextColumn("{task.fields[stages]} stages"), TextColumn("left")
    bar = Progress(BarColumn(), stages, TimeElapsedColumn(), TimeRemainingColumn(), left)
    bar.add_task("", total=seconds, stages="0")
    return bar


def as_dict(outcomes: Sequence[Outcome], request: Request) -> dict[str, Any]:
    counted = Counter(outcome.status.value for outcome in outcomes)
    rows = [
        {**outcome.as_dict(), **({"again": again(outcome, request)} if _bad(outcome) else {})}
        for outcome in outcomes
    ]
    return {"outcomes": rows, "counts": dict(counted)}


def table(outcomes: Sequence[Outcome], request: Request) -> None:
    rows: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        rows.setdefault(outcome.combination.name, []).append(outcome)
    width = max(map(len, rows))
    print(f"\n{'combination':<{width}}      time  stages")
    for name, done in sorted(rows.items()):
        seconds = sum(outcome.seconds for outcome in done)
        print(f"{name:<{width}}  {seconds:6.1f} s  {_summary(done)}")
    _reasons(outcomes)
    for outcome in filter(_bad, outcomes):
        _failure(outcome, request)
    counted = Counter(outcome.status for outcome in outcomes)
    said = ", ".join(f"{counted[status]} {status.value}" for status in Status if counted[status])
    print(f"\n{len(rows)} combinations, {len(outcomes)} stages: {said}.")
    for outcome in filter(_bad, outcomes):  # last, as it is the end that a log's reader sees
        print(f"{outcome.status.value}: {_named(outcome)}: {_first_line(outcome)}")


def again(outcome: Outcome, request: Request) -> str:
    """Return the one command that repeats this failure alone."""
    words = ["fastapi-tasks", "matrix", "test", "--only", f"name={outcome.combination.name}"]
    words += ["--stage", outcome.stage]
    words += ["--lane", request.lane.value] if request.lane is not Lane.LOCKED else []
    words += ["--all-tests"] if request.thorough else []
    words += ["--limit", f"{request.limit:g}"] if request.limit else []
    return shlex.join(words)


def _named(outcome: Outcome) -> str:
    return f"{outcome.stage} of {outcome.combination.name}"


def _first_line(outcome: Outcome) -> str:
    return next(iter(outcome.detail.splitlines()), "")


def _bad(outcome: Outcome) -> bool:
    return outcome.status in BAD


def _summary(done: Sequence[Outcome]) -> str:
    ok = sum(outcome.status is Status.OK for outcome in done)
    parts = [f"{ok} ok"]
    for status in (Status.FAILED, Status.MACHINE, Status.SKIPPED):
        names = [outcome.stage for outcome in done if outcome.status is status]
        parts += [f"{status.value}: {', '.join(names)}"] if names else []
    return "; ".join(parts)


def _reasons(outcomes: Sequence[Outcome]) -> None:
    noted = [o for o in outcomes if o.detail and not _bad(o)]
    counted = Counter((o.status.value, o.stage, _first_line(o)) for o in noted)
    for (status, stage, reason), count in counted.items():
        if not reason.endswith(NOT_DONE % ""):
            print(f"{status}: {stage} of {count}: {reason}")


def _failure(outcome: Outcome, request: Request) -> None:
    whose = "" if outcome.status is Status.FAILED else " (the machine's failure)"
    print(f"\n{_named(outcome)} failed{whose}:")
    print("\n".join(f"  {line}" for line in outcome.detail.splitlines()))
    print(f"Again: {again(outcome, request)}")
