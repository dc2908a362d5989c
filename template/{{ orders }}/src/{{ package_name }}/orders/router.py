from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, ConfigDict, EmailStr, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from ..service.idempotency import IdempotentDep
from ..service.problems import Problem
from ..service.resources import resources
from ..service.unit_of_work import UnitOfWork, UnitOfWorkDep
from .models import Order, OrderState, Product
from .products_router import Sku
from .stock import give_back, lock_order
from .tasks import notify_warehouse, send_confirmation, take_stock

router = APIRouter(prefix="/orders", tags=["orders"])

Quantity = Annotated[int, Field(ge=1, le=1000)]


class Checkout(BaseModel):
    email: EmailStr
    items: dict[Sku, Quantity] = Field(min_length=1, max_length=100)
    """How many, by SKU."""


class OrderAnswer(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    state: OrderState
    items: dict[str, int]
    total: int
    """In cents."""
    tasks: dict[str, UUID]
    """Of the checkout; see GET /tasks/{id}."""


@router.post("", status_code=status.HTTP_201_CREATED)
async def check_out(
    body: Checkout, work: UnitOfWorkDep, response: Response, idempotent: IdempotentDep
) -> OrderAnswer:
    answer = await idempotent.recall(work.session, OrderAnswer)
    if answer is None:
        answer = OrderAnswer.model_validate(await _place(body, work))
        idempotent.remember(answer)
        await work.commit()
    response.headers["Location"] = f"/orders/{answer.id}"
    return answer


async def _place(body: Checkout, work: UnitOfWork) -> Order:
    total = await _price(body.items, work.session)
    order = Order(
        id=uuid7(), email=body.email, items=body.items, total=total, state=OrderState.PLACED
    )
    tasks = {
        "confirmation": work.enqueue(send_confirmation, order_id=order.id),
        "warehouse": work.enqueue(notify_warehouse, order_id=order.id),
        "stock": work.enqueue(take_stock, order_id=order.id),
    }
    order.tasks = {name: str(receipt.task_id) for name, receipt in tasks.items()}
    work.session.add(order)
    return order


async def _price(items: dict[str, int], session: AsyncSession) -> int:
    """Raise Problem for what cannot be had; what others order meanwhile, ``take_stock`` sees."""
    found = await session.scalars(select(Product).where(Product.sku.in_(items)))
    products = {product.sku: product for product in found}
    if unknown := items.keys() - products.keys():
        raise Problem(422, f"There is no product {min(unknown)}.")
    for sku, quantity in items.items():
        if products[sku].stock < quantity:
            raise Problem(409, f"Of {sku} there are {products[sku].stock} in stock: order fewer.")
    return sum(quantity * products[sku].price for sku, quantity in items.items())


@router.get("/{order_id}")
async def get_order(order_id: UUID) -> OrderAnswer:
    async with AsyncSession(resources().reading) as session:
        return OrderAnswer.model_validate(_found(await session.get(Order, order_id), order_id))


@router.post("/{order_id}/cancel")
async def cancel(order_id: UUID, work: UnitOfWorkDep) -> OrderAnswer:
    """Cancel what of the order waits, and give back what it has taken: once, if asked twice."""
    order = _found(await lock_order(work.session, order_id), order_id)
    if order.state == OrderState.OUT_OF_STOCK:
        raise Problem(409, "The order is out of stock: there is nothing to cancel.")
    if order.is_open:
        if order.state == OrderState.RESERVED:
            await give_back(work.session, order)
        order.state = OrderState.CANCELLED
        for task_id in order.tasks.values():
            work.cancel(UUID(task_id))
        work.enqueue(notify_warehouse, order_id=order.id)
        await work.commit()
    return OrderAnswer.model_validate(order)


def _found(order: Order | None, order_id: UUID) -> Order:
    if order is None:
        raise Problem(404, f"No order has the id {order_id}.")
    return order
