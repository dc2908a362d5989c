"""The envelope in which a task travels, and the message that is being run."""

from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Self
from uuid import UUID

import structlog
from opentelemetry import propagate, trace
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue
from structlog.typing import EventDict, WrappedLogger
from uuid_utils.compat import uuid7

MAX_MESSAGE_BYTES = 256 * 1024
"""A larger message is refused at enqueue: store the data and pass its id."""
SHOWN = 200  # characters of a task's arguments that an engine's tools show
_NO_SPAN: AbstractContextManager[None] = nullcontext()


def utc_now() -> datetime:
    return datetime.now(UTC)


def correlation_id() -> str | None:
    if running := current.get(None):
        return running.correlation_id
    value = structlog.contextvars.get_contextvars().get("correlation_id")
    return value if isinstance(value, str) else None


def traceparent() -> str | None:
    """The current trace as a W3C header value (https://www.w3.org/TR/trace-context/)."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    if "traceparent" in carrier:
        return carrier["traceparent"]
    running = current.get(None)
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
        return self if attempt == self.attempt else self.model_copy(update={"attempt": attempt})

    def due(self, at: datetime | None) -> Self:
        return self.model_copy(update={"not_before": at})

    def shown(self) -> str:
        """Return the arguments as a person reads them, cut to a length."""
        text = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


current: ContextVar[TaskMessage] = ContextVar("task_message")


def current_message() -> TaskMessage:
    """Return the message of the task that is running; its id is the same at each attempt.

    Raises LookupError outside a task.
    """
    return current.get()


def add_task(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Give a line that a task logs the ids of its message: a processor of structlog."""
    if message := current.get(None):
        event["task"] = message.task
        event["task_id"] = str(message.id)
        event["attempt"] = message.attempt
        if message.correlation_id:
            event["correlation_id"] = message.correlation_id
        if message.traceparent:
            event["trace_id"] = message.traceparent.split("-")[1]
    return event


def span_of(message: TaskMessage) -> AbstractContextManager[object]:
    """Return the span of an attempt, in its caller's trace; without an OpenTelemetry SDK, none."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return _NO_SPAN
    parent = propagate.extract({"traceparent": message.traceparent or ""})
    fields = add_task(None, "", {})
    tracer, kind = trace.get_tracer(__name__), trace.SpanKind.CONSUMER
    return tracer.start_as_current_span(f"run {message.task}", parent, kind, fields)
