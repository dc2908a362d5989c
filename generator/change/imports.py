"""What a file imports, read by no parser of Python: one in conflict is none until it is settled."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATEMENT = re.compile(
    r"^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import\b[ \t]*(\([^)]*|[^\n;]*)|import[ \t]+([^\n;]*))",
    re.MULTILINE,
)
_NAME = re.compile(r"(\w+)(?:\s+as\s+\w+)?")
_NO_CODE = re.compile(r"#[^\n]*|\\\r?\n")


def imported(text: bytes) -> Iterator[tuple[int, str]]:
    """Give each name that is imported, a relative one with its dots, and its line."""
    whole = text.decode(errors="replace")
    code = _NO_CODE.sub(lambda found: " " * len(found[0]), whole)
    for found in _STATEMENT.finditer(code):
        line = whole.count("\n", 0, found.start()) + 1
        module, names, modules = found.groups()
        if modules:
            yield from ((line, each.split()[0]) for each in modules.split(",") if each.strip())
            continue
        start = module if module.endswith(".") else f"{module}."
        yield from ((line, start + name) for name in _NAME.findall(names) or [""])


def absolute(name: str, path: str) -> str:
    """Name a module as one outside of its package does."""
    plain = name.lstrip(".")
    if plain == name:
        return name
    folders = PurePosixPath(path.removeprefix("src/")).parts[: len(plain) - len(name)]
    return ".".join([*folders, plain]).rstrip(".")


def module(path: str) -> str:
    parts = PurePosixPath(path.removeprefix("src/")).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
