"""What became of each stage, and what later runs are ordered by."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from generator.matrix import environments, remembered
from generator.matrix.stages import slow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from generator.matrix.combinations import Combination

SHOWN = 6000  # characters of a long output
NOT_DONE = "%s was not done"
GUESSED = {"tests": 150.0, "types": 15.0}  # seconds, until a run has measured it
GUESSED_WHOLE = {"rq": 400.0, "outbox": 270.0, "background": 190.0}
"""Seconds of tests that include the machinery's."""


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

    @property
    def key(self) -> str:
        return f"{self.combination.name}/{self.stage}"

    def as_dict(self) -> dict[str, Any]:
        return {
            "combination": self.combination.name,
            "stage": self.stage,
            "status": self.status.value,
            "seconds": round(self.seconds, 3),
            "detail": self.detail,
        }


class History:
    """How long each stage of a combination took, and which failed last."""

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
        failed = any(key.startswith(f"{row.name}/") for key in self._failed)
        return not (failed_first and failed), quick, -sum(known)

    def takes(self, row: Combination, stage: str) -> float:
        guess = GUESSED.get(stage, 1.0)
        if stage == "tests" and slow(row) is None:
            guess = GUESSED_WHOLE.get(row.answers["task_backend"], guess)
        return self._seconds.get(f"{row.name}/{stage}", guess)

    def save(self, outcomes: Sequence[Outcome]) -> None:
        """Keep what became of each stage; what failed and was not run again has failed last."""
        passed = {each.key for each in outcomes if each.status is Status.OK}
        bad = {each.key for each in outcomes if each.status in BAD}
        failed = sorted(bad | (set(self._failed) - passed))
        for each in outcomes:
            if each.status is Status.OK and each.detail != remembered.NOTE:
                self._seconds[each.key] = round(each.seconds, 2)
        part = _path().with_suffix(f".{os.getpid()}")
        with suppress(OSError):  # an order is worth no failure, least of all on a full disk
            part.write_text(json.dumps({"seconds": self._seconds, "failed": failed}, indent=1))
            part.replace(_path())


def shortened(detail: str) -> str:
    """Keep its first line, which is the reason, and its end."""
    first, _, rest = detail.partition("\n")
    return detail if len(detail) <= SHOWN else f"{first}\n…\n{rest[-SHOWN:]}"


def _path() -> Path:
    return environments.cache() / "matrix.json"
