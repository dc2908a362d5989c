"""The command line: it parses, calls, and turns every error into an exit code."""

# No postponed annotations here: Typer reads them.
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NoReturn, TextIO

import typer
from typer.main import get_command

from generator.cli import change as change_commands
from generator.cli import flags, report
from generator.cli.add import add_commands
from generator.cli.choices import choices
from generator.cli.flags import Data, Json
from generator.cli.matrix import matrix_commands
from generator.errors import ExitCode, GeneratorError, RefusedError
from generator.template import new, questions
from generator.template.source import own_version, repository_url

EPILOG = (
    "Exit codes: 0 done, 1 error, 2 done with conflicts, "
    "3 refused (bad input, uncommitted changes, unknown answer), 130 interrupted."
)

ENDINGS = {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}  # Windows has no SIGHUP

Destination = Annotated[Path, typer.Argument(metavar="DEST", help="A folder, new or empty.")]
Defaults = Annotated[bool, typer.Option("--defaults", help="Ask nothing: default answers.")]
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
Version = Annotated[bool, typer.Option("--version", help="Print the version.")]
Debug = Annotated[bool, typer.Option("--debug", help="With any command: tell more of an error.")]


def main(arguments: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in words
    _heed_endings()
    _open_streams()
    try:
        return _run([word for word in words if word != "--debug"])
    except typer.Exit as done:  # of --help
        return done.exit_code
    except BrokenPipeError:
        _let_go(sys.stdout)
        return ExitCode.ERROR
    except (KeyboardInterrupt, typer.Abort):
        print("Interrupted: nothing was left behind.", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 (the last one: nobody is to meet a traceback)
        if debug:
            traceback.print_exception(error)
        problem = _problem(error)
        _tell(problem, to_json="--json" in words)
        return problem.exit_code


def _open_streams() -> None:
    """Open what the caller has closed: files and pipes would get its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            while os.open(os.devnull, os.O_RDWR) < number:
                pass
            setattr(sys, name, Path(os.devnull).open("r+", encoding="utf-8"))  # noqa: SIM115 (it stays open)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a tick gets a question mark, not a crash.
        getattr(stream, "reconfigure", dict)(errors="replace")


def _run(words: list[str]) -> int:
    # Typer's own `main` would turn Ctrl-C into a number like any other.
    with get_command(_app()).make_context("fastapi-tasks", words) as context:
        _require_folder()
        code = int(context.command.invoke(context) or ExitCode.DONE)
    sys.stdout.flush()
    return code


def _require_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise RefusedError("The folder that you are in is gone.", "Run: cd") from error


def _problem(error: Exception) -> GeneratorError:
    if isinstance(error, GeneratorError):
        return error
    if isinstance(error, typer.TyperException):
        return RefusedError(error.format_message(), "See fastapi-tasks --help or COMMAND --help.")
    if isinstance(error, OSError):
        what = error.filename or "What it printed"
        return GeneratorError(
            f"{what} cannot be read or written: {error.strerror or error}.",
            "Set that right and try again; --debug tells more.",
        )
    return GeneratorError(
        f"Something that was not foreseen went wrong: {type(error).__name__}: {error}",
        f"Run it again with --debug, and report what that shows: {repository_url()}/issues",
    )


def _tell(problem: GeneratorError, *, to_json: bool) -> None:
    try:
        report.error(problem, to_json=to_json)
    except OSError:  # as of a full disk
        _let_go(sys.stdout)
        with suppress(OSError):
            report.error(problem, to_json=False)


def _let_go(stream: TextIO) -> None:
    """Write no more where nobody reads: Python would complain when it closes the stream."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _heed_endings() -> None:
    for number in ENDINGS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _ended)


def _ended(number: int, _frame: object) -> NoReturn:
    if number != signal.SIGTERM:  # the terminal is gone
        _let_go(sys.stdout)
        _let_go(sys.stderr)
    # An exception, so that what is half done is cleared away as after Ctrl-C.
    sys.exit(128 + number)


def _app() -> typer.Typer:
    app = typer.Typer(
        rich_markup_mode=None,
        add_completion=False,
        epilog=EPILOG,
        help="Scaffold FastAPI services whose background work can be trusted.",
    )
    app.callback(invoke_without_command=True)(_top)
    app.command("new", epilog=EPILOG)(flags.one_per_question(_new, questions.load()))
    app.command("choices", epilog=EPILOG)(_choices)
    change_commands.add(app, EPILOG)
    app.add_typer(add_commands(EPILOG), name="add")
    app.add_typer(matrix_commands(EPILOG), name="matrix")
    return app


def _top(context: typer.Context, *, version: Version = False, debug: Debug = False) -> None:
    del debug  # `main` has seen to it
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
    **asked: str | None,
) -> None:
    """Make a new service in DEST, with a git repository and a first commit."""
    asking = not (defaults or to_json) and sys.stdin.isatty() and sys.stdout.isatty()
    made = new.new(
        new.Request(
            destination,
            flags.answers(data or [], asked),
            template,
            version,
            ask=asking,
            dry_run=dry_run,
            step=report.step,
        )
    )
    if to_json:
        report.as_json(made.as_dict())
    else:
        report.project(made)
