"""Whenever a change is taken back: the project is as before, and no edit is lost."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from generator import git
from generator.change import journal, project, status, undo, update
from generator.change.plan import Verdict
from generator.errors import GeneratorError, RefusedError
from tests import projects, support

if TYPE_CHECKING:
    from pathlib import Path


def test_undo_of_a_commit(renders: projects.Renders, tmp_path: Path) -> None:
    """The same commit, branch and files; a branch that was made is gone."""
    shop = renders.project(tmp_path / "shop")
    before, head = support.files(shop), projects.head(shop)
    done = update.switch(update.Request(shop, {"task_backend": "rq"}, branch="to-rq"))
    assert support.git(shop, "branch", "--show-current").strip() == done.branch == "to-rq"

    undone = undo.undo(project.find(shop))

    assert (undone.head, undone.branch, undone.kept) == (head, "main", "")
    assert support.files(shop) == before
    assert support.git(shop, "branch", "--format=%(refname:short)").split() == ["main"]
    assert projects.is_clean(shop)


def test_undo_of_conflicts(renders: projects.Renders, tmp_path: Path) -> None:
    """What had been done to settle them is kept in a commit."""
    shop = renders.project(tmp_path / "shop")
    assert projects.conflicting(shop).conflicts
    (shop / projects.ENGINE / "rq.py").write_text("# half settled\n")

    undone = undo.undo(project.find(shop))

    assert (shop / projects.ENGINE / "background.py").read_text() == "# all mine\n"
    assert not (shop / projects.ENGINE / "rq.py").exists()
    assert projects.is_clean(shop)
    kept = support.git(shop, "show", f"{undone.kept}:{projects.ENGINE}/rq.py")
    assert kept == "# half settled\n"


def test_undo_keeps_what_was_added_meanwhile(renders: projects.Renders, tmp_path: Path) -> None:
    """A new file that is staged, and one that the change had removed and somebody wrote anew."""
    shop = renders.project(tmp_path / "shop")
    projects.conflicting(shop)
    mine = {"src/shop/mine.py": "# new\n", "docs/background.md": "Anew.\n"}
    for path, text in mine.items():
        (shop / path).write_text(text)
    support.git(shop, "add", *mine)

    undone = undo.undo(project.find(shop))

    assert projects.is_clean(shop)
    for path, text in mine.items():
        assert support.git(shop, "show", f"{undone.kept}:{path}") == text


@pytest.mark.parametrize("committed", [True, False])
def test_work_done_meanwhile_is_left_alone(
    renders: projects.Renders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    committed: bool,
) -> None:
    """While --verify runs the tests for minutes, somebody goes on working."""
    shop = renders.project(tmp_path / "shop")

    def tests(folder: Path) -> Verdict:
        (folder / "README.md").write_text("Meanwhile.\n")
        if committed:
            support.commit(folder, "Meanwhile")
        return Verdict(passed=True, summary="1 passed")

    monkeypatch.setattr("generator.change.verify.run_tests", tests)
    with pytest.raises(RefusedError, match=r"meanwhile|uncommitted"):
        update.switch(update.Request(shop, {"task_backend": "rq"}, verify=True))

    assert (shop / "README.md").read_text() == "Meanwhile.\n"
    assert not (shop / projects.ENGINE / "rq.py").exists()
    subject = support.git(shop, "log", "-1", "--format=%s").strip()
    assert (subject == "Meanwhile") == committed


def test_a_disk_too_full_to_go_back(
    renders: projects.Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then nothing is promised but what undo does, once there is space."""
    shop = renders.project(tmp_path / "shop")
    before = support.files(shop)
    real = git.call

    def full(folder: Path, *arguments: str, **more: Any) -> bytes:
        journalled = (shop / ".git/fastapi-tasks/running.json").exists()
        if journalled and arguments[0] in {"read-tree", "add"}:
            raise GeneratorError("git failed: No space left on device")
        return real(folder, *arguments, **more)

    monkeypatch.setattr(git, "call", full)
    with pytest.raises(GeneratorError, match="disk is full") as refused:
        update.switch(update.Request(shop, {"task_backend": "rq"}))
    monkeypatch.undo()

    assert "fastapi-tasks undo" in refused.value.remedy
    assert journal.running(project.find(shop))
    undo.undo(project.find(shop))
    assert support.files(shop) == before


def test_undo_after_conflicts_were_settled(renders: projects.Renders, tmp_path: Path) -> None:
    """The commit that the user made of it is taken back too."""
    shop = renders.project(tmp_path / "shop")
    projects.conflicting(shop)
    head = projects.head(shop)
    support.git(shop, "add", "--all")
    support.git(shop, "commit", "--quiet", "--no-edit")
    assert "Switch to task_backend rq" in support.git(shop, "log", "-1", "--format=%s")

    undo.undo(project.find(shop))

    assert projects.head(shop) == head
    assert projects.is_clean(shop)


def test_nothing_to_undo(renders: projects.Renders, tmp_path: Path) -> None:
    """Undo knows the last change only, and not when commits stand on it."""
    shop = renders.project(tmp_path / "shop")
    with pytest.raises(RefusedError, match="nothing to undo"):
        undo.undo(project.find(shop))
    update.switch(update.Request(shop, {"ci": "none"}))
    (shop / "more").write_text("x")
    support.commit(shop, "More")

    with pytest.raises(RefusedError, match="commits after the switch"):
        undo.undo(project.find(shop))


