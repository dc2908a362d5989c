"""The event loop of a process that Celery runs, and what is open on it."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from contextvars import copy_context
from functools import cache
from typing import Any, TypeVar

from celery.signals import worker_process_shutdown, worker_shutdown

from ..resources import Resources, open_resources

T = TypeVar("T")


class Loop:
    """One loop for all tasks of a process: database connections and clients belong to it."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.resources: Resources = self._runner.run(
            self._stack.enter_async_context(open_resources())
        )
        self._lasting = asyncio.all_tasks(self._runner.get_loop())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it in a copy of this context, to its end or that of the process.

        Nothing that it has begun goes on in the next one: neither what it left behind, nor
        itself where a signal of Celery's (a soft time limit) broke the loop off.
        """
        try:
            return self._runner.run(coroutine, context=copy_context())
        finally:
            self._runner.run(self._cancel_leftovers())

    async def _cancel_leftovers(self) -> None:
        leftovers = asyncio.all_tasks() - self._lasting - {asyncio.current_task()}
        for task in leftovers:
            task.cancel()
        await asyncio.gather(*leftovers, return_exceptions=True)

    def is_running(self) -> bool:
        return self._runner.get_loop().is_running()

    def close(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()


@cache
def process_loop() -> Loop:
    """Return this process's loop, made at its first task: one made before a fork is shared."""
    return Loop()


@worker_process_shutdown.connect
@worker_shutdown.connect
def close_process_loop(**_: object) -> None:
    """Close it, unless it is running: this may be called by a signal that interrupts a task."""
    if process_loop.cache_info().currsize and not process_loop().is_running():
        process_loop().close()
        process_loop.cache_clear()
