"""The stock of products: an order takes it once, and gives it back once.

Whoever changes either locks the order's row first, and its state tells what was done already. The
rows of products are locked in one order, so that no two transactions wait for each other.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from .models import Order, Product


async def lock_order(session: AsyncSession, order_id: UUID) -> Order | None:
    """Return it as it is; who asks too waits for the end of this transaction."""
    return await session.get(Order, order_id, with_for_update=True)


async def take(session: AsyncSession, order: Order) -> bool:
    """Take all that is ordered; nothing, and return False, if there is not enough of one."""
    products = await _lock_products(session, order)
    if any(products[sku].stock < quantity for sku, quantity in order.items.items()):
        return False
    for sku, quantity in order.items.items():
        products[sku].stock -= quantity
    return True


async def give_back(session: AsyncSession, order: Order) -> None:
    products = await _lock_products(session, order)
    for sku, quantity in order.items.items():
        products[sku].stock += quantity


async def _lock_products(session: AsyncSession, order: Order) -> dict[str, Product]:
    wanted = Product.sku.in_(order.items)
    found = select(Product).where(wanted).order_by(Product.sku).with_for_update()
    return {product.sku: product for product in await session.scalars(found)}
