import time

import structlog
from pydantic import BaseModel

from ..tasks import Retry, task
from . import cache
from .models import Question
from .sources import ask_all

log = structlog.get_logger(__name__)
KEPT_FOR = 86_400.0  # seconds


class ResponseTime(BaseModel):
    method: str
    route: str
    status: int
    milliseconds: float
    correlation_id: str | None


@task(retry=Retry(max_attempts=5, first_delay=1), timeout=30)
async def refresh(city: str, base: str) -> None:
    """Drop what is cached, and ask anew. A second run does the same once more."""
    questions = [Question("weather", city), Question("rates", base)]
    await cache.expire(questions)
    asked_at = time.time()
    answers, errors = await ask_all(questions)
    await cache.save(answers, asked_at)
    for error in errors.values():
        raise error


@task(schedule="23 * * * *")
async def forget_old_answers() -> None:
    await cache.forget(KEPT_FOR)


@task()
async def log_response_times(times: list[ResponseTime]) -> None:
    for each in times:
        log.info("request answered", **each.model_dump())  # under the request's correlation id
