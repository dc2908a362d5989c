"""Every error is answered as problem details (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)


class ProblemDetails(BaseModel):
    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] | None = None
    """For 422: where the request is wrong (``loc``) and why (``msg``)."""


_CONTENT = {"application/problem+json": {"schema": ProblemDetails.model_json_schema()}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    422: {"description": "Validation Error", "content": _CONTENT},
    "default": {"description": "Error", "content": _CONTENT},
}


class Problem(HTTPException):
    """Raise it in a route: the status decides the title, ``detail`` says what to do."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)


def install(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(PoolTimeoutError, _busy)
    app.add_exception_handler(OperationalError, _locked)
    app.add_middleware(_UnexpectedErrors)


def _respond(
    status: int,
    detail: str,
    errors: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    problem = ProblemDetails(
        title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors
    )
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        status,
        headers=headers,
        media_type="application/problem+json",
    )


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered
    return _respond(error.status_code, str(error.detail), headers=error.headers)


async def _validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as registered
    errors = [{"loc": item["loc"], "msg": item["msg"]} for item in error.errors()]
    return _respond(422, "The request does not fit: see errors.", errors)


async def _busy(_request: Request, error: Exception) -> Response:
    log.error("no database connection was free", error=str(error))
    detail = "The database is busy: no connection was free in time. Try again."
    return _respond(503, detail, headers={"Retry-After": "1"})


async def _locked(request: Request, error: Exception) -> Response:
    if "database is locked" not in str(error):  # as SQLite says it; all else is unexpected
        raise error
    return await _busy(request, error)


class _UnexpectedErrors:
    """Answers and logs what no handler expects.

    A handler for Exception would not do: Starlette raises it again afterwards, on which uvicorn
    logs it a second time and drops the connection under the client's next request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            if scope["type"] != "http" or started:
                raise
            log.exception("request failed", exc_info=error)
            detail = "The service failed; its log has the reason under this correlation id."
            await _respond(500, detail)(scope, receive, send)
