"""Define a task: a function that is found by its name and whose arguments travel as JSON."""

import functools
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, ParamSpec, TypeVar

from cronsim import CronSim, CronSimError
from pydantic_core import from_json, to_json

from .. import PACKAGE
from .arguments import Arguments, arguments_of, dumped, loaded, reason
from .errors import TaskArgumentsError, TaskDefinitionError, UnknownTaskError
from .message import MAX_MESSAGE_BYTES, TaskMessage, utc_now
from .retry import Retry, check_seconds

__all__ = ["Retry", "Task", "find_task", "registry", "task"]

P = ParamSpec("P")
R = TypeVar("R")
DEFAULT_RETRY = Retry()
MAX_KEY_BYTES = 2_000  # with the task's name it has to fit into a page of PostgreSQL's index


@dataclass(frozen=True, eq=False)
class Task(Generic[P, R]):
    """A function and the rules by which it is run. Call it to run the function here and now."""

    name: str
    function: Callable[P, R]
    signature: inspect.Signature
    arguments: Arguments
    retry: Retry
    timeout: float
    schedule: str | None
    queue: str = "default"
    delay: timedelta | None = None
    key: str | None = None

    @functools.cached_property
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

        Raises TaskArgumentsError if they or the key do not fit, or are larger than
        MAX_MESSAGE_BYTES and MAX_KEY_BYTES.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
            bound.apply_defaults()
            text = dumped(self.arguments, bound.arguments)
            due = _due(self.delay)
            _check_key(self.key)
        except Exception as error:  # a model's own validators and serializers raise what they like
            raise TaskArgumentsError(f"{self.name} cannot be enqueued: {reason(error)}") from error
        if len(text) > MAX_MESSAGE_BYTES:
            raise TaskArgumentsError(
                f"{self.name} cannot be enqueued: its arguments take {len(text)} bytes, more than "
                f"{MAX_MESSAGE_BYTES}. Store the data and pass its id."
            )
        return TaskMessage(
            task=self.name,
            queue=self.queue,
            arguments=from_json(text),
            key=self.key,
            not_before=due,
        )

    def load(self, message: TaskMessage) -> dict[str, Any]:
        """Return the message's arguments as the function takes them.

        Raises TaskArgumentsError if they do not fit.
        """
        try:
            return loaded(self.arguments, to_json(message.arguments))
        except Exception as error:
            raise TaskArgumentsError(f"{self.name} cannot be run: {reason(error)}") from error

    def next_run(self, after: datetime) -> datetime | None:
        """Return the schedule's first time after the given one (UTC), or None without one."""
        return next(CronSim(self.schedule, after)) if self.schedule else None


def _due(delay: timedelta | None) -> datetime | None:
    try:
        return utc_now() + delay if delay else None
    except OverflowError:
        raise ValueError(f"its delay of {delay} ends after the year 9999") from None


def _check_key(key: str | None) -> None:
    if key is not None and ("\0" in key or len(key.encode()) > MAX_KEY_BYTES):
        raise ValueError(f"its key has a NUL, or more than {MAX_KEY_BYTES} bytes: hash it")


registry: dict[str, Task[..., Any]] = {}


def find_task(name: str) -> Task[..., Any]:
    """Return the task of that name or alias; raises UnknownTaskError."""
    if name not in registry:
        raise UnknownTaskError(
            f'No task is named "{name}". If its function was renamed, keep the old name: '
            f'@task(aliases=["{name}"]).'
        )
    return registry[name]


def task(  # noqa: PLR0913 - the rules of a task, each with its default
    function: None = None,
    /,
    *,
    name: str | None = None,
    aliases: Sequence[str] = (),
    retry: Retry = DEFAULT_RETRY,
    timeout: float = 60.0,
    schedule: str | None = None,
    queue: str = "default",
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a task; nothing else is needed for it to run.

    ``name`` is by default the module's path below the package and the function's name. Messages
    under one of the ``aliases`` are run too. ``timeout`` is in seconds, for each attempt.
    ``schedule`` is a cron expression in UTC, with seconds as a sixth, first field if wanted.
    ``queue`` is where the task waits, apart from those of other queues.

    Raises TaskDefinitionError if the function cannot be a task.
    """
    if function is not None:
        raise TaskDefinitionError(
            f"@task was given {_shown(function)}: write @task() above the function, with "
            'parentheses, and in them what differs by its name, as in @task(name="greet").'
        )

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        _check_function(function)
        module = function.__module__.removeprefix(f"{PACKAGE}.")
        definition = Task(
            name=name or f"{module}.{function.__qualname__}",
            function=function,
            signature=inspect.signature(function),
            arguments=arguments_of(function),
            retry=retry,
            timeout=timeout,
            schedule=schedule,
            queue=queue,
        )
        _check_rules(definition, aliases)
        _check_schedule(definition)
        for known_as in (definition.name, *aliases):
            if known_as in registry:
                raise TaskDefinitionError(
                    f'Two tasks are named "{known_as}": give one of them another name.'
                )
            registry[known_as] = definition
        return definition

    return decorate


def _check_function(function: Callable[..., Any]) -> None:
    """Raise TaskDefinitionError for what has no name to be found by, or no body to be run."""
    if isinstance(function, type) or not _is_function(function):
        raise TaskDefinitionError(
            f"@task() was given {_shown(function)}: a task is a function, found by its name. "
            "Write a `def` or `async def` that calls it, and put @task() above that one."
        )
    if _is_generator(inspect.unwrap(function, stop=_is_generator)):
        raise TaskDefinitionError(
            f"{_shown(function)} is a generator: called as a task, its body would not run. "
            "Put @task() above a function that loops over it, or return instead of yielding."
        )


def _is_function(function: object) -> bool:
    names = (getattr(function, name, None) for name in ("__module__", "__qualname__"))
    named = all(isinstance(name, str) for name in names)
    return callable(function) and named and not isinstance(function, functools.partial)


def _is_generator(function: Any) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def _shown(given: Any) -> str:
    known = getattr(given, "__qualname__", None)
    return f"{given.__module__}.{known}" if known else repr(given)


def _check_rules(definition: Task[..., Any], aliases: Sequence[str]) -> None:
    check_seconds(f"{definition.name}: timeout", definition.timeout)
    if isinstance(aliases, str):
        raise TaskDefinitionError(
            f'{definition.name}: aliases must be a list, as in ["{aliases}"], got "{aliases}"'
        )
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", definition.queue):
        raise TaskDefinitionError(
            f"{definition.name}: queue must be at most 40 letters, digits, - and _, "
            f"got {definition.queue!r}"
        )


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
