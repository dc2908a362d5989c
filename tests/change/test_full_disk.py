"""A disk that is full, wherever it shows: it is said, and the project is as before or undone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from generator import disk, git
from generator.change import project, status, undo, update
from generator.errors import GeneratorError, RefusedError
from tests import projects, support

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WORDS = [
    "error: unable to write file x: No space left on device\nfatal: adding files failed",
    "error: unable to write file x",
    "fatal: unable to write new index file",
]


@pytest.fixture(params=WORDS)
def full(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give what makes the disk full for one of git's commands, in git's own words."""
    real, usage = git.ended, shutil.disk_usage("/")

    def make(command: str) -> None:
        def ended(folder: Path, *words: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
            if command in words:
                return subprocess.CompletedProcess(words, 128, b"", request.param.encode())
            return real(folder, *words, **more)

        monkeypatch.setattr(git, "ended", ended)
        if disk.FULL not in request.param:
            monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=4096))

    return make


def test_before_anything_is_done(
    renders: projects.Renders, tmp_path: Path, full: Callable[[str], None]
) -> None:
    shop = renders.project(tmp_path / "shop")
    full("add")
    with pytest.raises(RefusedError, match="The disk is full; the project is as it was") as refused:
        update.switch(update.Request(shop, {"task_backend": "rq"}))
    assert "try again" in refused.value.remedy
    assert projects.is_clean(shop)


@pytest.mark.parametrize(("step", "state"), [("add", "as it was"), ("reset", "half done")])
def test_undo(
    renders: projects.Renders, tmp_path: Path, full: Callable[[str], None], step: str, state: str
) -> None:
    shop = renders.project(tmp_path / "shop")
    head = projects.head(shop)
    update.switch(update.Request(shop, {"task_backend": "rq"}))
    full(step)
    with pytest.raises(GeneratorError, match=f"The disk is full; the project is {state}") as failed:
        undo.undo(project.find(shop))
    assert failed.value.exit_code == (1 if state == "half done" else 3)
    full("no step")
    undo.undo(project.find_repository(shop))
    assert projects.head(shop) == head
    assert projects.is_clean(shop)


def test_status(renders: projects.Renders, tmp_path: Path, full: Callable[[str], None]) -> None:
    shop = renders.project(tmp_path / "shop")
    full("clone")
    assert "The disk is full" in status.status([shop])[0].error


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 8 MB."""
    (folder := tmp_path / "small").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "small", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("place", ["project", "temporary"])
def test_a_real_one(
    renders: projects.Renders, tmp_path: Path, small_disk: Path, place: str
) -> None:
    """However much is left of it: each command either works or says so, and undo goes back."""
    shop = renders.project((small_disk if place == "project" else tmp_path) / "shop")
    head, filler = projects.head(shop), small_disk / "filler"
    endings = set()
    for left in (0, 64, 128, 160, 2048):
        fill(filler, left)
        temporary = small_disk if place == "temporary" else tmp_path
        done = command(temporary, "switch", shop, "--task-backend", "rq")
        endings.add(done.returncode)
        assert done.returncode == 0 or "The disk is full" in done.stderr, (left, done.stderr)
        for space in (left, None):
            fill(filler, space)
            if projects.head(shop) != head or "half done" in done.stderr:
                done = command(temporary, "undo", shop)
                assert done.returncode == 0 or "The disk is full" in done.stderr, done.stderr
        assert projects.head(shop) == head
        assert projects.is_clean(shop)
    assert {0, 3} <= endings <= {0, 1, 3}


def fill(filler: Path, left: int | None) -> None:
    """Leave that many KB on the disk, or all of it."""
    filler.unlink(missing_ok=True)
    if left is not None:
        with filler.open("wb") as file:
            os.posix_fallocate(
                file.fileno(), 0, shutil.disk_usage(filler.parent).free - left * 1024
            )


def command(temporary: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "generator", *map(str, words)],
        cwd=support.ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        check=False,
        capture_output=True,
        text=True,
    )
