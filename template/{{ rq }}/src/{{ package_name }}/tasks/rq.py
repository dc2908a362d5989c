"""RQ: tasks are jobs in Redis, and each is run by a process of its own."""

# mypy: allow-untyped-calls
# (many of RQ's own methods have no types)

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import NonNegativeFloat, PositiveInt
from redis import Redis, RedisError
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry as Reconnect
from rq import Queue, Retry
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from ..settings import ServiceSettings
from .broker import BrokerSettings
from .errors import TaskQueueUnavailable
from .message import TaskMessage
from .queue import Capabilities
from .recorded import RecordedTaskQueue, request_queue
from .records import Records
from .task import registry

__all__ = ["RQTaskQueue", "TaskSettings", "open_queue", "request_queue"]

T = TypeVar("T")
RUN_TASK = f"{__package__}.rq_job.run_task"  # the one function that a job may name
PUBLISHERS = 4  # threads: a Redis that hangs holds up these and not the event loop
PATIENCE = 3.0  # seconds for a call, waiting for a thread included: a 503 comes within 5
UNBOUNDED = 1_000_000  # the row counts the attempts; RQ's count is only there to bring jobs back
LATE = 30  # seconds beyond a task's own timeout after which its process is ended
DESCRIPTION = 120  # characters
FAILURE_TTL = 7 * 24 * 3600  # seconds for which RQ's tools show a failure; the row stays
RESULT_TTL = 60  # seconds for which they show a success: each keeps its message in Redis's memory


class TaskSettings(ServiceSettings):
    task_concurrency: PositiveInt = 4
    """Tasks that one worker runs at one time, each in a process of its own."""
    shutdown_grace: NonNegativeFloat = 20.0
    """Seconds that a stopping worker gives to running tasks before it hands them back."""


class RQTaskQueue(RecordedTaskQueue):
    capabilities = Capabilities(
        transactional=False,
        survives_api_kill=True,
        survives_worker_kill=True,
        separate_worker=True,
    )

    def __init__(self, records: Records, connection: Redis, threads: ThreadPoolExecutor) -> None:
        super().__init__(records)
        self._redis = connection
        self._queue = rq_queue(connection)
        self._threads = threads

    async def deliver(self, messages: Sequence[TaskMessage]) -> None:
        await self._in_time(lambda: self._publish(messages))

    def _publish(self, messages: Sequence[TaskMessage]) -> None:
        queue = self._queue
        with self._redis.pipeline() as pipeline:  # one round trip, and all of them or none
            for message in messages:
                job = job_fields(message)
                pipeline.delete(Job.key_for(job["job_id"]))  # of a task that is run anew
                queue.failed_job_registry.remove(job["job_id"], pipeline)
                if message.not_before:
                    at = whole_second(message.not_before)
                    queue.schedule_job(queue.create_job(**job), at, pipeline)
                else:
                    queue.enqueue_many([Queue.prepare_data(**job)], pipeline)
            pipeline.execute()

    async def purge(self) -> None:
        await self._in_time(self._empty)

    def _empty(self) -> None:
        self._queue.empty()
        for job_id in self._queue.scheduled_job_registry.get_job_ids():
            self._queue.scheduled_job_registry.remove(job_id)
            self._redis.delete(Job.key_for(job_id))

    async def stores(self) -> Mapping[str, int]:
        return await self._in_time(self._count)

    def _count(self) -> dict[str, int]:
        with self._redis.pipeline() as pipeline:
            pipeline.llen(self._queue.key)
            pipeline.llen(self._queue.intermediate_queue_key)
            pipeline.zcard(self._queue.scheduled_job_registry.key)
            pipeline.zcard(self._queue.started_job_registry.key)
            queued, taken, scheduled, started = pipeline.execute()
        return {
            "RQ's queue": queued,
            "taken from it": taken,
            "RQ's scheduled jobs": scheduled,
            "RQ's started jobs": started,
        }

    async def _in_time(self, call: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.get_running_loop().run_in_executor(self._threads, call)
        except (RedisError, OSError) as error:  # OSError: TimeoutError is one
            reason = f"Redis does not answer ({type(error).__name__})."
            raise TaskQueueUnavailable(reason) from error


@asynccontextmanager
async def open_queue(
    _settings: TaskSettings, sessions: async_sessionmaker[AsyncSession]
) -> AsyncIterator[RQTaskQueue]:
    threads = ThreadPoolExecutor(PUBLISHERS, thread_name_prefix="publish")
    connection = connect(
        socket_connect_timeout=1,  # redis-py's own patience with a Redis that hangs is a minute
        socket_timeout=1,
        # A connection that broke is tried once more, but not one that timed out: Redis may run
        # both commands when it wakes up, and the job would be queued twice.
        retry=Reconnect(ConstantBackoff(0.1), 1, supported_errors=(RedisConnectionError,)),
    )
    try:
        yield RQTaskQueue(Records(sessions), connection, threads)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        connection.close()


def connect(**options: Any) -> Redis:
    url = BrokerSettings.load().broker_url.get_secret_value()
    connection: Redis = Redis.from_url(url, **options)
    return connection


def rq_queue(connection: Redis) -> Queue:
    name = BrokerSettings.load().task_queue
    return Queue(name, connection=connection, serializer=JSONSerializer)


def job_fields(message: TaskMessage) -> dict[str, Any]:
    task = registry.get(message.task)
    return {
        "func": RUN_TASK,
        "args": (message.model_dump_json(),),
        "job_id": str(message.id),
        "description": describe(message),
        "timeout": math.ceil(task.timeout if task else 0) + LATE,
        "result_ttl": RESULT_TTL,
        "failure_ttl": FAILURE_TTL,
        # Without one, RQ fails the job of a process that was killed.
        "retry": Retry(UNBOUNDED, enqueue_at_front=True),
    }


def describe(message: TaskMessage) -> str:
    """Say in a line what RQ's tools list."""
    arguments = ", ".join(f"{name}={value!r}" for name, value in message.arguments.items())
    return f"{message.task}({arguments})"[:DESCRIPTION]


def whole_second(at: datetime) -> datetime:
    """Return the next whole second: RQ would cut the fraction off, and start a task too early."""
    return datetime.fromtimestamp(math.ceil(at.timestamp()), UTC)
