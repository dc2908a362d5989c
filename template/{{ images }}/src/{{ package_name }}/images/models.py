from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, String
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from ..service.database import Base
from ..tasks.message import utc_now


class Image(Base):
    __tablename__ = "images"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    media_type: Mapped[str] = mapped_column(String(20))
    """What its content is, whatever the client called it."""
    task_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=utc_now)
