"""A database serves a project whose task backend is changed, there and back."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import copier
import pytest

from generator.template import questions
from tests import support

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# To the backend that keeps nothing from each one that keeps rows, and back.
ROUND_TRIPS = ["rq", "background", "celery", "background", "outbox", "background", "rq"]

RUN = ("uv", "run", "--quiet", "--python", sys.executable)
MODEL = """
from sqlalchemy.orm import Mapped, mapped_column

from .service.database import Base


class Invoice(Base):
    __tablename__ = "invoices"

    id: Mapped[int] = mapped_column(primary_key=True)
"""
# Run in the project: what `make migrate` does, what CI checks, and the statement.
STEP = """
import asyncio, sys
from alembic import command
from dev.migrate import alembic_config
from shop.service.database import create_engine
from shop.settings import Settings

URL = Settings.load().database_url.get_secret_value()

async def execute(statement):
    engine = create_engine(URL)
    async with engine.begin() as connection:
        result = await connection.exec_driver_sql(statement)
        if result.returns_rows:
            print("found:", *result.scalars())
    await engine.dispose()

command.upgrade(alembic_config(URL), "heads")
command.check(alembic_config(URL))
asyncio.run(execute(sys.argv[1]))
"""
# Run in the project: holds the database of `make dev` open, which for root goes with its server.
HOLD = """
import sys
from shop.settings import Settings
print(Settings.load().database_url.get_secret_value(), flush=True)
sys.stdin.read()
"""
PUT = """
INSERT INTO task_records (id, task, message, state, attempts, run_at, enqueued_at)
VALUES (
    '0199aa00aa007aa0aa00aa00aa00aa00', 'signup.tasks.send_welcome_email', '{}', 'queued', 0,
    '2026-11-21 12:00:00+00:00', '2026-11-21 12:00:00+00:00'
)
"""


def test_only_slices_bring_migrations() -> None:
    """So two backends never differ in the tables that a database has."""
    bringing = (support.ROOT / "template").glob("{{*/migrations")
    slices = {f"{{{{ {name} }}}}" for name in questions.table("slices")}
    assert {folder.parent.name for folder in bringing} <= slices


@pytest.mark.parametrize(
    ("database", "path"), [("sqlite", ROUND_TRIPS), ("postgresql", ROUND_TRIPS[4:])]
)
def test_a_database_outlives_its_backends(
    checkout: Path, tmp_path: Path, database: str, path: list[str]
) -> None:
    """Plain `copier update` changes the backend; migrations apply, want nothing, drop nothing.

    The project is lived in: a migration of its own has merged those of the template.
    """
    project = tmp_path / "shop"
    first, *others = path
    data = {"task_backend": first, "database": database}
    copier.run_copy(
        str(checkout), project, data=data, defaults=True, quiet=True, unsafe=False, vcs_ref="HEAD"
    )
    support.git(project, "init", "--quiet")
    (project / "src/shop/invoices.py").write_text(MODEL)
    with held_database(project) as url:
        revision = "--autogenerate", "--head", "heads", "-m", "mine"
        in_project(project, url, "python", "-m", "dev", "alembic", "revision", *revision)
        [mine] = project.glob("migrations/versions/2*_mine.py")
        assert '"0002_task_rows"' in mine.read_text()
        in_project(project, url, "python", "-c", STEP, PUT)
        for backend in others:
            support.commit(project, "As it was")
            switch(project, backend)
            left = in_project(project, url, "python", "-c", STEP, "SELECT state FROM task_records")
            assert "found: queued" in left


def switch(project: Path, backend: str) -> None:
    copier.run_update(
        project,
        data={"task_backend": backend},
        defaults=True,
        overwrite=True,
        quiet=True,
        unsafe=False,
        vcs_ref=copier.VcsRef.CURRENT,
    )
    assert support.answers(project)["task_backend"] == backend
    assert not [line for line in support.git(project, "status", "-s").splitlines() if "U" in line]


@contextmanager
def held_database(project: Path) -> Iterator[str]:
    """Have the project's own launcher start its database; give the URL."""
    with subprocess.Popen(
        [*RUN, "python", "-m", "dev", "python", "-c", HOLD],
        cwd=project,
        env=environment(project),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holding:
        assert holding.stdout
        url = holding.stdout.readline().strip()
        assert "://" in url
        yield url


def in_project(project: Path, url: str, *command: str) -> str:
    done = subprocess.run(
        [*RUN, *command],
        cwd=project,
        env=environment(project, SHOP_DATABASE_URL=url),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def environment(project: Path, **more: str) -> dict[str, str]:
    ours: dict[str, None] = dict.fromkeys(("VIRTUAL_ENV", "PYTHONPATH"))
    return support.child_environment(project, **ours, **more)
