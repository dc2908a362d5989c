from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from generator.errors import RefusedError
from generator.template import new
from tests.support import ROOT, answers, commit, fastapi_tasks, git


def test_newest_release_is_taken(released: Path, tmp_path: Path) -> None:
    """Without --version a repository gives its newest release, no pre-release and no stray tag."""
    for tag in ("v0.9", "v2.0.0rc1", "nightly"):
        git(released, "tag", tag)
    (released / "template" / "LATER").write_text("after the release\n")
    commit(released, "More")

    new.new(new.Request(tmp_path / "a", template=str(released)))
    new.new(new.Request(tmp_path / "b", template=str(released), version="HEAD"))

    assert answers(tmp_path / "a")["_commit"] == "v1.0.0"
    assert not (tmp_path / "a" / "LATER").exists()
    assert (tmp_path / "b" / "LATER").exists()


def test_relative_source_is_stored_absolute(
    released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update runs in another folder, so the source is recorded absolute."""
    monkeypatch.chdir(tmp_path)
    new.new(new.Request(Path("shop"), template="./released"))

    assert answers(tmp_path / "shop")["_src_path"] == str(released)


def test_dirty_head_is_refused_but_not_a_release(released: Path, tmp_path: Path) -> None:
    """Uncommitted changes could never be updated from; a tag does not hold them."""
    (released / "stray").write_text("x")

    head = fastapi_tasks(released, tmp_path, "new", "a", "--json")
    tag = fastapi_tasks(released, tmp_path, "new", "b", "--template", str(released))

    assert head.returncode == 3
    assert "uncommitted changes" in json.loads(head.stdout)["error"]
    assert "Commit them" in json.loads(head.stdout)["remedy"]
    assert not (tmp_path / "a").exists()
    assert tag.returncode == 0, tag.stderr


def test_plain_folder_is_accepted_and_its_price_said(checkout: Path, tmp_path: Path) -> None:
    """A folder that is no repository renders, with a note that no update is possible."""
    shutil.copytree(checkout, plain := tmp_path / "plain", ignore=shutil.ignore_patterns(".git"))

    made = new.new(new.Request(tmp_path / "shop", template=str(plain)))

    assert "cannot be updated" in made.notes[0]
    assert "_commit" not in answers(tmp_path / "shop")


@pytest.mark.parametrize(
    ("arguments", "code", "fact"),
    [
        (["--template", "/nowhere/at/all"], 3, "There is no template at"),
        (["--template", "file:///nowhere/at/all.git"], 1, "cannot be reached: fatal:"),
        (["--version", "v9.9"], 3, 'The template has no version "v9.9"'),
    ],
)
def test_template_that_is_not_there(
    checkout: Path, tmp_path: Path, arguments: list[str], code: int, fact: str
) -> None:
    """A source or version that cannot be had is an error with a remedy, and leaves nothing."""
    done = fastapi_tasks(checkout, tmp_path, "new", "shop", *arguments)

    assert done.returncode == code
    assert fact in done.stderr
    assert "Traceback" not in done.stderr
    said = done.stderr.removeprefix("Fetching the template from file:///nowhere/at/all.git …\n")
    assert len(said.splitlines()) == 2
    assert list(tmp_path.iterdir()) == []


def test_template_with_tasks_is_never_trusted(released: Path, tmp_path: Path) -> None:
    """A template that would run commands is refused, even one the user's settings trust."""
    with (released / "copier.yml").open("a") as questions:
        questions.write("\n_tasks: [touch pwned]\n")
    commit(released, "Tasks")
    (settings := tmp_path / "settings.yml").write_text(f"trust: [{released}]")

    done = fastapi_tasks(released, tmp_path, "new", "shop", COPIER_SETTINGS_PATH=str(settings))

    assert done.returncode == 3
    assert "may run any code" in done.stderr
    assert not (tmp_path / "shop").exists()


def test_foreign_template_is_held_to_its_own_questions(released: Path, tmp_path: Path) -> None:
    """Of another template too, an unknown key or choice is refused though Copier ignores it."""
    for answer in ({"databse": "sqlite"}, {"slug": "x"}, {"examples": "[sign_up]"}):
        with pytest.raises(RefusedError):
            new.new(new.Request(tmp_path / "shop", answer, template=str(released)))
        assert not (tmp_path / "shop").exists()


def test_remember_keeps_the_rest_of_the_answers(tmp_path: Path) -> None:
    """Only the source's lines are replaced, however long the path was, and 1.0 stays a text."""
    (file := tmp_path / "answers.yml").write_text(
        f"# header\n_commit: nightly\n_src_path: /{'long ' * 30}\n  path\nci: github\n"
    )

    new.remember(file, "/a # path/template", "1.0")

    assert file.read_text() == (
        "# header\n_commit: '1.0'\n_src_path: '/a # path/template'\nci: github\n"
    )


def test_repository_address_is_in_the_metadata() -> None:
    """The wheel learns its public source from pyproject.toml alone."""
    assert "Repository = " in (ROOT / "pyproject.toml").read_text()
