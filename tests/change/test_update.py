"""Updates and switches: the project becomes what a fresh render is, and keeps every edit."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from generator.change import project, status, undo, update
from generator.change.merge import Kind
from generator.matrix.combinations import PRODUCT
from generator.template import questions
from tests import projects, support
from tests.projects import COMBINATIONS, NEXT, RELEASED

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("answers", COMBINATIONS, ids=projects.name)
@pytest.mark.parametrize("version", [v for v in RELEASED if v != NEXT] or RELEASED)
@pytest.mark.usefixtures("cached_renders")
@pytest.mark.xdist_group("renders")  # in one process, they share them
def test_update_equals_a_fresh_render(
    tmp_path: Path, renders: projects.Renders, version: str, answers: dict[str, str]
) -> None:
    """From every released version, with every combination of answers."""
    old = renders.project(tmp_path / "old", version, **answers)

    done = update.update(update.Request(old))

    assert done.version.new == NEXT
    assert support.files(old) == renders.files(answers)
    assert projects.is_clean(old)
    assert done.exit_code == 0


@pytest.mark.parametrize("start", COMBINATIONS, ids=projects.name)
@pytest.mark.usefixtures("cached_renders")
@pytest.mark.xdist_group("renders")  # in one process, they share them
def test_switch_equals_a_fresh_render(
    tmp_path: Path, start: dict[str, str], renders: projects.Renders
) -> None:
    """From each combination to each later one and back: every ordered pair is switched once."""
    moving = renders.project(tmp_path / "moving", **start)
    first = support.files(moving)
    for end in COMBINATIONS[COMBINATIONS.index(start) + 1 :]:
        there = update.switch(update.Request(moving, end))
        assert support.files(moving) == renders.files(end), projects.name(end)
        back = update.switch(update.Request(moving, start))
        assert support.files(moving) == first, f"back from {projects.name(end)}"
        assert there.exit_code == back.exit_code == 0


OTHERS = {
    "examples": ["signup", "none"],
    "ci": ["github", "gitlab", "none"],
    "python_version": ["3.11", "3.12", "3.13", "3.14"],
    "project_name": ["shop", "A shop"],
    "package_name": ["shop", "store"],
    "description": ["A FastAPI service with background tasks.", "Sells things."],
}


def test_each_answer_is_switched() -> None:
    """A new question is switched too."""
    asked = {question.name: question.choices for question in questions.load()}
    assert asked.keys() == {*PRODUCT, *OTHERS}
    for name in ("ci", "python_version"):
        assert OTHERS[name] == list(asked[name])


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [(name, *pair) for name, values in OTHERS.items() for pair in permutations(values, 2)],
)
@pytest.mark.usefixtures("cached_renders")
@pytest.mark.xdist_group("renders")
def test_other_answers_are_switched_too(
    renders: projects.Renders, tmp_path: Path, name: str, start: str, end: str
) -> None:
    """Any answer: the package's own folder moves with its name, and the user's files in it too."""
    about = {"project_name": "shop", "package_name": "shop"}
    moving = renders.project(tmp_path / "moving", **about | {name: start})
    package = start if name == "package_name" else "shop"
    (moving / f"src/{package}/mine.py").write_text("MINE = 1\n")
    support.commit(moving, "Mine")

    done = update.switch(update.Request(moving, {name: end}))

    found = support.files(moving)
    package = end if name == "package_name" else "shop"
    assert found.pop(f"src/{package}/mine.py") == b"MINE = 1\n"
    moved = [change.path for change in done.changes if change.kind is Kind.MOVED]
    assert (f"src/{package}/mine.py" in moved) == (name == "package_name")
    if name == "examples" and end == "none":  # a database may have run it
        del found["migrations/versions/0001_signup.py"]
    assert found == renders.files(about | {name: end})


def test_a_project_inside_a_repository(template: Path, tmp_path: Path) -> None:
    """In a repository of several services the others stay as they are."""
    support.git(tmp_path, "init", "--quiet", "--initial-branch=main", "mono")
    mono = tmp_path / "mono"
    (mono / "README").write_text("All services.\n")
    shop = projects.make(mono / "services/shop", template, RELEASED[0])
    support.commit(mono, "Start")

    update.switch(update.Request(shop, {"task_backend": "rq"}))

    assert (shop / "src/shop/tasks/rq.py").exists()
    assert (mono / "README").read_text() == "All services.\n"
    assert projects.is_clean(mono)
    undo.undo(project.find(shop))
    assert not (shop / "src/shop/tasks/rq.py").exists()


def test_nothing_to_do(template: Path, tmp_path: Path) -> None:
    """A project of the newest version is left alone."""
    shop = projects.make(tmp_path / "shop", template, NEXT)
    before = projects.head(shop)

    done = update.update(update.Request(shop))

    assert not done.applied
    assert done.changes == []
    assert projects.head(shop) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["update", "--defaults"],
        ["update", "--skip-answered", "--defaults", "--vcs-ref", NEXT],
    ],
    ids=["user", "renovate"],
)
def test_plain_copier_updates_too(template: Path, tmp_path: Path, arguments: list[str]) -> None:
    """Without trust, and with the same result."""
    shop = projects.make(tmp_path / "shop", template, RELEASED[0], task_backend="outbox")
    fresh = projects.make(tmp_path / "fresh", template, NEXT, task_backend="outbox")

    done = projects.copier(shop, *arguments)

    assert done.returncode == 0, done.stderr
    assert support.files(shop) == support.files(fresh)


def test_plain_copier_switches_too(template: Path, tmp_path: Path) -> None:
    """The answer is given to Copier, at the version that the project has."""
    shop = projects.make(tmp_path / "shop", template, NEXT)
    fresh = projects.make(tmp_path / "fresh", template, NEXT, task_backend="rq")

    arguments = ("--skip-answered", "--defaults", "--vcs-ref", ":current:")
    done = projects.copier(shop, "update", *arguments, "--data", "task_backend=rq")

    assert done.returncode == 0, done.stderr
    assert support.files(shop) == support.files(fresh)


@pytest.mark.parametrize("relative", [False, True])
def test_a_template_that_has_moved(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, relative: bool
) -> None:
    """Its new address is given once, and remembered as it is from anywhere."""
    shop = projects.make(tmp_path / "shop", template, NEXT)
    moved = tmp_path / "moved"
    support.git(tmp_path, "clone", "--quiet", "--bare", str(template), str(moved))
    monkeypatch.chdir(tmp_path)
    given = "moved" if relative else str(moved)

    assert status.status([shop], given)[0].error == ""
    done = update.update(update.Request(shop, template=given))

    assert [change.path for change in done.changes] == [".copier-answers.yml"]
    assert support.answers(shop)["_src_path"] == str(moved)


def test_release_notes_are_shown(template: Path, tmp_path: Path) -> None:
    """What the changelog has under "Upgrading", of each version that is crossed."""
    changelog = template / "CHANGELOG.md"
    support.git(template, "checkout", "--quiet", NEXT)
    text = changelog.read_text()
    for version in ("9.0.0", "9.1.0"):
        section = (
            f"## [{version}]\n\n### Upgrading\n\nKnow this of {version}.\n\n### Added\n\n- x\n"
        )
        text = text.replace("## [", f"{section}\n## [", 1)
        changelog.write_text(text)
        support.commit(template, version)
        support.git(template, "tag", f"v{version}")
    try:
        shop = projects.make(tmp_path / "shop", template, NEXT)
        done = update.update(update.Request(shop))
    finally:
        support.git(template, "tag", "--delete", "v9.0.0", "v9.1.0")

    assert done.release_notes == {"9.0.0": "Know this of 9.0.0.", "9.1.0": "Know this of 9.1.0."}
    assert [change.kind for change in done.changes] == [Kind.UPDATED]
