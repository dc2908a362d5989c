from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import child_environment, fastapi_tasks, git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import Command

HOSTILE = """
[user]
    name = Ada
    email = ada@example.com
[commit]
    gpgSign = true
[gpg]
    program = false
[core]
    hooksPath = {folder}/hooks
    excludesFile = {folder}/ignore
    autocrlf = true
    safecrlf = true
[init]
    templateDir = {folder}/hooks
    defaultBranch = trunk
"""


@pytest.mark.parametrize(
    "words",
    ["new shop", "update", "switch --ci none", "status", "status --json", "undo"],
)
def test_missing_git(checkout: Path, tmp_path: Path, words: str) -> None:
    """Without git on PATH the error says so."""
    done = fastapi_tasks(checkout, tmp_path, *words.split(), PATH=str(tmp_path))

    assert done.returncode == 1
    assert "git was not found on PATH" in done.stderr + done.stdout
    assert list(tmp_path.iterdir()) == []


def test_hostile_surroundings(checkout: Path, tmp_path: Path) -> None:
    """Global hooks, signing, ignore files and another repository's GIT_DIR change nothing."""
    (tmp_path / "hooks").mkdir()
    (tmp_path / "ignore").write_text("*\n")
    (hook := tmp_path / "hooks" / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (config := tmp_path / "gitconfig").write_text(HOSTILE.format(folder=tmp_path))
    git(tmp_path, "init", "--quiet", "other")

    done = fastapi_tasks(
        checkout,
        tmp_path,
        *("new", "shop", "--defaults"),
        GIT_CONFIG_GLOBAL=str(config),
        GIT_DIR=str(tmp_path / "other" / ".git"),
        GIT_WORK_TREE=str(tmp_path / "other"),
    )

    assert done.returncode == 0, done.stderr
    assert git(tmp_path / "shop", "branch", "--show-current") == "main\n"
    assert ".copier-answers.yml" in git(tmp_path / "shop", "ls-files").split()
    assert os.listdir(tmp_path / "other") == [".git"]  # noqa: PTH208 (names are enough)


@pytest.mark.parametrize(
    ("answers", "fact"),
    [
        ("defaults: {database: oracle}", '"oracle" is not a choice of database'),
        ("- x", "settings file cannot be used"),
    ],
)
def test_bad_copier_settings(checkout: Path, tmp_path: Path, answers: str, fact: str) -> None:
    """A settings file of Copier's that cannot be used is an error in words."""
    (settings := tmp_path / "settings.yml").write_text(answers)

    done = fastapi_tasks(checkout, tmp_path, "new", "shop", COPIER_SETTINGS_PATH=str(settings))

    assert done.returncode in {1, 3}
    assert fact in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [settings]


def test_a_variable_of_git_that_is_none(checkout: Path, tmp_path: Path) -> None:
    """Git itself refuses it, whatever it is told."""
    done = fastapi_tasks(checkout, tmp_path, "new", "shop", "--defaults", GIT_CONFIG_COUNT="abc")

    assert done.returncode == 1
    assert "GIT_CONFIG_COUNT is no number but 'abc'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_date_that_is_none(checkout: Path, tmp_path: Path) -> None:
    """It is told as that, and not as an author whom git does not know."""
    made = fastapi_tasks(checkout, tmp_path, "new", "shop", "--defaults", GIT_AUTHOR_DATE="bad")
    git(tmp_path / "shop", "commit", "--quiet", "--message", "Start")
    words = ("switch", "shop", "--ci", "none")
    refused = fastapi_tasks(checkout, tmp_path, *words, GIT_COMMITTER_DATE="bad")

    assert (made.returncode, refused.returncode) == (0, 1)
    assert "No commit was made: fatal: invalid date format: bad." in made.stdout
    assert "invalid date format: bad" in refused.stderr
    assert git(tmp_path / "shop", "status", "--porcelain") == ""


@pytest.mark.parametrize("step", ["clone", "commit"])
@pytest.mark.parametrize(
    "ending", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_interrupted_half_way(
    checkout: Path,
    tmp_path: Path,
    halting_git: Callable[[str], Path],
    step: str,
    ending: tuple[int, int],
) -> None:
    """Ctrl-C or a kill while it fetches or commits leaves nothing, in place or beside it."""
    (work := tmp_path / "work").mkdir()
    (temporary := tmp_path / "temporary").mkdir()
    fifo = halting_git(step)
    path = f"{fifo.parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "generator", "new", "shop", "--defaults"]
    environment = child_environment(checkout, PATH=path, TMPDIR=str(temporary))
    with subprocess.Popen(
        command, cwd=work, env=environment, start_new_session=True, stderr=subprocess.PIPE
    ) as process:
        assert fifo.read_text() == f"{step}\n"  # comes when git stands at that step
        assert len(list(work.iterdir())) == 1
        os.killpg(process.pid, ending[0])
        assert process.wait(timeout=60) == ending[1]
        assert process.stderr
        assert b"Traceback" not in process.stderr.read()

    assert list(work.iterdir()) == []
    assert list(temporary.iterdir()) == []


def test_a_terminal_that_is_closed(
    checkout: Path, tmp_path: Path, halting_git: Callable[[str], Path]
) -> None:
    """While it shows there what it does: nothing is left, and it ends as by a signal."""
    (work := tmp_path / "work").mkdir()
    (temporary := tmp_path / "temporary").mkdir()
    fifo = halting_git("clone")
    path = f"{fifo.parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "generator", "new", "shop", "--defaults"]
    environment = child_environment(checkout, PATH=path, TMPDIR=str(temporary))
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*command, f"--template=file://{checkout}"],
        cwd=work,
        env=environment,
        start_new_session=True,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        assert fifo.read_text() == "clone\n"
        os.close(ours)
        os.killpg(process.pid, signal.SIGHUP)
        assert process.wait(timeout=60) == 129

    assert list(work.iterdir()) == []
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_that_is_ignored(command: Command, number: signal.Signals) -> None:
    """As by nohup: it stays so."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        assert command(["--version"])[0] == 0
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_interrupted_while_it_loads(checkout: Path, tmp_path: Path) -> None:
    """Ctrl-C before the first line of the command."""
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    path = f"{tmp_path}{os.pathsep}{checkout}"
    done = fastapi_tasks(checkout, tmp_path, "--version", PYTHONPATH=path)
    assert (done.returncode, done.stderr) == (130, "Interrupted: nothing was left behind.\n")


@pytest.fixture
def halting_git(tmp_path: Path) -> Callable[[str], Path]:
    """Give a git that stops at one subcommand and says so in a named pipe."""

    def make(step: str) -> Path:
        (folder := tmp_path / "bin").mkdir()
        os.mkfifo(fifo := folder / "reached")
        (script := folder / "git").write_text(
            "#!/bin/sh\n"
            f'for word; do if [ "$word" = {step} ]; then\n'
            f"  echo {step} > {fifo}; exec sleep 600\n"
            "fi; done\n"
            f'exec {shutil.which("git")} "$@"\n'
        )
        script.chmod(0o755)
        return fifo

    return make
