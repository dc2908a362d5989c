"""Files that somebody deleted, and that what a change adds imports: they are there again."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from generator.change import update
from generator.change.merge import Kind
from tests import moving, projects, support
from tests.projects import NEXT

if TYPE_CHECKING:
    from pathlib import Path

OLD = "v0.2.0"
MAIL = "src/shop/service/mail.py"


@pytest.mark.usefixtures("cached_renders")
def test_an_example_after_the_first_one_was_deleted(
    renders: projects.Renders, tmp_path: Path
) -> None:
    """Its mails need what had been in the deleted slice, and has moved since."""
    shop = renders.project(tmp_path / "shop", OLD, task_backend="rq")
    shutil.rmtree(shop / "src/shop/signup")
    (shop / "tests/test_signup.py").unlink()
    support.commit(shop, "No accounts here")
    update.update(update.Request(shop, to=NEXT))
    assert not (shop / MAIL).exists()

    done = update.switch(update.Request(shop, {"examples": "orders"}))

    [told] = [change for change in done.changes if change.path == MAIL]
    assert told.kind is Kind.ADDED
    assert told.reason == "it was gone, and src/shop/orders/tasks.py imports it"
    fresh = renders.files({"task_backend": "rq", "examples": "orders"})
    assert (shop / MAIL).read_bytes() == fresh[MAIL]
    assert not (shop / "src/shop/signup").exists()
    assert done.applied


NEEDS = """\
import os, shop.store.base
from . import helper as own
from ..store.engine import (
    connect,  # of the store
    run,
)
from .. import spare
"""
FILES = {
    "src/shop/__init__.py": "",
    "src/shop/store/__init__.py": "",
    "src/shop/store/base.py": "from .deep import thing\n",
    "src/shop/store/deep.py": "# imports nothing\n",
    "src/shop/store/engine.py": moving.text("engine.py"),
    "src/shop/store/unneeded.py": "import os\n",
    "src/shop/spare.py": "# nothing\n",
    "src/shop/old/__init__.py": "",
    "src/shop/old/user.py": "from ..store import unneeded\n",
}
NEW = {
    "src/shop/new/__init__.py": "",
    "src/shop/new/helper.py": "",
    "src/shop/new/needs.py": NEEDS,
    "src/shop/old/user.py": "from ..store import unneeded\nfrom .extra import x\n",
    "src/shop/old/extra.py": "x = 1\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Give a project whose next version adds what imports others of its files."""
    template = tmp_path / "template"
    support.git(tmp_path, "init", "--quiet", "--initial-branch=main", "template")
    (template / "copier.yml").write_text(moving.QUESTIONS)
    moving.write(template / "template/{{ _copier_conf.answers_file }}.jinja", moving.ANSWERS)
    for tag, files in {"v0.1.0": FILES, "v0.2.0": NEW}.items():
        for path, text in files.items():
            moving.write(template / "template" / path, text)
        support.commit(template, tag)
        support.git(template, "tag", tag)
    return moving.make(tmp_path / "shop", template, "v0.1.0")


def updated(shop: Path) -> dict[str, str]:
    """Update it, and give what is told of the files that came back."""
    support.commit(shop, "Mine")
    done = update.update(update.Request(shop))
    assert done.applied
    return {c.path: c.reason for c in done.changes if c.reason.startswith("it was")}


def test_all_that_is_needed_comes_back(shop: Path) -> None:
    """With what that needs itself, and nothing else: an import that was there before counts not."""
    for path in FILES:
        if path.startswith(("src/shop/store/", "src/shop/spare")):
            (shop / path).unlink()
    needs = "it was gone, and src/shop/new/needs.py imports it"
    assert updated(shop) == {
        "src/shop/spare.py": needs,
        "src/shop/store/__init__.py": needs,
        "src/shop/store/base.py": needs,
        "src/shop/store/deep.py": "it was gone, and src/shop/store/base.py imports it",
        "src/shop/store/engine.py": needs,
    }
    assert (shop / "src/shop/store/deep.py").read_text() == FILES["src/shop/store/deep.py"]
    assert not (shop / "src/shop/store/unneeded.py").exists()


@pytest.mark.parametrize(
    ("old", "new", "listed"),
    [
        (
            "src/shop/store/engine.py",
            "src/shop/store/motor.py",
            ("src/shop/new/needs.py", 3, "..store.engine", "shop.store.motor"),
        ),
        ("src/shop/old", "src/shop/ours", ("src/shop/ours/user.py", 2, ".extra", "shop.old.extra")),
    ],
    ids=["a module", "a folder"],
)
def test_imports_that_a_renaming_leads_astray_are_listed(
    shop: Path, old: str, new: str, listed: tuple[str, int, str, str]
) -> None:
    """Those of the template, in a file that it added or one that somebody has renamed."""
    (shop / old).rename(shop / new)
    support.commit(shop, "Mine")
    done = update.update(update.Request(shop))
    assert [(each.path, each.line, each.old, each.new) for each in done.old_imports] == [listed]


def test_what_took_its_place_stays_alone(shop: Path) -> None:
    """A package of a module's name, or the module by another name."""
    (shop / "src/shop/spare.py").unlink()
    moving.write(shop / "src/shop/spare/__init__.py", "# mine\n")
    engine = shop / "src/shop/store/engine.py"
    engine.rename(engine.with_name("motor.py"))
    assert updated(shop) == {}
    assert not engine.exists()


def test_an_import_that_somebody_took_out(shop: Path) -> None:
    """What is written in the project counts, not what the template has there."""
    (shop / "src/shop/store/unneeded.py").unlink()
    (shop / "src/shop/old/user.py").write_text("# nothing of the store\n")
    support.commit(shop, "Mine")
    done = update.update(update.Request(shop))
    assert [change.path for change in done.conflicts] == ["src/shop/old/user.py"]
    assert not (shop / "src/shop/store/unneeded.py").exists()
