"""A file on its way in: bounded as it comes, known by its content, stored under a name of ours."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from uuid import UUID

from anyio import to_thread
from fastapi import Request, Response, UploadFile
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from ..service import files
from ..service.problems import Problem
from .pictures import NotAPictureError, TooManyPixelsError, media_type
from .settings import ImagesSettings

CHUNK = 256 * 1024  # bytes


class BoundedRoute(APIRoute):
    """Its requests' bodies are read up to IMAGES_MAX_BYTES, whatever length they declare.

    FastAPI's own ``max_body_size`` does not answer with a problem where the length is declared.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_bounded(request: Request) -> Response:
            return await handle(Request(request.scope, _bounded(request)))

        return handle_bounded


def _bounded(request: Request) -> Receive:
    limit = ImagesSettings.load().images_max_bytes
    come = 0
    _refuse_beyond(limit, int(request.headers.get("Content-Length") or 0))

    async def receive() -> Message:
        nonlocal come
        message = await request.receive()
        come += len(message.get("body", b""))
        _refuse_beyond(limit, come)
        return message

    return receive


def _refuse_beyond(limit: int, size: int) -> None:
    if size > limit:
        detail = f"The upload is larger than {limit} bytes: send a smaller picture."
        raise Problem(413, detail, headers={"Connection": "close"})  # the rest is not awaited


async def media_type_of(upload: UploadFile) -> str:
    """Return the type by the content. Raises Problem 415, or 422 if it has too many pixels."""
    limit = ImagesSettings.load().images_max_pixels
    try:
        found = await to_thread.run_sync(media_type, upload.file, limit)
    except NotAPictureError as error:
        raise Problem(415, str(error)) from error
    except TooManyPixelsError as error:
        raise Problem(422, str(error)) from error
    declared = (upload.content_type or "").lower().replace("image/jpg", "image/jpeg")
    if declared.startswith("image/") and declared.partition(";")[0] != found:
        detail = f"The file is declared as {declared}, but is {found}: send it as what it is."
        raise Problem(415, detail)
    return found


async def store(upload: UploadFile, image_id: UUID) -> None:
    await upload.seek(0)
    await files.save(str(image_id), _chunks(upload))


async def _chunks(upload: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await upload.read(CHUNK):
        yield chunk
