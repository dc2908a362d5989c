"""How often a failed task is tried again, and the limits of what a task's rules may say."""

import random
from dataclasses import dataclass

from .errors import TaskDefinitionError

LONGEST = 365 * 86_400
"""Seconds. What is meant to be without end would overflow where it is added to a time."""


def check_seconds(name: str, value: object) -> None:
    """Raise TaskDefinitionError unless it is a time that can be waited for; nan is not."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value <= LONGEST:  # type: ignore[operator]
        raise TaskDefinitionError(
            f"{name} must be more than 0 and at most {LONGEST} seconds (a year), got {value!r}"
        )


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, how soon and after which errors a failed task is tried again.

    Delays are in seconds and double from ``first_delay`` to ``max_delay``; each is multiplied by
    a random factor of 0.5 to 1.5, so that tasks that failed together do not come back together.

    Raises TaskDefinitionError if one of them cannot be.
    """

    max_attempts: int = 5
    first_delay: float = 1.0
    max_delay: float = 300.0
    on: tuple[type[Exception], ...] = (Exception,)

    def __post_init__(self) -> None:
        if type(self.max_attempts) is not int:
            raise TaskDefinitionError(
                f"max_attempts must be a whole number, got {self.max_attempts!r}"
            )
        if self.max_attempts < 1:
            raise TaskDefinitionError(f"max_attempts must be at least 1, got {self.max_attempts!r}")
        check_seconds("first_delay", self.first_delay)
        check_seconds("max_delay", self.max_delay)
        if not _are_errors(self.on):
            raise TaskDefinitionError(f"on must be a tuple of exception classes, got {self.on!r}")

    def delay_after(self, attempt: int) -> float | None:
        """Return the seconds to wait after a failed attempt, or None after the last one."""
        if attempt >= self.max_attempts:
            return None
        delay = min(self.max_delay, self.first_delay * 2.0 ** min(attempt - 1, 64))
        return delay * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, guards nothing


def _are_errors(kinds: object) -> bool:
    return isinstance(kinds, tuple) and all(
        isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds
    )
