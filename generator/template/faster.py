"""Copier without the work that it does again and again: see docs/decisions/0015-faster-renders.md.

It compiles each file of the template anew for every render, and each question's texts for every
question before it; it asks git whether a plain folder is a repository, and for each file that it
writes how the project's repository keeps modes; it reads YAML in Python, where libyaml takes a
tenth of the time; and it looks each answer up in seven places for every part of every path.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    from jinja2 import Environment

MODES = "_sync_git_index_executable_bit"
"""What Copier does with a file that a repository knows; in a new folder there is none."""

_compiled: dict[Hashable, Any] = {}


@contextmanager
def faster() -> Iterator[None]:
    """Let Copier render a plain folder into a new one in less time. What it renders is the same.

    Not for two threads at once, as Copier itself is not: it changes the process' folder.
    """
    # These take a while to load; --help and refusals need not wait for them.
    from copier import _main, _user_data  # noqa: PLC0415 (slow to load)
    from jinja2 import Environment  # noqa: PLC0415 (slow to load)
    from plumbum import local  # noqa: PLC0415 (slow to load)

    with ExitStack() as stack:
        stack.enter_context(_replaced(Environment, "compile", _once(Environment.compile)))
        stack.enter_context(_replaced(_user_data, "ChainMap", _merged))
        stack.enter_context(_replaced(_main.Worker, MODES, lambda *_: None))
        if yaml.__with_libyaml__:
            stack.enter_context(_replaced(yaml, "SafeLoader", yaml.CSafeLoader))
        stack.enter_context(local.env(PATH=""))  # no git is found: Copier does without
        yield


@contextmanager
def _replaced(owner: object, name: str, replacement: object) -> Iterator[None]:
    if not hasattr(owner, name):  # a newer Copier: slower, and as good
        yield
        return
    before = getattr(owner, name)
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _once(compile_: Callable[..., Any]) -> Callable[..., Any]:
    def compiled(environment: Environment, *args: Any, **kwargs: Any) -> Any:
        how = (type(environment), environment.lexer, environment.autoescape, environment.optimized)
        environment.preprocess(args[0])  # extensions expect to be told of each text
        # Without the last one, the file: each version of a template has its own folder.
        text = args[:2]
        key = (*how, *sorted(environment.extensions), text, *sorted(kwargs.items()))
        if key not in _compiled:
            _compiled[key] = compile_(environment, *args, **kwargs)
        return _compiled[key]

    return compiled


def _merged(*mappings: Mapping[str, Any]) -> dict[str, Any]:
    """Return at once what `dict(ChainMap(*mappings))` looks up key by key."""
    merged: dict[str, Any] = {}
    for mapping in reversed(mappings):
        merged.update(mapping)
    return merged
