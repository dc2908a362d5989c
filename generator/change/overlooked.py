"""Files whose edits git was told to overlook."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator import git
from generator.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path


@dataclass(frozen=True)
class Overlooked:
    """By their paths in the repository; a file may be both."""

    assumed: set[str]
    """Assumed to be unchanged."""
    skipped: set[str]
    """Skipped in the work tree; a sparse checkout has none of them there."""

    @property
    def all(self) -> set[str]:
        return self.assumed | self.skipped


def find(root: Path) -> Overlooked:
    listed = map(os.fsdecode, git.call(root, "ls-files", "-v", "-z").split(b"\0"))
    tags = {line[2:]: line[:1] for line in listed}
    return Overlooked(
        {path for path, tag in tags.items() if tag.islower()},
        {path for path, tag in tags.items() if tag in {"s", "S"}},
    )


def mark(root: Path, paths: Iterable[str], env: Mapping[str, str]) -> None:
    """Have git overlook those files, in a sparse checkout too."""
    given = b"\0".join(map(os.fsencode, paths))
    for flag in ("--assume-unchanged", "--skip-worktree") if given else ():
        git.call(root, "update-index", flag, "-z", "--stdin", stdin=given, env=env)


def require_none(root: Path, touched: AbstractSet[str]) -> None:
    """Refuse to go over edits that git was told to overlook.

    Raises:
        RefusedError: it was told so of a file that the change touches.

    """
    found = find(root)
    assumed = sorted(found.assumed & touched)
    skipped = sorted(path for path in found.skipped & touched if os.path.lexists(root / path))
    if assumed or skipped:
        names = ", ".join(sorted({*assumed, *skipped}))
        flags = {"--no-assume-unchanged": assumed, "--no-skip-worktree": skipped}
        commands = (
            shlex.join(["git", "-C", str(root), "update-index", flag, *paths])
            for flag, paths in flags.items()
            if paths
        )
        raise RefusedError(
            f"git was told to overlook what you do to {names}, which the change touches.",
            f"Run: {' && '.join(commands)}",
        )


def require_there(root: Path, conflicts: AbstractSet[str]) -> None:
    """Refuse conflicts in files that are left out, where nobody could settle them.

    Raises:
        RefusedError: there are some.

    """
    if missing := sorted(find(root).skipped & conflicts):
        raise RefusedError(
            f"There would be conflicts in {', '.join(missing)}, not in this sparse checkout.",
            f"Run: git -C {shlex.quote(str(root))} sparse-checkout disable",
        )
