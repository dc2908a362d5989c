"""What Celery needs to know of RabbitMQ.

The queue is a quorum queue: it is on disk before a publish is confirmed, and it counts
deliveries. A delayed task waits in queues of RabbitMQ's own, which Celery shares among all of a
virtual host: give each service one of its own.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from threading import Lock
from typing import Any

from amqp.exceptions import AMQPError, NotFound, PreconditionFailed
from celery import Celery
from celery.bootsteps import StartStopStep
from celery.exceptions import OperationalError
from kombu import Exchange, Queue
from kombu.transport.native_delayed_delivery import (
    MAX_LEVEL,
    bind_queue_to_native_delayed_delivery_exchange,
    declare_native_delayed_delivery_exchanges_and_queues,
    level_name,
)
from pydantic import PositiveFloat

from ..settings import PREFIX, ServiceSettings, SettingsError

ERRORS = (OperationalError, AMQPError)
SOCKET_TIMEOUT = 2.0  # seconds; a frozen broker would hold a publisher up for ever
LONGEST_DELAY: int = (1 << MAX_LEVEL + 1) - 1  # seconds: 8 years
# Deliveries, handed-back ones among them: more than a task's attempts, which its row counts. It
# bounds what the row cannot, such as a message that kills the worker before it is read.
DELIVERY_LIMIT = 20
_preparing = Lock()  # a queue that is used while it is declared answers with an error


class TransportSettings(ServiceSettings):
    consumer_timeout: PositiveFloat = 1800.0
    """RabbitMQ's own, in seconds: it ends the channel of a task that runs longer."""


def configuration(queue: str, time_limit: float) -> dict[str, Any]:
    limit = TransportSettings.load().consumer_timeout
    if time_limit >= limit:
        raise SettingsError(
            f"{PREFIX}TASK_TIME_LIMIT={time_limit:g} is not below RabbitMQ's consumer_timeout, "
            f"after which it delivers a running task again: raise that one in rabbitmq.conf, and "
            f"{PREFIX}CONSUMER_TIMEOUT={limit:g} with it."
        )
    return {
        "task_queues": [_queue(queue)],
        "task_default_exchange": queue,
        "task_default_exchange_type": "topic",
        "task_default_routing_key": queue,
        "broker_transport_options": {
            "confirm_publish": True,  # or what a full or dying broker drops is taken for sent
            "read_timeout": SOCKET_TIMEOUT,
            "write_timeout": SOCKET_TIMEOUT,
        },
    }


def _queue(name: str) -> Queue:
    # Delayed delivery needs a topic exchange, and its binding is by the queue's name.
    return Queue(
        name,
        Exchange(name, "topic"),
        routing_key=name,
        queue_arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": _dead(name).name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",  # which that strategy needs
        },
    )


def _dead(name: str) -> Queue:
    """Return the queue of the dead letters, whatever their routing key."""
    exchange = Exchange(f"{name}.dead", "fanout")
    return Queue(exchange.name, exchange, queue_arguments={"x-queue-type": "quorum"})


class DeadLetters(StartStopStep):
    """Declares their queue before the worker takes tasks."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def start(self, parent: Any) -> None:
        _dead(parent.app.conf.task_default_queue).bind(parent.connection.channel()).declare()


def install(app: Celery) -> None:
    app.steps["consumer"].add(DeadLetters)


def countdown(app: Celery, seconds: float) -> float:
    """RabbitMQ's delays are whole seconds."""
    prepare(app)
    return min(math.ceil(seconds), LONGEST_DELAY)


def prepare(app: Celery) -> None:
    """Declare what delays need, as workers do: without it, what is published before is lost."""
    with _preparing:
        _declare(app)


@cache
def _declare(app: Celery) -> None:
    queue = app.conf.task_default_queue
    with app.connection_for_write() as connection:
        declare_native_delayed_delivery_exchanges_and_queues(connection, "quorum")
        channel = connection.default_channel
        _dead(queue).bind(channel).declare()
        declared = _queue(queue).bind(channel)
        declared.declare()
        bind_queue_to_native_delayed_delivery_exchange(connection, declared)


def stores(app: Celery, queue: str) -> dict[str, int]:
    """Count what is ready; what is delivered has a row that says so."""
    declared = _each(app, queue, lambda channel, name: channel.queue_declare(name, passive=True))
    return {name: answer.message_count for name, answer in declared}


def purge(app: Celery, queue: str) -> None:
    for _ in _each(app, queue, lambda channel, name: channel.queue_purge(name)):
        pass


def _each(app: Celery, queue: str, call: Callable[[Any, str], Any]) -> Iterator[tuple[str, Any]]:
    """Call it for each queue that there is."""
    with suppress(PreconditionFailed):  # one that an older release has declared otherwise
        prepare(app)
    delays = (level_name(level) for level in range(MAX_LEVEL + 1))
    with app.connection_for_write() as connection:
        for name in (queue, f"{queue}.dead", *delays):
            with connection.channel() as channel, suppress(NotFound):  # which ends the channel
                yield name, call(channel, name)
