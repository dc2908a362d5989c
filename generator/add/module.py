"""A Python file of the project's, and the same with something put in, byte for byte otherwise."""

from __future__ import annotations

import ast
import symtable
from codecs import BOM_UTF8
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING

from generator.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    Node = ast.stmt | ast.alias

Edit = tuple[int, int, str]
"""Where in the text it begins and ends, in bytes, and what is to stand there."""
_IMPORTS = (ast.Import, ast.ImportFrom)


class Module:
    """Raises RefusedError for what Python cannot read."""

    def __init__(self, file: Path, package: str, content: bytes) -> None:
        self.file = file
        self.package = package
        """The file's, as in shop.signup."""
        self.content = content
        self._text = content.removeprefix(BOM_UTF8)
        lines = self._text.splitlines(keepends=True)
        self._starts = [0, *accumulate(map(len, lines))]
        try:
            source = self._text.decode()
            self.body = ast.parse(source).body
            symbols = symtable.symtable(source, str(file), "exec").get_symbols()
        except (SyntaxError, ValueError) as error:
            raise RefusedError(
                f"{file} cannot be read as Python, so nothing can be put into it: {error}.",
                "Correct it and try again.",
            ) from error
        self.names = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
        """What it defines or imports."""

    @property
    def docstring(self) -> ast.stmt | None:
        found = ast.get_docstring(ast.Module(self.body, []), clean=False)
        return None if found is None else self.body[0]

    @property
    def code(self) -> list[ast.stmt]:
        """What is below its docstring."""
        return self.body[1:] if self.docstring else self.body

    @property
    def head(self) -> list[ast.stmt]:
        """The imports that it begins with."""
        return list(takewhile(lambda node: isinstance(node, _IMPORTS), self.code))

    @property
    def size(self) -> int:
        """In bytes, as the places of edits are."""
        return len(self._text)

    def edited(self, edits: Iterable[Edit]) -> Module:
        """Apply edits that do not overlap; of two at one place the first comes first."""
        newline = b"\r\n" if b"\r\n" in self._text else b"\n"
        parts, done = [self.content[: len(self.content) - len(self._text)]], 0
        for start, end, text in sorted(edits, key=lambda edit: edit[0]):
            parts += [self._text[done:start], text.encode().replace(b"\n", newline)]
            done = end
        return Module(self.file, self.package, b"".join([*parts, self._text[done:]]))

    def with_last_newline(self) -> Module:
        ends = not self._text or self._text.endswith((b"\n", b"\r"))
        return self if ends else self.edited([(self.size, self.size, "\n")])

    def appended(self, text: bytes) -> Module:
        """Put a function at the end, two empty lines below what is there."""
        code = self._text.rstrip()
        missing = 3 - self._text[len(code) :].count(b"\n") if code else 0
        return self.edited([(self.size, self.size, "\n" * missing + text.decode())])

    def absolute(self, source: str) -> str:
        """Name a module in full, of which ``source`` is how this one imports it."""
        name = source.lstrip(".")
        level = len(source) - len(name)
        if not level:
            return name
        outer = self.package.split(".")
        return ".".join([*outer[: len(outer) - level + 1], *filter(None, [name])])

    def start(self, node: Node) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: Node) -> int:
        return self._starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)

    def line_start(self, node: Node) -> int:
        """Where its first line begins, the one of its first decorator if it has any."""
        above = getattr(node, "decorator_list", None)
        return self._starts[(above[0] if above else node).lineno - 1]

    def line_after(self, node: Node) -> int:
        return self._starts[node.end_lineno or 0]

    def between(self, start: int, end: int) -> str:
        return self._text[start:end].decode()
