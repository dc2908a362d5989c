"""What FastAPI's own BackgroundTasks do, run as its documentation has them."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.claims.programs import Program, Stage

pytestmark = pytest.mark.xdist_group("claims")  # one environment for all

APP = """
import asyncio, threading, time
from typing import Annotated
from fastapi import BackgroundTasks, Depends, FastAPI

app = FastAPI()
opened = threading.Event()

def thread(name):
    tell(f"{name} in {threading.current_thread().name}")

async def a_coroutine():
    await asyncio.sleep(0)
    thread("a coroutine ran")

def first():
    tell("first began")
    opened.wait()
    thread("first ended")

def second():
    thread("second ran")

async def block():
    tell("blocking began")
    time.sleep(1)
    tell("blocking ended")

def fail():
    raise ValueError("failed")

@app.get("/coroutine")
async def coroutine(tasks: BackgroundTasks):
    tasks.add_task(a_coroutine)

@app.get("/two")
async def two(tasks: BackgroundTasks):
    tasks.add_task(first)
    tasks.add_task(second)

@app.get("/open")
async def open_gate():
    opened.set()

@app.get("/block")
async def blocking(tasks: BackgroundTasks):
    tasks.add_task(block)

@app.get("/answer")
async def answer():
    tell("answered")

@app.get("/failing")
async def failing(tasks: BackgroundTasks):
    tasks.add_task(fail)
    tasks.add_task(tell, "behind the failed one")

saved = []

def session():
    yield saved
    saved.append("row")
    tell("committed")

@app.get("/rows")
async def rows(tasks: BackgroundTasks, session: Annotated[list, Depends(session)]):
    tasks.add_task(lambda: tell(f"the task sees {len(saved)} rows"))
"""


@pytest.fixture(scope="module")
def api(stage: Stage) -> Program:
    stage.write("app.py", APP)
    program = stage.start("-m", "uvicorn", "app:app", "--port", "0")
    program.expect("Uvicorn running on")
    return program


@pytest.fixture
def client(api: Program) -> Iterator[httpx.Client]:
    [address] = re.findall(r"http://[\d.:]+", api.expect("Uvicorn running on"))
    with httpx.Client(base_url=address, timeout=20) as client:
        yield client


def test_background_tasks_can_be_async(api: Program, client: httpx.Client) -> None:
    """A coroutine is awaited, on the event loop's own thread."""
    client.get("/coroutine")
    assert api.expect("a coroutine ran").endswith("in MainThread")


def test_background_tasks_run_one_after_the_other(api: Program, client: httpx.Client) -> None:
    """The client has its answer while the first runs; the second waits for that one's end."""
    assert client.get("/two").status_code == 200
    api.expect("first began")
    assert not api.found("second ran")
    client.get("/open")
    assert "AnyIO worker thread" in api.expect("second ran")
    api.order("first ended", "second ran")


def test_an_async_background_task_that_blocks_stops_the_api(
    api: Program, client: httpx.Client
) -> None:
    """Nobody is answered until it ends."""
    with ThreadPoolExecutor(1) as threads:
        blocking = threads.submit(client.get, "/block")
        api.expect("blocking began")
        client.get("/answer")
        blocking.result()
    api.order("blocking began", "blocking ended", "answered")


def test_a_background_task_that_fails_drops_those_behind_it(
    api: Program, client: httpx.Client
) -> None:
    """The client has a 200, and nothing tries them again."""
    # A kept connection would be the server's to close, whenever it has the task's error.
    assert client.get("/failing", headers={"Connection": "close"}).status_code == 200
    api.expect("ValueError: failed")
    before = len(api.found("a coroutine ran"))
    client.get("/coroutine")
    api.expect("a coroutine ran", count=before + 1)
    assert not api.found("behind the failed one")


def test_a_commit_after_yield_comes_after_the_tasks(api: Program, client: httpx.Client) -> None:
    """The task does not see what its request saves."""
    client.get("/rows")
    api.expect("committed")
    assert api.found("the task sees 0 rows")
    api.order("the task sees 0 rows", "committed")
