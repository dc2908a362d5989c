"""All files or none: staged beside their places, and put there in one go."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from generator.template.destination import STAGING_PREFIX, undisturbed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


def write(files: Mapping[Path, bytes]) -> None:
    """Write them, each to where it leads if it is a link; if one fails, all is as it was."""
    places = {file.resolve(): content for file, content in files.items()}
    before = {place: place.read_bytes() for place in places if place.exists()}
    with ExitStack() as stack:
        for place in places:
            stack.enter_context(_folder(place.parent))
        staged = [(stack.enter_context(_staged(place, places[place])), place) for place in places]
        try:
            with undisturbed():
                for file, place in staged:
                    file.replace(place)
        except BaseException:
            with undisturbed():
                _put_back(places, before)
            raise


def _put_back(places: Iterable[Path], before: Mapping[Path, bytes]) -> None:
    for place in places:
        if place in before:
            place.write_bytes(before[place])
        else:
            place.unlink(missing_ok=True)


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """Make it; what is empty at the end goes."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for each in missing:
            with suppress(OSError):
                each.rmdir()


@contextmanager
def _staged(place: Path, content: bytes) -> Iterator[Path]:
    file = place.with_name(f"{STAGING_PREFIX}{place.name}")
    try:
        file.write_bytes(content)
        if place.exists():
            shutil.copymode(place, file)
        yield file
    finally:
        file.unlink(missing_ok=True)
