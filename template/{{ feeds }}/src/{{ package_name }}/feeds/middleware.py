"""How long each request takes: noted in memory, and logged by a task, one for many requests.

A row for each would cost the request more than most of what it does. So no request waits for it,
and what is noted when the process is killed, a second's worth, is lost. One that is stopped
enqueues it first.
"""

import asyncio
from collections import deque
from contextlib import suppress
from contextvars import Context
from itertools import islice
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..service.unit_of_work import UnitOfWork
from .tasks import ResponseTime, log_response_times

log = structlog.get_logger(__name__)
UNTIMED = {"/livez", "/readyz"}  # asked by machines every few seconds
EVERY = 1.0  # seconds
BATCH = 200  # a message may have 256 KiB
KEPT = 10_000  # of requests, while no task can be enqueued
LAST = 3.0  # seconds to enqueue what is left when the process is stopped


class Middleware:
    """Found by its module's name; all requests go through it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._times = ResponseTimes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, self._closing_first(receive), send)
        elif scope["type"] != "http" or scope["path"] in UNTIMED:
            await self._app(scope, receive, send)
        else:
            await self._timed(scope, receive, send)

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        ended = None
        status = 0  # stays so if nothing was answered

        async def watched(message: Message) -> None:
            nonlocal ended, status
            await send(message)
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                ended = perf_counter()

        try:
            await self._app(scope, receive, watched)
        finally:
            self._times.note(_response_time(scope, status, (ended or perf_counter()) - began))

    def _closing_first(self, receive: Receive) -> Receive:
        async def received() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._times.close()
            return message

        return received


def _response_time(scope: Scope, status: int, seconds: float) -> ResponseTime:
    route = scope.get("route")  # its path, not the client's: that may hold anything
    return ResponseTime(
        method=scope["method"][:10],
        route=getattr(route, "path", "none"),
        status=status,
        milliseconds=round(seconds * 1000, 1),
        correlation_id=structlog.contextvars.get_contextvars().get("correlation_id"),
    )


class ResponseTimes:
    def __init__(self) -> None:
        self._noted: deque[ResponseTime] = deque()
        self._lost = 0
        self._flushing: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def note(self, time: ResponseTime) -> None:
        if len(self._noted) >= KEPT:
            self._lost += 1
            return
        self._noted.append(time)
        if self._flushing is None or self._flushing.done():
            # In a context of its own: the request's ids are not those of the others in the batch.
            self._flushing = asyncio.create_task(self._flush_soon(), context=Context())

    async def close(self) -> None:
        """Enqueue what is left, or say how much is lost."""
        self._closing.set()
        if self._flushing:
            await asyncio.wait([self._flushing], timeout=LAST)
            self._flushing.cancel()
        self._lost += len(self._noted)
        self._tell_lost()

    async def _flush_soon(self) -> None:
        while self._noted:
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._closing.wait()
            try:
                await self._flush()
            except Exception as error:  # noqa: BLE001 - whatever it is, requests go on
                log.warning("response times wait", error=str(error), requests=len(self._noted))
            if self._closing.is_set():
                return

    async def _flush(self) -> None:
        while batch := list(islice(self._noted, BATCH)):
            async with UnitOfWork() as work:
                work.enqueue(log_response_times, times=batch)
                await work.commit()
            for _ in batch:
                self._noted.popleft()
        self._tell_lost()

    def _tell_lost(self) -> None:
        if self._lost:
            log.warning("response times were lost", requests=self._lost)
            self._lost = 0
