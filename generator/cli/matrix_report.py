"""What the matrix prints: a line per combination and stage, then a table and every failure."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Any

from generator.matrix.environments import Lane
from generator.matrix.outcomes import BAD, NOT_DONE, Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.matrix.combinations import Combination
    from generator.matrix.matrix import Request
    from generator.matrix.stages import Stage


class Lines:
    """Live: what has just been done, of how much."""

    def __init__(
        self, rows: Sequence[Combination], stages: Sequence[Stage], *, quiet: bool
    ) -> None:
        self._total = len(rows) * len(stages)
        self.told: list[Outcome] = []
        self._quiet = quiet

    def tell(self, outcome: Outcome) -> None:
        self.told.append(outcome)
        if self._quiet:
            return
        count = f"[{len(self.told):>{len(str(self._total))}}/{self._total}]"
        name = f"{outcome.combination.name:<40} {outcome.stage:<10}"
        first = _first_line(outcome)[:150]
        line = f"{count} {name} {outcome.status.value:<7} {outcome.seconds:6.1f} s  {first}"
        print(line.rstrip(), flush=True)


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
