"""Answers that somebody edited by hand: the file says what was never rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from generator import git
from generator.errors import RefusedError
from generator.new import ANSWERS_FILE
from generator.project import SOURCE

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from generator.project import Project


def edited_answers(found: Project, base: AbstractSet[str]) -> str:
    """Give the commit that changed answers and not what they render, if the last one did."""
    file = found.prefix + ANSWERS_FILE
    commit = git.run(found.root, "log", "-1", "--format=%H", "--", file).strip()
    before = git.ended(found.root, "show", f"{commit}^:{file}")
    if before.returncode or _answers(before.stdout) == found.answers:
        return ""
    listed = git.run(found.root, "diff-tree", "-r", "-z", "--name-only", f"{commit}^", commit)
    changed = {name.removeprefix(found.prefix) for name in listed.split("\0") if name}
    return "" if changed & (base - {ANSWERS_FILE}) else commit


def require_unedited_answers(found: Project, base: AbstractSet[str]) -> None:
    if commit := edited_answers(found, base):
        short = commit[:10]
        raise RefusedError(
            f"{ANSWERS_FILE} was edited by hand in {short}: its answers were never rendered.",
            f"Take that back with git revert {short}, then run fastapi-tasks switch.",
        )


def _answers(text: bytes) -> dict[str, Any] | None:
    try:
        recorded = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    if not isinstance(recorded, dict):
        return None
    return {name: value for name, value in recorded.items() if name not in SOURCE}
