from typing import NamedTuple

from pydantic import JsonValue
from sqlalchemy import JSON, Double, String
from sqlalchemy.orm import Mapped, mapped_column

from ..service.database import Base

Answer = dict[str, JsonValue]


class Question(NamedTuple):
    feed: str
    subject: str


class FeedAnswer(Base):
    """The last answer to a question. Times are in seconds since 1970."""

    __tablename__ = "feed_answers"

    feed: Mapped[str] = mapped_column(String(20), primary_key=True)
    subject: Mapped[str] = mapped_column(String(80), primary_key=True)
    answer: Mapped[Answer] = mapped_column(JSON)
    asked_at: Mapped[float] = mapped_column(Double, index=True)
    expired_at: Mapped[float] = mapped_column(Double, default=0.0)
    """What was asked before this is not fresh, however young."""
