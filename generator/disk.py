"""Whether a disk is full."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FULL = "No space left on device"
SCANT = 4 * 1024**2  # bytes; a git that failed has given back what it had written


def is_full(folder: Path) -> bool:
    """Tell whether next to nothing is free there, or for temporary files."""
    return _is_full(folder) or _is_full(tempfile.gettempdir())


def _is_full(folder: Path | str) -> bool:
    with suppress(OSError):
        usage = shutil.disk_usage(folder)
        return usage.total > 0 and usage.free < SCANT
    return False
