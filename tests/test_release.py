"""Releases: what is packed is what is there, and what cannot be released is refused."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from generator.template import releases
from tests import projects, support
from tests.projects import ABOUT, NEXT, RELEASED

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(checkout: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    support.git(tmp_path, "clone", "--quiet", str(checkout), str(folder))
    return folder


def release(folder: Path, version: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "release.py", version],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )


def test_a_released_version_is_what_it_was_packed_from(tmp_path: Path) -> None:
    """Where the version is a release, its snapshot is the template; otherwise it says .dev."""
    version = f"v{ABOUT['version']}"
    if version not in RELEASED:
        assert ".dev" in ABOUT["version"]
        return
    releases.unpack(releases.found(support.ROOT)[version], tmp_path)
    for path, content in support.files(tmp_path).items():
        assert (support.ROOT / path).read_bytes() == content, path


def test_release(repository: Path, tmp_path: Path) -> None:
    """A snapshot, a section of the changelog, a version: and then it says what to tag."""
    changelog = repository / "CHANGELOG.md"
    text = changelog.read_text().replace("## [Unreleased]\n", "## [Unreleased]\n\n- More.\n", 1)
    changelog.write_text(text)
    support.commit(repository, "More")

    done = release(repository, "9.0.0")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "git tag --annotate v9.0.0" in done.stdout
    assert 'version = "9.0.0"' in (repository / "pyproject.toml").read_text()
    assert "## [Unreleased]\n\n## [9.0.0] - 20" in changelog.read_text()
    found = releases.found(repository)
    assert [*found] == [*RELEASED, "v9.0.0"]
    releases.unpack(found["v9.0.0"], tmp_path / "unpacked")
    packed = support.files(tmp_path / "unpacked")
    assert packed["copier.yml"] == (repository / "copier.yml").read_bytes()
    assert packed.keys() >= {"backends.yml", "template/Makefile", "CHANGELOG.md"}
    assert (tmp_path / "unpacked/template/Makefile").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("soon", "is not a version"),
        ("v9.0.0", "is written 9.0.0"),
        (RELEASED[0].removeprefix("v"), "is not newer than"),
    ],
)
def test_refused(repository: Path, version: str, message: str) -> None:
    done = release(repository, version)
    assert done.returncode == 1
    assert message in done.stderr
    assert not support.git(repository, "status", "--porcelain")


def test_dirty_is_refused(repository: Path) -> None:
    (repository / "stray").write_text("x")
    assert "uncommitted changes" in release(repository, "9.0.0").stderr


def test_no_release_ever_needs_trust(template: Path) -> None:
    """An old version that did would need it for every update from it, for ever."""
    for version in [*RELEASED, NEXT]:
        text = support.git(template, "show", f"{version}:copier.yml")
        for key in ("_tasks", "_migrations", "_jinja_extensions", "_external_data"):
            assert f"\n{key}:" not in text
    assert projects.is_clean(template)
