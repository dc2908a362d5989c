"""The commands that change a project that exists: update, switch, status, undo."""

# No postponed annotations here: Typer reads them.
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from generator import git
from generator.change import project, undo
from generator.change import status as states
from generator.change import update as changes
from generator.change.plan import Plan, next_commands
from generator.cli import change_report, flags, report
from generator.cli.flags import Data, Json
from generator.errors import ExitCode, RefusedError
from generator.template import answers, questions

Path_ = Annotated[Path, typer.Argument(metavar="[PATH]", help="The project.")]
Paths = Annotated[
    list[str] | None, typer.Argument(metavar="[PATH]...", help="Projects; * stands for several.")
]
To = Annotated[
    str | None, typer.Option("--to", metavar="VERSION", help="[default: the newest release]")
]
Template = Annotated[
    str | None,
    typer.Option(metavar="SOURCE", help="Where the template is now, if it has moved."),
]
AnswersFile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="The project's answers, if there are several files of them."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan; change nothing.")]
Branch = Annotated[
    str, typer.Option(metavar="NAME", help="Make a branch for the change, and be on it.")
]
Verify = Annotated[bool, typer.Option("--verify", help="Run the project's tests before and after.")]
Yes = Annotated[bool, typer.Option("--yes", help="Give up a promise without being asked.")]
Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="End with 1 if a project is outdated, 2 if it has conflict markers or problems, "
        "3 if it cannot be read.",
    ),
]


def add(app: typer.Typer, epilog: str) -> None:
    app.command("update", epilog=epilog)(_update)
    switch = flags.one_per_question(_switch, questions.load(), unless_given="as it is")
    app.command("switch", epilog=epilog)(switch)
    app.command("status", epilog=epilog)(_status)
    app.command("undo", epilog=epilog)(_undo)


def _update(  # noqa: PLR0913 (each one is a flag)
    path: Path_ = Path(),
    *,
    to: To = None,
    data: Data = None,
    template: Template = None,
    answers_file: AnswersFile = None,
    branch: Branch = "",
    verify: Verify = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    to_json: Json = False,
) -> int:
    """Bring a project to a newer version of its template; no edit is lost."""
    request = changes.Request(
        path, flags.answers(data or [], {}), to, template, answers_file, dry_run, branch, verify
    )
    return _run(changes.update, request, yes=yes, to_json=to_json)


def _switch(  # noqa: PLR0913 (each one is a flag)
    path: Path_ = Path(),
    *,
    data: Data = None,
    template: Template = None,
    answers_file: AnswersFile = None,
    branch: Branch = "",
    verify: Verify = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    to_json: Json = False,
    **asked: str | None,
) -> int:
    """Change the backend, or any other answer, of a project; no edit is lost."""
    given = flags.answers(data or [], asked)
    request = changes.Request(path, given, None, template, answers_file, dry_run, branch, verify)
    return _run(changes.switch, request, yes=yes, to_json=to_json)


def _run(
    change: Callable[[changes.Request], Plan], request: changes.Request, *, yes: bool, to_json: bool
) -> int:
    interactive = not to_json and sys.stdin.isatty() and sys.stdout.isatty()
    confirm = None if yes else typer.confirm if interactive else _unconfirmed
    shown: list[Plan] = []

    def show(plan: Plan) -> None:
        change_report.change(plan)
        print()
        shown.append(plan)

    seen = show if interactive else bool
    plan = change(replace(request, confirm=confirm, show=seen, step=report.step))
    plan.next = next_commands(plan)
    if to_json:
        report.as_json(plan.as_dict())
    else:
        if not shown:
            change_report.change(plan, all_of_it=request.dry_run)
        change_report.outcome(plan, dry_run=request.dry_run)
    return plan.exit_code


def _unconfirmed(question: str) -> bool:
    raise RefusedError(question.removesuffix(" Go on?"), "If that is all right, pass --yes.")


def _status(
    paths: Paths = None,
    *,
    template: Template = None,
    answers_file: AnswersFile = None,
    check: Check = False,
    to_json: Json = False,
) -> int:
    """Tell the version, answers and edited files of one project or several."""
    chosen = list(_expanded(paths or ["."]))
    if len(chosen) > 1:
        with report.step(f"Looking at {len(chosen)} projects …"):
            found = states.status(chosen, template, answers_file)
    else:
        found = states.status(chosen, template, answers_file, report.step)
    if to_json:
        report.as_json({"projects": [each.as_dict() for each in found]})
    else:
        change_report.status(found)
    worst = max((each.exit_code for each in found), default=ExitCode.DONE)
    return worst if check or worst is ExitCode.REFUSED else ExitCode.DONE


def _expanded(paths: list[str]) -> list[Path]:
    """Expand what a shell has not: on Windows none does."""
    expanded: list[Path] = []
    for text in paths:
        if "*" not in text:
            expanded.append(Path(text))
            continue
        whole = project.expanded(text).absolute()
        pattern = whole.relative_to(whole.anchor).as_posix()
        there = Path(whole.anchor).glob(pattern)
        projects = sorted(filter(_may_be_one, there))
        expanded += projects or [whole]
    return expanded


def _may_be_one(folder: Path) -> bool:
    try:
        return bool(answers.candidates(folder))
    except OSError:
        return True


def _undo(path: Path_ = Path(), *, to_json: Json = False) -> None:
    """Take the last update or switch back: the same commit, branch and files as before."""
    git.prepare_environment(terminal=False)
    git.require()
    undone = undo.undo(project.find_repository(path))
    if to_json:
        report.as_json(undone.__dict__)
    else:
        change_report.undone(undone)
