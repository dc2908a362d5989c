"""Files that the API and the workers share, each there as a whole or not at all.

A name is an id of ours, perhaps with a suffix: never what a client calls its file. To send a file,
answer with FileResponse(path_of(name)), which reads it in chunks.
"""

import os
import re
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from anyio import CancelScope, to_thread

from .settings import ServiceSettings

_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.[a-z0-9]{1,16})?")


class FilesSettings(ServiceSettings):
    files_folder: Path = Path("data/files")
    """One for the API and all workers; if they run on several machines, on a shared volume."""


def path_of(name: str) -> Path:
    """Return where the file of that name is, or would be.

    Raises ValueError unless the name is a UUID, or one and a suffix of letters and digits.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} names no file of ours: take a UUID, with a suffix perhaps.")
    return FilesSettings.load().files_folder / name


def unfinished() -> Path:
    """Return the folder of files that are being written, or were when a process died."""
    return FilesSettings.load().files_folder / "tmp"


@contextmanager
def writing(name: str) -> Iterator[BinaryIO]:
    """Yield a file to write to, in a ``def`` task; it takes its name when the block is done."""
    target = path_of(name)
    file = _begin()
    try:
        yield file
        _keep(file, target)
    finally:
        _clean_up(file)


async def save(name: str, chunks: AsyncIterable[bytes]) -> None:
    """Write a file as its chunks come, none of it on the event loop."""
    target = path_of(name)
    file = await to_thread.run_sync(_begin)
    try:
        async for chunk in chunks:
            await to_thread.run_sync(file.write, chunk)
        await to_thread.run_sync(_keep, file, target)
    finally:
        with CancelScope(shield=True):
            await to_thread.run_sync(_clean_up, file)


async def exist(*names: str) -> bool:
    """Return whether there is a file of each of the names."""
    paths = [path_of(name) for name in names]
    return await to_thread.run_sync(lambda: all(path.is_file() for path in paths))


async def delete(name: str) -> None:
    """Delete the file; that it is gone already is no error."""
    await to_thread.run_sync(partial(path_of(name).unlink, missing_ok=True))


def _begin() -> BinaryIO:
    folder = unfinished()
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / str(uuid4())).open("xb")


def _keep(file: BinaryIO, target: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    Path(file.name).replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name, too, is to outlive a loss of power
    finally:
        os.close(folder)


def _clean_up(file: BinaryIO) -> None:
    file.close()
    Path(file.name).unlink(missing_ok=True)  # unless it has its name
