"""What may not be read or written; root may, so it is pretended."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from generator import git
from generator.change import journal, project, update
from generator.errors import GeneratorError, RefusedError
from tests import support

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests import projects
    from tests.support import Command

ANSWERS = ".copier-answers.yml"


@pytest.mark.parametrize("file", [ANSWERS, "README.md", ".git/fastapi-tasks/running.json"])
def test_a_file(
    command: Command,
    renders: projects.Renders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
) -> None:
    """Of several projects, one that may not be read stops no other."""
    refused = renders.project(tmp_path / "refused") / file
    for name in ("read_text", "read_bytes"):
        monkeypatch.setattr(Path, name, refusing(getattr(Path, name), refused))

    first, second = both(command, renders, tmp_path, "refused")

    assert str(refused) in first["error"]
    assert "cannot be read" in first["error"]
    assert second["error"] == ""


@pytest.mark.parametrize("path", ["refused", "refu*"])
def test_a_folder(
    command: Command,
    renders: projects.Renders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    (folder := tmp_path / "refused").mkdir()
    monkeypatch.setattr(Path, "iterdir", refusing(Path.iterdir, folder))

    first, second = both(command, renders, tmp_path, path)

    assert f"{folder} cannot be read: Permission denied" in first["error"]
    assert second["error"] == ""
    with pytest.raises(RefusedError, match="cannot be read"):
        project.find(folder)


@pytest.mark.parametrize("place", ["", "lock"])
def test_a_repository_that_may_not_be_written(
    command: Command,
    renders: projects.Renders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    """As one in which root has made a change."""
    shop = renders.project(tmp_path / "shop")
    refused = shop / ".git/fastapi-tasks" / place
    for name in ("mkdir", "open"):
        monkeypatch.setattr(Path, name, refusing(getattr(Path, name), refused))

    for words in (["switch", "--ci", "none"], ["undo"]):
        code, _, error = command([*words, str(shop)])
        assert code == 3
        assert f"{refused} cannot be written: Permission denied." in error
        assert "chown" in error


def test_objects_that_may_not_be_written(
    renders: projects.Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a plan needs them."""
    shop = renders.project(tmp_path / "shop")
    monkeypatch.setattr("os.access", lambda path, _: path != shop / ".git/objects")
    with pytest.raises(RefusedError, match=r"\.git/objects cannot be written"):
        update.update(update.Request(shop, dry_run=True))


def test_a_repository_that_may_not_be_read(
    renders: projects.Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git says that there is none."""
    shop = renders.project(tmp_path / "shop")
    (shop / ".git/HEAD").rename(tmp_path / "HEAD")
    monkeypatch.setattr("os.access", lambda path, _: path != shop / ".git")
    with pytest.raises(RefusedError, match=r"\.git cannot be read: Permission denied") as refused:
        update.update(update.Request(shop))
    assert "chown" in refused.value.remedy


def test_a_folder_that_may_not_be_written(
    renders: projects.Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What git had written beside it is taken back."""
    shop = renders.project(tmp_path / "shop")
    failing(monkeypatch, "read-tree")
    with pytest.raises(GeneratorError, match="The project is as it was") as failed:
        update.switch(update.Request(shop, {"ci": "none"}))

    assert failed.value.exit_code == 1
    assert "unable to unlink old" in failed.value.message
    assert failed.value.remedy == "Set that right and try again."
    assert support.git(shop, "status", "--porcelain") == ""


@pytest.mark.parametrize("words", ["switch --ci none", "undo"])
def test_a_folder_that_may_not_be_written_on_the_way_back(
    command: Command,
    renders: projects.Renders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
) -> None:
    """Git's error or Python's: it is half done, and undo ends it."""
    shop = renders.project(tmp_path / "shop")
    assert words != "undo" or command(["switch", str(shop), "--task-backend", "rq"])[0] == 0
    failing(monkeypatch, "read-tree", "reset")
    monkeypatch.setattr(Path, "unlink", refusing(Path.unlink, shop / "docs/rq.md"))

    code, _, error = command([*words.split(), str(shop)])

    assert code == 1
    assert f": Permission denied. The {words.split(maxsplit=1)[0]} is half done." in error
    assert error.endswith("Set that right, then run: fastapi-tasks undo\n")
    monkeypatch.undo()
    assert command(["undo", str(shop)])[0] == 0
    assert support.git(shop, "status", "--porcelain") == ""


def test_a_loop_of_links(command: Command, renders: projects.Renders, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    first, second = both(command, renders, tmp_path, "loop")
    assert "Give the path of a project" in first["error"]
    assert second["error"] == ""


def failing(monkeypatch: pytest.MonkeyPatch, *steps: str) -> None:
    """Let these of git's commands fail, once a change or undo is journalled."""
    real = git.run

    def run(folder: Path, *words: str, **more: Any) -> str:
        if words[0] in steps and journal.running(project.find_repository(folder)):
            raise GeneratorError("git failed: unable to unlink old 'a': Permission denied")
        return real(folder, *words, **more)

    monkeypatch.setattr(git, "run", run)


def both(
    command: Command, renders: projects.Renders, tmp_path: Path, path: str
) -> list[dict[str, Any]]:
    """Give the status of what that path names, and of a project that can be read."""
    renders.project(tmp_path / "shop")
    code, printed, _ = command(["status", path, "shop", "--json"])
    assert code == 3
    found: list[dict[str, Any]] = json.loads(printed)["projects"]
    return found


def refusing(real: Callable[..., Any], refused: Path) -> Callable[..., Any]:
    def call(path: Path, *arguments: Any, **more: Any) -> Any:
        if path == refused:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *arguments, **more)

    return call
