"""`fastapi-tasks add`: parses, calls, prints."""

# No postponed annotations here: Typer reads them.
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from generator.add.added import Added
from generator.add.new_slice import SliceRequest, add_slice
from generator.add.new_task import TaskRequest, add_task
from generator.cli import report
from generator.cli.change import AnswersFile, Path_
from generator.cli.flags import Json

Task = Annotated[str, typer.Argument(metavar="NAME", help="Of its function: send_reminder.")]
Slice = Annotated[
    str, typer.Argument(metavar="NAME", help="Of its folder, route and table: invoices.")
]
In = Annotated[
    str | None,
    typer.Option(
        "--slice", metavar="NAME", help="The slice that gets it. [default: a new one of its name]"
    ),
]
Model = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="[default: NAME in CamelCase, without its last s]"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="List the files; write nothing.")]


def add_commands(epilog: str) -> typer.Typer:
    app = typer.Typer(help="Write a task or a slice into a project.", epilog=epilog)
    app.callback(invoke_without_command=True)(_top)
    app.command("task", epilog=epilog)(_task)
    app.command("slice", epilog=epilog)(_slice)
    return app


def _top(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


def _task(  # noqa: PLR0913 (each one is a flag)
    name: Task,
    path: Path_ = Path(),
    *,
    slice_: In = None,
    answers_file: AnswersFile = None,
    dry_run: DryRun = False,
    to_json: Json = False,
) -> None:
    """Write a task with its route and a test."""
    _print(add_task(TaskRequest(name, path, answers_file, dry_run, slice_)), to_json=to_json)


def _slice(  # noqa: PLR0913 (each one is a flag)
    name: Slice,
    path: Path_ = Path(),
    *,
    model: Model = None,
    answers_file: AnswersFile = None,
    dry_run: DryRun = False,
    to_json: Json = False,
) -> None:
    """Write a model with its migration, task, route and test."""
    _print(add_slice(SliceRequest(name, path, answers_file, dry_run, model)), to_json=to_json)


def _print(made: Added, *, to_json: bool) -> None:
    if to_json:
        report.as_json(made.as_dict())
    else:
        print("\n".join(_lines(made)))


def _lines(made: Added) -> Iterator[str]:
    yield f"{made.project}: {'written' if made.written else 'would be written'}, no commit made:"
    yield from (f"  {file}" for file in made.added)
    yield from (f"  {file} (added to)" for file in made.edited)
    yield "Make it yours:"
    yield from (f"  {file}: {what}" for file, what in made.yours.items())
    if made.written:
        yield f"Next: cd {shlex.quote(made.project)} && {' && '.join(made.next)}"
    else:
        yield "Nothing was written."
