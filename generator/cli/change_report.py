"""What update, switch, status and undo print."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

from generator.change.merge import Kind
from generator.change.plan import LOCK
from generator.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from generator.change.merge import Change
    from generator.change.plan import Answers, Needs, Plan, Verdict
    from generator.change.status import Status
    from generator.change.undo import Undone

WIDTH_OF_A_PIPE = 160  # columns, where no terminal says how many there are
SHOWN = 12  # files of a kind; --dry-run and --json have all
HEADINGS = {
    Kind.CONFLICT: "In conflict",
    Kind.LEFT: "Left as they are",
    Kind.MERGED: "Merged with your edits",
    Kind.UPDATED: "Updated",
    Kind.ADDED: "Added",
    Kind.REMOVED: "Removed (you had not edited them)",
    Kind.MOVED: "Moved",
}


def change(made: Plan, *, all_of_it: bool = False) -> None:
    print("\n".join(_change_lines(made, all_of_it=all_of_it)))


def outcome(made: Plan, *, dry_run: bool) -> None:
    print("\n".join(_outcome_lines(made, dry_run=dry_run)))


def _change_lines(made: Plan, *, all_of_it: bool) -> Iterator[str]:
    yield _headline(made)
    for version, text in made.release_notes.items():
        yield f"\nWhat {version} wants you to know:"
        yield text
    yield from _answer_lines(made.answers)
    yield from _file_lines(made, all_of_them=all_of_it)
    yield from _need_lines("Dependencies", made.dependencies)
    yield from _need_lines("Environment variables", made.environment)
    if made.promises:
        yield "\nWhat the backend promises:"
        for promise in made.promises:
            yield f"  {promise.promise}: {promise.before} → {promise.after}"
    if made.deploy:
        yield "\nHow to deploy it, so that no task is left:"
        yield from (f"  {n}. {step}" for n, step in enumerate(made.deploy, start=1))
    yield from (f"Note: {note}" for note in made.notes)


def _outcome_lines(made: Plan, *, dry_run: bool) -> Iterator[str]:
    if LOCK in made.next:
        yield f"Note: uv.lock is still the old one: run `{LOCK}`, and commit it with the change."
        yield "      `undo` wants it as it was: git restore uv.lock"
    yield ""
    yield from _last_lines(made, dry_run=dry_run)


def _headline(made: Plan) -> str:
    version = made.version
    if version.old == version.new:
        return f"{made.project}: template {version.new}"
    return f"{made.project}: template {version.old} → {version.new}"


def _answer_lines(answers: Answers) -> Iterator[str]:
    lines = [f"  {n}: {_shown(old)} → {_shown(new)}" for n, (old, new) in answers.changed.items()]
    lines += [f"  {n}: {_shown(v)} (new, by default)" for n, v in answers.defaulted.items()]
    lines += [f"  {name}: no longer asked" for name in answers.dropped]
    if lines:
        yield "\nAnswers:"
        yield from lines


def _shown(value: Any) -> str:
    if value is None:
        return "not asked"
    return ", ".join(value) or "none" if isinstance(value, list) else str(value)


def _file_lines(made: Plan, *, all_of_them: bool) -> Iterator[str]:
    for kind, heading in HEADINGS.items():
        found = [change for change in made.changes if change.kind is kind]
        lines = [_file_line(each) for each in found]
        yield from _lines_below(heading, lines, all_of_them=all_of_them or kind is Kind.CONFLICT)
    old = [f"{each.path}:{each.line}: {each.old} → {each.new}" for each in made.old_imports]
    yield from _lines_below("Imports by an old name, yours to change", old, all_of_them=all_of_them)
    heading = "Left in folders that have moved, for git does not know them"
    yield from _lines_below(heading, made.left_behind, all_of_them=all_of_them)


def _file_line(each: Change) -> str:
    start = f"{each.was} → " if each.was else ""
    return f"{start}{each.path}{': ' if each.reason else ''}{each.reason}"


def _lines_below(heading: str, lines: list[str], *, all_of_them: bool) -> Iterator[str]:
    if lines:
        yield f"\n{heading}: {len(lines)}"
        shown = lines if all_of_them else lines[:SHOWN]
        yield from (f"  {line}" for line in shown)
        if len(shown) < len(lines):
            yield f"  … and {len(lines) - len(shown)} more"


def _need_lines(title: str, needs: Needs) -> Iterator[str]:
    if needs.added or needs.removed:
        yield f"\n{title}:"
        yield from (f"  + {name}" for name in needs.added)
        yield from (f"  - {name}" for name in needs.removed)


def _last_lines(made: Plan, *, dry_run: bool) -> Iterator[str]:
    if not made.changes:
        yield "Nothing to do."
    elif dry_run:
        yield "Nothing was changed (--dry-run)."
    elif made.conflicts:
        yield from _test_lines(made)
        yield f"{len(made.conflicts)} in conflict, the rest is staged on {made.branch}. Go on with:"
        yield "  git status                 # edit each file that both modified: <<<<<<< yours"
        yield "  git add FILE, or git rm FILE   # keeps it as it is, or lets it go"
        if LOCK in made.next:
            yield f"  {LOCK} && git add uv.lock"
        yield "  git commit"
        yield f"Or take all of it back: fastapi-tasks undo {shlex.quote(made.project)}"
    else:
        yield f"Committed as {made.commit[:10]} on {made.branch}."
        yield from _test_lines(made)
        if made.exit_code is ExitCode.ERROR:
            yield "They fail otherwise than before, so this ends with 1."
        yield f"Take it back: fastapi-tasks undo {shlex.quote(made.project)}"
        yield f"Next: cd {shlex.quote(made.project)} && {' && '.join(made.next)}"


def _test_lines(made: Plan) -> Iterator[str]:
    if made.tests_before and made.conflicts:
        yield f"Tests before: {_verdict(made.tests_before)}; after: not run, conflicts"
    elif made.tests_before:
        yield f"Tests before: {_verdict(made.tests_before)}"
    if made.tests_after:
        yield f"Tests after: {_verdict(made.tests_after)}"
    if made.interrupted:
        yield "Tests after: interrupted"


def _verdict(tests: Verdict) -> str:
    return f"{'passed' if tests.passed else 'FAILED'} ({tests.summary})"


def status(found: Sequence[Status]) -> None:
    if len(found) == 1:
        print("\n".join(_status_lines(found[0])))
        return
    from rich import box  # noqa: PLC0415 (slow to load)
    from rich.console import Console  # noqa: PLC0415 (slow to load)
    from rich.table import Column, Table  # noqa: PLC0415 (slow to load)

    columns = ("version", "newest", "backend", "edited", "deleted", "added", "problems")
    project = Column("project", overflow="fold", min_width=30)
    table = Table(project, *columns, box=box.SIMPLE_HEAD)
    for each in found:
        drift = each.drift
        counts = (str(len(files)) for files in (drift.edited, drift.deleted, drift.added))
        table.add_row(
            each.project, each.version, each.newest, each.backend, *counts, _problems(each)
        )
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_OF_A_PIPE
    Console(highlight=False, markup=False, width=width).print(table)


def _problems(each: Status) -> str:
    markers = [f"conflict markers in {len(each.conflict_markers)}"] if each.conflict_markers else []
    return "; ".join([*([each.error] if each.error else []), *each.problems, *markers])


def _status_lines(each: Status) -> Iterator[str]:
    if each.error:
        yield f"{each.project}: {each.error}"
        return
    newest = f"; the newest is {each.newest}" if each.is_outdated else ", the newest"
    yield f"{each.project}: template {each.version}{newest}"
    yield f"Template: {each.template}"
    yield f"Backend: {each.backend}"
    yield "Answers: " + ", ".join(f"{n}={_shown(v)}" for n, v in each.answers.items())
    drift = each.drift
    yield f"Files: {drift.clean} as rendered"
    for title, files in (
        ("edited", drift.edited),
        ("deleted", drift.deleted),
        ("your own", drift.added),
        ("with conflict markers", each.conflict_markers),
    ):
        yield from _listed(title, files)
    yield from (f"Problem: {problem}" for problem in each.problems)
    if each.is_outdated:
        yield f"Next: fastapi-tasks update {shlex.quote(each.project)} --dry-run"


def _listed(title: str, files: Iterable[str]) -> Iterator[str]:
    names = list(files)
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield f"  {len(names)} {title}: {', '.join(names[:SHOWN])}{more}"


def undone(back: Undone) -> None:
    print(f"Back at {back.head[:10]} on {back.branch}.")
    if back.kept:
        print(f"What you had edited since is kept: git show {back.kept[:10]}")
