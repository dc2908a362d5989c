"""The API with the worker in its process, for one small machine: `serve --with-worker`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from ... import main
from ...service.resources import resources
from ..queues import queues_to_work_on
from .local_worker import running_worker


def create_app() -> FastAPI:
    return main.create_app(_lifespan)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with main.lifespan(app), running_worker(resources(), queues_to_work_on()):
        yield
