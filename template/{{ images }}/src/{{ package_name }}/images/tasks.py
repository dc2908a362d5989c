from threading import BoundedSemaphore
from uuid import UUID

from ..service import files
from ..tasks import DoNotRetry, task
from .pictures import NotAPictureError, TooManyPixelsError, smaller
from .settings import ImagesSettings

MEDIA_TYPE = "image/webp"  # of the smaller ones, whatever they were made from
_room = BoundedSemaphore(2)  # pictures that a process has in memory at one time


def name_of(image_id: UUID, side: int) -> str:
    return f"{image_id}.{side}"


@task(timeout=120)
def resize(image_id: UUID) -> None:
    """Make the smaller ones; made a second time, each takes the place of its like."""
    try:
        original = files.path_of(str(image_id)).open("rb")
    except FileNotFoundError as error:
        raise DoNotRetry(
            f"The file of image {image_id} is not there: is FILES_FOLDER one for API and workers?"
        ) from error
    try:
        with original, _room:
            for side, picture in smaller(original, ImagesSettings.load().images_max_pixels):
                with files.writing(name_of(image_id, side)) as file:
                    picture.save(file, "WEBP")  # without what the original says of itself
    except (NotAPictureError, TooManyPixelsError) as error:
        raise DoNotRetry(f"Image {image_id}: {error}") from error
