from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from ..service.problems import Problem
from ..service.resources import resources
from ..service.unit_of_work import UnitOfWorkDep
from .models import Product

router = APIRouter(prefix="/products", tags=["orders"])

Sku = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class Offer(BaseModel):
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")
    price: int = Field(ge=0, le=10_000_000)
    """In cents."""
    stock: int = Field(ge=0, le=1_000_000_000)


@router.put("/{sku}")
async def put_product(sku: Sku, body: Offer, work: UnitOfWorkDep) -> Offer:
    """Set what there is, whatever orders have taken of it by now."""
    await work.session.merge(Product(sku=sku, **body.model_dump()))
    try:
        await work.commit()
    except IntegrityError as error:
        raise Problem(409, f"{sku} was added at the same time: try again.") from error
    return body


@router.get("/{sku}")
async def get_product(sku: Sku) -> Offer:
    async with AsyncSession(resources().reading) as session:
        product = await session.get(Product, sku)
    if product is None:
        raise Problem(404, f"There is no product {sku}.")
    return Offer(name=product.name, price=product.price, stock=product.stock)
