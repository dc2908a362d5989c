"""Each dependency that a project declares is used, and each module that it imports is declared."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHIPPED = ("src", "migrations")  # what the image holds; other folders may use the group dev too
# Where a dependency may be used by its name: a driver in a URL, a command in the Makefile.
NAMED_IN = ("Makefile", "compose.yaml", "pyproject.toml", ".env.example")
# What other dependencies use when it is there: the text that asks for it.
ASKED_FOR = {
    "pydantic[email]": "EmailStr",
    "sqlalchemy[asyncio]": "sqlalchemy.ext.asyncio",
    "watchfiles": "reload=",
}


@dataclass(frozen=True)
class Import:
    file: str
    line: int
    module: str


def problems(project: Path, libraries: Path) -> Iterator[str]:
    """Yield what is imported and not declared, then what is declared and not used."""
    package = next(folder.name for folder in (project / "src").iterdir() if folder.is_dir())
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = metadata["project"]["dependencies"]
    dev = metadata["dependency-groups"]["dev"]
    provided = _provided(libraries)
    imports = list(_imports(project))
    own = {package, "tests", "dev", "migrations", *sys.stdlib_module_names}
    for each in imports:
        declared = runtime if each.file.startswith(SHIPPED) else [*runtime, *dev]
        if each.module not in own:
            yield from _undeclared(each, declared, provided)
    shipped = {i.module for i in imports if i.file.startswith(SHIPPED)}
    yield from _unused(project, runtime, shipped, provided)
    yield from _unused(project, dev, {i.module for i in imports}, provided)


def _undeclared(each: Import, declared: list[str], provided: dict[str, set[str]]) -> Iterator[str]:
    names = {_name(requirement) for requirement in declared}
    providers = {dist for dist, modules in provided.items() if each.module in modules}
    if not names & providers:
        of = f" of {' or '.join(sorted(providers))}" if providers else ""
        group = "dependencies" if each.file.startswith(SHIPPED) else "any dependencies"
        yield (
            f"{each.file}:{each.line}: imports {each.module}{of}, "
            f"which pyproject.toml does not declare among its {group}"
        )


def _unused(
    project: Path, declared: list[str], imported: set[str], provided: dict[str, set[str]]
) -> Iterator[str]:
    sources = [text for _, _, text in _sources(project)]
    texts = list(_texts(project))
    for requirement in declared:
        for asked, text in ASKED_FOR.items():
            if requirement.startswith(asked) and not any(text in each for each in sources):
                yield f"pyproject.toml: {requirement} is declared, and nothing uses {text}"
        modules = provided.get(_name(requirement), set())
        stubbed = {module.removesuffix("-stubs") for module in modules}
        words = {_name(requirement), *modules}
        used = (modules | stubbed) & imported or any(_is_named(word, texts) for word in words)
        if not used and not requirement.startswith(tuple(ASKED_FOR)):
            yield f"pyproject.toml: {requirement} is declared, and nothing uses it"


def _is_named(word: str, texts: list[str]) -> bool:
    return any(re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", text) for text in texts)


def _texts(project: Path) -> Iterator[str]:
    """Yield what may name a dependency, without the lists that declare it."""
    for name in NAMED_IN:
        text = (project / name).read_text(encoding="utf-8")
        if name == "pyproject.toml":
            text = "\n".join(line for line in text.splitlines() if not line.startswith('  "'))
        yield text
    for _, tree, _ in _sources(project):
        yield from _strings(tree)


def _strings(tree: ast.Module) -> Iterator[str]:
    """Yield string literals; one that is a statement by itself is a docstring."""
    prose = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
            yield node.value


def _imports(project: Path) -> Iterator[Import]:
    for file, tree, _ in _sources(project):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                continue
            for name in names:
                yield Import(file, node.lineno, name.split(".")[0])


def _sources(project: Path) -> Iterator[tuple[str, ast.Module, str]]:
    for path in sorted(project.rglob("*.py")):
        file = path.relative_to(project)
        if file.parts[0] != ".venv":
            text = path.read_text(encoding="utf-8")
            yield file.as_posix(), ast.parse(text, file.as_posix()), text


def _provided(libraries: Path) -> dict[str, set[str]]:
    """Map each installed distribution to the top-level modules that it brings."""
    found = distributions(path=[str(libraries)])
    return {_name(dist.metadata["Name"]): set(_modules(dist)) for dist in found}


def _modules(dist: Distribution) -> Iterator[str]:
    for file in dist.files or ():
        first = file.parts[0]
        if len(file.parts) > 1 and first.removesuffix("-stubs").isidentifier():
            yield first
        elif len(file.parts) == 1 and first.endswith(".py"):
            yield first.removesuffix(".py")


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")
