"""How long update, switch and status take, against plain `copier update` on the same project.

Interleaved, median of several: .venv/bin/python benchmarks/update.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from generator.template import new, releases  # noqa: E402 (a script finds its package first)

ROUNDS = 7
MANY = 50
OLD = "v0.1.0"


def main() -> None:
    newest = list(releases.found(ROOT))[-1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = folder / "template"
        for version, archive in releases.found(ROOT).items():
            releases.unpack(archive, template)
            git(template, "init", "--quiet")
            git(template, "add", "--all")
            git(template, "commit", "--quiet", "--message", version)
            git(template, "tag", version)
        shop = folder / "shop"
        run(folder, "fastapi-tasks", "new", "shop", "--template", str(template), "--version", OLD)
        commands = {
            "copier update": ["copier", "update", "--quiet", "--defaults", "--vcs-ref", newest],
            "update": ["fastapi-tasks", "update", "--to", newest],
            "copier switch": [
                *("copier", "update", "--quiet", "--defaults", "--vcs-ref", ":current:"),
                *("--data", "task_backend=rq"),
            ],
            "switch": ["fastapi-tasks", "switch", "--task-backend", "rq"],
            "status": ["fastapi-tasks", "status"],
        }
        start = git(shop, "rev-parse", "HEAD").strip()
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for what, command in commands.items():
                began = time.perf_counter()
                run(shop, *command)
                times[what].append(time.perf_counter() - began)
                git(shop, "reset", "--quiet", "--hard", start)
                git(shop, "clean", "-fdq")
        many = [f"many/shop-{number}" for number in range(MANY)]
        for path in many:
            new.new(new.Request(folder / path, {}, str(template), OLD))
        began = time.perf_counter()
        run(folder, "fastapi-tasks", "status", *many)
        fifty = time.perf_counter() - began
    median = {what: statistics.median(found) for what, found in times.items()}
    for what, found in median.items():
        print(f"{what:16} {found:6.2f} s")
    for what, against, limit in (
        ("update", "copier update", 1.0),
        ("switch", "copier switch", 1.0),
        ("status", "copier update", 0.6),
    ):
        print(f"{what} / {against}: {median[what] / median[against]:.2f} (at most {limit})")
    print(f"status of {MANY} / of one: {fifty / median['status']:.1f} (at most 10)")


def git(folder: Path, *arguments: str) -> str:
    return run(folder, "git", *arguments)


def run(folder: Path, *command: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.stdout


if __name__ == "__main__":
    main()
