"""The command line: it parses, calls, and turns every error into an exit code."""

# No postponed annotations here: Typer reads them.
import inspect
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.main import get_command

from generator import new, questions, report
from generator.choices import choices
from generator.errors import ExitCode, GeneratorError, RefusedError
from generator.questions import Question
from generator.source import own_version

EPILOG = (
    "Exit codes: 0 done, 1 error, 2 done with conflicts, "
    "3 refused (bad input, dirty template, unknown answer), 130 interrupted."
)

Destination = Annotated[Path, typer.Argument(metavar="DEST", help="A folder, new or empty.")]
Defaults = Annotated[bool, typer.Option("--defaults", help="Ask nothing: default answers.")]
Data = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Answer any question; repeatable."),
]
Template = Annotated[
    str | None,
    typer.Option(metavar="SOURCE", help="Another template: a git URL or a folder."),
]
Ref = Annotated[
    str | None,
    typer.Option(
        metavar="REF",
        help="The template's tag, branch or commit. [default: the one this command came with; "
        "with --template the newest tag]",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="List the files and services; write nothing.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs; ask nothing.")]
Version = Annotated[bool, typer.Option("--version", help="Print the version.")]


def main(arguments: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else list(arguments)
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a tick gets a question mark, not a crash.
        getattr(stream, "reconfigure", dict)(errors="replace")
    try:
        code = int(get_command(_app())(words, standalone_mode=False) or ExitCode.DONE)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has left; Python would complain again when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR
    except (KeyboardInterrupt, typer.Abort):
        code = ExitCode.INTERRUPTED
    except (GeneratorError, typer.TyperException) as error:
        problem = error if isinstance(error, GeneratorError) else _usage(error)
        report.error(problem, to_json="--json" in words)
        return problem.exit_code
    if code == ExitCode.INTERRUPTED:
        print("Interrupted: nothing was left behind.", file=sys.stderr)
    return code


def _terminated(_signal: int, _frame: object) -> NoReturn:
    # An exception, so that what is half done is cleared away as after Ctrl-C.
    sys.exit(128 + signal.SIGTERM)


def _usage(error: typer.TyperException) -> RefusedError:
    return RefusedError(error.format_message(), "See fastapi-tasks --help or COMMAND --help.")


def _app() -> typer.Typer:
    app = typer.Typer(
        rich_markup_mode=None,
        add_completion=False,
        epilog=EPILOG,
        help="Scaffold FastAPI services whose background work can be trusted.",
    )
    app.callback(invoke_without_command=True)(_top)
    app.command("new", epilog=EPILOG)(_with_flags(_new, questions.load()))
    app.command("choices", epilog=EPILOG)(_choices)
    return app


def _top(context: typer.Context, *, version: Version = False) -> None:
    if version:
        print(own_version())
    elif context.invoked_subcommand is None:
        print(context.get_help())


def _choices(*, to_json: Json = False) -> None:
    """List the backends and what each of them promises."""
    (report.as_json if to_json else report.choices)(choices())


def _new(  # noqa: PLR0913 (each one is a flag)
    destination: Destination,
    *,
    defaults: Defaults = False,
    data: Data = None,
    template: Template = None,
    version: Ref = None,
    dry_run: DryRun = False,
    to_json: Json = False,
    **flags: str | None,
) -> None:
    """Make a new service in DEST, with a git repository and a first commit."""
    asking = not (defaults or to_json) and sys.stdin.isatty() and sys.stdout.isatty()
    made = new.new(
        new.Request(
            destination,
            _answers(data or [], flags),
            template,
            version,
            ask=asking,
            dry_run=dry_run,
            tell=report.progress,
        )
    )
    if to_json:
        report.as_json(made.as_dict())
    else:
        report.project(made)


def _answers(data: list[str], flags: dict[str, str | None]) -> dict[str, str]:
    answers = {name: value for name, value in flags.items() if value is not None}
    for item in data:
        name, equals, value = item.partition("=")
        if not equals:
            raise RefusedError(f'"{item}" is not KEY=VALUE.', "Example: --data database=sqlite.")
        if answers.setdefault(name, value) != value:
            raise RefusedError(f"{name} is answered twice, differently.", "Answer it once.")
    return answers


def _with_flags(command: Callable[..., None], asked: list[Question]) -> Callable[..., None]:
    """Give the command one flag per question: Typer finds flags in a command's signature."""
    signature = inspect.signature(command)
    fixed = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    flags = [_flag(question) for question in asked]

    def run(*positional: Any, **named: Any) -> None:
        command(*positional, **named)

    run.__doc__ = command.__doc__
    run.__signature__ = signature.replace(parameters=[*fixed, *flags])  # type: ignore[attr-defined]
    return run


def _flag(question: Question) -> inspect.Parameter:
    several = ", several with commas, or none" if question.several else ""
    one_of = f" One of: {', '.join(question.choices)}{several}." if question.choices else ""
    default = f" [default: {question.default}]" if question.default else ""
    text = f"{question.help}{one_of}{default}"
    option = typer.Option(question.flag, metavar="ANSWER", help=text)
    return inspect.Parameter(
        question.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[str | None, option],
    )
