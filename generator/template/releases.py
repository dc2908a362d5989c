"""The released versions that came with this command: a packed copy of the template each."""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SUFFIX = ".tar.gz"


def found(root: Path) -> dict[str, Path]:
    """Give each version's tag and file, oldest first."""
    files = {file.name.removesuffix(SUFFIX): file for file in (root / "releases").glob("v*.gz")}
    return dict(sorted(files.items(), key=lambda item: Version(item[0])))


def tag(version: str) -> str:
    """Write a version as its tag is written: 0.2.0 as v0.2.0; leave any other ref alone."""
    return version if parsed(version) is None or version.startswith("v") else f"v{version}"


def newest(tags: Iterable[str]) -> str | None:
    """Choose the highest version that is not a pre-release."""
    versions = {version: tag for tag in tags if (version := parsed(tag))}
    stable = [version for version in versions if not version.is_prerelease]
    return versions[max(stable)] if stable else None


def parsed(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None


def unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        for entry in tar:
            target = folder / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            if content := tar.extractfile(entry):
                target.write_bytes(content.read())
                target.chmod(entry.mode)
