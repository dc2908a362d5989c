"""What the outbox's relay does: it loses nothing when it is killed, and hands over when stopped."""

import threading
from collections.abc import Callable, Iterator

import pytest

from .contract import harness
from .peer import Peer
from .service import Service, StartService


@pytest.fixture(scope="module", autouse=True)
def module_service(start_service: StartService) -> Iterator[Service]:
    with start_service(TASK_LEASE="2") as service:
        yield service


def replace_relay(service: Service) -> None:
    """Kill the relay and start another one."""
    [relay] = [each for each in service.processes if each.name == "relay" and each.is_running()]
    relay.kill()
    harness.start_worker(service)


def test_a_killed_relay_loses_nothing(
    module_service: Service,
    peer: Peer,
    label: str,
    record_property: Callable[[str, object], None],
) -> None:
    """Whatever it was at, each task reaches a worker; some may reach it twice."""
    service = module_service
    labels = [f"{label}-{number}" for number in range(200)]

    def enqueue() -> None:
        for each in labels:
            service.enqueue("run_async", label=each)

    enqueuing = threading.Thread(target=enqueue)
    enqueuing.start()
    for number in (20, 60, 100, 140):
        peer.expect(event="ran", label=labels[number], within=60)
        replace_relay(service)
    enqueuing.join()
    for each in labels:
        peer.expect(event="ran", label=each, within=120)
    runs = [len(peer.found(event="ran", label=each)) for each in labels]
    record_property("ran more than once", sum(count > 1 for count in runs))


def test_sigterm_ends_the_relay(module_service: Service, peer: Peer, label: str) -> None:
    """It ends by itself and with 0; what it had not sent is sent by the next one."""
    service = module_service
    service.enqueue("run_async", label=f"{label}-before")
    peer.expect(event="ran", label=f"{label}-before")  # it has started, then
    [relay] = [each for each in service.processes if each.name == "relay" and each.is_running()]
    relay.terminate()
    assert relay.wait() == 0
    service.enqueue("run_async", label=label)
    harness.start_worker(service)
    peer.expect(event="ran", label=label)
