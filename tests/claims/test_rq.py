"""What RQ does by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.claims.programs import Program, Stage

pytestmark = pytest.mark.xdist_group("claims")  # one environment for all

JOBS = """
import signal

async def coroutine():
    tell("the coroutine ran")

def hold():
    tell("held")
    signal.pause()
"""
ENQUEUE = """
import os, jobs, redis, rq
queue = rq.Queue(connection=redis.Redis.from_url(os.environ["BROKER"]))
print(queue.enqueue(jobs.{job}, retry=rq.Retry(max=3)).id)
"""
STATUS = """
import os, redis, rq.job
with redis.Redis.from_url(os.environ["BROKER"]) as broker:
    print(rq.job.Job.fetch("{job}", connection=broker).get_status())
"""


@pytest.fixture(scope="module", autouse=True)
def jobs(broker: Stage) -> None:
    broker.write("jobs.py", JOBS)


def worker(broker: Stage, *options: str) -> Program:
    return broker.start("-m", "rq.cli", "worker", "--url", broker.environment["BROKER"], *options)


def test_rq_runs_coroutines(broker: Stage) -> None:
    """A job may be `async def`."""
    broker.run(ENQUEUE.format(job="coroutine"))
    burst = worker(broker, "--burst")
    burst.wait()
    assert burst.found("the coroutine ran")


def test_retry_does_not_save_the_job_of_a_killed_worker(broker: Stage) -> None:
    """The next worker finds nothing to do; the job counts as begun, for minutes."""
    [job] = broker.run(ENQUEUE.format(job="hold"))
    killed = worker(broker)
    killed.expect("held")
    killed.kill()
    burst = worker(broker, "--burst")
    burst.wait()
    assert not burst.found("held")
    assert broker.run(STATUS.format(job=job)) == ["JobStatus.STARTED"]
