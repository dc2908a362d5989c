"""What an update or switch is going to do, or did: the facts, for people and for programs."""

from __future__ import annotations

import re
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator import git
from generator.change.merge import MIGRATIONS, Change, Kind
from generator.errors import ExitCode
from generator.template import releases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.change.left_behind import OldImport
    from generator.change.sides import Render, Version

LOCK = "uv lock"
DROP = 'make migration m="drop what is gone"'
NO = "–"  # noqa: RUF001 (how the table says that a promise is not made)
_SECTION = re.compile(r"^## \[([^\]]+)\].*\n", re.MULTILINE)
_UPGRADING = re.compile(r"^### Upgrading\n+(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
_DURATION = re.compile(r" in [\d.]+s( \([\d:]+\))?$")
_VARIABLE = re.compile(r"^#?([A-Z][A-Z0-9_]*)=", re.MULTILINE)


@dataclass(frozen=True)
class Answers:
    changed: dict[str, list[Any]] = field(default_factory=dict)
    """Before and after; before is None where it was not asked."""
    defaulted: dict[str, Any] = field(default_factory=dict)
    """Questions that are new to the project, and the default that answers them."""
    dropped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Needs:
    """What the project needs now, or needs no more."""

    added: list[str]
    removed: list[str]


@dataclass(frozen=True)
class Promise:
    promise: str
    before: str
    after: str


@dataclass(frozen=True)
class Verdict:
    passed: bool
    summary: str

    @property
    def outcome(self) -> str:
        """The summary, however long the tests took."""
        return _DURATION.sub("", self.summary)


@dataclass
class Plan:
    command: str
    project: str
    template: str
    version: Version
    answers: Answers
    changes: list[Change]
    dependencies: Needs
    environment: Needs
    promises: list[Promise]
    """Those that differ between the two backends."""
    deploy: list[str]
    """How to bring the new backend in place of the old one, step by step."""
    release_notes: dict[str, str]
    """What each version that is crossed wants to be known, oldest first."""
    notes: list[str]
    old_imports: list[OldImport] = field(default_factory=list)
    """The user's imports of modules that have another name now."""
    left_behind: list[str] = field(default_factory=list)
    """Files in folders that have moved which git does not know."""
    applied: bool = False
    commit: str = ""
    branch: str = ""
    tests_before: Verdict | None = None
    tests_after: Verdict | None = None
    interrupted: bool = False
    """The tests after were, by Ctrl-C."""
    next: list[str] = field(default_factory=list)
    """Commands to run in the project when the change is made."""

    @property
    def conflicts(self) -> list[Change]:
        return [change for change in self.changes if change.kind is Kind.CONFLICT]

    @property
    def exit_code(self) -> ExitCode:
        if self.interrupted:
            return ExitCode.INTERRUPTED
        if self.conflicts:
            return ExitCode.CONFLICTS
        before, after = self.tests_before, self.tests_after
        if after is None or after.passed:
            return ExitCode.DONE
        as_before = before and not before.passed and before.outcome == after.outcome
        return ExitCode.DONE if as_before else ExitCode.ERROR

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"exit_code": int(self.exit_code)}


def next_commands(made: Plan) -> list[str]:
    if not made.changes:
        return []
    needs = any(c.path == "pyproject.toml" and c.kind is not Kind.LEFT for c in made.changes)
    locked = needs and git.succeeds(Path(made.project), "ls-files", "--error-unmatch", "uv.lock")
    left = any(c.kind is Kind.LEFT and c.path.startswith(MIGRATIONS) for c in made.changes)
    last = [DROP, "make test"] if left else ["make migrate test"]
    return [*([LOCK] if locked else []), *last]


def answers(
    before: Mapping[str, Any], after: Mapping[str, Any], given: Mapping[str, Any]
) -> Answers:
    return Answers(
        changed={
            name: [before.get(name), value]
            for name, value in after.items()
            if before.get(name) != value and (name in before or name in given)
        },
        defaulted={n: v for n, v in after.items() if n not in before and n not in given},
        dropped=sorted(before.keys() - after.keys()),
    )


def dependencies(old: Path, new: Path) -> Needs:
    return _needs(_dependencies(old), _dependencies(new))


def environment(old: Path, new: Path) -> Needs:
    return _needs(_variables(old), _variables(new))


def _needs(old: set[str], new: set[str]) -> Needs:
    return Needs(sorted(new - old), sorted(old - new))


def _dependencies(project: Path) -> set[str]:
    file = project / "pyproject.toml"
    if not file.is_file():
        return set()
    listed = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    return set(listed.get("dependencies", []))


def _variables(project: Path) -> set[str]:
    file = project / ".env.example"
    return set(_VARIABLE.findall(file.read_text(encoding="utf-8"))) if file.is_file() else set()


def promises(before: Render, after: Render) -> list[Promise]:
    old, new = _backend(before).get("promises", {}), _backend(after).get("promises", {})
    return [
        Promise(text, old[key], new[key])
        for key, text in _texts(after).items()
        if key in old and key in new and old[key] != new[key]
    ]


def given_up(before: Render, after: Render) -> list[str]:
    """Name the promises that the new backend does not make, and the old one would at that version.

    What another version promises otherwise is not given up by who updates.
    """
    known = after.rendered.computed.get("backends", {}).get(before.answers.get("task_backend"))
    old = (known or _backend(before)).get("promises", {})
    new = _backend(after).get("promises", {})
    return [
        text
        for key, text in _texts(after).items()
        if old.get(key, "").startswith("✓") and new.get(key, "").startswith(NO)
    ]


def _texts(render: Render) -> dict[str, str]:
    promised = render.rendered.computed.get("promises", {})
    return {key: text.replace("**", "") for key, text in promised.items()}


def _backend(render: Render) -> dict[str, Any]:
    """Give what the template's table says of the project's backend."""
    table = render.rendered.computed.get("backends", {})
    found: dict[str, Any] = table.get(render.answers.get("task_backend"), {})
    return found


def release_notes(changelog: Path, version: Version) -> dict[str, str]:
    """Give what CHANGELOG.md has under "Upgrading" for each version after the old one."""
    old, new = releases.parsed(version.old), releases.parsed(version.new)
    if not (old and new and changelog.is_file()):
        return {}
    words = _SECTION.split(changelog.read_text(encoding="utf-8"))[1:]
    notes = {}
    for name, text in zip(words[::2], words[1::2], strict=True):
        found, told = releases.parsed(name), _UPGRADING.search(text)
        if found and told and old < found <= new:
            notes[name] = told[1].strip()
    return dict(reversed(notes.items()))
