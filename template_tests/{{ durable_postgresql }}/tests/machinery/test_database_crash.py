"""PostgreSQL crashes and comes back, under load."""

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dev.postgresql import database_server

from ..engine.peer import Peer
from ..engine.processes import PATIENCE
from ..engine.service import StartService

SLOWEST_DRAIN = 300.0  # seconds for a thousand tasks


@pytest.mark.load
def test_postgresql_restarts_under_load(
    start_service: StartService,
    peer: Peer,
    label: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Every task whose request was answered runs, by the processes that ran before."""
    with database_server(tmp_path) as databases:
        if (server := databases.server) is None:
            pytest.skip("TEST_DATABASE_URL names a server that is not ours to stop")
        with start_service(DATABASE_URL=databases.create()) as service:
            answered: list[str] = []
            refused = threading.Event()
            labels = [f"{label}-{number}" for number in range(1000)]

            def enqueue(each: str) -> None:
                body = {"task": "run_async", "arguments": {"label": each}}
                answer = service.client.post("/probe/enqueue", json={"tasks": [body]})
                if answer.status_code == 200:
                    answered.append(each)
                else:
                    refused.set()

            with ThreadPoolExecutor(4) as clients:
                requests = clients.map(enqueue, labels)
                peer.expect(event="ran", label=labels[10])
                server.stop(signal.SIGQUIT)  # at once, and what it does then is to recover
                assert refused.wait(PATIENCE)
                server.start()
                list(requests)
            for each in answered:
                # One that the crash cut short is run again, behind all others.
                peer.expect(event="ran", label=each, within=SLOWEST_DRAIN)
            runs = [len(peer.found(event="ran", label=each)) for each in answered]
            record_property("answered", len(answered))
            record_property("ran more than once", sum(count > 1 for count in runs))
            ended = [each.name for each in service.processes if not each.is_running()]
            assert ended == []
