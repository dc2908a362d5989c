"""A slice is a folder: its tasks, models and router are found, nothing is registered."""

import importlib
import pkgutil
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from .. import PACKAGE
from ..tasks.errors import TaskDefinitionError
from .process import nothing_collected

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.types import ASGIApp

COMMANDS = {"__main__", "main", "service.cli", "tasks.engine.with_worker", "tasks.engine.worker"}
"""The modules that start a process: to import one would import what it alone needs."""

ROUTERS, MIDDLEWARES = (".router", "_router"), (".middleware",)
OF_API = (*ROUTERS, *MIDDLEWARES)
T = TypeVar("T")


class DiscoveryError(Exception):
    """A file of the package would be passed over in silence."""


def import_all(*, with_api: bool = False) -> list[ModuleType]:
    """Import the package's modules, by which tasks and models make themselves known.

    A worker needs no routers and no middleware, nor what they import.
    Raises DiscoveryError if a file is where no import finds it, TaskDefinitionError with the line
    of what cannot be a task.
    """
    root = importlib.import_module(PACKAGE)
    for folder in root.__path__:
        _check_folders(Path(folder))
    names = (found.name for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}."))
    wanted = (name for name in names if name.removeprefix(f"{PACKAGE}.") not in COMMANDS)
    with nothing_collected():
        return [_import(name) for name in wanted if with_api or not name.endswith(OF_API)]


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except TaskDefinitionError as error:
        lines = traceback.extract_tb(error.__traceback__)
        at = next(line for line in reversed(lines) if line.name == "<module>")
        raise TaskDefinitionError(f"{at.filename}:{at.lineno}: {error}") from error


def routers() -> Iterator["APIRouter"]:
    """Yield the ``router`` of each module named router or …_router; raises DiscoveryError."""
    from fastapi import APIRouter

    for module in import_all(with_api=True):
        if module.__name__.endswith(ROUTERS):
            yield _named(module, "router", APIRouter, "router = APIRouter()")


def middlewares() -> Iterator[Callable[["ASGIApp"], "ASGIApp"]]:
    """Yield the class ``Middleware`` of each module named middleware; raises DiscoveryError.

    It is pure ASGI, and around every request: it sees all and must cost little.
    """
    for module in import_all(with_api=True):
        if module.__name__.endswith(MIDDLEWARES):
            yield _named(module, "Middleware", type, "class Middleware:")


def _named(module: ModuleType, name: str, kind: type[T], written: str) -> T:
    found = getattr(module, name, None)
    if not isinstance(found, kind):
        raise DiscoveryError(
            f"{module.__name__} has no {kind.__name__} named {name}: write "
            f"`{written}` there, or give the file another name."
        )
    return found


def _check_folders(root: Path) -> None:
    for file in sorted(root.rglob("*.py")):
        *outer, _ = file.relative_to(root).parents
        if any(folder.name.startswith(".") for folder in outer):
            continue  # an editor's copies, such as .ipynb_checkpoints
        for folder in outer:
            _check_folder(root / folder, file)


def _check_folder(folder: Path, file: Path) -> None:
    if "." in folder.name:
        raise DiscoveryError(
            f"{file} is not found, for the name of {folder} has a dot: "
            "rename the folder, or move it out of the package."
        )
    if not (folder / "__init__.py").is_file():
        raise DiscoveryError(
            f"{file} is not found, for {folder} has no __init__.py: "
            "add an empty one, or move the folder out of the package."
        )
