"""Projects to update and switch: made from released versions, lived in, and compared."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from generator.change import update
from generator.matrix.combinations import product
from generator.template import new, questions, releases
from generator.template.render import Rendered, copied
from tests import support

if TYPE_CHECKING:
    from generator.change.plan import Plan

RELEASED = list(releases.found(support.ROOT))
ABOUT = tomllib.loads((support.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEXT = f"v{Version(ABOUT['version']).base_version}"
"""The version that the work tree is, or will be."""
ENGINE = "src/shop/tasks/engine"
"""Where a project of that version has the modules of its backend."""


def build_template(folder: Path) -> None:
    """Make a repository with a tag for each release, and the work tree as the last version."""
    folder.mkdir()
    support.git(folder, "init", "--quiet", "--initial-branch=main")
    for version, archive in releases.found(support.ROOT).items():
        _clear(folder)
        releases.unpack(archive, folder)
        _tag(folder, version)
    if NEXT not in RELEASED:
        _clear(folder)
        support.snapshot(folder)
        _tag(folder, NEXT)


def _clear(folder: Path) -> None:
    support.git(folder, "rm", "-r", "--quiet", "--ignore-unmatch", ".")


def _tag(folder: Path, version: str) -> None:
    support.commit(folder, version)
    support.git(folder, "tag", version)


def release(folder: Path, version: str) -> None:
    """Release a clone of this repository as that version."""
    changelog = folder / "CHANGELOG.md"
    text = changelog.read_text().replace("## [Unreleased]\n", "## [Unreleased]\n\n- More.\n", 1)
    changelog.write_text(text)
    support.commit(folder, "More")
    subprocess.run(
        [sys.executable, "release.py", version], cwd=folder, check=True, capture_output=True
    )
    support.commit(folder, f"Release {version}")


def make(folder: Path, template: Path, version: str, **answers: str) -> Path:
    answers.setdefault("project_name", "shop")
    new.new(new.Request(folder, answers, str(template), version))
    return folder


def sparse(folder: Path, template: Path) -> Path:
    """Make a repository of two services in which only the first, shop, is checked out."""
    folder.mkdir()
    support.git(folder, "init", "--quiet")
    for name in ("shop", "other"):
        make(folder / name, template, NEXT)
    support.commit(folder, "Start")
    support.git(folder, "sparse-checkout", "set", "--cone", "shop")
    return folder


cache: RenderCache

COMBINATIONS: list[dict[str, str]] = [
    {name: value.shown for name, value in row} for row in product(questions.load())
]


class Renders:
    """Renders of the released versions and of the newest, each made once."""

    def __init__(self, folder: Path, template: Path) -> None:
        self._folder = folder
        self._template = template

    def files(self, answers: dict[str, str], version: str = NEXT) -> dict[str, bytes]:
        return support.files(self._made(version, answers))

    def project(self, folder: Path, version: str = NEXT, **answers: str) -> Path:
        """Copy a project with its repository."""
        return Path(shutil.copytree(self._made(version, answers), folder, symlinks=True))

    def _made(self, version: str, answers: dict[str, str]) -> Path:
        said = ",".join(f"{name}={answer}" for name, answer in answers.items())
        folder = self._folder / version / (said or "defaults")
        if not folder.exists():
            make(folder, self._template, version, **answers)
        return folder


class RenderCache:
    """Stands in for the call to Copier, and makes it once for each version and answers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Rendered] = {}

    def __call__(self, template: Path, folder: Path, given: dict[str, Any], **how: Any) -> Rendered:
        how.pop("prefer", None)  # nobody prefers anything here
        key = f"{template.name}-{json.dumps([given, how], sort_keys=True)}"
        kept = self._folder / hashlib.sha256(key.encode()).hexdigest()
        if key not in self._made:
            self._made[key] = copied(template, kept, given, **how)
        shutil.copytree(kept, folder)
        return self._made[key]


def name(answers: dict[str, Any]) -> str:
    return "-".join(map(str, answers.values()))


def texts(project: Path) -> dict[str, bytes]:
    """Give the files as git keeps them: .gitattributes makes their lines end alike."""
    return {path: text.replace(b"\r\n", b"\n") for path, text in support.files(project).items()}


def head(project: Path) -> str:
    return support.git(project, "rev-parse", "HEAD").strip()


def is_clean(project: Path) -> bool:
    return not support.git(project, "status", "--porcelain").strip()


def conflicting(shop: Path, branch: str = "", engine: str = ENGINE) -> Plan:
    """Switch to RQ where the old backend's adapter was edited."""
    (shop / engine / "background.py").write_text("# all mine\n")
    support.commit(shop, "Mine")
    return update.switch(update.Request(shop, {"task_backend": "rq"}, branch=branch))


def edit(project: Path, path: str, old: str, new_text: str) -> None:
    file = project / path
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
    file.write_text(text.replace(old, new_text), encoding="utf-8")


def copier(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run plain Copier as Renovate and users do."""
    return subprocess.run(
        ["copier", *arguments], cwd=project, check=False, capture_output=True, text=True
    )
