"""States in which a project is left alone: a clear message, exit code 3, nothing touched."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.change import deploy, status, update
from generator.errors import RefusedError
from tests import projects, support
from tests.projects import NEXT, RELEASED, edit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ANSWERS = ".copier-answers.yml"


def dirty(shop: Path) -> None:
    (shop / "README.md").write_text("edited\n")


def no_repository(shop: Path) -> None:
    shutil.rmtree(shop / ".git")


def no_commit(shop: Path) -> None:
    shutil.rmtree(shop / ".git")
    support.git(shop, "init", "--quiet")


def merging(shop: Path, command: str = "merge") -> None:
    support.git(shop, "switch", "--quiet", "--create", "other")
    (shop / "note").write_text("there\n")
    support.commit(shop, "There")
    support.git(shop, "switch", "--quiet", "main")
    (shop / "note").write_text("here\n")
    support.commit(shop, "Here")
    with pytest.raises(subprocess.CalledProcessError):
        support.git(shop, command, "--quiet", "other")


def rebasing(shop: Path) -> None:
    merging(shop, "rebase")


def applying(shop: Path) -> None:
    (shop / ".git/rebase-apply").mkdir()
    (shop / ".git/rebase-apply/applying").write_text("")


def detached(shop: Path) -> None:
    support.git(shop, "switch", "--quiet", "--detach")


def no_answers(shop: Path) -> None:
    (shop / ANSWERS).unlink()
    support.commit(shop, "Away")


def mangled_answers(shop: Path) -> None:
    (shop / ANSWERS).write_text("<<<<<<< ours\n: [\n")
    support.commit(shop, "Mangle")


def answers_without_source(shop: Path) -> None:
    (shop / ANSWERS).write_text("task_backend: background\n")
    support.commit(shop, "Mangle")


def answers_edited_by_hand(shop: Path) -> None:
    edit(shop, ANSWERS, "task_backend: background", "task_backend: rq")
    support.commit(shop, "By hand")


def answer_that_is_no_choice(shop: Path) -> None:
    edit(shop, ANSWERS, "task_backend: background", "task_backend: cron")
    support.commit(shop, "By hand")


def answer_that_is_no_text(shop: Path) -> None:
    edit(shop, ANSWERS, "project_name: shop", "project_name: 2020-01-01")
    support.commit(shop, "By hand")


def answer_that_is_no_list(shop: Path) -> None:
    edit(shop, ANSWERS, "examples:\n- signup", "examples: signup")
    support.commit(shop, "By hand")


def answer_that_is_nothing(shop: Path) -> None:
    edit(shop, ANSWERS, "examples:\n- signup", "examples:")
    support.commit(shop, "By hand")


def unknown_version(shop: Path) -> None:
    edit(shop, ANSWERS, f"_commit: {RELEASED[0]}", "_commit: v0.0.7")
    support.commit(shop, "By hand")


def template_gone(shop: Path) -> None:
    text = (shop / ANSWERS).read_text()
    (shop / ANSWERS).write_text(text.replace("fastapi-tasks-template", "gone"))
    support.commit(shop, "By hand")


def untracked_in_the_way(shop: Path) -> None:
    (shop / "docs/rq.md").write_text("mine\n")


def locked(shop: Path) -> None:
    (shop / ".git/index.lock").write_text("")


STATES: dict[Callable[[Path], None], str] = {
    dirty: "uncommitted changes in .*README.md",
    no_repository: "not in a git repository",
    no_commit: "no commit yet",
    merging: "A merge is in progress",
    rebasing: "A rebase is in progress",
    applying: "A git am is in progress",
    detached: "detached HEAD",
    no_answers: "has no .copier-answers.yml",
    mangled_answers: "cannot be read",
    answers_without_source: "does not say _src_path",
    answers_edited_by_hand: "was edited by hand",
    answer_that_is_no_choice: '"cron" is not a choice of task_backend',
    answer_that_is_no_text: '"2020-01-01" is no text',
    answer_that_is_no_list: "An answer is no list",
    answer_that_is_nothing: "An answer is no list",
    unknown_version: 'no version "v0.0.7"',
    template_gone: "cannot be reached",
    untracked_in_the_way: "docs/rq.md is in the way",
    locked: "Another git process",
}


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_refused(template: Path, tmp_path: Path, state: Callable[[Path], None]) -> None:
    """Nothing changes, not even in git."""
    shop = projects.make(tmp_path / "shop", template, RELEASED[0])
    state(shop)
    files = support.files(shop)

    with pytest.raises(RefusedError, match=STATES[state]) as refused:
        update.switch(update.Request(shop, {"task_backend": "rq"}))

    assert refused.value.exit_code == 3
    assert refused.value.remedy
    assert support.files(shop) == files
    assert not (shop / ".git/fastapi-tasks").exists()


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"to": "9.9.9"}, 'no version "9.9.9"'),
        ({"to": RELEASED[0]}, "is older than"),
        ({"answers": {"task_backend": "cron"}}, '"cron" is not a choice'),
        ({"answers": {"backend": "rq"}}, '"backend" is not a question'),
        ({"answers": {"broker": "redis"}}, '"broker" is not asked for with these answers'),
        ({"branch": "main"}, "The branch main exists"),
        ({"branch": "main/of-rq"}, "The branch main exists"),
        ({"branch": "@{-1}"}, "cannot name a branch"),
        ({"branch": "-x"}, "cannot name a branch"),
        ({"branch": "HEAD"}, "cannot name a branch"),
    ],
)
def test_impossible_wishes(
    template: Path, tmp_path: Path, request_: dict[str, object], message: str
) -> None:
    """What cannot be had is said before anything is done."""
    shop = projects.make(tmp_path / "shop", template, NEXT)
    if RELEASED[0] == NEXT and "to" in request_:
        message = message.replace("is older than", "")
    with pytest.raises(RefusedError, match=message):
        update.update(update.Request(shop, **request_))  # type: ignore[arg-type]  # one field each
    assert projects.is_clean(shop)


def test_a_removed_choice_is_not_answered_anew_in_silence(template: Path, tmp_path: Path) -> None:
    """Copier would move the project to the default."""
    folder = tmp_path / "template"
    support.git(tmp_path, "clone", "--quiet", str(template), str(folder))
    shop = projects.make(tmp_path / "shop", folder, NEXT, task_backend="rq")
    lines = (folder / "copier.yml").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.endswith("through Redis: rq\n")]
    assert len(kept) == len(lines) - 1
    (folder / "copier.yml").write_text("".join(kept))
    support.commit(folder, "No RQ")
    support.git(folder, "tag", "v9.0.0")

    with pytest.raises(RefusedError) as refused:
        update.update(update.Request(shop))
    assert str(refused.value) == (
        'v9.0.0 no longer has "rq" among the choices of task_backend. '
        "Choose anew: --data task_backend=…"
    )
    assert projects.is_clean(shop)
    assert update.update(update.Request(shop, {"task_backend": "background"})).applied


def test_a_removed_choice_of_several(template: Path, tmp_path: Path) -> None:
    """As one of the examples is."""
    folder = tmp_path / "template"
    support.git(tmp_path, "clone", "--quiet", str(template), str(folder))
    shop = projects.make(tmp_path / "shop", folder, NEXT)
    for file in ("copier.yml", "backends.yml"):
        text = (folder / file).read_text()
        (folder / file).write_text(re.sub(r"\bsignup\b", "subscribe", text))
    support.commit(folder, "Another example")
    support.git(folder, "tag", "v9.0.0")

    with pytest.raises(RefusedError, match='no longer has "signup" among the choices of examples'):
        update.update(update.Request(shop))
    assert projects.is_clean(shop)


def test_an_older_version_on_another_branch(template: Path, tmp_path: Path) -> None:
    """What is older is told by the numbers, wherever a maintained release was cut."""
    folder = tmp_path / "template"
    support.git(tmp_path, "clone", "--quiet", str(template), str(folder))
    shop = projects.make(tmp_path / "shop", folder, NEXT)
    support.git(folder, "switch", "--quiet", "--create", "maintained", RELEASED[0])
    support.git(folder, "commit", "--quiet", "--allow-empty", "--message", "Maintained")
    support.git(folder, "tag", "v0.0.9")

    with pytest.raises(RefusedError, match="is older than"):
        update.update(update.Request(shop, to="v0.0.9"))
    support.git(
        folder, "tag", "--delete", *support.git(folder, "tag", "--list", "v0.[123].*").split()
    )
    assert not status.status([shop])[0].is_outdated


@pytest.mark.parametrize("version", [RELEASED[0], NEXT])
def test_a_promise_is_not_given_up_unasked(template: Path, tmp_path: Path, version: str) -> None:
    """To keep no rows needs a yes, whatever older versions called what that loses."""
    shop = projects.make(tmp_path / "shop", template, version, task_backend="outbox")
    wish = {"task_backend": "background"}
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(RefusedError, match="Not confirmed"):
        update.update(update.Request(shop, wish, NEXT, confirm=no))
    done = update.update(update.Request(shop, wish, NEXT, confirm=lambda _: True))

    assert asked[0].startswith("Given up: committed ⇒ it will run, whatever is killed in between;")
    assert "drain --check" in done.deploy[-2]


def test_what_is_not_given_up_is_not_asked_for(template: Path, tmp_path: Path) -> None:
    """Those that keep rows promise the same; the next one's worker takes them up."""
    shop = projects.make(tmp_path / "shop", template, NEXT, task_backend="outbox")
    for backend in ("rq", "celery", "outbox"):
        done = update.switch(update.Request(shop, {"task_backend": backend}, confirm=pytest.fail))
        assert done.promises == []
        assert done.deploy[:3] == list(deploy.SAME_ROWS)
    assert update.switch(update.Request(shop, {"ci": "none"})).deploy == []


