"""What lies beside a project in its repository, or in its folder and in no commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.change import project, undo, update
from generator.errors import RefusedError
from generator.template import new
from tests import projects, support
from tests.projects import NEXT, RELEASED

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def mono(template: Path, tmp_path: Path) -> Path:
    """Give a repository of two services, with work on the second in all states."""
    mono = tmp_path / "mono"
    support.git(tmp_path, "init", "--quiet", "--initial-branch=main", "mono")
    projects.make(mono / "services/shop", template, NEXT)
    for name in ("edited", "staged", "deleted"):
        (mono / "other").mkdir(exist_ok=True)
        (mono / "other" / name).write_text("as committed\n")
    support.commit(mono, "Start")
    (mono / "other/edited").write_text("edited\n")
    (mono / "other/staged").write_text("staged\n")
    (mono / "other/new").write_text("new\n")
    support.git(mono, "add", "other/staged", "other/new")
    (mono / "other/staged").write_text("edited again\n")
    (mono / "other/deleted").unlink()
    (mono / "other/unknown").write_text("unknown\n")
    return mono


@pytest.mark.parametrize("conflicts", [False, True])
@pytest.mark.parametrize("branch", ["", "of-rq"])
def test_work_in_another_folder(mono: Path, *, conflicts: bool, branch: str) -> None:
    """It stands in no change's way, and a change and its undo leave all of it as it is."""
    shop = mono / "services/shop"
    before = support.files(mono), support.git(mono, "status", "--porcelain")
    if conflicts:
        adapter = shop / projects.ENGINE / "background.py"
        adapter.write_text("# all mine\n")
        support.git(mono, "commit", "--quiet", "--message", "Mine", str(adapter))
        before = support.files(mono), before[1]

    done = update.switch(update.Request(shop, {"task_backend": "rq"}, branch=branch))

    assert done.applied
    assert bool(done.conflicts) == conflicts
    others = support.git(mono, "status", "--porcelain", "--", "other")
    assert others == before[1]
    if not conflicts:
        changed = support.git(mono, "show", "--name-only", "--format=").split()
        assert all(name.startswith("services/shop/") for name in changed)
    assert not undo.undo(project.find(shop)).kept
    assert (support.files(mono), support.git(mono, "status", "--porcelain")) == before


def test_work_in_the_projects_folder(mono: Path) -> None:
    (mono / "services/shop/README.md").write_text("edited\n")
    with pytest.raises(RefusedError, match="uncommitted changes"):
        update.switch(update.Request(mono / "services/shop", {"ci": "none"}))


def test_files_that_the_repository_ignores(template: Path, tmp_path: Path) -> None:
    """They are not said to be deleted; it is told what has them updated."""
    shop = projects.make(tmp_path / "shop", template, RELEASED[0])
    with (shop / ".gitignore").open("a") as file:
        file.write("compose.yaml\nREADME.md\n")
    support.git(shop, "rm", "--quiet", "--cached", "compose.yaml", "README.md")
    (shop / "README.md").unlink()
    support.commit(shop, "Ignored")

    done = update.update(update.Request(shop, to=NEXT))

    reasons = {change.path: change.reason for change in done.changes}
    assert "git ignores it" in reasons["compose.yaml"]
    assert "you deleted it" in reasons["README.md"]


def test_a_template_with_a_submodule(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are made, and updated."""
    for number, value in enumerate(("protocol.file.allow", "always")):
        monkeypatch.setenv(("GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0")[number], value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    part, folder, shop = (tmp_path / name for name in ("part", "template", "shop"))
    support.git(tmp_path, "init", "--quiet", "part")
    support.git(tmp_path, "clone", "--quiet", str(template), str(folder))
    for version in ("v8.0.0", "v8.1.0"):
        (part / "PART").write_text(f"{version}\n")
        support.commit(part, version)
        if version == "v8.0.0":
            support.git(folder, "submodule", "add", "--quiet", str(part), "template/part")
        else:
            support.git(folder / "template/part", "pull", "--quiet")
        support.commit(folder, version)
        support.git(folder, "tag", version)
    new.new(new.Request(shop, template=str(folder), version="v8.0.0"))
    assert (shop / "part/PART").read_text() == "v8.0.0\n"
    assert not (shop / "part/.git").exists()

    assert update.update(update.Request(shop)).applied

    assert (shop / "part/PART").read_text() == "v8.1.0\n"
