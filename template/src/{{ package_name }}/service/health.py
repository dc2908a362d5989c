"""Probes: /livez says that the process answers, /readyz that it can do its work."""

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text

from .problems import Problem
from .resources import resources

TIMEOUT = 2.0  # seconds; below the usual probe's

probes = APIRouter(tags=["health"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


@probes.get("/livez")
async def livez() -> Health:
    return Health()


@probes.get("/readyz")
async def readyz() -> Health:
    try:
        async with asyncio.timeout(TIMEOUT), resources().reading.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception as error:
        raise Problem(503, f"The database does not answer ({type(error).__name__}).") from error
    return Health()
