"""Files that the template has moved: edits go where they are now, and nothing is lost silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.change import project, undo, update
from generator.change.merge import Kind
from generator.errors import RefusedError
from tests import projects, support
from tests.moving import NEW, OLD, build, edit, make, reason, text, told, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("moving") / "template")


@pytest.fixture
def shop(template: Path, tmp_path: Path) -> Path:
    """Give a project of the second version."""
    return make(tmp_path / "shop", template)


def test_edits_go_where_the_file_is_now(shop: Path) -> None:
    """What the template changed in it is there too; undo brings all back."""
    edit(shop / OLD)
    (shop / OLD).chmod(0o755)
    support.commit(shop, "Mine")
    before, head = support.files(shop), projects.head(shop)

    done = update.update(update.Request(shop))

    lines = (shop / NEW).read_text().splitlines()
    assert (lines[4], lines[9]) == ("# the template's line 4 of database.py", "# my line")
    assert (shop / NEW).stat().st_mode & 0o111
    assert not (shop / OLD).parent.exists()
    assert done.exit_code == 0
    assert told(done, Kind.MERGED) == [(OLD, NEW)]
    assert told(done, Kind.UPDATED)[1:] == [
        ("tests/checks/test_all.py", "tests/engine/test_all.py")
    ]
    assert told(done, Kind.MOVED) == [
        ("src/shop/health.py", "src/shop/service/health.py"),
        ("tests/checks/help.py", "tests/engine/support/help.py"),
    ]
    assert told(done, Kind.REMOVED) == [("", "src/shop/elsewhere.py")]
    assert projects.is_clean(shop)
    undo.undo(project.find(shop))
    assert (support.files(shop), projects.head(shop)) == (before, head)


def test_own_files_go_with_their_folder(shop: Path) -> None:
    """In a folder that has moved; not where only files of the template have."""
    write(shop / "tests/checks/mine/test_mine.py", text("mine"))
    write(shop / "src/shop/mine.py", text("mine too"))
    support.commit(shop, "Mine")

    done = update.update(update.Request(shop))

    assert (shop / "tests/engine/mine/test_mine.py").read_text() == text("mine")
    assert (shop / "src/shop/mine.py").exists()
    assert not (shop / "tests/checks").exists()
    moved = ("tests/checks/mine/test_mine.py", "tests/engine/mine/test_mine.py")
    assert moved in told(done, Kind.MOVED)


def test_several_versions_at_once(template: Path, tmp_path: Path) -> None:
    """A file has moved twice; and if the package gets another name meanwhile, three times."""
    shop = make(tmp_path / "shop", template, "v0.1.0")
    edit(shop / "src/shop/database.py")
    write(shop / "checks/test_mine.py", text("mine"))
    support.commit(shop, "Mine")

    done = update.update(update.Request(shop, {"package_name": "web"}))

    assert told(done, Kind.MERGED) == [("src/shop/database.py", "src/web/service/database.py")]
    assert (shop / "tests/engine/test_mine.py").exists()
    assert not (shop / "src/shop").exists()
    assert not (shop / "checks").exists()


def test_one_version_after_the_other(template: Path, tmp_path: Path) -> None:
    """The same comes of it, but that the second has no table of its own: it moves nothing."""
    shop = make(tmp_path / "shop", template, "v0.1.0")
    update.update(update.Request(shop, to="v0.2.0"))
    edit(shop / OLD)
    support.commit(shop, "Mine")

    update.update(update.Request(shop))
    done = update.update(update.Request(shop))

    assert "# my line" in (shop / NEW).read_text()
    assert done.changes == []


def test_a_commit_after_a_release(template: Path, tmp_path: Path) -> None:
    """A project of one that stands between two releases moves as one of the earlier."""
    own = tmp_path / "template"
    support.git(tmp_path, "clone", "--quiet", str(template), str(own))
    support.git(own, "checkout", "--quiet", "-b", "side", "v0.2.0")
    write(own / "template/docs/page.md", text("page"))
    support.commit(own, "Between")
    shop = make(tmp_path / "shop", own, "side")
    assert support.answers(shop)["_commit"].startswith("v0.2.0-1-g")
    edit(shop / OLD)
    support.commit(shop, "Mine")

    done = update.update(update.Request(shop, to="v0.3.0"))

    assert told(done, Kind.MERGED) == [(OLD, NEW)]


def test_a_template_without_a_table(template: Path, tmp_path: Path) -> None:
    """It has moved nothing: what it renders no longer is in conflict, as ever."""
    shop = make(tmp_path / "shop", template, "v0.1.0")
    edit(shop / "src/shop/database.py")
    support.commit(shop, "Mine")

    done = update.update(update.Request(shop, to="v0.2.0"))

    assert told(done, Kind.CONFLICT) == [("", "src/shop/database.py")]
    assert told(done, Kind.MOVED) == []


def test_the_same_line(shop: Path) -> None:
    """The conflict is in the new place, and names the old one."""
    edit(shop / OLD, 4)
    support.commit(shop, "Mine")

    done = update.update(update.Request(shop))

    assert told(done, Kind.CONFLICT) == [(OLD, NEW)]
    assert "# my line\n=======\n# the template's line 4" in (shop / NEW).read_text()
    assert f"UU {NEW}\n" in support.git(shop, "status", "--porcelain")
    assert not (shop / OLD).exists()


@pytest.mark.parametrize("is_edited", [True, False])
def test_a_file_that_the_user_has_moved_elsewhere(shop: Path, *, is_edited: bool) -> None:
    """It stays as it is, in conflict: what the template has now is for the folder that it chose."""
    mine = shop / "src/shop/accounts/database.py"
    mine.parent.mkdir()
    (shop / OLD).rename(mine)
    if is_edited:
        edit(mine)
    support.commit(shop, "Mine")
    before = mine.read_text()

    done = update.update(update.Request(shop))

    assert mine.read_text() == before
    assert told(done, Kind.CONFLICT) == [("", "src/shop/accounts/database.py")]
    assert reason(done, "src/shop/accounts/database.py") == (
        f"you renamed {OLD} to it, and the template moved that to {NEW}"
    )
    assert (OLD, NEW) in told(done, Kind.ADDED)
    assert "# the template's line 4" in (shop / NEW).read_text()
    assert done.exit_code == 2


def test_a_file_that_the_user_has_renamed_in_a_folder_that_moved(shop: Path) -> None:
    """It goes with that folder, and gets the template's changes there."""
    (shop / "tests/checks/test_all.py").rename(shop / "tests/checks/test_most.py")
    edit(shop / "tests/checks/test_most.py")
    support.commit(shop, "Mine")

    done = update.update(update.Request(shop))

    assert told(done, Kind.MERGED) == [("tests/checks/test_most.py", "tests/engine/test_most.py")]
    assert "# the template's line 4" in (shop / "tests/engine/test_most.py").read_text()
    assert not (shop / "tests/engine/test_all.py").exists()


