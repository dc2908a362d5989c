"""Who takes what slices send: a mail server and a webhook's receiver. Both report to the peer."""

import asyncio
import email
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP

from .engine.peer import Peer


class Mailbox:
    """A mail server that reports each mail; with "busy" in the address it refuses the first."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd calls it so
        [to], mail = envelope.rcpt_tos, email.message_from_bytes(envelope.content)
        busy = "busy" in to and not self._peer.found(event="mail refused", to=to)
        report = {"to": to, **dict(mail.items()), "text": mail.get_payload()}
        self._peer.take({"event": "mail refused" if busy else "mail", **report})
        return "451 busy" if busy else "250 OK"


@contextmanager
def mail_server(peer: Peer) -> Iterator[int]:
    """Yield its port."""
    loop = asyncio.new_event_loop()
    listening = loop.create_server(lambda: SMTP(Mailbox(peer), loop=loop), "127.0.0.1", 0)
    server = loop.run_until_complete(listening)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.run_until_complete(server.wait_closed())
    loop.close()


class Receiver(ThreadingHTTPServer):
    """The webhook's: answers with the first of ``answers``, else 204, and reports each call."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(("127.0.0.1", 0), ReceiverHandler)
        self.peer = peer
        self.answers: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}/"


class ReceiverHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.server.answers.pop(0) if self.server.answers else 204
        report = {"event": "webhook", "key": self.headers["Idempotency-Key"], "answer": answer}
        self.server.peer.take({**body, "about": body["event"], **report, "body": body})
        self.send_response(answer)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Keep quiet."""


@contextmanager
def webhook_receiver(peer: Peer) -> Iterator[Receiver]:
    with Receiver(peer) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield server
        server.shutdown()
        thread.join()
