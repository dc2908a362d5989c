"""The text that is written, in the format of the project's ruff."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

_IMPORT = re.compile(r"(from \S+ import) (?!\()([^#\n]+)")
_ASSERTED = re.compile(r"( *)assert (.+) (== .+)")
_BRACKETED = re.compile(r"( *)(.*?[(\[])(.+)([)\]].*)")
_SAID = re.compile(r'f"(\S+ )(.+)"')
_INDENT = "    "


def rendered(name: str, width: int, **words: str) -> bytes:
    """Fill a text in, and break its lines of more than ``width`` columns."""
    text = _texts().get_template(f"{name}.jinja").render(words)
    return "\n".join(fitted(line, width) for line in text.split("\n")).encode()


@cache
def _texts() -> Environment:
    import jinja2  # noqa: PLC0415 (slow to load)

    return jinja2.Environment(  # noqa: S701 (Python, of names that were checked)
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "files"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )


def fitted(line: str, width: int) -> str:
    """Break a line that is too long as ruff does: its imports, or what its brackets hold.

    A text that is too long, which ruff leaves alone, becomes two.
    """
    if len(line) <= width:
        return line
    if found := _IMPORT.fullmatch(line):
        return _broken("", f"{found[1]} (", _one_each(found[2]), ")")
    if found := _ASSERTED.fullmatch(line):
        indent, left, right = found.groups()
        fits = len(f"{indent}{_INDENT}{left} {right}") <= width
        return _broken(indent, "assert (", [f"{left} {right}"] if fits else [left, right], ")")
    if found := _BRACKETED.fullmatch(line):
        indent, head, inner, tail = found.groups()
        return _broken(indent, head, _parts(head, inner, width - len(indent + _INDENT)), tail)
    return line


def _parts(head: str, inner: str, width: int) -> list[str]:
    one_parameter = "def " in head and ", " not in inner  # which ruff gives a comma
    if len(inner) <= width and not one_parameter:
        return [inner]
    if said := _SAID.fullmatch(inner):
        return [f'f"{part}"' for part in said.groups()]
    return _one_each(inner)


def _one_each(inner: str) -> list[str]:
    return [f"{part}," for part in inner.split(", ")]


def _broken(indent: str, head: str, parts: list[str], tail: str) -> str:
    return "\n".join(
        [indent + head, *(f"{indent}{_INDENT}{part}" for part in parts), indent + tail]
    )
