"""How a worker stops: no new task, a moment for those that run, then they are handed back.

Celery does this inside the signal's handler. What that interrupts is half done then, such as a
frame on its way to the broker, behind a lock: now and then the worker waited for itself (Celery
5.7). Here the handler only wakes the event loop, which does the rest.
"""

import os
import signal
from collections.abc import Callable
from time import monotonic
from typing import Any

import structlog
from celery.bootsteps import StartStopStep
from celery.utils.threads import bound_open_broker_sockets  # type: ignore[attr-defined]  # new in 5.7
from celery.worker import state as worker_state

TICK = 0.05  # seconds between two looks at what still runs
PATIENCE = 5.0  # seconds for a broker to answer, and for the cancelled to hand back
log = structlog.get_logger(__name__)
state: Any = worker_state  # in the stubs its flags cannot be set


class GracefulStop(StartStopStep):
    """Takes SIGTERM and SIGINT over from Celery, as soon as the worker is connected."""

    requires = ("celery.worker.consumer:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._read, self._write = os.pipe()
        self._looping = False
        self._told = False

    def start(self, parent: Any) -> None:  # noqa: ARG002 - Celery's
        self._looping = True
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._tell)

    def stop(self, parent: Any) -> None:  # noqa: ARG002 - Celery's
        self._looping = False  # where the connection was lost, what ran was ended with it
        if self._told:
            state.should_stop = os.EX_OK

    def register_with_event_loop(self, consumer: Any, hub: Any) -> None:
        hub.add_reader(self._read, self._begin, consumer, hub)

    def _tell(self, *_: object) -> None:
        self._told = True
        if self._looping:
            os.write(self._write, b".")
        else:
            state.should_stop = os.EX_OK

    def _begin(self, consumer: Any, hub: Any) -> None:
        hub.remove_reader(self._read)
        log.info("stopping", running=len(_busy()))
        bound_open_broker_sockets(consumer.connection, PATIENCE)
        consumer.task_consumer.cancel()
        grace = consumer.app.conf.worker_soft_shutdown_timeout
        _stop_when_idle(hub, grace, lambda: _hand_back(consumer, hub))


def _stop_when_idle(hub: Any, within: float, otherwise: Callable[[], None]) -> None:
    deadline = monotonic() + within

    def look() -> None:
        if not _busy():
            state.should_stop = os.EX_OK
        elif monotonic() > deadline:
            otherwise()
        else:
            hub.call_later(TICK, look)

    look()


def _busy() -> list[Any]:
    """Return what runs or is about to: of what is delayed, a process has nothing yet."""
    return [request for request in state.reserved_requests if request.time_start or not request.eta]


def _hand_back(consumer: Any, hub: Any) -> None:
    log.warning("handing back what still runs", running=len(_busy()))
    for request in state.active_requests:
        consumer.pool.terminate_job(request.worker_pid)
    _stop_when_idle(hub, PATIENCE, _kill)


def _kill() -> None:
    state.should_terminate = True
