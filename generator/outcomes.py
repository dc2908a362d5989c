"""What became of each stage, and what later runs are ordered by."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from generator import environments, remembered
from generator.stages import slow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from generator.combinations import Combination

GUESSED = {"tests": 200.0, "types": 15.0}  # seconds, until a run has measured it


class Status(Enum):
    OK = "ok"
    FAILED = "failed"
    """The project is at fault."""
    MACHINE = "machine"
    """A server or the disk is at fault: it says nothing of the project."""
    SKIPPED = "skipped"


BAD = (Status.FAILED, Status.MACHINE)


@dataclass(frozen=True)
class Outcome:
    combination: Combination
    stage: str
    status: Status
    seconds: float
    detail: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "combination": self.combination.name,
            "stage": self.stage,
            "status": self.status.value,
            "seconds": round(self.seconds, 3),
            "detail": self.detail,
        }


class History:
    """How long each stage took, and which combinations failed last."""

    def __init__(self, seconds: dict[str, float], failed: list[str]) -> None:
        self._seconds = seconds
        self._failed = failed

    @classmethod
    def load(cls) -> History:
        try:
            found = json.loads(_path().read_text())
            return cls(dict(found["seconds"]), list(found["failed"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls({}, [])

    def rank(self, row: Combination, *, failed_first: bool) -> tuple[bool, bool, float]:
        """Put the longest first: what begins last should end soon."""
        known = [s for key, s in self._seconds.items() if key.startswith(f"{row.name}/")]
        quick = slow(row) is not None
        return not (failed_first and row.name in self._failed), quick, -sum(known)

    def takes(self, row: Combination, stage: str) -> float:
        return self._seconds.get(f"{row.name}/{stage}", GUESSED.get(stage, 1.0))

    def save(self, outcomes: Sequence[Outcome], stages: int) -> None:
        """Keep what became of a run of that many stages, be it interrupted."""
        counted = Counter(outcome.combination.name for outcome in outcomes)
        run = {name for name, done in counted.items() if done == stages}
        bad = {outcome.combination.name for outcome in outcomes if outcome.status in BAD}
        failed = sorted(bad | (set(self._failed) - run))
        for each in outcomes:
            if each.status is Status.OK and each.detail != remembered.NOTE:
                self._seconds[f"{each.combination.name}/{each.stage}"] = round(each.seconds, 2)
        part = _path().with_suffix(f".{os.getpid()}")
        with suppress(OSError):  # an order is worth no failure, least of all on a full disk
            part.write_text(json.dumps({"seconds": self._seconds, "failed": failed}, indent=1))
            part.replace(_path())


def _path() -> Path:
    return environments.cache() / "matrix.json"
