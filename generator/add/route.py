"""The routes of a slice's router."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from generator.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.add.module import Module


def prefix(module: Module) -> str:
    """Give the prefix that the file's router has; refuse one that stands elsewhere."""
    for node in module.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name("router")], value=ast.Call(keywords=given))
                | ast.AnnAssign(target=ast.Name("router"), value=ast.Call(keywords=given))
            ):
                match [keyword.value for keyword in given if keyword.arg == "prefix"]:
                    case []:
                        return ""
                    case [ast.Constant(str(text))]:
                        return text
    raise RefusedError(
        f"{module.file} has no router whose prefix can be read, so a new route's path is unknown.",
        'Write it as in: router = APIRouter(prefix="/orders")',
    )


def require_free(module: Module, path: str) -> None:
    """Refuse a path that an earlier route would take the requests of."""
    for taken in _posted(module):
        pattern = re.sub(r"\\{\w+(:path)?\\}", _hole, re.escape(taken))
        if re.fullmatch(pattern, path):
            raise RefusedError(
                f'{module.file} has a route POST "{taken}", which would take the requests of '
                f'"{path}".',
                "Choose another name.",
            )


def _hole(found: re.Match[str]) -> str:
    return ".+" if found[1] else "[^/]+"


def _posted(module: Module) -> Iterator[str]:
    for node in ast.walk(ast.Module(module.body, [])):
        match node:
            case ast.Call(func=ast.Attribute(attr="post"), args=[ast.Constant(str(path)), *_]):
                yield path
