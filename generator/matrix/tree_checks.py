"""What can be seen of a rendered tree without running anything."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from generator.matrix import floors, stock_engines, workspace
from generator.matrix.combinations import ODD
from generator.template import questions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

# What goes beyond these budgets is a decision, not an accident.
FILES, LINES, LINES_OF_A_FILE = 125, 9_280, 300
FILES_OF_AN_EXAMPLE, LINES_OF_AN_EXAMPLE = 15, 1_000  # of each beyond the usual one
# The dearest thing to keep small: what is read to add a task and to know what happens to it.
READING = (
    *("AGENTS.md", "docs/tasks.md"),
    *(
        f"src/{{package}}/{file}.py"
        for file in (
            *("signup/tasks", "signup/router", "service/unit_of_work", "tasks/__init__"),
            *("tasks/task", "tasks/retry", "tasks/engine/queue"),
        )
    ),
)
LINES_OF_READING = 800
PATH_LENGTH = 130  # below a project's folder; Windows allows 260 with it

_ILLEGAL = re.compile(r'[<>:"|?*\\{}]|\.jinja$|[. ](/|$)')
_DEVICES = re.compile(r"(^|/)(con|prn|aux|nul|com\d|lpt\d)(\.|/|$)", re.IGNORECASE)
_JINJA = re.compile(r"\{\{|\{%|\{#")
_EXPRESSION = re.compile(r"\$\{\{")  # a workflow's own
_CONFLICT = re.compile(r"^(<{7}|>{7})( |$)", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#:]+)\)")
# Of the words that name a part, those that prose has a use for.
_PROSE = {"background", "fastapi"}


@dataclass(frozen=True)
class Trace:
    part: str
    fine_in: tuple[str, ...]
    """Endings of the files in which the word may be although the part was not chosen."""


def problems(project: Path, answers: Mapping[str, Any], root: Path) -> Iterator[str]:
    """Yield each thing that is wrong, with its file."""
    paths = files(project)
    given = [str(answers[name]) for name in ODD if name in answers]
    traces = _traces(answers, root)
    laid_over = _laid_over(root)
    total = 0
    for path in paths:
        yield from _of_path(path)
        content = (project / path).read_bytes()
        try:
            text = content.decode()
        except UnicodeDecodeError:
            yield f"{path}: is not UTF-8"
            continue
        lines = text.count("\n")
        total += 0 if path in laid_over else lines
        if lines > LINES_OF_A_FILE:
            yield f"{path}: has {lines} lines, the budget is {LINES_OF_A_FILE}"
        own = _EXPRESSION.sub("", text) if path.startswith(".github/") else text
        yield from (f"{path}: {fault}" for fault in _of_text(own, given))
        yield from (f"{path}: {fault}" for fault in _of_data(path, text))
        if path.startswith("src/") and path.endswith(".py"):
            yield from (f"{path}: {fault}" for fault in stock_engines.faults(text))
        if path != ".copier-answers.yml":
            yield from _of_traces(path, _without(text, given), traces)
    more = max(0, len(answers["examples"]) - 1)
    yield from _of_all([path for path in paths if path not in laid_over], total, more)
    package = str(answers["package_name"])
    yield from floors.faults(project / "src" / package)
    yield from _of_reading(project, package)
    yield from documents(project, [*given, package, package.replace("_", "-")])


def _laid_over(root: Path) -> set[str]:
    """Return what the matrix alone puts into a project: tests of the template's machinery."""
    found = (
        path.relative_to(root / workspace.TESTS) for path in (root / workspace.TESTS).rglob("*")
    )
    return {
        re.sub(r"^\{\{[^/]*\}\}/", "", path.as_posix()).removesuffix(".jinja") for path in found
    }


def _of_reading(project: Path, package: str) -> Iterator[str]:
    there = [project / name.format(package=package) for name in READING]
    lines = sum(path.read_text(encoding="utf-8").count("\n") for path in there if path.exists())
    if lines > LINES_OF_READING:
        yield f"{lines} lines to read before a task is added, the budget is {LINES_OF_READING}"


def documents(root: Path, typed: Iterable[str] = ()) -> Iterator[str]:
    """Yield links that lead nowhere and prose beyond 100 columns, not counting what was typed."""
    for page in [*root.glob("*.md"), *(root / "docs").rglob("*.md")]:
        name, text = page.relative_to(root).as_posix(), page.read_text(encoding="utf-8")
        broken = [link for link in _LINK.findall(text) if not (page.parent / link).exists()]
        yield from (f"{name}: links to {link}, which is not there" for link in broken)
        for word in typed:
            text = re.sub(re.escape(word), "", text, flags=re.IGNORECASE)
        long = [line for line in text.splitlines() if len(line) > 100 and not line.startswith("|")]
        yield from (f'{name}: {len(line)} columns: "{line[:40]}…"' for line in long)


