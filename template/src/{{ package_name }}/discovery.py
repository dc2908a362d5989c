"""A slice is a folder: its tasks, models and router are found, nothing is registered."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from fastapi import APIRouter

from . import PACKAGE


def import_all() -> list[ModuleType]:
    """Import every module of the package, by which tasks and models make themselves known."""
    root = importlib.import_module(PACKAGE)
    names = (found.name for found in pkgutil.walk_packages(root.__path__, f"{root.__name__}."))
    return [importlib.import_module(name) for name in names if not name.endswith("__main__")]


def routers() -> Iterator[APIRouter]:
    """Yield the ``router`` of each module that is named router."""
    for module in import_all():
        if module.__name__.endswith(".router"):
            yield module.router
