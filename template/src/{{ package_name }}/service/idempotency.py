"""Idempotency-Key: a request that a client repeats is answered as the first time, and done once.

After the IETF draft draft-ietf-httpapi-idempotency-key-header: another query or body under a known
key is a 422. The answer is stored in the transaction of the data, so both exist or neither.

A key is its caller's own: who sends other credentials has other keys. Credentials that change
between a request and its repetition, such as a renewed token, make the repetition a new request;
have ``caller`` return the user's id where the service knows it.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Annotated, TypeVar
from urllib.parse import quote

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy import DateTime, String, Text, delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from ..tasks import task
from ..tasks.message import utc_now
from .database import Base
from .problems import Problem
from .unit_of_work import UnitOfWork

KEPT_FOR = timedelta(hours=24)
CREDENTIALS = ("authorization", "cookie", "x-api-key")

A = TypeVar("A", bound=BaseModel)


class IdempotentRequest(Base):
    __tablename__ = "idempotent_requests"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of caller, method, path and key; credentials go in by their own SHA-256."""
    fingerprint: Mapped[str] = mapped_column(String(64))
    """SHA-256 of query and body."""
    answer: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=utc_now, index=True
    )


class Idempotent:
    """One request, with or without a key; without one, nothing is recalled or remembered."""

    def __init__(self, id_: str | None, fingerprint: str) -> None:
        self._row = IdempotentRequest(id=id_, fingerprint=fingerprint) if id_ else None

    async def recall(self, session: AsyncSession, answer: type[A]) -> A | None:
        """Return the first request's answer; None if this is the first.

        Two at a time: the second waits here for the first one's transaction. Raises Problem 422
        if the key came with another query or body.
        """
        if self._row is None:
            return None
        row_id, fingerprint = self._row.id, self._row.fingerprint
        try:
            async with session.begin_nested():
                session.add(self._row)
        except IntegrityError:
            known = await session.get_one(IdempotentRequest, row_id)
            if known.fingerprint != fingerprint:
                refusal = "This Idempotency-Key was used with another query or body."
                raise Problem(422, refusal) from None
            return answer.model_validate_json(known.answer)
        return None

    def remember(self, answer: BaseModel) -> None:
        """Keep the answer, with the data, at the commit."""
        if self._row is not None:
            self._row.answer = answer.model_dump_json()


async def _idempotent(
    request: Request, key: Annotated[str | None, Header(alias="Idempotency-Key")] = None
) -> Idempotent:
    # Quoted, and with spaces between: no two requests make the same text.
    scope = f"{caller(request)} {request.method} {quote(request.scope['path'])} {key}".lstrip()
    query: bytes = request.scope["query_string"]
    asked = hashlib.sha256(query).digest() if query else b""
    fingerprint = _sha256(asked + await request.body())
    return Idempotent(_sha256(scope.encode()) if key else None, fingerprint)


def caller(request: Request) -> str:
    """Return what tells the callers of one route apart, as a hash: it is stored."""
    sent = [request.headers.getlist(name) for name in CREDENTIALS]
    return _sha256(json.dumps(sent).encode()) if any(sent) else ""


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


IdempotentDep = Annotated[Idempotent, Depends(_idempotent)]


@task(schedule="17 * * * *")
async def forget_old_requests() -> None:
    async with UnitOfWork() as work:
        old = IdempotentRequest.created_at < utc_now() - KEPT_FOR
        await work.session.execute(delete(IdempotentRequest).where(old))
        await work.commit()
