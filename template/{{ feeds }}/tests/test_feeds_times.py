"""How long each request took, logged by a task."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from .engine.processes import Process, wait_until
from .engine.service import Service


def answered(correlation_id: str, *processes: Process) -> list[dict[str, Any]]:
    found = {"event": "request answered", "correlation_id": correlation_id}
    return [line for process in processes for line in process.find(**found)]


def test_the_time_of_every_request_is_logged(service: Service, label: str) -> None:
    """By a task, once each, with the route's path: also what failed, and other slices' requests."""
    paths = ["/feeds?city=", "/tasks/none", "/nowhere/?x=1", "/livez", "/readyz"]
    headers = {"X-Correlation-ID": label}
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda path: service.client.get(path, headers=headers), paths * 20))
    wait_until(lambda: len(answered(label, service.worker)) >= 60)
    lines = answered(label, service.worker)
    seen = {(line["method"], line["route"], line["status"]) for line in lines}
    assert seen == {("GET", "/feeds", 422), ("GET", "/tasks/{task_id}", 422), ("GET", "none", 404)}
    assert len(lines) == 60
    assert all(line["milliseconds"] > 0 and line["task"] for line in lines)


def test_a_stopped_api_has_its_times_logged(service: Service, label: str) -> None:
    """What it noted in its last second is enqueued before it ends."""
    api = service.run("serve", "--port", "0")
    wait_until(lambda: " running on http" in api.log())
    [address] = re.findall(r" running on (http\S+)", api.log())
    httpx.get(f"{address}/nowhere", headers={"X-Correlation-ID": label})
    api.terminate()
    api.wait()
    wait_until(lambda: answered(label, service.worker, api))
