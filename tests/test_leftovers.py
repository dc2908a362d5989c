"""What an update leaves behind does not get into a project unnoticed."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import copier
import pytest

from tests import support

if TYPE_CHECKING:
    from pathlib import Path

CI_FILES = {"github": ".github/workflows/ci.yml", "gitlab": ".gitlab-ci.yml"}
CONFLICT = """
<<<<<<< before updating
mine
=======
theirs
>>>>>>> after updating
"""


@pytest.fixture
def project(checkout: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    copier.run_copy(str(checkout), folder, defaults=True, quiet=True, unsafe=False, vcs_ref="HEAD")
    support.git(folder, "init", "--quiet")
    support.commit(folder, "As rendered")
    return folder


def make_merged(project: Path, **environment: str) -> tuple[int, str]:
    """Run the part of `make check` that looks for what a merge has left."""
    done = subprocess.run(
        ["make", "--no-print-directory", "merged"],
        cwd=project,
        env={**os.environ, **environment},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def test_nothing_is_left(project: Path) -> None:
    """A fresh project has no marker, and its line ends are the same everywhere."""
    assert make_merged(project)[0] == 0
    assert (project / ".gitattributes").read_text().startswith("* text=auto eol=lf\n")


@pytest.mark.parametrize("committed", [True, False])
def test_conflict_markers(project: Path, *, committed: bool) -> None:
    """They are found in a file that git knows, as in one that it does not know yet."""
    (project / "src/shop/new.py").write_text(CONFLICT)
    if committed:
        support.commit(project, "By `git commit -am`")
    code, printed = make_merged(project)
    assert code != 0
    assert "src/shop/new.py:2:<<<<<<< before updating" in printed


def test_rejected_hunks(project: Path) -> None:
    """Git ignores them, so that none is committed; they are found nevertheless."""
    (project / "src/shop/main.py.rej").write_text("@@ -1 +1 @@\n")
    code, printed = make_merged(project)
    assert code != 0
    assert "src/shop/main.py.rej" in printed


def test_outside_of_git(project: Path) -> None:
    """A search that cannot be made has not found that all is well."""
    (project / ".git").rename(project / "no-git")
    assert make_merged(project)[0] != 0


RECURSE = {"GIT_CONFIG_KEY_0": "submodule.recurse", "GIT_CONFIG_VALUE_0": "true"}
AROUND = {
    "submodules": {"GIT_CONFIG_COUNT": "1", **RECURSE},
    "a hook's": {"GIT_DIR": "above/.git", "GIT_INDEX_FILE": "above/.git/index"},
}


@pytest.mark.parametrize("name", AROUND)
def test_git_as_it_is_around(project: Path, name: str) -> None:
    """Neither settings for all repositories nor what git tells a hook of another one matter."""
    code, printed = make_merged(project, **AROUND[name])
    assert code == 0, printed
    (project / "src/shop/new.py").write_text(CONFLICT)
    assert "src/shop/new.py:2:<<<<<<< before updating" in make_merged(project, **AROUND[name])[1]


@pytest.mark.parametrize("ci", CI_FILES)
def test_ci_looks_for_them(checkout: Path, tmp_path: Path, ci: str) -> None:
    """`make check` does, and CI runs it."""
    copier.run_copy(
        str(checkout), tmp_path, data={"ci": ci}, defaults=True, quiet=True, vcs_ref="HEAD"
    )
    assert "- make check\n" in (tmp_path / CI_FILES[ci]).read_text().replace("run: ", "")
    planned = subprocess.run(
        ["make", "--dry-run", "check"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert "git grep" in planned
    assert "*.rej" in planned
