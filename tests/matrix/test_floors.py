"""Which import leads to the wrong floor of a rendered package, or in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.matrix import floors

if TYPE_CHECKING:
    from pathlib import Path

MODULES = (
    *("__init__", "main", "settings", "orders/__init__", "orders/tasks", "orders/models"),
    *("mail/__init__", "service/__init__", "service/cli", "service/database"),
    *("tasks/__init__", "tasks/task", "tasks/engine/__init__", "tasks/engine/rows"),
)


def faults(folder: Path, **imports: str) -> list[str]:
    package = folder / "src/shop"
    for module in MODULES:
        file = package / f"{module}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(imports.get(module.replace("/", "."), ""))
    return list(floors.faults(package))


@pytest.mark.parametrize(
    ("module", "text", "other"),
    [
        ("orders.tasks", "from ..tasks.engine.rows import Rows", "tasks.engine.rows"),
        ("orders.tasks", "from ..tasks import engine", "tasks.engine"),
        ("orders.tasks", "from .. import mail", "mail"),
        ("orders.__init__", "from ..main import app", "main"),
        ("main", "from .tasks.engine import open_queue", "tasks.engine"),
        ("service.cli", "from ..orders import tasks", "orders.tasks"),
        ("tasks.engine.rows", "from ...orders.models import Order", "orders.models"),
        ("tasks.__init__", "if True:\n    from ..mail import send", "mail"),
    ],
)
def test_the_wrong_floor(tmp_path: Path, module: str, text: str, other: str) -> None:
    """It is named with the file."""
    [said] = [each for each in faults(tmp_path, **{module: text}) if "circle" not in each]
    assert said == f"src/shop/{module.replace('.', '/')}.py: imports {other}"


def test_what_is_fine(tmp_path: Path) -> None:
    """Slices stand on both floors, the service on the engine; what a function imports is later."""
    fine = {
        "orders.tasks": "from ..tasks import task\nfrom . import models",
        "orders.models": "def f():\n    from .tasks import g",
        "mail.__init__": "if TYPE_CHECKING:\n    from .. import orders",
        "service.cli": "from ..tasks.engine.rows import Rows\nfrom ..settings import Settings",
        "tasks.engine.rows": "from ...service.database import Base",
        "main": "from .service import cli",
    }
    assert faults(tmp_path, **fine) == []


def test_a_circle(tmp_path: Path) -> None:
    """It is told from end to end."""
    circle = {
        "tasks.task": "from .engine.rows import Rows",
        "tasks.engine.rows": "from ..task import Task",
    }
    [said] = faults(tmp_path, **circle)
    assert said.startswith("imports in a circle: tasks.")
