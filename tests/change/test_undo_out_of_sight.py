"""What undo must not reach: edits that git was told to overlook, and files behind a link."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.change import project, undo, update
from generator.errors import RefusedError
from tests import projects, support

pytestmark = pytest.mark.usefixtures("cached_renders")

WAYS = ["assume-unchanged", "skip-worktree"]


def overlook(shop: Path, way: str, *files: str) -> None:
    """Have git overlook those files, and edit them."""
    support.git(shop, "update-index", f"--{way}", *files)
    for file in files:
        (shop / file).write_text("for my eyes only\n")


def is_known(shop: Path, text: str) -> bool:
    """Tell whether any commit has a file with that text."""
    return bool(support.git(shop, "log", "--all", "--oneline", f"-S{text}"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("conflicts", [True, False])
def test_overlooked_edits_of_what_was_changed(
    renders: projects.Renders, tmp_path: Path, way: str, *, conflicts: bool
) -> None:
    """They are refused before anything is touched, and what the refusal says keeps them."""
    shop = renders.project(tmp_path / "shop")
    if conflicts:
        projects.conflicting(shop)
    else:
        update.switch(update.Request(shop, {"task_backend": "rq"}))
    overlook(shop, way, ".env.example", "compose.yaml")
    before, state = support.files(shop), support.git(shop, "status", "--porcelain")

    with pytest.raises(RefusedError, match=r"overlook .* \.env\.example, compose\.yaml") as refused:
        undo.undo(project.find(shop))

    assert support.files(shop) == before
    assert support.git(shop, "status", "--porcelain") == state
    command = f"git -C {shop} update-index --no-{way} .env.example compose.yaml"
    assert refused.value.remedy == f"Run: {command}"

    support.git(shop, *command.split()[1:])
    if conflicts:
        kept = undo.undo(project.find(shop)).kept
        assert support.git(shop, "show", f"{kept}:compose.yaml") == "for my eyes only\n"
    else:
        with pytest.raises(RefusedError, match="uncommitted changes"):
            undo.undo(project.find(shop))
        support.git(shop, "stash")
        undo.undo(project.find(shop))
    assert projects.is_clean(shop)


@pytest.mark.parametrize("way", WAYS)
def test_overlooked_edits_of_other_files(
    renders: projects.Renders, tmp_path: Path, way: str
) -> None:
    """They stay as they are, and no commit gets them."""
    shop = renders.project(tmp_path / "shop")
    overlook(shop, way, "src/shop/service/database.py", "Makefile")
    (shop / "Makefile").unlink()
    listed = support.git(shop, "ls-files", "-v")
    before = support.files(shop)
    update.switch(update.Request(shop, {"task_backend": "rq"}))

    undone = undo.undo(project.find(shop))

    assert not undone.kept
    assert support.files(shop) == before
    assert support.git(shop, "ls-files", "-v") == listed
    assert not is_known(shop, "for my eyes only")


@pytest.mark.parametrize("way", WAYS)
def test_overlooked_edits_in_conflicts(renders: projects.Renders, tmp_path: Path, way: str) -> None:
    """What was edited besides is kept without them."""
    shop = renders.project(tmp_path / "shop")
    projects.conflicting(shop)
    overlook(shop, way, "src/shop/service/database.py")
    (shop / "src/shop/main.py").write_text("# mine\n")

    undone = undo.undo(project.find(shop))

    assert support.git(shop, "show", f"{undone.kept}:src/shop/main.py") == "# mine\n"
    assert (shop / "src/shop/service/database.py").read_text() == "for my eyes only\n"
    assert not is_known(shop, "for my eyes only")


def test_overlooked_edits_in_a_sparse_checkout(template: Path, tmp_path: Path) -> None:
    """What is not checked out stays away besides."""
    mono = projects.sparse(tmp_path / "mono", template)
    overlook(mono, "assume-unchanged", "shop/src/shop/service/database.py")
    before, listed = support.files(mono), support.git(mono, "ls-files", "-v")
    update.switch(update.Request(mono / "shop", {"task_backend": "rq"}))

    assert not undo.undo(project.find(mono / "shop")).kept

    assert support.files(mono) == before
    assert support.git(mono, "ls-files", "-v") == listed
    assert not is_known(mono, "for my eyes only")


def move_behind_a_link(shop: Path, folder: str) -> Path:
    """Move a folder out of the project, with a link in its place; give where it is now."""
    elsewhere = (shop / folder).rename(shop.parent / "elsewhere")
    (shop / folder).symlink_to("../elsewhere")
    return elsewhere


def test_files_behind_a_link(renders: projects.Renders, tmp_path: Path) -> None:
    """They stay as they are, the link is kept, and the project has its own again."""
    shop = renders.project(tmp_path / "shop")
    projects.conflicting(shop)
    elsewhere = move_behind_a_link(shop, "docs")
    (elsewhere / "rq.md").write_text("an hour of writing\n")
    there = support.files(elsewhere)

    kept = undo.undo(project.find(shop)).kept

    assert support.files(elsewhere) == there
    assert support.git(shop, "cat-file", "blob", f"{kept}:docs") == "../elsewhere"
    assert not (shop / "docs").is_symlink()
    assert projects.is_clean(shop)


def test_a_link_that_git_does_not_know(renders: projects.Renders, tmp_path: Path) -> None:
    """It is kept too: what is in its place before the change is brought back."""
    shop = renders.project(tmp_path / "shop")
    projects.conflicting(shop)
    support.git(shop, "rm", "-r", "--quiet", "--cached", "docs")
    elsewhere = move_behind_a_link(shop, "docs")
    there = support.files(elsewhere)

    kept = undo.undo(project.find(shop)).kept

    assert support.files(elsewhere) == there
    assert support.git(shop, "cat-file", "blob", f"{kept}:docs") == "../elsewhere"
    assert projects.is_clean(shop)


def test_a_link_for_a_folder_of_the_change(renders: projects.Renders, tmp_path: Path) -> None:
    """Nothing is there before the change, so the link stays; folders behind it do too."""
    shop = renders.project(tmp_path / "shop", ci="none")
    (shop / projects.ENGINE / "background.py").write_text("# all mine\n")
    support.commit(shop, "Mine")
    update.switch(update.Request(shop, {"task_backend": "rq", "ci": "github"}))
    elsewhere = move_behind_a_link(shop, ".github")
    (elsewhere / "workflows/ci.yml").rename(elsewhere / "ci.yml")

    kept = undo.undo(project.find(shop)).kept

    assert (elsewhere / "ci.yml").exists()
    assert (elsewhere / "workflows").is_dir()
    assert (shop / ".github").readlink() == Path("../elsewhere")
    assert support.git(shop, "cat-file", "blob", f"{kept}:.github") == "../elsewhere"
    assert not support.git(shop, "status", "--porcelain", "--untracked-files=no")
