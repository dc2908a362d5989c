from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response, UploadFile, status
from fastapi.responses import FileResponse
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from ..service import files
from ..service.problems import Problem
from ..service.resources import resources
from ..service.unit_of_work import UnitOfWorkDep
from ..tasks.router import RETRY_AFTER, accepted
from .models import Image
from .pictures import SIDES
from .tasks import MEDIA_TYPE, name_of, resize
from .upload import BoundedRoute, media_type_of, store

router = APIRouter(prefix="/images", tags=["images"], route_class=BoundedRoute)

# A picture of that address never changes.
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}
State = Literal["processing", "ready", "failed"]


class ImageAccepted(BaseModel):
    image_id: UUID
    task_id: UUID


class ImageStatus(BaseModel):
    id: UUID
    media_type: str
    state: State
    task_id: UUID
    """Of the task that makes the sizes; see GET /tasks/{id}."""
    sizes: dict[int, str]
    """Where each is, by the side in pixels that it does not exceed; none until all are made."""


@router.post("", status_code=status.HTTP_202_ACCEPTED)
async def add_image(file: UploadFile, work: UnitOfWorkDep, response: Response) -> ImageAccepted:
    image_id, media_type = uuid7(), await media_type_of(file)
    await store(file, image_id)
    try:
        receipt = work.enqueue(resize, image_id=image_id)
        work.session.add(Image(id=image_id, media_type=media_type, task_id=receipt.task_id))
        await work.commit()
    except Exception:
        await files.delete(str(image_id))
        raise
    accepted(response, receipt.task_id)
    return ImageAccepted(image_id=image_id, task_id=receipt.task_id)


@router.get("/{image_id}")
async def get_image(image_id: UUID) -> ImageStatus:
    async with AsyncSession(resources().reading) as session:
        image = await session.get(Image, image_id)
    if image is None:
        raise Problem(404, f"No image has the id {image_id}.")
    state = await _state(image)
    made = SIDES if state == "ready" else ()
    return ImageStatus(
        id=image.id,
        media_type=image.media_type,
        state=state,
        task_id=image.task_id,
        sizes={side: f"/images/{image.id}/{side}" for side in made},
    )


async def _state(image: Image) -> State:
    # Asked first: a task that has succeeded has made its files.
    task = await resources().queue.status(image.task_id)
    if await files.exist(*(name_of(image.id, side) for side in SIDES)):
        return "ready"
    return "failed" if task is None or task.finished_at else "processing"


@router.get("/{image_id}/{side}", response_class=FileResponse)
async def get_size(image_id: UUID, side: int) -> FileResponse:
    if side not in SIDES:
        raise Problem(404, f"No size is {side}: there are {', '.join(map(str, SIDES))}.")
    name = name_of(image_id, side)
    if not await files.exist(name) and (image := await get_image(image_id)).state != "ready":
        told = f"This image is not ready but {image.state}: see /tasks/{image.task_id}."
        raise Problem(409, told, headers={"Retry-After": RETRY_AFTER})
    return FileResponse(files.path_of(name), media_type=MEDIA_TYPE, headers=HEADERS)
