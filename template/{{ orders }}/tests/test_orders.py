"""Orders, against a real mail server and a real receiver of the warehouse's notices."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from .engine.peer import Peer
from .engine.processes import wait_until
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
        start_service(SMTP_URL=f"smtp://127.0.0.1:{port}", WAREHOUSE_URL=receiver.url) as service,
    ):
        service.finished(service.enqueue("run_async", label="first"))  # the worker is up
        yield service


def offer(shop: Service, sku: str, stock: int, price: int = 1250) -> str:
    body = {"name": "A cup", "price": price, "stock": stock}
    shop.client.put(f"/products/{sku}", json=body).raise_for_status()
    return sku


def stock_of(shop: Service, sku: str) -> int:
    left: int = shop.client.get(f"/products/{sku}").json()["stock"]
    return left


def check_out(
    shop: Service, items: dict[str, int], email: str = "ada@example.com", key: str | None = None
) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return shop.client.post("/orders", json={"email": email, "items": items}, headers=headers)


def order_of(shop: Service, order_id: str) -> dict[str, Any]:
    order: dict[str, Any] = shop.client.get(f"/orders/{order_id}").json()
    return order


def cancel(shop: Service, order_id: str) -> httpx.Response:
    return shop.client.post(f"/orders/{order_id}/cancel")


def test_checkout(shop: Service, peer: Peer, label: str) -> None:
    """One commit: the order, its mail, the warehouse's notice, and the stock that it takes."""
    cups, pots = offer(shop, f"{label}-a", 5), offer(shop, f"{label}-b", 1, price=99)
    answer = check_out(shop, {pots: 1, cups: 2}, f"{label}@example.com")
    order = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/orders/{order['id']}")
    assert (order["state"], order["total"]) == ("placed", 2599)
    [mail] = peer.expect(event="mail", to=f"{label}@example.com")
    assert mail["Message-ID"] == f"<{order['tasks']['confirmation']}@example.com>"
    assert mail["text"].split() == ["1", "x", pots, "2", "x", cups, "Total:", "25.99"]
    [notice] = peer.expect(event="webhook", order_id=order["id"])
    assert notice["key"] == order["tasks"]["warehouse"]
    assert notice["about"] == "order.placed"
    assert notice["body"]["items"] == {cups: 2, pots: 1}
    for task_id in order["tasks"].values():
        assert shop.finished(task_id)["state"] == "succeeded"
    assert order_of(shop, order["id"]) == {**order, "state": "reserved"}
    assert (stock_of(shop, cups), stock_of(shop, pots)) == (3, 0)


def test_what_is_known_to_be_out_of_stock(shop: Service, label: str) -> None:
    """It is a 409 that says what is left, and takes nothing of what else was ordered."""
    few, many = offer(shop, f"{label}-few", 1), offer(shop, f"{label}-many", 9)
    answer = check_out(shop, {few: 2, many: 1})
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        f"Of {few} there are 1 in stock: order fewer.",
    )
    assert (stock_of(shop, few), stock_of(shop, many)) == (1, 9)


def compete(shop: Service, label: str) -> list[tuple[str, str]]:
    """Have four order the last one at one time; return address and order of who came too late."""
    last, other = offer(shop, f"{label}-last", 1), offer(shop, f"{label}-other", 9)
    people = [f"{number}-{label}@example.com" for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda who: check_out(shop, {last: 1, other: 1}, who), people))
    assert {answer.status_code for answer in answers} <= {201, 409}
    placed = {
        who: answer.json()
        for who, answer in zip(people, answers, strict=True)
        if answer.status_code == 201
    }
    for order in placed.values():
        assert shop.finished(order["tasks"]["stock"])["state"] == "succeeded"
    states = {who: order_of(shop, order["id"])["state"] for who, order in placed.items()}
    assert sorted(states.values()) == ["out_of_stock"] * (len(placed) - 1) + ["reserved"]
    assert (stock_of(shop, last), stock_of(shop, other)) == (0, 8)
    return [(who, placed[who]["id"]) for who, state in states.items() if state == "out_of_stock"]


