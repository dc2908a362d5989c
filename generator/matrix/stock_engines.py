"""The engines are used as their documentation has them: nothing of theirs is overridden."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from generator.matrix.syntax import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINES = {"amqp", "billiard", "celery", "kombu", "redis", "rq", "vine"}


def faults(text: str) -> Iterator[str]:
    """Yield each subclass, private name and assignment of an engine's, with its line."""
    try:
        tree = parsed(text)
    except SyntaxError:
        return  # the linter tells of it
    own = dict(_imported(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found = [
                    name.name for name in names if _of_engine(name.name) and _private(name.name)
                ]
            case ast.ImportFrom(module=str(module), names=names, level=0) if _of_engine(module):
                found = [f"{module}.{name.name}" for name in names]
                found = [name for name in found if _private(name)]
            case ast.ClassDef(bases=bases):
                found = [
                    f"a subclass of {own[name]}" for base in bases if (name := _root(base)) in own
                ]
            case ast.Attribute(attr=attr) if _root(node) in own and _private(attr):
                found = [f"{own[_root(node)]}…{attr}"]
            case ast.Attribute(ctx=ast.Store()) if (name := _root(node)) in own:
                found = [f"an assignment to {own[name]}.{node.attr}"]
            case _:
                continue
        yield from (
            f"line {node.lineno}: {fault}, which the engine keeps to itself" for fault in found
        )


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield the names by which a module knows something of an engine's, and what that is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                if _of_engine(name.name):
                    yield name.asname or name.name.split(".")[0], name.name
        elif isinstance(node, ast.ImportFrom) and not node.level and _of_engine(node.module or ""):
            for name in node.names:
                yield name.asname or name.name, f"{node.module}.{name.name}"


def _of_engine(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] in ENGINES


def _private(dotted: str) -> bool:
    return any(part.startswith("_") and not part.startswith("__") for part in dotted.split("."))


def _root(node: ast.AST) -> str:
    """Return the name with which a dotted expression begins."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
