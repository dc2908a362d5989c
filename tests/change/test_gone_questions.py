"""Projects that answered `outbox_delivery`, which is asked no more: they stay what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.change import status, update
from generator.errors import RefusedError
from tests import projects, support
from tests.projects import NEXT

if TYPE_CHECKING:
    from pathlib import Path

LATER = "v9.0.0"
OLD = [version for version in projects.RELEASED if version in {"v0.1.0", "v0.2.0"}]
LOCAL, RQ, CELERY, RABBITMQ = (
    {"task_backend": "outbox", "outbox_delivery": "local"},
    {"task_backend": "outbox", "outbox_delivery": "rq"},
    {"task_backend": "outbox", "outbox_delivery": "celery", "broker": "redis"},
    {"task_backend": "outbox", "outbox_delivery": "celery", "broker": "rabbitmq"},
)
BECOME = [
    (LOCAL, {"task_backend": "outbox"}),
    (RQ, {"task_backend": "rq"}),
    (CELERY, {"task_backend": "celery", "broker": "redis"}),
    (RABBITMQ, {"task_backend": "celery", "broker": "rabbitmq"}),
]


@pytest.fixture(scope="module")
def later(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the template with one more version, which renders a file more."""
    folder = tmp_path_factory.mktemp("later") / "template"
    support.git(template, "clone", "--quiet", str(template), str(folder))
    support.git(folder, "switch", "--quiet", "--detach", NEXT)
    (folder / "template/LATER").write_text("new\n")
    support.commit(folder, LATER)
    support.git(folder, "tag", LATER)
    return folder


@pytest.fixture(scope="module")
def made(later: Path, tmp_path_factory: pytest.TempPathFactory) -> projects.Renders:
    return projects.Renders(tmp_path_factory.mktemp("made"), later)


@pytest.mark.parametrize("old", OLD)
@pytest.mark.parametrize(("before", "after"), BECOME, ids=["local", "rq", "celery", "rabbitmq"])
@pytest.mark.usefixtures("cached_renders")
@pytest.mark.xdist_group("gone")  # in one process, they share the renders
def test_it_becomes_the_backend_that_it_was(
    made: projects.Renders, tmp_path: Path, old: str, before: dict[str, str], after: dict[str, str]
) -> None:
    """At the first update and at the second, and a switch goes on from there."""
    shop = made.project(tmp_path / "shop", old, **before)
    for version in (NEXT, LATER):
        assert update.update(update.Request(shop, to=version)).exit_code == 0
        is_as_made(shop, made, after, version)

    update.switch(update.Request(shop, {"task_backend": "background"}))
    assert support.files(shop) == made.files({"task_backend": "background"}, LATER)


@pytest.mark.parametrize(("before", "after"), BECOME, ids=["local", "rq", "celery", "rabbitmq"])
@pytest.mark.xdist_group("gone")
def test_so_it_does_by_plain_copier(
    made: projects.Renders, tmp_path: Path, before: dict[str, str], after: dict[str, str]
) -> None:
    """As a user calls it, then as Renovate does; our own switch goes on from there."""
    shop = made.project(tmp_path / "shop", OLD[-1], **before)
    for version, words in ((NEXT, []), (LATER, ["--skip-answered"])):
        done = projects.copier(shop, "update", *words, "--defaults", "--vcs-ref", version)
        assert done.returncode == 0, done.stderr
        support.commit(shop, version)
        is_as_made(shop, made, after, version)

    update.switch(update.Request(shop, {"task_backend": "background"}))
    assert support.files(shop) == made.files({"task_backend": "background"}, LATER)


def is_as_made(shop: Path, made: projects.Renders, answers: dict[str, str], version: str) -> None:
    assert support.files(shop) == made.files(answers, version), version
    assert "outbox_delivery" not in support.answers(shop)
    [found] = status.status([shop])
    assert (found.version, found.problems, found.drift.edited) == (version, [], [])


def test_the_plan_tells_of_it(made: projects.Renders, tmp_path: Path) -> None:
    """The answer is another one, and nothing that the backend promises is lost by it."""
    shop = made.project(tmp_path / "shop", OLD[-1], **RABBITMQ)

    done = update.update(update.Request(shop, to=NEXT, confirm=pytest.fail))

    assert done.answers.changed == {"task_backend": ["outbox", "celery"]}
    assert done.answers.dropped == ["outbox_delivery"]
    message = support.git(shop, "log", "-1", "--format=%s").strip()
    assert message == f"Update the template to {NEXT}, task_backend celery"
    assert done.deploy == []


def test_an_answer_that_would_become_another_is_refused(
    made: projects.Renders, tmp_path: Path
) -> None:
    """Who wants the outbox itself is told how to get it."""
    shop = made.project(tmp_path / "shop", OLD[-1], **RQ)
    outbox = {"task_backend": "outbox"}

    with pytest.raises(RefusedError, match=f"{NEXT} makes task_backend rq"):
        update.update(update.Request(shop, outbox, to=NEXT))

    assert projects.is_clean(shop)
    update.update(update.Request(shop, to=NEXT))
    update.switch(update.Request(shop, outbox))
    assert support.files(shop) == made.files(outbox)


@pytest.mark.parametrize("backend", ["background", "celery"])
def test_another_answer_counts(made: projects.Renders, tmp_path: Path, backend: str) -> None:
    """An answer that is given with the update is what the project becomes."""
    shop = made.project(tmp_path / "shop", OLD[-1], **RQ)

    update.update(update.Request(shop, {"task_backend": backend}, to=NEXT))

    assert support.files(shop) == made.files({"task_backend": backend})
