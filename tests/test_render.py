"""Every combination, rendered and put through its own gates."""

from __future__ import annotations

import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import copier
import httpx
import pytest
import yaml

from generator import questions
from tests import support

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPLATE = support.ROOT / "template"
CHOICES = {question.name: question.choices for question in questions.load()}
WHOLE = "WHOLE_MATRIX" in os.environ  # `make test-all`
BACKENDS, DATABASES = CHOICES["task_backend"], CHOICES["database"]


def combinations() -> Iterator[dict[str, Any]]:
    """Yield each combination of backend, delivery, broker and database that can be asked for."""
    for backend, database in itertools.product(BACKENDS, DATABASES):
        for delivery in CHOICES["outbox_delivery"] if backend == "outbox" else [""]:
            for broker in CHOICES["broker"] if "celery" in (backend, delivery) else [""]:
                asked = {"outbox_delivery": delivery, "broker": broker, "database": database}
                yield {"task_backend": backend, **{k: v for k, v in asked.items() if v}}


TESTED = list(combinations())


def in_every_run(answers: dict[str, Any]) -> bool:
    """Tell whether the own tests take few enough minutes to be run each time."""
    return "celery" not in answers.values() and answers.get("outbox_delivery", "local") == "local"


ODD: list[dict[str, Any]] = [
    {"examples": [], "ci": "none"},
    {
        "project_name": 'A "quoted" name: ünï, 名前 \\ #1',
        "package_name": "a" * 40,
        "description": "Says \"hi\" & <bye> 'now' \\ {braces} 名前 " + "x" * 150,
        "ci": "gitlab",
        "database": "postgresql",
    },
]


def render(folder: Path, answers: dict[str, Any]) -> Path:
    source, project = folder / "source", folder / "project"
    source.mkdir()
    support.snapshot(source)
    copier.run_copy(str(source), project, data=answers, defaults=True, unsafe=False, quiet=True)
    support.git(project, "init", "--quiet", "--initial-branch=main")
    support.git(project, "add", "--all")
    return project


def environment(**more: str) -> dict[str, str]:
    ours = ("VIRTUAL_ENV", "PYTHONPATH", "UV_PYTHON")
    return {**{k: v for k, v in os.environ.items() if k not in ours}, **more}


