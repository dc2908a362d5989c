"""The service's commands."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer
import uvicorn

from . import ABOUT, PACKAGE
from .operations import OperationsError, open_operations
from .settings import Settings, SettingsError, load_all
from .tasks.queue import TaskOperations
from .worker import run_worker

T = TypeVar("T")
REQUEST_GRACE = 5  # seconds for the requests in flight; SHUTDOWN_GRACE, for tasks, comes after

app = typer.Typer(help=ABOUT["Summary"], no_args_is_help=True, add_completion=False)
tasks = typer.Typer(help="See and mend the task queue.", no_args_is_help=True)
app.add_typer(tasks, name="tasks")


def main() -> None:
    """Run a command. Exit codes: 0 done, 1 refused with the reason, 2 wrong usage."""
    try:
        app()
    except (SettingsError, OperationsError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise SystemExit(1) from None


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen at.")] = None,
    fd: Annotated[int | None, typer.Option(help="Listening socket that was inherited.")] = None,
    reload: Annotated[bool, typer.Option(help="Restart when a file changes.")] = False,  # noqa: FBT002
) -> None:
    """Run the API."""
    load_all()
    settings = Settings.load()
    uvicorn.run(
        f"{PACKAGE}.main:create_app",
        factory=True,
        host=host or settings.host,
        port=settings.port if port is None else port,
        fd=fd,
        reload=reload,
        reload_dirs=[str(Path(__file__).parent)] if reload else None,
        log_config=None,  # logging.py formats these lines too
        timeout_graceful_shutdown=REQUEST_GRACE,
    )


@app.command()
def worker() -> None:
    """Run the process that runs the tasks."""
    load_all()
    run_worker()


@tasks.command()
def stats() -> None:
    """Count the tasks by state."""
    typer.echo(_operate(lambda queue: queue.stats()).model_dump_json(indent=2))


@tasks.command()
def failed() -> None:
    """List the failed tasks, one JSON object a line."""
    for status in _operate(lambda queue: queue.failed()):
        typer.echo(status.model_dump_json())


@tasks.command()
def retry(
    task_id: Annotated[UUID | None, typer.Argument(help="Of one failed task.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every failed task.")] = False,  # noqa: FBT002
) -> None:
    """Queue failed tasks once more, with all their attempts."""
    if (task_id is None) is not all_:
        raise typer.BadParameter("Give a task's id, or --all.")

    async def retry_chosen(queue: TaskOperations) -> list[UUID]:
        chosen = [task_id] if task_id else [status.id for status in await queue.failed()]
        return [each for each in chosen if await queue.retry(each)]

    retried = _operate(retry_chosen)
    if task_id and not retried:
        raise OperationsError(f"No failed task has the id {task_id}: see `tasks failed`.")
    typer.echo(f"{len(retried)} queued again")


def _operate(action: Callable[[TaskOperations], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_operations() as queue:
            return await action(queue)

    return asyncio.run(run())
