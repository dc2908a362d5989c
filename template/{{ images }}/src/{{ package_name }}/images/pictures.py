"""What a file shows, and smaller copies of it. Pillow blocks: call this in threads alone."""

import warnings
from collections.abc import Iterator
from typing import IO

from PIL import Image, ImageOps

TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a JPEG with more pictures behind it, as phones make it
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
}
SIDES = (128, 512, 1024)
"""The sizes that are made, in pixels: neither width nor height is more."""

# A warning would be all that Pillow has for what is up to twice its own bound.
warnings.simplefilter("error", Image.DecompressionBombWarning)


class NotAPictureError(Exception):
    pass


class TooManyPixelsError(Exception):
    pass


def media_type(file: IO[bytes], max_pixels: int) -> str:
    """Return the type by the content's first bytes; nothing is decoded.

    Raises NotAPictureError and TooManyPixelsError.
    """
    return TYPES[str(_opened(file, max_pixels).format)]


def smaller(file: IO[bytes], max_pixels: int) -> Iterator[tuple[int, Image.Image]]:
    """Yield each of SIDES with the picture, shrunk to it: upright, of an animation the first.

    It is one picture, shrunk further for the next. Raises NotAPictureError, if it is damaged
    too, and TooManyPixelsError.
    """
    picture = _opened(file, max_pixels)
    try:
        picture = _decoded(picture)
    except MemoryError:
        raise
    except Exception as error:  # decoders raise what they like
        raise NotAPictureError(f"The picture is damaged: {error}") from error
    for side in sorted(SIDES, reverse=True):
        picture.thumbnail((side, side))
        yield side, picture


def _opened(file: IO[bytes], max_pixels: int) -> Image.Image:
    try:
        picture = Image.open(file, formats=[kind for kind in TYPES if kind != "MPO"])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixelsError(_too_many(max_pixels)) from error
    except (OSError, ValueError) as error:
        raise NotAPictureError("The file is no JPEG, PNG, WebP or GIF picture.") from error
    if picture.width * picture.height > max_pixels:
        raise TooManyPixelsError(_too_many(max_pixels))
    return picture


def _too_many(max_pixels: int) -> str:
    return f"The picture has more than {max_pixels} pixels: send a smaller one."


def _decoded(picture: Image.Image) -> Image.Image:
    largest = (max(SIDES), max(SIDES))
    picture.draft("RGB", largest)  # a JPEG is decoded at about this size, in a fraction of the time
    if picture.mode == "I;16":  # convert() would cut off what is brighter than 255 of 65535
        picture = picture.point(lambda value: value / 256).convert("L")
    picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture.thumbnail(largest)
    return ImageOps.exif_transpose(picture)
