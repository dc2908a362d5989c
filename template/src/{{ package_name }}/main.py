"""The application. `serve` runs it; for another ASGI server, create_app is the factory."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import Lifespan

from . import ABOUT
from .service import health, logging, problems
from .service.discovery import middlewares, routers
from .service.resources import REQUEST_LIMIT, open_resources
from .service.settings import load_all


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with open_resources(statement_limit=REQUEST_LIMIT) as resources:
        app.state.queue = resources.queue
        # A full collection would go through all that start-up made: a fifth of a second in which
        # no request is answered.
        gc.freeze()
        yield
        gc.unfreeze()


def create_app(lifespan: Lifespan[FastAPI] = lifespan) -> FastAPI:
    logging.configure()
    app = FastAPI(
        title=ABOUT["Name"],
        summary=ABOUT["Summary"],
        version=ABOUT["Version"],
        lifespan=lifespan,
        responses=problems.RESPONSES,
    )
    problems.install(app)
    for middleware in middlewares():
        app.add_middleware(middleware)
    app.add_middleware(logging.CorrelationMiddleware)  # the last one added is the outermost
    app.include_router(health.probes)
    for router in routers():
        app.include_router(router)
    load_all()
    return app
