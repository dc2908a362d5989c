"""What our own template has moved: the table is true, and projects of 0.2.0 keep their edits."""

from __future__ import annotations

import re
import subprocess
from itertools import combinations, permutations
from typing import TYPE_CHECKING

import pytest

from generator.change import merge, moves, project, trees, undo, update
from generator.change.sides import Version
from generator.template.answers import ANSWERS_FILE
from tests import projects, support
from tests.projects import COMBINATIONS, NEXT, RELEASED

if TYPE_CHECKING:
    from pathlib import Path

    from generator.change.trees import Tree

TABLES = moves.load(support.ROOT / moves.FILE)
BACKENDS = ("background", "rq", "celery", "outbox")
PAGE = re.compile(rf"docs/({'|'.join(BACKENDS)})\.md")
OLD = "v0.2.0"
VERSIONS = [*RELEASED, *({NEXT} - {*RELEASED})]


@pytest.mark.parametrize("version", TABLES, ids=str)
@pytest.mark.xdist_group("renders")  # in one process with others that need them all
def test_the_table_is_true(renders: projects.Renders, version: object) -> None:
    """Each move is one that some project makes: from an earlier release to that one."""
    tag = f"v{version}"
    assert tag in VERSIONS
    pairs = [
        (renders.files(answers, earlier), renders.files(answers, tag))
        for answers in COMBINATIONS
        for earlier in VERSIONS[: VERSIONS.index(tag)]
    ]
    [table] = [table for number, table in TABLES.items() if number == version]
    for old, new in table.items():
        names = (old.replace(moves.PACKAGE, "shop"), new.replace(moves.PACKAGE, "shop"))
        assert any(is_made(*names, *pair) for pair in pairs), f"{old}: {new}"


@pytest.mark.xdist_group("renders")
def test_the_table_is_whole(renders: projects.Renders, tmp_path: Path) -> None:
    """Nothing is left since the last release that git would call renamed."""
    shop = renders.project(tmp_path / "shop")
    for answers in COMBINATIONS:
        old, new = (rendered(shop, renders, answers, tag) for tag in VERSIONS[-2:])
        places = moves.places(tables(), old, old, new).base
        left = {place: old[path] for path, place in places.items()}
        assert merge.renames(shop, left, new, {}) == {}, answers


def tables() -> list[moves.Table]:
    return moves.between(Version(*VERSIONS[-2:]), support.ROOT, "shop")


def is_made(old: str, new: str, before: dict[str, bytes], after: dict[str, bytes]) -> bool:
    if not old.endswith("/"):
        return old in before and new in after
    return any(p.startswith(old) and new + p.removeprefix(old) in after for p in before)


