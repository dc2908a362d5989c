"""Wherever a change or its undo is killed: the next command says so, and undo finishes it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generator.change import project, undo, update
from generator.errors import RefusedError
from tests import projects, support

if TYPE_CHECKING:
    from collections.abc import Callable

# Runs a switch or an undo and is killed in the middle of it, before that step of those journalled.
KILLED = """
import os, signal, sys
from pathlib import Path
from generator import git
from generator.change import journal, project, undo, update
shop, steps, command, branch = Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
ended = git.ended
def killing(step):
    def stepped(*arguments, **more):
        global steps
        if journal.running(found):
            if not steps:
                half(arguments)
                os.kill(os.getpid(), signal.SIGKILL)
            steps -= 1
        return step(*arguments, **more)
    return stepped
def half(arguments):
    # Half of the files, and then no more.
    if "read-tree" in arguments or "reset" in arguments:
        tree = arguments[-1]
        listed = ended(shop, "ls-tree", "-r", "--name-only", tree).stdout.split()
        for name in listed[::2]:
            ended(shop, "checkout", tree, "--", name)
found = project.find_repository(shop)
git.ended, journal.done, journal.forget = map(killing, (ended, journal.done, journal.forget))
if command == "undo":
    undo.undo(found)
else:
    update.switch(update.Request(shop, {"task_backend": "rq"}, branch=branch))
