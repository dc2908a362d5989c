"""`fastapi-tasks status`: which version projects have, and how far they went from it."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import git
from generator.change import full_disk, history, journal, project, trees, version_history
from generator.errors import ExitCode, GeneratorError
from generator.template import source as sources
from generator.template import versions
from generator.template.new import remember
from generator.template.render import copied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.change.project import Project
    from generator.template.render import Rendered
    from generator.template.versions import Step, Versions

FEW = 3  # projects for which starting more processes does not pay
MARKERS = "^(<{7}|>{7}) "


@dataclass(frozen=True)
class Drift:
    """The project's files against a render of its version and answers."""

    clean: int = 0
    edited: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Status:
    project: str
    error: str = ""
    """Why nothing else can be said."""
    template: str = ""
    version: str = ""
    newest: str = ""
    backend: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    drift: Drift = field(default_factory=Drift)
    conflict_markers: list[str] = field(default_factory=list)
    """Files that hold some."""
    problems: list[str] = field(default_factory=list)

    @property
    def is_outdated(self) -> bool:
        return self.version != self.newest

    @property
    def exit_code(self) -> ExitCode:
        """What `--check` ends with."""
        if self.error:
            return ExitCode.REFUSED
        if self.conflict_markers or self.problems:
            return ExitCode.CONFLICTS
        return ExitCode.ERROR if self.is_outdated else ExitCode.DONE

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"outdated": self.is_outdated, "exit_code": int(self.exit_code)}


def status(
    paths: Sequence[Path],
    template: str | None = None,
    answers_file: str | None = None,
    step: Step = nullcontext,
) -> list[Status]:
    """Look at each project; one that cannot be read gives its reason and stops no other."""
    git.prepare_environment(terminal=False)
    git.require()
    template = sources.address(template) if template else None
    if len(paths) <= FEW:
        return _share(paths, template, answers_file, step)
    processes = min(len(paths), os.cpu_count() or 1)
    shares = [paths[number::processes] for number in range(processes)]
    with ProcessPoolExecutor(processes) as pool:
        found = list(pool.map(_share, shares, [template] * processes, [answers_file] * processes))
    return [found[number % processes][number // processes] for number in range(len(paths))]


def _share(
    paths: Sequence[Path],
    template: str | None,
    answers_file: str | None,
    step: Step = nullcontext,
) -> list[Status]:
    with ExitStack() as stack:
        templates = _Templates(template, step, stack)
        return [_one(path, templates, answers_file) for path in paths]


@dataclass(frozen=True)
class _Templates:
    """What the projects came from, each fetched once."""

    moved: str | None
    step: Step
    stack: ExitStack
    opened: dict[tuple[str, bool], Versions] = field(default_factory=dict)

    def of(self, found: Project) -> Versions:
        url = self.moved or found.url
        key = (url, versions.is_carried(found.version))
        if key not in self.opened:
            known = versions.opened(url, found.version, moved=bool(self.moved), step=self.step)
            self.opened[key] = self.stack.enter_context(known)
        return self.opened[key]


def _one(path: Path, templates: _Templates, answers_file: str | None) -> Status:
    try:
        with full_disk.told():
            found = project.find(path, answers_file)
            return _status(found, templates.of(found))
    except GeneratorError as error:
        return Status(str(path), error=str(error))
    except OSError as error:
        return Status(str(path), error=f"{error.filename} cannot be read: {error.strerror}.")


def _status(found: Project, known: Versions) -> Status:
    with tempfile.TemporaryDirectory(prefix="fastapi-tasks-") as folder:
        version = known.exact(found.version)
        newest = known.newest()
        if newest != version and known.is_older(newest, version):
            newest = version
        files = known.files(version)
        rendered = copied(files, Path(folder), found.answers, answers_file=found.answers_file)
        remember(Path(folder) / found.answers_file, found.url, version)
        base = _paths(Path(folder))
        return Status(
            project=str(found.path),
            template=known.url,
            version=version,
            newest=newest,
            backend=_backend(rendered),
            answers=found.answers,
            drift=_drift(found, Path(folder), base),
            conflict_markers=_marked(found),
            problems=_problems(found, rendered, base, known, Path(folder)),
        )


def _backend(rendered: Rendered) -> str:
    brokers = rendered.computed.get("brokers_used") or []
    return " → ".join([str(rendered.answers.get("task_backend", "")), *brokers])


def _paths(folder: Path) -> list[str]:
    return sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if not f.is_dir())


def _drift(found: Project, folder: Path, base: list[str]) -> Drift:
    listed = git.run(
        found.path, "ls-files", "-z", "--cached", "--others", "--exclude-standard"
    ).split("\0")
    there = {name for name in listed if name and os.path.lexists(found.path / name)}
    here = [name for name in base if os.path.lexists(found.path / name)]
    edited = [name for name in here if trees.text(found.path / name) != trees.text(folder / name)]
    return Drift(
        clean=len(here) - len(edited),
        edited=edited,
        deleted=[name for name in base if name not in set(here)],
        added=sorted(there - set(base)),
    )


def _marked(found: Project) -> list[str]:
    words = ("grep", "--no-color", "-l", "-z", "-E", "-e", MARKERS, "--", ".")
    printed = git.ended(found.path, *words).stdout.decode(errors="replace")
    return sorted(filter(None, printed.split("\0")))


def _problems(
    found: Project, rendered: Rendered, base: list[str], known: Versions, render: Path
) -> list[str]:
    problems, name = [], found.answers_file
    if entry := journal.running(found):
        problems.append(f"a fastapi-tasks {entry.under_way} was killed or is at work: run undo")
    problems += [
        f"{path} is in conflict: settle it, then git add" for path in project.unmerged(found)
    ]
    if where := history.edited_answers(found, set(base), rendered.answers.keys()):
        problems.append(f"{name} was edited by hand {where}: take that back and switch")
    elif commit := version_history.edited_version(found, known, render):
        problems.append(f"{name}: _commit was edited by hand in {commit}: take that back")
    return problems
