"""What cannot be added is refused in a sentence, and nothing is written."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import pytest

from generator.add.new_slice import SliceRequest, add_slice
from generator.add.new_task import TaskRequest, add_task
from generator.errors import RefusedError
from tests import projects, support

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from generator.add.added import Added

SLICES = {
    # a name's form
    "Invoices": "For example: invoices.",
    "order-items": "For example: order_items.",
    "2nd": "For example: nd.",
    "größe": "cannot name a slice",
    "invoices_": "For example: invoices.",
    "../invoices": "cannot name a slice",
    "": "For example: send_reminder.",
    "a" * 28: "28 characters: use at most 27",
    # what Python, the service or the text could not bear
    "class": "keyword of Python",
    "router": "taken for a router",
    "mail_router": "taken for a router",
    "probe": "tests/engine has one",
    "sets": '"set" has a meaning in Python. Name the model with --model',
    "works": '"work" has a meaning already where it would be used. Name the model with --model',
    "o": '"O" could be taken for a digit. Name the model with --model',
    "l": '"l" could be taken for a digit. Name the model with --model',
    "responses": "Response has a meaning already where the model is used",
    # what is there
    "signup": "src/shop/signup exists",
    "service": "src/shop/service exists",
    "tasks": "src/shop/tasks exists",
    "main": "src/shop/main.py exists",
    "settings": "src/shop/settings.py exists",
    "migrations": "tests/test_migrations.py exists",
    "engine": "",
    "json": "",
    "users": 'signup/models.py has "users" already',
    "task_records": "0001_task_records.py exists",
    "signups": 'signup/router.py has "/signups" already',
    "operations": 'operations_router.py has "/operations" already',
}
TASKS = {
    "sendReminder": "For example: send_reminder.",
    "list": '"list" has a meaning in Python',
    "async": '"async" has a meaning in Python',
    "work": '"work" has a meaning already',
    "l": '"l" could be taken for a digit. Choose another name.',
    "signup": "src/shop/signup exists",
    "settings": "src/shop/settings.py exists",
    "a_router": "taken for a router",
    "signups": 'has "/signups" already',
}
IN_SIGNUP = {
    "notify_admin": "tasks.py has notify_admin already",
    "sign_up": "router.py has sign_up already",
    "log": "tasks.py has log already",
    "name": '"name" has a meaning already',
}


def refused(shop: Path, add: Callable[[], Added]) -> str:
    """Return what is said, or nothing if it is not refused."""
    before = support.files(shop)
    try:
        add()
    except RefusedError as error:
        said = error
    else:
        return ""
    assert said.remedy
    assert support.files(shop) == before
    return str(said)


@pytest.mark.parametrize(("name", "said"), SLICES.items())
def test_slices(rendered: Path, name: str, said: str) -> None:
    found = refused(rendered, lambda: add_slice(SliceRequest(name, rendered, dry_run=True)))
    assert said in found
    assert bool(said) == bool(found)


@pytest.mark.parametrize(("name", "said"), TASKS.items())
def test_tasks(rendered: Path, name: str, said: str) -> None:
    assert said in refused(rendered, lambda: add_task(TaskRequest(name, rendered)))


@pytest.mark.parametrize(("name", "said"), IN_SIGNUP.items())
def test_tasks_in_a_slice(rendered: Path, name: str, said: str) -> None:
    request = TaskRequest(name, rendered, slice="signup")
    assert said in refused(rendered, lambda: add_task(request))


@pytest.mark.parametrize("slice_", ["signups", "tasks", "service", "../signup", "main"])
def test_slices_that_are_none(rendered: Path, slice_: str) -> None:
    found = refused(rendered, lambda: add_task(TaskRequest("remind", rendered, slice=slice_)))
    assert f'There is no slice "{slice_}"' in found


@pytest.mark.parametrize(
    "model", ["invoice", "Class", "Base", "None", "In voice", "Work", "É", "I", "L", "O"]
)
def test_models(rendered: Path, model: str) -> None:
    request = SliceRequest("invoices", rendered, model=model)
    found = refused(rendered, lambda: add_slice(request))
    assert "--model" in found


def test_twice(shop: Path) -> None:
    add_slice(SliceRequest("invoices", shop))
    add_task(TaskRequest("remind", shop))
    add_task(TaskRequest("remind", shop, slice="signup"))
    assert "exists" in refused(shop, lambda: add_slice(SliceRequest("invoices", shop)))
    assert "exists" in refused(shop, lambda: add_task(TaskRequest("remind", shop)))
    again = refused(shop, lambda: add_task(TaskRequest("remind", shop, slice="signup")))
    assert "test_signup_remind.py exists" in again


def test_a_slice_that_was_deleted(shop: Path) -> None:
    """Its migration stays, for a database may have run it: the name is not free."""
    (shop / "src/shop/signup/models.py").unlink()
    assert "0001_signup.py" in refused(shop, lambda: add_slice(SliceRequest("users", shop)))


def test_no_project(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        assert re.search(
            "no project of a template|There is no folder",
            refused(tmp_path, partial(add_task, TaskRequest("remind", path))),
        )


def test_a_project_of_another_template(tmp_path: Path) -> None:
    (tmp_path / ".copier-answers.yml").write_text("_src_path: other\n_commit: v1\n")
    said = refused(tmp_path, lambda: add_task(TaskRequest("remind", tmp_path)))
    assert ".copier-answers.yml does not say package_name" in said


def test_a_project_of_0_2_0(renders: projects.Renders, tmp_path: Path) -> None:
    """Its slices import from other places: it has to be updated first."""
    shop = renders.project(tmp_path / "shop", "v0.2.0")
    said = refused(shop, lambda: add_slice(SliceRequest("invoices", shop)))
    assert "is of v0.2.0" in said
    assert "fastapi-tasks update" in said
