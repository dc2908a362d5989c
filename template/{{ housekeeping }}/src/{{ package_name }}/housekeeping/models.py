from datetime import date, datetime

from sqlalchemy import DateTime, String
from sqlalchemy.orm import Mapped, mapped_column

from ..service.database import Base


class DailyCount(Base):
    __tablename__ = "daily_counts"

    day: Mapped[date] = mapped_column(primary_key=True)
    """In UTC."""
    table_name: Mapped[str] = mapped_column(String(63), primary_key=True)
    number: Mapped[int]
    """Of the table's rows that were created on that day."""
    counted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
