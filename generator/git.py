"""The few git commands that this project runs itself, safe from the user's surroundings."""

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
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)

# A user's own settings must not stop, change or fill the first commit: hooks know nothing of
# this project, signing may ask for a passphrase, a global ignore file may drop what was rendered,
# a monitor would keep watching a folder that is about to move.
NEUTRAL = (
    f"core.hooksPath={os.devnull}",
    f"core.excludesFile={os.devnull}",
    "core.fsmonitor=false",
    "core.safecrlf=false",
    "commit.gpgSign=false",
    "gc.auto=0",
    "submodule.recurse=false",
)


def prepare_environment(*, terminal: bool) -> None:
    """Settle what git reads from the environment, here and in Copier, before Copier reads it."""
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


def run(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    return text(call(folder, *arguments, env=env))


def text(printed: bytes) -> str:
    """Decode it so that a path in it still is that path, whatever its bytes are."""
    return printed.decode(errors="surrogateescape")


def change(folder: Path, *arguments: str) -> str:
    """Run git where neither hooks nor settings of the user's may stop it half way."""
    return run(folder, *arguments, env=neutral())


def neutral() -> dict[str, str]:
    """Give the neutral settings as git reads them from its environment."""
    given = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    settings = {"GIT_CONFIG_COUNT": str(given + len(NEUTRAL))}
    for number, setting in enumerate(NEUTRAL, start=given):
        name, _, value = setting.partition("=")
        settings |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return settings


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
        env={**os.environ, **(env or {})},
        capture_output=True,
        check=False,
    )


def _verb(arguments: tuple[str, ...]) -> str:
    return next(word for word in arguments if not word.startswith("-") and "=" not in word)


def complaint(stderr: str) -> str:
    """Pick the line of git's output that says what went wrong."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith(("fatal:", "error:"))]
    full = [line for line in lines if disk.FULL in line]
    # What follows git's first complaint is what it gave up because of that.
    return (full or said[:1] or lines or ["it gave no reason."])[-1]


def require_identity(folder: Path) -> None:
    try:
        for ident in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            # Otherwise git makes an address up from the machine's name.
            run(folder, "-c", "user.useConfigOnly=true", "var", ident)
    except GeneratorError as error:
        raise GeneratorError(
            "git does not know who you are, and a commit needs an author.",
            'Run: git config --global user.name "Your Name"; '
            "git config --global user.email you@example.com",
        ) from error


def is_dirty(folder: Path) -> bool:
    # Asked as Copier asks it, because Copier takes along whatever this shows.
    return bool(run(folder, "status", "--porcelain").strip())


def tags(folder: Path) -> list[str]:
    return run(folder, "tag", "--list").split()


def first_commit(folder: Path, message: str) -> None:
    settings = [word for setting in NEUTRAL for word in ("-c", setting)]
    run(folder, "-c", "init.defaultBranch=main", "init", "--quiet", "--template=")
    run(folder, *settings, "add", "--all")
    run(folder, *settings, "commit", "--quiet", "--message", message)
