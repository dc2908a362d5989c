"""The floors of a rendered package: slices stand on `service` and `tasks`, never on the engine."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from generator.matrix.syntax import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MACHINERY = {"service", "tasks"}
APPLICATION = {"", "main", "settings"}
"""What is neither machinery nor a slice; "" is the package itself."""
ENGINE = "tasks.engine"


def faults(package: Path) -> Iterator[str]:
    """Yield each import that leads to the wrong floor, and each circle of imports."""
    modules = {_name(file, package): file for file in package.rglob("*.py")}
    needs: dict[str, set[str]] = {}
    for name, file in modules.items():
        needs[name] = set(_imported(name, file, modules)) - {name}
        for other in sorted(needs[name]):
            if _is_wrong(name, other):
                yield f"{file.relative_to(package.parent.parent)}: imports {other}"
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        yield f"imports in a circle: {' → '.join(error.args[1])}"


def _name(file: Path, package: Path) -> str:
    found = file.relative_to(package).with_suffix("").as_posix().replace("/", ".")
    return "" if found == "__init__" else found.removesuffix(".__init__")


def _imported(name: str, file: Path, modules: dict[str, Path]) -> Iterator[str]:
    inside = name.split(".") if name else []
    for node in _at_import(parsed(file.read_text(encoding="utf-8"))):
        up = len(inside) + (file.stem == "__init__") - node.level
        module = ".".join([*inside[:up], *filter(None, [node.module])])
        for alias in node.names:
            inner = f"{module}.{alias.name}".lstrip(".")
            yield inner if inner in modules else module


def _at_import(tree: ast.AST) -> Iterator[ast.ImportFrom]:
    """Yield what is imported with the module, not what a function or a type checker imports."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        ):
            yield from _at_import(node)


def _is_wrong(name: str, other: str) -> bool:
    floor, below = name.partition(".")[0], other.partition(".")[0]
    if floor in APPLICATION | {"__main__"}:
        return other.startswith(ENGINE)
    if floor in MACHINERY:
        return below not in MACHINERY | APPLICATION
    return other.startswith(ENGINE) or below not in MACHINERY | {"", "settings", floor}
