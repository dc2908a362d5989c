"""Define a task: a function that is found by its name and whose arguments travel as JSON."""

import inspect
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Generic, NotRequired, ParamSpec, TypeVar, get_type_hints

from cronsim import CronSim, CronSimError
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from pydantic.errors import PydanticUserError
from pydantic_core import from_json, to_json
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from .. import PACKAGE
from .errors import TaskArgumentsError, TaskDefinitionError, UnknownTaskError
from .message import MAX_MESSAGE_BYTES, TaskMessage, utc_now

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, how soon and after which errors a failed task is tried again.

    Delays are in seconds and double from ``first_delay`` to ``max_delay``; each is multiplied by
    a random factor of 0.5 to 1.5, so that tasks that failed together do not come back together.
    """

    max_attempts: int = 5
    first_delay: float = 1.0
    max_delay: float = 300.0
    on: tuple[type[Exception], ...] = (Exception,)

    def delay_after(self, attempt: int) -> float | None:
        """Return the seconds to wait after a failed attempt, or None after the last one."""
        if attempt >= self.max_attempts:
            return None
        delay = min(self.max_delay, self.first_delay * 2.0 ** min(attempt - 1, 64))
        return delay * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, guards nothing


@dataclass(frozen=True, eq=False)
class Task(Generic[P, R]):
    """A function and the rules by which it is run. Call it to run the function here and now."""

    name: str
    function: Callable[P, R]
    arguments: TypeAdapter[dict[str, Any]]
    retry: Retry
    timeout: float
    schedule: str | None
    queue: str = "default"
    delay: timedelta | None = None
    key: str | None = None

    @cached_property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def with_options(
        self, *, delay: timedelta | None = None, key: str | None = None
    ) -> "Task[P, R]":
        """Return the task, to be started after ``delay`` and, while ``key`` waits or runs, once."""
        return replace(self, delay=delay, key=key)

    def message(self, *args: P.args, **kwargs: P.kwargs) -> TaskMessage:
        """Check and serialize the arguments.

        Raises TaskArgumentsError if they do not fit, or are larger than MAX_MESSAGE_BYTES.
        """
        try:
            bound = inspect.signature(self.function).bind(*args, **kwargs)
            bound.apply_defaults()
            sent = self.arguments.validate_python(bound.arguments)
            text = self.arguments.dump_json(sent)
            _check_arrival(sent, self.arguments.validate_json(text))
        except (TypeError, ValueError) as error:
            raise TaskArgumentsError(f"{self.name} cannot be enqueued: {_reason(error)}") from error
        if len(text) > MAX_MESSAGE_BYTES:
            raise TaskArgumentsError(
                f"{self.name} cannot be enqueued: its arguments take {len(text)} bytes, more than "
                f"{MAX_MESSAGE_BYTES}. Store the data and pass its id."
            )
        due = utc_now() + self.delay if self.delay else None
        arguments = from_json(text)
        return TaskMessage(
            task=self.name, queue=self.queue, arguments=arguments, key=self.key, not_before=due
        )

    def load(self, message: TaskMessage) -> dict[str, Any]:
        """Return the message's arguments as the function takes them.

        Raises TaskArgumentsError if they do not fit.
        """
        try:
            return self.arguments.validate_json(to_json(message.arguments))
        except ValidationError as error:
            raise TaskArgumentsError(f"{self.name} cannot be run: {_reason(error)}") from error

    def next_run(self, after: datetime) -> datetime | None:
        """Return the schedule's first time after the given one (UTC), or None without one."""
        return next(CronSim(self.schedule, after)) if self.schedule else None


registry: dict[str, Task[..., Any]] = {}


def find_task(name: str) -> Task[..., Any]:
    """Return the task of that name or alias; raises UnknownTaskError."""
    if name not in registry:
        raise UnknownTaskError(
            f'No task is named "{name}". If its function was renamed, keep the old name: '
            f'@task(aliases=["{name}"]).'
        )
    return registry[name]


def task(
    *,
    name: str | None = None,
    aliases: Sequence[str] = (),
    retry: Retry = Retry(),
    timeout: float = 60.0,
    schedule: str | None = None,
    queue: str = "default",
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a task; nothing else is needed for it to run.

    ``name`` is by default the module's path below the package and the function's name. Messages
    under one of the ``aliases`` are run too. ``timeout`` is in seconds, for each attempt.
    ``schedule`` is a cron expression in UTC, with seconds as a sixth, first field if wanted.

    Raises TaskDefinitionError if the function cannot be a task.
    """

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        module = function.__module__.removeprefix(f"{PACKAGE}.")
        definition = Task(
            name=name or f"{module}.{function.__qualname__}",
            function=function,
            arguments=_arguments(function),
            retry=retry,
            timeout=timeout,
            schedule=schedule,
            queue=queue,
        )
        _check_schedule(definition)
        for known_as in (definition.name, *aliases):
            if known_as in registry:
                raise TaskDefinitionError(
                    f'Two tasks are named "{known_as}": give one of them another name.'
                )
            registry[known_as] = definition
        return definition

    return decorate


def _arguments(function: Callable[..., Any]) -> TypeAdapter[dict[str, Any]]:
    """Return what checks the function's arguments; strict, so that "5" is not taken for 5."""
    where = f"{function.__module__}.{function.__qualname__}"
    try:
        hints = get_type_hints(function, include_extras=True)
    except NameError as error:
        raise TaskDefinitionError(
            f"{where}: {error}. A task's types are needed at run time: import them there."
        ) from error
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
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


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_TYPED_DICT: Any = TypedDict  # type checkers want its fields written out
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _check_schedule(definition: Task[..., Any]) -> None:
    if definition.schedule is None:
        return
    try:
        CronSim(definition.schedule, utc_now())
        definition.message()
    except CronSimError as error:
        raise TaskDefinitionError(
            f'{definition.name}: "{definition.schedule}" is no cron expression ({error}). '
            'An example for every night: "30 3 * * *".'
        ) from error
    except TaskArgumentsError as error:
        raise TaskDefinitionError(f"A schedule gives no arguments: {error}") from error


def _check_arrival(sent: dict[str, Any], arriving: dict[str, Any]) -> None:
    for name, value in sent.items():
        if arriving[name] != value:  # a SecretStr, or an Any that holds more than JSON knows
            raise ValueError(f"{name}: it would arrive as another value")


def _reason(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'arguments'}: {item['msg']}"
        for item in error.errors(include_url=False, include_input=False)
    )
