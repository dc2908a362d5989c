"""Tell of what keeps an event loop from answering: nothing else runs meanwhile."""

import asyncio
import sys
import traceback
from threading import main_thread
from time import monotonic

import structlog

log = structlog.get_logger(__name__)
TICK = 0.5  # seconds
BLOCKED = 5.0  # seconds for which the loop does not answer until it is told of


class LoopWatch:
    """Asked by a thread, every TICK, about the loop on which it was made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.note()

    def note(self) -> None:
        """Note that the loop answers."""
        self._answered = monotonic()

    def look(self) -> None:
        if BLOCKED < monotonic() - self._answered < BLOCKED + TICK:
            frames = sys._current_frames()  # noqa: SLF001 - documented
            frame = frames.get(main_thread().ident or 0)
            where = traceback.format_stack(frame)[-3:] if frame else []
            log.error("the event loop is blocked: use a `def` task", where="".join(where))
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.note)
