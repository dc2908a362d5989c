"""Each dependency is used, and each module that is imported is declared, or is there."""

from __future__ import annotations

import ast
import itertools
import re
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from typing import TYPE_CHECKING

from generator.matrix.syntax import parsed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHIPPED = ("src", "migrations")  # what the image holds; other folders may use the group dev too
# Where a dependency may be used by its name: a driver in a URL, a command in the Makefile.
SHIPPED_TEXTS = ("compose.yaml", ".env.example")
TEXTS = (*SHIPPED_TEXTS, "Makefile", "pyproject.toml")
# What other dependencies use when it is there: the text that asks for it.
ASKED_FOR = {
    "kombu[redis]": "broker_transport_options",
    "pydantic[email]": "EmailStr",
    "python-multipart": "UploadFile",
    "sqlalchemy[asyncio]": "sqlalchemy.ext.asyncio",
    "watchfiles": "reload=",
}


@dataclass(frozen=True)
class Source:
    file: str
    tree: ast.Module
    text: str


@dataclass(frozen=True)
class Import:
    file: str
    line: int
    module: str


def problems(project: Path, files: list[Path], libraries: Path) -> Iterator[str]:
    """Yield what is imported and not there or declared, then what is declared and not used."""
    package = next(folder.name for folder in (project / "src").iterdir() if folder.is_dir())
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = metadata["project"]["dependencies"]
    dev = metadata["dependency-groups"]["dev"]
    provided = _provided(libraries)
    sources = list(_sources(project, files))
    own = {package, "tests", "dev", "migrations", *sys.stdlib_module_names}
    for each in _imports(sources):
        declared = runtime if each.file.startswith(SHIPPED) else [*runtime, *dev]
        if each.module not in own:
            yield from _undeclared(each, declared, provided)
    yield from _missing(project, sources)
    shipped = [source for source in sources if source.file.startswith(SHIPPED)]
    for declared, users, texts in (runtime, shipped, SHIPPED_TEXTS), (dev, sources, TEXTS):
        text, code = _text(project, users, texts), "".join(source.text for source in users)
        yield from _unused(declared, {i.module for i in _imports(users)}, provided, text, code)


def _missing(project: Path, sources: list[Source]) -> Iterator[str]:
    """Yield imports of modules of the project's own that it does not have."""
    first = {each.name: each for root in (project, project / "src") for each in root.iterdir()}
    for source in sources:
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            parts = node.module.split(".") if node.module else []
            if node.level:
                place = (project / source.file).parents[node.level - 1].joinpath(*parts)
            elif parts[0] in first:
                place = first[parts[0]].joinpath(*parts[1:])
            else:
                continue
            for name in _absent(place, [alias.name for alias in node.names]):
                yield f"{source.file}:{node.lineno}: imports {name}, which is not there"


def _absent(place: Path, names: list[str]) -> Iterator[str]:
    if place.with_name(f"{place.name}.py").is_file():
        return  # what a module has, the type checkers know
    if not place.is_dir():
        yield place.name
        return
    package = place / "__init__.py"
    said = package.read_text(encoding="utf-8") if package.is_file() else ""
    for name in names:
        inner = place / name
        there = inner.is_dir() or inner.with_name(f"{name}.py").is_file()
        if not there and not re.search(rf"\b{name}\b", said):
            yield f"{place.name}.{name}"


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
    declared: list[str], imported: set[str], provided: dict[str, set[str]], text: str, code: str
) -> Iterator[str]:
    for requirement in declared:
        if asked := [asked for start, asked in ASKED_FOR.items() if requirement.startswith(start)]:
            if asked[0] not in code:
                yield f"pyproject.toml: {requirement} is declared, and nothing uses {asked[0]}"
            continue
        modules = provided.get(_name(requirement), set())
        stubbed = {module.removesuffix("-stubs") for module in modules}
        words = {_name(requirement), *modules}
        if not (modules | stubbed) & imported and not any(_is_named(word, text) for word in words):
            yield f"pyproject.toml: {requirement} is declared, and nothing uses it"


def _is_named(word: str, text: str) -> bool:
    return bool(re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", text))


def _text(project: Path, sources: list[Source], names: tuple[str, ...]) -> str:
    """Return what may name a dependency, without the lists that declare it."""
    lines = [(project / name).read_text(encoding="utf-8").splitlines() for name in names]
    listed = [line for line in itertools.chain(*lines) if not line.startswith('  "')]
    return "\n".join([*listed, *itertools.chain(*map(_strings, sources))])


def _strings(source: Source) -> Iterator[str]:
    """Yield string literals; one that is a statement by itself is a docstring."""
    nodes = list(ast.walk(source.tree))
    prose = {node.value for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
            yield node.value


def _imports(sources: list[Source]) -> Iterator[Import]:
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            else:
                continue
            for name in names:
                yield Import(source.file, node.lineno, name.split(".")[0])


def _sources(project: Path, files: list[Path]) -> Iterator[Source]:
    for path in sorted(files):
        file, text = path.relative_to(project).as_posix(), path.read_text(encoding="utf-8")
        yield Source(file, parsed(text, file), text)


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
