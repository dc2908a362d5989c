"""What users have where a change wants to write: it stays theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.change import update
from generator.errors import RefusedError
from tests import projects, support

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("cached_renders")


def folder_of_the_new_package(shop: Path) -> None:
    (shop / "src/web").mkdir()
    (shop / "src/web/main.py").write_text("# mine\n")
    main = shop / "src/shop/main.py"
    main.write_text(main.read_text() + "# mine too\n")


def file_named_as_the_new_package(shop: Path) -> None:
    (shop / "src/web").write_text("mine\n")


def link_for_a_folder(shop: Path) -> None:
    (shop / ".github").symlink_to("../shared")


def folder_for_a_file(shop: Path) -> None:
    (shop / "docs/rq.md").mkdir()
    (shop / "docs/rq.md/mine").write_text("mine\n")


@pytest.mark.parametrize(
    ("made", "answers", "message"),
    [
        (folder_of_the_new_package, {"package_name": "web"}, "cannot move from src/shop/"),
        (file_named_as_the_new_package, {"package_name": "web"}, "src/web is in the way"),
        (link_for_a_folder, {"ci": "github"}, r"\.github is in the way"),
        (folder_for_a_file, {"task_backend": "rq"}, "docs/rq.md/mine is in the way"),
    ],
)
def test_committed_in_the_way(
    renders: projects.Renders,
    tmp_path: Path,
    made: Callable[[Path], None],
    answers: dict[str, str],
    message: str,
) -> None:
    """It is refused, and nothing is touched."""
    shop = renders.project(tmp_path / "shop", ci="none")
    made(shop)
    support.commit(shop, "Mine")
    files, head = support.files(shop), projects.head(shop)

    with pytest.raises(RefusedError, match=message) as refused:
        update.switch(update.Request(shop, answers))

    assert refused.value.remedy
    assert support.files(shop) == files
    assert projects.head(shop) == head
    assert projects.is_clean(shop)


def test_a_submodule_in_the_way(renders: projects.Renders, tmp_path: Path) -> None:
    """It is a conflict, like any file that both sides have added."""
    shop = renders.project(tmp_path / "shop")
    support.git(shop, "clone", "--quiet", ".", "docs/rq.md")
    (shop / "docs/rq.md/mine").write_text("mine\n")
    support.commit(shop / "docs/rq.md", "A commit that only it has")
    support.commit(shop, "Another repository")

    done = update.switch(update.Request(shop, {"task_backend": "rq"}))

    assert [change.path for change in done.conflicts] == ["docs/rq.md"]
    assert (shop / "docs/rq.md/mine").exists()


@pytest.mark.parametrize("ignored", ["docs/background.md\n", ""], ids=["ignored", "not-ignored"])
def test_written_meanwhile(renders: projects.Renders, tmp_path: Path, ignored: str) -> None:
    """While it asks, or while the tests run, say: it is refused before anything is touched."""
    shop = renders.project(tmp_path / "shop", task_backend="outbox")
    (shop / ".git/info").mkdir(exist_ok=True)
    (shop / ".git/info/exclude").write_text(ignored)
    head = projects.head(shop)

    def write(_question: str) -> bool:
        return bool((shop / "docs/background.md").write_text("mine\n"))

    with pytest.raises(RefusedError, match=r"docs/background\.md is in the way"):
        update.switch(update.Request(shop, {"task_backend": "background"}, confirm=write))

    assert (shop / "docs/background.md").read_text() == "mine\n"
    assert projects.head(shop) == head
    assert not (shop / ".git/fastapi-tasks").exists()
