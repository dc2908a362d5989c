"""Where the template comes from, and what the project remembers as the source of its updates."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from generator import git
from generator.template import releases
from generator.errors import RefusedError
from generator.template.questions import ROOT

DISTRIBUTION = "fastapi-tasks-template"
# What git and Copier take for an address rather than a folder.
_URL = re.compile(r"^(gh:|gl:|git\+|git@|[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:)")
_ELSEWHERE = "It remembers {} as its template: elsewhere, give `update` a URL with --template."


@dataclass(frozen=True)
class Source:
    url: str
    """What the project remembers, and what Copier alone reads."""
    version: str | None = None
    """A tag, branch or commit; without one, the newest."""
    ours: bool = False
    """Its questions are those of this very package."""
    note: str = ""
    carried: bool = False
    """The files of that version came with this command."""
    unique: bool = False
    """They are no commit, so nobody else has them."""
    plain: bool = False
    """A folder without versions."""


def is_url(template: str) -> bool:
    return bool(_URL.match(template))


def choose(template: str | None, version: str | None) -> Source:
    if template is None:
        return _own(version)
    if is_url(template):
        return Source(template, version)
    return _local(Path(address(template)), version)


def address(template: str) -> str:
    """Give a template's URL, or its folder as it is called from anywhere."""
    return template if is_url(template) else str(Path(os.path.expanduser(template)).absolute())  # noqa: PTH111 (leaves ~ of nobody)


def _own(version: str | None) -> Source:
    """Take the template that came with this command, or one of the releases that did."""
    if _is_checkout() and (not version or releases.tag(version) not in carried()):
        return _repository(ROOT, version or "HEAD", ours=version in {None, "HEAD"})
    own = releases.tag(own_version()) if _is_checkout() else _installed()
    tag = releases.tag(version or own)
    url = _origin(tag)
    if tag not in carried():
        return Source(url, version)
    unique = "+" in tag
    note = "" if is_url(url) else _ELSEWHERE.format(url)
    if unique:
        note = "It is made of files that are no commit: only this installation can update it."
    return Source(url, tag, ours=tag == own, note=note, carried=True, unique=unique)


def carried() -> dict[str, Path]:
    """Give the versions that came with this command, oldest first: packed, or as a folder."""
    found = releases.found(ROOT)
    return found if _is_checkout() or _installed() in found else {**found, _installed(): ROOT}


def unreleased() -> str:
    """Name what is installed if it is no release; in a checkout, nothing is installed."""
    own = "" if _is_checkout() else _installed()
    return "" if own in releases.found(ROOT) else own


@cache
def _installed() -> str:
    """Name the version that is installed: a release, a commit, or files that are neither."""
    own = releases.tag(own_version())
    commit = ROOT / "commit"  # by hatch_build.py, of what is no release
    if not commit.is_file() and own in releases.found(ROOT):
        return own
    if commit.is_file() and (name := commit.read_text(encoding="utf-8").strip()):
        return name
    content = hashlib.sha256()
    files = [*ROOT.glob("*.yml"), *(f for f in (ROOT / "template").rglob("*") if f.is_file())]
    for file in sorted(file for file in files if "__pycache__" not in file.parts):
        content.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return f"{own}+{content.hexdigest()[:12]}"


def _origin(version: str) -> str:
    """Say where the version can be had from: what was installed, or the public repository."""
    try:
        text = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        text = None
    told: dict[str, Any] = json.loads(text or "{}")
    address = urlsplit(told.get("url", ""))
    if version != unreleased() or "archive_info" in told:
        return repository_url()
    if "vcs_info" in told and address.scheme != "file":
        return f"git+{told['url']}"
    folder = Path(url2pathname(address.path))
    found = git.succeeds(folder, "cat-file", "-e", f"{version}^{{commit}}")
    return str(folder) if found else repository_url()


def _is_checkout() -> bool:
    return (ROOT / ".git").exists()


def _local(path: Path, version: str | None) -> Source:
    if path.is_dir() and ((path / ".git").exists() or path.suffix == ".git"):
        return _repository(path, version or newest_tag(path) or "HEAD")
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
    return Source(str(path), note=note, plain=True)


def _repository(path: Path, ref: str, *, ours: bool = False) -> Source:
    if ref == "HEAD" and (path / ".git").exists() and git.is_dirty(path):
        raise RefusedError(
            f"The template at {path} has uncommitted changes, which no update could find again.",
            "Commit them, or choose another source with --template or --version.",
        )
    return Source(str(path), ref, ours=ours, note=_ELSEWHERE.format(path))


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
    wheel = metadata.metadata(DISTRIBUTION)
    urls = dict(entry.split(", ", 1) for entry in wheel.get_all("Project-URL") or ())
    return wheel["Version"], urls["Repository"]
