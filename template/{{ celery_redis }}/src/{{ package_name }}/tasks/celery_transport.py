"""What Celery needs to know of Redis.

Redis itself knows no delays and no consumers. A worker holds a delayed task until it is due, and
what a worker has taken and not acknowledged is put back by another one after a time, the
visibility timeout, for it may be dead. That has to be longer than the longest delay and the
longest task together, or both would run more than once.
"""

from datetime import datetime
from json import JSONDecodeError
from typing import Any
from uuid import uuid4

from celery import Celery
from celery.exceptions import OperationalError
from kombu.transport import redis as kombu_redis
from kombu.utils.json import dumps, loads
from pydantic import PositiveFloat
from redis import Redis, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from ..settings import ServiceSettings
from .message import utc_now

ERRORS = (OperationalError, RedisError)
MARGIN = 10.0  # seconds for a killed task's process to end, and its message to be settled
SOCKET_TIMEOUT = 2.0  # seconds; a frozen Redis would hold a publisher up for minutes


class TransportSettings(ServiceSettings):
    task_delay_step: PositiveFloat = 60.0
    """Seconds for which a worker holds a delayed task; longer delays are taken in such steps."""


def configuration(queue: str, time_limit: float) -> dict[str, Any]:
    step = TransportSettings.load().task_delay_step
    return {
        "broker_transport": f"{__name__}:Transport",
        "broker_transport_options": {
            "visibility_timeout": time_limit + step + MARGIN,
            "unacked_restore_interval": 5,  # by default it is looked for every 100 s only
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 1.0,
            "socket_timeout": SOCKET_TIMEOUT,
            # By default all queues of a database share one: a service with a shorter timeout
            # would put back what another one's workers are running.
            "unacked_key": f"{queue}.unacked",
            "unacked_index_key": f"{queue}.unacked_index",
            "unacked_mutex_key": f"{queue}.unacked_mutex",
        },
    }


def install(_app: Celery) -> None:
    """Redis needs nothing more of a worker."""


def prepare(_app: Celery) -> None:
    """Redis needs nothing declared."""


def countdown(_app: Celery, seconds: float) -> float:
    return min(seconds, TransportSettings.load().task_delay_step)


def stores(app: Celery, queue: str) -> dict[str, int]:
    with app.connection_for_write() as connection:
        client = _client(connection)
        return {
            queue: sum(client.llen(key) for key in _lists(connection, queue)),
            f"{queue}.unacked": client.hlen(f"{queue}.unacked"),
        }


def purge(app: Celery, queue: str) -> None:
    """Empty the queue, and take what is delayed from the workers that hold it."""
    with app.connection_for_write() as connection:
        client = _client(connection)
        client.delete(*_lists(connection, queue))
        for tag, text in client.hscan_iter(f"{queue}.unacked"):
            message, *_ = loads(text)
            if _is_early(message["headers"].get("eta")):
                client.hdel(f"{queue}.unacked", tag)
                client.zrem(f"{queue}.unacked_index", tag)


def _is_early(eta: str | None) -> bool:
    """Running ones stay: if their process dies, they come back by this."""
    return eta is not None and datetime.fromisoformat(eta) > utc_now()


def _client(connection: Any) -> Redis:
    client: Redis = connection.default_channel.client
    return client


def _lists(connection: Any, queue: str) -> list[str]:
    """Return the queue's lists, one for each priority."""
    channel = connection.default_channel
    return [channel._q_for_pri(queue, step) for step in channel.priority_steps]  # noqa: SLF001


class Channel(kombu_redis.Channel):
    """Where kombu would drop what is not JSON, with no more than a line in the log."""

    def _connparams(self, *args: Any, **kwargs: Any) -> Any:
        # kombu 5.7 puts messages back, and acknowledges them, through a connection that it has
        # lost and forgotten the address of. It forgives this error; its own ends the worker.
        if self.connection.client is None:
            raise RedisConnectionError("the connection was lost")
        return super()._connparams(*args, **kwargs)  # type: ignore[misc]  # not in the stubs

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # not in the stubs
        except (JSONDecodeError, UnicodeDecodeError) as error:
            raw = error.doc if isinstance(error, JSONDecodeError) else repr(error.object)
            [queue] = self.active_queues
            self.connection._deliver(raw, queue)  # noqa: SLF001 - as the method itself does
            return True


class Transport(kombu_redis.Transport):
    Channel = Channel

    def _deliver(self, message: Any, queue: Any) -> None:
        super()._deliver(message if _is_envelope(message) else _enveloped(message, queue), queue)


def _is_envelope(message: Any) -> bool:
    try:
        properties = message["properties"]
        where = properties["delivery_info"]
        parts = (properties["delivery_tag"], where["exchange"], where["routing_key"])
        return isinstance(message["headers"], dict) and all(isinstance(p, str) for p in parts)
    except (KeyError, TypeError):
        return False


def _enveloped(raw: Any, queue: str) -> dict[str, Any]:
    return {
        "body": raw if isinstance(raw, str) else dumps(raw),
        "content-type": "text/plain",
        "content-encoding": "utf-8",
        "headers": {},
        "properties": {
            "delivery_tag": str(uuid4()),
            "delivery_info": {"exchange": "", "routing_key": queue},
        },
    }
