"""What a change to a project was about to do, kept beside git's own notes until the next one."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from generator.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from generator.project import Project


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
    pid: int


def begin(project: Project, entry: Entry) -> None:
    """Write down what is about to happen; one change at a time.

    Raises:
        RefusedError: another one is at work, or was killed.

    """
    require_none(project)
    file = _running(project)
    file.parent.mkdir(exist_ok=True)
    draft = file.with_name(f"draft-{os.getpid()}")
    draft.write_text(json.dumps(asdict(entry)), encoding="utf-8")
    try:
        os.link(draft, file)  # only one of two can
    except FileExistsError as error:
        require_none(project)
        raise RefusedError(
            "Another change of this project has just ended.", "Run it again."
        ) from error
    finally:
        draft.unlink()


def done(project: Project) -> None:
    _running(project).replace(_last(project))


def require_none(project: Project) -> None:
    entry = running(project)
    if entry is None:
        return
    if is_alive(entry.pid):
        raise RefusedError(
            f"Another fastapi-tasks {entry.command} is changing this project.", "Wait for its end."
        )
    raise RefusedError(
        f"A fastapi-tasks {entry.command} was killed half way in this project.",
        "Run: fastapi-tasks undo. It brings back what was there, and keeps a copy of what is.",
    )


def running(project: Project) -> Entry | None:
    """Give the change that has begun and not ended."""
    return _read(_running(project))


def last(project: Project) -> Entry | None:
    return _read(_last(project))


def forget(project: Project) -> None:
    for file in (_running(project), _last(project)):
        file.unlink(missing_ok=True)


def _read(file: Path) -> Entry | None:
    with suppress(FileNotFoundError):
        return Entry(**json.loads(file.read_text(encoding="utf-8")))
    return None


def _running(project: Project) -> Path:
    return project.git_dir / "fastapi-tasks" / "running.json"


def _last(project: Project) -> Path:
    return project.git_dir / "fastapi-tasks" / "last.json"


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