def run(project: Path, *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=project,
        env=environment(),
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{' '.join(command)} in {project}:\n{done.stdout}"
    return done.stdout


def ids(answers: dict[str, Any]) -> str:
    return "-".join(map(str, answers.values()))[:40]


@pytest.fixture(scope="module", params=[*TESTED, *ODD], ids=ids)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render a combination and install just what it declares."""
    project = render(tmp_path_factory.mktemp("render"), request.param)
    run(project, "uv", "sync", "--quiet", "--python", sys.executable)
    return project


def test_format(project: Path) -> None:
    """It is formatted, whatever its name."""
    run(project, "uv", "run", "ruff", "format", "--check")


def test_lint(project: Path) -> None:
    """Its own broad set of rules finds nothing."""
    run(project, "uv", "run", "ruff", "check")


def test_types(project: Path) -> None:
    """Strict mypy and standard pyright find nothing."""
    run(project, "uv", "run", "mypy")
    python = str(project / ".venv/bin/python")
    run(project, sys.executable, "-m", "pyright", "--pythonpath", python, "src", "tests", "dev")


def test_its_own_tests(project: Path, request: pytest.FixtureRequest) -> None:
    """They pass, and none is skipped."""
    answers = request.node.callspec.params["project"]
    if not WHOLE and not in_every_run(answers):
        pytest.skip("takes minutes: `make test-all` runs the tests of this combination too")
    printed = run(project, "uv", "run", "pytest", "-q")
    assert re.search(r"\d+ passed in", printed), printed


def test_tree(project: Path) -> None:
    """No Jinja is left, paths are legal on Windows, and data files can be read."""
    for path in support.files(project):
        if path.startswith((".venv/", ".mypy_cache/", ".ruff_cache/", ".pytest_cache/")):
            continue
        assert not re.search(r'[<>:"|?*\\{}]|\.jinja$|[. ]$', path), path
        if path.endswith((".pyc", "uv.lock")):
            continue
        text = (project / path).read_text(encoding="utf-8")
        assert "\r" not in text
        if not path.endswith((".yml", ".mako")):  # a workflow has its own {{ }}
            assert not re.search(r"\{\{ |\{% ", text), path
        if path.endswith((".yml", ".yaml")):
            yaml.safe_load(text)
        if path.endswith(".toml"):
            tomllib.loads(text)


def test_documents(project: Path) -> None:
    """The pages of its backend are there, and in order."""
    given = support.answers(project)
    support.check_documents(project, [given["description"], given["package_name"]])


def test_no_shared_file_branches_on_the_backend() -> None:
    """Shared files interpolate; only an overlay knows its backend."""
    branches = re.compile(r"\{%-?\s*(if|elif)[^%]*(task_backend|" + "|".join(BACKENDS) + ")")
    for path in TEMPLATE.rglob("*"):
        if path.is_file() and ".venv" not in path.parts:
            assert not branches.search(path.read_text(encoding="utf-8")), path


def test_only_files_with_jinja_have_its_suffix() -> None:
    """What has no Jinja inside is plain Python that linters read in place."""
    for path in TEMPLATE.rglob("*.jinja"):
        assert re.search(r"\{\{|\{%", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_table_and_the_code_say_the_same(backend: str) -> None:
    """The capabilities that tests are run on are those of backends.yml."""
    overlay = TEMPLATE / f"{{{{ {backend} }}}}/src/{{{{ package_name }}}}/tasks/{backend}.py"
    [block] = re.findall(r"Capabilities\(\n(.*?)\n    \)", overlay.read_text(), re.DOTALL)
    declared = dict(re.findall(r"(\w+)=(True|False)", block))
    table = questions.table("backends")[backend]
    assert {name: value == "True" for name, value in declared.items()} == table["capabilities"]
    assert table["promises"].keys() == questions.table("promises").keys()


def test_trust_is_never_needed() -> None:
    """Nothing in copier.yml makes Copier ask for --trust."""
    text = (support.ROOT / "copier.yml").read_text()
    assert not re.search(r"^_(tasks|migrations|jinja_extensions|external_data)", text, re.MULTILINE)


@pytest.mark.parametrize("version", CHOICES["python_version"])
@pytest.mark.parametrize("ci", CHOICES["ci"])
def test_ci_and_image_use_the_chosen_python(tmp_path: Path, version: str, ci: str) -> None:
    """The Dockerfile, the metadata and the CI file name one Python version."""
    project = render(tmp_path, {"python_version": version, "ci": ci})
    assert f"FROM python:{version}-slim" in (project / "Dockerfile").read_text()
    assert f'requires-python = ">={version}"' in (project / "pyproject.toml").read_text()
    files = {"github": ".github/workflows/ci.yml", "gitlab": ".gitlab-ci.yml"}
    there = {name for name, path in files.items() if (project / path).exists()}
    assert there == {ci} - {"none"}
    for name in there:
        assert version in (project / files[name]).read_text()


@pytest.mark.parametrize("database", DATABASES)
def test_make_dev(tmp_path: Path, database: str) -> None:
    """One command runs the service and all it needs; Ctrl-C ends every process."""
    project = render(tmp_path, {"database": database})
    api, mail = free_ports(2)
    command = subprocess.Popen(
        ["make", "dev"],
        cwd=project,
        env=environment(SHOP_PORT=str(api), MAIL_PORT=str(mail)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for(command, "Application startup complete")
        # uvicorn listens only after that line, and says nothing when it does.
        transport = httpx.HTTPTransport(retries=8)
        with httpx.Client(base_url=f"http://127.0.0.1:{api}", transport=transport) as client:
            assert client.post("/signups", json={"email": "ada@example.com"}).status_code == 202
        wait_for(command, "mail to ada@example.com: Welcome")
        os.killpg(command.pid, signal.SIGINT)
        command.communicate(timeout=30)
        with pytest.raises(ProcessLookupError):
            os.killpg(command.pid, 0)
    finally:
        if command.poll() is None:
            os.killpg(command.pid, signal.SIGKILL)


def wait_for(command: subprocess.Popen[str], text: str) -> None:
    seen = []
    for line in command.stdout or []:
        seen.append(line)
        if text in line:
            return
    raise AssertionError(f"{text!r} was not printed:\n{''.join(seen)}")


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
