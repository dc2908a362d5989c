"""Names of slices, models and tasks: refused where Python, ruff or the text could not bear them."""

from __future__ import annotations

import builtins
import keyword
import re

from generator.errors import RefusedError

MAX_LENGTH = 27
"""Characters: Alembic keeps 32 of a revision's name, and ours begin with 0001_."""
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_MODEL = re.compile(r"[A-Z][A-Za-z0-9]*")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_PLURAL = re.compile(r"(?<=[^siu])s$")
_AMBIGUOUS = {"l", "O", "I"}
# What the text uses itself.
_IN_TASKS = {"accepted", "asyncio", "name", "receipt", "response", "router", "task", "work"}
_IN_SLICES = {"accepted", "receipt", "response", "router", "task", "work"}
_MODELS = {"APIRouter", "Base", "DoNotRetry", "Mapped", "Response", "Retry"}
_MODELS |= {"UUID", "UnitOfWork", "UnitOfWorkDep"}


def check_slice(name: str) -> None:
    """Refuse what cannot name a folder of the package."""
    _check_form(name, "a slice")
    if keyword.iskeyword(name):
        raise RefusedError(f'"{name}" is a keyword of Python.', "Choose another name.")
    if name == "router" or name.endswith("_router"):
        raise RefusedError(
            f'"{name}" cannot name a slice: a module of such a name is taken for a router.',
            "Choose another name.",
        )
    if name == "probe":
        raise RefusedError(
            '"probe" cannot name a slice: tests/engine has one of that name.',
            "Choose another name.",
        )


def check_task(name: str) -> None:
    """Refuse what cannot name a task's function."""
    _check_form(name, "a task")
    _check_identifier(name, _IN_TASKS, "Choose another name.")


def model_of(name: str) -> str:
    """Name the model of a slice: invoices has Invoice, order_entries has OrderEntry."""
    one = f"{name[:-3]}y" if name.endswith("ies") else _PLURAL.sub("", name)
    return "".join(word.capitalize() for word in one.split("_"))


def check_model(model: str) -> str:
    """Refuse what cannot name a model; return the name of a variable that holds one."""
    remedy = "Name the model with --model, as in --model OrderItem."
    if not _MODEL.fullmatch(model) or len(model) > MAX_LENGTH:
        raise RefusedError(
            f'"{model}" cannot name a model: use at most {MAX_LENGTH} letters and digits, '
            "beginning with a capital.",
            remedy,
        )
    if model in _MODELS or keyword.iskeyword(model) or hasattr(builtins, model):
        raise RefusedError(f"{model} has a meaning already where the model is used.", remedy)
    _check_legible(model, remedy)
    one = _WORDS.sub("_", model).lower()
    _check_identifier(one, _IN_SLICES, remedy)
    return one


def path_of(name: str) -> str:
    return f"/{name.replace('_', '-')}"


def words_of(name: str) -> str:
    return name.replace("_", " ")


def _check_form(name: str, what: str) -> None:
    if not _NAME.fullmatch(name):
        raise RefusedError(
            f'"{name}" cannot name {what}: use a-z, 0-9 and single underscores within, '
            "beginning with a letter.",
            f"For example: {_near(name)}.",
        )
    if len(name) > MAX_LENGTH:
        raise RefusedError(
            f'"{name}" has {len(name)} characters: use at most {MAX_LENGTH}.',
            "Choose a shorter name.",
        )


def _near(name: str) -> str:
    words = re.findall("[a-z0-9]+", _WORDS.sub("_", name).lower())
    near = "_".join(words).lstrip("0123456789_")
    return near[:MAX_LENGTH].rstrip("_") or "send_reminder"


def _check_legible(name: str, remedy: str) -> None:
    if name in _AMBIGUOUS:
        raise RefusedError(f'"{name}" could be taken for a digit.', remedy)


def _check_identifier(name: str, used: set[str], remedy: str) -> None:
    _check_legible(name, remedy)
    if keyword.iskeyword(name) or hasattr(builtins, name):
        raise RefusedError(f'"{name}" has a meaning in Python.', remedy)
    if name in used:
        raise RefusedError(f'"{name}" has a meaning already where it would be used.', remedy)
