"""`fastapi-tasks update` and `switch`: the project as another version or answers render it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from generator import git
from generator.change import (
    apply,
    deploy,
    full_disk,
    journal,
    left_behind,
    moves,
    plan,
    prepare,
    project,
    verify,
)
from generator.change.history import require_unedited_answers
from generator.change.sides import Render, Renders, Version
from generator.change.version_history import require_unedited_version
from generator.errors import RefusedError
from generator.template import source as sources
from generator.template import versions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from generator.change.plan import Plan
    from generator.change.project import Project
    from generator.template.versions import Step, Versions

GIVEN_UP = "Given up: {}. Tasks can then be lost when the API's process dies. Go on?"


@dataclass(frozen=True)
class Request:
    path: Path
    answers: Mapping[str, str] = field(default_factory=dict)
    to: str | None = None
    """The version to go to; without one, the newest."""
    template: str | None = None
    """Where the template is now, if it has moved."""
    answers_file: str | None = None
    """Where the project's answers are, if not in the only file that may hold them."""
    dry_run: bool = False
    branch: str = ""
    """A new branch for the change."""
    verify: bool = False
    """Run the project's tests before and after."""
    confirm: Callable[[str], bool] | None = None
    """Asked before a promise is given up; none is a yes."""
    show: Callable[[Plan], object] = bool
    """Shown what changes before it asks."""
    step: Step = nullcontext
    """Entered for what may take a while."""


def update(request: Request) -> Plan:
    """Bring a project to another version of its template."""
    return _carry("update", request)


def switch(request: Request) -> Plan:
    """Change answers of a project, at the version that it has."""
    if not request.answers:
        raise RefusedError(
            "No answer to switch was given.", "Example: fastapi-tasks switch --task-backend rq"
        )
    return _carry("switch", request)


def _carry(command: str, request: Request) -> Plan:
    git.prepare_environment(terminal=False)
    git.require()
    found = project.find(request.path, request.answers_file)
    with full_disk.told(found), journal.interruptible(found):
        _require_ready(request, found)
        return _made(command, request, found)


def _made(command: str, request: Request, found: Project) -> Plan:
    moved = bool(request.template)
    url = sources.address(request.template) if request.template else found.url
    with (
        TemporaryDirectory(prefix="fastapi-tasks-") as folder,
        versions.opened(url, found.version, moved=moved, step=request.step) as known,
    ):
        version = _version(command, request, found, known)
        renders = Renders(known, Path(folder), found, version, request.answers)
        before = renders.before()
        require_unedited_answers(found, before.tree.keys(), before.answers.keys())
        require_unedited_version(found, known, before.folder)
        after = renders.after()
        package = after.rendered.answers.get("package_name", "")
        tables = moves.between(version, known.files(version.new), package)
        prepared = prepare.prepared(found, before, after, version, tables)
        made = _plan(command, renders, before, after, prepared)
        _finish(request, found, made, prepared, plan.given_up(before, after))
        return made


def _require_ready(request: Request, found: Project) -> None:
    journal.require_none(found)
    journal.require_writable(found)
    project.branch(found)
    project.require_quiet(found)
    project.require_committed(found)
    if not request.dry_run:
        git.require_identity(found.root)
        if request.branch:
            project.require_new_branch(found, request.branch)


def _version(command: str, request: Request, found: Project, known: Versions) -> Version:
    old = known.exact(found.version)
    new = old if command == "switch" else known.exact(request.to or known.newest())
    if new != old and known.is_older(new, old):
        if request.to:
            raise RefusedError(
                f"{new} is older than {old}, the project's version; edits cannot be carried back.",
                "To take an update back: fastapi-tasks undo, or git revert.",
            )
        new = old
    return Version(old, new)


def _plan(
    command: str, renders: Renders, before: Render, after: Render, prepared: apply.Prepared
) -> Plan:
    found = renders.found
    changelog = renders.known.files(renders.version.new) / "CHANGELOG.md"
    answers = plan.answers(found.answers, after.answers, renders.given)
    return plan.Plan(
        command=command,
        project=str(found.path),
        template=renders.known.url,
        version=renders.version,
        answers=answers,
        changes=prepared.merged.changes,
        dependencies=plan.dependencies(before.folder, after.folder),
        environment=plan.environment(before.folder, after.folder),
        promises=plan.promises(before, after),
        deploy=deploy.steps(before, after),
        release_notes=plan.release_notes(changelog, renders.version),
        notes=after.rendered.warnings,
        old_imports=left_behind.imports(found, prepared, after.tree),
        left_behind=left_behind.unknown(found, prepared),
    )


def _finish(
    request: Request,
    found: Project,
    made: Plan,
    prepared: apply.Prepared,
    given_up: list[str],
) -> None:
    if request.dry_run or not prepared.files:
        return
    if request.confirm and given_up:
        request.show(made)
        if not request.confirm(GIVEN_UP.format("; ".join(given_up))):
            raise RefusedError("Not confirmed: nothing was changed.", "Confirm it, or pass --yes.")
    if request.verify:
        with request.step("Running the tests as they are …"):
            made.tests_before = verify.run_tests(found.path)
    message = _message(made)
    done = apply.apply(found, prepared, made.command, message, request.branch)
    made.applied, made.commit, made.branch = True, done.commit, done.branch
    if request.verify and not made.conflicts:
        try:
            with request.step("Running the tests after the change …"):
                made.tests_after = verify.run_tests(found.path)
        except KeyboardInterrupt:
            made.interrupted = True


def _message(made: Plan) -> str:
    changed = ", ".join(f"{name} {new}" for name, (_, new) in made.answers.changed.items())
    if made.command == "switch":
        return f"Switch to {changed}"
    return f"Update the template to {made.version.new}" + (f", {changed}" if changed else "")
