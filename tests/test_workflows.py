"""The workflows of this repository, read by the programs that know them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from generator.template import questions
from tests import support

WORKFLOWS = sorted((support.ROOT / ".github/workflows").glob("*.yml"))


def run(program: str, *arguments: str) -> None:
    beside = Path(sys.executable).with_name(program)
    command = [str(beside) if beside.exists() else program, *arguments, *map(str, WORKFLOWS)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_schema() -> None:
    """They are what GitHub's schema says."""
    run("check-jsonschema", "--builtin-schema", "vendor.github-workflows")


def test_zizmor() -> None:
    """No known weakness is found."""
    run("zizmor", "--offline", "--quiet", "--no-progress")


def test_actionlint() -> None:
    """Expressions and shell are right."""
    run("actionlint")


def test_oldest_and_newest_python() -> None:
    """The combinations are run on both ends of what the template offers."""
    [asked] = [q for q in questions.load() if q.name == "python_version"]
    jobs = yaml.safe_load((support.ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    for job in ("matrix", "repository"):
        pythons = jobs[job]["strategy"]["matrix"]["python"]
        assert pythons == [asked.choices[0], asked.choices[-1]]
