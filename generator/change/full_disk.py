"""A full disk, told as one, whatever git or Python says of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from generator.change import journal
from generator.disk import FULL
from generator.errors import GeneratorError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.change.project import Project

SAID = (FULL, "Disk quota exceeded", "No usable temporary directory")


@contextmanager
def told(found: Project | None = None) -> Iterator[None]:
    """Say of a full disk that it is one, and whether what was done could be taken back."""
    try:
        yield
    except (GeneratorError, OSError) as error:
        if not any(words in str(error) for words in SAID):
            raise
        if found and journal.running(found):
            raise GeneratorError(
                "The disk is full; the project is half done.",
                "Free some space, then run: fastapi-tasks undo",
            ) from error
        raise RefusedError(
            "The disk is full; the project is as it was.", "Free some space, then try again."
        ) from error
