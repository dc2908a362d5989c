"""Whatever a person did or has, and whatever no code foresaw, ends in a sentence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from generator.template import new
from tests.support import child_environment, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Command

NEW = [sys.executable, "-m", "generator", "new", "shop", "--defaults"]
FULL = "Error: What it printed cannot be read or written: No space left on device"


def shell(
    checkout: Path, cwd: Path, line: str, *words: str, **environment: str | None
) -> subprocess.CompletedProcess[str]:
    """Run a line of shell, in which "$@" stands for the words."""
    return subprocess.run(
        ["sh", "-c", line, "sh", *words],
        cwd=cwd,
        env=child_environment(checkout, **environment),
        check=False,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(checkout: Path, tmp_path: Path, closed: str) -> None:
    """What is asked of nobody and told to nobody is done all the same."""
    done = shell(checkout, tmp_path, f'exec "$@" {closed}', *NEW)

    assert (done.returncode, done.stderr) == (0, "")
    assert git(tmp_path / "shop", "status", "--porcelain") == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")  # noqa: PTH110
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("choices", 1, FULL),
        ("choices --json", 1, FULL),
        ("new shop --dry-run --json", 1, FULL),
        ("status nowhere --json", 1, FULL),
        ("undo nowhere --json", 3, "Error: There is no folder"),
    ],
)
def test_a_full_stream(checkout: Path, tmp_path: Path, words: str, code: int, told: str) -> None:
    done = shell(checkout, tmp_path, f'exec "$@" {words} > /dev/full', *NEW[:3])
    assert done.returncode == code
    assert done.stderr.startswith(told)
    assert len(done.stderr.splitlines()) == 2
    unheard = shell(checkout, tmp_path, f'exec "$@" {words} > /dev/full 2>&1', *NEW[:3])
    assert unheard.returncode == code


def test_a_folder_that_is_gone(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    done = shell(checkout, tmp_path, 'cd gone && rmdir ../gone && exec "$@"', *NEW)
    assert (done.returncode, done.stderr.splitlines()) == (
        3,
        ["Error: The folder that you are in is gone.", "Run: cd"],
    )


def test_nobody_at_home(checkout: Path, tmp_path: Path) -> None:
    """Without HOME, and as a user of whom the system knows nothing but the number."""
    alone = ["unshare", "--user", "--map-user=4242", "--map-group=4242"]
    if not shutil.which(alone[0]) or subprocess.run([*alone, "true"], check=False).returncode:
        pytest.skip("this machine has no other users for tests")
    gone: dict[str, str | None] = dict.fromkeys(
        ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "COPIER_SETTINGS_PATH", "COPIER_CACHE_DIR")
    )
    made = shell(checkout, tmp_path, 'exec "$@"', *alone, *NEW, **gone)
    refused = shell(checkout, tmp_path, 'exec "$@"', *alone, *NEW[:4], "~/shop", **gone)

    assert (made.returncode, made.stderr) == (0, "")
    assert refused.returncode == 3
    assert "there is no such home folder" in refused.stderr


def test_a_locale_of_latin_1(checkout: Path, tmp_path: Path) -> None:
    """Paths are bytes: they stay what they are in a locale that takes them for other letters."""
    locale = tmp_path / "locales/en_US.ISO-8859-1"
    locale.parent.mkdir()
    compiled = ["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(locale)]
    if not shutil.which("localedef") or subprocess.run(compiled, check=False).returncode:
        pytest.skip("this machine cannot make a locale")
    (folder := tmp_path / "caf\u00e9").mkdir()
    commands = [f'"$@" {words}' for words in ("status shop", "switch shop --ci none", "undo shop")]
    done = shell(
        checkout,
        folder,
        " && ".join(['"$@" new shop --defaults', *commands]),
        *NEW[:3],
        LOCPATH=str(locale.parent),
        LC_ALL=locale.name,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "shop/README.md").is_file()


@pytest.mark.parametrize(
    "words",
    [
        "new shop --description caf\u00e9",
        "new shop --data project_name=caf\u00e9",
        "switch made --description caf\u00e9",
    ],
)
def test_a_locale_of_ascii(checkout: Path, tmp_path: Path, words: str) -> None:
    """An answer that it cannot read is refused; paths are those that they are, in JSON too."""
    ascii_only = {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}
    folder = tmp_path / "caf\u00e9"
    done = shell(checkout, tmp_path, f'exec "$@" {words}', *NEW[:3], **ascii_only)
    made = shell(checkout, tmp_path, 'exec "$@" --json', *NEW[:4], str(folder), **ascii_only)

    assert done.returncode == 3
    assert "cannot be read in this locale, whose encoding is ascii" in done.stderr
    assert "PYTHONUTF8=1" in done.stderr.splitlines()[1]
    assert made.stdout.isascii()
    assert json.loads(made.stdout)["destination"] == str(folder)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (PermissionError(13, "Permission denied", "/a/file"), "/a/file cannot be read or written"),
        (RecursionError("too deep"), "RecursionError: too deep"),
    ],
)
def test_what_no_code_foresaw(
    command: Command, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    """It says where to report it; with --debug, wherever that stands, also where it arose."""

    def fail(_: new.Request) -> None:
        raise error

    monkeypatch.setattr(new, "new", fail)
    code, _, plain = command(["new", "shop", "--defaults"])
    assert (code, len(plain.splitlines())) == (1, 2)
    assert told in plain
    assert "--debug" in plain
    for words in (["--debug", "new", "shop"], ["new", "shop", "--debug"]):
        _, _, debugged = command([*words, "--defaults"])
        assert "Traceback" in debugged
        assert debugged.endswith(plain)
    _, printed, _ = command(["new", "shop", "--json"])
    assert told in json.loads(printed)["error"]
    assert "/issues" in plain or isinstance(error, OSError)


def test_debug_is_in_the_help(command: Command) -> None:
    assert "--debug" in command(["--help"])[1]
