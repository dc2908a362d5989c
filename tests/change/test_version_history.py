"""A version edited by hand is refused; whatever changes it in earnest is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.change import project, status, undo, update
from generator.errors import RefusedError
from tests import projects, support
from tests.projects import NEXT, RELEASED, edit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ANSWERS = ".copier-answers.yml"
OLD = RELEASED[0]


@pytest.fixture
def shop(renders: projects.Renders, tmp_path: Path) -> Path:
    return renders.project(tmp_path / "shop", OLD)


def edit_version(shop: Path) -> None:
    edit(shop, ANSWERS, f"_commit: {OLD}", f"_commit: {NEXT}")
    support.commit(shop, "By hand")


@pytest.mark.parametrize("later", [False, True])
def test_edited_by_hand(shop: Path, *, later: bool) -> None:
    """It would leave the files of the old version for ever, or merge them with the wrong base."""
    edit_version(shop)
    if later:
        (shop / "README.md").write_text("Ours.\n")
        support.commit(shop, "Ours")

    for change in (update.update, update.switch):
        with pytest.raises(RefusedError, match=f"by hand in .*: its _commit is {NEXT}"):
            change(update.Request(shop, {"ci": "none"}))
    [found] = status.status([shop])
    assert "_commit was edited by hand" in found.problems[0]
    assert found.exit_code == 2

    edit(shop, ANSWERS, f"_commit: {NEXT}", f"_commit: {OLD}")
    support.commit(shop, "Taken back")
    assert status.status([shop])[0].problems == []
    assert update.update(update.Request(shop)).applied


def copier(shop: Path) -> None:
    assert projects.copier(shop, "update", "--defaults", "--vcs-ref", NEXT).returncode == 0


def by_copier(shop: Path) -> None:
    copier(shop)
    support.commit(shop, "Update")


def by_copier_in_two_commits(shop: Path) -> None:
    copier(shop)
    support.git(shop, "commit", "--quiet", "--message", "Answers", ANSWERS)
    support.commit(shop, "The rest")


def by_copier_merged(shop: Path) -> None:
    support.git(shop, "switch", "--quiet", "--create", "renovate")
    by_copier(shop)
    support.git(shop, "switch", "--quiet", "main")
    (shop / "own").write_text("mine\n")
    support.commit(shop, "Mine")
    support.git(shop, "merge", "--quiet", "--no-edit", "renovate")


def by_copier_squashed(shop: Path) -> None:
    by_copier(shop)
    support.git(shop, "checkout", "--quiet", "--orphan", "squashed")
    support.commit(shop, "All of it")


def by_us(shop: Path) -> None:
    assert update.update(update.Request(shop)).applied


def by_us_and_back(shop: Path) -> None:
    by_us(shop)
    undo.undo(project.find(shop))


def by_us_and_reverted(shop: Path) -> None:
    by_us(shop)
    support.git(shop, "revert", "--no-edit", "HEAD")


@pytest.mark.parametrize(
    "change",
    [
        by_copier,
        by_copier_in_two_commits,
        by_copier_merged,
        by_copier_squashed,
        by_us,
        by_us_and_back,
        by_us_and_reverted,
    ],
    ids=lambda change: change.__name__,
)
def test_updated(shop: Path, change: Callable[[Path], None]) -> None:
    change(shop)
    assert status.status([shop])[0].problems == []
    assert update.switch(update.Request(shop, {"ci": "none"})).applied


def test_versions_that_render_the_same(template: Path, tmp_path: Path) -> None:
    """Such an update, or one that brings what the user has deleted, changes the version alone."""
    folder = tmp_path / "template"
    support.git(tmp_path, "clone", "--quiet", str(template), str(folder))
    shop = projects.make(tmp_path / "shop", folder, NEXT)
    support.git(shop, "rm", "--quiet", "docs/tasks.md")
    support.commit(shop, "Away")
    for number, path in enumerate(("CHANGELOG.md", "template/docs/tasks.md.jinja")):
        (folder / path).write_text(f"{(folder / path).read_text()}More.\n")
        support.commit(folder, "More")
        support.git(folder, "tag", f"v9.{number}.0")

        update.update(update.Request(shop))

        assert support.git(shop, "show", "--format=", "--name-only").split() == [ANSWERS]
        assert support.answers(shop)["_commit"] == f"v9.{number}.0"
        assert status.status([shop])[0].problems == []
    assert update.switch(update.Request(shop, {"ci": "none"})).applied
