"""The steps of a Dockerfile: what they make of a context, and which of them are refused."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.matrix import dockerfile
from generator.matrix.job import FoundError
from tests import support

if TYPE_CHECKING:
    from pathlib import Path

NESTED = {"__pycache__/", "*.rej", ".*_cache/"}
DOCKERFILE = """\
# syntax=docker/dockerfile:1
FROM python:3.11-slim AS build
COPY --from=somewhere/uv:1 /uv /bin/
WORKDIR /app
COPY a.txt none* ./
COPY folder ./folder
RUN echo made > b.txt && \\
    chmod -R a+rX .
FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /app app
WORKDIR /app
COPY --from=build /app/folder ./copied
COPY --from=build /app/a.txt /app/b.txt ./
ENV PATH=/app/copied:$PATH NAME="a b"
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=5s CMD ["ask"]
CMD ["serve"]
"""
REFUSED = {
    "WORKDIR /app": ("STOPSIGNAL SIGINT", "STOPSIGNAL is a step that"),
    "COPY a.txt none*": ("COPY none", "COPY none: it is not there, or ignored"),
    "&& \\\n    chmod -R a+rX .": ("", "/app/copied: its mode is 700"),
    "FROM": ("#", "has no FROM"),
}


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """Give one of two files that are their owner's alone."""
    (tmp_path / "context/folder").mkdir(parents=True)
    for name in ("a.txt", "folder/inner.txt"):
        (tmp_path / "context" / name).write_text(name)
    for path in (tmp_path / "context").rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    return tmp_path / "context"


def build(text: str, context: Path) -> dockerfile.Image:
    def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
        subprocess.run(command, cwd=folder, env=environment, check=True)

    return dockerfile.build(text, context, context.parent, run)


def test_what_is_built(context: Path) -> None:
    """The last stage holds what it copied, and knows how it is run."""
    image = build(DOCKERFILE, context)
    assert {path: text.decode() for path, text in support.files(image.root).items()} == {
        "app/a.txt": "a.txt",
        "app/b.txt": "made\n",
        "app/copied/inner.txt": "folder/inner.txt",
    }
    assert (image.command, image.health, image.user) == (["serve"], ["ask"], 10001)
    assert image.environment["PATH"] == f"{image.place('copied')}:{dockerfile.PATH}"
    assert image.environment["NAME"] == "a b"
    assert (context / "a.txt").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("old", REFUSED)
def test_what_is_refused(context: Path, old: str) -> None:
    """Each with the step or the file."""
    new, expected = REFUSED[old]
    assert old in DOCKERFILE
    with pytest.raises(FoundError, match=expected):
        build(DOCKERFILE.replace(old, new), context)


def test_what_git_ignores_is_in_no_image(tmp_path: Path) -> None:
    """Nor are the folders of tests and tools; what is left is its owner's alone, as the worst."""
    project = tmp_path / "shop"
    (project / "src/shop").mkdir(parents=True)
    template = support.ROOT / "template"
    shutil.copy(template / ".dockerignore", project)
    ignored = (template / ".gitignore").read_text(encoding="utf-8").split()
    for name in (*ignored, "tests/", "dev/", ".git/"):
        for folder in (project, project / "src/shop") if name in NESTED else (project,):
            place = folder / name.replace("*", "x")
            place = place / "file" if name.endswith("/") else place
            place.parent.mkdir(exist_ok=True)
            place.touch()
    (project / "src/shop/main.py").touch()
    context = dockerfile.make_context(project, tmp_path / "context")
    assert sorted(support.files(context)) == [".dockerignore", "src/shop/main.py"]
    assert (context / "src/shop/main.py").stat().st_mode & 0o777 == 0o600
