"""`fastapi-tasks new`: everything it does, callable without Typer."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from generator import git
from generator.template import destination, questions, uv_workspace, versions
from generator.template import source as sources
from generator.template.answers import ANSWERS_FILE
from generator.errors import RefusedError
from generator.template.render import Rendered, render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from generator.template.source import Source
    from generator.template.versions import Step

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
    step: Step = nullcontext
    """Entered for what may take a while."""


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
    committed: bool
    copier: str
    next: str
    notes: list[str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def new(request: Request) -> Project:
    plan = _plan(request)
    with (
        destination.staging(plan.base, plan.target.name) as folder,
        versions.of(plan.source, request.step) as (template, version),
    ):
        rendered = render(template, folder, plan.given, plan.suggested, ask=request.ask)
        if version:
            remember(folder / ANSWERS_FILE, plan.source.url, version)
        files = sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())
        made = _Made(rendered, version, files, list(plan.notes))
        if not request.dry_run:
            with destination.held(plan.target):
                _write(plan, folder, made)
    return _report(request, plan, made)


def _write(plan: _Plan, folder: Path, made: _Made) -> None:
    names = [entry.name for entry in folder.iterdir()]
    there = [name for name in names if os.path.lexists(plan.target / name)]
    kept = [name for name in there if not _is_committed(plan.target, name)]
    with destination.settled(folder, plan.target, kept):
        if plan.is_own:
            _commit(plan, names, made)
    for name in there:
        yours = f"{name}{destination.KEPT}" if name in kept else "in the commit before"
        made.notes.append(f"{name} was there and is the template's now; yours is {yours}.")


def _is_committed(folder: Path, name: str) -> bool:
    words = ("status", "--porcelain", "--ignored", "--untracked-files=all", "--", name)
    found = git.ended(folder, *words)
    return not (found.returncode or found.stdout)


def _commit(plan: _Plan, names: list[str], made: _Made) -> None:
    """Commit in the project's own place: git's settings may depend on it."""
    folder = plan.target
    if plan.outer is None:
        git.run(folder, "-c", "init.defaultBranch=main", "init", "--quiet")
    # Forced, for a user's global ignore file knows nothing of what is rendered.
    git.run(folder, "add", "--force", "--", *names)
    message = f"Start from {plan.source.url} {made.version or ''}".rstrip()
    words = ("commit", "--quiet", "--message", message, "--", *names)
    if not git.knows_who(folder):
        reason, remedy = "git does not know who you are", f"{git.IDENTITY}; "
    else:
        done = git.ended(folder, *words)
        made.committed = not done.returncode
        reason, remedy = git.complaint(git.text(done.stderr)), ""
    if not made.committed:
        commands = f"{remedy}git -C {shlex.quote(str(folder))} commit --message Start"
        made.notes.append(f"No commit was made: {reason}. Run: {commands}")


@dataclass
class _Made:
    rendered: Rendered
    version: str | None
    files: list[str]
    notes: list[str]
    committed: bool = False


@dataclass(frozen=True)
class _Plan:
    target: Path
    base: Path
    """The nearest folder that exists."""
    outer: Path | None
    """The git repository that is there, the folder's own or one around it."""
    source: Source
    given: dict[str, str]
    suggested: dict[str, str]

    @property
    def is_own(self) -> bool:
        return self.outer is None or self.outer.resolve() == self.target.resolve()

    @property
    def notes(self) -> list[str]:
        around = f"It lies in the git repository {self.outer}, so it got none of its own."
        found = (
            self.source.note,
            "" if self.is_own else around,
            uv_workspace.note(self.target),
        )
        return [note for note in found if note]


def _plan(request: Request) -> _Plan:
    """Settle, and refuse, all that can be before anything is written."""
    target = Path(os.path.abspath(destination.expanded(request.destination)))  # noqa: PTH100 (links stay)
    base = destination.check(target)
    git.prepare_environment(terminal=request.ask)
    git.require()
    source = sources.choose(request.template, request.version)
    given = questions.told(request.answers, strict=source.ours)
    named = "project_name" in given
    suggested = {} if named else {"project_name": project_name(target.name)}
    outer = destination.repository(target, base)
    return _Plan(target, base, outer, source, given, suggested)


def _report(request: Request, plan: _Plan, made: _Made) -> Project:
    rendered = made.rendered
    typed = rendered.answers if request.ask else _used(plan, rendered)
    return Project(
        destination=str(plan.target),
        written=not request.dry_run,
        answers=rendered.answers,
        files=made.files,
        services=rendered.services,
        source=plan.source.url,
        version=made.version,
        repository=str(plan.outer or plan.target),
        created_repository=plan.outer is None and not request.dry_run,
        committed=made.committed,
        copier=copier_line(plan.source, made.version, request.destination, typed),
        next=next_command(request.destination),
        notes=made.notes + _elsewhere(plan, made.files) + rendered.warnings,
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


def copier_line(
    source: Source, version: str | None, target: Path, answers: Mapping[str, Any]
) -> str:
    """Say how Copier alone gives the same; nothing, if it can find those files nowhere."""
    if source.unique:
        return ""
    words = ["copier", "copy", "--defaults"]
    words += ["--vcs-ref", version] if version else []
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


def _elsewhere(plan: _Plan, files: list[str]) -> list[str]:
    """Say which files of CI do not run, for the project is no repository of its own."""
    if plan.outer is None or plan.is_own:
        return []
    return [
        f"{file} does not run there: it is read at a repository's root alone. Move it to "
        f"{plan.outer / file}, and have its commands run in {plan.target}."
        for file in CI_FILES
        if file in files
    ]
