"""Honest changes on two branches merge, and the project goes on from there."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from generator.change import status, update
from generator.errors import RefusedError
from generator.template import answers
from tests import projects, support
from tests.projects import NEXT, edit

if TYPE_CHECKING:
    from pathlib import Path

ANSWERS = answers.ANSWERS_FILE
CHANGES = [
    {"database": "postgresql"},
    {"ci": "none"},
    {"task_backend": "celery", "broker": "rabbitmq"},
    {"examples": "none"},
    {"description": "Words: many of them, '\"quoted\"' # and more, so that YAML breaks it"},
]


@pytest.mark.usefixtures("cached_renders")
@pytest.mark.parametrize(("here", "there"), list(itertools.pairwise(CHANGES)))
def test_answers_of_two_branches(
    renders: projects.Renders,
    template: Path,
    tmp_path: Path,
    here: dict[str, str],
    there: dict[str, str],
) -> None:
    """Whoever merges the lines of both has answers that were rendered, and no problem."""
    shop = renders.project(tmp_path / "shop")
    for branch, given in (("here", here), ("there", there)):
        support.git(shop, "switch", "--quiet", "main")
        assert update.switch(update.Request(shop, given, branch=branch)).applied
    fresh = projects.make(tmp_path / "fresh", template, NEXT, **here, **there)
    support.git(shop, "merge", "--quiet", "--no-commit", "--strategy=ours", "here")
    merged_by_hand(shop, fresh)
    support.commit(shop, "Merge")

    [found] = status.status([shop])
    assert (found.problems, found.drift.edited) == ([], [])
    assert update.switch(update.Request(shop, {"python_version": "3.13"})).applied


def merged_by_hand(shop: Path, fresh: Path) -> None:
    """Take each line of the answers from the branch that changed it, and the files of both."""
    text = {ref: support.git(shop, "show", f"{ref}:{ANSWERS}") for ref in ("here", "there")}
    wanted = (fresh / ANSWERS).read_text()
    for line in wanted.splitlines():
        assert line in text["here"].splitlines() + text["there"].splitlines()
    for name in support.files(shop):
        (shop / name).unlink()
    for name, content in support.files(fresh).items():
        (shop / name).parent.mkdir(parents=True, exist_ok=True)
        (shop / name).write_bytes(content)


@pytest.mark.usefixtures("cached_renders")
@pytest.mark.parametrize(
    ("old", "edited"),
    [
        ("ci: github", "ci: none"),
        ("\nci: github  # ", "\n# ci: github  # "),
        ("- signup  # ", "- signup\n# "),
        ("task_backend: background", "broker: redis\ntask_backend: background"),
    ],
)
def test_answers_edited_by_hand(
    renders: projects.Renders, tmp_path: Path, old: str, edited: str
) -> None:
    """One that is changed, removed or added is told, whatever else the commit holds."""
    shop = renders.project(tmp_path / "shop")
    edit(shop, ANSWERS, old, edited)
    (shop / "README.md").unlink()
    support.commit(shop, "By hand")

    with pytest.raises(RefusedError, match="was edited by hand"):
        update.switch(update.Request(shop, {"database": "postgresql"}))
    assert "edited by hand" in status.status([shop])[0].problems[0]
