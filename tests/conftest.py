from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from generator.cli import app as cli
from generator.matrix import processes, workspace
from generator.matrix.environments import LOCK
from tests import projects, support

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.matrix import faults

settings.register_profile("default", max_examples=15, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=500, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

SHARED = {"project": "UV_PROJECT_ENVIRONMENT", "mypy": "MYPY_CACHE_DIR"}


@pytest.fixture(scope="session", autouse=True)
def neutral_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the settings of the person at this machine out of the tests, and theirs out of ours."""
    home = tmp_path_factory.mktemp("home")
    processes.heed_interrupts()
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name in [name for name in os.environ if name.startswith(("GIT_", "COPIER_"))]:
            patch.delenv(name)
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        caches = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
        patch.setenv("XDG_CACHE_HOME", caches)  # a new home would download all packages anew
        # What one project has installed, compiled and checked, the next one has not to.
        for name, variable in SHARED.items():
            patch.setenv(variable, str(workspace.reserved(stack, name).get()))
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
        patch.setenv("COPIER_SETTINGS_PATH", str(home / "copier.yml"))
        patch.setenv("COPIER_CACHE_DIR", str(home / "mirrors"))
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        (home / "copier.yml").write_text("{}")
        (home / "gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.com\n")
        yield


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a clean clone of this repository as it is on disk, uncommitted work included."""
    folder = tmp_path_factory.mktemp("checkout") / "fastapi-tasks-template"
    support.snapshot(folder)
    support.git(folder, "init", "--quiet", "--initial-branch=main")
    support.commit(folder, "A snapshot")
    return folder


@pytest.fixture
def released(checkout: Path, tmp_path: Path) -> Path:
    """Give a repository of the template with one release, v1.0.0, to be changed at will."""
    folder = tmp_path / "released"
    support.git(tmp_path, "clone", "--quiet", str(checkout), str(folder))
    support.git(folder, "tag", "v1.0.0")
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository of all released versions, and of the work tree as the newest."""
    folder = tmp_path_factory.mktemp("template") / "fastapi-tasks-template"
    projects.build_template(folder)
    return folder


@pytest.fixture(scope="session")
def renders(template: Path, tmp_path_factory: pytest.TempPathFactory) -> projects.Renders:
    return projects.Renders(tmp_path_factory.mktemp("renders"), template)


@pytest.fixture
def cached_renders(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Render each version and answers once in this process: what is under test is the merge."""
    if not hasattr(projects, "cache"):
        projects.cache = projects.RenderCache(tmp_path_factory.mktemp("cache"))
    monkeypatch.setattr("generator.change.sides.copied", projects.cache)


@pytest.fixture
def command(
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[support.Command]:
    """Give the command of a clean checkout, called in this process."""
    handlers = {number: signal.getsignal(number) for number in cli.ENDINGS}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("generator.template.source.ROOT", checkout)
    yield lambda arguments: (cli.main(arguments), *capsys.readouterr())
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def broken(tmp_path: Path) -> faults.Break:
    """Give a copy of the template in which a text was replaced; an empty one means the end."""

    def change(file: str, old: str, new: str) -> Path:
        root = tmp_path / "root"
        workspace.snapshot(support.ROOT, root)
        shutil.copy(support.ROOT / LOCK, root)
        path = root / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")
        return root

    return change
