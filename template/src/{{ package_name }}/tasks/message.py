"""The envelope in which a task travels, and the message that is being run."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

import structlog
from opentelemetry import propagate, trace
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue
from uuid_utils.compat import uuid7

MAX_MESSAGE_BYTES = 256 * 1024
"""A larger message is refused at enqueue: store the data and pass its id."""
SHOWN = 200  # characters of a task's arguments that an engine's tools show


def utc_now() -> datetime:
    return datetime.now(UTC)


def correlation_id() -> str | None:
    value = structlog.contextvars.get_contextvars().get("correlation_id")
    return value if isinstance(value, str) else None


def traceparent() -> str | None:
    """The current trace as a W3C header value (https://www.w3.org/TR/trace-context/)."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    if "traceparent" in carrier:
        return carrier["traceparent"]
    running = _current.get(None)
    return running.traceparent if running else None


class TaskMessage(BaseModel):
    """Version 1 of the envelope. A later version adds fields with defaults and renames none."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = Field(default=1, ge=1)
    id: UUID = Field(default_factory=uuid7)
    task: str
    queue: str = "default"
    arguments: dict[str, JsonValue]
    attempt: int = Field(default=1, ge=1)
    enqueued_at: AwareDatetime = Field(default_factory=utc_now)
    not_before: AwareDatetime | None = None
    key: str | None = None
    correlation_id: str | None = Field(default_factory=correlation_id)
    traceparent: str | None = Field(default_factory=traceparent)

    def seconds_until_due(self) -> float:
        return max(0.0, (self.not_before - utc_now()).total_seconds()) if self.not_before else 0.0

    def numbered(self, attempt: int) -> Self:
        return self.model_copy(update={"attempt": attempt})

    def due(self, at: datetime | None) -> Self:
        return self.model_copy(update={"not_before": at})

    def shown(self) -> str:
        """Return the arguments as a person reads them, cut to a length."""
        text = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


_current: ContextVar[TaskMessage] = ContextVar("task_message")


def current_message() -> TaskMessage:
    """Return the message of the task that is running; its id is the same at each attempt.

    Raises LookupError outside a task.
    """
    return _current.get()


@contextmanager
def running(message: TaskMessage) -> Iterator[None]:
    """Give the task, and each line that it logs, the message's ids and trace."""
    fields: dict[str, str | int] = {
        "task": message.task,
        "task_id": str(message.id),
        "attempt": message.attempt,
    }
    if message.correlation_id:
        fields["correlation_id"] = message.correlation_id
    if message.traceparent:
        fields["trace_id"] = message.traceparent.split("-")[1]
    token = _current.set(message)
    try:
        with structlog.contextvars.bound_contextvars(**fields):
            if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
                yield  # no OpenTelemetry SDK: there is no span to make
            else:
                with _span(message, fields):
                    yield
    finally:
        _current.reset(token)


@contextmanager
def _span(message: TaskMessage, fields: dict[str, str | int]) -> Iterator[None]:
    parent = propagate.extract({"traceparent": message.traceparent or ""})
    tracer = trace.get_tracer(__name__)
    kind = trace.SpanKind.CONSUMER
    with tracer.start_as_current_span(f"run {message.task}", parent, kind, fields):
        yield
