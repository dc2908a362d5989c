"""A version that somebody edited by hand: the project has the files of another."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from generator.change import history, trees
from generator.errors import RefusedError
from generator.template.answers import ANSWERS_FILE
from generator.template.render import copied

if TYPE_CHECKING:
    from generator.change.project import Project
    from generator.template.versions import Versions


def require_unedited_version(found: Project, known: Versions, render: Path) -> None:
    if commit := edited_version(found, known, render):
        raise RefusedError(
            f"{found.answers_file} was edited by hand in {commit}: its _commit is "
            f"{found.version}, and the project has the files of another version.",
            f"Take that back (git show {commit}), then run fastapi-tasks update.",
        )


def edited_version(found: Project, known: Versions, render: Path) -> str:
    """Name the commit that changed the version and none of the files that differ with it, if any.

    An update is a commit of the answers alone if both versions render the same, or if its files
    came in another commit. So the project's files have to tell which version it has.
    """
    # Another template may keep a project's files from updates (_skip_if_exists).
    if not (known.files(known.exact(found.version)) / "backends.yml").is_file():
        return ""
    commit, before = _commit_of_version_alone(found, render)
    if not commit:
        return ""
    with TemporaryDirectory(prefix="fastapi-tasks-") as folder, suppress(RefusedError):
        old = known.files(known.exact(before["_commit"]))
        copied(old, Path(folder), history.answers(before))
        return commit[:10] if _is_still(found.path, Path(folder), render) else ""
    return ""


def _commit_of_version_alone(found: Project, render: Path) -> tuple[str, dict[str, Any]]:
    """Give the last commit that changed the version, if that is all, and the answers before it."""
    for commit, older in pairwise(history.commits(found)):
        after, before = (history.recorded_in(found, each) for each in (commit, older))
        if after.get("_commit") != found.version:
            break
        if before.get("_commit") != found.version:
            others = history.changed(found, commit) - {found.answers_file}
            alone = "_commit" in before and not any((render / name).exists() for name in others)
            return (commit, before) if alone else ("", {})
    return "", {}


def _is_still(path: Path, old: Path, new: Path) -> bool:
    """Whether some file is as in the old render, and none as in the new, of those that differ."""
    files = [file.relative_to(new) for file in new.rglob("*") if file.is_file()]
    names = [name for name in files if (old / name).is_file() and name.name != ANSWERS_FILE]
    differ = [name for name in names if trees.text(old / name) != trees.text(new / name)]
    there = [name for name in differ if (path / name).is_file()]
    has_old, has_new = (
        any(trees.text(path / name) == trees.text(each / name) for name in there)
        for each in (old, new)
    )
    return has_old and not has_new
