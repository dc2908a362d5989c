"""What Celery does with its own settings, and with those that tutorials add."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.claims.programs import Program, Stage

pytestmark = pytest.mark.xdist_group("claims")  # one environment for all

APP = """
import signal, sqlite3
from celery import Celery

app = Celery("shop", broker=os.environ["BROKER"])

@app.task
async def coroutine():
    tell("the coroutine ran")

@app.task
def mark(text):
    tell(text)

@app.task(acks_late=True, autoretry_for=(Exception,), default_retry_delay=0)
def die_late():
    tell("a late one began")
    os.kill(os.getpid(), signal.SIGKILL)

@app.task(acks_late=True, reject_on_worker_lost=True, max_retries=3)
def die_again():
    tell("a rejected one began")
    os.kill(os.getpid(), signal.SIGKILL)

@app.task
def look():
    [(rows,)] = sqlite3.connect("orders.db").execute("SELECT count(*) FROM orders")
    tell(f"a task sees {rows} rows")
"""
ORDER = """
import sqlite3, shop
database = sqlite3.connect("orders.db")
database.execute("INSERT INTO orders VALUES (1)")
shop.look.delay()
input()
database.commit()
shop.look.delay()
"""
LEFT = """
import os, redis
broker = redis.Redis.from_url(os.environ["BROKER"])
print(broker.llen("celery") + broker.hlen("unacked"))
"""


@pytest.fixture(scope="module")
def worker(broker: Stage) -> Program:
    broker.write("shop.py", APP)
    options = ["-c", "1", "--loglevel", "INFO", "--without-mingle", "--without-gossip"]
    worker = broker.start("-m", "celery", "-A", "shop", "worker", *options)
    worker.expect(" ready.")
    return worker


def test_celery_runs_no_coroutines(broker: Stage, worker: Program) -> None:
    """The task succeeds, and its body never runs."""
    broker.run("import shop; shop.coroutine.delay(); shop.mark.delay('after the coroutine')")
    worker.expect("after the coroutine")
    worker.expect("Task shop.coroutine[", "succeeded")
    assert not worker.found("the coroutine ran")


def test_a_task_enqueued_before_the_commit_misses_its_row(broker: Stage, worker: Program) -> None:
    """The worker is faster than the transaction."""
    with sqlite3.connect(broker.folder / "orders.db") as database:
        database.execute("CREATE TABLE orders (id INTEGER)")
    api = broker.start("-c", ORDER)
    worker.expect("a task sees 0 rows")
    api.go_on()
    worker.expect("a task sees 1 rows")


def test_acks_late_and_retries_lose_the_task_of_a_killed_process(
    broker: Stage, worker: Program
) -> None:
    """It is acknowledged as failed, not tried again, and nothing of it is left in the broker."""
    broker.run("import shop; shop.die_late.delay()")
    worker.expect("WorkerLostError")
    broker.run("import shop; shop.mark.delay('after the late one')")
    worker.expect("after the late one")
    assert len(worker.found("a late one began")) == 1
    assert broker.run(LEFT) == ["0"]


def test_reject_on_worker_lost_has_no_end(broker: Stage, worker: Program) -> None:
    """A task that kills its process does so again and again, whatever its max_retries."""
    broker.run("import shop; shop.die_again.delay()")
    worker.expect("a rejected one began", count=5)
    worker.kill()
