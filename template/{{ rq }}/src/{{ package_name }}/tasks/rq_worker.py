"""RQ's worker and scheduler, with what they need in order to lose nothing and stop in time."""

# mypy: allow-untyped-calls
# (many of RQ's own methods have no types)

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import structlog
from redis import Redis, RedisError
from redis.backoff import ExponentialBackoff
from redis.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry as Reconnect
from rq import Queue, Worker
from rq.exceptions import DequeueTimeout, StopRequested
from rq.job import Job
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer
from rq.worker.base import WorkerStatus

from .broker import BrokerSettings
from .rq import TaskSettings, connect
from .rq_job import LOGGED, TaskJob

log = structlog.get_logger(__name__)
MAINTENANCE = 10  # seconds between two looks for jobs whose worker was killed
MONITORING = 5  # seconds between two heartbeats of a job; 65 without one and it is taken for dead
WORKER_TTL = 16  # seconds; RQ waits 15 less for a job: it has to look up from there to stop
LOCK_RETRY = 5  # seconds after which a scheduler asks again for the lock of one that was killed
STUCK = 2  # seconds beyond the grace after which a task's process is killed


class OneFunctionQueue(Queue):
    job_class = TaskJob

    def acquire_maintenance_lock(self) -> bool:
        """RQ's own is held for 15 minutes by a worker that was killed while it had it."""
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=MAINTENANCE))


class TaskWorker(Worker):
    job_class = TaskJob
    queue_class = OneFunctionQueue
    log_result_lifespan = False

    def __init__(self) -> None:
        super().__init__(
            [BrokerSettings.load().task_queue],  # with two, a job is lost that a killed one took
            connection=worker_connection(),
            serializer=JSONSerializer,
            log_job_description=False,
            worker_ttl=WORKER_TTL,
            maintenance_interval=MAINTENANCE,
            job_monitoring_interval=MONITORING,
        )
        self._supervisor = os.getppid()
        self._kill_horse_at: float | None = None

    def subscribe(self) -> None:
        """Take no commands: a job that RQ stops by one would leave its row running.

        Its thread would also be copied into each horse.
        """

    def _install_signal_handlers(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; one is enough
        signal.signal(signal.SIGTERM, self.request_stop)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def request_stop(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a handler's
        """Tell the horse, which has the grace; RQ's own handler waits without end."""
        if not self._stop_requested:
            self._stop_requested = True
            self._kill_horse_at = time.monotonic() + TaskSettings.load().shutdown_grace + STUCK
            self.kill_horse(signal.SIGTERM)

    def _heed_supervisor(self) -> None:
        if os.getppid() != self._supervisor:
            self.request_stop(signal.SIGTERM, None)

    def dequeue_job_and_maintain_ttl(
        self,
        timeout: int | None,
        max_idle_time: int | None = None,  # noqa: ARG002 - RQ's
    ) -> tuple[Job, Queue] | None:
        """Wait in steps of a second, between which to stop.

        RQ's own handler raises wherever it finds us. A job that was just taken is then lost for a
        minute.
        """
        with stopping_without_redis():
            self.set_state(WorkerStatus.IDLE)
            while not self._stop_requested:
                self._heed_supervisor()
                self.heartbeat()
                if self.should_run_maintenance_tasks:
                    self.run_maintenance_tasks()
                with suppress(DequeueTimeout):
                    return self.queue_class.dequeue_any(
                        self.queues,
                        timeout,
                        connection=self.connection,
                        job_class=self.job_class,
                        serializer=self.serializer,
                        death_penalty_class=self.death_penalty_class,
                    )
        return None

    def execute_job(self, job: Job, queue: Queue) -> None:
        with stopping_without_redis():
            super().execute_job(job, queue)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Leave the horse in our process group, so that whoever kills that leaves nothing over."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        self._horse_pid = os.fork()
        if self._horse_pid == 0:
            self.main_work_horse(job, queue)
        if self._stop_requested:
            self.kill_horse(signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def setup_work_horse_signals(self) -> None:
        """Leave SIGTERM blocked: rq_job lets it in while the task runs."""

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        if self.horse_pid:
            with suppress(ProcessLookupError):
                os.kill(self.horse_pid, sig)

    def maintain_heartbeats(self, job: Job) -> None:
        self._heed_supervisor()
        if self._kill_horse_at and time.monotonic() > self._kill_horse_at:
            self.kill_horse()
        try:
            super().maintain_heartbeats(job)
        except RedisError as error:  # not a reason to leave the horse alone
            log.warning("heartbeat missed", error=type(error).__name__)

    def set_current_job_working_time(
        self, current_job_working_time: float, pipeline: Pipeline | None = None
    ) -> None:
        with suppress(RedisError):  # nor is this one, which RQ writes between heartbeats
            super().set_current_job_working_time(current_job_working_time, pipeline)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        if exc_info[0] not in LOGGED:
            super().handle_exception(job, *exc_info)

    def teardown(self) -> None:
        with suppress(RedisError):
            super().teardown()


class TaskScheduler(RQScheduler):
    """Queues delayed jobs when they are due, while it has the lock."""

    def __init__(self) -> None:
        super().__init__(
            [BrokerSettings.load().task_queue],
            connection=worker_connection(),
            serializer=JSONSerializer,
            logging_level="WARNING",
        )
        self._supervisor = os.getppid()

    @property
    def should_reacquire_locks(self) -> bool:
        if self.acquired_locks:
            return False
        last = self.lock_acquisition_time
        return last is None or time.time() - last.timestamp() > LOCK_RETRY

    def heartbeat(self) -> None:
        if os.getppid() != self._supervisor:
            self.request_stop()
        super().heartbeat()

    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def worker_connection() -> Redis:
    backoff = ExponentialBackoff(cap=1, base=0.1)
    retry = Reconnect(backoff, 5, supported_errors=(RedisConnectionError,))
    return connect(socket_connect_timeout=2, retry=retry)


@contextmanager
def stopping_without_redis() -> Iterator[None]:
    """End the worker when Redis is away, without a traceback: the supervisor starts another."""
    try:
        yield
    except RedisError as error:
        log.warning("Redis does not answer", error=type(error).__name__)
        raise StopRequested from error


def run_rq_worker() -> None:
    """Run jobs, each in a process of its own, until SIGTERM."""
    with suppress(StopRequested), stopping_without_redis():
        TaskWorker().work(logging_level="WARNING")


def run_rq_scheduler() -> None:
    """Queue delayed jobs until SIGTERM."""
    with suppress(StopRequested), stopping_without_redis():
        TaskScheduler().work()
