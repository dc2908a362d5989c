from datetime import date, datetime
from uuid import UUID

from sqlalchemy import DateTime, String
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from ..service.database import Base
from ..tasks.message import utc_now


class Report(Base):
    __tablename__ = "reports"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    kind: Mapped[str] = mapped_column(String(63))
    format: Mapped[str] = mapped_column(String(3))
    first_day: Mapped[date]
    last_day: Mapped[date]
    """Of the period, in UTC."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=utc_now)
    written_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    removed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @property
    def file_name(self) -> str:
        """In the store."""
        return f"{self.id}.{self.format}"