ADAPTERS = {
    "background": "src/shop/tasks/background.py",
    "rq": "src/shop/tasks/rq.py",
    "celery": "src/shop/tasks/celery.py",
    "outbox": "src/shop/tasks/outbox.py",
}
MERGED = {
    "src/shop/database.py": "src/shop/service/database.py",
    "src/shop/problems.py": "src/shop/service/problems.py",
    "src/shop/settings.py": "src/shop/settings.py",
    "src/shop/signup/tasks.py": "src/shop/signup/tasks.py",
    "tests/test_signup.py": "tests/test_signup.py",
    "tests/contract/test_task_queue.py": "tests/engine/test_task_queue.py",
    "tests/peer.py": "tests/engine/peer.py",
}
"""Files that somebody has edited, and where each is at the next version."""
OWN = {
    "src/shop/billing/__init__.py": "",
    "src/shop/billing/models.py": "from ..database import Base\n",
    "src/shop/billing/tasks.py": "from ..unit_of_work import UnitOfWork\n",
    "tests/test_billing.py": "from .service import Service\n",
    "tests/contract/test_billing.py": "from .harness import kill_worker\nfrom ..peer import Peer\n",
}
OLD_IMPORTS = {
    ("src/shop/billing/models.py", "..database", "shop.service.database"),
    ("src/shop/billing/tasks.py", "..unit_of_work", "shop.service.unit_of_work"),
    ("tests/test_billing.py", ".service", "tests.engine.service"),
    ("tests/engine/test_billing.py", "..peer", "tests.engine.peer"),
    ("src/shop/heartbeat.py", ".problems", "shop.service.problems"),
    ("src/shop/heartbeat.py", ".resources", "shop.service.resources"),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.usefixtures("cached_renders")
def test_a_lived_in_project(renders: projects.Renders, tmp_path: Path, backend: str) -> None:
    """Each edit is where its file is now; so are own tests, and what imports an old name is told.

    An adapter that is no more keeps its text, in conflict.
    """
    shop = renders.project(tmp_path / "shop", OLD, task_backend=backend)
    live_in(shop, ADAPTERS[backend])
    before, head = support.files(shop), projects.head(shop)

    done = update.update(update.Request(shop, to=NEXT))

    for old, new in MERGED.items():
        assert mark(old) in (shop / new).read_text()
        assert old == new or not (shop / old).exists()
    for path, text in OWN.items():
        assert (shop / path.replace("/contract/", "/engine/")).read_text() == text
    assert mark("src/shop/health.py") in (shop / "src/shop/heartbeat.py").read_text()
    assert all(each.reason for each in done.conflicts)
    adapter = shop / ADAPTERS[backend]
    if not adapter.exists():
        adapter = adapter.parent / "engine" / adapter.name
    assert mark(ADAPTERS[backend]) in adapter.read_text()
    assert {(i.path, i.old, i.new) for i in done.old_imports} >= OLD_IMPORTS
    undo.undo(project.find(shop))
    assert (support.files(shop), projects.head(shop)) == (before, head)


def live_in(shop: Path, adapter: str) -> None:
    for path in (*MERGED, adapter, "src/shop/health.py"):
        file = shop / path
        file.write_text(mark(path) + file.read_text(encoding="utf-8"), encoding="utf-8")
    for path, text in OWN.items():
        (shop / path).parent.mkdir(exist_ok=True)
        (shop / path).write_text(text)
    (shop / "src/shop/health.py").rename(shop / "src/shop/heartbeat.py")
    projects.edit(shop, "src/shop/main.py", "ABOUT, health,", "ABOUT, heartbeat as health,")
    support.commit(shop, "Live in it")


def mark(path: str) -> str:
    return f"# my line in {path}\n\n"


@pytest.mark.parametrize(("start", "end"), [*permutations(BACKENDS, 2)])
@pytest.mark.usefixtures("cached_renders")
def test_an_edit_in_each_file_that_two_backends_share(
    renders: projects.Renders, tmp_path: Path, start: str, end: str
) -> None:
    """It is there after a switch."""
    shop = renders.project(tmp_path / "shop", task_backend=start)
    shared = (renders.files({"task_backend": end}).keys() & support.files(shop)) - {ANSWERS_FILE}
    for path in shared:
        with (shop / path).open("a", encoding="utf-8") as file:
            file.write(mark(path))
    support.commit(shop, "Mine")

    update.switch(update.Request(shop, {"task_backend": end}))

    lost = [path for path in shared if mark(path) not in (shop / path).read_text(encoding="utf-8")]
    assert lost == []


def test_no_file_has_two_names(renders: projects.Renders, tmp_path: Path) -> None:
    """Of what one backend has and another has not, only its page is the other's by another name.

    So a switch needs no table of moves: an edited page is a conflict that keeps it, and git would
    call nothing else renamed.
    """
    shop = renders.project(tmp_path / "shop")
    found = {projects.name(each): rendered(shop, renders, each, NEXT) for each in COMBINATIONS}
    for one, other in combinations(found, 2):
        renamed = merge.renames(shop, found[one], found[other], {})
        assert all(map(PAGE.fullmatch, [*renamed, *renamed.values()])), (one, other, renamed)


def rendered(shop: Path, renders: projects.Renders, answers: dict[str, str], tag: str) -> Tree:
    folder = renders.project(shop.parent / f"{projects.name(answers)}-{tag}", tag, **answers)
    return trees.of_folder(shop / ".git", folder)


def test_plain_copier_deletes_and_says_so(renders: projects.Renders, tmp_path: Path) -> None:
    """It cannot follow a file; the commands of the README show what had been edited in those."""
    shop = renders.project(tmp_path / "shop", OLD)
    database = shop / "src/shop/database.py"
    for file in (database, shop / "src/shop/signup/tasks.py"):
        file.write_text(file.read_text() + mark(file.name))
    (shop / "tests/contract/test_mine.py").write_text("# all mine\n")
    support.commit(shop, "Mine")

    done = projects.copier(shop, "update", "--defaults", "--vcs-ref", NEXT)

    assert done.returncode == 0
    assert "Updating with Copier alone" in done.stderr
    assert not database.exists()
    assert (shop / "tests/contract/test_mine.py").exists()
    readme = (shop / "README.md").read_text().partition("### Updating with Copier alone\n")[2]
    [commands] = re.findall(r"^```sh\n(made=.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    shown = subprocess.run(
        ["sh", "-c", commands], cwd=shop, check=True, capture_output=True, text=True
    ).stdout
    assert "+# my line in database.py" in shown
    assert "+# my line in tasks.py" not in shown
