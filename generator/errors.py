"""What can go wrong, and the exit code that says so.

GeneratorError            1, the machine or the network failed
├── RefusedError          3, what was asked for cannot be done; nothing was touched
└── HalfDoneError         130, by Ctrl-C, and it could not be taken back
"""

from __future__ import annotations

from difflib import get_close_matches
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    DONE = 0
    ERROR = 1
    CONFLICTS = 2
    REFUSED = 3
    INTERRUPTED = 130


class GeneratorError(Exception):
    """The root: `message` is the fact and its cause, `remedy` what to do about it."""

    exit_code: ClassVar[ExitCode] = ExitCode.ERROR

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        if not self.remedy:
            return self.message
        stop = "" if self.message.endswith((".", "?", "!")) else "."
        return f"{self.message}{stop} {self.remedy}"


class RefusedError(GeneratorError):
    exit_code = ExitCode.REFUSED


class HalfDoneError(GeneratorError):
    exit_code = ExitCode.INTERRUPTED


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Name the nearest known word, or else all of them."""
    words = list(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    return f'Did you mean "{near[0]}"?' if near else f"Known: {', '.join(words)}."
