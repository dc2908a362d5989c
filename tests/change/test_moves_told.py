"""What is told of moves: the plan, imports by old names, and a table that is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from generator.change import update
from generator.errors import RefusedError
from tests import projects, support
from tests.moving import NEW, OLD, build, edit, make, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Command


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("moving") / "template")


@pytest.fixture
def shop(template: Path, tmp_path: Path) -> Path:
    """Give a project of the second version."""
    return make(tmp_path / "shop", template)


IMPORTS = {
    "src/shop/billing/models.py": """\
from ..store.database import Base, session
from .. import health as h, main
import shop.store.database as db, json
from shop import (  # all of it (really)
    main,
    health,
)
if True:
    from shop.store import database, other
from ..store import *
import shop_window
from .store.database import Base
# import shop.health
from shop.main import app
""",
    "tests/checks/mine/test_mine.py": """\
from ..test_all import one
from ..help import two
from tests.checks.test_all import one
from . import three
from ...outside import four
""",
    "tests/outside.py": "",
}
OLD_IMPORTS = [
    ("src/shop/billing/models.py", 1, "..store.database", "shop.service.database"),
    ("src/shop/billing/models.py", 2, "..health", "shop.service.health"),
    ("src/shop/billing/models.py", 3, "shop.store.database", "shop.service.database"),
    ("src/shop/billing/models.py", 4, "shop.health", "shop.service.health"),
    ("src/shop/billing/models.py", 9, "shop.store.database", "shop.service.database"),
    ("tests/engine/mine/test_mine.py", 2, "..help", "tests.engine.support.help"),
    ("tests/engine/mine/test_mine.py", 3, "tests.checks.test_all", "tests.engine.test_all"),
]


def test_imports_by_old_names_are_listed(shop: Path) -> None:
    """Each with its line and the new name; those that still hold are not."""
    for path, lines in IMPORTS.items():
        write(shop / path, lines)
    edit(shop / OLD)
    with (shop / OLD).open("a") as file:
        file.write("from ..main import app\nfrom ..health import live\n")
    support.commit(shop, "Mine")

    done = update.update(update.Request(shop, dry_run=True))

    found = [(each.path, each.line, each.old, each.new) for each in done.old_imports]
    assert found == sorted([*OLD_IMPORTS, (NEW, 14, "..health", "shop.service.health")])
    assert (shop / OLD).exists()


def test_the_command_tells_of_it(command: Command, shop: Path) -> None:
    """What moves, what imports an old name, and what git does not know and is left."""
    write(shop / "src/shop/mine.py", "from .store import database\n")
    edit(shop / OLD)
    support.commit(shop, "Mine")
    write(shop / "tests/checks/local.txt", "")
    write(shop / "src/shop/local.txt", "")

    code, printed, _ = command(["update", "shop", "--dry-run"])

    assert code == 0
    assert f"\nMerged with your edits: 1\n  {OLD} → {NEW}\n" in printed
    assert "\nMoved: 2\n  src/shop/health.py → src/shop/service/health.py\n" in printed
    assert "  src/shop/mine.py:1: .store.database → shop.service.database\n" in printed
    assert "for git does not know them: 1\n  tests/checks/local.txt\n" in printed
    planned = json.loads(command(["update", "shop", "--dry-run", "--json"])[1])
    merged = {"path": NEW, "kind": "merged", "reason": "", "was": OLD}
    assert merged in planned["changes"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[a]", "it is no table of versions"),
        ("0.3.0: [a, b]", "is no table of old and new paths"),
        ("next: {a: b}", "Invalid version"),
        ("0.3.0: {a/: b}", "are not both folders"),
        ("0.3.0: {a: ../b}", '"../b" is no path inside a project'),
        ("0.3.0: {/a: b}", '"/a" is no path'),
        ("0.3.0: {a: 'src/{slug}/b'}", "is no path"),
        ("0.3.0: {a: 1}", '"1" is no path'),
        ("0.3.0: {a: [", "cannot be read"),
    ],
)
def test_a_table_that_is_none(template: Path, tmp_path: Path, table: str, message: str) -> None:
    """It is refused in a sentence, before anything is written."""
    own = tmp_path / "template"
    support.git(tmp_path, "clone", "--quiet", str(template), str(own))
    (own / "moves.yml").write_text(table)
    support.commit(own, "v0.4.0")
    support.git(own, "tag", "v0.4.0")
    shop = make(tmp_path / "shop", own)

    with pytest.raises(RefusedError) as error:
        update.update(update.Request(shop))

    assert message in error.value.message
    assert projects.is_clean(shop)
    assert update.update(update.Request(shop, to="v0.3.0")).applied
