"""Repositories that are set up in other ways: it works there too, or the refusal says why not."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from generator import git
from generator.change import project, status, undo, update
from generator.errors import RefusedError
from generator.template import versions
from tests import projects, support
from tests.projects import NEXT, RELEASED

pytestmark = pytest.mark.usefixtures("cached_renders")

GPG = """#!/bin/sh
case "$*" in
*--verify*) echo "gpg: No public key" >&2; exit 1 ;;
esac
cat > /dev/null
echo "[GNUPG:] SIG_CREATED D" >&2
echo "-----BEGIN PGP SIGNATURE-----"
echo "-----END PGP SIGNATURE-----"
"""


def test_signatures_that_git_shows(renders: projects.Renders, tmp_path: Path) -> None:
    """What git says of a signature is not taken for a commit."""
    shop = renders.project(tmp_path / "shop", RELEASED[0])
    (gpg := tmp_path / "gpg").write_text(GPG)
    gpg.chmod(0o755)
    support.git(shop, "config", "gpg.program", str(gpg))
    support.git(shop, "config", "log.showSignature", "true")
    support.git(shop, "commit", "--quiet", "--amend", "--no-edit", "--gpg-sign")
    assert "No public key" in support.git(shop, "log", "--format=%H")

    assert status.status([shop])[0].error == ""
    assert update.switch(update.Request(shop, {"ci": "none"})).applied


def test_colours_that_git_always_shows(renders: projects.Renders, tmp_path: Path) -> None:
    """The names of files are names alone."""
    shop = renders.project(tmp_path / "shop")
    support.git(shop, "config", "color.ui", "always")
    (shop / "README.md").write_text("<<<<<<< yours\n")

    [found] = status.status([shop])

    assert found.conflict_markers == ["README.md"]


def test_lines_that_an_editor_ends_otherwise(renders: projects.Renders, tmp_path: Path) -> None:
    """There is nothing to commit: git has these files with the ends that .gitattributes says."""
    shop = renders.project(tmp_path / "shop")
    for name in ("README.md", "Makefile", ".github/workflows/ci.yml"):
        (shop / name).write_bytes((shop / name).read_bytes().replace(b"\n", b"\r\n"))
    assert support.git(shop, "diff", "HEAD") == ""

    assert update.switch(update.Request(shop, {"ci": "none"})).applied

    assert projects.is_clean(shop)
    assert not (shop / ".github/workflows/ci.yml").exists()


def test_an_edit_beside_lines_that_end_otherwise(renders: projects.Renders, tmp_path: Path) -> None:
    """It is told, staged or not."""
    shop = renders.project(tmp_path / "shop")
    for name in ("README.md", "Makefile", "AGENTS.md"):
        (shop / name).write_bytes((shop / name).read_bytes().replace(b"\n", b"\r\n"))
    (shop / "Makefile").write_bytes(b"# mine\r\n")
    text = (shop / "AGENTS.md").read_bytes()
    (shop / "AGENTS.md").write_bytes(b"# mine\r\n")
    support.git(shop, "add", "AGENTS.md")
    (shop / "AGENTS.md").write_bytes(text)

    with pytest.raises(RefusedError, match=r"uncommitted changes in \S+: AGENTS.md, Makefile\."):
        update.switch(update.Request(shop, {"ci": "none"}))


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such names")
def test_names_that_are_no_text(renders: projects.Renders, tmp_path: Path) -> None:
    shop = renders.project(tmp_path / "shop")
    name = b"caf\xe9.txt".decode(errors="surrogateescape")
    (shop / name).write_text("<<<<<<< yours\n")
    support.git(shop, "add", "--all")

    assert status.status([shop])[0].conflict_markers == ["caf\N{REPLACEMENT CHARACTER}.txt"]


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such names")
@pytest.mark.parametrize("name", [b"caf\xe9", "line\u2028separator".encode()])
def test_folders_that_are_no_text(template: Path, tmp_path: Path, name: bytes) -> None:
    """A project in one, itself in a repository in one, goes there and back."""
    folder = tmp_path / os.fsdecode(name)
    support.git(tmp_path, "init", "--quiet", str(folder))
    shop = projects.make(folder / os.fsdecode(name), template, NEXT)
    support.commit(folder, "Start")
    before = support.files(shop)

    assert update.switch(update.Request(shop, {"task_backend": "rq"})).applied
    [found] = status.status([shop])
    assert (found.error, found.drift.edited, found.drift.added) == ("", [], [])
    support.git(folder, "update-index", "--assume-unchanged", str(shop / "compose.yaml"))
    with pytest.raises(RefusedError, match="told to overlook"):
        update.switch(update.Request(shop, {"task_backend": "background"}))
    support.git(folder, "update-index", "--no-assume-unchanged", str(shop / "compose.yaml"))
    undo.undo(project.find(shop))

    assert support.files(shop) == before


def test_a_folder_with_a_line_break(renders: projects.Renders, tmp_path: Path) -> None:
    shop = renders.project(tmp_path / "shop\nand more")
    with pytest.raises(RefusedError, match="has a line break in its path"):
        update.switch(update.Request(shop, {"ci": "none"}))


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such names")
def test_a_table_with_a_folder_that_is_no_text(
    command: support.Command,
    renders: projects.Renders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    for name in (b"caf\xe9", b"shop"):
        renders.project(tmp_path / os.fsdecode(name))

    code, printed, _ = command(["status", str(tmp_path / "*")])

    assert code == 0
    assert printed.count("background") == 2


def test_the_cause_of_what_git_gives_up() -> None:
    """Its first complaint has it, not its last."""
    cause = "error: insufficient permission for adding an object to repository database objects"
    assert git.complaint(f"warning: x\n{cause}\nfatal: adding files failed\n") == cause


def test_a_project_that_is_not_committed(template: Path, tmp_path: Path) -> None:
    """As `new` leaves it in a repository of several services."""
    support.git(tmp_path, "init", "--quiet", "mono")
    support.git(tmp_path / "mono", "commit", "--quiet", "--allow-empty", "--message", "Start")
    shop = projects.make(tmp_path / "mono/shop", template, NEXT)

    with pytest.raises(RefusedError, match="not committed yet") as refused:
        update.switch(update.Request(shop, {"ci": "none"}))

    assert "git add" in refused.value.remedy


def test_a_repository_of_somebody_else(
    renders: projects.Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container: git's own reason is given, and not that there is no repository."""
    shop = renders.project(tmp_path / "shop")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

    with pytest.raises(RefusedError, match="dubious ownership") as refused:
        update.switch(update.Request(shop, {"ci": "none"}))

    assert f"git config --global --add safe.directory {shop}" in refused.value.remedy


