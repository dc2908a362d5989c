"""What each documented way of installation makes, the same command carries on, with no network."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import projects, support
from tests.support import answers, files, git

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("hatchling", reason="packages are built without a network")

WAYS = ["clone", "folder", "pip from git", "wheel", "sdist", "wheel of the sdist"]
BUILD = "import sys; from hatchling.build import build_{0} as b; print(b(sys.argv[1]))"


@pytest.fixture
def clone(checkout: Path, tmp_path: Path) -> Path:
    """Give a clone between two releases."""
    git(tmp_path, "clone", "--quiet", str(checkout), "clone")
    folder = tmp_path / "clone"
    projects.edit(folder, "pyproject.toml", f'"{projects.ABOUT["version"]}"', '"9.0.0.dev0"')
    support.commit(folder, "The next version")
    return folder


def run(cwd: Path, *command: str, code: int = 0) -> str:
    environment = support.child_environment(cwd, PYTHONPATH=None)
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def built(kind: str, source: Path, folder: Path) -> Path:
    folder.mkdir()
    name = run(source, sys.executable, "-c", BUILD.format(kind), str(folder)).split()[-1]
    return folder / name


def package(way: str, source: Path, folder: Path) -> str:
    """Say what pip or uv is told to install."""
    if way == "pip from git":
        return f"fastapi-tasks-template @ git+file://{source}"
    if way == "folder":
        return str(source)
    if way == "wheel":
        return str(built("wheel", source, folder / "built"))
    sdist = built("sdist", source, folder / "built")
    if way == "sdist":
        return str(sdist)
    run(folder, "tar", "--extract", "--file", str(sdist))
    return str(built("wheel", folder / sdist.name.removesuffix(".tar.gz"), folder / "again"))


def installed(way: str, source: Path, folder: Path) -> list[str]:
    """Install the command; its dependencies are those of the tests' own environment."""
    folder.mkdir(exist_ok=True)
    run(folder, sys.executable, "-m", "venv", "--without-pip", "venv")
    python = str(folder / "venv/bin/python")
    lent = [path for path in sys.path if path.endswith("-packages")]
    if way == "clone":  # as its .venv has it
        lent = [str(source), *lent]
    site = next(folder.glob("venv/lib/python*/site-packages"))
    (site / "lent.pth").write_text("\n".join(lent))
    if way != "clone":
        options = ["--quiet", "--offline", "--no-deps", "--no-build-isolation", "--no-cache"]
        what = package(way, source, folder)
        run(folder, "uv", "pip", "install", *options, "--python", python, what)
    return [python, "-m", "generator"]


@pytest.mark.parametrize("way", WAYS)
def test_between_two_releases(clone: Path, tmp_path: Path, way: str) -> None:
    """The project remembers a commit, and the printed line of Copier's finds it where it is."""
    command = installed(way, clone, tmp_path / "installed")
    commit = git(clone, "rev-parse", "HEAD").strip()
    has_repository = way in {"clone", "folder", "pip from git"}

    made = json.loads(run(tmp_path, *command, "new", "shop", "--json"))

    shop = tmp_path / "shop"
    recorded = answers(shop)
    assert commit.startswith(recorded["_commit"])
    if has_repository:
        assert str(clone) in recorded["_src_path"]
        shop.rename(tmp_path / "ours")
        run(tmp_path, sys.executable, "-m", *shlex.split(made["copier"]))
        theirs, ours = files(shop), files(tmp_path / "ours")
        theirs.pop(".copier-answers.yml")  # has the commit abbreviated
        ours.pop(".copier-answers.yml")
        assert theirs == ours
        shutil.rmtree(shop)
        (tmp_path / "ours").rename(shop)
    else:
        assert recorded["_src_path"].startswith("https://github.com/")
        assert f"--vcs-ref {commit}" in made["copier"]
    if way != "clone":
        shutil.rmtree(clone)  # who has installed the command needs it no more
    carries_on(command, shop)


def carries_on(command: list[str], shop: Path) -> None:
    [found] = json.loads(run(shop, *command, "status", "--json"))["projects"]
    assert (found["error"], found["problems"], found["drift"]["edited"]) == ("", [], [])
    run(shop, *command, "switch", "--ci", "none")
    run(shop, *command, "update")
    assert answers(shop)["ci"] == "none"
    run(shop, *command, "add", "slice", "invoices")
    assert (shop / "tests/test_invoices.py").is_file()


def test_a_newer_one_carries_on(clone: Path, tmp_path: Path) -> None:
    """What an older commit made, a command of a newer one updates from the clone that both know."""
    older = installed("folder", clone, tmp_path / "older")
    run(tmp_path, *older, "new", "shop", "--defaults")
    (clone / "template/ADDED").write_text("new\n")
    support.commit(clone, "More")
    newer = installed("folder", clone, tmp_path / "newer")

    run(tmp_path, *newer, "update", "shop")

    assert (tmp_path / "shop/ADDED").read_text() == "new\n"


@pytest.mark.parametrize("way", ["folder", "wheel"])
def test_files_that_are_no_commit(clone: Path, tmp_path: Path, way: str) -> None:
    """No commit is claimed; the same installation carries on, and it is said that no other can."""
    (clone / "template/ADDED").write_text("not committed\n")
    command = installed(way, clone, tmp_path / "installed")

    made = json.loads(run(tmp_path, *command, "new", "shop", "--json"))

    assert made["version"].startswith("v")
    assert made["copier"] == ""
    assert "only this installation can update it" in made["notes"][0]
    carries_on(command, tmp_path / "shop")
    assert (tmp_path / "shop/ADDED").is_file()


def test_an_unpacked_archive(clone: Path, tmp_path: Path) -> None:
    """As a forge gives it to who has no git: no commit is known."""
    shutil.rmtree(clone / ".git")
    command = installed("clone", clone, tmp_path / "installed")
    run(tmp_path, *command, "new", "shop", "--defaults")
    carries_on(command, tmp_path / "shop")


@pytest.mark.parametrize("way", ["folder", "wheel", "sdist"])
def test_a_release(clone: Path, tmp_path: Path, way: str) -> None:
    """Its version is what the project remembers, of the public repository."""
    projects.release(clone, "9.0.0")
    command = installed(way, clone, tmp_path / "installed")

    made = json.loads(run(tmp_path, *command, "new", "shop", "--json"))

    recorded = answers(tmp_path / "shop")
    assert recorded["_commit"] == made["version"] == "v9.0.0"
    assert recorded["_src_path"].startswith("https://github.com/")
    assert "--vcs-ref v9.0.0" in made["copier"]
    carries_on(command, tmp_path / "shop")


@pytest.mark.parametrize(("way", "committed"), [("folder", True), ("wheel of the sdist", False)])
def test_edited_since_its_release(
    clone: Path, tmp_path: Path, way: str, *, committed: bool
) -> None:
    """It is no release any more, whatever its version says: projects are of what is there."""
    projects.release(clone, "9.0.0")
    (clone / "template/ADDED").write_text("new\n")
    if committed:
        support.commit(clone, "More")
    command = installed(way, clone, tmp_path / "installed")

    run(tmp_path, *command, "new", "shop", "--defaults")

    assert (tmp_path / "shop/ADDED").is_file()
    assert answers(tmp_path / "shop")["_commit"] != "v9.0.0"
    carries_on(command, tmp_path / "shop")
