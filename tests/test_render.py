"""The template itself, and what no stage of the matrix sees of a render."""

from __future__ import annotations

import itertools
import os
import re
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import copier
import httpx
import pytest

from generator import questions
from tests import support

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = support.ROOT / "template"
CHOICES = {question.name: question.choices for question in questions.load()}
BACKENDS, DATABASES = CHOICES["task_backend"], CHOICES["database"]


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


@pytest.mark.parametrize(
    ("version", "ci"),
    list(zip(CHOICES["python_version"], itertools.cycle(CHOICES["ci"]), strict=False)),
)
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
