"""The worker: the engine's own in a child process, and the dispatcher in this one."""

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from threading import Thread
from uuid import uuid4

import structlog

from ... import PACKAGE
from ...service import logging
from ...service.discovery import import_all
from ...service.resources import Resources, open_resources
from ...service.settings import load_all
from ..queues import queue_names, queues_to_work_on
from . import TaskSettings, run_engine
from .brokered import BrokeredQueue
from .dispatcher import Dispatcher
from .keeper import StopPipe
from .one_stream import share_stdout
from .pid_one import leave_pid_one
from .process_loop import stop_pipe
from .sender import Sender

log = structlog.get_logger(__name__)
UNHEEDED = 10.0  # seconds beyond the grace after which the engine is killed
PAUSE = 1.0  # seconds after which an engine that ended is started anew


def run_worker(queues: Sequence[str] = ()) -> None:
    """Run the tasks of these queues, or of all, until SIGTERM or SIGINT."""
    leave_pid_one()
    import_all()
    load_all()
    logging.configure()
    share_stdout()
    chosen = queues_to_work_on(queues)
    unknown = [name for name in chosen if name not in queue_names()]
    asyncio.run(_warm_up())
    gc.collect()
    gc.freeze()  # what the processes share is not copied because one of them looks for garbage
    pipe = StopPipe()
    stop_pipe.append(pipe)
    engine = get_context("fork").Process(target=_be_engine, args=(pipe, chosen), name="engine")
    engine.start()
    if asyncio.run(_dispatch_beside(engine, pipe, [*queue_names(), *unknown])):
        return
    log.error("the engine ended; starting anew", code=engine.exitcode)
    time.sleep(PAUSE)
    command = [sys.executable, "-m", PACKAGE, "worker", *(f"--queue={name}" for name in queues)]
    os.execv(sys.executable, command)  # noqa: S606 - a whole new start: a process with threads is not forked


def _be_engine(pipe: StopPipe, queues: Sequence[str]) -> None:
    pipe.close()  # our copy of its writing end
    limit = TaskSettings.load().shutdown_grace + UNHEEDED
    os.register_at_fork(after_in_child=lambda: _watch(pipe, lambda: _leave(limit)))
    _watch(pipe, lambda: os.kill(os.getpid(), signal.SIGTERM))
    run_engine(queues)


def _watch(pipe: StopPipe, at_its_end: Callable[[], object]) -> None:
    """Have that called when the worker stops, or is gone."""
    wait = lambda: (os.read(pipe.reading, 1), at_its_end())  # noqa: E731
    Thread(target=wait, daemon=True, name="stop").start()


def _leave(limit: float) -> None:
    """Nothing that the engine forks outlives the worker, whoever its parent is by then."""
    time.sleep(limit)
    os._exit(0)


async def _dispatch_beside(engine: ForkProcess, pipe: StopPipe, queues: Sequence[str]) -> bool:
    """Dispatch until the worker is to stop, or the engine ends; tell which it was."""
    loop = asyncio.get_running_loop()
    stopped, ended = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    def note_end() -> None:
        if not engine.is_alive():  # its sentinel waits for what it forked, too
            ended.set()

    loop.add_signal_handler(signal.SIGCHLD, note_end)
    note_end()
    async with open_resources() as resources:
        dispatcher = _dispatcher(resources, queues)
        tasks = [asyncio.create_task(each) for each in (stopped.wait(), ended.wait())]
        dispatching = asyncio.create_task(dispatcher.run())
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        dispatching.cancel()
        await asyncio.gather(dispatching, return_exceptions=True)
        with suppress(Exception):  # another one takes over in seconds
            await dispatcher.leadership.step_down()
        pipe.close()
        try:
            async with asyncio.timeout(TaskSettings.load().shutdown_grace + UNHEEDED):
                await ended.wait()
        except TimeoutError:
            log.warning("the engine does not stop: it is killed")
            engine.kill()
        for task in tasks:
            task.cancel()
    engine.join()
    return stopped.is_set()


def _dispatcher(resources: Resources, queues: Sequence[str]) -> Dispatcher:
    queue = resources.queue
    assert isinstance(queue, BrokeredQueue)  # noqa: S101 - this overlay's
    dispatcher = Dispatcher(queue.rows, queues)
    dispatcher.send = Sender(dispatcher.leadership, queue.pusher, queues).send
    return dispatcher


async def _warm_up() -> None:
    """Import, read and compile what is needed at first use, so that no task has to."""
    async with open_resources() as resources:
        try:
            queue = resources.queue
            assert isinstance(queue, BrokeredQueue)  # noqa: S101 - this overlay's
            _ = resources.http
            await queue.rows.claim(uuid4())
        except Exception as error:  # noqa: BLE001 - whatever the database says when it is away
            log.warning("the database does not answer", error=type(error).__name__)