"""


def is_killed(shop: Path, step: int, command: str = "switch", branch: str = "") -> bool:
    """Kill the command before that step, unless it ends before."""
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(shop), str(step), command, branch],
        cwd=support.ROOT,
        env={**os.environ, "TMPDIR": str(shop.parent)},  # what it leaves goes with the test
        check=False,
    )
    assert ended.returncode in {0, -signal.SIGKILL}
    return ended.returncode != 0


def assert_told(shop: Path, command: str) -> None:
    with pytest.raises(RefusedError, match=f"{command} was killed half way") as refused:
        update.switch(update.Request(shop, {"task_backend": "celery"}))
    assert "fastapi-tasks undo" in refused.value.remedy


def assert_as_before(shop: Path, head: str) -> None:
    assert projects.head(shop) == head
    assert support.git(shop, "branch", "--format=%(refname)").split() == ["refs/heads/main"]
    assert projects.is_clean(shop)


@pytest.mark.parametrize(("branch", "conflicts"), [("", True), ("to-rq", False)])
def test_a_change(
    renders: projects.Renders, tmp_path: Path, branch: str, *, conflicts: bool
) -> None:
    shop = renders.project(tmp_path / "shop")
    if conflicts:
        (shop / projects.ENGINE / "background.py").write_text("# all mine\n")
        support.commit(shop, "Mine")
    head = projects.head(shop)
    step = 0
    while is_killed(shop, step, branch=branch):
        assert_told(shop, "switch")
        if step:
            support.git(shop, "gc", "--quiet", "--prune=now")
        undo.undo(project.find_repository(shop))
        assert_as_before(shop, head)
        step += 1
    assert step > 3
    assert support.git(shop, "branch", "--show-current").strip() == (branch or "main")


def done(shop: Path) -> None:
    update.switch(update.Request(shop, {"task_backend": "rq"}))


def done_on_a_branch(shop: Path) -> None:
    update.switch(update.Request(shop, {"task_backend": "rq"}, branch="to-rq"))


def in_conflict(shop: Path) -> None:
    projects.conflicting(shop, branch="to-rq")
    (shop / projects.ENGINE / "rq.py").write_text("# half settled\n")


def settled(shop: Path) -> None:
    projects.conflicting(shop, branch="to-rq")
    (shop / projects.ENGINE / "rq.py").write_text("# half settled\n")
    support.commit(shop, "Settled")


@pytest.mark.parametrize("change", [done, done_on_a_branch, in_conflict, settled])
def test_an_undo(renders: projects.Renders, tmp_path: Path, change: Callable[[Path], None]) -> None:
    """What was edited since is kept, and the undo that ends it says where."""
    changed = renders.project(tmp_path / "changed")
    change(changed)
    anew = {"docs/background.md": "Anew.\n"}
    if change in {in_conflict, settled}:
        anew[f"{projects.ENGINE}/rq.py"] = "# half settled\n"
    (changed / "docs/background.md").write_text("Anew.\n")
    head = support.git(changed, "rev-parse", "main" if change is not done else "HEAD^").strip()
    step = 0
    while is_killed(shop := copy(changed, tmp_path / str(step)), step, "undo"):
        assert_told(shop, "undo")
        undone = undo.undo(project.find_repository(shop))
        assert_as_before(shop, head)
        for path, text in anew.items():
            assert support.git(shop, "show", f"{undone.kept}:{path}") == text
        step += 1
    assert step > 2
    assert_as_before(shop, head)


def copy(project_: Path, folder: Path) -> Path:
    return Path(shutil.copytree(project_, folder / "shop", symlinks=True))


def test_an_edit_between_an_undo_and_its_end(renders: projects.Renders, tmp_path: Path) -> None:
    """It is kept too, on top of what the first one kept."""
    shop = renders.project(tmp_path / "shop")
    in_conflict(shop)
    assert is_killed(shop, 2, "undo")
    assert not (shop / projects.ENGINE / "rq.py").exists()
    (shop / "README.md").write_text("Mine.\n")

    kept = undo.undo(project.find_repository(shop)).kept

    assert support.git(shop, "show", f"{kept}:README.md") == "Mine.\n"
    assert support.git(shop, "show", f"{kept}^:{projects.ENGINE}/rq.py") == "# half settled\n"
    assert projects.is_clean(shop)


def test_a_commit_after_a_killed_change(renders: projects.Renders, tmp_path: Path) -> None:
    """The refusal says how its files are kept, and what it says works."""
    shop = renders.project(tmp_path / "shop")
    head = projects.head(shop)
    assert is_killed(shop, 1)
    (shop / "README.md").write_text("Mine.\n")
    support.commit(shop, "Mine")
    with pytest.raises(RefusedError, match="commits after the switch, which was killed") as refused:
        undo.undo(project.find_repository(shop))
    assert f"git reset --soft {head[:10]}" in refused.value.remedy

    support.git(shop, "reset", "--soft", head[:10])
    kept = undo.undo(project.find_repository(shop)).kept

    assert support.git(shop, "show", f"{kept}:README.md") == "Mine.\n"
    assert_as_before(shop, head)


def test_a_commit_after_one_killed_before_its_branch(
    renders: projects.Renders, tmp_path: Path
) -> None:
    """The refusal names no branch that was not made."""
    shop = renders.project(tmp_path / "shop")
    head = projects.head(shop)
    assert is_killed(shop, 0, branch="to-rq")
    (shop / "README.md").write_text("Mine.\n")
    support.commit(shop, "Mine")
    with pytest.raises(RefusedError, match="commits after the switch, which was killed") as refused:
        undo.undo(project.find_repository(shop))
    assert f"git reset --soft {head[:10]}" in refused.value.remedy


def test_a_link_after_a_killed_change(renders: projects.Renders, tmp_path: Path) -> None:
    """What lies behind it is not the change's to remove."""
    shop = renders.project(tmp_path / "shop")
    head, step = projects.head(shop), 0
    while is_killed(shop, step) and not (shop / "docs/rq.md").exists():
        undo.undo(project.find_repository(shop))
        step += 1
    (shop / "docs").rename(tmp_path / "docs")
    (shop / "docs").symlink_to("../docs")

    kept = undo.undo(project.find_repository(shop)).kept

    assert (tmp_path / "docs/rq.md").exists()
    assert support.git(shop, "cat-file", "blob", f"{kept}:docs") == "../docs"
    assert_as_before(shop, head)
