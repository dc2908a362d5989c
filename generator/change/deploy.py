"""How a project's new backend gets to work, so that no task of the old one is left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.change.sides import Render

PAGE = "docs/tasks.md"
GUIDE = "Changing the backend"
"""What the page of a project calls it."""
IN_PROCESS = "Tasks run in the API's process: it finishes them when it is stopped (SIGTERM)."
SAME_ROWS = (
    "Start the new release's worker beside the old one: they take the same rows.",
    "Put the new release's API in place of the old one.",
    "Stop the old worker; nothing has to be drained.",
)


def steps(before: Render, after: Render) -> list[str]:
    of_age = " --older-than SECONDS" if _says(before.folder, "drain --check --older-than") else ""
    found = _steps(before.rendered.computed, after.rendered.computed, of_age)
    if found and _says(after.folder, GUIDE):
        found.append(f'{PAGE}, "{GUIDE}", has all of it.')
    return found


def _says(project: Path, words: str) -> bool:
    page = project / PAGE
    return page.is_file() and words in page.read_text(encoding="utf-8")


def _steps(before: Mapping[str, Any], after: Mapping[str, Any], of_age: str) -> list[str]:
    if before.get("background"):
        return [] if after.get("background") else [IN_PROCESS]
    if after.get("durable"):
        # How to leave a version before 0.3.0, which had no such rows, is for its release's notes.
        is_other = before.get("durable") and _differs(before, after, "backend", "brokers_used")
        return [*SAME_ROWS] if is_other else []
    if after.get("background") or _differs(before, after, "engines", "brokers_used"):
        return _drain(before, after, of_age)
    return []


def _differs(before: Mapping[str, Any], after: Mapping[str, Any], *names: str) -> bool:
    return any(before.get(name) != after.get(name) for name in names)


def _drain(before: Mapping[str, Any], after: Mapping[str, Any], of_age: str) -> list[str]:
    """Say how what is queued in the old backend gets done: the new one does not know of it."""
    beside = "Deploy the new release's workers beside the old ones: each knows its own queue."
    check = f"{before.get('slug')} tasks drain --check{of_age}"
    since = " (SECONDS: at most those since its last API ended)" if of_age else ""
    return [
        *([beside] if after.get("processes") else []),
        "Deploy the new release's API: new tasks take the new way, the old workers go on.",
        f"When `{check}` in the OLD release ends with 0{since}, stop and remove the old workers.",
    ]
