"""Answers that somebody edited by hand: the file says what was never rendered."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from generator import git
from generator.change import journal
from generator.errors import RefusedError
from generator.template.answers import SOURCE

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from generator.change.project import Project

_MARKED = re.compile(r"^(\w+):.*  # (\w+)$", re.DOTALL)


def edited_answers(found: Project, base: AbstractSet[str], asked: AbstractSet[str]) -> str:
    """Say where answers were changed that were not rendered anew, or nothing.

    The template writes a mark behind each of them; projects from before 0.3.0 have none, and there
    the history has to do.
    """
    text = (found.path / found.answers_file).read_text(encoding="utf-8")
    entries = re.split(r"^(?=\w)", text, flags=re.MULTILINE)
    marked = (_MARKED.match(entry.rstrip()) for entry in entries)
    if marks := {each[1]: each[2] for each in marked if each}:
        rendered = {name: mark(name, value) for name, value in found.answers.items()}
        return "" if marks == rendered and rendered.keys() >= asked else "since it was rendered"
    commit = _commit_of_answers_alone(found, base)
    return f"in {commit[:10]}" if commit else ""


def mark(name: str, answer: Any) -> str:
    """Compute what the template's answers file computes in Jinja."""
    return hashlib.sha256(json.dumps([name, answer]).encode()).hexdigest()[:8]


def require_unedited_answers(
    found: Project, base: AbstractSet[str], asked: AbstractSet[str]
) -> None:
    if where := edited_answers(found, base, asked):
        raise RefusedError(
            f"{found.answers_file} was edited by hand {where}: its answers were never rendered.",
            f"Take that back (git log --patch -- {found.answers_file}), then run "
            "fastapi-tasks switch.",
        )


def _commit_of_answers_alone(found: Project, base: AbstractSet[str]) -> str:
    """Give the last commit of the answers, if they are not those of what was rendered last.

    That is the last commit that changed them along with files of the template, or what a change
    has staged whose conflicts are not settled.
    """
    change = journal.last(found)
    if change and change.head == found.head and _answers_in(found, change.tree) == found.answers:
        return ""
    listed = commits(found)
    for commit in listed:
        if changed(found, commit) & (base - {found.answers_file}):
            return "" if _answers_in(found, commit) == found.answers else listed[0]
    return ""


def commits(found: Project) -> list[str]:
    """List those that changed the answers file, the last one first."""
    file = found.prefix + found.answers_file
    log = ("log", "--no-show-signature", "--format=%H", "-m", "--first-parent", "--", file)
    return git.run(found.root, *log).split()


def changed(found: Project, commit: str) -> set[str]:
    """Give the project's files that it changed."""
    show = ("show", "--no-show-signature", "--format=", "--first-parent", "--name-only", "-z")
    listed = filter(None, git.run(found.root, *show, commit).split("\0"))
    return {name.removeprefix(found.prefix) for name in listed if name.startswith(found.prefix)}


def _answers_in(found: Project, tree: str) -> dict[str, Any]:
    return answers(recorded_in(found, tree))


def answers(recorded: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in recorded.items() if name not in SOURCE}


def recorded_in(found: Project, tree: str) -> dict[str, Any]:
    """Read the answers file of a commit or tree; nothing, if it cannot be read."""
    shown = git.ended(found.root, "cat-file", "blob", f"{tree}:{found.prefix}{found.answers_file}")
    try:
        recorded = yaml.safe_load(shown.stdout)
    except yaml.YAMLError:
        return {}
    return recorded if isinstance(recorded, dict) else {}
