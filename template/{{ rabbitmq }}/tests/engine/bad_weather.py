"""What else happens to RabbitMQ when things go wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection

from dev.servers import Broker

from .service import Service


@contextmanager
def emptied(_broker: Broker, service: Service) -> Iterator[None]:
    url, prefix = (
        service.environment[f"{service.prefix}{name}"] for name in ("BROKER_URL", "TASK_QUEUE")
    )
    with Connection(url) as connection:
        channel: Any = connection.channel()  # AMQP's, which its type hints do not know
        for queue in (f"{prefix}.default", f"{prefix}.default.again"):
            channel.queue_purge(queue)
        yield
        for queue in (f"{prefix}.default", f"{prefix}.default.again"):
            channel.queue_purge(queue)


KINDS = [emptied]
