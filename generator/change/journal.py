"""What a change to a project was about to do, kept beside git's own notes until the next one."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from generator import lock
from generator.errors import GeneratorError, HalfDoneError, RefusedError
from generator.template.answers import ANSWERS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.change.project import Project


@dataclass(frozen=True)
class Entry:
    """Enough to go back to where the project was."""

    command: str
    head: str
    """The commit before."""
    branch: str
    """The branch before."""
    made_branch: str
    """The branch that was made for the change, if one was."""
    tree: str
    """The tree that it becomes, conflicts with their markers."""
    commit: str
    """The commit that it becomes; none if there are conflicts."""
    prefix: str = ""
    """The project's place in the repository."""
    answers_file: str = ANSWERS_FILE
    undoing: bool = False
    """Whether it is being taken back, and not made."""
    kept: str = ""
    """A commit with what an undo found to be edited since."""

    @property
    def under_way(self) -> str:
        return "undo" if self.undoing else self.command


@contextmanager
def locked(project: Project) -> Iterator[None]:
    """Keep others from changing the project; whatever ends this process gives the lock back.

    Raises:
        RefusedError: another one is at work.

    """
    with lock.opened(project.git_dir) as file:
        try:
            lock.take(file.fileno())
        except (BlockingIOError, PermissionError) as error:
            entry = running(project)
            raise RefusedError(
                f"Another fastapi-tasks {entry.under_way if entry else 'command'} is changing "
                "this project.",
                "Wait for its end.",
            ) from error
        yield


def require_writable(project: Project) -> None:
    """Refuse where the renders cannot become objects of the repository."""
    objects = project.common_dir / "objects"
    if not os.access(objects, os.W_OK):
        raise lock.unwritable(objects, "Permission denied", project.common_dir)


@contextmanager
def begun(project: Project, entry: Entry) -> Iterator[None]:
    """Write down what is about to happen; one change at a time.

    Raises:
        RefusedError: another one is at work, or was killed.

    """
    with locked(project):
        _require_none_killed(project)
        note(project, entry)
        yield


def note(project: Project, entry: Entry) -> None:
    draft = _running(project).with_name("draft")
    with lock.writing(draft.parent):
        draft.write_text(json.dumps(asdict(entry)), encoding="utf-8")
        draft.replace(_running(project))


@contextmanager
def interruptible(project: Project) -> Iterator[None]:
    """Say of a Ctrl-C or an error that it has left something half done, if it has."""
    try:
        yield
    except KeyboardInterrupt as error:
        if entry := running(project):
            raise HalfDoneError(
                f"Interrupted: the {entry.under_way} is half done.",
                "Run: fastapi-tasks undo",
            ) from error
        raise
    except RefusedError:
        raise
    except (GeneratorError, OSError) as error:
        if entry := running(project):
            raise GeneratorError(
                f"{_told(error)}. The {entry.under_way} is half done.",
                "Set that right, then run: fastapi-tasks undo",
            ) from error
        raise


def _told(error: GeneratorError | OSError) -> str:
    if isinstance(error, GeneratorError):
        return error.message.removesuffix(".")
    return f"{error.filename} cannot be read or written: {error.strerror}"


def done(project: Project) -> None:
    _running(project).replace(_last(project))


def require_none(project: Project) -> None:
    if running(project):
        with locked(project):
            _require_none_killed(project)


def _require_none_killed(project: Project) -> None:
    if entry := running(project):
        raise RefusedError(
            f"A fastapi-tasks {entry.under_way} was killed half way in this project.",
            "Run: fastapi-tasks undo. It brings back what was there, and keeps a copy of what is.",
        )


def running(project: Project) -> Entry | None:
    """Give the change that has begun and not ended."""
    return _read(_running(project))


def last(project: Project) -> Entry | None:
    return _read(_last(project))


def trees(project: Project) -> set[str]:
    """List the trees of all that is noted, in the repository's linked worktrees too."""
    folders = (project.common_dir, *project.common_dir.glob("worktrees/*"))
    notes = (note for folder in folders for note in folder.glob(f"{lock.NOTES}/*.json"))
    return {entry.tree for entry in map(_read, notes) if entry}


def forget(project: Project, entry: Entry) -> None:
    """Drop that change, but not the one before it, which can be undone then."""
    if (before := last(project)) and (before.head, before.tree) == (entry.head, entry.tree):
        _last(project).unlink()
    _running(project).unlink(missing_ok=True)


def _read(file: Path) -> Entry | None:
    try:
        noted = json.loads(file.read_text(encoding="utf-8"))
        return Entry(
            **{each.name: noted[each.name] for each in fields(Entry) if each.name in noted}
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise RefusedError(
            f"{file}, the note of a change that can be undone, cannot be read.",
            "If the project is as it should be (git status, git log), remove that file.",
        ) from error


def _running(project: Project) -> Path:
    return project.git_dir / lock.NOTES / "running.json"


def _last(project: Project) -> Path:
    return project.git_dir / lock.NOTES / "last.json"
