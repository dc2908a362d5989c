"""What undo must not drop: work on other branches, in other projects, in the way, out of sight."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from generator.change import project, undo, update
from generator.change.plan import Verdict
from generator.errors import GeneratorError, RefusedError
from tests import projects, support

if TYPE_CHECKING:
    from pathlib import Path


def work(folder: Path, file: str = "work.txt") -> str:
    """Commit a file; give the commit."""
    (folder / file).write_text("work\n")
    support.commit(folder, "Work")
    return projects.head(folder)


def switch(shop: Path, branch: str = "", **answers: str) -> None:
    update.switch(update.Request(shop, answers, branch=branch))


def test_commits_on_the_branch_before(renders: projects.Renders, tmp_path: Path) -> None:
    shop = renders.project(tmp_path / "shop")
    switch(shop, ci="none", branch="no-ci")
    support.git(shop, "switch", "--quiet", "main")
    done = work(shop)
    support.git(shop, "switch", "--quiet", "no-ci")
    with pytest.raises(RefusedError, match="commits on main after") as refused:
        undo.undo(project.find(shop))
    assert "git branch -D no-ci" in refused.value.remedy
    assert support.git(shop, "rev-parse", "main").strip() == done


@pytest.mark.parametrize(
    ("words", "message"), [(["-c", "other"], "on the branch main"), (["--detach"], "on no branch")]
)
def test_another_branch(
    renders: projects.Renders, tmp_path: Path, words: list[str], message: str
) -> None:
    shop = renders.project(tmp_path / "shop")
    switch(shop, ci="none")
    support.git(shop, "switch", "--quiet", *words)
    head = projects.head(shop)
    with pytest.raises(RefusedError, match=message):
        undo.undo(project.find(shop))
    assert projects.head(shop) == head


def test_a_branch_with_a_new_name(renders: projects.Renders, tmp_path: Path) -> None:
    """Nobody is sent to the old one, which is gone."""
    shop = renders.project(tmp_path / "shop")
    before = support.files(shop)
    switch(shop, ci="none")
    support.git(shop, "branch", "--move", "trunk")
    with pytest.raises(RefusedError, match="on the branch main, and this is trunk") as refused:
        undo.undo(project.find(shop))
    assert f"git revert {projects.head(shop)[:10]}" in refused.value.remedy
    support.git(shop, "revert", "--no-edit", "HEAD")
    assert support.files(shop) == before


def test_conflicts_on_a_branch_with_a_new_name(renders: projects.Renders, tmp_path: Path) -> None:
    shop = renders.project(tmp_path / "shop")
    projects.conflicting(shop)
    head = projects.head(shop)
    support.git(shop, "branch", "--move", "trunk")
    with pytest.raises(RefusedError, match="on the branch main, and this is trunk") as refused:
        undo.undo(project.find(shop))
    assert refused.value.remedy.endswith("git branch --move main")
    support.git(shop, "branch", "--move", "main")
    assert undo.undo(project.find(shop)).head == head
    assert projects.is_clean(shop)


def test_a_branch_that_was_merged_and_is_gone(renders: projects.Renders, tmp_path: Path) -> None:
    shop = renders.project(tmp_path / "shop")
    switch(shop, ci="none", branch="no-ci")
    made = projects.head(shop)
    support.git(shop, "switch", "--quiet", "main")
    support.git(shop, "merge", "--quiet", "--no-ff", "--no-edit", "no-ci")
    support.git(shop, "branch", "--delete", "no-ci")
    with pytest.raises(RefusedError, match="on the branch no-ci, and this is main") as refused:
        undo.undo(project.find(shop))
    assert f"git revert {made[:10]}" in refused.value.remedy


def test_the_branch_before_is_gone(renders: projects.Renders, tmp_path: Path) -> None:
    """It is made anew as the refusal says, and undo goes back to it."""
    shop = renders.project(tmp_path / "shop")
    head = projects.head(shop)
    switch(shop, ci="none", branch="no-ci")
    support.git(shop, "branch", "--delete", "--force", "main")
    with pytest.raises(
        RefusedError, match="branch main, to which undo goes back, is gone"
    ) as refused:
        undo.undo(project.find(shop))
    assert f"git branch main {head[:10]}" in refused.value.remedy
    support.git(shop, "branch", "main", head[:10])
    undone = undo.undo(project.find(shop))
    assert (undone.head, undone.branch) == (head, "main")


@pytest.mark.parametrize("branch", ["", "no-ci"])
def test_a_tag_of_the_branchs_name(renders: projects.Renders, tmp_path: Path, branch: str) -> None:
    """Git calls the branch heads/main then."""
    shop = renders.project(tmp_path / "shop")
    head = projects.head(shop)
    support.git(shop, "tag", "main")
    switch(shop, branch, ci="none")
    if branch:
        support.git(shop, "tag", branch)
    undone = undo.undo(project.find(shop))
    assert (undone.head, undone.branch) == (head, "main")
    assert support.git(shop, "symbolic-ref", "HEAD").strip() == "refs/heads/main"
    assert projects.is_clean(shop)


def test_a_commit_after_the_change_was_given_up(renders: projects.Renders, tmp_path: Path) -> None:
    """It settles no conflicts, though it stands where such a commit would."""
    shop = renders.project(tmp_path / "shop")
    projects.conflicting(shop)
    support.git(shop, "reset", "--quiet", "--hard")
    done = work(shop)
    with pytest.raises(RefusedError, match="commits after the switch"):
        undo.undo(project.find(shop))
    assert projects.head(shop) == done


def test_another_project_of_the_repository(renders: projects.Renders, tmp_path: Path) -> None:
    repository = renders.project(tmp_path / "all", ci="none")
    for name in ("one", "two"):
        shutil.copytree(repository, repository / name, ignore=shutil.ignore_patterns(".git", name))
    support.commit(repository, "Two more")
    for name in ("one", "two"):
        switch(repository / name, task_backend="rq")
    head = projects.head(repository)
    with pytest.raises(RefusedError, match="made to two/") as refused:
        undo.undo(project.find(repository / "one"))
    assert str(repository / "two") in refused.value.remedy
    assert projects.head(repository) == head


@pytest.mark.parametrize("ignored", [False, True])
def test_a_file_where_a_folder_was(
    renders: projects.Renders, tmp_path: Path, *, ignored: bool
) -> None:
    """The change refuses to write over it, and undo keeps it."""
    shop = renders.project(tmp_path / "shop")
    switch(shop, ci="none")
    (shop / ".github").write_text("mine\n")
    if ignored:
        (shop / ".git/info").mkdir(exist_ok=True)
        (shop / ".git/info/exclude").write_text(".github\n")
    with pytest.raises(RefusedError, match=r"\.github is in the way"):
        switch(shop, ci="github")
    assert (shop / ".github").read_text() == "mine\n"
    undone = undo.undo(project.find(shop))
    assert support.git(shop, "show", f"{undone.kept}:.github") == "mine\n"
    assert projects.is_clean(shop)


def test_a_folder_where_a_file_was(renders: projects.Renders, tmp_path: Path) -> None:
    shop = renders.project(tmp_path / "shop")
    projects.conflicting(shop)
    (shop / "docs/rq.md").unlink()
    (shop / "docs/rq.md").mkdir()
    (shop / "docs/rq.md/notes").write_text("mine\n")
    undone = undo.undo(project.find(shop))
    assert support.git(shop, "show", f"{undone.kept}:docs/rq.md/notes") == "mine\n"


def test_each_rescue_is_kept(renders: projects.Renders, tmp_path: Path) -> None:
    shop = renders.project(tmp_path / "shop")
    projects.conflicting(shop)
    kept = set()
    for text in ("one", "two"):
        (shop / "README.md").write_text(text)
        kept.add(undo.undo(project.find(shop)).kept)
        switch(shop, task_backend="rq")
    known = support.git(shop, "for-each-ref", "--format=%(objectname)", undo.KEPT).split()
    assert kept == set(known)


def test_edits_in_a_submodule(renders: projects.Renders, tmp_path: Path) -> None:
    """A user's git may go into submodules by itself; an undo of ours does not."""
    shop = renders.project(tmp_path / "shop")
    shutil.copytree(shop, tmp_path / "other")
    allowed = ("-c", "protocol.file.allow=always")
    support.git(shop, *allowed, "submodule", "--quiet", "add", str(tmp_path / "other"), "other")
    support.git(shop, "config", "submodule.recurse", "true")
    projects.conflicting(shop)
    (shop / "other/README.md").write_text("mine\n")
    undo.undo(project.find(shop))
    assert (shop / "other/README.md").read_text() == "mine\n"


