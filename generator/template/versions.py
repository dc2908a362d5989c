"""The versions of the template that a project came from, old and new."""

from __future__ import annotations

import re
import shutil
import tempfile
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import Version

from generator import git
from generator.template import releases
from generator.template import source as sources
from generator.errors import GeneratorError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Step = Callable[[str], AbstractContextManager[object]]
    """Entered while something is done that may take more than a second; the text says what."""

NEWER_COMMAND = "git pull in the clone that it came from, and install it again"
_SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}


class Versions(ABC):
    """One template, from which the files of any of its versions can be had."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._folder = folder

    def files(self, version: str) -> Path:
        """Give a folder with the template as it was at that version.

        Raises:
            RefusedError: the template has no such version.

        """
        folder = self._folder / re.sub(r"[^\w.-]", "_", version)
        if not folder.exists():
            self._write(version, folder)
        return folder

    @abstractmethod
    def _write(self, version: str, folder: Path) -> None: ...

    @abstractmethod
    def exact(self, ref: str) -> str:
        """Name the version as a project records it.

        Raises:
            RefusedError: the template has no such version.

        """

    @abstractmethod
    def newest(self) -> str: ...

    @abstractmethod
    def is_older(self, version: str, than: str) -> bool: ...


class Carried(Versions):
    """Our own template: its versions came with this command, so no network is needed."""

    def __init__(self, url: str, folder: Path, found: dict[str, Path]) -> None:
        super().__init__(url, folder)
        self._found = found

    def exact(self, ref: str) -> str:
        if (tag := releases.tag(ref)) in self._found:
            return tag
        raise RefusedError(
            f'This command knows no version "{ref}".',
            f"Known: {', '.join(self._found)}. Newer ones: {NEWER_COMMAND}.",
        )

    def newest(self) -> str:
        return releases.newest(self._found) or list(self._found)[-1]

    def is_older(self, version: str, than: str) -> bool:
        order = list(self._found)
        return order.index(version) < order.index(than)

    def files(self, version: str) -> Path:
        found = self._found[version]
        return found if found.is_dir() else super().files(version)

    def _write(self, version: str, folder: Path) -> None:
        releases.unpack(self._found[version], folder)


class Repository(Versions):
    """A template in a git repository: its tags are versions, as for Copier."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(url, folder)
        self._git = folder / "template.git"

    def fetch(self, error: type[GeneratorError]) -> None:
        address = _full(self.url).removeprefix("git+")
        try:
            # From here, as Copier reads a relative path.
            git.run(Path(), "clone", "--quiet", "--bare", "--", address, str(self._git))
        except GeneratorError as failure:
            raise error(
                f"The template at {self.url} cannot be reached: "
                f"{failure.message.partition(': ')[2]}",
                "Check your network and your access; if it has moved, give its new address "
                "with --template.",
            ) from failure

    def exact(self, ref: str) -> str:
        for name in (ref, releases.tag(ref)):
            if git.succeeds(self._git, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
                return self._described(name)
        raise RefusedError(
            f'The template has no version "{ref}".',
            f"{self.url} has: {', '.join(git.tags(self._git)[-8:]) or 'no tags, only HEAD'}.",
        )

    def _described(self, name: str) -> str:
        if name in git.tags(self._git):
            return name
        # As Copier records a commit that is no release.
        return git.run(self._git, "describe", "--tags", "--always", name).strip()

    def newest(self) -> str:
        return sources.newest_tag(self._git) or self.exact("HEAD")

    def is_older(self, version: str, than: str) -> bool:
        if git.run(self._git, "rev-parse", f"{version}^{{}}") == git.run(
            self._git, "rev-parse", f"{than}^{{}}"
        ):
            return False
        numbers = releases.parsed(version), releases.parsed(than)
        if numbers[0] and numbers[1]:
            return numbers[0] < numbers[1]
        return git.succeeds(self._git, "merge-base", "--is-ancestor", version, than)

    def _write(self, version: str, folder: Path) -> None:
        # A name alone would be a branch's for checkout, and a tag's for all else.
        commit = git.run(self._git, "rev-parse", f"{version}^{{commit}}").strip()
        text = ("-c", "core.autocrlf=false", "-c", "core.eol=lf")
        git.run(self._git, *text, "worktree", "add", "--quiet", "--detach", str(folder), commit)
        if (folder / ".gitmodules").is_file():
            git.run(folder, *text, "submodule", "update", "--quiet", "--init", "--recursive")
        for link in [*folder.rglob(".git")]:
            link.unlink()  # as Copier reads it, this is no repository


@contextmanager
def of(source: sources.Source, step: Step = nullcontext) -> Iterator[tuple[Path, str | None]]:
    """Give the files of a template, and the version that a project remembers."""
    if source.plain:
        yield Path(source.url), None
        return
    with _scratch() as folder:
        known: Versions
        if source.carried:
            known = Carried(source.url, folder, sources.carried())
        else:
            known = _fetched(source.url, folder, GeneratorError, step)
        version = known.exact(source.version) if source.version else known.newest()
        yield known.files(version), version


@contextmanager
def opened(
    url: str, recorded: str, *, moved: bool = False, step: Step = nullcontext
) -> Iterator[Versions]:
    """Give the versions of that template; only a foreign or unreleased one is fetched."""
    with _scratch() as folder:
        yield _choose(url, recorded, folder, step, moved=moved)


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="fastapi-tasks-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _choose(url: str, recorded: str, folder: Path, step: Step, *, moved: bool) -> Versions:
    is_own = recorded == sources.unreleased() or _same(url, sources.repository_url())
    if is_own and not moved:
        if is_carried(recorded):
            return Carried(url, folder, sources.carried())
        _refuse_newer(recorded)
    return _fetched(url, folder, RefusedError, step)


def _fetched(url: str, folder: Path, error: type[GeneratorError], step: Step) -> Repository:
    repository = Repository(url, folder)
    # A folder on this machine is read in a moment.
    with step(f"Fetching the template from {url} …") if sources.is_url(url) else nullcontext():
        repository.fetch(error)
    return repository


def is_carried(version: str) -> bool:
    return releases.tag(version) in sources.carried()


def _same(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


def _plain(url: str) -> str:
    host = re.sub(r"^(git\+)?([a-z]+://)?([\w.-]+@)?", "", _full(url))
    return host.replace(":", "/", 1).removesuffix("/").removesuffix(".git").lower()


def _full(url: str) -> str:
    for short, full in _SHORT.items():
        if url.startswith(short):
            return url.replace(short, full, 1)
    return url


def _refuse_newer(recorded: str) -> None:
    version, newest = releases.parsed(recorded), releases.newest(sources.carried())
    if version and newest and version > Version(newest):
        raise RefusedError(
            f"The project is of version {recorded}, this command of {newest}.",
            f"Use a newer command: {NEWER_COMMAND}.",
        )
