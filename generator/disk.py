"""A full disk, told as one, whatever git or Python says of it."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from generator import journal
from generator.errors import GeneratorError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.project import Project

FULL = "No space left on device"
SAID = (FULL, "Disk quota exceeded", "No usable temporary directory")
SCANT = 4 * 1024**2  # bytes; a git that failed has given back what it had written


def is_full(folder: Path) -> bool:
    """Tell whether next to nothing is free there, or for temporary files."""
    return _is_full(folder) or _is_full(tempfile.gettempdir())


def _is_full(folder: Path | str) -> bool:
    with suppress(OSError):
        usage = shutil.disk_usage(folder)
        return usage.total > 0 and usage.free < SCANT
    return False


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