def test_a_repository_that_git_cannot_read(renders: projects.Renders, tmp_path: Path) -> None:
    shop = renders.project(tmp_path / "shop")
    (shop / ".git/config").write_text("[core\n")

    with pytest.raises(RefusedError, match="bad config line 1"):
        update.switch(update.Request(shop, {"ci": "none"}))


def test_a_relative_address_of_the_template(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As plain Copier has recorded it; both read it from the folder that they are called in."""
    shop = projects.make(tmp_path / "shop", template, RELEASED[0])
    answers = shop / ".copier-answers.yml"
    relative = os.path.relpath(template, tmp_path)
    answers.write_text(answers.read_text().replace(str(template), relative))
    support.commit(shop, "A relative address")
    monkeypatch.chdir(tmp_path)
    assert update.update(update.Request(Path("shop"))).applied


def test_a_sparse_checkout(template: Path, tmp_path: Path) -> None:
    """Of one service of several: it is updated, and taken back, and the others stay away."""
    mono = projects.sparse(tmp_path / "mono", template)
    before = support.files(mono)

    assert update.switch(update.Request(mono / "shop", {"task_backend": "rq"})).applied
    assert projects.is_clean(mono)
    assert not (mono / "other").exists()
    assert support.git(mono, "ls-tree", "HEAD", "other")
    assert not undo.undo(project.find(mono / "shop")).kept
    assert support.files(mono) == before


def test_conflicts_outside_a_sparse_checkout(renders: projects.Renders, tmp_path: Path) -> None:
    """They could not be settled there: the change is refused."""
    shop = renders.project(tmp_path / "shop")
    backend = shop / "src/shop/tasks/engine/__init__.py"
    backend.write_text(backend.read_text().replace("background", "other"))
    support.commit(shop, "Edit")
    head = projects.head(shop)
    support.git(shop, "sparse-checkout", "set", "--cone", "docs")

    with pytest.raises(RefusedError, match="not in this sparse checkout") as refused:
        update.switch(update.Request(shop, {"task_backend": "rq"}))

    assert "src/shop/tasks/engine/__init__.py" in refused.value.message
    assert refused.value.remedy.endswith("sparse-checkout disable")
    assert projects.head(shop) == head
    assert projects.is_clean(shop)


def test_a_branch_of_the_template_with_a_tags_name(tmp_path: Path) -> None:
    """A version is what the tag stands for, as for Copier."""
    own = tmp_path / "own"
    support.git(tmp_path, "init", "--quiet", "--initial-branch=v1", "own")
    for text in ("tag", "branch"):
        (own / "copier.yml").write_text(text)
        support.commit(own, text)
    support.git(own, "tag", "v1", "HEAD^")

    with versions.opened(str(own), "v1") as known:
        assert (known.files("v1") / "copier.yml").read_text() == "tag"
