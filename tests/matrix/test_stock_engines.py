"""What counts as an engine's own affair, and is refused in a render."""

from __future__ import annotations

import pytest

from generator.matrix import stock_engines


@pytest.mark.parametrize(
    "code",
    [
        "from rq import Worker\nclass Ours(Worker): pass",
        "import celery\nclass Ours(celery.Task): pass",
        "from kombu.transport import redis\nclass Channel(redis.Channel): pass",
        "from rq.worker import _private",
        "import celery._state",
        "from celery import Celery\nCelery('x')._conf",
        "from rq import Queue\nQueue('x').connection._pool",
        "from rq import Worker\nWorker.handle_work_horse_killed = print",
    ],
)
def test_faults(code: str) -> None:
    """A subclass, a private name or module, and an assignment are each found."""
    assert list(stock_engines.faults(code))


@pytest.mark.parametrize(
    "code",
    [
        "from rq import Queue, Worker\nQueue('x').enqueue(print)\nkind = Worker",
        "from celery import Celery\napp = Celery('x')\napp.conf.task_default_queue = 'x'",
        "class Ours(Exception): pass\nOurs._own = 1",
        "import redis\nredis.__version__",
    ],
)
def test_documented_use(code: str) -> None:
    """What their documentation has passes, and so does what is ours."""
    assert not list(stock_engines.faults(code))
