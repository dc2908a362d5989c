"""Threads that take what is most urgent of the work that waits for them."""

from __future__ import annotations

import itertools
import queue
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future


class Crew:
    def __init__(self, size: int) -> None:
        self._waiting: queue.PriorityQueue[tuple[float, int, Callable[[], None]]] = (
            queue.PriorityQueue()
        )
        self._numbers = itertools.count()
        self._pool = ThreadPoolExecutor(size)

    def add(self, rank: float, work: Callable[[], None]) -> Future[None]:
        """Have it done before all that waits with a higher rank."""
        self._waiting.put((rank, next(self._numbers), work))
        return self._pool.submit(self._next)

    def end(self, *, wait: bool = True) -> None:
        """Start nothing more, and wait for what runs."""
        self._pool.shutdown(wait, cancel_futures=True)

    def _next(self) -> None:
        self._waiting.get()[-1]()
