"""Syntax trees of Python, for the threads of the matrix."""

from __future__ import annotations

import ast
import threading

# Where two threads parse at one time, CPython 3.11 may end in a SystemError (gh-106905).
_one_at_a_time = threading.Lock()


def parsed(text: str, name: str = "<unknown>") -> ast.Module:
    """Return its tree; raises SyntaxError."""
    with _one_at_a_time:
        return ast.parse(text, name)
