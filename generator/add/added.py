"""What was asked for, and what became of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.add.write import write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.add.place import Place


@dataclass(frozen=True)
class Request:
    name: str
    path: Path = Path()
    answers_file: str | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class Added:
    project: str
    written: bool
    added: list[str]
    edited: list[str]
    yours: dict[str, str]
    """What to make one's own, by the file in which it is."""
    next: list[str]
    """Commands to run in the project."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def bring_in(
    place: Place, files: Mapping[str, bytes], yours: Mapping[str, str], *, dry_run: bool
) -> Added:
    """Write files, by their paths in the project; the last is the test of what is new."""
    edited = [name for name in files if (place.path / name).exists()]
    if not dry_run:
        write({place.path / name: content for name, content in files.items()})
    migrate = ["make migrate"] if any(name.startswith("migrations/") for name in files) else []
    return Added(
        project=str(place.path),
        written=not dry_run,
        added=[name for name in files if name not in edited],
        edited=edited,
        yours=dict(yours),
        next=[*migrate, f"uv run pytest {list(files)[-1]}", "make check"],
    )