def files(project: Path) -> list[str]:
    return sorted(
        path.relative_to(project).as_posix()
        for path in project.rglob("*")
        if path.is_file() and not {".git", ".venv"}.intersection(path.relative_to(project).parts)
    )


def _of_path(path: str) -> Iterator[str]:
    if _ILLEGAL.search(path) or _DEVICES.search(path):
        yield f"{path}: is no legal path on Windows, or has Jinja in its name"
    if len(path) > PATH_LENGTH:
        yield f"{path}: is {len(path)} characters long, the budget is {PATH_LENGTH}"
    if path.endswith((".rej", ".orig")):
        yield f"{path}: is a rejected or merged-away piece"


def _of_text(text: str, given: list[str]) -> Iterator[str]:
    if "\r" in text:
        yield "has a carriage return"
    if _CONFLICT.search(text):
        yield "has a conflict marker"
    for number, line in enumerate(_without(text, given).splitlines(), 1):
        if _JINJA.search(line):
            yield f'has Jinja left in line {number}: "{line.strip()[:60]}"'


def _of_data(path: str, text: str) -> Iterator[str]:
    readers: dict[str, Callable[[str], Any]] = {
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".yml": yaml.safe_load,
        ".yaml": yaml.safe_load,
    }
    for suffix, read in readers.items():
        if path.endswith(suffix):
            try:
                read(text)
            except (ValueError, yaml.YAMLError) as error:
                yield f"is no valid {suffix[1:].upper()}: {' '.join(str(error).split())}"


def _of_all(paths: list[str], lines: int, more: int) -> Iterator[str]:
    """Yield what is beyond the budget; ``more`` is how many examples there are beyond one."""
    files_budget = FILES + more * FILES_OF_AN_EXAMPLE
    lines_budget = LINES + more * LINES_OF_AN_EXAMPLE
    if len(paths) > files_budget:
        yield f"{len(paths)} files, the budget is {files_budget}"
    if lines > lines_budget:
        yield f"{lines} lines, the budget is {lines_budget}"
    lower = [path.lower() for path in paths]
    yield from (
        f"{p}: differs from another by case alone" for p in paths if lower.count(p.lower()) > 1
    )


def _of_traces(path: str, text: str, traces: dict[str, Trace]) -> Iterator[str]:
    for word, trace in traces.items():
        if path.endswith(trace.fine_in):
            continue
        # A capital ends a word, as in RQTasks.
        if found := re.search(rf"(?<![a-z])(?i:{re.escape(word)})(?![a-z])", text):
            line = text.count("\n", 0, found.start()) + 1
            yield (
                f'{path}: names "{found[0]}" in line {line}, of {trace.part}, '
                "which this project does not use"
            )


def _traces(answers: Mapping[str, Any], root: Path) -> dict[str, Trace]:
    """Return the words that only parts which were not chosen bring in."""
    tables = [questions.table(name, root=root) for name in ("backends", "brokers", "databases")]
    facts = {part: found for table in tables for part, found in table.items()}
    words = {part: dict(_words(part, found)) for part, found in facts.items()}
    chosen = {str(answer) for answer in answers.values()}
    chosen |= {needed for part in chosen & facts.keys() for needed in facts[part]["services"]}
    used = set().union(*(words[part] for part in chosen & facts.keys()))
    return {
        word: Trace(part, fine_in)
        for part, own in words.items()
        for word, fine_in in (own.items() if part not in chosen else ())
        if word not in used and word not in _PROSE
    }


def _words(part: str, facts: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the words that name a part, each with the kinds of files that may do so without it."""
    if "promises" in facts:
        for word in (part, *facts["title"].lower().split()):
            yield word, ()
    else:
        # Prose compares brokers, and SQL that serves both databases says which one it is for.
        yield part, (".md", ".py")
    for requirement in (*facts["dependencies"], *facts["dev_dependencies"]):
        package = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        yield package, (".md",) if package == part else ()


def _without(text: str, given: list[str]) -> str:
    """Leave out what the user typed: it may hold anything."""
    for answer in given:
        text = text.replace(answer, "").replace(json.dumps(answer, ensure_ascii=False), "")
    return text
