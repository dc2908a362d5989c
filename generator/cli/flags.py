"""A flag for each question, and the answers that flags and --data give."""

# No postponed annotations here: Typer reads them.
import inspect
import re
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from generator.errors import RefusedError
from generator.template.questions import Question

_UNREAD = re.compile("[\ud800-\udfff]")

Data = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Answer any question; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs; ask nothing.")]


def answers(data: list[str], flags: dict[str, str | None]) -> dict[str, str]:
    given = {name: value for name, value in flags.items() if value is not None}
    for item in data:
        name, equals, value = item.partition("=")
        if not equals:
            raise RefusedError(f'"{item}" is not KEY=VALUE.', "Example: --data database=sqlite.")
        if given.setdefault(name, value) != value:
            raise RefusedError(f"{name} is answered twice, differently.", "Answer it once.")
    for name, text in given.items():
        if _UNREAD.search(text):
            raise RefusedError(
                f"The answer to {name} cannot be read in this locale, whose encoding is "
                f"{sys.getfilesystemencoding()}.",
                "Type it in UTF-8, in a locale of UTF-8 or with PYTHONUTF8=1.",
            )
    return given


def one_per_question(
    command: Callable[..., Any], asked: list[Question], *, unless_given: str = ""
) -> Callable[..., Any]:
    """Give the command one flag per question: Typer finds flags in a command's signature.

    ``unless_given`` is what holds where a flag is left out; by default, the question's default.
    """
    signature = inspect.signature(command)
    fixed = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    flags = [_flag(question, unless_given or question.default) for question in asked]

    def run(*positional: Any, **named: Any) -> Any:
        return command(*positional, **named)

    run.__doc__ = command.__doc__
    run.__signature__ = signature.replace(parameters=[*fixed, *flags])  # type: ignore[attr-defined]  # Typer's door
    return run


def _flag(question: Question, unless_given: str) -> inspect.Parameter:
    several = ", several with commas, or none" if question.several else ""
    one_of = f" One of: {', '.join(question.choices)}{several}." if question.choices else ""
    default = f" [default: {unless_given}]" if unless_given else ""
    text = f"{question.help}{one_of}{default}"
    option = typer.Option(question.flag, metavar="ANSWER", help=text)
    return inspect.Parameter(
        question.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[str | None, option],
    )
