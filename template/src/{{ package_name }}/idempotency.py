"""Idempotency-Key: a request that a client repeats is answered as the first time, and done once.

After the IETF draft draft-ietf-httpapi-idempotency-key-header: another body under a known key is
a 422. The answer is stored in the transaction of the data, so both exist or neither.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy import DateTime, String, Text, delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from .database import Base
from .problems import Problem
from .tasks import task
from .tasks.message import utc_now
from .unit_of_work import UnitOfWork

KEPT_FOR = timedelta(hours=24)

A = TypeVar("A", bound=BaseModel)


class IdempotentRequest(Base):
    __tablename__ = "idempotent_requests"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of method, path and key."""
    fingerprint: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the body."""
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
        if the key came with another body.
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
                raise Problem(422, "This Idempotency-Key was used with another body.") from None
            return answer.model_validate_json(known.answer)
        return None

    def remember(self, answer: BaseModel) -> None:
        """Keep the answer, with the data, at the commit."""
        if self._row is not None:
            self._row.answer = answer.model_dump_json()


async def _idempotent(
    request: Request, key: Annotated[str | None, Header(alias="Idempotency-Key")] = None
) -> Idempotent:
    scope = f"{request.method} {request.url.path} {key}"
    id_ = hashlib.sha256(scope.encode()).hexdigest() if key else None
    return Idempotent(id_, hashlib.sha256(await request.body()).hexdigest())


IdempotentDep = Annotated[Idempotent, Depends(_idempotent)]


@task(schedule="17 * * * *")
async def forget_old_requests() -> None:
    async with UnitOfWork() as work:
        old = IdempotentRequest.created_at < utc_now() - KEPT_FOR
        await work.session.execute(delete(IdempotentRequest).where(old))
        await work.commit()
