"""A project of the first release, lived in, goes to the newest and to each backend in turn."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.template import questions
from tests import projects, support
from tests.change.test_edits import assert_lived_in, live_in
from tests.projects import NEXT, RELEASED, edit

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from tests.support import Command

# Of each test file that needs no worker; `make test-all` takes all.
QUICK = [f"tests/test_{name}.py" for name in ("migrations", "settings", "signup")]
TESTS = [] if "WHOLE_MATRIX" in os.environ else QUICK
MAIN, HEARTBEAT = "src/shop/main.py", "src/shop/heartbeat.py"
CLASH = re.compile(r"^<<<<<<< .*?^=======\n(.*?)^>>>>>>> .*?\n", re.MULTILINE | re.DOTALL)
IN_CONFLICT = re.compile(
    r"^In conflict: 2\n  (\S+): you renamed .*\n  (\S+): you and", re.MULTILINE
)
OLD_IMPORT = re.compile(r"^  (\S+):(\d+): (\S+) → (\S+)$", re.MULTILINE)


@pytest.fixture
def checkout(checkout: Path, tmp_path: Path) -> Path:
    """Give a clone that has the version to come as a release: the journey does not end before."""
    if NEXT in RELEASED:
        return checkout
    support.git(tmp_path, "clone", "--quiet", str(checkout), "checkout")
    projects.release(tmp_path / "checkout", NEXT.removeprefix("v"))
    return tmp_path / "checkout"


def passes(shop: Path, *command: str) -> None:
    """Run it in the project's own environment, as `make` does."""
    done = subprocess.run(
        ["uv", "run", "--quiet", *command],
        cwd=shop,
        env={k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "PYTHONPATH"}},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{' '.join(command)} in {shop}:\n{done.stdout}"


def is_sound(shop: Path) -> None:
    assert_lived_in(shop)
    # uv.lock is the project's own, and new.
    assert not support.git(shop, "status", "--porcelain", "--untracked-files=no")
    passes(shop, "ruff", "format", "--check")
    passes(shop, "ruff", "check")
    passes(shop, "mypy")
    passes(shop, "pytest", "-q", *TESTS)


def settle(shop: Path, printed: str) -> None:
    """Do what was told: their edit in the template's lines, imports by the printed names.

    Of the file that they renamed and the template moved, theirs stays.
    """
    in_conflict = IN_CONFLICT.search(printed)
    assert in_conflict
    assert in_conflict.groups() == (HEARTBEAT, MAIN)
    support.git(shop, "rm", "--force", "--quiet", "src/shop/service/health.py")
    main = shop / MAIN
    main.write_text(CLASH.sub(r"\1", main.read_text()))
    edit(shop, MAIN, "import ABOUT\n", "import ABOUT, heartbeat\n")
    edit(shop, MAIN, "import health, ", "import ")
    old_imports = OLD_IMPORT.findall(printed)
    assert {path for path, *_ in old_imports} == {MAIN, HEARTBEAT}
    for path, _, old, new in old_imports:
        if path == HEARTBEAT:
            edit(shop, path, f"from {old} import", f"from {new} import")
    support.git(shop, "add", MAIN, HEARTBEAT)
    support.git(shop, "commit", "--quiet", "--no-edit")


def test_the_journey(command: Command, tmp_path: Path) -> None:
    """By the README's commands; after each, its checks and tests pass and no edit is lost."""
    shop = tmp_path / "shop"
    readme = (support.ROOT / "README.md").read_text(encoding="utf-8")
    steps = [
        shlex.split(line.replace("../old", "shop"), comments=True)
        for line in re.findall(r"^\.venv/bin/fastapi-tasks (.* \.\./old.*)$", readme, re.MULTILINE)
    ]
    assert RELEASED[0] in ("v" + word for word in steps[0])
    backends: list[str] = []
    start: AbstractSet[str] = set()
    for step in steps:
        code, printed, error = command(step)
        # In conflict is the line that imports a file which they renamed and the template moved.
        assert code == (2 if step[0] == "update" else 0), printed + error
        if step[0] == "new":
            live_in(shop)
        if step == ["update", "shop"]:
            settle(shop, printed)
            assert command(["status", "shop", "--check"])[0] == 0
        if step[0] in {"update", "switch"} and "--dry-run" not in step:
            is_sound(shop)
            backends.append(support.answers(shop)["task_backend"])
            start = start or support.files(shop).keys()
            if backends[-1] == backends[0]:
                assert support.files(shop).keys() >= start

    assert {*backends} == questions.table("backends").keys()
    assert support.answers(shop)["task_backend"] == backends[-2]  # after undo


@pytest.mark.parametrize("path", QUICK)
def test_the_quick_tests_are_there(path: str) -> None:
    """What the journey runs is a file of the template."""
    assert list((support.ROOT / "template").rglob(f"{path.removeprefix('tests/')}*"))
