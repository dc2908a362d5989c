"""`fastapi-tasks new`: everything it does, callable without Typer."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from generator import destination, git, questions
from generator import source as sources
from generator.errors import RefusedError
from generator.render import Rendered, render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from generator.source import Source

ANSWERS_FILE = ".copier-answers.yml"
CI_FILES = (".github/workflows/ci.yml", ".gitlab-ci.yml")
_SOURCE_LINES = re.compile(r"^_(?:commit|src_path):.*\n(?:[ \t].*\n)*", re.MULTILINE)
_COMMENTS = re.compile(r"\A(?:#.*\n)*")


@dataclass(frozen=True)
class Request:
    destination: Path
    answers: Mapping[str, str] = field(default_factory=dict)
    template: str | None = None
    version: str | None = None
    ask: bool = False
    """Ask what has no answer yet; otherwise the defaults answer."""
    dry_run: bool = False
    tell: Callable[[str], object] = bool
    """Called with what it is about to do, if that may take a while."""


@dataclass(frozen=True)
class Project:
    destination: str
    written: bool
    answers: dict[str, Any]
    files: list[str]
    services: list[str]
    source: str
    version: str | None
    repository: str
    created_repository: bool
    copier: str
    next: str
    notes: list[str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def new(request: Request) -> Project:
    plan = _plan(request)
    if plan.source.remote:
        request.tell(f"Fetching the template from {plan.source.path} …")
    with (
        sources.unpacked(plan.source) as source,
        destination.staging(plan.base, plan.target.name) as folder,
    ):
        rendered = render(source, folder, plan.given, plan.suggested, ask=request.ask)
        if plan.source.record:
            remember(folder / ANSWERS_FILE, *plan.source.record)
        files = sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())
        if not request.dry_run:
            if plan.outer is None:
                git.first_commit(folder, _first_message(plan.source))
            destination.settle(folder, plan.target)
    return _report(request, plan, rendered, files)


@dataclass(frozen=True)
class _Plan:
    target: Path
    base: Path
    """The nearest folder that exists."""
    outer: Path | None
    """The git repository around it."""
    source: Source
    given: dict[str, str]
    suggested: dict[str, str]


def _plan(request: Request) -> _Plan:
    """Settle, and refuse, all that can be before anything is written."""
    target = Path(os.path.abspath(request.destination.expanduser()))  # noqa: PTH100 (links stay)
    base = destination.check(target)
    git.prepare_environment(terminal=request.ask)
    git.require()
    source = sources.choose(request.template, request.version)
    given = questions.told(request.answers, strict=source.ours)
    outer = destination.surrounding_repository(base)
    if outer is None and not request.dry_run:
        git.require_identity(base)
    named = "project_name" in given
    suggested = {} if named else {"project_name": project_name(target.name)}
    return _Plan(target, base, outer, source, given, suggested)


def _report(request: Request, plan: _Plan, rendered: Rendered, files: list[str]) -> Project:
    typed = rendered.answers if request.ask else _used(plan, rendered)
    return Project(
        destination=str(plan.target),
        written=not request.dry_run,
        answers=rendered.answers,
        files=files,
        services=rendered.services,
        source=plan.source.url,
        version=plan.source.version,
        repository=str(plan.outer or plan.target),
        created_repository=plan.outer is None and not request.dry_run,
        copier=copier_line(plan.source, request.destination, typed),
        next=next_command(request.destination),
        notes=_notes(plan, rendered, files),
    )


def project_name(folder: str) -> str:
    """Make a valid answer of a folder's name."""
    name = "".join(letter for letter in folder if letter.isprintable()).strip()[:60].strip()
    if not name:
        raise RefusedError(
            f"The folder's name {folder!r} cannot name a project.", "Give one with --project-name."
        )
    return name


def remember(answers_file: Path, url: str, version: str) -> None:
    """Name the source and version to update from, where Copier could not know them."""
    if answers_file.exists():
        rest = _SOURCE_LINES.sub("", answers_file.read_text(encoding="utf-8"))
        source = {"_commit": version, "_src_path": url}
        lines = yaml.safe_dump(source, allow_unicode=True, width=math.inf)
        text = _COMMENTS.sub(lambda found: found[0] + lines, rest, count=1)
        answers_file.write_text(text, encoding="utf-8")


def copier_line(source: Source, target: Path, answers: Mapping[str, Any]) -> str:
    words = ["copier", "copy", "--defaults"]
    words += ["--vcs-ref", source.version] if source.version else []
    for name, value in answers.items():
        words += ["--data", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    return shlex.join([*words, source.url, _path(target)])


def next_command(target: Path) -> str:
    inside = target.expanduser().resolve() == Path.cwd()
    return "make dev" if inside else f"cd {shlex.quote(_path(target))} && make dev"


def _path(target: Path) -> str:
    """Keep a path that begins with a dash from being read as an option."""
    text = str(target.expanduser())
    return f"./{text}" if text.startswith("-") else text


def _used(plan: _Plan, done: Rendered) -> dict[str, str]:
    told = {**plan.suggested, **plan.given}
    return {name: text for name, text in told.items() if name in done.answers}


def _notes(plan: _Plan, rendered: Rendered, files: list[str]) -> list[str]:
    notes = [plan.source.note] if plan.source.note else []
    if plan.outer:
        notes.append(f"It lies in the git repository {plan.outer}, so it got none of its own.")
    if plan.outer and plan.outer.resolve() != plan.target.resolve():
        notes += [
            f"{file} does not run there: it is read at a repository's root alone. Move it to "
            f"{plan.outer / file}, and have its commands run in {plan.target}."
            for file in CI_FILES
            if file in files
        ]
    return notes + rendered.warnings


def _first_message(source: Source) -> str:
    return f"Start from {source.url} {source.version or ''}".rstrip()