def test_commits_after_conflicts_were_settled(renders: projects.Renders, tmp_path: Path) -> None:
    """To be reverted is the commit that settled them, not the last one."""
    shop = renders.project(tmp_path / "shop")
    projects.conflicting(shop)
    support.git(shop, "add", "--all")
    support.git(shop, "commit", "--quiet", "--no-edit")
    settled = projects.head(shop)
    (shop / "more").touch()
    support.commit(shop, "More")

    with pytest.raises(RefusedError, match="commits after the switch") as refused:
        undo.undo(project.find(shop))

    assert refused.value.remedy.endswith(f"git revert {settled[:10]}")


def test_one_change_at_a_time(renders: projects.Renders, tmp_path: Path) -> None:
    """While another process is at work, nothing is begun, and nothing undone."""
    shop = renders.project(tmp_path / "shop")
    found = project.find(shop)
    entry = journal.Entry("update", found.head, "main", "", found.head, "")
    with journal.begun(found, entry):
        with pytest.raises(RefusedError, match="Another fastapi-tasks update"):
            update.switch(update.Request(shop, {"ci": "none"}))
        with pytest.raises(RefusedError, match="Another fastapi-tasks update"):
            undo.undo(found)


def test_a_full_disk(
    renders: projects.Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused, and what had been written is taken back."""
    shop = renders.project(tmp_path / "shop")
    before = support.files(shop)
    real = git.run

    def full(folder: Path, *arguments: str, **more: Any) -> str:
        if arguments[0] == "read-tree" and "-u" in arguments:
            (shop / "docs/rq.md").write_text("half of i")
            raise GeneratorError("git read-tree failed: No space left on device")
        return real(folder, *arguments, **more)

    monkeypatch.setattr(git, "run", full)
    with pytest.raises(RefusedError, match="disk is full"):
        update.switch(update.Request(shop, {"task_backend": "rq"}))
    monkeypatch.undo()

    assert support.files(shop) == before
    assert projects.is_clean(shop)
    assert not (shop / ".git/fastapi-tasks/running.json").exists()


def test_hooks_stay_out(renders: projects.Renders, tmp_path: Path) -> None:
    """A user's commit hook knows nothing of this commit."""
    shop = renders.project(tmp_path / "shop")
    hooks = shop / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-commit", "reference-transaction"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    assert update.switch(update.Request(shop, {"ci": "none"})).applied
    undo.undo(project.find(shop))
    assert os.access(hooks / "pre-commit", os.X_OK)


def test_undo_of_the_change_before_one_that_failed(
    renders: projects.Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was given up is not the last change."""
    shop = renders.project(tmp_path / "shop")
    head = projects.head(shop)
    update.switch(update.Request(shop, {"task_backend": "rq"}))
    run = git.run

    def failing(folder: Path, *arguments: str, **more: Any) -> str:
        if arguments[0] == "read-tree":
            raise GeneratorError("It failed.")
        return run(folder, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(git, "run", failing)
        with pytest.raises(GeneratorError, match="It failed"):
            update.switch(update.Request(shop, {"task_backend": "celery"}))
    undo.undo(project.find(shop))

    assert projects.head(shop) == head


def collect_garbage(shop: Path) -> None:
    support.git(shop, "reflog", "expire", "--expire=now", "--all")
    support.git(shop, "gc", "--quiet", "--prune=now")


@pytest.mark.parametrize("settled", [False, True])
def test_undo_after_git_has_collected_garbage(
    renders: projects.Renders, tmp_path: Path, *, settled: bool
) -> None:
    """What it needs is under a ref, until it has been done."""
    shop = renders.project(tmp_path / "shop", projects.RELEASED[0])
    before = support.files(shop)
    projects.conflicting(shop, engine="src/shop/tasks")
    if settled:
        (shop / "src/shop/tasks/rq.py").write_text("# settled\n")
        support.commit(shop, "Settled")
    collect_garbage(shop)
    assert not any("by hand" in problem for problem in status.status([shop])[0].problems)

    undo.undo(project.find(shop))

    assert support.files(shop) == before | {"src/shop/tasks/background.py": b"# all mine\n"}
    assert not support.git(shop, "for-each-ref", undo.HELD)


def test_only_what_can_be_undone_is_held(renders: projects.Renders, tmp_path: Path) -> None:
    """A later change takes the place of the one before."""
    shop = renders.project(tmp_path / "shop")
    for answers in ({"task_backend": "rq"}, {"ci": "none"}):
        update.switch(update.Request(shop, answers))
        held = support.git(shop, "for-each-ref", "--format=%(objectname)", undo.HELD)
        assert held == support.git(shop, "rev-parse", "HEAD^{tree}")


def test_what_a_linked_worktree_needs_is_held_besides(
    renders: projects.Renders, tmp_path: Path
) -> None:
    """The same change in two: undoing one leaves the other its tree."""
    shop, linked = renders.project(tmp_path / "shop"), tmp_path / "linked"
    projects.conflicting(shop)
    support.git(shop, "worktree", "add", "--quiet", "-b", "linked", str(linked))
    update.switch(update.Request(linked, {"task_backend": "rq"}))
    undo.undo(project.find(shop))
    collect_garbage(shop)

    undo.undo(project.find(linked))

    assert projects.is_clean(linked)
    assert not support.git(shop, "for-each-ref", undo.HELD)
