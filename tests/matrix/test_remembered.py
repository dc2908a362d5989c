"""What passed with a text is not taken for what passes with another."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from generator.matrix import matrix, remembered, workspace
from generator.matrix.job import FoundError, Job
from generator.matrix.stages import STAGES, Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_mypy_s_cache_takes_no_text_for_another(tmp_path: Path) -> None:
    """It did, for renders of the same second whose texts had the same length."""
    file = tmp_path / "src/shop.py"
    file.parent.mkdir()
    codes = []
    for text in ("x: int = 1\n", "x: str = 1\n", "x: int = 1\n"):
        file.write_text(text)
        os.utime(file, (0, 0))
        workspace.date_by_content([file])
        mypy = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / ".cache"), "src"]
        codes.append(
            subprocess.run(mypy, cwd=tmp_path, check=False, capture_output=True).returncode
        )
    assert codes == [0, 1, 0]


def test_what_passed_passes_again_for_the_same_text_versions_and_servers_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever could change the answer, the stage is run again; so it is in CI, or if asked to."""
    project, servers = tmp_path / "shop", tmp_path / "servers"
    source, library = project / "src/shop.py", project / ".venv/lib/python3.11/site-packages"
    for folder in (source.parent, library / "anyio-4.1.dist-info", servers):
        folder.mkdir(parents=True)
    source.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(servers))
    monkeypatch.delenv("CI", raising=False)
    ran: list[Job] = []
    job = cast("Job", SimpleNamespace(project=project, thorough=False, again=False))
    stage = Stage("check", ran.append, reads=lambda _: list((project / "src").iterdir()))

    def runs() -> bool:
        before = len(ran)
        noted = remembered.checked(job, stage)
        assert (noted == remembered.NOTE) is (len(ran) == before)
        return len(ran) > before

    changes: list[Callable[[], object]] = [
        lambda: source.write_text("y"),
        lambda: source.rename(source.with_name("shops.py")),
        (library / "anyio-4.2.dist-info").mkdir,
        lambda: shutil.copy(sys.executable, servers / "postgres"),
        lambda: age(servers / "postgres"),
        lambda: monkeypatch.setenv("SHOP_TEST_DATABASE_URL", "postgresql://db.example.com"),
        lambda: setattr(job, "thorough", True),
        lambda: age(*(tmp_path / "cache").rglob("passed-*")),
    ]
    for change in [lambda: None, *changes]:
        change()
        assert runs()
        assert not runs()

    job.again = True
    assert runs()
    job.again = False
    monkeypatch.setenv("CI", "true")
    assert runs()

    monkeypatch.delenv("CI")
    source.with_name("shops.py").write_text("z")
    failing = Stage("check", fail, reads=stage.reads)
    for _ in range(2):
        with pytest.raises(FoundError):
            remembered.checked(job, failing)


def test_a_second_render_has_the_same_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in it tells the folder or the time of the run."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    ran: list[Job] = []
    check = Stage("check", ran.append, reads=Job.rendered)
    monkeypatch.setattr(matrix, "STAGES", [STAGES[0], check])
    for _ in range(2):
        *_, outcome = matrix.run(matrix.Request({"name": "rq-sqlite"}))
    assert outcome.detail == remembered.NOTE
    assert len(ran) == 1


def fail(_: Job) -> None:
    raise FoundError(["a fault"])


def age(*files: Path) -> None:
    for file in files:
        os.utime(file, (1, 1))
