"""A task in a file of the user's: put where ruff has it, all else as it was."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.add.new_task import TaskRequest, add_task
from generator.errors import RefusedError
from tests import support

if TYPE_CHECKING:
    from pathlib import Path

TASK = """

@task(retry=Retry(max_attempts=5), timeout=30)
async def remind(name: str) -> str:
    return f"remind: {name}"
"""
ROUTE = """

@router.post("/remind", status_code=202)
async def enqueue_remind(name: str, work: UnitOfWorkDep, response: Response) -> None:
    receipt = work.enqueue(remind, name=name)
    await work.commit()  # without it nothing is saved and no task runs
    accepted(response, receipt.task_id)
"""
NEEDED = "from ..tasks import Retry, task\n"
# What a tasks.py begins with, and what it begins with when a task was added.
TASKS = {
    "nothing": ("", NEEDED),
    "all": (NEEDED, NEEDED),
    "a docstring": ('"""Mine."""\n', f'"""Mine."""\n\n{NEEDED}'),
    "a constant": ("LIMIT = 3\n", f"{NEEDED}\nLIMIT = 3\n"),
    "a function": (
        "@print\ndef mine() -> None:\n    pass\n",
        f"{NEEDED}\n\n@print\ndef mine() -> None:\n    pass\n",
    ),
    "a library": ("import structlog\n", f"import structlog\n\n{NEEDED}"),
    "a nearer module": ("from .models import User\n", f"{NEEDED}from .models import User\n"),
    "a further module": (
        "from ...other import mine\n",
        f"from ...other import mine\n{NEEDED}",
    ),
    "modules around": (
        "from ..service.resources import resources\nfrom .mail import (\n    send,\n)\n",
        f"from ..service.resources import resources\n{NEEDED}from .mail import (\n    send,\n)\n",
    ),
    "one name of two": (
        "from ..tasks import DoNotRetry, progress, task\n",
        "from ..tasks import DoNotRetry, Retry, progress, task\n",
    ),
    "another name": (
        "from ..tasks import DoNotRetry\n",
        "from ..tasks import DoNotRetry, Retry, task\n",
    ),
    "the package's name": (
        "from shop.tasks import progress\n",
        "from shop.tasks import Retry, progress, task\n",
    ),
    "names in lines": (
        "from ..tasks import (  # 1\n    DoNotRetry,  # 2\n    # 3\n    progress,  # 4\n)  # 5\n",
        """from ..tasks import (  # 1
    DoNotRetry,  # 2
    Retry,
    # 3
    progress,  # 4
    task,
)  # 5
""",
    ),
    "another name for a name": (
        "from ..tasks import task as job\n",
        "from ..tasks import Retry, task\nfrom ..tasks import task as job\n",
    ),
    "no end": ("import structlog", f"import structlog\n\n{NEEDED}"),
    "a docstring and a class": (
        '"""Mine."""\n\n\nclass Mine: ...\n',
        f'"""Mine."""\n\n{NEEDED}\n\nclass Mine: ...\n',
    ),
    "a comment": ("# Mine.\n", f"# Mine.\n\n{NEEDED}"),
    "an empty line": ("\n", NEEDED),
    "a comment behind it": (
        "from ..tasks import DoNotRetry  # mine\n",
        "from ..tasks import DoNotRetry, Retry, task  # mine\n",
    ),
    "names from within": (
        "from ..tasks.retry import Retry\nfrom ..tasks.task import task\n",
        "from ..tasks.retry import Retry\nfrom ..tasks.task import task\n",
    ),
}


def add_remind(shop: Path, name: str, text: str) -> str:
    """Add the task to a slice whose file has that text; return the file's text then."""
    file = shop / "src/shop/signup" / name
    file.write_bytes(text.encode())
    add_task(TaskRequest("remind", shop, slice="signup"))
    return file.read_bytes().decode()


