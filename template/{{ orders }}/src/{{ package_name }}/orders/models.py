"""Products and orders. Prices are whole cents, of which each sum is exact."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, DateTime, String
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils.compat import uuid7

from ..service.database import Base
from ..tasks.message import utc_now


class OrderState(StrEnum):
    PLACED = "placed"
    RESERVED = "reserved"
    OUT_OF_STOCK = "out_of_stock"
    CANCELLED = "cancelled"


OPEN = {OrderState.PLACED, OrderState.RESERVED}


class Product(Base):
    __tablename__ = "products"
    __table_args__ = (CheckConstraint("stock >= 0", name="stock"),)

    sku: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    price: Mapped[int]
    stock: Mapped[int]


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    email: Mapped[str] = mapped_column(String(254))
    items: Mapped[dict[str, int]] = mapped_column(JSON)
    """How many, by SKU."""
    total: Mapped[int] = mapped_column(BigInteger)
    """By the prices at checkout."""
    state: Mapped[str] = mapped_column(String(12), default=OrderState.PLACED)
    tasks: Mapped[dict[str, str]] = mapped_column(JSON)
    """Ids of the tasks that checkout enqueued."""
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=utc_now)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN
