"""`fastapi-tasks matrix`: parses, calls, prints."""

# No postponed annotations here: Typer reads them.
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from generator.cli import report
from generator.errors import ExitCode, GeneratorError, HalfDoneError, RefusedError

if TYPE_CHECKING:
    from generator.matrix.matrix import Request

Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE", help="Those with this answer, or name=NAME; one per question."
    ),
]
Stages = Annotated[
    list[str] | None,
    typer.Option("--stage", metavar="STAGE", help="This stage and what it needs; repeatable."),
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Combinations at one time.")]
Keep = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Leave the projects there; run what is in .venv by `python -m`."
    ),
]
FailedFirst = Annotated[
    bool, typer.Option("--failed-first", help="Begin with those that failed last time.")
]
LaneName = Annotated[
    str, typer.Option("--lane", metavar="LANE", help="Versions: locked, latest or oldest.")
]
All = Annotated[
    bool, typer.Option("--all-tests", help="Also the own tests that take minutes each.")
]
Again = Annotated[
    bool, typer.Option("--again", help="Also what passed with this text within a week.")
]
Limit = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", min=1, help="Kill what runs for longer, save installations."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Gets a folder per combination.")]


def matrix_commands(epilog: str) -> typer.Typer:
    app = typer.Typer(help="Render and test every combination of answers.", epilog=epilog)
    app.callback(invoke_without_command=True)(_top)
    app.command("list", epilog=epilog)(_list)
    app.command("render", epilog=epilog)(_render)
    app.command("test", epilog=epilog)(_test)
    return app


def _top(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
    elif os.name == "nt":
        raise RefusedError("The matrix runs on Linux and macOS.", "Use WSL on Windows.")


def _list(*, only: Only = None, to_json: Json = False) -> None:
    """List the combinations, computed from the questions."""
    from generator.matrix import combinations, matrix  # noqa: PLC0415 (slow to load)

    rows = matrix.chosen(_request(only))
    if to_json:
        found = [{"name": row.name, "answers": row.answers} for row in rows]
        report.as_json({"combinations": found})
        return
    for row in rows:
        print(row.name)
    whole = sum(not row.others for row in rows)
    said = ", ".join(combinations.PRODUCT)
    print(f"{whole} of {said}; {len(rows) - whole} for all pairs with the other answers.")
    print(f"Next: fastapi-tasks matrix test --only name={rows[0].name}")


def _render(directory: Folder, *, only: Only = None, to_json: Json = False) -> ExitCode:
    """Render the combinations, each into a folder of DIR."""
    from generator.matrix import matrix  # noqa: PLC0415 (slow to load)

    request = _request(only, keep=directory, stages=["render"])
    return _run(matrix.chosen(request), request, to_json=to_json)


def _test(  # noqa: PLR0913 (each one is a flag)
    *,
    only: Only = None,
    stage: Stages = None,
    jobs: Jobs = 2,
    keep: Keep = None,
    failed_first: FailedFirst = False,
    lane: LaneName = "locked",
    all_tests: All = False,
    again: Again = False,
    limit: Limit = None,
    to_json: Json = False,
) -> ExitCode:
    """Take the combinations through their stages, each in an environment of its own."""
    from generator.errors import did_you_mean  # noqa: PLC0415 (slow to load)
    from generator.matrix import matrix  # noqa: PLC0415 (slow to load)
    from generator.matrix.environments import Lane  # noqa: PLC0415 (slow to load)

    lanes = [each.value for each in Lane]
    if lane not in lanes:
        raise RefusedError(f'"{lane}" is no lane.', did_you_mean(lane, lanes))
    request = _request(
        only,
        stages=stage or (),
        jobs=jobs,
        keep=keep,
        failed_first=failed_first,
        lane=Lane(lane),
        thorough=all_tests,
        again=again,
        limit=limit,
    )
    return _run(matrix.chosen(request), request, to_json=to_json)


def _request(only: list[str] | None, **more: Any) -> "Request":
    from generator.matrix import matrix  # noqa: PLC0415 (Copier and all that need a moment to load)

    answers = dict[str, str]()
    for item in only or []:
        name, equals, value = item.partition("=")
        if not equals:
            raise RefusedError(f'"{item}" is not KEY=VALUE.', "Example: --only database=sqlite.")
        if answers.setdefault(name, value) != value:
            raise RefusedError(f"--only {name} is given twice.", "One answer per question.")
    return matrix.Request(only=answers, **more)


def _run(rows: list[Any], request: "Request", *, to_json: bool) -> ExitCode:
    from generator.cli import matrix_report  # noqa: PLC0415 (slow to load)
    from generator.matrix import matrix  # noqa: PLC0415 (slow to load)
    from generator.matrix.outcomes import BAD  # noqa: PLC0415 (slow to load)

    live = matrix_report.Live(rows, matrix.chosen_stages(request.stages), quiet=to_json)
    request.tell = live.tell
    ended: dict[str, Any] = {}
    try:
        with live:
            matrix.run(request)
    except KeyboardInterrupt:
        if request.keep:
            raise HalfDoneError(f"Interrupted: what was done is in {request.keep}.") from None
        raise
    except GeneratorError as error:
        if not (to_json and live.told):
            raise
        ended = report.problem(error)
    finally:  # also of a run that was interrupted: what it found is not lost
        if to_json and live.told:
            report.as_json(matrix_report.as_dict(live.told, request) | ended)
        elif live.told:
            matrix_report.table(live.told, request)
    failed = ended or any(outcome.status in BAD for outcome in live.told)
    return ExitCode.ERROR if failed else ExitCode.DONE
