"""Signing up, against a real mail server and a real receiver of the webhook."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import pytest

from .engine.peer import Peer
from .engine.service import Service, StartService
from .receivers import Receiver, mail_server, webhook_receiver


@pytest.fixture(scope="module")
def receiver(peer: Peer) -> Iterator[Receiver]:
    with webhook_receiver(peer) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def shop(start_service: StartService, peer: Peer, receiver: Receiver) -> Iterator[Service]:
    with (
        mail_server(peer) as port,
        start_service(
            SMTP_URL=f"smtp://127.0.0.1:{port}", ADMIN_WEBHOOK_URL=receiver.url
        ) as service,
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
    [call] = peer.expect(event="webhook", user_id=body["user_id"])
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
    calls = peer.expect(count=2, event="webhook", user_id=user_id)
    assert [call["answer"] for call in calls] == [503, 204]
    assert len({UUID(call["key"]) for call in calls}) == 1


def test_a_webhook_that_is_down_holds_up_no_mail(
    shop: Service, peer: Peer, receiver: Receiver, label: str
) -> None:
    """The mail is out while the webhook waits for its next attempt."""
    receiver.answers.append(503)
    answer = sign_up(shop, f"{label}@example.com").json()
    peer.expect(event="mail", to=f"{label}@example.com")
    [call] = peer.expect(event="webhook", user_id=answer["user_id"])
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
