"""The two APIs: each call has its time, and what can go wrong is a FeedError."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import httpx
from pydantic import TypeAdapter

from ..service.resources import resources
from ..service.settings import PREFIX
from .models import Answer, Question
from .settings import FeedsSettings

_PARAMETERS = {"weather": "city", "rates": "base"}
_answer = TypeAdapter(Answer)


class FeedError(Exception):
    """An API gave no answer; the message says which one, and why."""

    status = 502


class FeedTimeoutError(FeedError):
    status = 504


async def ask_all(
    questions: Sequence[Question],
) -> tuple[dict[Question, Answer], dict[Question, FeedError]]:
    """Ask at one time; return what is answered, and why the rest is not."""
    said = await asyncio.gather(*map(_ask, questions))
    both = list(zip(questions, said, strict=True))
    errors = {each: error for each, error in both if isinstance(error, FeedError)}
    return {each: answer for each, answer in both if not isinstance(answer, FeedError)}, errors


async def _ask(question: Question) -> Answer | FeedError:
    limit = FeedsSettings.load().feeds_timeout
    try:
        with _told(question):
            async with asyncio.timeout(limit):
                response = await resources().http.get(_url(question), timeout=limit)
            return _read(response)
    except FeedError as error:
        return error


def ask_blocking(question: Question) -> Answer:
    """Ask, and hold this thread meanwhile. The time is for each read, not for the whole call.

    Raises FeedError.
    """
    with _told(question):
        response = _client().get(_url(question), timeout=FeedsSettings.load().feeds_timeout)
        return _read(response)


@cache
def _client() -> httpx.Client:
    return httpx.Client()


def _url(question: Question) -> httpx.URL:
    setting = f"feeds_{question.feed}_url"
    url = getattr(FeedsSettings.load(), setting)
    if url is None:
        raise FeedError(f"{question.feed} has no address: set {PREFIX}{setting.upper()}.")
    return httpx.URL(str(url)).copy_merge_params({_PARAMETERS[question.feed]: question.subject})


def _read(response: httpx.Response) -> Answer:
    response.raise_for_status()
    return _answer.validate_json(response.content)


@contextmanager
def _told(question: Question) -> Iterator[None]:
    """Make what goes wrong a FeedError. Clients see it: no URL, which may hold a key."""
    feed = question.feed
    try:
        yield
    except (TimeoutError, httpx.TimeoutException) as error:
        limit = FeedsSettings.load().feeds_timeout
        raise FeedTimeoutError(f"{feed} did not answer within {limit:g} s.") from error
    except httpx.HTTPStatusError as error:
        raise FeedError(f"{feed} answered {error.response.status_code}.") from error
    except httpx.HTTPError as error:
        raise FeedError(f"{feed} cannot be reached ({type(error).__name__}).") from error
    except ValueError as error:
        raise FeedError(f"{feed} answered what is no JSON object.") from error
