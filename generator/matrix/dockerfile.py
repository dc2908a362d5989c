"""The steps of a Dockerfile, taken in a folder that stands for the root of an image."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path, PurePosixPath
from string import Template
from typing import TYPE_CHECKING

from generator import globs
from generator.matrix.environments import link
from generator.matrix.job import FoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

Run = Callable[[list[str], Path, dict[str, str]], object]
PATH = "/usr/local/bin:/usr/bin:/bin"
CONTEXT = ""
# Only root can give files to another user.
SHELL = 'umask 022\nchown() { test "$(id -u)" != 0 || command chown "$@"; }\n'


def build(dockerfile: str, context: Path, folder: Path, run: Run) -> Image:
    """Take all steps, and give the last stage.

    Each stage is built in the same place and then moved away: scripts name the place of their
    Python. What is copied from another image has to be on this machine already.

    Raises:
        FoundError: a step is unknown, copies what is not there, or leaves what nobody can read.

    """
    stages, image, name = {CONTEXT: context}, None, ""
    for step, words in _steps(dockerfile):
        if step == "FROM":
            if image:
                stages[name] = image.root.rename(folder / f"stage {name}")
            image, name = Image(folder / "root", stages, run), words.rpartition(" ")[2]
        elif image:
            image.take(step, words)
    if not image:
        raise FoundError(["Dockerfile: has no FROM"])
    if found := list(image.unreadable()):
        raise FoundError(found)
    return image


def _steps(dockerfile: str) -> Iterator[tuple[str, str]]:
    for line in dockerfile.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            step, _, words = line.strip().partition(" ")
            yield step.upper(), words.strip()


class Image:
    def __init__(self, root: Path, stages: dict[str, Path], run: Run) -> None:
        self.root = root
        self.environment = {"PATH": PATH}
        self.command: list[str] = []
        self.health: list[str] = []
        self.user = 0
        self.home = "/root"
        self._work = "/"
        self._ids: dict[str, str] = {}
        self._stages = stages
        self._run_line = run
        self._make(root)

    def take(self, step: str, words: str) -> None:
        known: dict[str, Callable[[str], object]] = {
            "COPY": self._copy,
            "RUN": self._run,
            "ENV": self._env,
            "WORKDIR": self._workdir,
            "USER": self._user,
            "CMD": self._cmd,
            "HEALTHCHECK": self._healthcheck,
            "EXPOSE": str,
        }
        if step not in known:
            raise FoundError([f"Dockerfile: {step} is a step that {__name__} does not know"])
        known[step](words)

    def place(self, path: str = "") -> Path:
        """Say where a path of the image is on this machine."""
        return self.root / PurePosixPath("/", self._work, path).relative_to("/")

    def unreadable(self) -> Iterator[str]:
        """Yield what the image's user cannot read."""
        for folder, folders, files in os.walk(self.root):
            for path in (Path(folder, name) for name in (*folders, *files)):
                about = path.lstat()
                wanted = 0o005 if stat.S_ISDIR(about.st_mode) else 0o004
                if about.st_uid != self.user and ~about.st_mode & wanted:
                    inside = path.relative_to(self.root)
                    yield f"/{inside}: its mode is {about.st_mode & 0o777:o}, {self.user} reads it"

    def _copy(self, words: str) -> None:
        *sources, to = shlex.split(words)
        origin = CONTEXT
        if sources[0].startswith("--from="):
            origin = sources.pop(0).removeprefix("--from=")
            if origin not in self._stages:
                return
        for source in sources:
            found = sorted(self._stages[origin].glob(source.strip("/")))
            if not found and "*" not in source:
                raise FoundError([f"Dockerfile: COPY {source}: it is not there, or ignored"])
            for path in found:
                # What a step changes is not to be changed in the context, too.
                self._put(path, to, link if origin else shutil.copy2)

    def _put(self, path: Path, to: str, copy: Callable[[str, str], object]) -> None:
        target = self.place(to)
        self._make(target if to.endswith("/") else target.parent)
        if path.is_dir():
            shutil.copytree(path, target, symlinks=True, copy_function=copy, dirs_exist_ok=True)
        else:
            copy(str(path), str(target / path.name if target.is_dir() else target))

    def _run(self, line: str) -> None:
        if line.startswith("useradd "):
            self._add_user(shlex.split(line))
            return
        for name, number in self._ids.items():
            line = re.sub(rf"\bchown {name}\b", f"chown {number}", line)
        self._run_line(["/bin/sh", "-c", SHELL + line], self.place(), self.environment)

    def _add_user(self, words: list[str]) -> None:
        given = dict(pairwise(words))
        self._ids[words[-1]] = given["--uid"]
        home = self.place(given["--home-dir"])
        self._make(home)
        self.home = str(home)
        if os.getuid() == 0:
            os.chown(home, int(given["--uid"]), -1)

    def _env(self, words: str) -> None:
        for pair in shlex.split(words):
            name, _, value = pair.partition("=")
            filled = Template(value).safe_substitute(self.environment)
            self.environment[name] = ":".join(map(self._here, filled.split(":")))

    def _here(self, path: str) -> str:
        there = path.startswith("/") and self.place(path).exists()
        return str(self.place(path)) if there else path

    def _workdir(self, path: str) -> None:
        self._make(self.place(path))
        self._work = path

    def _user(self, number: str) -> None:
        self.user = int(number)

    def _cmd(self, words: str) -> None:
        self.command = json.loads(words)

    def _healthcheck(self, words: str) -> None:
        self.health = json.loads(words.partition("CMD ")[2])

    def _make(self, folder: Path) -> None:
        if not folder.exists():
            self._make(folder.parent)
            folder.mkdir()
            folder.chmod(0o755)


def make_context(project: Path, to: Path) -> Path:
    """Copy what the image may be made of, as if it had been checked out with umask 077."""
    ignored = (project / ".dockerignore").read_text(encoding="utf-8").split()

    def unwanted(folder: str, names: list[str]) -> list[str]:
        inside = Path(folder).relative_to(project)
        paths = {name: (inside / name).as_posix() for name in names}
        return [n for n, path in paths.items() if any(globs.matches(i, path) for i in ignored)]

    shutil.copytree(project, to, ignore=unwanted)
    for path in (to, *to.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)
    return to
