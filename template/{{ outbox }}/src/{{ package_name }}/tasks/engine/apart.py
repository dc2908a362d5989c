"""A task whose process died runs apart, in a process of its own.

So if it dies again it has only itself to blame, and is charged; nobody else is hit. The process is
forked from one that has imported all and does nothing else, for a start of its own takes a second.
"""

import asyncio
import gc
import json
import os
import signal
from dataclasses import asdict
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from threading import Thread

import structlog
from pydantic import TypeAdapter

from ...service import logging
from ...service.discovery import import_all
from ...service.resources import open_resources
from ...service.settings import load_all
from ..message import TaskMessage
from ..progress import Progress, Run
from .row import Claim
from .runner import Died, Ended, Failed, Outcome, RetryLater, Runner, Succeeded

log = structlog.get_logger(__name__)
KINDS = {kind.__name__: kind for kind in (Succeeded, Failed, RetryLater)}


async def run_apart(claim: Claim, run: Run) -> Ended:
    """Run an attempt in a child process, which ends with this one."""
    reading, writing = _context().Pipe()
    arguments = writing, run.message.model_dump_json()
    run.start()
    process = _context().Process(target=_be_apart, args=arguments, name="apart")
    try:
        await asyncio.to_thread(process.start)
        writing.close()
        answer = await asyncio.to_thread(_received, reading)
    finally:
        if process.pid and process.is_alive():
            process.kill()
        writing.close()
    if not answer:
        await asyncio.to_thread(process.join)
        log.warning("a task ended its process", task_id=str(claim.id), code=process.exitcode)
        return Died()
    kind, fields, progress = json.loads(answer)
    run.progress = TypeAdapter(Progress | None).validate_python(progress)
    outcome: Outcome = KINDS[kind](**fields)
    return outcome


@cache
def _context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload([module.__name__ for module in import_all()])
    return context


def _received(pipe: Connection) -> bytes:
    """Wait for the child's answer; without one it has died."""
    with pipe:
        try:
            return pipe.recv_bytes()
        except (EOFError, ConnectionResetError):
            return b""


def _be_apart(pipe: Connection, text: str) -> None:
    """Be the child: run the message's task, and send what came of it."""
    gc.freeze()  # what is shared is not copied because this one looks for garbage
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker decides when this ends
    load_all()
    logging.configure()
    import_all()
    Thread(target=lambda: (pipe.poll(None), os._exit(3)), daemon=True).start()  # the worker is gone
    message = TaskMessage.model_validate_json(text)

    async def run() -> tuple[Outcome, Progress | None]:
        async with open_resources():
            this = Run(message)
            return await Runner(threads=1).run(this), this.progress

    outcome, progress = asyncio.run(run())
    told = progress.model_dump() if progress else None
    pipe.send_bytes(json.dumps([type(outcome).__name__, asdict(outcome), told]).encode())
