"""Trees of files as git keeps them: a path, its mode and the id of its content."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from generator import git
from generator.change import overlooked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True)
class Entry:
    mode: str
    oid: str

    @property
    def is_file(self) -> bool:
        """A file, and not a link or another repository."""
        return self.mode.startswith("100")


Tree = dict[str, Entry]


def of_commit(repository: Path, commit: str, prefix: str) -> Tree:
    listed = git.call(repository, "ls-tree", "-r", "-z", f"{commit}:{prefix}")
    return dict(_entry(line) for line in listed.split(b"\0") if line)


def of_folder(git_dir: Path, folder: Path) -> Tree:
    """Read a folder into the repository's objects."""
    environment = {"GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(folder)}
    with tempfile.TemporaryDirectory(prefix="fastapi-tasks-") as scratch:
        environment["GIT_INDEX_FILE"] = str(Path(scratch) / "index")
        add = ("-c", "core.sparseCheckout=false", "add", "--all", "--force", ".")
        git.call(folder, *add, env=environment)
        listed = git.call(folder, "ls-files", "--stage", "-z", env=environment)
    return dict(_staged(line) for line in listed.split(b"\0") if line)


def contents(repository: Path, entries: Iterable[Entry]) -> dict[str, bytes]:
    """Give the content of each, by its id."""
    oids = sorted({entry.oid for entry in entries})
    asked = "".join(f"{oid}\n" for oid in oids).encode()
    printed = git.call(repository, "cat-file", "--batch", stdin=asked)
    found, at = {}, 0
    for oid in oids:
        end = printed.index(b"\n", at)
        size = int(printed[at:end].rsplit(b" ", 1)[1])
        found[oid] = printed[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return found


def written(repository: Path, texts: Mapping[str, bytes]) -> dict[str, str]:
    """Store each content; give the ids by the same keys."""
    if not texts:
        return {}
    with tempfile.TemporaryDirectory(prefix="fastapi-tasks-") as scratch:
        files = [Path(scratch) / str(number) for number in range(len(texts))]
        for file, text in zip(files, texts.values(), strict=True):
            file.write_bytes(text)
        paths = "".join(f"{file}\n" for file in files).encode()
        arguments = ("hash-object", "-w", "--no-filters", "--stdin-paths")
        oids = git.call(repository, *arguments, stdin=paths).decode().split()
    return dict(zip(texts, oids, strict=True))


def combined(repository: Path, commit: str, changes: Mapping[str, Entry | None]) -> str:
    """Give the id of the commit's tree with those changes made to it."""
    return _written(repository, changes, commit)


def written_tree(repository: Path, tree: Tree) -> str:
    return _written(repository, tree, "--empty")


def _written(repository: Path, changes: Mapping[str, Entry | None], start: str) -> str:
    with tempfile.TemporaryDirectory(prefix="fastapi-tasks-") as scratch:
        env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
        git.call(repository, "read-tree", start, env=env)
        lines = b"".join(index_line(path, entry or gone(start)) for path, entry in changes.items())
        arguments = ("update-index", "-z", "--index-info")
        git.call(repository, *arguments, stdin=lines, env=env)
        return git.run(repository, "write-tree", env=env).strip()


def edited(root: Path, git_dir: Path, head: str, tree: str, prefix: str) -> str:
    """Give the id of that tree with the project's files as they are on disk.

    Files that the index or the commit before has besides are taken in where they are on disk: going
    back to that commit would remove or overwrite them. Edits that git was told to overlook are not.
    """
    before = git.call(root, "ls-tree", "-r", "-z", "--name-only", head)
    staged = git.call(root, "ls-files", "-z")
    hidden = overlooked.find(root).all
    names = (os.fsdecode(name) for name in (before + staged).split(b"\0") if name)
    besides = {name for name in names if name.startswith(prefix)} - hidden
    there = {os.fsencode(file) for name in besides for file in on_disk(root, name)}
    with tempfile.TemporaryDirectory(prefix="fastapi-tasks-") as scratch:
        env = {"GIT_DIR": str(git_dir), "GIT_INDEX_FILE": str(Path(scratch) / "index")}
        git.call(root, "read-tree", tree, env=env)
        if hidden:
            overlooked.mark(root, hidden & of_commit(root, tree, "").keys(), env)
        git.call(root, "add", "--update", "--", prefix or ".", env=env)
        given = ("update-index", "--add", "--replace", "-z", "--stdin")
        git.call(root, *given, stdin=b"\0".join(there), env=env)
        return git.run(root, "write-tree", env=env).strip()


def on_disk(root: Path, name: str) -> Iterator[str]:
    """Give what lies there: the file, a folder's files, or a file where a folder would be."""
    parts = name.split("/")
    for length in range(1, len(parts) + 1):
        part = "/".join(parts[:length])
        place = root / part
        if not os.path.lexists(place):
            return
        if place.is_symlink() or not place.is_dir() or (place / ".git").exists():
            yield part
            return
    for file in (root / name).rglob("*"):
        if file.is_symlink() or not file.is_dir():
            yield file.relative_to(root).as_posix()


def link_above(root: Path, name: str) -> Path | None:
    """Give the link through which that name leads, if one does."""
    folders = [root / folder for folder in PurePosixPath(name).parents]
    return next((each for each in reversed(folders[:-1]) if each.is_symlink()), None)


def text(file: Path) -> bytes:
    """Read a file as git keeps it: its lines end the same way everywhere."""
    if file.is_symlink():
        return os.fsencode(file.readlink())
    return file.read_bytes().replace(b"\r\n", b"\n") if file.is_file() else b""


def index_line(path: str, entry: Entry, stage: int = 0) -> bytes:
    return f"{entry.mode} {entry.oid} {stage}\t".encode() + os.fsencode(path) + b"\0"


def gone(commit: str) -> Entry:
    """Give what stands for a file that is not there, in the repository of that commit."""
    return Entry("0", "0" * len(commit))


def _entry(line: bytes) -> tuple[str, Entry]:
    about, _, path = line.partition(b"\t")
    mode, _, oid = about.decode().split()
    return os.fsdecode(path), Entry(mode, oid)


def _staged(line: bytes) -> tuple[str, Entry]:
    about, _, path = line.partition(b"\t")
    mode, oid, _ = about.decode().split()
    return os.fsdecode(path), Entry(mode, oid)
