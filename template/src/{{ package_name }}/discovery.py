"""A slice is a folder: its tasks, models and router are found, nothing is registered."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from fastapi import APIRouter

from . import PACKAGE

COMMANDS = {"__main__", "apart", "cli", "main", "with_worker", "worker"}


def import_all(*, routers: bool = False) -> list[ModuleType]:
    """Import the package's modules, by which tasks and models make themselves known.

    A worker needs no routers, nor what they import.
    """
    root = importlib.import_module(PACKAGE)
    names = (found.name for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}."))
    left = COMMANDS if routers else COMMANDS | {"router", "operations_router"}
    return [importlib.import_module(name) for name in names if name.split(".")[-1] not in left]


def routers() -> Iterator[APIRouter]:
    """Yield the ``router`` of each module that is named router."""
    for module in import_all(routers=True):
        if module.__name__.endswith("router"):
            yield module.router
