"""How long `fastapi-tasks new` takes beside plain `copier copy` of the same template.

Both are run as `python -m …` on the same clean clone at HEAD, in turns; the figure is the ratio of
the two medians of seven. What `new` does more: it reads the questions, checks the answers, and
makes the git repository with its first commit. Target: at most 1.3.
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
ROUNDS = 7


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clone = folder / "template"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        source = ["--template", str(clone), "--version", "HEAD"]
        plain = ["copier", "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD", str(clone)]
        commands = {"new": ["generator", "new", "--defaults", *source], "copier": plain}
        times = _measure(commands, folder)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for label, median in medians.items():
        print(f"{label:8}{median:.3f} s")
    print(f"ratio   {medians['new'] / medians['copier']:.2f} (target: at most 1.3)")


def _measure(commands: dict[str, list[str]], folder: Path) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in commands}
    # The first round warms the disk and the bytecode.
    for number in range(ROUNDS + 1):
        for name, command in commands.items():
            times[name].append(_seconds([*command, str(folder / f"{name}-{number}")], folder))
    return {name: values[1:] for name, values in times.items()}


def _seconds(command: list[str], folder: Path) -> float:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.com",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.com",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
