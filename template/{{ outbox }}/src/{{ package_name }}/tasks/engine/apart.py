"""A task whose process died runs apart, in a process of its own.

So if it dies again it has only itself to blame, and is charged; nobody else is hit.
"""

import asyncio
import json
import os
import sys
from dataclasses import asdict
from threading import Thread

import structlog
from pydantic import TypeAdapter

from ..message import TaskMessage
from ..progress import Progress, Run
from .rows import Claim
from .runner import Died, Ended, Failed, Outcome, RetryLater, Runner, Succeeded

log = structlog.get_logger(__name__)
KINDS = {kind.__name__: kind for kind in (Succeeded, Failed, RetryLater)}


async def run_apart(claim: Claim, run: Run) -> Ended:
    """Run an attempt in a child process, which ends with this one."""
    reading, writing = os.pipe()
    command = sys.executable, "-m", __name__, str(writing)
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=-1, pass_fds=[writing])
        os.close(writing)
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        process.stdin.write(run.message.model_dump_json().encode() + b"\n")
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
        answer = await asyncio.to_thread(_read, reading) if code == 0 else b""
    finally:
        os.close(reading)
    if not answer:
        log.warning("a task ended its process", task_id=str(claim.id), code=code)
        return Died()
    kind, fields, progress = json.loads(answer)
    run.progress = TypeAdapter(Progress | None).validate_python(progress)
    outcome: Outcome = KINDS[kind](**fields)
    return outcome


def _read(descriptor: int) -> bytes:
    parts = []
    while part := os.read(descriptor, 65_536):
        parts.append(part)
    return b"".join(parts)


def main(writing: int) -> None:
    """Be the child: read a message, run it, write what came of it."""
    from ...service import logging  # noqa: PLC0415 - the parent has them
    from ...service.discovery import import_all  # noqa: PLC0415
    from ...service.resources import open_resources  # noqa: PLC0415
    from ...service.settings import load_all  # noqa: PLC0415

    load_all()
    logging.configure()
    import_all()
    with os.fdopen(os.dup(0), "rb") as given:
        message = TaskMessage.model_validate_json(given.readline())
    Thread(target=lambda: (os.read(0, 1), os._exit(3)), daemon=True).start()  # the parent is gone

    async def run() -> tuple[Outcome, Progress | None]:
        async with open_resources():
            this = Run(message)
            return await Runner(threads=1).run(this), this.progress

    outcome, progress = asyncio.run(run())
    told = progress.model_dump() if progress else None
    os.write(writing, json.dumps([type(outcome).__name__, asdict(outcome), told]).encode())


if __name__ == "__main__":
    main(int(sys.argv[1]))
