"""Where the template comes from, and what the project remembers as the source of its updates."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from generator import git, releases
from generator.errors import RefusedError
from generator.questions import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

DISTRIBUTION = "fastapi-tasks-template"
# What git and Copier take for an address rather than a folder.
_URL = re.compile(r"^(gh:|gl:|git\+|git@|[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:)")


@dataclass(frozen=True)
class Source:
    path: str
    """What Copier reads."""
    ref: str | None = None
    """What Copier checks out; without one, the newest tag or else HEAD."""
    record: tuple[str, str] | None = None
    """URL and version that the project remembers, where they are not path and ref."""
    ours: bool = False
    """Its questions are those of this very package."""
    remote: bool = False
    note: str = ""
    archive: Path | None = None
    """A packed copy of the template, to be unpacked where Copier reads it."""

    @property
    def url(self) -> str:
        return self.record[0] if self.record else self.path

    @property
    def version(self) -> str | None:
        return self.record[1] if self.record else self.ref


@contextmanager
def unpacked(source: Source) -> Iterator[Source]:
    """Give the source as Copier can read it."""
    if source.archive is None:
        yield source
        return
    with releases.unpacked(source.archive) as folder:
        yield replace(source, path=str(folder), ref=None)


def choose(template: str | None, version: str | None) -> Source:
    if template is None:
        return _own(version)
    if _URL.match(template):
        return Source(template, version, remote=True)
    return _local(Path(address(template)), version)


def address(template: str) -> str:
    """Give a template's URL, or its folder as it is called from anywhere."""
    return template if _URL.match(template) else str(Path(template).expanduser().absolute())


def _own(version: str | None) -> Source:
    """Take the template that came with this command, or one of the releases that did."""
    url, own = repository_url(), releases.tag(own_version())
    tag = releases.tag(version or own)
    if archive := bundled().get(tag) if version or not _is_checkout() else None:
        return Source(url, tag, record=(url, tag), archive=archive, ours=tag == own)
    if _is_checkout():
        return _repository(ROOT, version or "HEAD", ours=version in {None, "HEAD"})
    if tag == own:
        return Source(str(ROOT), record=(url, own), ours=True)
    return Source(url, version, remote=True)


def bundled() -> dict[str, Path]:
    """Give the releases that came with this command."""
    return releases.found(ROOT)


def _is_checkout() -> bool:
    return (ROOT / ".git").exists()


def _local(path: Path, version: str | None) -> Source:
    if path.is_dir() and ((path / ".git").exists() or path.suffix == ".git"):
        tag = None if version else newest_tag(path)
        # Copier would remember any other tag that stands on the same commit.
        record = (str(path), tag) if tag else None
        return replace(_repository(path, version or tag or "HEAD"), record=record)
    if path.is_file():
        return Source(str(path), version)
    if not path.is_dir():
        raise RefusedError(
            f"There is no template at {path}.", "Give --template a git URL or a folder."
        )
    if version:
        raise RefusedError(
            f"{path} is not a git repository, so it has no version {version}.",
            "Leave --version out, or give --template a git repository.",
        )
    note = f"{path} is not a git repository, so the project cannot be updated from it."
    return Source(str(path), note=note)


def _repository(path: Path, ref: str, *, ours: bool = False) -> Source:
    bare = not (path / ".git").exists()
    if ref == "HEAD" and not bare and git.is_dirty(path):
        raise RefusedError(
            f"The template at {path} has uncommitted changes, which no update could find again.",
            "Commit them, or choose another source with --template or --version.",
        )
    note = f"It remembers {path} as its template: elsewhere, give `update` a URL with --template."
    return Source(str(path), ref, ours=ours, note=note)


def newest_tag(path: Path) -> str | None:
    """Choose as Copier does: the highest version that is not a pre-release."""
    return releases.newest(git.tags(path))


def own_version() -> str:
    return _about()[0]


def repository_url() -> str:
    return _about()[1]


@cache
def _about() -> tuple[str, str]:
    """Give version and repository, from pyproject.toml in a checkout, else from the wheel."""
    if (ROOT / "pyproject.toml").is_file():
        import tomllib  # noqa: PLC0415 (seldom needed)

        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return project["version"], project["urls"]["Repository"]
    from importlib.metadata import metadata  # noqa: PLC0415 (seldom needed)

    wheel = metadata(DISTRIBUTION)
    urls = dict(entry.split(", ", 1) for entry in wheel.get_all("Project-URL") or ())
    return wheel["Version"], urls["Repository"]
