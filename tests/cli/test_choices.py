from __future__ import annotations

import json
from typing import TYPE_CHECKING

from generator.cli.choices import choices
from generator.template import questions
from tests.support import fastapi_tasks

if TYPE_CHECKING:
    from pathlib import Path


def test_table_shows_every_promise_of_every_backend(checkout: Path, tmp_path: Path) -> None:
    """The table has a column per backend that can be chosen and a row per promise."""
    shown = fastapi_tasks(checkout, tmp_path, "choices", COLUMNS="600").stdout

    data = choices()
    for name, backend in data["backends"].items():
        assert name in shown
        assert backend["sentence"] in shown
    for promise in data["promises"].values():
        assert promise.replace("**", "") in shown
    assert shown.splitlines()[-1].startswith("Next: fastapi-tasks new DEST")


def test_json_is_the_same_table(checkout: Path, tmp_path: Path) -> None:
    """Programs get the data that the table shows."""
    done = fastapi_tasks(checkout, tmp_path, "choices", "--json")

    assert json.loads(done.stdout) == choices()


def test_only_what_can_be_chosen_is_listed() -> None:
    """The columns are the choices of copier.yml, and each backend keeps to the list of promises."""
    asked = next(q for q in questions.load() if q.name == "task_backend")

    data = choices()
    assert tuple(data["backends"]) == asked.choices
    for backend in data["backends"].values():
        assert list(backend["promises"]) == list(data["promises"])


def test_a_poor_terminal_still_gets_the_table(checkout: Path, tmp_path: Path) -> None:
    """Where a tick cannot be shown a question mark stands, not a crash."""
    done = fastapi_tasks(checkout, tmp_path, "choices", PYTHONIOENCODING="ascii")

    assert done.returncode == 0, done.stderr


def test_version_and_help(checkout: Path, tmp_path: Path) -> None:
    """--version prints a version; the help documents the exit codes."""
    assert fastapi_tasks(checkout, tmp_path, "--version").stdout.strip()
    for arguments in ([], ["--help"], ["new", "--help"]):
        done = fastapi_tasks(checkout, tmp_path, *arguments)
        assert done.returncode == 0
        assert "3 refused" in " ".join(done.stdout.split())
