"""The rooms of generator/: each says what it is for, and imports lead one way."""

from __future__ import annotations

import ast
import re
import sys
from contextlib import contextmanager
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

import pytest

from generator import cli
from tests import support

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = support.ROOT / "generator"
PAGE = (support.ROOT / "docs/architecture.md").read_text(encoding="utf-8")
HALL = ""  # what all rooms use: git, errors
MAY_USE = {
    HALL: {HALL},
    "template": {HALL, "template"},
    "add": {HALL, "template", "add"},
    "change": {HALL, "template", "change"},
    "matrix": {HALL, "template", "matrix"},
    "cli": {HALL, "template", "add", "change", "matrix", "cli"},
}


def modules() -> dict[str, Path]:
    found = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in source()}
    return {name.removesuffix("__init__").removesuffix("."): file for name, file in found.items()}


def source() -> list[Path]:
    return [file for file in ROOT.rglob("*.py") if "_source" not in file.parts]


def imports(file: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield what it imports of ours, for type checkers too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("generator"):
            base = (node.module or "").removeprefix("generator").lstrip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                yield inner if inner in known else base


def room(module: str) -> str:
    return module.partition(".")[0] if (ROOT / module.partition(".")[0]).is_dir() else HALL


def test_every_room_has_a_door() -> None:
    """Its package says in a sentence what it is for, and the page names it."""
    for name in MAY_USE.keys() - {HALL}:
        sentence = ast.get_docstring(ast.parse((ROOT / name / "__init__.py").read_text()))
        assert sentence
        assert sentence.endswith(".")
        assert f"`{name}/`" in PAGE
    assert {file.parent for file in source()} == {ROOT / name for name in MAY_USE}


def test_imports_lead_one_way() -> None:
    """No room imports one that stands on it, and no import runs in a circle."""
    known = modules()
    needs = {name: set(imports(file, known)) - {name} for name, file in known.items()}
    wrong = [
        f"{name} imports {other}"
        for name, others in needs.items()
        for other in others
        if name != "__main__" and room(other) not in MAY_USE[room(name)]
    ]
    assert wrong == []
    TopologicalSorter(needs).prepare()


@contextmanager
def entered() -> Iterator[list[str]]:
    """Note the modules of ours in the order in which a function of theirs is first called."""
    found: list[str] = []

    def note(frame: Any, event: str, _argument: object) -> None:
        name = frame.f_globals.get("__name__", "")
        if event == "call" and frame.f_code.co_name[0] != "<" and name.startswith("generator."):
            name = name.removeprefix("generator.")
            if name not in found:
                found.append(name)

    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)


@pytest.mark.usefixtures("command")
def test_the_page_follows_the_code(released: Path, tmp_path: Path) -> None:
    """It lists the modules that `new` and `update` enter, each once, in this order."""
    (released / "template/ADDED").write_text("new in 1.1\n")
    support.commit(released, "1.1")
    support.git(released, "tag", "v1.1.0")
    project = str(tmp_path / "shop")
    template = ["--template", str(released)]
    with entered() as by_new:
        assert cli.main(["new", project, *template, "--version", "v1.0.0", "--defaults"]) == 0
    with entered() as by_update:
        assert cli.main(["update", project]) == 0
    for command, modules in (("new", by_new), ("update", by_update)):
        [_, text] = PAGE.split(f"### One `{command}`\n")
        listed = re.findall(r"^\d+\. `([\w.]+)`", text.split("\n### ")[0], re.MULTILINE)
        assert listed == modules
