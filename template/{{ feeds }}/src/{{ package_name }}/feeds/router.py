import time
from collections.abc import Collection
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel

from ..service.problems import Problem
from ..service.unit_of_work import UnitOfWorkDep
from ..tasks.router import accepted
from . import cache
from .models import Answer, FeedAnswer, Question
from .sources import FeedError, FeedTimeoutError, ask_all, ask_blocking
from .tasks import refresh

router = APIRouter(prefix="/feeds", tags=["feeds"])

City = Annotated[str, Query(max_length=80, pattern=r"^\w[\w .'-]*$")]
Base = Annotated[str, Query(pattern="^[A-Z]{3}$")]


class Feed(BaseModel):
    answer: Answer
    age: float = 0.0
    """Seconds since the API was asked."""
    stale: bool = False
    """Whether the API does not answer, and this is what it said last."""


class Feeds(BaseModel):
    weather: Feed
    rates: Feed


@router.get("")
async def get_feeds(city: City, base: Base = "EUR") -> Feeds:
    """Ask both APIs at one time, each unless its last answer is fresh."""
    questions = weather, rates = Question("weather", city), Question("rates", base)
    known = await cache.find(questions)
    now = time.time()
    answers, errors = await ask_all([x for x in questions if not cache.is_fresh(known.get(x))])
    await cache.save_if_possible(answers, now)
    _refuse([error for question, error in errors.items() if question not in known])
    feeds = {x: _cached(row, now, stale=x in errors) for x, row in known.items()}
    feeds |= {x: Feed(answer=answer) for x, answer in answers.items()}
    return Feeds(weather=feeds[weather], rates=feeds[rates])


@router.get("/sync")
def get_feeds_in_turn(city: City, base: Base = "EUR") -> Feeds:
    """Do it the blocking way, without a cache, to compare: it takes the sum of both, and a thread.

    Routes have 40 threads; whoever asks beyond them waits for one.
    """
    try:
        weather = ask_blocking(Question("weather", city))
        rates = ask_blocking(Question("rates", base))
    except FeedError as error:
        raise Problem(error.status, str(error)) from error
    return Feeds(weather=Feed(answer=weather), rates=Feed(answer=rates))


@router.post("/refresh", status_code=status.HTTP_202_ACCEPTED)
async def refresh_feeds(
    work: UnitOfWorkDep, response: Response, city: City, base: Base = "EUR"
) -> UUID:
    """Have a task drop what is cached and ask anew; returns its id."""
    receipt = work.enqueue(refresh, city=city, base=base)
    await work.commit()
    accepted(response, receipt.task_id)
    return receipt.task_id


def _cached(row: FeedAnswer, now: float, *, stale: bool) -> Feed:
    return Feed(answer=row.answer, age=max(0.0, round(now - row.asked_at, 1)), stale=stale)


def _refuse(errors: Collection[FeedError]) -> None:
    """Raise Problem 504 if one of them is a timeout, else 502; it names each."""
    if errors:
        late = any(isinstance(error, FeedTimeoutError) for error in errors)
        raise Problem(504 if late else 502, " ".join(map(str, errors)))
