"""The feeds, against real APIs that answer when and what a test says."""

import itertools
import json
import re
import string
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from .engine.peer import Peer
from .engine.processes import wait_until
from .engine.service import Service, StartService

DELAY = 1.0  # seconds
FRESH = 300.0  # longer than all tests take
TIMEOUT = 2.5  # seconds


class Apis(ThreadingHTTPServer):
    """Weather and rates. Each reports a call, and waits for its gate if it has one.

    ``gates``, ``delays`` (in seconds) and ``answers`` are by subject; without an answer it is how
    often the API was asked.
    """

    daemon_threads = True

    def __init__(self, peer: Peer) -> None:
        super().__init__(("127.0.0.1", 0), ApisHandler)
        self.peer = peer
        self.gates: dict[str, str] = {}
        self.delays: dict[str, float] = {}
        self.answers: dict[str, tuple[int, bytes]] = {}

    def answer(self, feed: str, subject: str) -> tuple[int, bytes]:
        report = {"event": "asked", "feed": feed, "subject": subject}
        self.peer.take({**report, "gate": self.gates.get(subject)})
        time.sleep(self.delays.get(subject, 0))
        said = {subject: len(self.peer.found(**report))}
        return self.answers.get(subject, (200, json.dumps(said).encode()))

    def calls(self, *subjects: str) -> list[int]:
        return [len(self.peer.found(event="asked", subject=each)) for each in subjects]


class ApisHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Apis)
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        assert query.pop("key") == "sec-ret"
        [(name, subject)] = query.items()
        assert (url.path, name) in {("/weather", "city"), ("/rates", "base")}
        status, body = self.server.answer(url.path[1:], subject)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Keep quiet."""


@pytest.fixture(scope="module")
def apis(peer: Peer) -> Iterator[Apis]:
    with Apis(peer) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def shop(start_service: StartService, apis: Apis) -> Iterator[Service]:
    settings = {
        f"FEEDS_{feed}_URL": f"http://127.0.0.1:{apis.server_port}/{feed.lower()}?key=sec-ret"
        for feed in ("WEATHER", "RATES")
    }
    with start_service(**settings, FEEDS_TIMEOUT=str(TIMEOUT), FEEDS_FRESH=str(FRESH)) as service:
        yield service


BASES = map("".join, itertools.product(string.ascii_uppercase, repeat=3))
Get = Callable[..., httpx.Response]


@pytest.fixture
def base() -> str:
    """Return what no other test asks for."""
    return next(BASES)


@pytest.fixture
def get(shop: Service, label: str, base: str) -> Get:
    def get(path: str = "/feeds", **params: str) -> httpx.Response:
        return shop.client.get(path, params={"city": label, "base": base, **params})

    return get


def test_both_are_asked_at_one_time(get: Get, apis: Apis, label: str, base: str) -> None:
    """Neither has answered when both have been asked."""
    apis.gates |= {label: label, base: base}
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(get)
        for subject in (label, base):
            apis.peer.expect(event="asked", subject=subject)
        assert not answer.done()
        for gate in (base, label):
            apis.peer.release(gate)
        weather, rates = ({"answer": {x: 1}, "age": 0.0, "stale": False} for x in (label, base))
        assert answer.result().json() == {"weather": weather, "rates": rates}


def test_the_sync_twin_asks_one_after_the_other(
    get: Get, apis: Apis, label: str, base: str
) -> None:
    """The second is asked when the first has answered."""
    apis.gates[label] = label
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(get, "/feeds/sync")
        apis.peer.expect(event="asked", subject=label)
        assert apis.calls(base) == [0]
        apis.peer.release(label)
        apis.peer.expect(event="asked", subject=base)
        assert answer.result().json()["rates"]["answer"] == {base: 1}


def test_how_long_both_ways_take(shop: Service, apis: Apis, label: str) -> None:
    """One takes as long as the slower API, in one of three tries; the other as long as both.

    What is logged of them holds what the route waited for.
    """

    def seconds(path: str) -> float:
        base, city = next(BASES), f"{label} {next(BASES)}"
        apis.delays |= {base: DELAY, city: DELAY}
        began, headers = time.monotonic(), {"X-Correlation-ID": label}
        url = f"{path}?city={city}&base={base}"
        shop.client.get(url, headers=headers).raise_for_status()
        return time.monotonic() - began

    in_turn, tries = seconds("/feeds/sync"), [seconds("/feeds")]
    while tries[-1] > 0.6 * in_turn and len(tries) < 3:
        tries.append(seconds("/feeds"))
    assert DELAY <= tries[-1] < 2 * DELAY <= in_turn
    assert tries[-1] <= 0.6 * in_turn
    logged = {"event": "request answered", "correlation_id": label}
    wait_until(lambda: len(shop.worker.find(**logged)) == len(tries) + 1)
    assert all(line["milliseconds"] >= DELAY * 1000 for line in shop.worker.find(**logged))


def test_a_fresh_answer_is_used_again(get: Get, apis: Apis, label: str, base: str) -> None:
    """It is asked for once; what is not known is asked for."""
    get()
    again = get().json()
    assert again["weather"]["answer"] == {label: 1}
    assert (again["weather"]["stale"], again["weather"]["age"] < FRESH) == (False, True)
    other = next(BASES)
    assert get(base=other).json()["rates"]["answer"] == {other: 1}
    assert apis.calls(label, base) == [1, 1]


def test_another_process(get: Get, shop: Service, apis: Apis, label: str, base: str) -> None:
    """It has what the first one was answered; a setting that it lacks is named."""
    get()
    second = shop.run("serve", "--port", "0", FEEDS_RATES_URL="")
    wait_until(lambda: " running on http" in second.log())
    [address] = re.findall(r" running on (http\S+)", second.log())
    known = httpx.get(f"{address}/feeds", params={"city": label, "base": base})
    other = httpx.get(f"{address}/feeds", params={"city": label, "base": next(BASES)})
    second.kill()
    assert known.json()["rates"]["answer"] == {base: 1}
    assert apis.calls(label, base) == [1, 1]
    assert other.status_code == 502
    assert other.json()["detail"] == f"rates has no address: set {shop.prefix}FEEDS_RATES_URL."


def test_a_refresh(get: Get, shop: Service, apis: Apis, label: str, base: str) -> None:
    """A task asks anew, and the next request has it from the cache."""
    get()
    accepted = shop.client.post("/feeds/refresh", params={"city": label, "base": base})
    assert (accepted.status_code, accepted.json()) == (202, accepted.headers["Location"][7:])
    assert shop.finished(accepted.json())["state"] == "succeeded"
    assert get().json()["weather"]["answer"] == {label: 2}
    assert apis.calls(label, base) == [2, 2]


def test_an_api_that_is_down(get: Get, shop: Service, apis: Apis, label: str, base: str) -> None:
    """Its last answer is given as stale, the other's as fresh; the refresh is tried until it is up.

    What the client sees names no URL, for that may hold a key.
    """
    get()
    apis.answers[label] = (503, b"")
    refresh = shop.client.post("/feeds/refresh", params={"city": label, "base": base}).json()
    apis.peer.expect(count=2, event="asked", subject=label)  # dropped, and asked anew
    wait_until(lambda: apis.calls(base) == [2])
    found = get().json()
    assert found["weather"]["answer"] == {label: 1}
    assert found["weather"]["stale"]
    assert found["weather"]["age"] > 0
    assert not found["rates"]["stale"]
    del apis.answers[label]
    assert shop.finished(refresh)["state"] == "succeeded"
    assert not get().json()["weather"]["stale"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((503, b""), "rates answered 503."),
        ((302, b""), "rates answered 302."),
        ((200, b"<html>"), "rates answered what is no JSON object."),
        ((200, b"[1]"), "rates answered what is no JSON object."),
    ],
)
@pytest.mark.parametrize("path", ["/feeds", "/feeds/sync"])
def test_without_any_answer(  # noqa: PLR0913, PLR0917 - fixtures
    get: Get, apis: Apis, base: str, path: str, answer: tuple[int, bytes], reason: str
) -> None:
    """It is a 502 problem that names the API and the reason."""
    apis.answers[base] = answer
    response = get(path)
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, response.json()["detail"]) == (502, reason)


def test_an_api_that_does_not_answer_in_time(get: Get, apis: Apis, label: str, base: str) -> None:
    """It is a 504 problem that names it, and comes before the answer; the other's is kept."""
    apis.gates[label] = label
    response = get()
    apis.peer.release(label)
    assert (response.status_code, response.json()["status"]) == (504, 504)
    assert response.json()["detail"] == "weather did not answer within 2.5 s."
    assert get().status_code == 200
    assert apis.calls(label, base) == [2, 1]


@pytest.mark.parametrize("params", [{"city": ""}, {"city": "a\0"}, {"base": "EURO"}])
def test_what_cannot_be_asked(get: Get, params: dict[str, str]) -> None:
    """It is a 422 problem, and nobody is asked."""
    assert get(**params).status_code == 422
