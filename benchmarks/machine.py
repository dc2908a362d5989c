"""The machine on which a run was: what there is to say beside its figures."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "programs"
SERVERS = {
    "PostgreSQL": ("postgres", "/usr/lib/postgresql/*/bin/postgres"),
    "Redis": ("redis-server", ""),
}


class Machine:
    """Made at a run's start: from then on its contenders are the load."""

    def __init__(self, rounds: int) -> None:
        self._start = os.getloadavg()[0]
        self._rounds = rounds

    def described(self) -> dict[str, Any]:
        return {
            "day": datetime.now(UTC).date().isoformat(),
            "cores": os.cpu_count(),
            "rounds": self._rounds,
            "load_at_start": self._start,
            "load_at_end": os.getloadavg()[0],
            "versions": _versions(),
        }


def _versions() -> dict[str, str]:
    servers = {name: _server(*where) for name, where in SERVERS.items()}
    found = {"Python": platform.python_version(), "Copier": version("copier"), **servers}
    lines = (PROGRAMS / "requirements.txt").read_text().splitlines()
    pinned = (line.split("==") for line in lines if "==" in line)
    return found | {name.split("[")[0]: number for name, number in pinned}


def _server(name: str, elsewhere: str) -> str:
    """Return the version of an installed one; otherwise a wheel brings it."""
    others = sorted(map(str, Path("/").glob(elsewhere.lstrip("/")))) if elsewhere else []
    program = shutil.which(name) or next(reversed(others), None)
    if program is None:
        return "of the wheel"
    told = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    words = (word.removeprefix("v=") for word in told.split())
    return next(word for word in words if word[:1].isdigit())