def test_a_file_that_the_user_has_moved_as_the_template_did(shop: Path) -> None:
    """Before it or after it, both mean the same file."""
    (shop / NEW).parent.mkdir()
    (shop / OLD).rename(shop / NEW)
    edit(shop / NEW)
    support.commit(shop, "Mine")

    done = update.update(update.Request(shop))

    assert told(done, Kind.MERGED) == [("", NEW)]
    assert {"# my line", "# the template's line 4 of database.py"} <= {
        *(shop / NEW).read_text().splitlines()
    }


def test_a_file_that_the_user_has_deleted(shop: Path) -> None:
    """It stays away, and the plan says where it would be."""
    (shop / OLD).unlink()
    (shop / "src/shop/health.py").unlink()
    support.commit(shop, "Mine")

    done = update.update(update.Request(shop))

    assert not (shop / "src/shop/service").exists()
    assert told(done, Kind.LEFT) == [(OLD, NEW)]
    assert "you deleted it" in reason(done, NEW)


@pytest.mark.parametrize("edited", [True, False])
def test_a_place_that_is_taken(shop: Path, *, edited: bool) -> None:
    """Whose file is which has to be settled by hand; both texts are there until then."""
    write(shop / NEW, "# all mine\n")
    if edited:
        edit(shop / OLD)
    support.commit(shop, "Mine")

    done = update.update(update.Request(shop))

    assert "# all mine\n" in (shop / NEW).read_text()
    assert "# the template's line 4" in (shop / NEW).read_text()
    assert reason(done, NEW) == "you and the template each added it"
    assert (shop / OLD).exists() == edited
    if edited:
        assert "# my line" in (shop / OLD).read_text()
        assert reason(done, OLD) == f"you edited it, and {NEW}, its new place, is another file"
    assert done.exit_code == 2


def test_an_own_file_whose_place_is_taken(shop: Path) -> None:
    """By a file of theirs, or by one of the template: it stays, and the plan says so."""
    for path in ("tests/checks/a.py", "tests/engine/a.py", "tests/checks/support/help.py"):
        write(shop / path, text(f"my {path}"))
    support.commit(shop, "Mine")

    done = update.update(update.Request(shop))

    assert done.exit_code == 0
    kept = ["tests/checks/a.py", "tests/checks/support/help.py"]
    assert [path for _, path in told(done, Kind.LEFT)] == kept
    assert reason(done, kept[0]) == "its folder has moved, and tests/engine/a.py is there already"
    for path in (*kept, "tests/engine/a.py"):
        assert (shop / path).read_text() == text(f"my {path}")


def test_a_file_that_is_not_rendered_where_the_table_says(shop: Path) -> None:
    """As with another backend: it stays where it was, edited and no longer rendered."""
    edit(shop / "src/shop/elsewhere.py")
    support.commit(shop, "Mine")

    done = update.update(update.Request(shop))

    assert told(done, Kind.CONFLICT) == [("", "src/shop/elsewhere.py")]
    assert "no longer rendered" in reason(done, "src/shop/elsewhere.py")


def test_a_file_in_the_way(shop: Path) -> None:
    """Git does not know it, so it is not written over."""
    write(shop / NEW, "# all mine\n")

    with pytest.raises(RefusedError, match=f"{NEW} is in the way"):
        update.update(update.Request(shop))

    assert (shop / OLD).exists()
