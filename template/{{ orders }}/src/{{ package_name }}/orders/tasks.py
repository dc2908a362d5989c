from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from ..service.mail import send_mail
from ..service.resources import resources
from ..service.unit_of_work import UnitOfWork
from ..tasks import DoNotRetry, Retry, current_message, task
from .models import Order, OrderState
from .settings import OrdersSettings
from .stock import lock_order, take

log = structlog.get_logger(__name__)
PATIENTLY = Retry(max_attempts=6, first_delay=10)


@task(retry=PATIENTLY, timeout=30)
async def send_confirmation(order_id: UUID) -> None:
    order = await _read(order_id)
    if order.is_open:
        lines = [f"{quantity} x {sku}" for sku, quantity in order.items.items()]
        total = f"Total: {order.total // 100}.{order.total % 100:02}"
        text = "\n".join([*lines, total, ""])
        await send_mail(order.email, f"Your order {order.id}", text)


@task(retry=PATIENTLY, timeout=30)
async def send_regrets(order_id: UUID) -> None:
    order = await _read(order_id)
    text = "There is not enough left of what you ordered. You pay nothing.\n"
    await send_mail(order.email, f"Your order {order.id} cannot be delivered", text)


@task(retry=PATIENTLY, timeout=15)
async def notify_warehouse(order_id: UUID) -> None:
    """Tell whether the order is to be delivered, as it is when this runs."""
    url = OrdersSettings.load().warehouse_url
    if url is None:
        log.info("no WAREHOUSE_URL is set, nobody is told")
        return
    order = await _read(order_id)
    body = {
        "event": "order.placed" if order.is_open else "order.dropped",
        "order_id": str(order_id),
        "items": order.items,
    }
    # The receiver sees the same key at each attempt, so that it can ignore a second one.
    headers = {"Idempotency-Key": str(current_message().id)}
    response = await resources().http.post(str(url), json=body, headers=headers)
    response.raise_for_status()


@task(timeout=30)
async def take_stock(order_id: UUID) -> None:
    """Reserve what is ordered, once: a second delivery finds the order in another state."""
    async with UnitOfWork() as work:
        order = await lock_order(work.session, order_id)
        if order is None:
            raise DoNotRetry(f"order {order_id} no longer exists")
        if order.state != OrderState.PLACED:
            return
        if await take(work.session, order):
            order.state = OrderState.RESERVED
        else:
            order.state = OrderState.OUT_OF_STOCK
            work.enqueue(send_regrets, order_id=order_id)
            work.enqueue(notify_warehouse, order_id=order_id)
        await work.commit()


async def _read(order_id: UUID) -> Order:
    async with AsyncSession(resources().reading) as session:
        order = await session.get(Order, order_id)
    if order is None:
        raise DoNotRetry(f"order {order_id} no longer exists")
    return order
