"""A project in a folder of a repository: what does not work there is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import support

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"github": ".github/workflows/ci.yml", "gitlab": ".gitlab-ci.yml", "none": None}


@pytest.mark.parametrize("ci", FILES)
def test_ci_that_would_never_run(command: support.Command, tmp_path: Path, ci: str) -> None:
    """GitHub and GitLab read the file at the root alone, so `new` says where it has to go."""
    support.git(tmp_path, "init", "--quiet")
    code, out, err = command(["new", "services/shop", "--defaults", "--ci", ci])
    assert code == 0
    file = FILES[ci]
    told = f"{file} does not run there" in out + err
    assert told == (file is not None)
    assert (str(tmp_path / file) in out + err) if file else True
