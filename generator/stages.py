"""What each combination goes through, in this order."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from generator import documented, imports, remembered, tree_checks, workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from queue import Queue

    from generator.combinations import Combination
    from generator.environments import Environments
    from generator.processes import Processes

# Run on the database of `python -m dev`, whose folder is the current one.
MIGRATE = """
import os
from alembic import command
from dev.migrate import alembic_config
config = alembic_config(os.environ["{prefix}DATABASE_URL"])
for step in (command.downgrade, "base"), (command.upgrade, "heads"):
    step[0](config, step[1])
command.check(config)
command.downgrade(config, "base")
"""


class FoundError(Exception):
    """What a stage found wrong with the project, a line each."""

    def __init__(self, found: Iterable[str]) -> None:
        super().__init__("\n".join(found))


class SkippedError(Exception):
    """The stage cannot or need not be run; the message is the reason."""


@dataclass
class Job:
    """One combination on its way through the stages."""

    combination: Combination
    project: Path
    root: Path
    processes: Processes
    environments: Environments
    mypy_caches: Queue[Path]
    """Those that no process writes into; two at once would crash."""
    thorough: bool
    limit: float | None
    recorded: dict[str, Any] = field(default_factory=dict)

    @property
    def python(self) -> str:
        return str(self.project / ".venv/bin/python")

    @property
    def answers(self) -> dict[str, Any]:
        if not self.recorded:
            text = (self.project / ".copier-answers.yml").read_text(encoding="utf-8")
            self.recorded.update(yaml.safe_load(text))
        return self.recorded

    def run(self, *command: str, limit: float = 300, **environment: str) -> str:
        return self.processes.run(command, self.project, self.limit or limit, **environment)

    def module(self, *arguments: str, limit: float = 300, **environment: str) -> str:
        """Run a module: the scripts of .venv belong to the environment it is linked to."""
        return self.run(self.python, "-m", *arguments, limit=limit, **environment)


@dataclass(frozen=True)
class Stage:
    name: str
    check: Callable[[Job], str | None]
    """Raises what it found; may return a note."""
    needs: str = "render"
    """The stage without which this one cannot be run."""


def tool(name: str) -> str:
    """Find a program of the development dependencies, or on PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found:
        return found
    reason = f"{name} is not installed; it is one of the development dependencies"
    if os.environ.get("CI"):
        raise FoundError([reason])
    raise SkippedError(reason)


def tree(job: Job) -> None:
    if found := list(tree_checks.problems(job.project, job.answers, job.root)):
        raise FoundError(found)


def compose(job: Job) -> None:
    """Check it against the schema that the Compose specification publishes, and its references."""
    schema = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    job.run(*schema, "compose.yaml")
    content = yaml.safe_load((job.project / "compose.yaml").read_text(encoding="utf-8"))
    if found := list(references(content)):
        raise FoundError(f"compose.yaml: {fault}" for fault in found)


def references(content: dict[str, Any]) -> Iterable[str]:
    services, published = content["services"], list[str]()
    for name, service in services.items():
        for other in service.get("depends_on", ()):
            if other not in services:
                yield f"{name} depends on {other}, which is no service"
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if not source.startswith((".", "/")) and source not in content.get("volumes", ()):
                yield f"{name} uses the volume {source}, which is not declared"
        for port in service.get("ports", ()):
            if port in published:
                yield f"{name} publishes {port}, as another service does"
            published.append(port)


def image(job: Job) -> None:
    job.run(tool("hadolint"), "--failure-threshold", "style", "Dockerfile")


def workflow(job: Job) -> None:
    schemas = {
        ".github/workflows/ci.yml": "vendor.github-workflows",
        ".gitlab-ci.yml": "vendor.gitlab-ci",
    }
    there = [file for file in schemas if (job.project / file).exists()]
    if not there:
        raise SkippedError("the project has no CI")
    for file in there:
        job.run(tool("check-jsonschema"), "--builtin-schema", schemas[file], file)
    if ".github/workflows/ci.yml" in there:
        job.run(tool("zizmor"), "--offline", "--quiet", "--no-progress", there[0])
        job.run(tool("actionlint"), there[0])


def install(job: Job) -> None:
    wanted = job.answers["python_version"]
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if tuple(map(int, wanted.split("."))) > sys.version_info[:2]:
        raise SkippedError(f"it is for Python {wanted} and newer, this is {here}")
    job.environments.install(job.project, job.processes)


def format_(job: Job) -> None:
    job.module("ruff", "format", "--check", "--no-cache")


def lint(job: Job) -> None:
    job.module("ruff", "check", "--no-cache", "--output-format", "concise")


def types(job: Job) -> str:
    passed = remembered.marker(job.project)
    if remembered.is_trusted(passed):
        passed.touch()
        return remembered.NOTE
    workspace.date_by_content(remembered.sources(job.project))
    cache = job.mypy_caches.get()
    try:
        job.module("mypy", "--cache-dir", str(cache))
    finally:
        job.mypy_caches.put(cache)
    checker = tool("pyright")
    job.run(checker, "--pythonpath", job.python, "src", "tests", "dev")
    passed.touch()
    return ""


def imported(job: Job) -> None:
    [libraries] = (job.project / ".venv/lib").glob("python*/site-packages")
    if found := list(imports.problems(job.project, libraries)):
        raise FoundError(found)


def migrations(job: Job) -> None:
    """Bring a database up, back to nothing and up again; compare it with the models."""
    prefix = f"{job.answers['package_name'].upper()}_"
    listed = (job.project / ".env.example").read_text(encoding="utf-8")
    # A broker that is named is not started; migrations need none.
    broker = dict(re.findall(rf"^#? ?({prefix}BROKER_URL)=(\S+)", listed, re.MULTILINE))
    job.module("dev", job.python, "-W", "error", "-c", MIGRATE.format(prefix=prefix), **broker)


def own_tests(job: Job) -> None:
    """Run the project's own tests; those that take minutes only if somebody asked for them."""
    if not job.thorough and (reason := slow(job.combination)):
        raise SkippedError(reason)
    some = ("-m", "not load") if _has_load(job.project) and not job.thorough else ()
    printed = job.module("pytest", "-q", "-p", "no:cacheprovider", *some, limit=1800)
    if not re.search(r"\d+ passed(, \d+ deselected)? in", printed):
        raise FoundError([f"tests were skipped:\n{printed}"])


def _has_load(project: Path) -> bool:
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    marks = settings["tool"]["pytest"]["ini_options"].get("markers", [])
    return any(mark.startswith("load:") for mark in marks)


def slow(combination: Combination) -> str | None:
    """Say why the own tests are not run every time."""
    answers = dict(combination.product)
    if answers["task_backend"].answer == "background":
        return None
    delivers = answers.get("outbox_delivery")
    if any(v.answer == "celery" for v in answers.values()) or (
        delivers and delivers.answer == "rq"
    ):
        return "they wait minutes for real recoveries; all: make test-all"
    if combination.others or answers["database"].answer != "postgresql":
        return "the same backend's are run with PostgreSQL; all: make test-all"
    return None


STAGES = [
    Stage("render", lambda _job: None, needs=""),
    Stage("tree", tree),
    Stage("compose", compose),
    Stage("image", image),
    Stage("workflow", workflow),
    Stage("install", install),
    Stage("format", format_, needs="install"),
    Stage("lint", lint, needs="install"),
    Stage("imports", imported, needs="install"),
    Stage("types", types, needs="install"),
    Stage("migrations", migrations, needs="install"),
    Stage("commands", documented.check, needs="install"),
    Stage("tests", own_tests, needs="install"),
]
