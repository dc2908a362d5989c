"""What Redis keeps, with the settings that it comes with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.claims.conftest import start_redis

if TYPE_CHECKING:
    from tests.claims.programs import Stage

pytestmark = pytest.mark.xdist_group("claims")  # one environment for all

ENQUEUE = """
import os, redis
from celery import Celery
Celery(broker=os.environ["BROKER"]).send_task("send_mail")
"""
LENGTH = """
import os, redis
print(redis.Redis.from_url(os.environ["BROKER"]).llen("celery"))
"""


def test_redis_forgets_what_was_queued(broker: Stage) -> None:
    """It is killed and started again: the task is gone."""
    broker.run(ENQUEUE)
    assert broker.run(LENGTH) == ["1"]
    broker.running[0].kill()
    start_redis(broker)
    assert broker.run(LENGTH) == ["0"]
