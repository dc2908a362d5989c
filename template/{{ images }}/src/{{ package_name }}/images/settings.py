from pydantic import Field

from ..service.settings import ServiceSettings


class ImagesSettings(ServiceSettings):
    images_max_bytes: int = Field(default=10_000_000, gt=0)
    """Of an upload as it is sent, with the form around the file."""
    images_max_pixels: int = Field(default=25_000_000, gt=0, le=89_000_000)
    """More are not decoded: each may take 16 bytes of memory. Pillow itself takes no more than 89
    million."""
