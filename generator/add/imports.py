"""Where a name is imported in a file, among what is imported there."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from generator.add.text import fitted
from generator.errors import RefusedError

if TYPE_CHECKING:
    from generator.add.module import Edit, Module

_SAME = {
    "fastapi": {"fastapi", "fastapi.responses", "starlette.responses"},
    "..tasks": {"..tasks", "..tasks.retry", "..tasks.task"},
}
"""From where else the names that we need of a module may come."""


def imported(module: Module, source: str, names: list[str], width: int) -> Module:
    """Have it import the names from ``source``, as in ``..tasks``; what it does already stays.

    Raises:
        RefusedError: one of the names is something else there.

    """
    missing = [name for name in names if not _has(module, source, name)]
    if taken := [name for name in missing if name in module.names]:
        raise RefusedError(
            f"{module.file} has another {taken[0]}, and a task needs the one of {source}.",
            "Give yours another name there.",
        )
    if not missing:
        return module
    module = module.with_last_newline()
    statements = _statements(module, source)
    if not statements:
        return module.edited([_new(module, source, missing)])
    edits = [edit for name in missing for edit in _member(module, statements[0], name)]
    return _fitted(module.edited(dict.fromkeys(edits)), source, width)


def _from(module: Module, sources: set[str]) -> list[ast.ImportFrom]:
    wanted = {module.absolute(source) for source in sources}
    found = (node for node in module.body if isinstance(node, ast.ImportFrom))
    return [node for node in found if module.absolute(_source(node)) in wanted]


def _source(node: ast.ImportFrom) -> str:
    return "." * node.level + (node.module or "")


def _has(module: Module, source: str, name: str) -> bool:
    statements = _from(module, _SAME.get(source, {source}))
    aliases = [alias for statement in statements for alias in statement.names]
    return any(alias.name == name == (alias.asname or name) for alias in aliases)


def _statements(module: Module, source: str) -> list[ast.ImportFrom]:
    """List those that can take a name; ruff keeps `x as y` in a statement of its own."""
    found = _from(module, {source})
    return [n for n in found if n.names[0].name != "*" and not any(a.asname for a in n.names)]


def _new(module: Module, source: str, names: list[str]) -> Edit:
    """Write a statement where ruff sorts it: below all others, the furthest module first."""
    if not source.startswith("."):
        raise RefusedError(
            f"{module.file} does not import from {source} at its top, so it is not known where "
            f"{', '.join(names)} would belong.",
            f"Write: from {source} import {', '.join(names)}",
        )
    text = f"from {source} import {', '.join(names)}\n"
    local = [node for node in module.head if isinstance(node, ast.ImportFrom) and node.level]
    key = _statement_key(source, names[0])
    later = next((n for n in local if _statement_key(_source(n), n.names[0].name) > key), None)
    if later:
        at = module.line_start(later)
    elif local or module.head:
        at = module.line_after((local or module.head)[-1])
        text = text if local else f"\n{text}"
    else:
        return _first(module, text)
    return at, at, text


def _first(module: Module, text: str) -> Edit:
    """Put it below a docstring, above all code."""
    if module.docstring:
        at = module.line_after(module.docstring)
        return at, at, f"\n{text}"
    if module.code:
        at = module.line_start(module.code[0])
        spaced = isinstance(module.code[0], ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        return at, at, f"{text}\n\n" if spaced else f"{text}\n"
    at = module.size  # below comments
    return (at, at, f"\n{text}") if module.between(0, at).strip() else (0, at, text)


def _member(module: Module, statement: ast.ImportFrom, name: str) -> list[Edit]:
    """Insert a name where ruff sorts it, in a line of its own if the others have that."""
    there = statement.names
    before = [alias for alias in there if _member_key(alias.name) < _member_key(name)]
    following = there[len(before)] if len(before) < len(there) else None
    line = module.between(module.line_start(there[-1]), module.start(there[-1]))
    if line.strip():
        if following:
            at = module.start(following)
            return [(at, at, f"{name}, ")]
        at = module.end(there[-1])
        return [(at, at, f", {name}")]
    if not before:
        at = module.line_start(there[0])
        return [(at, at, f"{line}{name},\n")]
    end, at = module.end(before[-1]), module.line_after(before[-1])
    has_comma = module.between(end, at).lstrip().startswith(",")
    return [*([] if has_comma else [(end, end, ",")]), (at, at, f"{line}{name},\n")]


def _fitted(module: Module, source: str, width: int) -> Module:
    statement, *_ = _statements(module, source)
    start, end = module.start(statement), module.end(statement)
    text = module.between(start, end)
    return module if "\n" in text else module.edited([(start, end, fitted(text, width))])


def _statement_key(source: str, first: str) -> tuple[int, list[Any], tuple[int, list[Any], str]]:
    name = source.lstrip(".")
    return len(name) - len(source), _natural(name), _member_key(first)


def _member_key(name: str) -> tuple[int, list[Any], str]:
    """Sort as ruff does: CONSTANTS, Classes, the others."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    return kind, _natural(name), name


def _natural(name: str) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name.lower())]
