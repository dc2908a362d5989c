"""The arguments of a task: what they may be, and how they travel as JSON."""

import inspect
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NotRequired, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, with_config
from pydantic.errors import PydanticUserError
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from .errors import TaskDefinitionError

T = TypeVar("T")
Arguments = TypeAdapter[dict[str, Any]]

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_TYPED_DICT: Any = TypedDict  # type checkers want its fields written out
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def arguments_of(function: Callable[..., Any]) -> Arguments:
    """Return what checks the function's arguments; strict, so that "5" is not taken for 5."""
    where = f"{function.__module__}.{function.__qualname__}"
    try:
        hints = get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
    except NameError as error:
        raise TaskDefinitionError(
            f"{where}: {error}. A task's types are needed at run time: import them there."
        ) from error
    except (TypeError, ValueError) as error:
        raise TaskDefinitionError(
            f"{where}: its arguments cannot be read. Write a function that calls it."
        ) from error
    fields: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name not in hints or parameter.kind not in _NAMED:
            raise TaskDefinitionError(
                f"{where}({parameter}): each argument of a task needs a name and a type."
            )
        hint = hints[parameter.name]
        optional = parameter.default is not inspect.Parameter.empty
        fields[parameter.name] = NotRequired[hint] if optional else hint
    try:
        adapter = TypeAdapter(with_config(_STRICT)(_TYPED_DICT("Arguments", fields)))
        adapter.json_schema()  # fails for what JSON cannot say, such as a function
    except PydanticUserError as error:
        raise TaskDefinitionError(
            f"{where}: an argument cannot travel as JSON. Pass plain data, such as an id."
        ) from error
    return adapter


def dumped(adapter: Arguments, given: dict[str, Any]) -> bytes:
    """Return the JSON from which ``loaded`` makes the same values; raises what is wrong."""
    sent = adapter.validate_python(given, by_name=True)

    def text(by_alias: bool) -> bytes:  # noqa: FBT001 - pydantic's
        dump = adapter.dump_json(sent, by_alias=by_alias, round_trip=True)
        _check_arrival(sent, loaded(adapter, dump))
        return dump

    return _by_name_or_alias(text)


def loaded(adapter: Arguments, text: bytes) -> dict[str, Any]:
    """Return the arguments as the function takes them; raises what is wrong."""
    return _by_name_or_alias(
        lambda by_alias: adapter.validate_json(text, by_name=True, by_alias=by_alias)
    )


def _by_name_or_alias(attempt: Callable[[bool], T]) -> T:
    """Spell fields by their names, which none lacks; a model's own validator may know an alias."""
    try:
        return attempt(False)  # noqa: FBT003 - pydantic's
    except Exception:
        with suppress(Exception):
            return attempt(True)  # noqa: FBT003 - pydantic's
        raise


def _check_arrival(sent: dict[str, Any], arriving: dict[str, Any]) -> None:
    for name, value in sent.items():
        # A SecretStr, or an Any that holds more than JSON knows.
        if arriving[name] != value and _in_utc(arriving[name]) != _in_utc(value):
            raise ValueError(f"{name}: it would arrive as another value")


def _in_utc(value: Any) -> Any:
    """Return it with its times in UTC: in an hour that comes twice, none equals another zone's.

    See https://peps.python.org/pep-0495/#inter-zone-comparison.
    """
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC)
    if isinstance(value, dict):
        return {key: _in_utc(each) for key, each in value.items()}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return kind(_in_utc(each) for each in value)
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: _in_utc(each) for name, each in value})
    return value


def reason(error: Exception) -> str:
    """Return in one line what is wrong, without the values, which may be secret."""
    if not isinstance(error, ValidationError):
        expected = isinstance(error, TypeError | ValueError)
        return str(error) if expected else f"{type(error).__name__}: {error}"
    return "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'arguments'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    )