def test_orders_for_the_last_one(shop: Service, peer: Peer, label: str) -> None:
    """One has it; the others get a 409 or, too late for that, a mail; the warehouse is told."""
    rounds = (compete(shop, f"{label}-{number}") for number in range(5))
    for who, order_id in next(late for late in rounds if late):
        subject = f"Your order {order_id} cannot be delivered"
        peer.expect(event="mail", to=who, Subject=subject)
        peer.expect(event="webhook", order_id=order_id, about="order.dropped")
        assert cancel(shop, order_id).status_code == 409


def test_a_task_that_is_delivered_again(shop: Service, label: str) -> None:
    """Six deliveries, side by side, take the stock once; six after a cancellation take none."""
    sku = offer(shop, label, 50)
    order = check_out(shop, {sku: 2}).json()
    shop.deliver("orders.tasks.take_stock", 6, order_id=order["id"])
    assert stock_of(shop, sku) == 48
    assert cancel(shop, order["id"]).json()["state"] == "cancelled"
    shop.deliver("orders.tasks.take_stock", 6, order_id=order["id"])
    assert stock_of(shop, sku) == 50
    assert order_of(shop, order["id"])["state"] == "cancelled"


def test_cancel_what_waits(shop: Service, peer: Peer, receiver: Receiver, label: str) -> None:
    """Mail and notice that wait to be tried again are cancelled; the stock is given back."""
    sku = offer(shop, label, 3)
    receiver.answers.append(503)
    order = check_out(shop, {sku: 3}, f"{label}-busy@example.com").json()
    waiting = [order["tasks"][name] for name in ("confirmation", "warehouse")]
    peer.expect(event="mail refused", to=f"{label}-busy@example.com")
    peer.expect(event="webhook", order_id=order["id"], answer=503)
    wait_until(lambda: {shop.status(task_id)["state"] for task_id in waiting} == {"queued"})
    shop.finished(order["tasks"]["stock"])
    assert stock_of(shop, sku) == 0
    answer = cancel(shop, order["id"])
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert {shop.status(task_id)["state"] for task_id in waiting} == {"cancelled"}
    assert stock_of(shop, sku) == 3
    peer.expect(event="webhook", order_id=order["id"], about="order.dropped")
    assert not peer.found(event="mail", to=f"{label}-busy@example.com")


def test_cancelled_as_it_is_placed(shop: Service, label: str) -> None:
    """Cancelled twice while its stock is being taken: what was taken is given back, once."""
    sku = offer(shop, label, 7)
    orders = [check_out(shop, {sku: 1}).json() for _ in range(5)]
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda order: cancel(shop, order["id"]), orders * 2))
    assert {answer.json()["state"] for answer in answers} == {"cancelled"}
    for order in orders:
        shop.finished(order["tasks"]["stock"])
    assert stock_of(shop, sku) == 7


def test_a_repeated_checkout(shop: Service, label: str) -> None:
    """Of several under one Idempotency-Key, at one time, one has the effect; all get its answer."""
    sku, address = offer(shop, label, 9), f"{label}@example.com"
    with ThreadPoolExecutor(6) as threads:
        answers = list(
            threads.map(lambda _: check_out(shop, {sku: 2}, address, key=label), range(6))
        )
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len({answer.text for answer in answers}) == 1
    shop.finished(answers[0].json()["tasks"]["stock"])
    assert stock_of(shop, sku) == 7
    assert check_out(shop, {sku: 1}, address, key=label).status_code == 422


def test_an_unknown_order(shop: Service) -> None:
    for answer in (shop.client.get(f"/orders/{uuid4()}"), cancel(shop, str(uuid4()))):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.status_code == 404


@pytest.mark.parametrize(
    "items", [{}, {"no-such-product": 1}, {"a b": 1}, {"cup": 0}, {"cup": 1.5}, {"cup": 10**20}]
)
def test_a_checkout_that_cannot_be(shop: Service, items: dict[str, int]) -> None:
    """It is a 422 problem."""
    answer = check_out(shop, items)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == 422