def ruff(shop: Path, *options: str) -> str:
    done = subprocess.run(
        ["ruff", *options, "--no-cache", "src/shop/signup", "tests"],
        cwd=shop,
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout if done.returncode else ""


@pytest.mark.parametrize("begins", TASKS)
def test_imports(shop: Path, begins: str) -> None:
    """They are merged as ruff sorts and wraps them, whatever the file begins with."""
    before, after = TASKS[begins]
    assert add_remind(shop, "tasks.py", before) == after + TASK
    assert ruff(shop, "check", "--select", "I") == ""
    assert ruff(shop, "format", "--check") == ""


def test_imports_that_are_too_long(shop: Path) -> None:
    """They get a line each."""
    names = [f"send_a_mail_of_some_kind_number_{n}" for n in (1, 2, 10)]
    router = shop / "src/shop/signup/router.py"
    text = router.read_text().replace("notify_admin, send_welcome_email", ", ".join(names))
    lines = "".join(f"    {name},\n" for name in ["remind", *names])
    assert f"from .tasks import (\n{lines})\n" in add_remind(shop, "router.py", text)
    assert ruff(shop, "check", "--select", "I") == ""
    assert ruff(shop, "format", "--check") == ""


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n\n\n\n"])
def test_all_else_is_as_it_was(shop: Path, end: str, newline: str, mark: str) -> None:
    """Odd format, comments, trailing spaces and other letters included."""
    odd = f"{NEEDED}x = {{1:2}}   # ünï\n\n\n\n# é  \ny = ( 'a',\n\t'b' ){end}"
    text = mark + odd.replace("\n", newline)
    missing = newline * max(0, 3 - end.count("\n"))
    task = TASK.replace("\n", newline)
    assert add_remind(shop, "tasks.py", text) == text + missing + task.lstrip("\r\n")


ROUTER = """from fastapi import APIRouter, Response

from ..service.unit_of_work import UnitOfWorkDep
from ..tasks.router import accepted
from .tasks import remind

"""
# What a router.py begins with, and what it begins with when a route was added.
ROUTERS = {
    "all but names": ("from fastapi import APIRouter\n\n", ROUTER),
    "another Response": (
        "from fastapi import APIRouter\nfrom starlette.responses import Response\n\n",
        ROUTER.replace(", Response\n", "\nfrom starlette.responses import Response\n"),
    ),
    "a docstring": ('"""Mine."""\n\nfrom fastapi import APIRouter\n\n', f'"""Mine."""\n\n{ROUTER}'),
}


@pytest.mark.parametrize("begins", ROUTERS)
def test_routers(shop: Path, begins: str) -> None:
    """A route's imports are added as a task's are; the test posts to it."""
    before, after = ROUTERS[begins]
    router = 'router: APIRouter = APIRouter(tags=["mine"], prefix="/mine")\n'
    assert add_remind(shop, "router.py", before + router) == after + router + ROUTE
    assert '.post("/mine/remind?name=Ada")' in (shop / "tests/test_signup_remind.py").read_text()
    assert ruff(shop, "check", "--select", "I") == ""
    assert ruff(shop, "format", "--check") == ""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tasks.py", "def f(:\n", "cannot be read as Python"),
        ("tasks.py", "<<<<<<< yours\n", "cannot be read as Python"),
        ("tasks.py", "x = '\0'\n", "cannot be read as Python"),
        ("tasks.py", "class remind: ...\n", "has remind already"),
        ("tasks.py", "from celery import Task as task\n", "has another task"),
        ("router.py", "import fastapi\nrouter = fastapi.APIRouter()\n", "from fastapi import Resp"),
        ("router.py", "router = APIRouter(prefix=PREFIX)\n", "no router whose prefix can be read"),
        ("router.py", "routes = APIRouter()\n", "no router whose prefix can be read"),
        ("router.py", "def enqueue_remind(): ...\nrouter = A()\n", "has enqueue_remind already"),
        ("router.py", 'router = A()\n@router.post("/{id}")\ndef f(): ...\n', 'POST "/{id}", which'),
    ],
)
def test_what_cannot_be_edited(shop: Path, name: str, text: str, said: str) -> None:
    """It is refused with the file's name, and nothing is written."""
    file = shop / "src/shop/signup" / name
    file.write_text(text)
    before = support.files(shop)
    with pytest.raises(RefusedError) as refused:
        add_task(TaskRequest("remind", shop, slice="signup"))
    assert said in str(refused.value)
    assert str(file) in refused.value.message
    assert support.files(shop) == before


def test_letters_that_are_not_utf_8(shop: Path) -> None:
    (shop / "src/shop/signup/tasks.py").write_bytes(b"# \xe9\n")
    with pytest.raises(RefusedError, match="cannot be read as Python"):
        add_task(TaskRequest("remind", shop, slice="signup"))
