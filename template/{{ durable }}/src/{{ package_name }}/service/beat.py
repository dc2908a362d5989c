"""Whether the worker of this container takes tasks, or its API answers: what is healthy here."""

import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir

from .. import PACKAGE
from . import alive

BEAT = Path(gettempdir(), f"{PACKAGE}-worker")
LATE = 30.0  # seconds without a beat after which the worker is taken for stuck


def beat() -> None:
    """Note that the worker has just taken tasks, or could have."""
    with suppress(OSError):  # a disk that is full stops no task
        BEAT.touch()


def main() -> None:
    if not BEAT.exists():
        alive.main()
    age = time.time() - BEAT.stat().st_mtime
    if age > LATE:
        sys.exit(f"The worker has taken no tasks for {age:.0f} s: its log says why.")


if __name__ == "__main__":
    main()
