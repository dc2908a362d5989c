from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import fastapi_tasks

if TYPE_CHECKING:
    from tests.support import Command


@pytest.mark.parametrize(
    ("arguments", "fact", "remedy"),
    [
        (["new", "full"], "exists and is not empty", "Choose a new folder"),
        (["new", "full/file"], "is a file, not a folder", "another path"),
        (["new", "full/file/below"], "is a file, not a folder", "another path"),
        (["new", "link"], "is a broken link", "another path"),
        (["new", "/proc/shop"], "Nothing can be written in /proc", "another path"),
        (["new", "a:b/shop"], "holds a colon, and uv would not run there", "another path"),
        (["new", "shop\n"], "holds a line break, and no update would work there", "another path"),
        (["new", "a\\b/shop"], "holds a backslash, and ruff would misread", "another path"),
        (["new", "odd/shop"], "holds a colon, and uv would not run there", "another path"),
        (["new", "a", "--package-name", "class"], "keyword of Python", "--package-name"),
        (["new", "a", "--package-name", "json"], "standard library", "--package-name"),
        (["new", "a", "--package-name", "fastapi"], "the service depends on", "--package-name"),
        (["new", "a", "--package-name", "größe"], "use a-z, 0-9 and _", "--package-name"),
        (["new", "a", "--package-name", "../x"], "use a-z, 0-9 and _", "--package-name"),
        (["new", "a", "--package-name", "shop\n"], "use a-z, 0-9 and _", "--package-name"),
        (["new", "a", "--project-name", ""], "The name is empty", "--project-name"),
        (["new", "a", "--data", "databse=sqlite"], "not a question", 'mean "database"?'),
        (["new", "a", "--data", "slug=shop"], "not a question", "Known:"),
        (["new", "a", "--data", "database"], "is not KEY=VALUE", "--data database=sqlite"),
        (["new", "a", "--database", "postgres"], "not a choice", 'mean "postgresql"?'),
        (["new", "a", "--examples", "signup,x"], '"x" is not a choice of examples', "Known:"),
        (["new", "a", "--ci=none", "--data=ci=gitlab"], "answered twice", "once"),
        (["new", "a", "--projct-name", "x"], "--project-name", "--help"),
        (["new"], "Missing argument", "--help"),
        (["nwe", "a"], "nwe", "--help"),
    ],
)
def test_bad_input_is_refused(
    command: Command, tmp_path: Path, arguments: list[str], fact: str, remedy: str
) -> None:
    """Bad input ends with 3, a line that says what is wrong, a line that helps, and no change."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "odd").symlink_to("full:")
    (tmp_path / "full:").mkdir()

    code, out, err = command(arguments)

    assert code == 3
    assert fact in err
    assert remedy in err.splitlines()[-1]
    assert out == ""
    there = sorted(path.name for path in tmp_path.rglob("*"))
    assert there == ["file", "full", "full:", "link", "odd"]


def test_bad_input_in_a_process_of_its_own(checkout: Path, tmp_path: Path) -> None:
    """What Copier refuses while it renders ends in the same way, without a traceback."""
    done = fastapi_tasks(checkout, tmp_path, "new", "a", "--package-name", "../x")

    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_json_reports_errors_on_stdout(checkout: Path, tmp_path: Path) -> None:
    """A program that asked for JSON finds the error there too, a usage error included."""
    for arguments in (["new", "a", "--database=x"], ["new", "--data"], ["new", "a", "--nope"]):
        done = fastapi_tasks(checkout, tmp_path, *arguments, "--json")
        assert done.returncode == 3
        assert done.stderr == ""
        assert set(json.loads(done.stdout)) == {"error", "remedy", "exit_code"}


def test_folder_without_permission(checkout: Path, tmp_path: Path) -> None:
    """A folder that the user may not write in is refused before anything is rendered."""
    if os.geteuid() == 0:
        closed = Path("/proc")  # root may write everywhere else
    else:
        (closed := tmp_path / "closed").mkdir(mode=0o555)
    done = fastapi_tasks(checkout, tmp_path, "new", str(closed / "shop"), "--defaults")
    assert done.returncode == 3, done.stderr
    assert f"Nothing can be written in {closed}: " in done.stderr
