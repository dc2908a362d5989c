"""A client of an API: some connections that are kept, a request after the other on each."""

from __future__ import annotations

import asyncio
import time
from statistics import quantiles
from uuid import uuid4

from benchmarks.processes import ContenderError

CONNECTIONS = 8
HEADERS = "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"


class Client(asyncio.Protocol):
    """Sends a request as soon as the last one is answered, until the time is over."""

    def __init__(self, path: str, until: float) -> None:
        self.seconds: list[float] = []
        self.done = asyncio.get_running_loop().create_future()
        self._path, self._until = path, until
        self._begun, self._answer = 0.0, b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of TCP
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not _is_whole(self._answer):
            return
        if not self._answer.startswith(b"HTTP/1.1 202"):
            self._fail(f"{self._path} answers {self._answer[:500]!r}")
            return
        self.seconds.append(time.perf_counter() - self._begun)
        self._answer = b""
        if time.perf_counter() < self._until:
            self._send()
        else:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"{self._path}: the connection is lost ({exc})")

    def _send(self) -> None:
        body = f'{{"email": "{uuid4().hex}@example.com"}}'
        head = f"{HEADERS.format(path=self._path)}Content-Length: {len(body)}\r\n\r\n"
        self._begun = time.perf_counter()
        if self._transport:
            self._transport.write(f"{head}{body}".encode())

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        if self._transport:
            self._transport.close()

    def _fail(self, text: str) -> None:
        if not self.done.done():
            self.done.set_exception(ContenderError(text))


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return bool(end) and len(body) >= int(length or 0)


async def _loaded(port: int, path: str, seconds: float) -> tuple[list[float], float]:
    begun = time.perf_counter()
    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(CONNECTIONS):
        make = lambda: Client(path, begun + seconds)  # noqa: E731
        clients.append((await loop.create_connection(make, "127.0.0.1", port))[1])
    await asyncio.gather(*(client.done for client in clients))
    took = time.perf_counter() - begun
    return [each for client in clients for each in client.seconds], took


def loaded(port: int, path: str, seconds: float) -> dict[str, float]:
    """Load a path for so long. Raises ContenderError for an answer that is none of success."""
    waits, took = asyncio.run(_loaded(port, path, seconds))
    hundredths = quantiles(waits, n=100)
    return {
        "requests/s": len(waits) / took,
        "p50, ms": hundredths[49] * 1e3,
        "p99, ms": hundredths[98] * 1e3,
    }
