"""`new` in a folder that a forge or an editor has put something into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator import git as ours
from generator.change import update
from generator.errors import RefusedError
from generator.template import new
from tests import support
from tests.support import git

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"README.md": "# shop\n", "LICENSE": "MIT\n", ".gitignore": "*.pyc\n"}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (folder := tmp_path / "shop").mkdir()
    return folder


def make(shop: Path, template: Path) -> new.Project:
    return new.new(new.Request(shop, template=str(template)))


@pytest.mark.parametrize("names", [[], ["README.md"], ["LICENSE"], list(FILES)])
def test_a_repository_just_made_on_a_forge(template: Path, shop: Path, names: list[str]) -> None:
    """What it renders takes the place of what is committed; all else stays, in one history."""
    git(shop, "init", "--quiet", "--initial-branch=trunk")
    for name in names:
        (shop / name).write_text(FILES[name])
    if names:
        support.commit(shop, "Initial commit")

    made = make(shop, template)

    assert (made.created_repository, made.committed) == (False, True)
    assert git(shop, "status", "--porcelain") == ""
    assert git(shop, "rev-list", "--count", "HEAD").strip() == ("2" if names else "1")
    for name in names:
        assert git(shop, "show", f"HEAD{'' if name == 'LICENSE' else '^'}:{name}") == FILES[name]
    replaced = [note for note in made.notes if "in the commit before" in note]
    assert len(replaced) == len([name for name in names if name != "LICENSE"])
    assert update.switch(update.Request(shop, {"ci": "none"})).applied


@pytest.mark.parametrize("has_repository", [True, False])
def test_files_that_are_in_no_commit(template: Path, shop: Path, *, has_repository: bool) -> None:
    """They are kept beside what takes their place."""
    if has_repository:
        git(shop, "init", "--quiet")
    (shop / ".idea").mkdir()
    for name, text in FILES.items():
        (shop / name).write_text(text)

    made = make(shop, template)

    assert made.committed
    assert (shop / "README.md.orig").read_text() == FILES["README.md"]
    assert (shop / ".gitignore.orig").read_text() == FILES[".gitignore"]
    assert (shop / "LICENSE").read_text() == FILES["LICENSE"]
    assert "README.md.orig" in "".join(made.notes)
    assert "README.md.orig" not in git(shop, "ls-files").split()


def test_other_files_are_refused(template: Path, shop: Path) -> None:
    (shop / "pyproject.toml").write_text("")
    with pytest.raises(RefusedError, match=r"is not empty: it holds pyproject.toml") as refused:
        make(shop, template)
    assert "move that away" in refused.value.remedy


@pytest.mark.parametrize("has_repository", [True, False])
def test_interrupted(
    template: Path, shop: Path, monkeypatch: pytest.MonkeyPatch, *, has_repository: bool
) -> None:
    """All is as it was."""
    if has_repository:
        git(shop, "init", "--quiet")
        support.git(shop, "commit", "--quiet", "--allow-empty", "--message", "Start")
    for name, text in FILES.items():
        (shop / name).write_text(text)
    before = support.files(shop)

    def interrupt(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(ours, "knows_who", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make(shop, template)

    assert support.files(shop) == before
    assert sorted(entry.name for entry in shop.iterdir()) == sorted(
        [*FILES, *([".git"] if has_repository else [])]
    )
