"""The other end of what tasks do: they report to it, and wait for it where a test says so."""

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .processes import PATIENCE


class Peer:
    """Takes one JSON line a connection and answers it, at once or when ``release`` is called."""

    def __init__(self) -> None:
        self.reports: list[dict[str, Any]] = []
        self.address = ""
        self._news = threading.Condition()
        self._released: set[str] = set()
        self._closing = False

    def take(self, report: dict[str, Any]) -> None:
        with self._news:
            self.reports.append({"at": time.time(), **report})
            self._news.notify_all()
            if gate := report.get("gate"):
                self._news.wait_for(lambda: gate in self._released or self._closing)

    def release(self, gate: str) -> None:
        with self._news:
            self._released.add(gate)
            self._news.notify_all()

    def found(self, **fields: Any) -> list[dict[str, Any]]:
        return [report for report in list(self.reports) if fields.items() <= report.items()]

    def expect(
        self, count: int = 1, within: float = PATIENCE, **fields: Any
    ) -> list[dict[str, Any]]:
        """Return the reports that have the fields, as soon as there are ``count``."""
        with self._news:
            self._news.wait_for(lambda: len(self.found(**fields)) >= count, within)
        found = self.found(**fields)
        assert len(found) >= count, f"{len(found)} of {count} reports have {fields}"
        return found

    def close(self) -> None:
        with self._news:
            self._closing = True
            self._news.notify_all()


@contextmanager
def listening_peer() -> Iterator[Peer]:
    peer = Peer()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if line := self.rfile.readline():
                peer.take(json.loads(line))
                self.wfile.write(b"ok\n")

        def finish(self) -> None:
            try:
                super().finish()
            except OSError:
                return  # the task's process was killed by the test

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A killed task's connection breaks: nothing to tell."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        peer.address = f"127.0.0.1:{server.server_address[1]}"
        yield peer
        peer.close()
        server.shutdown()