@pytest.mark.parametrize("way", ["--assume-unchanged", "--skip-worktree"])
def test_edits_that_git_overlooks(renders: projects.Renders, tmp_path: Path, way: str) -> None:
    shop = renders.project(tmp_path / "shop")
    support.git(shop, "update-index", way, ".env.example")
    (shop / ".env.example").write_text("mine\n")
    with pytest.raises(RefusedError, match=r"overlook what you do to \.env\.example"):
        switch(shop, task_backend="rq")
    assert (shop / ".env.example").read_text() == "mine\n"
    assert not list((shop / ".git").glob("fastapi-tasks/*.json"))


def test_a_branch_that_was_made_meanwhile(
    renders: projects.Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While --verify runs the tests for minutes, somebody takes its name."""
    shop = renders.project(tmp_path / "shop")

    def tests(folder: Path) -> Verdict:
        support.git(folder, "branch", "no-ci", support.git(folder, *other).strip())
        return Verdict(passed=True, summary="1 passed")

    other = ("commit-tree", "HEAD^{tree}", "-m", "Another")
    monkeypatch.setattr("generator.change.verify.run_tests", tests)
    with pytest.raises(GeneratorError, match="already exists"):
        update.switch(update.Request(shop, {"ci": "none"}, branch="no-ci", verify=True))
    assert support.git(shop, "log", "-1", "--format=%s", "no-ci").strip() == "Another"
    assert projects.is_clean(shop)
    assert not support.git(shop, "for-each-ref", undo.KEPT)


def test_a_note_that_cannot_be_read(renders: projects.Renders, tmp_path: Path) -> None:
    """The machine lost its power, or another version wrote it."""
    shop = renders.project(tmp_path / "shop")
    switch(shop, ci="none")
    (shop / ".git/fastapi-tasks/last.json").write_text("")
    with pytest.raises(RefusedError, match="cannot be read"):
        undo.undo(project.find(shop))
    (shop / ".git/fastapi-tasks/running.json").write_text('{"command": "switch"}')
    with pytest.raises(RefusedError, match=r"running\.json.* cannot be read"):
        switch(shop, ci="github")
