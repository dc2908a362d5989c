"""What Celery needs to know of Redis.

Redis itself knows no delays and no consumers. A worker holds a delayed task until it is due, and
what a worker has taken and not acknowledged is put back by another one after a time, the
visibility timeout, for it may be dead. That has to be longer than the longest delay and the
longest task together, or both would run more than once.
"""

from datetime import datetime
from json import JSONDecodeError
from queue import Empty
from time import monotonic, time
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
NOTE = """
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 1 then
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
  redis.call('ZADD', KEYS[3], ARGV[4], ARGV[2])
end
"""


class TransportSettings(ServiceSettings):
    task_delay_step: PositiveFloat = 60.0
    """Seconds for which a worker holds a delayed task; longer delays are taken in such steps."""


def configuration(queue: str, time_limit: float) -> dict[str, Any]:
    step = TransportSettings.load().task_delay_step
    return {
        "broker_transport": f"{__name__}:Transport",
        "broker_transport_options": {
            "visibility_timeout": time_limit + step + MARGIN,
            "priority_steps": [0],  # one list per queue, which is what a worker can wait at
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
    taken, unacked = _taken(queue), f"{queue}.unacked"
    with app.connection_for_write() as connection:
        client = _client(connection)
        return {
            queue: client.llen(queue),
            taken: client.llen(taken),
            unacked: client.hlen(unacked),
        }


def purge(app: Celery, queue: str) -> None:
    """Empty the queue, and take what is delayed from the workers that hold it."""
    with app.connection_for_write() as connection:
        client = _client(connection)
        client.delete(queue)
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


def _taken(queue: str) -> str:
    """Return the list of what Redis has given to a worker that has not noted it down yet."""
    return f"{queue}.taken"


class QoS(kombu_redis.QoS):
    channel: Any

    def restore_visible(self, *args: Any, **options: Any) -> None:
        self.channel.note_taken()
        super().restore_visible(*args, **options)


class Channel(kombu_redis.Channel):
    """Where kombu loses messages: those on their way to a worker that dies, and what is not JSON.

    A worker of kombu's takes a message by BRPOP and notes it down in `unacked` when it has read
    the answer; between the two it is nowhere. Here Redis itself puts it into a list meanwhile.
    """

    QoS = QoS
    _queue_cycle: Any  # this and the next two are kombu's, and not in the stubs
    _flush_brpop_reauth: Any
    connection_errors: tuple[type[Exception], ...]
    _polled = ""  # the queue that Redis was asked about

    def _connparams(self, *args: Any, **kwargs: Any) -> Any:
        # kombu 5.7 puts messages back, and acknowledges them, through a connection that it has
        # lost and forgotten the address of. It forgives this error; its own ends the worker.
        if self.connection.client is None:
            raise RedisConnectionError("the connection was lost")
        return super()._connparams(*args, **kwargs)  # type: ignore[misc]  # not in the stubs

    def _brpop_start(self, timeout: float | None = None) -> None:
        if not self.active_queues:
            return
        [self._polled] = self._queue_cycle.consume(1)
        self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        seconds = timeout or self.brpop_timeout
        ends = ("RIGHT", "LEFT")
        self._in_poll.send_command("BLMOVE", self._polled, _taken(self._polled), *ends, seconds)

    def _brpop_read(self, **options: Any) -> bool:
        queue, connection = self._polled, self.client.connection
        try:
            item = self.client.parse_response(connection, "BLMOVE", **options)
        except self.connection_errors:
            connection.disconnect()
            raise
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()
        self._queue_cycle.rotate(queue)
        if item is None:
            raise Empty
        self.connection._deliver(_read(item, queue), queue)  # noqa: SLF001 - it has no other
        with self.conn_or_acquire() as client:
            client.lrem(_taken(queue), 1, item)
        return True

    def note_taken(self) -> None:
        """Note down for a worker what it has not: if it is dead, this counts as its delivery."""
        with self.conn_or_acquire() as client:
            for queue in self.active_queues:
                keys = (_taken(queue), self.unacked_key, self.unacked_index_key)
                for item in client.lrange(keys[0], 0, -1):
                    message = _whole(_read(item, queue), queue)
                    where = message["properties"]["delivery_info"]
                    noted = dumps([message, where["exchange"], where["routing_key"]])
                    tag = message["properties"]["delivery_tag"]
                    client.eval(NOTE, len(keys), *keys, item, tag, noted, time())


class Transport(kombu_redis.Transport):
    Channel = Channel

    def _deliver(self, message: Any, queue: Any) -> None:
        super()._deliver(_whole(message, queue), queue)


def _read(item: bytes, queue: str) -> Any:
    try:
        return loads(item)
    except (JSONDecodeError, UnicodeDecodeError):
        return _enveloped(item.decode(errors="backslashreplace"), queue)


def _whole(message: Any, queue: str) -> Any:
    return message if _is_envelope(message) else _enveloped(message, queue)


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
