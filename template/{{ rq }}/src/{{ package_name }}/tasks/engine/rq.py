"""RQ brings the ids: a job calls run_row() with one."""

# mypy: allow-untyped-calls

import math
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from threading import Lock, Thread
from typing import Any, Literal

from pydantic import NonNegativeFloat, PositiveInt
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer
from rq.worker_pool import WorkerPool
from sqlalchemy.ext.asyncio import AsyncEngine

from ...service.beat import beat
from ...service.settings import ServiceSettings
from ..task import registry
from .broker import BrokerSettings
from .brokered import BrokeredQueue
from .carrier import Hint, Pusher, broker_queue
from .own_engine import open_rows, request_queue
from .queue import TaskQueue

__all__ = ["TaskSettings", "open_queue", "request_queue", "run_engine"]
LATE = 30  # seconds beyond a task's own timeout after which its process is ended
SHORT = 60  # seconds for which RQ's tools show what went well
BEAT = 2.0  # seconds
LONG = 7 * 24 * 3600  # and what did not
RUN, SOUND = (f"{__package__}.process_loop.{name}" for name in ("run_row", "sound"))


class TaskSettings(ServiceSettings):
    task_concurrency: PositiveInt = 4
    """Tasks that one worker runs at one time, each in a process of its own."""
    shutdown_grace: NonNegativeFloat = 20.0
    """Seconds that a stopping worker gives to running tasks before it hands them back."""
    rq_worker: Literal["fork", "simple"] = "fork"
    """RQ's Worker forks a process for each task; its SimpleWorker runs all in one."""

    @property
    def runs_in_worker(self) -> bool:
        return self.rq_worker == "simple"


class RQCarrier:
    def __init__(self) -> None:
        # A broker that hangs costs a second, and none is asked twice.
        self._connection = _connect(
            socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        )
        self._prefix = BrokerSettings.load().task_queue

    def push(self, hints: Sequence[Hint]) -> None:
        jobs: dict[str, list[Any]] = {}
        for hint in hints:
            name = broker_queue(self._prefix, hint.queue, again=hint.again)
            jobs.setdefault(name, []).append(_job(hint))
        for name, together in jobs.items():
            self._queue(name).enqueue_many(together)

    def push_sounding(self, queue: str, at: str, *, again: bool) -> None:
        name = broker_queue(self._prefix, queue, again=again)
        about: dict[str, Any] = {"result_ttl": 0, "description": f"sounding of {queue}"}
        self._queue(name).enqueue(SOUND, queue, at, again, **about)

    def _queue(self, name: str) -> Queue:
        return Queue(name, connection=self._connection, serializer=JSONSerializer)


def _job(hint: Hint) -> Any:
    task = registry.get(hint.task)
    return Queue.prepare_data(
        RUN,
        args=(str(hint.id),),
        description=f"{hint.task}({hint.shown}) {hint.id}",
        timeout=math.ceil(task.timeout if task else 0) + LATE,
        result_ttl=SHORT,
        failure_ttl=LONG,
    )


def _connect(**options: Any) -> Redis:
    return Redis.from_url(BrokerSettings.load().url, **options)


def run_engine(queues: Sequence[str]) -> None:
    """Run RQ's own worker pool, on what began before first."""
    settings = TaskSettings.load()
    prefix = BrokerSettings.load().task_queue
    pool = WorkerPool(
        [broker_queue(prefix, name, again=again) for name in queues for again in (True, False)],
        connection=_connect(socket_keepalive=True),
        num_workers=settings.task_concurrency,
        worker_class=Worker if settings.rq_worker == "fork" else SimpleWorker,
        serializer=JSONSerializer,
    )
    start_beat(pool)
    pool.start(logging_level="WARNING")


def start_beat(pool: WorkerPool) -> None:
    """Beat while RQ takes one of the pool's workers for alive: each keeps up a key in Redis."""
    # A worker forked while a thread imports, or looks up a host, would wait for its locks for ever.
    asking = Lock()
    os.register_at_fork(
        before=asking.acquire, after_in_parent=asking.release, after_in_child=asking.release
    )
    redis = _connect(socket_timeout=5, socket_connect_timeout=5)

    def beat_on() -> None:
        while True:
            keys = [Worker.redis_worker_namespace_prefix + name for name in list(pool.worker_dict)]
            with asking, suppress(RedisError):
                if keys and redis.exists(*keys):
                    beat()
            time.sleep(BEAT)

    Thread(target=beat_on, daemon=True, name="beat").start()


@asynccontextmanager
async def open_queue(_engine: AsyncEngine, reading: AsyncEngine) -> AsyncIterator[TaskQueue]:
    async with Pusher(RQCarrier()).running() as pusher, open_rows() as rows:
        yield BrokeredQueue(rows, reading, pusher, TaskSettings.load())
