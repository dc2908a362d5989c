"""Patterns of paths as uv and Docker read them: * within a name, ** across folders."""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase


def matches(pattern: str, path: str) -> bool:
    return _match(posixpath.normpath(pattern).split("/"), path.split("/"))


def _match(pattern: list[str], names: list[str]) -> bool:
    if not pattern:
        return not names
    first, *rest = pattern
    if first == "**":
        return any(_match(rest, names[start:]) for start in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], first) and _match(rest, names[1:])
