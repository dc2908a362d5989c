"""The text that is written, in the format of the project's ruff."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

_IMPORT = re.compile(r"(from \S+ import) (?!\()([^#\n]+)")
_BRACKETED = re.compile(r"( *)(.*?[(\[])(.+)([)\]].*)")
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
    """Break a line that is too long as ruff does: its imports, or what its brackets hold."""
    if len(line) <= width:
        return line
    if found := _IMPORT.fullmatch(line):
        return _exploded(f"{found[1]} (", found[2], ")", "")
    if found := _BRACKETED.fullmatch(line):
        indent, head, inner, tail = found.groups()
        one_parameter = "def " in head and ", " not in inner  # which ruff gives a comma
        if len(indent + _INDENT + inner) <= width and not one_parameter:
            return f"{indent}{head}\n{indent}{_INDENT}{inner}\n{indent}{tail}"
        return _exploded(indent + head, inner, tail, indent)
    return line


def _exploded(head: str, inner: str, tail: str, indent: str) -> str:
    parts = [f"{indent}{_INDENT}{part},\n" for part in inner.split(", ")]
    return "".join([f"{head}\n", *parts, indent, tail])
