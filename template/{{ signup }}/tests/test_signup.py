"""Signing up, against a real mail server and a real receiver of the webhook."""

import asyncio
import email
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import httpx
import pytest
from aiosmtpd.smtp import SMTP

from .engine.peer import Peer
from .engine.service import Service, StartService


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


class ReceiverHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Receiver)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.server.answers.pop(0) if self.server.answers else 204
        report = {"event": "webhook", "key": self.headers["Idempotency-Key"], "answer": answer}
        self.server.peer.take({**report, "body": body, "user": body["user_id"]})
        self.send_response(answer)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Keep quiet."""


@pytest.fixture(scope="module")
def receiver(peer: Peer) -> Iterator[Receiver]:
    with Receiver(peer) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def shop(start_service: StartService, peer: Peer, receiver: Receiver) -> Iterator[Service]:
    webhook = f"http://127.0.0.1:{receiver.server_port}/signups"
    with (
        mail_server(peer) as port,
        start_service(SMTP_URL=f"smtp://127.0.0.1:{port}", ADMIN_WEBHOOK_URL=webhook) as service,
    ):
        yield service


def sign_up(service: Service, address: str, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return service.client.post("/signups", json={"email": address}, headers=headers)


def test_signup(shop: Service, peer: Peer, label: str) -> None:
    """The answer says where the mail's status is; mail and webhook both follow from one commit."""
    address = f"{label}@example.com"
    answer = sign_up(shop, address)
    body = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/tasks/{body['task_id']}"
    assert answer.headers["Retry-After"] == "1"
    [mail] = peer.expect(event="mail", to=address)
    assert (mail["From"], mail["Subject"]) == ("welcome@example.com", "Welcome")
    assert mail["text"].strip() == "Your account is ready."
    assert mail["Message-ID"] == f"<{body['task_id']}@example.com>"
    [call] = peer.expect(event="webhook", user=body["user_id"])
    assert call["body"] == {"event": "user.signed_up", "user_id": body["user_id"]}
    assert shop.finished(call["key"])["state"] == "succeeded"
    shop.finished(body["task_id"])
    status = shop.client.get(answer.headers["Location"])
    assert status.json()["state"] == "succeeded"
    assert "Retry-After" not in status.headers


def test_servers_that_refuse_first(
    shop: Service, peer: Peer, receiver: Receiver, label: str
) -> None:
    """Mail and webhook are tried again, each under the id of its first attempt."""
    address = f"{label}-busy@example.com"
    receiver.answers.append(503)
    user_id = sign_up(shop, address).json()["user_id"]
    [mail] = peer.expect(event="mail", to=address)
    [refused] = peer.expect(event="mail refused", to=address)
    assert mail["Message-ID"] == refused["Message-ID"]
    calls = peer.expect(count=2, event="webhook", user=user_id)
    assert [call["answer"] for call in calls] == [503, 204]
    assert len({UUID(call["key"]) for call in calls}) == 1


def test_a_webhook_that_is_down_holds_up_no_mail(
    shop: Service, peer: Peer, receiver: Receiver, label: str
) -> None:
    """The mail is out while the webhook waits for its next attempt."""
    receiver.answers.append(503)
    answer = sign_up(shop, f"{label}@example.com").json()
    peer.expect(event="mail", to=f"{label}@example.com")
    [call] = peer.expect(event="webhook", user=answer["user_id"])
    assert (call["answer"], shop.status(call["key"])["finished_at"]) == (503, None)


def test_an_address_has_one_account(shop: Service, label: str) -> None:
    """A second signup, in other letters too, is a 409 problem."""
    assert sign_up(shop, f"{label}@example.com").status_code == 202
    again = sign_up(shop, f"{label.upper()}@example.com")
    assert again.headers["content-type"] == "application/problem+json"
    assert (again.status_code, again.json()["title"]) == (409, "Conflict")


@pytest.mark.parametrize("address", ["", "nobody", "a@b", "x" * 250 + "@example.com"])
def test_an_invalid_address(shop: Service, address: str) -> None:
    """It is a 422 problem that says where and why."""
    answer = sign_up(shop, address)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "email"]


def test_a_repeated_request(shop: Service, peer: Peer, label: str) -> None:
    """Under its Idempotency-Key it gets the first answer and has no effect; another body is 422."""
    address = f"{label}@example.com"
    first, second = (sign_up(shop, address, key=label) for _ in range(2))
    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert second.headers["Location"] == first.headers["Location"]
    other = sign_up(shop, f"other-{address}", key=label)
    assert (other.status_code, other.json()["status"]) == (422, 422)
    assert_one_mail(shop, peer, address, label)


def test_requests_repeated_at_the_same_time(shop: Service, peer: Peer, label: str) -> None:
    """Of several at one time one has the effect, and all get its answer."""
    address = f"{label}@example.com"
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: sign_up(shop, address, key=label), range(8)))
    assert [answer.status_code for answer in answers] == [202] * 8
    assert len({answer.text for answer in answers}) == 1
    assert_one_mail(shop, peer, address, label)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "localhost:1025"),
        ("SMTP_URL", "smtp://app:sec#ret@localhost:1025"),
        ("SMTP_URL", "smtp://app:secret@localhost:mail"),
        ("ADMIN_WEBHOOK_URL", "example.com/hook?token=secret"),
        ("ADMIN_WEBHOOK_URL", "https://example.com:x/hook?token=secret"),
    ],
)
def test_a_setting_that_cannot_be(shop: Service, name: str, value: str) -> None:
    """It is refused at the start by name, not by the first task that needs it."""
    settings: dict[str, Any] = {name: value}
    process = shop.run("serve", **settings)
    assert process.wait() == 1
    [line] = process.lines
    assert f"_{name}: " in line["event"]
    assert "sec" not in line["event"]


def assert_one_mail(shop: Service, peer: Peer, address: str, label: str) -> None:
    """Look when a later signup's mail is out, and with it each that was queued before."""
    later = f"later-{label}@example.com"
    sign_up(shop, later)
    peer.expect(event="mail", to=later)
    assert len(peer.expect(event="mail", to=address)) == 1