@pytest.mark.parametrize("version", sorted({RELEASED[0], NEXT}))
def test_edited_answers_are_seen(template: Path, tmp_path: Path, version: str) -> None:
    """Wherever the edit is; since 0.3.0 even beside an edit of a rendered file."""
    shop = projects.make(tmp_path / "shop", template, version, project_name='Ünï "名前"')
    assert status.status([shop])[0].problems == []
    edit(shop, ANSWERS, "task_backend: background", "task_backend: rq")
    if version == NEXT:
        (shop / "README.md").unlink()
    support.commit(shop, "By hand")
    with pytest.raises(RefusedError, match="was edited by hand"):
        update.switch(update.Request(shop, {"task_backend": "outbox"}))
    assert "edited by hand" in status.status([shop])[0].problems[0]
    edit(shop, ANSWERS, "task_backend: rq", "task_backend: background")
    support.commit(shop, "Taken back")
    assert update.update(update.Request(shop)).conflicts == []


def test_status_of_bad_states(template: Path, tmp_path: Path) -> None:
    """One project that cannot be read stops no other, and a hand-edited answer is a problem."""
    good, bad = (projects.make(tmp_path / name, template, NEXT) for name in ("good", "bad"))
    answers_edited_by_hand(good)
    no_answers(bad)

    first, second = status.status([good, bad])

    assert "edited by hand" in first.problems[0]
    assert "has no .copier-answers.yml" in second.error
    assert (first.exit_code, second.exit_code) == (2, 3)


def test_an_error_in_a_status_is_a_sentence(template: Path, tmp_path: Path) -> None:
    """Its remedy follows as another one."""
    shop = projects.make(tmp_path / "shop", template, NEXT)
    template_gone(shop)

    [found] = status.status([shop])

    assert "does not exist. Check your network" in found.error
