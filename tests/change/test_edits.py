"""A project that people have worked in: whatever happens to it, no line of theirs is lost."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from generator.change import status, update
from generator.change.merge import Kind
from generator.errors import GeneratorError, RefusedError
from tests import projects, support
from tests.projects import COMBINATIONS, ENGINE, NEXT, RELEASED, edit

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("cached_renders")

TASK = """

@task()
async def remind(user_id: UUID) -> None:
    log.info("reminded", user_id=str(user_id))
"""
CHOSEN = f"{ENGINE}/__init__.py"
"""The shared file that names the backend."""
SHELL = "\nshell: $(UV)  ## look around\n\t$(RUN) python\n"


def live_in(shop: Path) -> None:
    """Edit as users do: where the template has no business, and right beside its lines."""
    tasks = shop / "src/shop/signup/tasks.py"
    tasks.write_text(tasks.read_text() + TASK)
    edit(shop, "src/shop/signup/tasks.py", "max_attempts=6", "max_attempts=8")
    edit(shop, "pyproject.toml", "dependencies = [", 'dependencies = [\n  "idna>=3.10",')
    (shop / "Makefile").write_text((shop / "Makefile").read_text() + SHELL)
    [health] = shop.glob("src/shop/**/health.py")
    health.rename(health.with_stem("heartbeat"))
    main = shop / "src/shop/main.py"
    main.write_text(main.read_text().replace("health", "heartbeat"))
    (shop / "docs/architecture.md").unlink()
    (shop / "src/shop/billing").mkdir()
    (shop / "src/shop/billing/__init__.py").write_text('"""Ours alone."""\n')
    readme = shop / "README.md"
    readme.write_bytes(readme.read_bytes().replace(b"\n", b"\r\n"))
    support.commit(shop, "Live in it")


def assert_lived_in(shop: Path) -> None:
    tasks = (shop / "src/shop/signup/tasks.py").read_text()
    assert TASK in tasks
    assert "max_attempts=8" in tasks
    assert '"idna>=3.10"' in (shop / "pyproject.toml").read_text()
    assert SHELL in (shop / "Makefile").read_text()
    assert list(shop.glob("src/shop/**/heartbeat.py"))
    assert not (shop / "docs/architecture.md").exists()
    assert (shop / "src/shop/billing/__init__.py").read_text() == '"""Ours alone."""\n'


@pytest.mark.parametrize("answers", COMBINATIONS[:1] + COMBINATIONS[2::3], ids=projects.name)
@pytest.mark.parametrize("version", [v for v in RELEASED if v != NEXT] or RELEASED)
def test_an_update_keeps_a_lived_in_project(
    template: Path, tmp_path: Path, version: str, answers: dict[str, str]
) -> None:
    """In conflict is but a file that they renamed and the template moved, and what imports it."""
    shop = projects.make(tmp_path / "shop", template, version, **answers)
    moves = (shop / "src/shop/health.py").exists()  # before 0.3.0
    line = "from . import ABOUT, heartbeat, " if moves else "from .service import heartbeat, "
    live_in(shop)

    done = update.update(update.Request(shop))

    in_conflict = ["src/shop/heartbeat.py", "src/shop/main.py"] if moves else []
    assert [change.path for change in done.conflicts] == in_conflict
    assert line in (shop / "src/shop/main.py").read_text()
    assert (shop / "src/shop/service/health.py").exists() == moves
    assert_lived_in(shop)


@pytest.mark.parametrize("end", COMBINATIONS[2:], ids=projects.name)
def test_a_switch_keeps_a_lived_in_project(
    renders: projects.Renders, tmp_path: Path, end: dict[str, str]
) -> None:
    """There and back, and the project is as before."""
    shop = renders.project(tmp_path / "shop")
    live_in(shop)
    before = projects.texts(shop)

    there = update.switch(update.Request(shop, end))
    assert there.conflicts == []
    assert_lived_in(shop)
    update.switch(update.Request(shop, {"task_backend": "background", "database": "sqlite"}))

    assert projects.texts(shop) == before


def test_a_deleted_slice_stays_deleted(
    template: Path, renders: projects.Renders, tmp_path: Path
) -> None:
    """Its folder, its tests: neither an update nor a switch brings them back."""
    shop = projects.make(tmp_path / "shop", template, RELEASED[0])
    for path in ("src/shop/signup", "tests/test_signup.py"):
        support.git(shop, "rm", "-r", "--quiet", path)
    support.commit(shop, "No signup")

    update.update(update.Request(shop))
    done = update.switch(update.Request(shop, {"task_backend": "rq"}))

    assert done.conflicts == []
    fresh = renders.files({"task_backend": "rq"})
    gone = {path for path in fresh if "signup" in path and "migrations" not in path}
    gone.add("src/shop/service/mail.py")  # where its mail.py went
    assert fresh.keys() - support.files(shop).keys() == gone


def test_a_reformatted_file(renders: projects.Renders, tmp_path: Path) -> None:
    """What was only moved about in its lines is kept, in the file or between markers."""
    shop = renders.project(tmp_path / "shop")
    file = shop / "src/shop/service/cli.py"
    text = file.read_text().replace('"', "'").replace("    ", "\t")
    file.write_text(text)
    support.commit(shop, "Tabs")

    done = update.switch(update.Request(shop, {"task_backend": "rq"}))

    after = file.read_text()
    assert [line for line in text.splitlines() if line not in after] == []
    assert [change.path for change in done.conflicts] in ([], ["src/shop/service/cli.py"])


def test_an_edited_file_that_is_dropped_is_a_conflict(
    renders: projects.Renders, tmp_path: Path
) -> None:
    """Copier would delete it and say nothing; here its text stays until somebody decides."""
    shop = renders.project(tmp_path / "shop")
    adapter = shop / ENGINE / "background.py"
    adapter.write_text(adapter.read_text() + "# our own line\n")
    support.commit(shop, "Ours")
    head = projects.head(shop)

    done = update.switch(update.Request(shop, {"task_backend": "rq"}))

    [conflict] = done.conflicts
    assert conflict.path == f"{ENGINE}/background.py"
    assert "no longer rendered" in conflict.reason
    assert adapter.read_text().endswith("# our own line\n")
    assert done.exit_code == 2
    assert projects.head(shop) == head
    said = support.git(shop, "status", "--porcelain", "--", "src/shop/tasks")
    assert "DU" in said or "UD" in said
    # As the last lines say: settle it, commit, and all is well.
    support.git(shop, "rm", "--quiet", str(adapter))
    support.git(shop, "commit", "--quiet", "--no-edit")
    assert support.files(shop) == renders.files({"task_backend": "rq"})


def test_the_same_line_on_both_sides(renders: projects.Renders, tmp_path: Path) -> None:
    """Both texts are there, between markers that `make check` finds, and git refuses to commit."""
    shop = renders.project(tmp_path / "shop")
    file = shop / CHOSEN
    line = next(text for text in file.read_text().splitlines() if "background" in text)
    edit(shop, CHOSEN, line, f"{line}  # ours")
    support.commit(shop, "Ours")

    done = update.switch(update.Request(shop, {"task_backend": "rq"}))

    assert [change.path for change in done.conflicts] == [CHOSEN]
    text = file.read_text()
    assert f"{line}  # ours\n" in text
    assert "<<<<<<< yours" in text
    assert f">>>>>>> template {NEXT}" in text
    refused = update.Request(shop, {"task_backend": "outbox"})
    with pytest.raises(RefusedError, match="uncommitted changes") as error:
        update.switch(refused)
    assert f"conflicts in {CHOSEN}" in error.value.message
    [found] = status.status([shop])
    assert found.problems == [f"{CHOSEN} is in conflict: settle it, then git add"]
    assert "fastapi-tasks undo" in error.value.remedy


def test_a_renamed_file_follows_the_template(renders: projects.Renders, tmp_path: Path) -> None:
    """What the template changes in a file arrives where the user has moved it."""
    shop = renders.project(tmp_path / "shop")
    support.git(shop, "mv", CHOSEN, f"{ENGINE}/chosen.py")
    support.commit(shop, "Rename")

    done = update.switch(update.Request(shop, {"task_backend": "rq"}))

    assert done.conflicts == []
    assert not (shop / CHOSEN).exists()
    assert "rq" in (shop / ENGINE / "chosen.py").read_text()


def test_renames_beyond_the_limit_of_the_user(renders: projects.Renders, tmp_path: Path) -> None:
    """Git's setting is for what it shows; a rename that it gives up would look like a deletion."""
    shop = renders.project(tmp_path / "shop")
    support.git(shop, "config", "diff.renameLimit", "1")
    for old, new in (("__init__", "chosen"), ("background", "here")):
        file = shop / f"{ENGINE}/{old}.py"
        file.write_text(f"# ours\n{file.read_text()}")
        support.git(shop, "mv", str(file), str(file.with_stem(new)))
    support.commit(shop, "Rename")

    done = update.switch(update.Request(shop, {"task_backend": "rq"}))

    assert [change.path for change in done.conflicts] == [f"{ENGINE}/here.py"]
    assert "rq" in (shop / ENGINE / "chosen.py").read_text()


