"""FastAPI and SQLAlchemy, as their tutorials have them: the insert that our slice does."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Response
from pydantic import BaseModel, EmailStr
from sqlalchemy import DateTime, String
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+asyncpg:"), pool_size=10
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), default=lambda: datetime.now(UTC)
    )


class SignUp(BaseModel):
    email: EmailStr


class Accepted(BaseModel):
    user_id: UUID


async def get_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


@app.get("/livez")
async def livez() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/bench/without", status_code=202)
async def without(body: SignUp, session: Session, response: Response) -> Accepted:
    return await _inserted(body, session, response)


@app.post("/bench/with", status_code=202)
async def with_tasks(
    body: SignUp, session: Session, response: Response, tasks: BackgroundTasks
) -> Accepted:
    answer = await _inserted(body, session, response)
    tasks.add_task(_nothing)
    tasks.add_task(_nothing)
    return answer


async def _inserted(body: SignUp, session: AsyncSession, response: Response) -> Accepted:
    user = User(email=body.email.lower())
    session.add(user)
    try:
        await session.commit()
    except IntegrityError as error:
        raise HTTPException(409) from error
    response.headers["Location"] = f"/users/{user.id}"
    return Accepted(user_id=user.id)


async def _nothing() -> None:
    pass
