"""What else Redis does when things go wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from dev.servers import Broker

from .service import Service


@contextmanager
def emptied(broker: Broker, _service: Service) -> Iterator[None]:
    with Redis.from_url(broker.url) as client:
        client.flushall()
        yield
        client.flushall()


@contextmanager
def read_only(broker: Broker, _service: Service) -> Iterator[None]:
    """As after a failover, when the old master has become a replica."""
    with Redis.from_url(broker.url) as client:
        client.replicaof("127.0.0.1", 1)
        try:
            yield
        finally:
            client.replicaof("NO", "ONE")


@contextmanager
def full(broker: Broker, _service: Service) -> Iterator[None]:
    """It has reached its `maxmemory`, and takes nothing more."""
    with Redis.from_url(broker.url) as client:
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", 0)


KINDS = [emptied, read_only, full]
