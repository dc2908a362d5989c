"""The one way in which git is run here: as the user has it, but for what would get in the way."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from generator import disk
from generator.errors import GeneratorError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Set by the hooks of another repository, from which this command may be called.
OUTER_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ATTR_SOURCE",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)

# Hooks know nothing of this command, and a monitor would keep watching a folder that is about to
# go. A bare repository is none but the copy of a template that this command itself has made. Who
# the author is, whether a commit is signed, and how a server is reached stay the user's.
OVERRIDDEN = {
    "color.ui": "false",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.safecrlf": "false",
    "gc.auto": "0",
    "safe.bareRepository": "all",
    "submodule.recurse": "false",
}


def prepare_environment(*, terminal: bool) -> None:
    """Settle what git reads from the environment, here and in what is run from here."""
    for name in OUTER_REPOSITORY:
        os.environ.pop(name, None)
    if not terminal:
        os.environ.setdefault("GIT_TERMINAL_PROMPT", "0")
        os.environ.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")


def require() -> None:
    if shutil.which("git") is None:
        raise GeneratorError(
            "git was not found on PATH; a project lives in a git repository.",
            "Install git and try again.",
        )


def run(
    folder: Path, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> str:
    return text(call(folder, *arguments, stdin=stdin, env=env))


def text(printed: bytes) -> str:
    """Decode it so that a path in it still is that path, whatever its bytes and the locale are."""
    return os.fsdecode(printed)


def call(
    folder: Path,
    *arguments: str,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Run git in that folder and give what it prints.

    Raises:
        GeneratorError: it failed; its own last words are the message.

    """
    done = ended(folder, *arguments, stdin=stdin, env=env)
    if done.returncode:
        said = complaint(done.stderr.decode(errors="replace"))
        if disk.FULL not in said and disk.is_full(folder):
            said = f"{said} ({disk.FULL})"
        raise GeneratorError(f"git {_verb(arguments)} failed in {folder}: {said}")
    return done.stdout


def succeeds(folder: Path, *arguments: str) -> bool:
    return ended(folder, *arguments).returncode == 0


def ended(
    folder: Path, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments],
        input=stdin,
        env={**os.environ, **_environment(), **(env or {})},
        capture_output=True,
        check=False,
    )


def _environment() -> dict[str, str]:
    """Give the settings that are overridden as git reads them from its environment.

    The words that it prints are read here, so they are English; an empty folder of templates
    is none.
    """
    count = os.environ.get("GIT_CONFIG_COUNT") or "0"
    if not count.isdecimal():
        raise GeneratorError(
            f"GIT_CONFIG_COUNT is no number but {count!r}: git refuses that.",
            "Run: unset GIT_CONFIG_COUNT",
        )
    given = int(count)
    settings = {"GIT_CONFIG_COUNT": str(given + len(OVERRIDDEN))}
    for number, (name, value) in enumerate(OVERRIDDEN.items(), start=given):
        settings |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return settings | {"GIT_TEMPLATE_DIR": "", "LC_ALL": "C"}


def _verb(arguments: tuple[str, ...]) -> str:
    return next(word for word in arguments if not word.startswith("-") and "=" not in word)


def complaint(stderr: str) -> str:
    """Pick the line of git's output that says what went wrong."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith(("fatal:", "error:"))]
    full = [line for line in lines if disk.FULL in line]
    # What follows git's first complaint is what it gave up because of that.
    return (full or said[:1] or lines or ["it gave no reason."])[-1]


def knows_who(folder: Path) -> bool:
    """Tell whether git knows the author of a commit there."""
    # Otherwise it makes an address up from the machine's name.
    asked = ("-c", "user.useConfigOnly=true", "var")
    no_date = {"GIT_AUTHOR_DATE": "", "GIT_COMMITTER_DATE": ""}  # a bad one is another matter
    found = (
        ended(folder, *asked, f"GIT_{who}_IDENT", env=no_date) for who in ("AUTHOR", "COMMITTER")
    )
    return not any(each.returncode for each in found)


IDENTITY = (
    'git config --global user.name "Your Name"; git config --global user.email you@example.com'
)


def require_identity(folder: Path) -> None:
    if not knows_who(folder):
        raise GeneratorError(
            "git does not know who you are, and a commit needs an author.", f"Run: {IDENTITY}"
        )


def commit_tree(folder: Path, tree: str, parent: str, message: str) -> str:
    """Make a commit, signed if the user's settings sign commits there; give its id."""
    asked = ended(folder, "config", "--type=bool", "commit.gpgSign").stdout
    signed = ["--gpg-sign"] if asked.strip() == b"true" else []
    return run(folder, "commit-tree", *signed, tree, "-p", parent, "-m", message).strip()


def is_dirty(folder: Path) -> bool:
    return bool(run(folder, "status", "--porcelain").strip())


def tags(folder: Path) -> list[str]:
    return run(folder, "tag", "--list").split()
