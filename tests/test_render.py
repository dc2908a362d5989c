"""The template itself, and what no stage of the matrix sees of a render."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import copier
import pytest

from generator.template import questions
from tests import support

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = support.ROOT / "template"
CHOICES = {question.name: question.choices for question in questions.load()}
BACKENDS = CHOICES["task_backend"]


def render(folder: Path, answers: dict[str, Any]) -> Path:
    source, project = folder / "source", folder / "project"
    source.mkdir()
    support.snapshot(source)
    copier.run_copy(str(source), project, data=answers, defaults=True, unsafe=False, quiet=True)
    support.git(project, "init", "--quiet", "--initial-branch=main")
    support.git(project, "add", "--all")
    return project


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