@pytest.mark.parametrize(("others", "own"), [(b"\n", b"# ours\r\n"), (b"\r\n", b"# ours\n")])
def test_lines_that_end_otherwise(
    renders: projects.Renders, tmp_path: Path, others: bytes, own: bytes
) -> None:
    """One is an edit like any other; where most of them do, the template's do as well."""
    shop = renders.project(tmp_path / "shop")
    (shop / ".gitattributes").write_text("* -text\n")
    file = shop / "src/shop/service/cli.py"
    file.write_bytes(file.read_bytes().replace(b"\n", others) + own)
    support.commit(shop, "Windows")

    done = update.switch(update.Request(shop, {"task_backend": "rq"}))

    assert done.conflicts == []
    text = file.read_bytes()
    assert text.endswith(own)
    assert (text.count(b"\r\n") > 1) == (others == b"\r\n")


def test_a_deleted_file_stays_deleted(renders: projects.Renders, tmp_path: Path) -> None:
    """And the plan says that the template has changed it."""
    shop = renders.project(tmp_path / "shop")
    support.git(shop, "rm", "--quiet", "docs/tasks.md")
    support.commit(shop, "Away")

    done = update.switch(update.Request(shop, {"task_backend": "rq"}))

    assert not (shop / "docs/tasks.md").exists()
    left = [change.path for change in done.changes if change.kind is Kind.LEFT]
    assert left == ["docs/tasks.md"]


def test_a_merge_that_is_killed(
    renders: projects.Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When memory runs out, say: what git had printed by then is no merge."""
    shop = renders.project(tmp_path / "shop")
    example = shop / ".env.example"
    example.write_text(f"{example.read_text()}EDITED=1\n")
    support.commit(shop, "Edit")
    wrapper = tmp_path / "bin/git"
    wrapper.parent.mkdir()
    kill = 'case "$*" in *merge-file*) kill -9 $$ ;; esac'
    wrapper.write_text(f'#!/bin/sh\n{kill}\nexec {shutil.which("git")} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(GeneratorError, match="merge-file was killed"):
        update.switch(update.Request(shop, {"task_backend": "rq"}))

    assert "EDITED=1" in example.read_text()
    assert projects.is_clean(shop)
