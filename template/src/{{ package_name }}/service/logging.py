"""Structured logs. Each line of a request, and of the tasks it enqueued, has one correlation id."""

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partialmethod
from typing import Any
from uuid import uuid4

import structlog
from opentelemetry import context, propagate, trace
from pydantic_core import to_json
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from ..settings import Settings
from ..tasks.message import add_task
from .scrub import scrubbed

HEADER = "X-Correlation-ID"
_ACCEPTED = re.compile(r"[\w.:-]{1,128}", re.ASCII)
# Without the local variables, which structlog would show: they hold passwords.
_json_tracebacks = ExceptionRenderer(ExceptionDictTransformer(show_locals=False))


class _Line(logging.LogRecord):
    """A line that structlog has rendered."""


class _Logger:
    """Hands lines to the handlers; `Logger.info` and the like would look up their caller."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._logger = logging.getLogger(name)

    def _handle(self, level: int, line: str) -> None:
        self._logger.handle(_Line(self.name, level, "", 0, line, None, None))

    debug = partialmethod(_handle, logging.DEBUG)
    info = partialmethod(_handle, logging.INFO)
    warning = partialmethod(_handle, logging.WARNING)
    error = partialmethod(_handle, logging.ERROR)
    critical = partialmethod(_handle, logging.CRITICAL)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    def format(self, record: logging.LogRecord) -> str:
        return str(record.msg) if isinstance(record, _Line) else super().format(record)


def configure() -> None:
    """Send the lines of structlog and of the standard library to stdout in one format."""
    settings = Settings.load()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        add_task,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
    ]
    rendering: list[Processor] = (
        [_json_tracebacks, _scrub_errors, structlog.processors.JSONRenderer(_json)]
        if settings.log_format == "json"
        else [
            structlog.processors.format_exc_info,
            _scrub_errors,
            structlog.dev.ConsoleRenderer(
                colors=_colours(),
                pad_event_to=0,
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ]
    )
    structlog.configure(
        processors=[*shared, *rendering],
        logger_factory=_Logger,
        # What the level leaves out costs nothing: no processor sees it.
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    quieten("httpx")  # it logs whole URLs, secrets included


def _json(event: EventDict, **_: Any) -> str:
    try:
        return to_json(event, ensure_ascii=True, serialize_unknown=True).decode()
    except ValueError:  # some of it is no UTF-8
        return json.dumps(event, default=repr)


def quieten(*names: str) -> None:
    """Let these loggers of others say only what is wrong."""
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING)


def _colours() -> bool:
    return sys.stdout.isatty() or "FORCE_COLOR" in os.environ


def _add_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
    return event


def _scrub_errors(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take the secrets of URLs out of a line that tells of an error."""
    if "exception" in event or "error" in event:
        return {name: _scrub(value) for name, value in event.items()}
    return event


def _scrub(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _scrub(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_scrub(item) for item in value]
    return scrubbed(value) if isinstance(value, str) else value


class CorrelationMiddleware:
    """Takes the caller's correlation id, or makes one, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(HEADER, "")
        correlation_id = given if _ACCEPTED.fullmatch(given) else str(uuid4())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = correlation_id
            await send(message)

        with (
            structlog.contextvars.bound_contextvars(correlation_id=correlation_id),
            _caller_trace(headers),
        ):
            await self._app(scope, receive, send_with_id)


@contextmanager
def _caller_trace(headers: Headers) -> Iterator[None]:
    """Carry the caller's trace on where no OpenTelemetry SDK has begun a span of it."""
    if trace.get_current_span().get_span_context().is_valid:
        yield
        return
    token = context.attach(propagate.extract(headers))
    try:
        yield
    finally:
        context.detach(token)
